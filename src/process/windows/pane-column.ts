// Which pane (a tumbling span of event time, aligned to 1970) each row falls into, as small dense numbers, so that a
// pane is one 32-bit word of a group key. Numbers stay until `reset`.
//
// A pane is as long as the finest window that is still kept at its time. Two panes of different length may have the same start
// and number: the shorter one came first, and windows of its length are no longer kept when both are merged.

const cacheSize = 64;

export class PaneColumn {
  /** Lengths of panes, each a multiple of the one before, µs. */
  private readonly lengths: readonly number[];
  /** By length: times from here on lie in windows of that length that are kept, µs. */
  private readonly keptFrom: Float64Array;
  /** By row, after `compute`. */
  numbers = new Uint32Array(0);
  /** Start of each pane by number, µs. */
  readonly starts: number[] = [];
  private readonly known = new Map<number, number>();
  // Panes lately seen, by the low bits of their index: events in disorder fall into few panes.
  private readonly cacheStarts = new Float64Array(cacheSize).fill(Number.NaN);
  private readonly cacheNumbers = new Uint32Array(cacheSize);

  constructor(lengths: readonly number[]) {
    this.lengths = lengths;
    this.keptFrom = new Float64Array(lengths.length).fill(Number.NEGATIVE_INFINITY);
  }

  /** Length of the shortest panes, µs. */
  get everyUs(): number {
    return this.lengths[0]!;
  }

  /** By length: windows that end at or before are not kept. They never come back. */
  keep(cutsUs: readonly number[]): void {
    this.lengths.forEach((length, index) => {
      this.keptFrom[index] = Math.floor(cutsUs[index]! / length) * length;
    });
  }

  compute(timesUs: Float64Array, rows: number): Uint32Array {
    if (this.numbers.length < rows) this.numbers = new Uint32Array(rows);
    const { numbers, lengths, keptFrom } = this;
    let start = Number.NaN;
    let end = Number.NaN;
    let number = 0;
    for (let row = 0; row < rows; row++) {
      const timeUs = timesUs[row]!;
      if (!(timeUs >= start && timeUs < end)) {
        let index = 0;
        let finerFrom = Number.POSITIVE_INFINITY;
        while (index < lengths.length - 1 && timeUs < keptFrom[index]!) {
          finerFrom = Math.min(finerFrom, keptFrom[index]!);
          index++;
        }
        const length = lengths[index]!;
        start = paneStart(timeUs, length);
        end = Math.min(start + length, finerFrom);
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
