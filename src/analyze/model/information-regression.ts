// Least squares that adds up: the triangular factor of all examples says everything, and the factor of parts is that of
// the whole. So any partition of the examples, merged in any order, gives the same model (up to rounding).
import { MillraceError } from '../../core/errors.ts';
import { invalidArgument } from '../stats/argument.ts';
import { readCount } from '../stats/moment/serialized-form.ts';
import { TriangularFactor } from '../stats/moment/triangular-factor.ts';
import { incompatibleModels, modelForm, requireCount, requireSize, requireVector } from './model-bytes.ts';

export interface FittedRegression {
  weights: Float64Array;
  /** Of each weight, in its unit; NaN with no more examples than weights, or with a ridge. */
  standardErrors: Float64Array;
  /** Σ (y − θ·x)² / (n − dimension). NaN likewise. */
  residualVariance: number;
}

/**
 * Mergeable ordinary or ridge regression on features of which a constant 1 is the intercept, if there is to be one.
 * (dimension + 1)² numbers of memory, O(dimension²) an update, O(dimension³) a fit or merge. Relative error about the
 * condition number of the features · 1e-16. For p-values and one intercept take `StreamingRegression`.
 */
export class InformationRegression {
  readonly dimension: number;
  private factor: TriangularFactor;
  private readonly row: Float64Array;
  private examples = 0;

  /** `dimension` from 1 to 1,000. Throws `invalid-argument`. */
  constructor(dimension: number) {
    requireCount('dimension', dimension, 1, 1000);
    this.dimension = dimension;
    this.factor = new TriangularFactor(dimension + 1);
    this.row = new Float64Array(dimension + 1);
  }

  /** Examples learned. */
  get count(): number {
    return this.examples;
  }

  /** Takes in one example of numbers up to 1e100. Throws `invalid-argument`, unchanged, otherwise. */
  update(features: ArrayLike<number>, target: number): void {
    requireVector('features', features, this.dimension);
    requireSize('target', target);
    this.row.set(features);
    this.row[this.dimension] = target;
    this.factor.rotateIn(this.row);
    this.examples++;
  }

  /** As if the other's examples had come here too. Throws `incompatible-models`. */
  merge(other: InformationRegression): void {
    if (other.dimension !== this.dimension) throw incompatibleModels('The dimensions differ.');
    this.factor.merge(other.factor);
    this.examples += other.examples;
  }

  /**
   * The minimiser of Σ (y − θ·x)² + ridge · |θ|². Throws `invalid-argument` unless ridge lies in [0, 1e100], and
   * `singular-design` where features depend on each other (or examples are too few) and the ridge does not help.
   */
  fit(ridge = 0): FittedRegression {
    if (!(ridge >= 0 && ridge <= 1e100)) throw invalidArgument('ridge must be from 0 to 1e100.', { ridge });
    const n = this.dimension;
    const factor = this.factor.copy();
    if (ridge > 0) for (let i = 0; i < n; i++) factor.rotateInUnit(i, Math.sqrt(ridge));
    const column = factor.dependentColumn();
    if (column >= 0) {
      throw new MillraceError('singular-design', `Feature ${column} depends linearly on those before it.`, {
        status: 422,
        remedy: 'Leave out the feature, give more examples, or pass a ridge above 0.',
        context: { column, examples: this.examples, dimension: n },
      });
    }
    const isOrdinary = ridge === 0 && this.examples > n;
    const residualVariance = isOrdinary ? factor.pivot(n) ** 2 / (this.examples - n) : Number.NaN;
    const standardErrors = factor.inverseDiagonal().map(variance => Math.sqrt(residualVariance * variance));
    return { weights: factor.coefficients(), standardErrors, residualVariance };
  }

  /** The whole state as versioned bytes; `deserialize` goes on from them alike. */
  serialize(): Uint8Array {
    const writer = modelForm.begin('informationRegression', 2).varint(this.dimension).varint(this.examples);
    return this.factor.write(writer).finish();
  }

  /** Throws `corrupt-model`. */
  static deserialize(bytes: Uint8Array): InformationRegression {
    return modelForm.read(
      bytes,
      'informationRegression',
      reader => {
        const dimension = reader.varint();
        requireCount('dimension', dimension, 1, 1000);
        const examples = readCount(reader);
        const factor = TriangularFactor.read(reader, dimension + 1);
        const model = new InformationRegression(dimension);
        model.examples = examples;
        model.factor = factor;
        return model;
      },
      2,
    );
  }
}
