// Principal components of a stream: mean and covariance in one pass (Welford; merged by Chan, Golub & LeVeque 1983),
// their eigenvectors by Jacobi on demand. Exact: the same components as of the whole at once.
import { readCount, readNumbers, writeNumbers } from '../stats/moment/serialized-form.ts';
import {
  corruptModel,
  incompatibleModels,
  modelForm,
  requireCount,
  requireVector,
  sizeMax,
} from './model-bytes.ts';
import { symmetricEigen } from './symmetric-matrix.ts';

export interface PrincipalComponents {
  mean: Float64Array;
  /** Unit vectors, the direction of the largest variance first; the largest entry of each is positive. */
  components: Float64Array[];
  /** The variance along each component (n − 1 in the denominator). */
  variances: Float64Array;
  /** Of the total variance, the share of each component; zeros where nothing varies. */
  shares: Float64Array;
}

/** Mergeable. O(dimension²) memory and time an update; `components` costs O(dimension³). */
export class StreamingPca {
  readonly dimension: number;
  private readonly means: Float64Array;
  private readonly products: Float64Array;
  private readonly steps: Float64Array;
  private n = 0;

  /** `dimension` from 1 to 1,000. */
  constructor(dimension: number) {
    requireCount('dimension', dimension, 1, 1000);
    this.dimension = dimension;
    this.means = new Float64Array(dimension);
    this.products = new Float64Array(dimension * dimension);
    this.steps = new Float64Array(dimension);
  }

  /** Points seen. */
  get count(): number {
    return this.n;
  }

  /** Takes in a point of finite numbers. Throws `invalid-argument`, unchanged, otherwise. */
  update(point: ArrayLike<number>): void {
    requireVector('point', point, this.dimension);
    const { dimension: d, means, steps } = this;
    const n = ++this.n;
    for (let i = 0; i < d; i++) {
      steps[i] = point[i]! - means[i]!;
      means[i]! += steps[i]! / n;
    }
    this.addOuter((n - 1) / n);
  }

  /** As if the other's points had come here too. Throws `incompatible-models`. */
  merge(other: StreamingPca): void {
    if (other.dimension !== this.dimension) throw incompatibleModels('The dimensions differ.');
    const [a, b] = [this.n, other.n];
    if (b === 0) return;
    for (let i = 0; i < this.products.length; i++) this.products[i]! += other.products[i]!;
    for (let i = 0; i < this.dimension; i++) {
      this.steps[i] = other.means[i]! - this.means[i]!;
      this.means[i]! += (this.steps[i]! * b) / (a + b);
    }
    this.addOuter((a / (a + b)) * b);
    this.n = a + b;
  }

  private addOuter(scale: number): void {
    const { dimension: d, products, steps } = this;
    for (let i = 0; i < d; i++)
      for (let j = 0; j < d; j++) products[i * d + j]! += steps[i]! * steps[j]! * scale;
  }

  /** The first `limit` components, all by default. Throws `invalid-argument` with fewer than two points. */
  components(limit = this.dimension): PrincipalComponents {
    requireCount('limit', limit, 1, this.dimension);
    requireCount('points', this.n, 2, Number.MAX_SAFE_INTEGER);
    const eigen = symmetricEigen(
      this.products.map(value => value / (this.n - 1)),
      this.dimension,
    );
    const all = eigen.values.map(value => Math.max(0, value));
    const total = all.reduce((sum, value) => sum + value, 0);
    const variances = all.slice(0, limit);
    return {
      mean: this.means.slice(),
      components: eigen.vectors.slice(0, limit),
      variances,
      shares: variances.map(value => (total > 0 ? value / total : 0)),
    };
  }

  /** The whole state as versioned bytes; `deserialize` goes on from them alike. */
  serialize(): Uint8Array {
    const writer = modelForm.begin('streamingPca').varint(this.dimension).varint(this.n);
    return writeNumbers(writeNumbers(writer, this.means), this.products).finish();
  }

  /** Throws `corrupt-model`. */
  static deserialize(bytes: Uint8Array): StreamingPca {
    return modelForm.read(bytes, 'streamingPca', reader => {
      const [dimension, n] = [readCount(reader, 1000), readCount(reader)];
      if (dimension * (dimension + 1) * 8 !== reader.remaining) throw corruptModel('their length is wrong.');
      const model = new StreamingPca(dimension);
      model.n = n;
      model.means.set(readNumbers(reader, dimension, -sizeMax, sizeMax));
      model.products.set(readNumbers(reader, dimension * dimension));
      return model;
    });
  }
}
