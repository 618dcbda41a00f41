// Recursive least squares with exponential forgetting: after each example the exact minimiser of
// Σ λ^age (target − θ·x)² + λ^n · ridge · |θ|². Kept as a triangular factor (QR-RLS; Haykin, Adaptive Filter Theory,
// chapter 15), which no size of feature can make indefinite, as it does the inverse that is usually kept.
import { invalidArgument, requirePositive } from '../stats/argument.ts';
import { readNumber, writeNumbers } from '../stats/moment/serialized-form.ts';
import { TriangularFactor } from '../stats/moment/triangular-factor.ts';
import { incompatibleModels, modelForm, requireCount, requireSize, requireVector } from './model-bytes.ts';

export interface RecursiveLeastSquaresOptions {
  /** Features an example has, 1 to 1,000. No intercept is added: include a constant 1 for one. */
  dimension: number;
  /** λ in (0, 1]: 1 (the default) forgets nothing; 0.99 remembers about 100 examples. */
  forgetting?: number;
  /** Strength of the pull towards 0 before the first example, 1e-100 to 1e100; 1e-6 by default. */
  ridge?: number;
}

/**
 * (dimension + 1)² numbers of memory, O(dimension²) an update. What is forgotten and not told anew keeps at least half
 * the ridge, so that a feature that rests neither blows up nor keeps the others from following.
 */
export class RecursiveLeastSquares {
  readonly dimension: number;
  readonly forgetting: number;
  readonly ridge: number;
  private readonly theta: Float64Array;
  /** Of [features | target]. */
  private factor: TriangularFactor;
  private readonly row: Float64Array;

  /** Throws `invalid-argument` for an option outside its range. */
  constructor({ dimension, forgetting = 1, ridge = 1e-6 }: RecursiveLeastSquaresOptions) {
    requireCount('dimension', dimension, 1, 1000);
    if (!(forgetting > 0 && forgetting <= 1)) {
      throw invalidArgument('forgetting must lie in (0, 1].', { forgetting });
    }
    requirePositive('ridge', ridge);
    if (ridge < 1e-100 || ridge > 1e100)
      throw invalidArgument('ridge must be from 1e-100 to 1e100.', { ridge });
    this.dimension = dimension;
    this.forgetting = forgetting;
    this.ridge = ridge;
    this.theta = new Float64Array(dimension);
    this.row = new Float64Array(dimension + 1);
    this.factor = new TriangularFactor(dimension + 1);
    for (let i = 0; i < dimension; i++) this.factor.rotateInUnit(i, Math.sqrt(ridge));
  }

  /** One a feature, a copy. */
  get weights(): Float64Array {
    return this.theta.slice();
  }

  /** θ·x. Throws `invalid-argument` for a wrong length or a number beyond 1e100. */
  predict(features: ArrayLike<number>): number {
    requireVector('features', features, this.dimension);
    let sum = 0;
    for (let i = 0; i < this.dimension; i++) sum += this.theta[i]! * features[i]!;
    return sum;
  }

  /**
   * Learns one example; returns the error of its prediction before it was learned. Throws `invalid-argument`, unchanged,
   * for a wrong length or a number beyond 1e100.
   */
  update(features: ArrayLike<number>, target: number): number {
    requireSize('target', target);
    const error = target - this.predict(features);
    const { dimension: n, factor, row, forgetting, ridge } = this;
    if (forgetting < 1) factor.scale(Math.sqrt(forgetting));
    row.set(features);
    row[n] = target;
    factor.rotateIn(row);
    const least = Math.sqrt(ridge / 2);
    if (forgetting < 1) {
      for (let i = 0; i < n; i++) if (factor.pivot(i) < least) factor.rotateInUnit(i, Math.sqrt(ridge));
    }
    factor.coefficients(this.theta);
    return error;
  }

  /**
   * As if the other's examples had come here too. O(dimension³). Throws `incompatible-models` where dimension or ridge
   * differ, or either forgets: whose example is older is then not known.
   */
  merge(other: RecursiveLeastSquares): void {
    if (other.dimension !== this.dimension || other.ridge !== this.ridge) {
      throw incompatibleModels('Dimension or ridge differ.');
    }
    if (this.forgetting < 1 || other.forgetting < 1) throw incompatibleModels('Forgetting does not merge.');
    this.factor.merge(other.factor);
    // Both brought the ridge along; it counts once.
    for (let i = 0; i < this.dimension; i++) this.factor.rotateOutUnit(i, Math.sqrt(this.ridge));
    this.factor.coefficients(this.theta);
  }

  /** The whole state as versioned bytes; `deserialize` goes on from them alike. */
  serialize(): Uint8Array {
    const writer = modelForm.begin('recursiveLeastSquares', 2).varint(this.dimension);
    return this.factor.write(writeNumbers(writer, [this.forgetting, this.ridge])).finish();
  }

  /** Throws `corrupt-model`. */
  static deserialize(bytes: Uint8Array): RecursiveLeastSquares {
    return modelForm.read(
      bytes,
      'recursiveLeastSquares',
      reader => {
        const dimension = reader.varint();
        requireCount('dimension', dimension, 1, 1000);
        const [forgetting, ridge] = [readNumber(reader), readNumber(reader)];
        // Half a digit of slack for what merging rounds.
        const factor = TriangularFactor.read(reader, dimension + 1, 0.5 * Math.sqrt(ridge / 2));
        const model = new RecursiveLeastSquares({ dimension, forgetting, ridge });
        model.factor = factor;
        factor.coefficients(model.theta);
        return model;
      },
      2,
    );
  }
}
