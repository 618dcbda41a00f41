// k-means over a stream: the first points seed the centres by k-means++ (Arthur & Vassilvitskii 2007), each later point
// moves its nearest centre (MacQueen 1967), older points fading where asked. Two models merge as weighted points do.
import type { Rng } from '../../core/rng.ts';
import { invalidArgument } from '../stats/argument.ts';
import { readCount, readNumber, readNumbers, writeNumbers } from '../stats/moment/serialized-form.ts';
import {
  cellsMax,
  corruptModel,
  incompatibleModels,
  modelForm,
  requireCount,
  requireVector,
  sizeMax,
} from './model-bytes.ts';

export interface StreamingKMeansOptions {
  /** Centres, 1 to 10,000. */
  k: number;
  /** Numbers in a point, at least 1. */
  dimension: number;
  /** Points gathered before seeding, at least k; 20 · k by default. */
  seedAfter?: number;
  /** In (0, 1]: each update weakens the centre it moves by this factor; 1 (the default) forgets nothing. */
  fading?: number;
}

export interface Centre {
  at: Float64Array;
  /** How many points it stands for (faded where fading is set). */
  weight: number;
}

/** O(seedAfter · dimension) memory. An update costs O(k · dimension) after seeding, the seeding update 10 Lloyd rounds. */
export class StreamingKMeans {
  readonly k: number;
  readonly dimension: number;
  readonly seedAfter: number;
  readonly fading: number;
  // Until seeded, points of weight 1; afterwards k centres.
  private points: Centre[] = [];
  private isSeeded = false;

  /** Throws `invalid-argument` for an option outside its range. */
  constructor({ k, dimension, seedAfter = 20 * k, fading = 1 }: StreamingKMeansOptions) {
    requireCount('k', k, 1, 10_000);
    requireCount('dimension', dimension, 1, cellsMax);
    requireCount('seedAfter', seedAfter, k, 1_000_000);
    if (seedAfter * dimension > cellsMax) {
      throw invalidArgument(`seedAfter · dimension must be at most ${cellsMax}.`, { seedAfter, dimension });
    }
    if (!(fading > 0 && fading <= 1)) throw invalidArgument('fading must lie in (0, 1].', { fading });
    this.k = k;
    this.dimension = dimension;
    this.seedAfter = seedAfter;
    this.fading = fading;
  }

  /** The centres, copies; the points themselves before seeding. */
  get centres(): Centre[] {
    return this.points.map(({ at, weight }) => ({ at: at.slice(), weight }));
  }

  /** True once the centres stand. */
  get seeded(): boolean {
    return this.isSeeded;
  }

  /** Index of the nearest centre and the squared distance to it. Throws `invalid-argument` before the first point. */
  assign(point: ArrayLike<number>): { centre: number; distanceSquared: number } {
    requireVector('point', point, this.dimension);
    if (this.points.length === 0) throw invalidArgument('There is no centre before the first point.');
    return nearest(this.points, point);
  }

  /** Learns a point of finite numbers; `rng` is used by the seeding update alone. Throws `invalid-argument`. */
  update(point: ArrayLike<number>, rng: Rng): void {
    requireVector('point', point, this.dimension);
    if (!this.isSeeded) {
      this.points.push({ at: Float64Array.from(point), weight: 1 });
      if (this.points.length >= this.seedAfter) this.seed(rng);
      return;
    }
    const centre = this.points[nearest(this.points, point).centre]!;
    centre.weight = centre.weight * this.fading + 1;
    for (let i = 0; i < this.dimension; i++) centre.at[i]! += (point[i]! - centre.at[i]!) / centre.weight;
  }

  /**
   * Joins the other's centres, by their weights, into k. The total weight is kept exactly (up to rounding) and so is the
   * weighted mean; the clustering is as good as one of the 2k centres can be. Throws `incompatible-models`.
   */
  merge(other: StreamingKMeans, rng: Rng): void {
    if (other.k !== this.k || other.dimension !== this.dimension)
      throw incompatibleModels('k or dimension differ.');
    this.points.push(...other.centres);
    if (this.isSeeded || other.isSeeded || this.points.length >= this.seedAfter) this.seed(rng);
  }

  private seed(rng: Rng): void {
    if (this.points.length > this.k) this.points = cluster(this.points, this.k, this.dimension, rng);
    this.isSeeded = this.points.length === this.k;
  }

  /** The whole state as versioned bytes; `deserialize` goes on from them alike. */
  serialize(): Uint8Array {
    const writer = modelForm
      .begin('streamingKMeans')
      .varint(this.k)
      .varint(this.dimension)
      .varint(this.seedAfter);
    writer
      .f64(this.fading)
      .u8(this.isSeeded ? 1 : 0)
      .varint(this.points.length);
    for (const { at, weight } of this.points) writeNumbers(writer.f64(weight), at);
    return writer.finish();
  }

  /** Throws `corrupt-model`. */
  static deserialize(bytes: Uint8Array): StreamingKMeans {
    return modelForm.read(bytes, 'streamingKMeans', reader => {
      const [k, dimension, seedAfter] = [readCount(reader), readCount(reader), readCount(reader)];
      const model = new StreamingKMeans({ k, dimension, seedAfter, fading: readNumber(reader) });
      const [seeded, length] = [reader.u8(), reader.varint()];
      if (seeded > 1 || (seeded === 1 ? length !== k : length >= seedAfter))
        throw corruptModel('points are too many.');
      for (let i = 0; i < length; i++) {
        const weight = readNumber(reader, 0);
        model.points.push({ weight, at: readNumbers(reader, dimension, -sizeMax, sizeMax) });
      }
      model.isSeeded = seeded === 1;
      return model;
    });
  }
}

function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}

function nearest(
  centres: readonly Centre[],
  point: ArrayLike<number>,
): { centre: number; distanceSquared: number } {
  let centre = 0;
  let distanceSquared = Infinity;
  for (let i = 0; i < centres.length; i++) {
    const d = distance(centres[i]!.at, point);
    if (d < distanceSquared) {
      centre = i;
      distanceSquared = d;
    }
  }
  return { centre, distanceSquared };
}

/** Weighted k-means++ and ten rounds of Lloyd. */
function cluster(points: readonly Centre[], k: number, dimension: number, rng: Rng): Centre[] {
  const chosen: Centre[] = [];
  const gaps = new Float64Array(points.length).fill(1);
  for (let c = 0; c < k; c++) {
    let total = 0;
    for (let i = 0; i < points.length; i++) total += gaps[i]! * points[i]!.weight;
    let left = rng.float() * total;
    let at = total > 0 ? 0 : rng.below(points.length);
    if (total > 0) while (at < points.length - 1 && (left -= gaps[at]! * points[at]!.weight) >= 0) at++;
    const centre = { at: points[at]!.at.slice(), weight: 0 };
    chosen.push(centre);
    for (let i = 0; i < points.length; i++) {
      const gap = distance(points[i]!.at, centre.at);
      gaps[i] = c === 0 ? gap : Math.min(gaps[i]!, gap);
    }
  }
  let centres = chosen;
  for (let round = 0; round < 10; round++) {
    const sums = centres.map(() => ({ at: new Float64Array(dimension), weight: 0 }));
    for (const { at, weight } of points) {
      const sum = sums[nearest(centres, at).centre]!;
      sum.weight += weight;
      for (let i = 0; i < dimension; i++) sum.at[i]! += weight * at[i]!;
    }
    centres = sums.map((sum, i) =>
      sum.weight > 0
        ? { weight: sum.weight, at: sum.at.map(value => value / sum.weight) }
        : { ...centres[i]!, weight: 0 },
    );
  }
  return centres;
}
