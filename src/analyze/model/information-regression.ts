// Least squares in information form: the sums Σ x xᵀ, Σ x y and Σ y² say everything, and sums of parts are the sums of
// the whole. So any partition of the examples, merged in any order, gives the same model (up to rounding).
import { MillraceError } from '../../core/errors.ts';
import { requireFinite } from '../stats/argument.ts';
import {
  beginModel,
  corruptModel,
  incompatibleModels,
  readModel,
  readNumber,
  readNumbers,
  requireCount,
  requireVector,
  writeNumbers,
} from './model-bytes.ts';
import { cholesky, solveFactored } from './symmetric-matrix.ts';

export interface FittedRegression {
  weights: Float64Array;
  /** Of each weight, in its unit; NaN with no more examples than weights, or with a ridge. */
  standardErrors: Float64Array;
  /** Σ (y − θ·x)² / (n − dimension). NaN likewise. */
  residualVariance: number;
}

/** Mergeable ordinary or ridge regression. O(dimension²) memory and time an update, O(dimension³) a fit. */
export class InformationRegression {
  readonly dimension: number;
  private readonly products: Float64Array;
  private readonly moments: Float64Array;
  private squares = 0;
  private examples = 0;

  /** `dimension` from 1 to 1,000; include a constant 1 among the features for an intercept. */
  constructor(dimension: number) {
    requireCount('dimension', dimension, 1, 1000);
    this.dimension = dimension;
    this.products = new Float64Array(dimension * dimension);
    this.moments = new Float64Array(dimension);
  }

  get count(): number {
    return this.examples;
  }

  /** Takes in one example of finite numbers. Throws `invalid-argument`, unchanged, otherwise. */
  update(features: ArrayLike<number>, target: number): void {
    requireVector('features', features, this.dimension);
    requireFinite('target', target);
    const n = this.dimension;
    for (let i = 0; i < n; i++) {
      this.moments[i]! += features[i]! * target;
      for (let j = 0; j < n; j++) this.products[i * n + j]! += features[i]! * features[j]!;
    }
    this.squares += target * target;
    this.examples++;
  }

  /** As if the other's examples had come here too. Throws `incompatible-models`. */
  merge(other: InformationRegression): void {
    if (other.dimension !== this.dimension) throw incompatibleModels('The dimensions differ.');
    for (let i = 0; i < this.products.length; i++) this.products[i]! += other.products[i]!;
    for (let i = 0; i < this.dimension; i++) this.moments[i]! += other.moments[i]!;
    this.squares += other.squares;
    this.examples += other.examples;
  }

  /**
   * The minimiser of Σ (y − θ·x)² + ridge · |θ|², ridge ≥ 0. Squaring the design halves the digits: with a condition
   * number κ of the features, relative error is about κ² · 1e-16. Throws `singular-design` where features depend on
   * each other (or are too few) and the ridge does not help.
   */
  fit(ridge = 0): FittedRegression {
    requireFinite('ridge', ridge);
    const n = this.dimension;
    const matrix = this.products.slice();
    for (let i = 0; i < n; i++) matrix[i * n + i]! += ridge;
    const factor = cholesky(matrix, n);
    if (factor === undefined) {
      throw new MillraceError('singular-design', 'The features depend linearly on each other.', {
        status: 422,
        remedy: 'Leave out a feature, give more examples, or pass a ridge above 0.',
        context: { examples: this.examples, dimension: n },
      });
    }
    const weights = solveFactored(factor, n, this.moments);
    const isOrdinary = ridge === 0 && this.examples > n;
    let residual = this.squares;
    for (let i = 0; i < n; i++) residual -= weights[i]! * this.moments[i]!;
    const residualVariance = isOrdinary ? Math.max(0, residual) / (this.examples - n) : Number.NaN;
    const standardErrors = weights.map((_, i) => {
      const unit = new Float64Array(n);
      unit[i] = 1;
      return Math.sqrt(residualVariance * solveFactored(factor, n, unit)[i]!);
    });
    return { weights, standardErrors, residualVariance };
  }

  serialize(): Uint8Array {
    const writer = beginModel('informationRegression')
      .varint(this.dimension)
      .varint(this.examples)
      .f64(this.squares);
    return writeNumbers(writeNumbers(writer, this.moments), this.products).finish();
  }

  /** Throws `corrupt-model`. */
  static deserialize(bytes: Uint8Array): InformationRegression {
    return readModel(bytes, 'informationRegression', reader => {
      const [dimension, examples, squares] = [reader.varint(), reader.varint(), readNumber(reader, 0)];
      if (dimension * (dimension + 1) * 8 !== reader.remaining) throw corruptModel('their length is wrong');
      const model = new InformationRegression(dimension);
      model.examples = examples;
      model.squares = squares;
      model.moments.set(readNumbers(reader, dimension));
      model.products.set(readNumbers(reader, dimension * dimension));
      return model;
    });
  }
}
