// A growing hash table of 63-bit hashes below a threshold, the memory of a Theta sketch. Invariant: every hash held is in
// [1, theta), each once; at most 15/16 of 2·2^lgK. Growth, probing and rebuilding are those of DataSketches' QuickSelect
// sketch, so that the same items give the same theta and hashes.

/** Theta as an integer where it stands for 1: all hashes are kept. */
export const thetaMax = 2n ** 63n - 1n;

const lgSmallest = 5;
const growthBits = 3;

// The many empty sketches share these.
const noHashes = new BigUint64Array(0);
const noHalves = new Uint32Array(0);

export class ThetaHashes {
  readonly lgK: number;
  count = 0;
  private thetaHigh = 0x7fffffff;
  private thetaLow = 0xffffffff;
  private lgSize = 0;
  private table: BigUint64Array = noHashes;
  /** The same memory as pairs (low, high). */
  private halves: Uint32Array = noHalves;

  constructor(lgK: number) {
    this.lgK = lgK;
  }

  get theta(): bigint {
    return (BigInt(this.thetaHigh) << 32n) | BigInt(this.thetaLow);
  }

  get byteLength(): number {
    return this.table.byteLength;
  }

  /** Adds the hash high·2^32 + low where it is below theta and new. */
  add(low: number, high: number): void {
    if (high > this.thetaHigh || (high === this.thetaHigh && low >= this.thetaLow)) return;
    if ((low | high) === 0) return;
    if (this.lgSize === 0) this.resize(Math.min(lgSmallest, this.lgK + 1));
    if (!this.insert(low, high)) return;
    this.count++;
    if (this.count > this.fillMax) {
      if (this.lgSize <= this.lgK) this.resize(Math.min(this.lgK + 1, this.lgSize + growthBits));
      else this.shrinkTo(2 ** this.lgK);
    }
  }

  /** Half of a table that may still grow, 15/16 of the largest. */
  private get fillMax(): number {
    const size = 2 ** this.lgSize;
    return this.lgSize <= this.lgK ? size / 2 : Math.floor((size * 15) / 16);
  }

  private insert(low: number, high: number): boolean {
    const { halves } = this;
    const mask = 2 ** this.lgSize - 1;
    let at = low & mask;
    // A stride from other bits than the first place, odd so that it visits every place.
    const stride = 2 * ((low >>> this.lgSize) & 127) + 1;
    for (;;) {
      const thereLow = halves[2 * at]!;
      const thereHigh = halves[2 * at + 1]!;
      if (thereLow === 0 && thereHigh === 0) {
        halves[2 * at] = low;
        halves[2 * at + 1] = high;
        return true;
      }
      if (thereLow === low && thereHigh === high) return false;
      at = (at + stride) & mask;
    }
  }

  private resize(lgSize: number): void {
    const old = this.halves;
    this.lgSize = lgSize;
    this.table = new BigUint64Array(2 ** lgSize);
    this.halves = new Uint32Array(this.table.buffer);
    for (let i = 0; i < old.length; i += 2)
      if ((old[i]! | old[i + 1]!) !== 0) this.insert(old[i]!, old[i + 1]!);
  }

  /** Keeps the `keep` smallest hashes and lowers theta to the next one. */
  shrinkTo(keep: number): void {
    if (this.count <= keep) return;
    const sorted = this.sorted();
    this.lower(sorted[keep]!);
    this.refill(sorted.subarray(0, keep));
  }

  /** Lowers theta where it is higher, and drops the hashes that it no longer admits. */
  restrict(theta: bigint): void {
    if (theta >= this.theta) return;
    this.lower(theta);
    const kept = this.sorted().filter(hash => hash < theta);
    if (kept.length < this.count) this.refill(kept);
  }

  private lower(theta: bigint): void {
    this.thetaHigh = Number(theta >> 32n);
    this.thetaLow = Number(theta & 0xffffffffn);
  }

  private refill(hashes: BigUint64Array): void {
    this.table.fill(0n);
    const halves = new Uint32Array(hashes.buffer, hashes.byteOffset, hashes.length * 2);
    for (let i = 0; i < halves.length; i += 2) this.insert(halves[i]!, halves[i + 1]!);
    this.count = hashes.length;
  }

  /** The hashes in ascending order, as a copy. */
  sorted(): BigUint64Array {
    const sorted = new BigUint64Array(this.count);
    let to = 0;
    for (const hash of this.table) if (hash !== 0n) sorted[to++] = hash;
    return sorted.sort();
  }
}
