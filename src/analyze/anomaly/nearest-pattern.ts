// How unlike everything before it the newest stretch of a series is: the Euclidean distance of the last
// `length` values to the nearest earlier stretch (a streaming discord: the matrix profile's left half, not
// z-normalised; Yeh et al. 2016, doi:10.1109/ICDM.2016.0179). Invariant: squared[lag] is the squared distance
// of the newest stretch to the one `lag` earlier, kept by adding the newest pair and taking off the one that
// left.
import type { ByteWriter } from '../../core/bytes.ts';
import type { StateReader } from './state-bytes.ts';

/** A squared distance is recomputed from its values at least this often, so that rounding cannot build up. */
const refreshEvery = 64;

/** Memory: 3 · history + 2 · length numbers. An update costs about six operations a remembered value. */
export class NearestPattern {
  readonly length: number;
  readonly history: number;
  /** Values oldest first in [start, end); the array is compacted when its end is reached. */
  private readonly values: Float64Array;
  private readonly squared: Float64Array;
  private start = 0;
  private end = 0;
  private phase = 0;

  constructor(length: number, history: number) {
    this.length = length;
    this.history = history;
    this.values = new Float64Array(2 * (history + length));
    this.squared = new Float64Array(history + 1);
  }

  private append(value: number): void {
    if (this.end === this.values.length) {
      this.values.copyWithin(0, this.start, this.end);
      this.end -= this.start;
      this.start = 0;
    }
    this.values[this.end++] = value;
    if (this.end - this.start > this.history + this.length) this.start++;
  }

  private exact(lag: number): number {
    let sum = 0;
    for (let i = this.end - this.length; i < this.end; i++) {
      const difference = this.values[i]! - this.values[i - lag]!;
      sum += difference * difference;
    }
    return sum;
  }

  /**
   * Root mean squared difference of the newest stretch, which ends with `value`, to the nearest earlier
   * stretch that does not overlap it; NaN until there is one.
   */
  update(value: number): number {
    this.append(value);
    this.phase = (this.phase + 1) % refreshEvery;
    const { values, squared, length } = this;
    const newest = this.end - 1;
    const left = newest - length;
    // A lag is complete when its whole stretch is remembered, and was so a step ago when one value more is.
    const complete = this.end - this.start - length;
    let best = Number.POSITIVE_INFINITY;
    const newestLeft = values[left]!;
    for (let lag = 1; lag < complete; lag++) {
      const entering = value - values[newest - lag]!;
      const leaving = newestLeft - values[left - lag]!;
      const gone = leaving * leaving;
      let sum = squared[lag]! + entering * entering - gone;
      // When nearly all of it left, what remains is mostly rounding.
      if (gone > 1e6 * sum) sum = this.exact(lag);
      squared[lag] = sum;
      if (sum < best && lag >= length) best = sum;
    }
    for (let lag = this.phase; lag < complete; lag += refreshEvery) squared[lag] = this.exact(lag);
    if (complete > 0) {
      squared[complete] = this.exact(complete);
      if (complete >= length) best = Math.min(best, squared[complete]!);
    }
    return best === Number.POSITIVE_INFINITY ? Number.NaN : Math.sqrt(best / length);
  }

  write(writer: ByteWriter): void {
    writer.u32(this.length).u32(this.history).u32(this.phase);
    writer.varint(this.end - this.start);
    for (let i = this.start; i < this.end; i++) writer.f64(this.values[i]!);
    for (const sum of this.squared) writer.f64(sum);
  }

  static read(reader: StateReader, length: number, history: number): NearestPattern {
    reader.u32(length, length);
    reader.u32(history, history);
    const phase = reader.u32(0, refreshEvery - 1);
    const values = reader.numbers(history + length);
    reader.need(8 * (history + 1));
    const pattern = new NearestPattern(length, history);
    pattern.phase = phase;
    for (const value of values) pattern.append(value);
    for (let i = 0; i <= history; i++) pattern.squared[i] = reader.number(0, Number.MAX_VALUE);
    return pattern;
  }
}
