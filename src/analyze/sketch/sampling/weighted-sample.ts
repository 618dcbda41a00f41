// Weighted and time-decayed sampling without replacement: items by their weight, or by how recent they are. Efraimidis and
// Spirakis 2006; estimates by rank conditioning (bottom-k.ts); forward decay by Cormode, Shkapenyuk, Srivastava, Xu (2009), so
// that late items weigh what they should and nothing is ever re-weighted.
import type { Rng } from '../../../core/rng.ts';
import { corruptSketch, incompatibleSketches, invalidArgument, requireWhole } from '../corruption.ts';
import type { Bounds } from '../distinct/hyperloglog.ts';
import { type ItemCodec, rngFromItem } from '../item-codec.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { beginOwn, finite, readOwn, varintLength } from '../own-bytes.ts';
import { BottomK } from './bottom-k.ts';
import { sampleSizeMax } from './reservoir.ts';

/**
 * A sample of k items, each draw in proportion to weight, without replacement. Sums over any part of the stream are estimated without
 * bias, with relative deviation at most 1/√(k − 1) for the whole (Cohen 1997) and about 1/√(k · share) for a part.
 */
export class WeightedSample<Item> implements MergeableSketch<WeightedSample<Item>> {
  readonly k: number;
  private readonly codec: ItemCodec<Item>;
  private readonly kept: BottomK<Item>;
  private rng: Rng | undefined;
  private seen = 0;
  private weight = 0;

  /** `k` in [1, 2^24]. Without `rng` the draws are seeded from the first item. Throws `invalid-argument`. */
  constructor(codec: ItemCodec<Item>, k = 128, rng?: Rng) {
    requireWhole('k', k, 1, sampleSizeMax);
    this.codec = codec;
    this.k = k;
    this.rng = rng;
    this.kept = new BottomK(k);
  }

  /** How many items were seen. */
  get n(): number {
    return this.seen;
  }
  /** The weight of the whole stream, summed as it came. */
  get totalWeight(): number {
    return this.weight;
  }
  /** The sampled items with their weights; in no particular order. */
  get items(): { item: Item; weight: number }[] {
    return this.kept.sample.map(({ item, logWeight }) => ({ item, weight: Math.exp(logWeight) }));
  }

  /** Shows an item; weight 0 is counted and never sampled. O(log k). Throws `invalid-argument` unless weight is finite and ≥ 0. */
  update(item: Item, weight = 1): void {
    if (!(weight >= 0 && weight < Number.POSITIVE_INFINITY)) {
      throw invalidArgument(`A weight must be finite and not negative, not ${weight}.`, { weight });
    }
    this.seen++;
    this.weight += weight;
    this.rng ??= rngFromItem(this.codec, item, this.seen);
    if (weight > 0) this.kept.draw(item, Math.log(weight), this.rng);
  }

  /** Makes this the sample of both streams together. Throws `incompatible-sketches` for another k or kind of item. */
  merge(other: WeightedSample<Item>): void {
    requireEqual(this.k, other.k, this.codec, other.codec);
    this.kept.merge(other.kept);
    this.seen += other.seen;
    this.weight += other.weight;
  }

  /** The estimated weight of the items for which `matches` holds, with bounds at that many estimated standard deviations. */
  estimateSum(matches: (item: Item) => boolean, standardDeviations = 2): Bounds {
    return around(this.kept.estimate(matches, 0), standardDeviations);
  }

  /** Versioned bytes: codec, k, n, total weight, then each entry's weight, rank and item. */
  serialize(): Uint8Array {
    const { codec, kept } = this;
    const size =
      1 + codec.name.length + varintLength(this.k) + varintLength(this.seen) + 8 + kept.byteLength(codec);
    const writer = beginOwn('weightedSample', 1, size).text(codec.name).varint(this.k).varint(this.seen);
    kept.write(writer.f64(this.weight), codec);
    return writer.finish();
  }

  /** Throws `corrupt-sketch` for bytes that `serialize` did not write, or wrote with another codec. */
  static deserialize<Item>(bytes: Uint8Array, codec: ItemCodec<Item>, rng?: Rng): WeightedSample<Item> {
    return readOwn(bytes, 'weightedSample', 1, reader => {
      requireCodec('weightedSample', reader.text(), codec);
      const k = reader.varint();
      if (k < 1 || k > sampleSizeMax) throw corruptSketch('weightedSample', 'k is out of range', { k });
      const sample = new WeightedSample(codec, k, rng);
      sample.seen = reader.varint();
      sample.weight = finite(reader, 'weightedSample', 0);
      sample.kept.read(reader, codec, 'weightedSample');
      return sample;
    });
  }
}

/**
 * A sample of k items in which an item of age `halfLifeUs` weighs half of a new one: the recent past in detail, the far past in
 * traces. Times may come in any order.
 */
export class TimeDecayedSample<Item> implements MergeableSketch<TimeDecayedSample<Item>> {
  readonly k: number;
  /** In microseconds. */
  readonly halfLifeUs: number;
  private readonly codec: ItemCodec<Item>;
  private readonly kept: BottomK<Item>;
  private rng: Rng | undefined;
  private seen = 0;

  /** `k` in [1, 2^24], `halfLifeUs` > 0. As {@link WeightedSample} for `rng`. Throws `invalid-argument`. */
  constructor(codec: ItemCodec<Item>, k: number, halfLifeUs: number, rng?: Rng) {
    requireWhole('k', k, 1, sampleSizeMax);
    if (!(halfLifeUs > 0 && halfLifeUs < Number.POSITIVE_INFINITY)) {
      throw invalidArgument(`halfLifeUs must be positive, not ${halfLifeUs}.`, { halfLifeUs });
    }
    this.codec = codec;
    this.k = k;
    this.halfLifeUs = halfLifeUs;
    this.rng = rng;
    this.kept = new BottomK(k);
  }

  /** How many items were seen. */
  get n(): number {
    return this.seen;
  }
  /** The sampled items with their times in microseconds; in no particular order. */
  get items(): { item: Item; timeUs: number }[] {
    return this.kept.sample.map(({ item, logWeight }) => ({
      item,
      timeUs: (logWeight * this.halfLifeUs) / Math.LN2,
    }));
  }

  /** Shows an item with its event time in microseconds. O(log k). Throws `invalid-argument`. */
  update(item: Item, timeUs: number): void {
    if (!Number.isFinite(timeUs)) throw invalidArgument(`A time must be finite, not ${timeUs}.`, { timeUs });
    this.seen++;
    this.rng ??= rngFromItem(this.codec, item, this.seen);
    this.kept.draw(item, (timeUs / this.halfLifeUs) * Math.LN2, this.rng);
  }

  /** Makes this the sample of both streams together. Throws `incompatible-sketches` for other parameters. */
  merge(other: TimeDecayedSample<Item>): void {
    requireEqual(this.k, other.k, this.codec, other.codec);
    if (this.halfLifeUs !== other.halfLifeUs) {
      throw incompatibleSketches('Decayed samples merge only at equal half-lives.');
    }
    this.kept.merge(other.kept);
    this.seen += other.seen;
  }

  /**
   * The estimated decayed count at `timeUs` of the items for which `matches` holds: each counts 2^(−age/halfLife). Unbiased; bounds at
   * that many estimated standard deviations.
   */
  estimateCount(matches: (item: Item) => boolean, timeUs: number, standardDeviations = 2): Bounds {
    return around(this.kept.estimate(matches, (timeUs / this.halfLifeUs) * Math.LN2), standardDeviations);
  }

  /** Versioned bytes: codec, k, n, half-life, then each entry's weight, rank and item. */
  serialize(): Uint8Array {
    const { codec, kept } = this;
    const size =
      1 + codec.name.length + varintLength(this.k) + varintLength(this.seen) + 8 + kept.byteLength(codec);
    const writer = beginOwn('decayedSample', 1, size).text(codec.name).varint(this.k).varint(this.seen);
    kept.write(writer.f64(this.halfLifeUs), codec);
    return writer.finish();
  }

  /** Throws `corrupt-sketch` for bytes that `serialize` did not write, or wrote with another codec. */
  static deserialize<Item>(bytes: Uint8Array, codec: ItemCodec<Item>, rng?: Rng): TimeDecayedSample<Item> {
    return readOwn(bytes, 'decayedSample', 1, reader => {
      requireCodec('decayedSample', reader.text(), codec);
      const k = reader.varint();
      if (k < 1 || k > sampleSizeMax) throw corruptSketch('decayedSample', 'k is out of range', { k });
      const seen = reader.varint();
      const sample = new TimeDecayedSample(codec, k, finite(reader, 'decayedSample', Number.MIN_VALUE), rng);
      sample.seen = seen;
      sample.kept.read(reader, codec, 'decayedSample');
      return sample;
    });
  }
}

function requireEqual<Item>(k: number, otherK: number, codec: ItemCodec<Item>, other: ItemCodec<Item>): void {
  if (k !== otherK || codec.name !== other.name) {
    throw incompatibleSketches('Samples merge only at equal k and kind of item.', { k: [k, otherK] });
  }
}

function requireCodec<Item>(
  kind: 'weightedSample' | 'decayedSample',
  name: string,
  codec: ItemCodec<Item>,
): void {
  if (name !== codec.name) throw corruptSketch(kind, 'its items are of another kind', { found: name });
}

function around(
  { estimate, deviation }: { estimate: number; deviation: number },
  deviations: number,
): Bounds {
  return {
    lower: Math.max(0, estimate - deviations * deviation),
    estimate,
    upper: estimate + deviations * deviation,
  };
}
