// Which pane (a tumbling span of event time, aligned to 1970) each row falls into, as small dense numbers, so that a
// pane is one 32-bit word of a group key. Numbers stay until `reset`.

const cacheSize = 64;

export class PaneColumn {
  readonly everyUs: number;
  /** By row, after `compute`. */
  numbers = new Uint32Array(0);
  /** Start of each pane by number, µs. */
  readonly starts: number[] = [];
  private readonly known = new Map<number, number>();
  // Panes lately seen, by the low bits of their index: events in disorder fall into few panes.
  private readonly cacheStarts = new Float64Array(cacheSize).fill(Number.NaN);
  private readonly cacheNumbers = new Uint32Array(cacheSize);

  constructor(everyUs: number) {
    this.everyUs = everyUs;
  }

  compute(timesUs: Float64Array, rows: number): Uint32Array {
    if (this.numbers.length < rows) this.numbers = new Uint32Array(rows);
    const { numbers, everyUs } = this;
    let start = Number.NaN;
    let end = Number.NaN;
    let number = 0;
    for (let row = 0; row < rows; row++) {
      const timeUs = timesUs[row]!;
      if (!(timeUs >= start && timeUs < end)) {
        start = paneStart(timeUs, everyUs);
        end = start + everyUs;
        number = this.numberOf(start);
      }
      numbers[row] = number;
    }
    return numbers;
  }

  private numberOf(start: number): number {
    const place = Math.abs(start / this.everyUs) % cacheSize;
    if (this.cacheStarts[place] === start) return this.cacheNumbers[place]!;
    let number = this.known.get(start);
    if (number === undefined) {
      number = this.starts.push(start) - 1;
      this.known.set(start, number);
    }
    this.cacheStarts[place] = start;
    this.cacheNumbers[place] = number;
    return number;
  }

  reset(): void {
    this.starts.length = 0;
    this.known.clear();
    this.cacheStarts.fill(Number.NaN);
  }
}

/** Start of the pane of length `everyUs` that holds the time. */
export function paneStart(timeUs: number, everyUs: number): number {
  const start = Math.floor(timeUs / everyUs) * everyUs;
  // The quotient may have been rounded up to a whole number.
  return start > timeUs ? start - everyUs : start;
}
