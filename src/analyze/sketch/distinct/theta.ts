// Theta sketches: distinct items as a uniform sample of their hashes, so that sets can be united, intersected and subtracted.
// Dasgupta, Lang, Rhodes, Thaler, "A Framework for Estimating Stream Expression Cardinalities" (2016), as in Apache
// DataSketches, whose bytes are read and written. Invariant: the hashes kept are exactly the items' hashes below theta.
import { readSketch, requireWhole } from '../corruption.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { type Hashable, murmurItem } from '../murmur.ts';
import type { Bounds } from './hyperloglog.ts';
import { readTheta, type ThetaContent, writeCompressedTheta, writeTheta } from './theta-bytes.ts';
import { ThetaHashes, thetaMax } from './theta-hashes.ts';

const scratch = new Uint32Array(4);

/** A set's sketch as it was at one moment: what set operations take and give, and what is written. Immutable. */
export class CompactTheta {
  private readonly content: ThetaContent;

  /** @internal Use {@link ThetaSketch.compact}, a set operation or {@link CompactTheta.deserialize}. */
  constructor(content: ThetaContent) {
    this.content = content;
  }

  /** Whether no item was ever seen. */
  get isEmpty(): boolean {
    return this.content.isEmpty;
  }
  /** Hashes kept. */
  get retained(): number {
    return this.content.hashes.length;
  }
  /** The share of all hashes below the threshold, in (0, 1]: the chance of an item to be in the sample. */
  get theta(): number {
    return this.content.theta === thetaMax ? 1 : Number(this.content.theta) / 2 ** 63;
  }
  /** The threshold as an integer of 63 bits. */
  get thetaInteger(): bigint {
    return this.content.theta;
  }
  /** The hashes kept, ascending. Not to be changed. */
  get hashes(): BigUint64Array {
    return this.content.hashes;
  }

  /** The estimated number of distinct items: retained/theta. O(1). */
  estimate(): number {
    return this.retained / this.theta;
  }

  /** See {@link thetaBounds}. */
  bounds(standardDeviations: 1 | 2 | 3 = 2): Bounds {
    return thetaBounds(this.retained, this.theta, standardDeviations);
  }

  /** DataSketches' compact form, version 3; with `isCompressed` version 4, about a fifth smaller. */
  serialize(isCompressed = false): Uint8Array {
    return isCompressed ? writeCompressedTheta(this.content) : writeTheta(this.content);
  }

  /** Reads versions 3 and 4 of DataSketches' Theta sketches. Throws `corrupt-sketch` for any other bytes. */
  static deserialize(bytes: Uint8Array): CompactTheta {
    return new CompactTheta(readSketch('Theta sketch', () => readTheta(bytes)));
  }
}

const tails = { 1: 0.1586552539314571, 2: 0.0227501319481792, 3: 0.001349898031630095 } as const;

/**
 * Bounds for n where `retained` of n items fell below theta, each with that probability: the binomial's normal interval with
 * continuity correction at 1, 2 or 3 standard deviations; exact where theta is 1 or nothing was retained.
 */
export function thetaBounds(retained: number, theta: number, standardDeviations: 1 | 2 | 3): Bounds {
  requireWhole('standardDeviations', standardDeviations, 1, 3);
  const estimate = retained / theta;
  if (theta === 1) return { lower: retained, estimate, upper: retained };
  if (retained === 0) {
    return { lower: 0, estimate, upper: Math.log(tails[standardDeviations]) / Math.log1p(-theta) };
  }
  const spread = standardDeviations * Math.sqrt((1 - theta) / theta);
  const side = (count: number, sign: 1 | -1): number => {
    const n = count / theta;
    return n + spread ** 2 / 2 + (sign * spread * Math.sqrt(spread ** 2 + 4 * n)) / 2;
  };
  return { lower: Math.max(retained, side(retained - 0.5, -1)), estimate, upper: side(retained + 0.5, 1) };
}

/**
 * Distinct counting with set operations. Relative standard error: at most 1/√(k − 1) for k = 2^lgK (1.56 % at lgK 12), 0 below k
 * items. Needs about eight times the memory of HyperLogLog for the same error: at most 16·k bytes.
 *
 * @example
 * const monday = new ThetaSketch();
 * monday.update('anna');
 * thetaIntersection(monday.compact(), tuesday.compact()).estimate(); // came on both days
 */
export class ThetaSketch implements MergeableSketch<ThetaSketch | CompactTheta> {
  private readonly hashes: ThetaHashes;
  private hasSeen = false;

  /** `lgK` in [4, 26]. Throws `invalid-argument`. */
  constructor(lgK = 12) {
    requireWhole('lgK', lgK, 4, 26);
    this.hashes = new ThetaHashes(lgK);
  }

  get lgK(): number {
    return this.hashes.lgK;
  }
  get isEmpty(): boolean {
    return !this.hasSeen;
  }
  /** Bytes of its table in memory. */
  get memoryBytes(): number {
    return this.hashes.byteLength;
  }

  /** Adds an item by hashing it as DataSketches does. An empty string or array is ignored, as there. */
  update(item: Hashable): void {
    if ((typeof item === 'string' || typeof item === 'object') && item.length === 0) return;
    murmurItem(item, scratch);
    this.updateHash(scratch[0]!, scratch[1]!);
  }

  /** Adds an item by the first half of its 128-bit hash (murmur128, seed 9001). O(1). */
  updateHash(h1Low: number, h1High: number): void {
    this.hasSeen = true;
    // The hash is h1 without its lowest bit.
    this.hashes.add(((h1Low >>> 1) | (h1High << 31)) >>> 0, h1High >>> 1);
  }

  /** Adds many hashed items: four words a row, all rows or those named by rows[0 … count). */
  updateColumn(
    hashes: Uint32Array,
    rows?: Uint32Array,
    count = rows ? rows.length : hashes.length >>> 2,
  ): void {
    for (let i = 0; i < count; i++) {
      const at = (rows ? rows[i]! : i) * 4;
      this.updateHash(hashes[at]!, hashes[at + 1]!);
    }
  }

  /** Adds all items of `other`: afterwards the sketch of the union. Of two thetas the smaller holds. */
  merge(other: ThetaSketch | CompactTheta): void {
    const compact = other instanceof ThetaSketch ? other.compact() : other;
    if (compact.isEmpty) return;
    this.hasSeen = true;
    this.hashes.restrict(compact.thetaInteger);
    const { hashes } = compact;
    const halves = new Uint32Array(hashes.buffer, hashes.byteOffset, hashes.length * 2);
    for (let i = 0; i < halves.length; i += 2) this.hashes.add(halves[i]!, halves[i + 1]!);
  }

  /** The sketch as it is now, for set operations and exchange. `isTrimmed` keeps no more than k hashes. */
  compact(isTrimmed = false): CompactTheta {
    if (isTrimmed) this.hashes.shrinkTo(2 ** this.lgK);
    return new CompactTheta({
      theta: this.hashes.theta,
      hashes: this.hashes.sorted(),
      isEmpty: !this.hasSeen,
    });
  }

  /** The estimated number of distinct items. O(1). */
  estimate(): number {
    const theta = this.hashes.theta;
    return theta === thetaMax ? this.hashes.count : this.hashes.count / (Number(theta) / 2 ** 63);
  }

  /** See {@link thetaBounds}. */
  bounds(standardDeviations: 1 | 2 | 3 = 2): Bounds {
    const theta = this.hashes.theta;
    return thetaBounds(
      this.hashes.count,
      theta === thetaMax ? 1 : Number(theta) / 2 ** 63,
      standardDeviations,
    );
  }

  /** As the compact form, version 3. */
  serialize(): Uint8Array {
    return this.compact().serialize();
  }

  /**
   * An updatable sketch of what the bytes hold, in any form that {@link CompactTheta.deserialize} reads. The bytes do not say which
   * `lgK` wrote them: a smaller one thins the sample to its own error. Throws `corrupt-sketch`, `invalid-argument`.
   */
  static deserialize(bytes: Uint8Array, lgK = 12): ThetaSketch {
    const sketch = new ThetaSketch(lgK);
    sketch.merge(CompactTheta.deserialize(bytes));
    return sketch;
  }
}
