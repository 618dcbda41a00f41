// Recursive least squares with exponential forgetting: after each example the exact minimiser of
// Σ λ^(age) (target − θ·x)² + λ^n · ridge · |θ|² (Haykin, Adaptive Filter Theory, chapter 10).
import { invalidArgument, requireFinite, requirePositive } from '../stats/argument.ts';
import {
  beginModel,
  corruptModel,
  readModel,
  readNumber,
  readNumbers,
  requireCount,
  requireVector,
  writeNumbers,
} from './model-bytes.ts';

export interface RecursiveLeastSquaresOptions {
  /** Features an example has, 1 to 1,000. No intercept is added: include a constant 1 for one. */
  dimension: number;
  /** λ in (0, 1]: 1 (the default) forgets nothing; 0.99 remembers about 100 examples. */
  forgetting?: number;
  /** Strength of the pull towards 0 before the first example, > 0; 1e-6 by default. */
  ridge?: number;
}

/** O(dimension²) memory and time an update. Forgetting does not merge; see InformationRegression for sums that do. */
export class RecursiveLeastSquares {
  readonly dimension: number;
  readonly forgetting: number;
  private readonly theta: Float64Array;
  // The inverse of Σ λ^age x xᵀ + ridge, row by row.
  private readonly inverse: Float64Array;
  private readonly gain: Float64Array;

  /** Throws `invalid-argument` for an option outside its range. */
  constructor({ dimension, forgetting = 1, ridge = 1e-6 }: RecursiveLeastSquaresOptions) {
    requireCount('dimension', dimension, 1, 1000);
    if (!(forgetting > 0 && forgetting <= 1))
      throw invalidArgument('forgetting must lie in (0, 1].', { forgetting });
    requirePositive('ridge', ridge);
    this.dimension = dimension;
    this.forgetting = forgetting;
    this.theta = new Float64Array(dimension);
    this.gain = new Float64Array(dimension);
    this.inverse = new Float64Array(dimension * dimension);
    for (let i = 0; i < dimension; i++) this.inverse[i * dimension + i] = 1 / ridge;
  }

  get weights(): Float64Array {
    return this.theta.slice();
  }

  /** θ·x. Throws `invalid-argument` for a wrong length or a number that is not finite. */
  predict(features: ArrayLike<number>): number {
    requireVector('features', features, this.dimension);
    let sum = 0;
    for (let i = 0; i < this.dimension; i++) sum += this.theta[i]! * features[i]!;
    return sum;
  }

  /** Learns one example; returns the error of its prediction before it was learned. Throws `invalid-argument`. */
  update(features: ArrayLike<number>, target: number): number {
    requireFinite('target', target);
    const error = target - this.predict(features);
    const { dimension: n, inverse, gain, forgetting } = this;
    let divisor = forgetting;
    let trace = 0;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += inverse[i * n + j]! * features[j]!;
      gain[i] = sum;
      divisor += sum * features[i]!;
      trace += inverse[i * n + i]!;
    }
    // Forgetting what is not being told anew would let the inverse grow without bound ("wind-up").
    const weaken = trace < traceMax ? forgetting : 1;
    for (let i = 0; i < n; i++) {
      this.theta[i]! += (gain[i]! / divisor) * error;
      for (let j = 0; j <= i; j++) {
        const cell = (inverse[i * n + j]! - (gain[i]! * gain[j]!) / divisor) / weaken;
        inverse[i * n + j] = cell;
        inverse[j * n + i] = cell;
      }
    }
    return error;
  }

  serialize(): Uint8Array {
    const writer = beginModel('recursiveLeastSquares').varint(this.dimension).f64(this.forgetting);
    return writeNumbers(writeNumbers(writer, this.theta), this.inverse).finish();
  }

  /** Throws `corrupt-model`. */
  static deserialize(bytes: Uint8Array): RecursiveLeastSquares {
    return readModel(bytes, 'recursiveLeastSquares', reader => {
      const [dimension, forgetting] = [reader.varint(), readNumber(reader)];
      if (dimension * (dimension + 1) * 8 !== reader.remaining) throw corruptModel('their length is wrong');
      const model = new RecursiveLeastSquares({ dimension, forgetting });
      model.theta.set(readNumbers(reader, dimension));
      model.inverse.set(readNumbers(reader, dimension * dimension));
      return model;
    });
  }
}

const traceMax = 1e15;
