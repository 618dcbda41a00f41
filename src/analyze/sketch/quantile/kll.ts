// KLL: quantiles and ranks of a stream in fixed memory, with an additive rank error that does not depend on the data.
// Karnin, Lang, Liberty, "Optimal Quantile Approximation in Streams" (2016), as in Apache DataSketches, whose bytes
// it reads and writes.
import type { Rng } from '../../../core/rng.ts';
import { incompatibleSketches, invalidArgument, readSketch, requireWhole } from '../corruption.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { type KllContent, readKll, writeKll } from './kll-bytes.ts';
import { doubleItems, floatItems, type KllItemKind, longItems, stringItems } from './kll-items.ts';
import { KllLevels, smallestLevel } from './kll-levels.ts';
import { wantedRank } from './wanted-rank.ts';

/**
 * The rank error of a KLL sketch of this k at 99 % confidence, as a share of n: 2.296/k^0.9723 for one rank or quantile
 * (1.33 % at k = 200), 2.446/k^0.9433 (1.65 %) for a share between two, the constants DataSketches publishes.
 */
export function kllRankError(k: number, isBetweenTwo = false): number {
  return isBetweenTwo ? 2.446 / k ** 0.9433 : 2.296 / k ** 0.9723;
}

/** Items in ascending order, each with the share of the stream that is not above it. */
export interface CumulativeItems<Item> {
  items: Item[];
  /** Weight of all items up to and including this one; the last is n. */
  cumulativeWeights: Float64Array;
}

/**
 * Quantiles of ordered items. Retains about 3k items; memory grows with the stream from nothing to that.
 * Use the classes for one kind of item: {@link KllDoubles}, {@link KllFloats}, {@link KllLongs}, {@link KllStrings}.
 */
export abstract class KllSketch<Item> implements MergeableSketch<KllSketch<Item>> {
  protected levels: KllLevels<Item>;
  private total = 0;
  private smallestK: number;
  private lowest: Item | undefined;
  private highest: Item | undefined;

  /**
   * `k` in [8, 65535]. `rng` decides which half of a level survives; without one the choice is seeded from the items, so that
   * equal streams give equal sketches and unlike ones do not err alike. Throws `invalid-argument`.
   */
  protected constructor(kind: KllItemKind<Item>, k: number, rng?: Rng) {
    requireWhole('k', k, smallestLevel, 65535);
    this.levels = new KllLevels(k, smallestLevel, kind, rng);
    this.smallestK = k;
  }

  get k(): number {
    return this.levels.k;
  }
  /** How many items were seen. */
  get n(): number {
    return this.total;
  }
  get isEmpty(): boolean {
    return this.total === 0;
  }
  /** Items kept. */
  get retained(): number {
    return this.levels.retained;
  }
  /** The smallest item seen, exactly; `undefined` when empty. */
  get min(): Item | undefined {
    return this.lowest;
  }
  /** The largest item seen, exactly; `undefined` when empty. */
  get max(): Item | undefined {
    return this.highest;
  }

  /** Adds an item; NaN is ignored. Amortised O(log k). */
  update(item: Item): void {
    if (Number.isNaN(item)) return;
    if (this.total === 0) {
      this.lowest = item;
      this.highest = item;
    } else if (item < this.lowest!) this.lowest = item;
    else if (item > this.highest!) this.highest = item;
    this.levels.add(item);
    this.total++;
  }

  /**
   * Adds all items of `other`. The bound is then that of the smaller k. Throws `incompatible-sketches` for another kind of
   * item or smallest level size m. O(k).
   */
  merge(other: KllSketch<Item>): void {
    const [mine, theirs] = [this.levels, other.levels];
    if (theirs.kind.name !== mine.kind.name || theirs.m !== mine.m) {
      throw incompatibleSketches(
        `KLL sketches of ${mine.kind.name}s with m ${mine.m} and ${theirs.kind.name}s with m ${theirs.m} do not merge.`,
      );
    }
    if (other.isEmpty) return;
    const { store, starts } = other.levels;
    // The items are taken first: a sketch may be merged with itself.
    const lowest: Item[] = [];
    for (let i = starts[0]!; i < starts[1]!; i++) lowest.push(store[i]!);
    const above = new KllLevels(other.levels.k, other.levels.m, other.levels.kind);
    above.adopt(store, [...starts], false);
    const otherTotal = other.total;
    for (const item of lowest) this.levels.add(item);
    this.levels.mergeAbove(above);
    if (above.count > 1) this.smallestK = Math.min(this.smallestK, other.smallestK);
    this.noteAdded(otherTotal, other.lowest!, other.highest!);
  }

  /** Counts items that are in the levels already. */
  protected noteAdded(count: number, lowest: Item, highest: Item): void {
    if (this.isEmpty || lowest < this.lowest!) this.lowest = lowest;
    if (this.isEmpty || highest > this.highest!) this.highest = highest;
    this.total += count;
  }

  /** The items kept, sorted, with their cumulative weights: what ranks and quantiles are read from. O(k log k). */
  sorted(): CumulativeItems<Item> {
    const { levels } = this;
    const order: { item: Item; weight: number }[] = [];
    for (let level = 0; level < levels.count; level++) {
      for (let i = levels.starts[level]!; i < levels.starts[level + 1]!; i++) {
        order.push({ item: levels.store[i]!, weight: 2 ** level });
      }
    }
    order.sort((a, b) => (a.item < b.item ? -1 : a.item > b.item ? 1 : 0));
    const cumulativeWeights = new Float64Array(order.length);
    let sum = 0;
    for (let i = 0; i < order.length; i++) cumulativeWeights[i] = sum += order[i]!.weight;
    return { items: order.map(entry => entry.item), cumulativeWeights };
  }

  /**
   * The item at the normalised rank `q` in [0, 1] (the smallest item whose rank is at least q), or one for each of several;
   * `undefined` when empty. `quantile(0)` and `quantile(1)` are exact. Its true rank is within `rankError()` of q at 99 %
   * confidence. O(k log k) for any number of ranks. Throws `invalid-argument`.
   */
  quantile(q: number): Item | undefined;
  quantile(q: readonly number[]): (Item | undefined)[];
  quantile(q: number | readonly number[]): (Item | undefined) | (Item | undefined)[] {
    const ranks = typeof q === 'number' ? [q] : q;
    for (const rank of ranks) {
      if (!(rank >= 0 && rank <= 1))
        throw invalidArgument(`A rank must be in [0, 1], not ${rank}.`, { rank });
    }
    if (this.isEmpty) return typeof q === 'number' ? undefined : ranks.map(() => undefined);
    const { items, cumulativeWeights } = this.sorted();
    const found = ranks.map(rank => {
      if (rank === 0) return this.lowest;
      if (rank === 1) return this.highest;
      return items[firstAtLeast(cumulativeWeights, wantedRank(rank, this.total))];
    });
    return typeof q === 'number' ? found[0] : found;
  }

  /**
   * The share of items ≤ `item` (< `item` where not inclusive), in [0, 1]; NaN when empty. Within `rankError()` at 99 %
   * confidence. O(k).
   */
  rank(item: Item, isInclusive = true): number {
    if (this.isEmpty) return Number.NaN;
    const { levels } = this;
    let below = 0;
    for (let level = 0; level < levels.count; level++) {
      let count = 0;
      for (let i = levels.starts[level]!; i < levels.starts[level + 1]!; i++) {
        const there = levels.store[i]!;
        if (there < item || (isInclusive && !(there > item))) count++;
      }
      below += count * 2 ** level;
    }
    return below / this.total;
  }

  /** Shares of items in (−∞, splits[0]], (splits[0], splits[1]], …, (last, ∞): each within `rankError(true)`. */
  shares(splits: readonly Item[]): number[] {
    const ranks = [...splits.map(split => this.rank(split)), 1];
    return ranks.map((rank, i) => rank - (i === 0 ? 0 : ranks[i - 1]!));
  }

  /** The rank error at 99 % confidence; 0 while every item is kept. See {@link kllRankError}. */
  rankError(isBetweenTwo = false): number {
    return this.levels.count === 1 ? 0 : kllRankError(this.smallestK, isBetweenTwo);
  }

  /** The items between which the true `q`-quantile lies, at 99 % confidence; `undefined` when empty. */
  quantileBounds(q: number): { lower: Item; estimate: Item; upper: Item } | undefined {
    const error = this.rankError();
    const [lower, estimate, upper] = this.quantile([Math.max(0, q - error), q, Math.min(1, q + error)]);
    return this.isEmpty ? undefined : { lower: lower!, estimate: estimate!, upper: upper! };
  }

  /** The ranks between which the true rank of `item` lies, at 99 % confidence. */
  rankBounds(item: Item): { lower: number; estimate: number; upper: number } {
    const error = this.rankError();
    const estimate = this.rank(item);
    return { lower: Math.max(0, estimate - error), estimate, upper: Math.min(1, estimate + error) };
  }

  /** The compact DataSketches form: 8 bytes when empty, else about 20 + 3k items. */
  serialize(): Uint8Array {
    return writeKll({
      levels: this.levels,
      n: this.total,
      minK: this.smallestK,
      min: this.lowest,
      max: this.highest,
    });
  }

  /** Takes over what was read. For the subclasses' `deserialize`. */
  protected adopt(content: KllContent<Item>): this {
    this.levels = content.levels;
    this.total = content.n;
    this.smallestK = content.minK;
    this.lowest = content.min;
    this.highest = content.max;
    return this;
  }
}

/** Index of the first number ≥ `wanted` in ascending order; the last index where there is none. */
function firstAtLeast(ascending: Float64Array, wanted: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

const read = <Item>(bytes: Uint8Array, kind: KllItemKind<Item>, rng?: Rng): KllContent<Item> =>
  readSketch('KLL sketch', () => readKll(bytes, kind, rng));

/**
 * Quantiles of numbers.
 *
 * @example
 * const latencies = new KllDoubles();
 * for (const ms of [12, 7, 31]) latencies.update(ms);
 * latencies.quantile(0.5); // 12
 */
export class KllDoubles extends KllSketch<number> {
  /** `k` in [8, 65535], `rng` as for {@link KllSketch}. Throws `invalid-argument`. */
  constructor(k = 200, rng?: Rng) {
    super(doubleItems, k, rng);
  }

  /** Adds values[0 … count), or with `rows` the values it names, values[rows[0 … count)]. NaN is skipped. */
  updateColumn(values: Float64Array, rows?: Uint32Array, count = (rows ?? values).length): void {
    let lowest = Number.POSITIVE_INFINITY;
    let highest = Number.NEGATIVE_INFINITY;
    let added = 0;
    const { levels } = this;
    for (let i = 0; i < count; ) {
      let room = levels.makeRoom();
      const free = room;
      const store = levels.store;
      while (i < count && room > 0) {
        const value = values[rows ? rows[i]! : i]!;
        i++;
        if (Number.isNaN(value)) continue;
        store[--room] = value;
        if (value < lowest) lowest = value;
        if (value > highest) highest = value;
      }
      added += free - room;
      if (room < free) levels.tookRoom(room);
    }
    if (added > 0) this.noteAdded(added, lowest, highest);
  }

  /** Reads a DataSketches KLL doubles sketch. Throws `corrupt-sketch` for any other bytes. */
  static deserialize(bytes: Uint8Array, rng?: Rng): KllDoubles {
    const content = read(bytes, doubleItems, rng);
    return new KllDoubles(Math.max(content.levels.k, smallestLevel)).adopt(content);
  }
}

/** Quantiles of single-precision numbers: updates are rounded to them, and each takes four bytes when written. */
export class KllFloats extends KllSketch<number> {
  /** `k` in [8, 65535], `rng` as for {@link KllSketch}. Throws `invalid-argument`. */
  constructor(k = 200, rng?: Rng) {
    super(floatItems, k, rng);
  }

  /** Adds an item, rounded to single precision; NaN is ignored. */
  override update(item: number): void {
    super.update(Math.fround(item));
  }

  /** Reads a DataSketches KLL floats sketch. Throws `corrupt-sketch` for any other bytes. */
  static deserialize(bytes: Uint8Array, rng?: Rng): KllFloats {
    const content = read(bytes, floatItems, rng);
    return new KllFloats(Math.max(content.levels.k, smallestLevel)).adopt(content);
  }
}

/** Quantiles of 64-bit integers. */
export class KllLongs extends KllSketch<bigint> {
  /** `k` in [8, 65535], `rng` as for {@link KllSketch}. Throws `invalid-argument`. */
  constructor(k = 200, rng?: Rng) {
    super(longItems, k, rng);
  }

  /** Throws `invalid-argument` for a bigint outside 64 signed bits. */
  override update(item: bigint): void {
    if (item !== BigInt.asIntN(64, item)) throw invalidArgument('An item must fit in 64 signed bits.');
    super.update(item);
  }

  /** Reads a DataSketches KLL longs sketch. Throws `corrupt-sketch` for any other bytes. */
  static deserialize(bytes: Uint8Array, rng?: Rng): KllLongs {
    const content = read(bytes, longItems, rng);
    return new KllLongs(Math.max(content.levels.k, smallestLevel)).adopt(content);
  }
}

/** Quantiles of strings, ordered by UTF-16 code units as in Java and JavaScript. Memory is 3k strings. */
export class KllStrings extends KllSketch<string> {
  /** `k` in [8, 65535], `rng` as for {@link KllSketch}. Throws `invalid-argument`. */
  constructor(k = 200, rng?: Rng) {
    super(stringItems, k, rng);
  }

  /** Reads a DataSketches KLL items sketch of strings. Throws `corrupt-sketch` for any other bytes. */
  static deserialize(bytes: Uint8Array, rng?: Rng): KllStrings {
    const content = read(bytes, stringItems, rng);
    return new KllStrings(Math.max(content.levels.k, smallestLevel)).adopt(content);
  }
}
