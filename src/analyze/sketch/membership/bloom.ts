// Bloom filters: whether an item was seen, without false negatives. Bloom 1970, with the k places of an item by double
// hashing (Kirsch and Mitzenmacher 2006). Invariant: every place of every item added is set.
import { requireWhole } from '../corruption.ts';
import { BitFilter, bloomSize, placeOf, setBits, stepOf } from './bit-filter.ts';

/** `bits` are a multiple of this. */
const blockBits = 64;

/**
 * A set of hashes in `bits` bits. `has` is never wrong when it says no; when it says yes it is wrong with probability
 * (1 − e^(−k·n/m))^k for n items, m bits, k places each: 1 % at 9.6 bits an item.
 *
 * @example
 * const seen = BloomFilter.forItems(1_000_000, 0.01);
 * seen.update('order 17');
 * seen.has('order 17'); // true
 */
export class BloomFilter extends BitFilter<BloomFilter> {
  /** `bits` a multiple of 64 in [64, 2^31], `hashCount` in [1, 32]. Throws `invalid-argument`. */
  constructor(bits: number, hashCount: number) {
    super('bloom', blockBits, bits, hashCount);
  }

  /** A filter of the size that {@link bloomSize} gives. */
  static forItems(items: number, falsePositiveRate: number): BloomFilter {
    const { bits, hashCount } = bloomSize(items, falsePositiveRate);
    return new BloomFilter(bits, hashCount);
  }

  updateHash(h1Low: number, h1High: number, h2Low: number, h2High: number): void {
    let at = placeOf(h1Low, h1High, this.bits);
    const step = stepOf(h2Low, h2High, this.bits);
    for (let i = 0; i < this.hashCount; i++) {
      this.words[at >>> 5]! |= 1 << (at & 31);
      at += step;
      if (at >= this.bits) at -= this.bits;
    }
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

  /** The estimated number of distinct items added; see `bounds`. O(bits). */
  estimate(): number {
    return this.bounds().estimate;
  }

  /** Throws `corrupt-sketch` for bytes that `serialize` did not write. */
  static deserialize(bytes: Uint8Array): BloomFilter {
    return BitFilter.read(bytes, 'bloom', blockBits, (bits, hashCount) => new BloomFilter(bits, hashCount));
  }
}
