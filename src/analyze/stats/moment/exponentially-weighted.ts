// Mean and variance that forget: a value's weight halves with every half-life of age. The time scale is the
// caller's (event time in microseconds, or a count of events); nothing reads a clock.
// Invariant: late values and merges give what in-order arrival would have given, to rounding.
import { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import { invalidArgument, requireFinite, requirePositive } from '../argument.ts';
import { checkEnd, checkVersion } from './serialized-form.ts';

/** Exponentially weighted moments (West 1979's weighted update). O(1) memory; one exponential an update. */
export class ExponentiallyWeighted {
  readonly halfLife: number;
  private newest = -Infinity;
  private weight = 0;
  private weightOfSquares = 0;
  private center = 0;
  private m2 = 0;

  /** `halfLife` > 0, in the unit of the times given to `update`. */
  constructor(halfLife: number) {
    requirePositive('halfLife', halfLife);
    this.halfLife = halfLife;
  }

  /** Takes in a finite value of time `at`. A value older than the newest counts with its lower weight. */
  update(value: number, at: number): void {
    requireFinite('value', value);
    requireFinite('at', at);
    this.forgetTo(at);
    const w = at >= this.newest ? 1 : this.decay(this.newest - at);
    this.combine(w, w * w, value, 0);
  }

  merge(other: ExponentiallyWeighted): void {
    if (other.halfLife !== this.halfLife) {
      throw invalidArgument('Only equal half-lives merge.', { ours: this.halfLife, theirs: other.halfLife });
    }
    if (other.weight === 0) return;
    const { newest, weight, weightOfSquares, center, m2 } = other;
    this.forgetTo(newest);
    const factor = this.decay(this.newest - newest);
    this.combine(weight * factor, weightOfSquares * factor * factor, center, m2 * factor);
  }

  /** The weight left after `age`. */
  private decay(age: number): number {
    return Math.exp((-age * Math.LN2) / this.halfLife);
  }

  private forgetTo(at: number): void {
    if (at <= this.newest) return;
    const factor = this.decay(at - this.newest);
    this.weight *= factor;
    this.weightOfSquares *= factor * factor;
    this.m2 *= factor;
    this.newest = at;
  }

  private combine(weight: number, weightOfSquares: number, mean: number, m2: number): void {
    const total = this.weight + weight;
    if (total === 0) return;
    const delta = mean - this.center;
    this.m2 += m2 + delta * delta * (this.weight / total) * weight;
    this.center += (delta * weight) / total;
    this.weight = total;
    this.weightOfSquares += weightOfSquares;
  }

  /** Time of the newest value; −Infinity before any. */
  get at(): number {
    return this.newest;
  }
  /** Σ of weights as of the newest value: about halfLife / ln 2 × the rate of arrival. */
  get totalWeight(): number {
    return this.weight;
  }
  /** (Σw)² / Σw²: how many equally weighted values would say as much. */
  get effectiveCount(): number {
    return this.weight === 0 ? 0 : this.weight ** 2 / this.weightOfSquares;
  }
  get mean(): number {
    return this.weight === 0 ? Number.NaN : this.center;
  }
  /** Unbiased under reliability weights: m₂ / (Σw − Σw² / Σw); NaN below two values. */
  get variance(): number {
    const divisor = this.weight - this.weightOfSquares / this.weight;
    return divisor > 0 ? this.m2 / divisor : Number.NaN;
  }
  get standardDeviation(): number {
    return Math.sqrt(this.variance);
  }

  /** 49 bytes: version 1, half-life, newest time, Σw, Σw², mean, m₂. */
  serialize(): Uint8Array {
    const writer = new ByteWriter(49).u8(1).f64(this.halfLife).f64(this.newest).f64(this.weight);
    return writer.f64(this.weightOfSquares).f64(this.center).f64(this.m2).finish();
  }

  static deserialize(bytes: Uint8Array): ExponentiallyWeighted {
    const reader = new ByteReader(bytes);
    checkVersion('an exponentially weighted mean', reader.u8(), 1);
    const result = new ExponentiallyWeighted(reader.f64());
    result.newest = reader.f64();
    result.weight = reader.f64();
    result.weightOfSquares = reader.f64();
    result.center = reader.f64();
    result.m2 = reader.f64();
    checkEnd('an exponentially weighted mean', reader);
    return result;
  }
}
