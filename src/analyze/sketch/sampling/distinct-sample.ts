// Distinct sampling: a uniform sample of the distinct items of a stream, each with how often it came. Gibbons 2001, as a bottom-k
// sample by hash (Bar-Yossef et al. 2002). Invariant: an item's rank never rises above the threshold again once it
// fell out, so that the count of an item in the sample is exact.
import { corruptSketch, incompatibleSketches, requireWhole } from '../corruption.ts';
import type { Bounds } from '../distinct/hyperloglog.ts';
import { thetaBounds } from '../distinct/theta.ts';
import { stringCodec } from '../item-codec.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { murmurText } from '../murmur.ts';
import { beginOwn, readOwn, varintLength } from '../own-bytes.ts';

const scratch = new Uint32Array(4);
const rankMax = 2 ** 53;
const sizeMax = 2 ** 20;

/** One distinct item of the sample and how often it came, exactly. */
export interface DistinctItem {
  item: string;
  count: number;
}

/**
 * A uniform sample of k distinct strings with their exact counts: answers "how many distinct items are such that …" and "what share of
 * distinct visitors came only once". Relative error of a part: 1/√(k · share); exact below k. Items are told apart by 53 bits of hash: two
 * of k items are taken for one with probability k²/2^54.
 */
export class DistinctSample implements MergeableSketch<DistinctSample> {
  readonly k: number;
  /** By rank; between cuts up to 2k + 1 of them. */
  private readonly byRank = new Map<number, DistinctItem>();
  /** The smallest rank that was ever dropped. */
  private threshold = Number.POSITIVE_INFINITY;
  private total = 0;

  /** `k` in [1, 2^20]. Throws `invalid-argument`. */
  constructor(k = 1024) {
    requireWhole('k', k, 1, sizeMax);
    this.k = k;
  }

  /** How many items were seen, repeats included. */
  get n(): number {
    return this.total;
  }

  /** Shows an item. O(1) on average. */
  update(item: string): void {
    murmurText(item, scratch);
    this.total++;
    this.add(scratch[1]! * 2 ** 21 + (scratch[0]! >>> 11), item, 1);
  }

  private add(rank: number, item: string, count: number): void {
    if (rank >= this.threshold) return;
    const there = this.byRank.get(rank);
    if (there) {
      there.count += count;
      return;
    }
    this.byRank.set(rank, { item, count });
    // Cutting back only at twice the size costs one sort for k insertions.
    if (this.byRank.size >= 2 * this.k + 2) this.cut();
  }

  /** Keeps the k smallest ranks and lowers the threshold to the next one. */
  private cut(): void {
    if (this.byRank.size <= this.k) return;
    const ranks = Float64Array.from(this.byRank.keys()).sort();
    this.threshold = ranks[this.k]!;
    for (const rank of ranks.subarray(this.k)) this.byRank.delete(rank);
  }

  /** Makes this the sample of both streams together. The result does not depend on the order. Throws `incompatible-sketches`. */
  merge(other: DistinctSample): void {
    if (other.k !== this.k) throw incompatibleSketches('Distinct samples merge only at equal k.');
    const entries = [...other.byRank].map(([rank, entry]) => [rank, { ...entry }] as const);
    if (other.threshold < this.threshold) {
      this.threshold = other.threshold;
      for (const rank of [...this.byRank.keys()]) if (rank >= this.threshold) this.byRank.delete(rank);
    }
    for (const [rank, { item, count }] of entries) this.add(rank, item, count);
    this.total += other.total;
  }

  /** The sample, by ascending hash. */
  get items(): DistinctItem[] {
    this.cut();
    return [...this.byRank].sort(([a], [b]) => a - b).map(([, entry]) => ({ ...entry }));
  }

  /** The chance of a distinct item to be in the sample; 1 while all are. */
  get samplingRate(): number {
    this.cut();
    return this.threshold === Number.POSITIVE_INFINITY ? 1 : this.threshold / rankMax;
  }

  /** The estimated number of distinct items, or of those for which `matches` holds. */
  estimate(matches: (entry: DistinctItem) => boolean = () => true): number {
    return this.bounds(matches).estimate;
  }

  /** The same with the binomial bounds of {@link thetaBounds}. */
  bounds(matches: (entry: DistinctItem) => boolean = () => true, standardDeviations: 1 | 2 | 3 = 2): Bounds {
    const rate = this.samplingRate;
    let found = 0;
    for (const entry of this.byRank.values()) if (matches({ ...entry })) found++;
    return thetaBounds(found, rate, standardDeviations);
  }

  /** Versioned bytes: k, n, threshold, then each rank, count and item by ascending rank. */
  serialize(): Uint8Array {
    this.cut();
    const entries = [...this.byRank].sort(([a], [b]) => a - b);
    let size = varintLength(this.k) + varintLength(this.total) + 8 + varintLength(entries.length);
    for (const [, { item, count }] of entries) size += 8 + varintLength(count) + stringCodec.byteLength(item);
    const writer = beginOwn('distinctSample', 1, size).varint(this.k).varint(this.total);
    writer.f64(this.threshold).varint(entries.length);
    for (const [rank, { item, count }] of entries) stringCodec.write(writer.f64(rank).varint(count), item);
    return writer.finish();
  }

  /** Throws `corrupt-sketch` for bytes that `serialize` did not write. */
  static deserialize(bytes: Uint8Array): DistinctSample {
    return readOwn(bytes, 'distinctSample', 1, reader => {
      const k = reader.varint();
      if (k < 1 || k > sizeMax) throw corruptSketch('distinctSample', 'k is out of range', { k });
      const sample = new DistinctSample(k);
      sample.total = reader.varint();
      sample.threshold = reader.f64();
      const count = reader.varint();
      if (!(sample.threshold > 0) || count > k)
        throw corruptSketch('distinctSample', 'its size is out of range');
      let previous = -1;
      for (let i = 0; i < count; i++) {
        const rank = reader.f64();
        const times = reader.varint();
        if (!(rank > previous && rank < Math.min(rankMax, sample.threshold)) || times < 1) {
          throw corruptSketch('distinctSample', 'its ranks are not ascending below the threshold');
        }
        sample.byRank.set(rank, { item: stringCodec.read(reader), count: times });
        previous = rank;
      }
      return sample;
    });
  }
}
