// Count, mean, variance, skewness and kurtosis of a stream in one pass: Pébay's update and merge formulas
// (Sandia report SAND2008-6212), with every accumulated term compensated (Neumaier).
// Invariant: merging the parts of a stream gives the moments of the whole, to rounding.
import { ByteWriter } from '../../../core/bytes.ts';
import { invalidArgument, requireFinite } from '../argument.ts';
import { roundingErrorOfSum } from './compensated-sum.ts';
import { readForm, readWholeNumber } from './serialized-form.ts';

/** What the tests here accept: the numbers themselves, or their moments where only those were kept. */
export type Sample = ArrayLike<number> | Moments;

/**
 * Streaming central moments up to the fourth. O(1) memory (11 numbers), some 20 ns an update. Relative error
 * of the variance a few units in the last place of what the input's own rounding allows (NIST StRD NumAcc4:
 * 8.3 digits, the most that doubles can carry there). The k-th moment holds while values differ by less than
 * 10^(300 / k); beyond that it is infinite or NaN, the others standing.
 */
export class Moments {
  private n = 0;
  private meanHigh = 0;
  private meanLow = 0;
  private m2 = 0;
  private m2Low = 0;
  private m3 = 0;
  private m3Low = 0;
  private m4 = 0;
  private m4Low = 0;
  private least = Infinity;
  private greatest = -Infinity;

  /** Of the given finite numbers; throws `invalid-argument` otherwise. O(n). */
  static of(values: Iterable<number> | ArrayLike<number>): Moments {
    const result = new Moments();
    for (const value of Symbol.iterator in values ? values : Array.from(values)) result.update(value);
    return result;
  }

  /**
   * Moments known only in summary: `count` ≥ 1 values of the given mean and sample variance (0 for one value).
   * Skewness, kurtosis and extremes are then unknown (NaN).
   */
  static fromSummary(count: number, mean: number, variance: number): Moments {
    if (
      !Number.isSafeInteger(count) ||
      count < 1 ||
      !Number.isFinite(mean) ||
      !(variance >= 0 && variance < Infinity)
    ) {
      throw invalidArgument('A summary needs a whole count ≥ 1, a finite mean and a finite variance ≥ 0.', {
        count,
        mean,
        variance,
      });
    }
    const result = new Moments();
    result.n = count;
    result.meanHigh = mean;
    result.m2 = count > 1 ? variance * (count - 1) : 0;
    result.m3 = result.m4 = result.least = result.greatest = Number.NaN;
    return result;
  }

  /** Takes in one finite value; throws `invalid-argument` for NaN and infinities. */
  update(value: number): void {
    requireFinite('value', value);
    const before = this.n;
    const n = before + 1;
    this.n = n;
    const delta = value - this.meanHigh - this.meanLow;
    const step = delta / n;
    const stepSquared = step * step;
    const spread = delta * step * before;
    const m2 = this.m2 + this.m2Low;
    const m3 = this.m3 + this.m3Low;
    this.addM4(spread * stepSquared * (n * n - 3 * n + 3) + 6 * stepSquared * m2 - 4 * step * m3);
    this.addM3(spread * step * (n - 2) - 3 * step * m2);
    this.addM2(spread);
    this.addMean(step);
    if (value < this.least) this.least = value;
    if (value > this.greatest) this.greatest = value;
  }

  /** Takes in all that `other` has seen; `other` is unchanged. Associative and commutative to rounding. */
  merge(other: Moments): void {
    if (other.n === 0) return;
    if (this.n === 0) {
      this.become(other);
      return;
    }
    const a = this.n;
    const b = other.n;
    const n = a + b;
    const delta = other.meanHigh - this.meanHigh + (other.meanLow - this.meanLow);
    const step = delta / n;
    const [m2a, m2b] = [this.m2 + this.m2Low, other.m2 + other.m2Low];
    const [m3a, m3b] = [this.m3 + this.m3Low, other.m3 + other.m3Low];
    this.addM4(other.m4);
    this.addM4(other.m4Low);
    this.addM4(
      delta * step * step * step * a * b * (a * a - a * b + b * b) +
        6 * step * step * (a * a * m2b + b * b * m2a) +
        4 * step * (a * m3b - b * m3a),
    );
    this.addM3(other.m3);
    this.addM3(other.m3Low);
    this.addM3(delta * step * step * a * b * (a - b) + 3 * step * (a * m2b - b * m2a));
    this.addM2(other.m2);
    this.addM2(other.m2Low);
    this.addM2(delta * step * a * b);
    this.addMean(step * b);
    this.n = n;
    this.least = Math.min(this.least, other.least);
    this.greatest = Math.max(this.greatest, other.greatest);
  }

  private become(other: Moments): void {
    this.n = other.n;
    this.meanHigh = other.meanHigh;
    this.meanLow = other.meanLow;
    this.m2 = other.m2;
    this.m2Low = other.m2Low;
    this.m3 = other.m3;
    this.m3Low = other.m3Low;
    this.m4 = other.m4;
    this.m4Low = other.m4Low;
    this.least = other.least;
    this.greatest = other.greatest;
  }

  private addMean(term: number): void {
    const before = this.meanHigh;
    this.meanHigh = before + term;
    this.meanLow += roundingErrorOfSum(before, term);
  }
  private addM2(term: number): void {
    const before = this.m2;
    this.m2 = before + term;
    this.m2Low += roundingErrorOfSum(before, term);
  }
  private addM3(term: number): void {
    const before = this.m3;
    this.m3 = before + term;
    this.m3Low += roundingErrorOfSum(before, term);
  }
  private addM4(term: number): void {
    const before = this.m4;
    this.m4 = before + term;
    this.m4Low += roundingErrorOfSum(before, term);
  }

  /** Values seen. */
  get count(): number {
    return this.n;
  }
  /** NaN while nothing was seen. */
  get mean(): number {
    return this.n === 0 ? Number.NaN : this.meanHigh + this.meanLow;
  }
  get sum(): number {
    return this.n === 0 ? 0 : this.meanHigh * this.n + this.meanLow * this.n;
  }
  /** Σ(x − mean)², ≥ 0. */
  get sumOfSquares(): number {
    return Math.max(0, this.m2 + this.m2Low);
  }
  /** Sample variance, divisor n − 1; NaN below two values. */
  get variance(): number {
    return this.n < 2 ? Number.NaN : this.sumOfSquares / (this.n - 1);
  }
  /** Population variance, divisor n. */
  get populationVariance(): number {
    return this.n < 1 ? Number.NaN : this.sumOfSquares / this.n;
  }
  get standardDeviation(): number {
    return Math.sqrt(this.variance);
  }
  /** Of the mean: s / √n. */
  get standardError(): number {
    return Math.sqrt(this.variance / this.n);
  }
  /** g₁ = m₃ / m₂^1.5 with divisor n; NaN where all values are equal. */
  get skewness(): number {
    return (Math.sqrt(this.n) * (this.m3 + this.m3Low)) / this.sumOfSquares ** 1.5;
  }
  /** g₂ = m₄ / m₂² − 3 with divisor n: 0 for a normal distribution. */
  get excessKurtosis(): number {
    return (this.n * (this.m4 + this.m4Low)) / this.sumOfSquares ** 2 - 3;
  }
  /** Infinity while nothing was seen. */
  get min(): number {
    return this.least;
  }
  get max(): number {
    return this.greatest;
  }

  /** 89 bytes: version 1, then count and ten doubles, little-endian. */
  serialize(): Uint8Array {
    const writer = new ByteWriter(89).u8(1).f64(this.n).f64(this.meanHigh).f64(this.meanLow);
    writer.f64(this.m2).f64(this.m2Low).f64(this.m3).f64(this.m3Low).f64(this.m4).f64(this.m4Low);
    return writer.f64(this.least).f64(this.greatest).finish();
  }

  /** Throws `unsupported-version`, `truncated-bytes` or `invalid-bytes`. */
  static deserialize(bytes: Uint8Array): Moments {
    return readForm('a set of moments', bytes, 1, reader => {
      const result = new Moments();
      result.n = readWholeNumber(reader);
      result.meanHigh = reader.f64();
      result.meanLow = reader.f64();
      result.m2 = reader.f64();
      result.m2Low = reader.f64();
      result.m3 = reader.f64();
      result.m3Low = reader.f64();
      result.m4 = reader.f64();
      result.m4Low = reader.f64();
      result.least = reader.f64();
      result.greatest = reader.f64();
      const { n, m2, least, greatest } = result;
      if (m2 < 0 || (n > 0 && least > greatest) || (n === 0 && least < greatest)) {
        throw invalidArgument('The moments contradict each other.', { n, m2, least, greatest });
      }
      return result;
    });
  }
}

/** The moments of a sample given either way. */
export function momentsOf(sample: Sample): Moments {
  return sample instanceof Moments ? sample : Moments.of(sample);
}
