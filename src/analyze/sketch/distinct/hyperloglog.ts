// HyperLogLog: the number of distinct items in fixed memory. Exact-like while few (coupons), then k = 2^lgK registers.
// Flajolet et al. 2007 in the form of Apache DataSketches, whose bytes it reads and writes; estimators in
// hll-registers.ts. Invariant: the state depends on the set of items only, but for the HIP accumulator.

import { invalidArgument, readSketch, requireWhole } from '../corruption.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { type Hashable, murmurItem } from '../murmur.ts';
import { type HllKind, hllKinds, readHll, writeHll } from './hll-bytes.ts';
import { addressMask, couponEstimate, couponValue, HllCoupons } from './hll-coupons.ts';
import { HllRegisters } from './hll-registers.ts';

/** An estimate with its bounds; see each sketch's `bounds` for what the standard deviations mean. */
export interface Bounds {
  lower: number;
  estimate: number;
  upper: number;
}

const scratch = new Uint32Array(4);
const hipFactor = Math.sqrt(Math.LN2);
const mergedFactor = Math.sqrt(3 * Math.LN2 - 1);
/** Relative error per standard deviation while coupons are kept: 26-bit addresses, at the point of turning dense. */
const couponRelativeError = 0.409 / 8192;

/**
 * Distinct counting. Relative standard error while one stream was seen: √(ln 2)/√k = 0.8326/√k (1.30 % at lgK 12); after a
 * merge of two dense sketches √(3·ln 2 − 1)/√k = 1.039/√k (1.62 %). Below about k/11 items the error is 0.005 %.
 *
 * Memory: 0 bytes of tables when empty, 32 for up to 7 items, then 5–11 bytes an item, at most k bytes.
 *
 * @example
 * const visitors = new HyperLogLog(12);
 * visitors.update('203.0.113.7');
 * visitors.estimate(); // 1
 */
export class HyperLogLog implements MergeableSketch<HyperLogLog> {
  private lgSize: number;
  /** Bits a register in the serial form; in memory each takes a byte once the sketch is dense. */
  readonly kind: HllKind;
  private coupons: HllCoupons | null = null;
  private registers: HllRegisters | null = null;

  /** `lgK` in [4, 21]. Throws `invalid-argument`. */
  constructor(lgK = 12, kind: HllKind = 'HLL_8') {
    requireWhole('lgK', lgK, 4, 21);
    if (!hllKinds.includes(kind))
      throw invalidArgument(`kind must be one of ${hllKinds.join(', ')}.`, { kind });
    this.lgSize = lgK;
    this.kind = kind;
  }

  /** lg of the number of registers. A merge with a dense sketch of a smaller lgK lowers it. */
  get lgK(): number {
    return this.lgSize;
  }

  /** Whether no item was ever seen. */
  get isEmpty(): boolean {
    return this.coupons === null && this.registers === null;
  }

  /** True where the HIP estimator no longer applies because dense sketches were merged. */
  get isMerged(): boolean {
    return this.registers?.outOfOrder ?? false;
  }

  /** Bytes of its tables in memory. */
  get memoryBytes(): number {
    return this.registers?.values.byteLength ?? this.coupons?.byteLength ?? 0;
  }

  /** Adds an item by hashing it as DataSketches does. An empty string or array is ignored, as there. */
  update(item: Hashable): void {
    if ((typeof item === 'string' || typeof item === 'object') && item.length === 0) return;
    murmurItem(item, scratch);
    this.updateHash(scratch[0]!, scratch[1]!, scratch[2]!, scratch[3]!);
  }

  /** Adds an item by its 128-bit hash (murmur128, seed 9001, for exchange with DataSketches). O(1). */
  updateHash(h1Low: number, _h1High: number, h2Low: number, h2High: number): void {
    const value = couponValue(h2Low, h2High);
    if (this.registers !== null) this.registers.update(h1Low & addressMask, value);
    else this.addCoupon(((value << 26) | (h1Low & addressMask)) >>> 0);
  }

  /** Adds an item by its coupon: value in the high 6 bits, in [1, 63], address in the low 26. */
  updateCoupon(coupon: number): void {
    const value = coupon >>> 26;
    if (value === 0)
      throw invalidArgument('A coupon has a value in [1, 63] in its high six bits.', { coupon });
    if (this.registers !== null) this.registers.update(coupon & addressMask, value);
    else this.addCoupon(coupon >>> 0);
  }

  /**
   * Adds many hashed items. `hashes` holds four words a row (h1Low, h1High, h2Low, h2High). Without `rows` the first
   * `count` rows are taken (all by default); with it the rows it names, `rows[0 … count)`.
   */
  updateColumn(
    hashes: Uint32Array,
    rows?: Uint32Array,
    count = rows ? rows.length : hashes.length >>> 2,
  ): void {
    for (let i = 0; i < count; i++) {
      const at = (rows ? rows[i]! : i) * 4;
      const value = couponValue(hashes[at + 2]!, hashes[at + 3]!);
      const address = hashes[at]! & addressMask;
      if (this.registers !== null) this.registers.update(address, value);
      else this.addCoupon(((value << 26) | address) >>> 0);
    }
  }

  private addCoupon(coupon: number): void {
    this.coupons ??= new HllCoupons();
    if (!this.coupons.add(coupon, this.lgSize)) this.becomeDense(this.coupons);
  }

  private becomeDense(coupons: HllCoupons): void {
    const registers = new HllRegisters(this.lgSize);
    coupons.each(coupon => registers.update(coupon & addressMask, coupon >>> 26));
    registers.hip = couponEstimate(coupons.count);
    this.registers = registers;
    this.coupons = null;
  }

  /**
   * Adds all items of `other`, which is not changed. Commutative and associative in the registers. Where either is still
   * sparse, no accuracy is lost; two dense sketches give up HIP. The smaller lgK of dense sketches wins. O(k).
   */
  merge(other: HyperLogLog): void {
    if (other.registers === null) {
      other.coupons?.each(coupon => this.updateCoupon(coupon));
      return;
    }
    const lgK = Math.min(this.lgSize, other.lgSize);
    if (this.registers === null) {
      const coupons = this.coupons;
      const registers = other.registers.shrunkTo(lgK);
      this.registers = registers;
      this.coupons = null;
      coupons?.each(coupon => registers.update(coupon & addressMask, coupon >>> 26));
    } else {
      if (lgK < this.lgSize) this.registers = this.registers.shrunkTo(lgK);
      this.registers.mergeFrom(other.registers);
    }
    this.lgSize = lgK;
  }

  /** The estimated number of distinct items. O(1), after a merge O(k). */
  estimate(): number {
    if (this.registers !== null) return this.registers.estimate();
    return couponEstimate(this.coupons?.count ?? 0);
  }

  /** The standard error of `estimate`, relative to it. */
  relativeStandardError(): number {
    if (this.registers === null) return couponRelativeError;
    return (this.registers.outOfOrder ? mergedFactor : hipFactor) / Math.sqrt(this.registers.values.length);
  }

  /**
   * Bounds at 1, 2 or 3 standard deviations (68.3, 95.4, 99.7 % of sketches hold the truth): the estimate times
   * e^(±s·error), since the error is a ratio; never below what was certainly seen.
   */
  bounds(standardDeviations: 1 | 2 | 3 = 2): Bounds {
    requireWhole('standardDeviations', standardDeviations, 1, 3);
    const estimate = this.estimate();
    const spread = Math.exp(standardDeviations * this.relativeStandardError());
    let certain = this.coupons?.count ?? 0;
    if (this.registers) for (const value of this.registers.values) if (value > 0) certain++;
    return {
      lower: Math.max(estimate / spread, certain),
      estimate,
      upper: Math.max(estimate * spread, certain),
    };
  }

  /** An independent sketch of the same state. O(k). */
  copy(): HyperLogLog {
    return HyperLogLog.deserialize(this.serialize());
  }

  /** The compact DataSketches form: 8 bytes when empty, 8–12 + 4 a coupon while sparse, then 40 + k·bits/8. */
  serialize(): Uint8Array {
    return writeHll({ lgK: this.lgSize, kind: this.kind, coupons: this.coupons, registers: this.registers });
  }

  /** Reads a compact or updatable DataSketches HLL sketch. Throws `corrupt-sketch` for any other bytes. */
  static deserialize(bytes: Uint8Array): HyperLogLog {
    const content = readSketch('HyperLogLog sketch', () => readHll(bytes));
    const sketch = new HyperLogLog(content.lgK, content.kind);
    sketch.coupons = content.coupons;
    sketch.registers = content.registers;
    return sketch;
  }
}
