// Bloom filters: whether an item was seen, without false negatives. Bloom 1970, with the k places of an item by double
// hashing (Kirsch and Mitzenmacher 2006). Invariant: every place of every item added is set.
import { corruptSketch, incompatibleSketches, invalidArgument, requireWhole } from '../corruption.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { type Hashable, murmurItem } from '../murmur.ts';
import { beginOwn, readOwn, varintLength } from '../own-bytes.ts';

const scratch = new Uint32Array(4);
export const bitsMax = 2 ** 31;
export const hashCountMax = 32;

/** The size of filter that answers wrongly for the share `falsePositiveRate` of other items once it holds `items`. */
export function bloomSize(items: number, falsePositiveRate: number): { bits: number; hashCount: number } {
  if (!(items >= 1 && falsePositiveRate > 0 && falsePositiveRate < 1)) {
    throw invalidArgument('items must be at least 1 and falsePositiveRate in (0, 1).', {
      items,
      falsePositiveRate,
    });
  }
  const perItem = -Math.log(falsePositiveRate) / Math.LN2 ** 2;
  return {
    bits: Math.max(64, Math.ceil((items * perItem) / 64) * 64),
    hashCount: Math.min(hashCountMax, Math.max(1, Math.round(perItem * Math.LN2))),
  };
}

/**
 * A set of hashes in `bits` bits. `has` is never wrong when it says no; when it says yes it is wrong with probability
 * (1 − e^(−k·n/m))^k for n items, m bits, k places each: 1 % at 9.6 bits an item.
 *
 * @example
 * const seen = BloomFilter.forItems(1_000_000, 0.01);
 * seen.update('order 17');
 * seen.has('order 17'); // true
 */
export class BloomFilter implements MergeableSketch<BloomFilter> {
  readonly bits: number;
  readonly hashCount: number;
  private readonly words: Uint32Array;

  /** `bits` a multiple of 64 in [64, 2^31], `hashCount` in [1, 32]. Throws `invalid-argument`. */
  constructor(bits: number, hashCount: number) {
    requireWhole('bits / 64', bits / 64, 1, bitsMax / 64);
    requireWhole('hashCount', hashCount, 1, hashCountMax);
    this.bits = bits;
    this.hashCount = hashCount;
    this.words = new Uint32Array(bits / 32);
  }

  /** A filter of the size that {@link bloomSize} gives. */
  static forItems(items: number, falsePositiveRate: number): BloomFilter {
    const { bits, hashCount } = bloomSize(items, falsePositiveRate);
    return new BloomFilter(bits, hashCount);
  }

  /** Adds an item. */
  update(item: Hashable): void {
    murmurItem(item, scratch);
    this.updateHash(scratch[0]!, scratch[1]!, scratch[2]!, scratch[3]!);
  }

  /** Adds an item by its 128-bit hash. O(hashCount). */
  updateHash(h1Low: number, h1High: number, h2Low: number, h2High: number): void {
    let at = placeOf(h1Low, h1High, this.bits);
    const step = stepOf(h2Low, h2High, this.bits);
    for (let i = 0; i < this.hashCount; i++) {
      this.words[at >>> 5]! |= 1 << (at & 31);
      at += step;
      if (at >= this.bits) at -= this.bits;
    }
  }

  /** Adds many hashed items: four words a row, all rows or those named by rows[0 … count). */
  updateColumn(
    hashes: Uint32Array,
    rows?: Uint32Array,
    count = rows ? rows.length : hashes.length >>> 2,
  ): void {
    for (let i = 0; i < count; i++) {
      const at = (rows ? rows[i]! : i) * 4;
      this.updateHash(hashes[at]!, hashes[at + 1]!, hashes[at + 2]!, hashes[at + 3]!);
    }
  }

  /** Whether the item may have been added; false is certain. */
  has(item: Hashable): boolean {
    murmurItem(item, scratch);
    return this.hasHash(scratch[0]!, scratch[1]!, scratch[2]!, scratch[3]!);
  }

  hasHash(h1Low: number, h1High: number, h2Low: number, h2High: number): boolean {
    let at = placeOf(h1Low, h1High, this.bits);
    const step = stepOf(h2Low, h2High, this.bits);
    for (let i = 0; i < this.hashCount; i++) {
      if ((this.words[at >>> 5]! & (1 << (at & 31))) === 0) return false;
      at += step;
      if (at >= this.bits) at -= this.bits;
    }
    return true;
  }

  /** Adds all items of `other`. Throws `incompatible-sketches` for another size. */
  merge(other: BloomFilter): void {
    if (other.bits !== this.bits || other.hashCount !== this.hashCount) {
      throw incompatibleSketches('Bloom filters merge only at equal bits and hashCount.');
    }
    for (let i = 0; i < this.words.length; i++) this.words[i]! |= other.words[i]!;
  }

  /** The share of bits set. O(bits). */
  fill(): number {
    return setBits(this.words) / this.bits;
  }

  /** The probability that `has` says yes to an item never added, as the filter is now: fill^hashCount. */
  falsePositiveRate(): number {
    return this.fill() ** this.hashCount;
  }

  /**
   * The estimated number of distinct items added, −(m/k)·ln(1 − fill) (Swamidass and Baldi 2007), with the bounds that the spread
   * of the fill gives; infinite once every bit is set.
   */
  bounds(standardDeviations: 1 | 2 | 3 = 2): { lower: number; estimate: number; upper: number } {
    requireWhole('standardDeviations', standardDeviations, 1, 3);
    const perItem = this.bits / this.hashCount;
    const estimate = -perItem * Math.log1p(-this.fill());
    // Variance of linear counting with m/k items' worth of load (Whang et al. 1990), over the k places of each item.
    const load = estimate / perItem;
    const deviation =
      (Math.sqrt(this.bits * Math.max(0, Math.expm1(load) - load)) / this.hashCount) * standardDeviations;
    if (!Number.isFinite(estimate)) return { lower: 0, estimate, upper: estimate };
    return { lower: Math.max(0, estimate - deviation), estimate, upper: estimate + deviation };
  }

  estimate(): number {
    return this.bounds().estimate;
  }

  /** Versioned bytes: hashCount, bits/64, then the bits. */
  serialize(): Uint8Array {
    const blocks = this.bits / 64;
    const writer = beginOwn('bloom', 1, 1 + varintLength(blocks) + this.bits / 8);
    writer.u8(this.hashCount).varint(blocks);
    for (const word of this.words) writer.u32(word);
    return writer.finish();
  }

  /** Throws `corrupt-sketch` for bytes that `serialize` did not write. */
  static deserialize(bytes: Uint8Array): BloomFilter {
    return readOwn(bytes, 'bloom', 1, reader => {
      const hashCount = reader.u8();
      const blocks = reader.varint();
      if (hashCount < 1 || hashCount > hashCountMax || blocks < 1 || reader.remaining !== blocks * 8) {
        throw corruptSketch('bloom', 'its size is out of range');
      }
      const filter = new BloomFilter(blocks * 64, hashCount);
      for (let i = 0; i < filter.words.length; i++) filter.words[i] = reader.u32();
      return filter;
    });
  }
}

const wordShare = 2 ** -32;

/** A place in [0, bits) from 64 bits of hash, by scaling: the high word chooses, the low one breaks its steps. */
export const placeOf = (low: number, high: number, bits: number): number =>
  Math.floor(((high >>> 0) * wordShare + (low >>> 0) * wordShare * wordShare) * bits) % bits;

/** A step in [1, bits): never 0, or an item would have one place only. */
export const stepOf = (low: number, high: number, bits: number): number => 1 + placeOf(low, high, bits - 1);

/** The number of ones in the words. */
export function setBits(words: Uint32Array): number {
  let count = 0;
  for (let word of words) {
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}
