// The dense form of a HyperLogLog: one byte a register in memory whatever the serial form, with the sums that the
// estimators need kept up to date while HIP needs them. Invariant: kxq0 + kxq1 = Σ 2^−register, exactly (every term is a power of two).
// Estimators: historic inverse probability (HIP; Cohen 2014, Ting 2014) while one stream was seen; after a
// merge Ertl's improved raw estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017).

const smallPowers = Float64Array.from({ length: 64 }, (_, value) => 2 ** -value);
const largestValue = 63;

export class HllRegisters {
  readonly lgK: number;
  readonly values: Uint8Array;
  hip = 0;
  /** True once the HIP accumulator says nothing any more: after a merge of two dense sketches or a change of lgK. */
  outOfOrder = false;
  private sumLow: number;
  private sumHigh = 0;
  /** Whether the sums lag behind the values: HIP alone needs them with every update, so that merges need not keep them. */
  private areStale: boolean;

  constructor(lgK: number, values?: Uint8Array) {
    this.lgK = lgK;
    this.values = values ?? new Uint8Array(1 << lgK);
    this.sumLow = 1 << lgK;
    this.areStale = values !== undefined;
  }

  /** Σ 2^−register over the registers below 32. */
  get kxq0(): number {
    if (this.areStale) this.sumAgain();
    return this.sumLow;
  }

  /** Σ 2^−register over the others. */
  get kxq1(): number {
    if (this.areStale) this.sumAgain();
    return this.sumHigh;
  }

  /** Raises the register of `address` (low 26 bits of h1) to `value` in [1, 63]. */
  update(address: number, value: number): void {
    const slot = address & (this.values.length - 1);
    const old = this.values[slot]!;
    if (value > old) this.raise(slot, old, value);
  }

  private raise(slot: number, old: number, value: number): void {
    this.values[slot] = value;
    if (this.outOfOrder) {
      this.areStale = true;
      return;
    }
    if (this.areStale) {
      // What was read from bytes is summed up once, as it was before this update.
      this.values[slot] = old;
      this.sumAgain();
      this.values[slot] = value;
    }
    this.hip += this.values.length / (this.sumLow + this.sumHigh);
    if (old < 32) this.sumLow -= smallPowers[old]!;
    else this.sumHigh -= smallPowers[old]!;
    if (value < 32) this.sumLow += smallPowers[value]!;
    else this.sumHigh += smallPowers[value]!;
  }

  private sumAgain(): void {
    let low = 0;
    let high = 0;
    for (const value of this.values) {
      if (value < 32) low += smallPowers[value]!;
      else high += smallPowers[value]!;
    }
    this.sumLow = low;
    this.sumHigh = high;
    this.areStale = false;
  }

  /** Takes the larger of each pair of registers; `other` has at least as many of them. HIP is given up. */
  mergeFrom(other: HllRegisters): void {
    const { values } = this;
    const mask = values.length - 1;
    for (let i = 0; i < other.values.length; i++) {
      const value = other.values[i]!;
      if (value > values[i & mask]!) values[i & mask] = value;
    }
    this.outOfOrder = true;
    this.hip = 0;
    this.areStale = true;
  }

  copy(): HllRegisters {
    const copy = new HllRegisters(this.lgK, this.values.slice());
    copy.hip = this.hip;
    copy.outOfOrder = this.outOfOrder;
    return copy;
  }

  /** The same content with fewer registers; HIP is given up unless the size stays. */
  shrunkTo(lgK: number): HllRegisters {
    if (lgK === this.lgK) return this.copy();
    const smaller = new HllRegisters(lgK);
    smaller.mergeFrom(this);
    return smaller;
  }

  estimate(): number {
    return this.outOfOrder ? this.improvedRaw() : this.hip;
  }

  private improvedRaw(): number {
    const counts = new Float64Array(largestValue + 1);
    for (const value of this.values) counts[value]!++;
    const m = this.values.length;
    let z = m * tau(1 - counts[largestValue]! / m);
    for (let value = largestValue - 1; value >= 1; value--) z = 0.5 * (z + counts[value]!);
    z += m * sigma(counts[0]! / m);
    return (m * m) / (2 * Math.LN2 * z);
  }
}

// Both series are summed until a term no longer changes the sum, which takes at most some sixty terms.
function sigma(x: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  let sum = x;
  let weight = 1;
  for (let previous = -1; previous !== sum; ) {
    x *= x;
    previous = sum;
    sum += x * weight;
    weight += weight;
  }
  return sum;
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let sum = 1 - x;
  let weight = 1;
  for (let previous = -1; previous !== sum; ) {
    x = Math.sqrt(x);
    previous = sum;
    weight *= 0.5;
    sum -= (1 - x) ** 2 * weight;
  }
  return sum / 3;
}
