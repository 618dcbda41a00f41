// What the exponentially weighted forms share: weights that halve with every half-life of age, and the weighted
// means and products of one or two variables under them (West 1979's update).
// Invariant: late rows and merges give what in-order arrival would have given, to rounding.
import { ByteWriter } from '../../../core/bytes.ts';
import { invalidArgument, requireFinite, requirePositive } from '../argument.ts';
import { readForm, readNumber } from './serialized-form.ts';

/** O(1) memory; one exponential an update. The time scale is the caller's; nothing reads a clock. */
export abstract class ExponentialDecay {
  readonly halfLife: number;
  private newest = -Infinity;
  private weight = 0;
  private weightOfSquares = 0;
  /** Weighted mean of each variable. */
  protected readonly center: Float64Array;
  /** Weighted sums of products of deviations: (0,0), then (0,1), (1,1). */
  protected readonly products: Float64Array;
  private readonly none: Float64Array;

  /** `halfLife` > 0, in the unit of the times given to `update`. */
  protected constructor(halfLife: number, width: 1 | 2) {
    requirePositive('halfLife', halfLife);
    this.halfLife = halfLife;
    this.center = new Float64Array(width);
    this.products = new Float64Array(width === 1 ? 1 : 3);
    this.none = new Float64Array(this.products.length);
  }

  protected push(row: ArrayLike<number>, at: number): void {
    for (let i = 0; i < row.length; i++) requireFinite('value', row[i]!);
    requireFinite('at', at);
    this.forgetTo(at);
    const w = at >= this.newest ? 1 : this.decay(this.newest - at);
    this.combine(w, w * w, row, this.none, 1);
  }

  protected mergeDecayed(other: ExponentialDecay): void {
    if (other.halfLife !== this.halfLife) {
      throw invalidArgument('Only equal half-lives merge.', { ours: this.halfLife, theirs: other.halfLife });
    }
    if (other.weight === 0) return;
    this.forgetTo(other.newest);
    const factor = this.decay(this.newest - other.newest);
    const { weight, weightOfSquares, center, products } = other;
    this.combine(
      weight * factor,
      weightOfSquares * factor * factor,
      center.slice(),
      products.slice(),
      factor,
    );
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
    for (let i = 0; i < this.products.length; i++) this.products[i]! *= factor;
    this.newest = at;
  }

  private combine(
    weight: number,
    weightOfSquares: number,
    center: ArrayLike<number>,
    products: Float64Array,
    factor: number,
  ): void {
    const total = this.weight + weight;
    if (total === 0) return;
    const both = (this.weight / total) * weight;
    for (let i = 0, k = 0; i < this.center.length; i++) {
      const delta = center[i]! - this.center[i]!;
      for (let j = 0; j <= i; j++, k++) {
        this.products[k]! += products[k]! * factor + delta * (center[j]! - this.center[j]!) * both;
      }
    }
    for (let i = 0; i < this.center.length; i++) {
      this.center[i]! += ((center[i]! - this.center[i]!) * weight) / total;
    }
    this.weight = total;
    this.weightOfSquares += weightOfSquares;
  }

  /** Time of the newest row; −Infinity before any. */
  get at(): number {
    return this.newest;
  }
  /** Σ of weights as of the newest row: about halfLife / ln 2 × the rate of arrival. */
  get totalWeight(): number {
    return this.weight;
  }
  /** (Σw)² / Σw²: how many equally weighted rows would say as much. */
  get effectiveCount(): number {
    return this.weight === 0 ? 0 : this.weight ** 2 / this.weightOfSquares;
  }
  /** Unbiased under reliability weights: products / (Σw − Σw² / Σw); NaN below two rows. */
  protected unbiased(product: number): number {
    const divisor = this.weight - this.weightOfSquares / this.weight;
    return divisor > 0 ? product / divisor : Number.NaN;
  }

  /** Version 1, half-life, newest time, Σw, Σw², means, products. */
  serialize(): Uint8Array {
    const numbers = [this.halfLife, this.newest, this.weight, this.weightOfSquares];
    const writer = new ByteWriter(33 + (this.center.length + this.products.length) * 8).u8(1);
    for (const value of [...numbers, ...this.center, ...this.products]) writer.f64(value);
    return writer.finish();
  }

  /** Throws `unsupported-version`, `truncated-bytes` or `invalid-bytes`. */
  protected static read<D extends ExponentialDecay>(bytes: Uint8Array, make: (halfLife: number) => D): D {
    return readForm('an exponentially weighted mean', bytes, 1, reader => {
      const result = make(reader.f64());
      result.newest = readNumber(reader, -Infinity);
      result.weight = readNumber(reader, 0);
      result.weightOfSquares = readNumber(reader, 0);
      for (const part of [result.center, result.products]) {
        for (let i = 0; i < part.length; i++) part[i] = reader.f64();
      }
      if (result.products[0]! < 0 || result.products.at(-1)! < 0) {
        throw invalidArgument('A variance is below 0.');
      }
      return result;
    });
  }
}
