// The most recent values of a series, also kept in ascending order, so that medians, ranks and quantiles of
// the window are read directly. Invariant: `sorted[0..size)` is a permutation of the ring's `size` values.
import type { ByteWriter } from '../../core/bytes.ts';
import type { StateReader } from './state-bytes.ts';

/**
 * A sliding window of at most `capacity` finite numbers. A push costs a binary search and one memory move.
 */
export class SortedWindow {
  readonly capacity: number;
  private readonly ring: Float64Array;
  private readonly sorted: Float64Array;
  private next = 0;
  private count = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.ring = new Float64Array(capacity);
    this.sorted = new Float64Array(capacity);
  }

  get size(): number {
    return this.count;
  }

  /** The value of a rank, 0 the smallest. */
  at(rank: number): number {
    return this.sorted[rank]!;
  }

  /** How many values are below `value`. */
  countBelow(value: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.sorted[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Adds a value; the oldest leaves when the window is full. */
  push(value: number): void {
    if (this.count === this.capacity) {
      const rank = this.countBelow(this.ring[this.next]!);
      this.sorted.copyWithin(rank, rank + 1, this.count);
      this.count--;
    }
    const rank = this.countBelow(value);
    this.sorted.copyWithin(rank + 1, rank, this.count);
    this.sorted[rank] = value;
    this.count++;
    this.ring[this.next] = value;
    this.next = (this.next + 1) % this.capacity;
  }

  /** The middle value, the mean of the two middle ones for an even count; NaN when empty. */
  median(): number {
    if (this.count === 0) return Number.NaN;
    const half = this.count >>> 1;
    return this.count % 2 === 1 ? this.sorted[half]! : (this.sorted[half - 1]! + this.sorted[half]!) / 2;
  }

  /**
   * Median absolute deviation from `centre`, found by walking outwards from it: half the window's size in
   * steps.
   */
  medianDeviation(centre: number): number {
    let right = this.countBelow(centre);
    let left = right - 1;
    let below = 0;
    let last = 0;
    const steps = (this.count >>> 1) + 1;
    for (let i = 0; i < steps; i++) {
      const down = left >= 0 ? centre - this.sorted[left]! : Number.POSITIVE_INFINITY;
      const up = right < this.count ? this.sorted[right]! - centre : Number.POSITIVE_INFINITY;
      below = last;
      last = Math.min(down, up);
      if (down <= up) left--;
      else right++;
    }
    return this.count % 2 === 1 ? last : (below + last) / 2;
  }

  /** The value below which a share of the window lies, interpolated (type 7); NaN when empty. */
  quantile(share: number): number {
    if (this.count === 0) return Number.NaN;
    const position = share * (this.count - 1);
    const rank = Math.floor(position);
    const low = this.sorted[rank]!;
    const high = this.sorted[Math.min(rank + 1, this.count - 1)]!;
    return low + (position - rank) * (high - low);
  }

  /**
   * P(a further value ≥ `value`): the conformal rank (exact for exchangeable values) where it is at least
   * `share`, an exponential tail with the mean excess of the largest values beyond. 1 when empty.
   */
  upperTail(value: number, share: number): number {
    const n = this.count;
    const rank = (n - this.countBelow(value) + 1) / (n + 1);
    const top = Math.floor(share * n);
    if (rank >= share || top < 5) return rank;
    const base = this.sorted[n - top - 1]!;
    let excess = 0;
    for (let i = n - top; i < n; i++) excess += this.sorted[i]! - base;
    if (excess <= 0) return rank;
    return Math.max(Number.MIN_VALUE, share * Math.exp((-(value - base) * top) / excess));
  }

  /** The values, oldest first. */
  values(): number[] {
    const start = this.count === this.capacity ? this.next : 0;
    return Array.from({ length: this.count }, (_, i) => this.ring[(start + i) % this.capacity]!);
  }

  write(writer: ByteWriter): void {
    writer.u32(this.capacity);
    const values = this.values();
    writer.varint(values.length);
    for (const value of values) writer.f64(value);
  }

  /** Reads a window of a capacity in [smallest, largest]. */
  static read(reader: StateReader, smallest: number, largest: number): SortedWindow {
    const capacity = reader.u32(smallest, largest);
    const values = reader.numbers(capacity, -Number.MAX_VALUE, Number.MAX_VALUE);
    const window = new SortedWindow(capacity);
    for (const value of values) window.push(value);
    return window;
  }
}
