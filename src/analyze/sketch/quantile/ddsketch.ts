// DDSketch: quantiles with a relative error of the value. Masson, Rim, Lee, "DDSketch: A Fast and Fully-Mergeable Quantile
// Sketch with Relative-Error Guarantees" (2019): logarithmic buckets, the lowest of which collapse at a cap.
import { corruptSketch, incompatibleSketches, invalidArgument, requireWhole } from '../corruption.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { beginOwn, finite, readOwn, varintLength } from '../own-bytes.ts';
import { BucketStore } from './bucket-store.ts';
import { wantedRank } from './wanted-rank.ts';

const bucketsCapMax = 65536;

/**
 * Quantiles of numbers of any sign: each answer is within `relativeAccuracy` of the true value at that rank, unless its bucket
 * collapsed, which happens to the magnitudes nearest zero once they span more than `bucketsMax` buckets (2048 buckets of
 * 1 % span 17 decades). Deterministic, order-independent, exactly mergeable. Memory: 8 bytes a bucket between the smallest and
 * the largest magnitude seen, at most 8 · bucketsMax for each sign.
 */
export class DDSketch implements MergeableSketch<DDSketch> {
  readonly relativeAccuracy: number;
  readonly bucketsMax: number;
  private readonly gamma: number;
  private readonly multiplier: number;
  private readonly positive: BucketStore;
  private readonly negative: BucketStore;
  private zeros = 0;
  private total = 0;
  private lowest = Number.POSITIVE_INFINITY;
  private highest = Number.NEGATIVE_INFINITY;

  /** `relativeAccuracy` in [0.0001, 0.5], `bucketsMax` in [16, 65536]. Throws `invalid-argument`. */
  constructor(relativeAccuracy = 0.01, bucketsMax = 2048) {
    if (!(relativeAccuracy >= 0.0001 && relativeAccuracy <= 0.5)) {
      throw invalidArgument(`relativeAccuracy must be in [0.0001, 0.5], not ${relativeAccuracy}.`);
    }
    requireWhole('bucketsMax', bucketsMax, 16, bucketsCapMax);
    this.relativeAccuracy = relativeAccuracy;
    this.bucketsMax = bucketsMax;
    this.gamma = (1 + relativeAccuracy) / (1 - relativeAccuracy);
    this.multiplier = 1 / Math.log(this.gamma);
    this.positive = new BucketStore(bucketsMax);
    this.negative = new BucketStore(bucketsMax);
  }

  /** How many values were seen. */
  get n(): number {
    return this.total;
  }
  get isEmpty(): boolean {
    return this.total === 0;
  }
  /** The smallest value, exactly; `undefined` when empty. */
  get min(): number | undefined {
    return this.isEmpty ? undefined : this.lowest;
  }
  /** The largest value, exactly; `undefined` when empty. */
  get max(): number | undefined {
    return this.isEmpty ? undefined : this.highest;
  }
  /** Bytes the buckets take in memory, about. */
  get memoryBytes(): number {
    return 300 + this.positive.memoryBytes + this.negative.memoryBytes;
  }
  /** True once buckets have collapsed: values of small magnitude then have a larger error. */
  get isCollapsed(): boolean {
    return this.positive.isCollapsed || this.negative.isCollapsed;
  }

  /** Adds a value `count` times (a whole number ≥ 0); NaN and infinities are ignored. O(1). Throws `invalid-argument`. */
  update(value: number, count = 1): void {
    if (!Number.isFinite(value)) return;
    if (!Number.isSafeInteger(count) || count < 0) {
      throw invalidArgument(`A count must be a whole number, not ${count}.`, { count });
    }
    if (count === 0) return;
    if (value > 0) this.positive.add(this.bucketOf(value), count);
    else if (value < 0) this.negative.add(this.bucketOf(-value), count);
    else this.zeros += count;
    this.total += count;
    if (value < this.lowest) this.lowest = value;
    if (value > this.highest) this.highest = value;
  }

  /** Adds values[0 … count), or with `rows` the values it names. */
  updateColumn(values: Float64Array, rows?: Uint32Array, count = (rows ?? values).length): void {
    for (let i = 0; i < count; i++) this.update(values[rows ? rows[i]! : i]!);
  }

  /** Bucket i holds the magnitudes in (γ^(i−1), γ^i]. */
  private bucketOf(magnitude: number): number {
    return Math.ceil(Math.log(magnitude) * this.multiplier);
  }

  /** Adds all values of `other`; exactly as if one sketch had seen both. Throws `incompatible-sketches` for other parameters. */
  merge(other: DDSketch): void {
    if (other.relativeAccuracy !== this.relativeAccuracy || other.bucketsMax !== this.bucketsMax) {
      throw incompatibleSketches('DDSketches merge only at equal relativeAccuracy and bucketsMax.', {
        relativeAccuracy: [this.relativeAccuracy, other.relativeAccuracy],
      });
    }
    this.positive.merge(other.positive);
    this.negative.merge(other.negative);
    this.zeros += other.zeros;
    this.total += other.total;
    this.lowest = Math.min(this.lowest, other.lowest);
    this.highest = Math.max(this.highest, other.highest);
  }

  /**
   * The value at the rank `q` in [0, 1] (of the ⌈q·n⌉-th smallest value), or one for each of several; `undefined` when empty.
   * `quantile(0)` and `quantile(1)` are exact. O(buckets). Throws `invalid-argument`.
   */
  quantile(q: number): number | undefined;
  quantile(q: readonly number[]): (number | undefined)[];
  quantile(q: number | readonly number[]): (number | undefined) | (number | undefined)[] {
    return typeof q === 'number'
      ? this.quantileBounds(q)?.estimate
      : q.map(rank => this.quantileBounds(rank)?.estimate);
  }

  /**
   * The quantile with the values between which the true one certainly lies, where its bucket has not collapsed: the ends of
   * that bucket, and never beyond min and max; `undefined` when empty.
   */
  quantileBounds(q: number): { lower: number; estimate: number; upper: number } | undefined {
    if (!(q >= 0 && q <= 1)) throw invalidArgument(`A rank must be in [0, 1], not ${q}.`, { rank: q });
    if (this.isEmpty) return undefined;
    const { lowest, highest } = this;
    if (q === 0) return { lower: lowest, estimate: lowest, upper: lowest };
    if (q === 1) return { lower: highest, estimate: highest, upper: highest };
    const wanted = wantedRank(q, this.total);
    const below = this.negative.total;
    const notPositive = below + this.zeros;
    if (wanted > below && wanted <= notPositive) return { lower: 0, estimate: 0, upper: 0 };
    const sign = wanted <= below ? -1 : 1;
    const bucket =
      sign < 0 ? this.negative.bucketAt(below - wanted + 1) : this.positive.bucketAt(wanted - notPositive);
    const within = (value: number): number => Math.min(highest, Math.max(lowest, value));
    const far = within(sign * this.magnitude(bucket));
    const near = within(sign * this.magnitude(bucket - 1));
    // No magnitude in the bucket differs from 2γ^i/(γ + 1) by more than the relative accuracy.
    const estimate = within(sign * this.magnitude(bucket) * (2 / (this.gamma + 1)));
    return sign < 0 ? { lower: far, estimate, upper: near } : { lower: near, estimate, upper: far };
  }

  private magnitude(bucket: number): number {
    return Math.exp(bucket / this.multiplier);
  }

  /** The share of values ≤ `value`, with every value of its own bucket counted; NaN when empty. */
  rank(value: number): number {
    if (this.isEmpty || Number.isNaN(value)) return Number.NaN;
    if (value >= this.highest) return 1;
    if (value < this.lowest) return 0;
    if (value < 0)
      return (this.negative.total - this.negative.countBelow(this.bucketOf(-value))) / this.total;
    const notPositive = this.negative.total + this.zeros;
    if (value === 0) return notPositive / this.total;
    return (notPositive + this.positive.countBelow(this.bucketOf(value) + 1)) / this.total;
  }

  /** Versioned bytes: accuracy f64, cap, zeros, min and max f64 where not empty, then both stores' buckets as varints. */
  serialize(): Uint8Array {
    const stores = this.negative.byteLength + this.positive.byteLength;
    const head = 8 + varintLength(this.bucketsMax) + varintLength(this.zeros) + 1 + (this.isEmpty ? 0 : 16);
    const writer = beginOwn('ddSketch', 1, head + stores);
    writer
      .f64(this.relativeAccuracy)
      .varint(this.bucketsMax)
      .varint(this.zeros)
      .u8(this.isEmpty ? 0 : 1);
    if (!this.isEmpty) writer.f64(this.lowest).f64(this.highest);
    this.negative.write(writer);
    this.positive.write(writer);
    return writer.finish();
  }

  /** Throws `corrupt-sketch` for bytes that `serialize` did not write. */
  static deserialize(bytes: Uint8Array): DDSketch {
    return readOwn(bytes, 'ddSketch', 1, reader => {
      const accuracy = reader.f64();
      const cap = reader.varint();
      if (!(accuracy >= 0.0001 && accuracy <= 0.5) || cap < 16 || cap > bucketsCapMax) {
        throw corruptSketch('ddSketch', 'its parameters are out of range');
      }
      const sketch = new DDSketch(accuracy, cap);
      sketch.zeros = reader.varint();
      const hasValues = reader.u8();
      if (hasValues > 0) {
        sketch.lowest = finite(reader, 'ddSketch');
        sketch.highest = finite(reader, 'ddSketch', sketch.lowest);
      }
      sketch.negative.read(reader);
      sketch.positive.read(reader);
      sketch.total = sketch.zeros + sketch.negative.total + sketch.positive.total;
      if (hasValues > 1 || sketch.total > 0 !== hasValues > 0 || sketch.total > Number.MAX_SAFE_INTEGER) {
        throw corruptSketch('ddSketch', 'its counts contradict each other');
      }
      return sketch;
    });
  }
}
