// The sparse beginning of a HyperLogLog: distinct coupons, first as a list of up to seven, then in an open-addressing
// table. A coupon is 32 bits: 26 of address (from h1), then 6 of value (leading zeros of h2, plus one), as in
// DataSketches; the layout and the probe sequence are theirs as well, so that equal histories give equal bytes.

const addressBits = 26;
export const addressMask = (1 << addressBits) - 1;
const listLength = 8;
export const lgSmallestSet = 5;

/** The value part of a coupon from the halves of h2: leading zeros + 1, in [1, 63]. */
export function couponValue(h2Low: number, h2High: number): number {
  const zeros = h2High === 0 ? 32 + Math.clz32(h2Low) : Math.clz32(h2High);
  return Math.min(zeros, 62) + 1;
}

/** Largest lg of the table before a sketch of this lgK turns dense; below 5 there is no table. */
export const lgLargestSet = (lgK: number): number => lgK - 3;

/**
 * Distinct items behind `count` distinct coupons: the inverse of E[coupons | n] = n − n²/(6·2²⁶) + n³/(42·2⁵²) − …,
 * good to 1e−9 of n for the counts that occur here (≤ 196,608).
 */
export function couponEstimate(count: number): number {
  const pair = 1 / (6 * 2 ** addressBits);
  const triple = 1 / (42 * 2 ** (2 * addressBits));
  return count + pair * count * count + (2 * pair * pair - triple) * count * count * count;
}

/** Distinct coupons in 32 bytes for up to seven, then a table at most three quarters full. */
export class HllCoupons {
  count = 0;
  /** lg of the table's length; 3 while it is a list. */
  lgLength: number;
  private slots: Uint32Array;

  constructor(lgLength = 3) {
    this.lgLength = lgLength;
    this.slots = new Uint32Array(1 << lgLength);
  }

  get isList(): boolean {
    return this.lgLength === 3;
  }

  /** Adds one coupon; false where no table of this lgK can hold the result and the sketch must turn dense. */
  add(coupon: number, lgK: number): boolean {
    if (this.isList) {
      for (let i = 0; i < this.count; i++) if (this.slots[i] === coupon) return true;
      this.slots[this.count++] = coupon;
      if (this.count < listLength) return true;
      if (lgK < 8) return false;
      this.resize(lgSmallestSet);
      return true;
    }
    if (!this.insert(coupon)) return true;
    this.count++;
    if (this.count * 4 <= this.slots.length * 3) return true;
    if (this.lgLength >= lgLargestSet(lgK)) return false;
    this.resize(this.lgLength + 1);
    return true;
  }

  private insert(coupon: number): boolean {
    const mask = this.slots.length - 1;
    const stride = ((coupon & addressMask) >>> this.lgLength) | 1;
    let at = coupon & mask;
    for (;;) {
      const there = this.slots[at]!;
      if (there === 0) {
        this.slots[at] = coupon;
        return true;
      }
      if (there === coupon) return false;
      at = (at + stride) & mask;
    }
  }

  private resize(lgLength: number): void {
    const old = this.slots;
    this.slots = new Uint32Array(1 << lgLength);
    this.lgLength = lgLength;
    for (const coupon of old) if (coupon !== 0) this.insert(coupon);
  }

  /** The coupons in the order of the table (or of arrival, in a list). */
  each(take: (coupon: number) => void): void {
    const { slots } = this;
    for (let at = 0; at < slots.length; at++) if (slots[at] !== 0) take(slots[at]!);
  }

  get byteLength(): number {
    return this.slots.byteLength;
  }
}
