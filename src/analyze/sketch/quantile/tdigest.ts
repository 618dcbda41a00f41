// t-digest: quantiles most accurate at the ends, in little memory. Centroids in tdigest-clusters.ts; reads and writes the bytes
// of Apache DataSketches' t-digest of doubles.
import { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import { corruptSketch, invalidArgument, readSketch, requireWhole } from '../corruption.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { type Clusters, centroidShareMax, cluster, interleave } from './tdigest-clusters.ts';

const what = 't-digest';
const family = 20;
const flag = { empty: 1, single: 2, reverse: 4 } as const;
const bufferFactor = 4;
const smallestBuffer = 8;
const none: Clusters = { means: new Float64Array(0), weights: new Float64Array(0) };
const noValues = new Float64Array(0);

interface Knots {
  positions: number[];
  values: number[];
}

/** Centroids that a digest of this k may have. */
const capacityOf = (k: number): number => 2 * k + (k < 30 ? 30 : 10);

/**
 * Quantiles of numbers, with an error that shrinks towards rank 0 and 1: a centroid at rank q holds at most
 * q(1 − q)·(4·ln(n/2k) + 24)/2k of the stream, and a rank is off by about half of that. There is no worst-case bound over all
 * inputs; where one is needed use KLL, and for relative error of the value DDSketch. Memory: at most 10 · (2k + 10) numbers.
 */
export class TDigest implements MergeableSketch<TDigest> {
  readonly k: number;
  private clusters: Clusters = none;
  private clustered = 0;
  private buffer: Float64Array = noValues;
  private buffered = 0;
  private isReversed = false;
  private lowest = Number.POSITIVE_INFINITY;
  private highest = Number.NEGATIVE_INFINITY;

  /** `k` in [10, 32767]: more centroids, smaller errors. Throws `invalid-argument`. */
  constructor(k = 200) {
    requireWhole('k', k, 10, 32767);
    this.k = k;
  }

  /** How many values were seen. */
  get n(): number {
    return this.clustered + this.buffered;
  }
  get isEmpty(): boolean {
    return this.n === 0;
  }
  /** The smallest value, exactly; `undefined` when empty. */
  get min(): number | undefined {
    return this.isEmpty ? undefined : this.lowest;
  }
  /** The largest value, exactly; `undefined` when empty. */
  get max(): number | undefined {
    return this.isEmpty ? undefined : this.highest;
  }

  /** Adds a value; NaN and infinities are ignored. Amortised O(log k). */
  update(value: number): void {
    // A difference with itself is NaN for NaN and both infinities.
    if (value - value !== 0) return;
    if (this.buffered === this.buffer.length) this.makeRoom();
    this.buffer[this.buffered++] = value;
    if (value < this.lowest) this.lowest = value;
    if (value > this.highest) this.highest = value;
  }

  /** Adds values[0 … count), or with `rows` the values it names. */
  updateColumn(values: Float64Array, rows?: Uint32Array, count = (rows ?? values).length): void {
    for (let i = 0; i < count; i++) this.update(values[rows ? rows[i]! : i]!);
  }

  private makeRoom(): void {
    const largest = capacityOf(this.k) * bufferFactor;
    if (this.buffer.length >= largest) {
      this.compress();
      return;
    }
    const grown = new Float64Array(Math.min(largest, Math.max(smallestBuffer, this.buffer.length * 2)));
    grown.set(this.buffer);
    this.buffer = grown;
  }

  private compress(): void {
    if (this.buffered === 0) return;
    const values = this.buffer.subarray(0, this.buffered).sort();
    this.take(interleave(values, this.clusters), this.n);
    this.buffered = 0;
  }

  private take(run: Clusters, n: number): void {
    this.clusters = cluster(run, n, this.k, this.isReversed, capacityOf(this.k));
    this.clustered = n;
    this.isReversed = !this.isReversed;
  }

  /** Adds all values of `other`, whose centroids are clustered anew into this k. O(k log k). */
  merge(other: TDigest): void {
    if (other.isEmpty) return;
    const n = this.n + other.n;
    const values = new Float64Array(this.buffered + other.buffered);
    values.set(this.buffer.subarray(0, this.buffered));
    values.set(other.buffer.subarray(0, other.buffered), this.buffered);
    const both = joined(this.clusters, other.clusters);
    this.lowest = Math.min(this.lowest, other.lowest);
    this.highest = Math.max(this.highest, other.highest);
    this.buffered = 0;
    this.take(interleave(values.sort(), both), n);
  }

  /**
   * The value at the rank `q` in [0, 1], interpolated between centroids, or one for each of several; `undefined` when empty.
   * `quantile(0)` and `quantile(1)` are exact. O(k) a rank. Throws `invalid-argument`.
   */
  quantile(q: number): number | undefined;
  quantile(q: readonly number[]): (number | undefined)[];
  quantile(q: number | readonly number[]): (number | undefined) | (number | undefined)[] {
    const ranks = typeof q === 'number' ? [q] : q;
    for (const rank of ranks) {
      if (!(rank >= 0 && rank <= 1))
        throw invalidArgument(`A rank must be in [0, 1], not ${rank}.`, { rank });
    }
    if (this.isEmpty) return typeof q === 'number' ? undefined : ranks.map(() => undefined);
    const knots = this.knots();
    const found = ranks.map(rank => this.between(knots, rank));
    return typeof q === 'number' ? found[0] : found;
  }

  private between({ positions, values }: Knots, rank: number): number {
    if (rank === 0) return this.lowest;
    if (rank === 1) return this.highest;
    const wanted = rank * this.n;
    let i = 0;
    while (i < positions.length - 1 && positions[i]! < wanted) i++;
    const right = values[i]!;
    if (i === 0 || positions[i]! === positions[i - 1]!) return right;
    const left = values[i - 1]!;
    const share = Math.min(1, (wanted - positions[i - 1]!) / (positions[i]! - positions[i - 1]!));
    // The two-sided form cannot overflow; rounding is kept from leaving the ends.
    return Math.min(right, Math.max(left, left * (1 - share) + right * share));
  }

  /** The estimated share of values ≤ `value`, in [0, 1]; NaN when empty. O(k). */
  rank(value: number): number {
    if (this.isEmpty) return Number.NaN;
    if (value < this.lowest) return 0;
    if (value >= this.highest) return 1;
    const { positions, values } = this.knots();
    let i = values.length - 1;
    while (values[i]! > value) i--;
    const width = values[i + 1]! - values[i]!;
    const share = (value - values[i]!) / width;
    return (
      (positions[i]! + (positions[i + 1]! - positions[i]!) * (Number.isFinite(share) ? share : 0.5)) / this.n
    );
  }

  /**
   * The distribution as points (items not above, value) between which it is linear. A single value is a step; a centroid of
   * more has half of its weight below its mean; the lowest and highest are single values known exactly.
   */
  private knots(): Knots {
    this.compress();
    const { means, weights } = this.clusters;
    const positions = [0];
    const values = [this.lowest];
    const add = (position: number, value: number): void => {
      positions.push(position);
      values.push(Math.max(value, values[values.length - 1]!));
    };
    let before = 0;
    const last = means.length - 1;
    for (let i = 0; i <= last; i++) {
      const weight = weights[i]!;
      if (weight === 1) {
        add(before, means[i]!);
        add(before + 1, means[i]!);
      } else {
        if (i === 0) add(1, this.lowest);
        add(before + weight / 2, means[i]!);
        if (i === last) add(before + weight - 1, this.highest);
      }
      before += weight;
    }
    add(before, this.highest);
    return { positions, values };
  }

  /** Half of the largest centroid allowed at rank q, as a share of n: the usual size of the rank error there, not a bound. */
  rankError(q: number): number {
    return this.n <= capacityOf(this.k) ? 0 : centroidShareMax(q, this.k, this.n) / 2;
  }

  /** The values between which the true `q`-quantile usually lies: those at the ranks q ± `rankError(q)`. */
  quantileBounds(q: number): { lower: number; estimate: number; upper: number } | undefined {
    if (this.isEmpty) return undefined;
    const error = this.rankError(q);
    const [lower, estimate, upper] = this.quantile([Math.max(0, q - error), q, Math.min(1, q + error)]);
    return { lower: lower!, estimate: estimate!, upper: upper! };
  }

  /**
   * The DataSketches form: 8 bytes when empty, 16 for one value, else 32 + 16 a centroid. Little-endian: preamble longs ·
   * 1 · 20 · k u16 · flags · 0 u16 · centroids u32 · buffered u32 · min · max · (mean f64, weight u64)….
   */
  serialize(): Uint8Array {
    this.compress();
    const { means, weights } = this.clusters;
    const { n } = this;
    const writer = new ByteWriter(n === 0 ? 8 : n === 1 ? 16 : 32 + 16 * means.length);
    writer
      .u8(n > 1 ? 2 : 1)
      .u8(1)
      .u8(family)
      .u16(this.k);
    writer
      .u8((n === 0 ? flag.empty : 0) | (n === 1 ? flag.single : 0) | (this.isReversed ? flag.reverse : 0))
      .u16(0);
    if (n === 1) writer.f64(this.lowest);
    if (n > 1) {
      writer.u32(means.length).u32(0).f64(this.lowest).f64(this.highest);
      for (let i = 0; i < means.length; i++) writer.f64(means[i]!).u64(BigInt(weights[i]!));
    }
    return writer.finish();
  }

  /** Reads a DataSketches t-digest of doubles. Throws `corrupt-sketch` for any other bytes. */
  static deserialize(bytes: Uint8Array): TDigest {
    return readSketch(what, () => {
      const reader = new ByteReader(bytes);
      const longs = reader.u8();
      const version = reader.u8();
      if (reader.u8() !== family || version !== 1) throw corruptSketch(what, 'family or version differ');
      const k = reader.u16();
      const flags = reader.u8();
      reader.skip(2);
      const isShort = (flags & (flag.empty | flag.single)) !== 0;
      if (k < 10 || k > 32767 || longs !== (isShort ? 1 : 2))
        throw corruptSketch(what, 'k or preamble out of range');
      const digest = new TDigest(k);
      if ((flags & flag.empty) !== 0) return digest;
      digest.isReversed = (flags & flag.reverse) !== 0;
      if ((flags & flag.single) !== 0) {
        digest.lowest = digest.highest = finiteNumber(reader);
        digest.clusters = { means: Float64Array.of(digest.lowest), weights: Float64Array.of(1) };
        digest.clustered = 1;
      } else {
        digest.readMany(reader);
      }
      return digest;
    });
  }

  private readMany(reader: ByteReader): void {
    const count = reader.u32();
    const buffered = reader.u32();
    this.lowest = finiteNumber(reader);
    this.highest = finiteNumber(reader);
    const capacity = capacityOf(this.k);
    if (count > capacity || buffered > capacity * bufferFactor || count + buffered === 0) {
      throw corruptSketch(what, 'it has too many centroids', { count, buffered });
    }
    if (reader.remaining < count * 16 + buffered * 8) throw corruptSketch(what, 'they end early');
    const clusters = { means: new Float64Array(count), weights: new Float64Array(count) };
    for (let i = 0; i < count; i++) {
      const mean = finiteNumber(reader);
      const weight = Number(reader.u64());
      this.clustered += weight;
      const previous = i === 0 ? this.lowest : clusters.means[i - 1]!;
      if (
        mean > this.highest ||
        mean < this.lowest ||
        weight < 1 ||
        this.clustered > Number.MAX_SAFE_INTEGER
      ) {
        throw corruptSketch(what, 'a centroid is out of range');
      }
      // Rounding may leave neighbours a hair out of order; the order is what queries stand on.
      clusters.means[i] = Math.max(previous, mean);
      clusters.weights[i] = weight;
    }
    this.clusters = clusters;
    this.buffer = new Float64Array(buffered);
    for (let i = 0; i < buffered; i++) {
      const value = finiteNumber(reader);
      if (value < this.lowest || value > this.highest) throw corruptSketch(what, 'a value is out of range');
      this.buffer[this.buffered++] = value;
    }
  }
}

function finiteNumber(reader: ByteReader): number {
  const value = reader.f64();
  if (!Number.isFinite(value)) throw corruptSketch(what, 'a number is not finite');
  return value;
}

function joined(a: Clusters, b: Clusters): Clusters {
  if (a.means.length === 0 || b.means.length === 0) return a.means.length === 0 ? b : a;
  const count = a.means.length + b.means.length;
  const means = new Float64Array(count);
  const weights = new Float64Array(count);
  for (let to = 0, i = 0, j = 0; to < count; to++) {
    const isA = j === b.means.length || (i < a.means.length && a.means[i]! <= b.means[j]!);
    means[to] = isA ? a.means[i]! : b.means[j]!;
    weights[to] = isA ? a.weights[i++]! : b.weights[j++]!;
  }
  return { means, weights };
}
