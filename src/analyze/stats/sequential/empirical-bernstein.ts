// A confidence sequence for the mean of bounded values that adapts to their actual variance, exact at every
// size: the empirical Bernstein boundary of Howard et al. (2021, theorem 4) with a gamma-exponential mixture.
import { ByteWriter } from '../../../core/bytes.ts';
import { invalidArgument, requireFinite } from '../argument.ts';
import type { Interval } from '../hypothesis/test-result.ts';
import { readForm, readNumber, readWholeNumber } from '../moment/serialized-form.ts';
import type { SequenceOptions } from './confidence-sequence.ts';
import { gammaExponentialBound } from './mixture-boundary.ts';

/**
 * Streaming; O(1) memory. `merge` is sound for parts of one stream that are observed side by side, because
 * each value's prediction came from values before it.
 */
export class EmpiricalBernstein {
  readonly low: number;
  readonly high: number;
  private n = 0;
  private sum = 0;
  private variance = 0;

  /** Values lie in [low, high]. */
  constructor(low = 0, high = 1) {
    requireFinite('low', low);
    requireFinite('high', high);
    if (!(low < high)) throw invalidArgument('low must lie below high.', { low, high });
    requireFinite('high − low', high - low);
    this.low = low;
    this.high = high;
  }

  /** Throws `invalid-argument` for a value outside [low, high]: the guarantee would be gone. */
  update(value: number): void {
    if (!(value >= this.low && value <= this.high)) {
      throw invalidArgument('The value lies outside the bounds.', { value, low: this.low, high: this.high });
    }
    const x = (value - this.low) / (this.high - this.low);
    const predicted = (0.5 + this.sum) / (1 + this.n);
    this.variance += (x - predicted) ** 2;
    this.sum += x;
    this.n++;
  }

  /** Takes in all that `other` has seen. Throws `invalid-argument` for other bounds. */
  merge(other: EmpiricalBernstein): void {
    if (other.low !== this.low || other.high !== this.high) {
      throw invalidArgument('Only equal bounds merge.', { low: other.low, high: other.high });
    }
    this.n += other.n;
    this.sum += other.sum;
    this.variance += other.variance;
  }

  get count(): number {
    return this.n;
  }
  get mean(): number {
    return this.n === 0 ? Number.NaN : this.low + (this.sum / this.n) * (this.high - this.low);
  }

  /** The interval now, within [low, high]; all of it while nothing was seen. */
  interval({ alpha = 0.05, tunedFor }: SequenceOptions): Interval {
    if (this.n === 0) return [this.low, this.high];
    // Tuned at the variance seen would break the guarantee; a quarter of the greatest variance is fixed.
    const vOpt = tunedFor / 16;
    const reach = gammaExponentialBound(this.variance, alpha / 2, vOpt, 1, alpha / 2) / this.n;
    const width = this.high - this.low;
    const mean = this.sum / this.n;
    return [this.low + width * Math.max(0, mean - reach), this.low + width * Math.min(1, mean + reach)];
  }

  /** 41 bytes: version 1, bounds, count, sum and variance process of the values scaled to [0, 1]. */
  serialize(): Uint8Array {
    const writer = new ByteWriter(41).u8(1).f64(this.low).f64(this.high).f64(this.n);
    return writer.f64(this.sum).f64(this.variance).finish();
  }

  /** Throws `unsupported-version`, `truncated-bytes` or `invalid-bytes`. */
  static deserialize(bytes: Uint8Array): EmpiricalBernstein {
    return readForm('an empirical Bernstein sequence', bytes, 1, reader => {
      const result = new EmpiricalBernstein(reader.f64(), reader.f64());
      result.n = readWholeNumber(reader);
      // Sums of so many values in [0, 1], and their rounding.
      const most = result.n * (1 + 1e-9);
      result.sum = readNumber(reader, 0, most);
      result.variance = readNumber(reader, 0, most);
      return result;
    });
  }
}
