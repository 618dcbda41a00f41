// Frequent items: the heavy hitters of a weighted stream with certain bounds. A Misra–Gries summary that purges by
// the median of its counters (Anderson et al., "A High-Performance Algorithm for Identifying Frequent Items in Data
// Streams", 2017); reads and writes the bytes of Apache DataSketches' frequent items and frequent longs sketches.
// Invariant: Σ counters + errorMax · 0.375 · mapSizeMax ≤ n, so that errorMax ≤ 2.67 · n / mapSizeMax, always.
import { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import {
  corruptSketch,
  incompatibleSketches,
  invalidArgument,
  readSketch,
  requireWhole,
} from '../corruption.ts';
import { type ItemCodec, longCodec, stringCodec } from '../item-codec.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';

/** One item with its estimated weight; the true weight is in [lower, upper], with certainty. */
export interface FrequentItem<Item> {
  item: Item;
  estimate: number;
  lower: number;
  upper: number;
}

const what = 'frequent items sketch';
const family = 10;
const emptyFlags = 5;
const lgSmallestMap = 3;
const lgLargestMap = 26;
/** Share of its map that a sketch fills before it grows or purges. */
const fillMax = 0.75;

/**
 * Weights of the most frequent items of a stream. Keeps at most 0.75 · mapSizeMax items; an item it does not keep weighs at
 * most `errorMax`. Use {@link FrequentStrings} or {@link FrequentLongs}.
 */
export abstract class FrequentItems<Item> implements MergeableSketch<FrequentItems<Item>> {
  private readonly kind: ItemCodec<Item>;
  private readonly lgMapMax: number;
  private lgMap = lgSmallestMap;
  private counters: Map<Item, number> | null = null;
  private offset = 0;
  private total = 0;

  /** `mapSizeMax`: a power of two in [8, 2^26]. Throws `invalid-argument`. */
  protected constructor(kind: ItemCodec<Item>, mapSizeMax: number) {
    const lg = Math.log2(mapSizeMax);
    if (!Number.isInteger(lg) || lg < lgSmallestMap || lg > lgLargestMap) {
      throw invalidArgument(`mapSizeMax must be a power of two in [8, 2^26], not ${mapSizeMax}.`, {
        mapSizeMax,
      });
    }
    this.kind = kind;
    this.lgMapMax = lg;
  }

  get mapSizeMax(): number {
    return 2 ** this.lgMapMax;
  }
  /** The weight of the whole stream. */
  get n(): number {
    return this.total;
  }
  get isEmpty(): boolean {
    return this.total === 0;
  }
  /** Items kept. */
  get retained(): number {
    return this.counters?.size ?? 0;
  }
  /** No item's true weight is further than this from its bounds' other end; 0 while every item is kept. */
  get errorMax(): number {
    return this.offset;
  }
  /** `errorMax` is at most this share of n: 3.5/mapSizeMax as published (2.67/mapSizeMax with our exact medians). */
  get epsilon(): number {
    return 3.5 / this.mapSizeMax;
  }

  /** Adds weight to an item: a whole number ≥ 0. Amortised O(1). Throws `invalid-argument`. */
  update(item: Item, weight = 1): void {
    if (!Number.isSafeInteger(weight) || weight < 0) {
      throw invalidArgument(`A weight must be a whole number, not ${weight}.`, { weight });
    }
    if (weight > 0) this.add(item, weight);
  }

  private add(item: Item, weight: number): void {
    const counters = (this.counters ??= new Map());
    this.total += weight;
    const before = counters.get(item);
    if (before !== undefined) {
      counters.set(item, before + weight);
      return;
    }
    counters.set(item, weight);
    if (counters.size <= fillMax * 2 ** this.lgMap) return;
    if (this.lgMap < this.lgMapMax) this.lgMap++;
    else this.purge(counters);
  }

  private purge(counters: Map<Item, number>): void {
    const sorted = new Float64Array(counters.size);
    let at = 0;
    counters.forEach(count => {
      sorted[at++] = count;
    });
    const median = sorted.sort()[sorted.length >>> 1]!;
    // About half survive: a new map is quicker than that many deletions.
    const kept = new Map<Item, number>();
    counters.forEach((count, item) => {
      if (count > median) kept.set(item, count - median);
    });
    this.counters = kept;
    this.offset += median;
  }

  /** Adds items[0 … count), or with `rows` the items it names, each with weight one. */
  updateColumn(items: readonly Item[], rows?: Uint32Array, count = (rows ?? items).length): void {
    for (let i = 0; i < count; i++) this.update(items[rows ? rows[i]! : i]!);
  }

  /**
   * Adds the stream of `other`. Bounds stay certain; `epsilon` holds for the merged stream where both have this mapSizeMax.
   * Throws `incompatible-sketches` for another kind of item.
   */
  merge(other: FrequentItems<Item>): void {
    if (other.kind.name !== this.kind.name) {
      throw incompatibleSketches(`Sketches of ${this.kind.name}s and ${other.kind.name}s do not merge.`);
    }
    const total = this.total + other.total;
    const otherOffset = other.offset;
    for (const [item, count] of [...(other.counters ?? [])]) this.add(item, count);
    this.offset += otherOffset;
    this.total = total;
  }

  /** The estimated weight: the upper bound for an item that is kept, else 0. */
  estimate(item: Item): number {
    const count = this.counters?.get(item);
    return count === undefined ? 0 : count + this.offset;
  }

  /** Bounds that hold with certainty. */
  bounds(item: Item): { lower: number; estimate: number; upper: number } {
    const count = this.counters?.get(item) ?? 0;
    return { lower: count, estimate: this.estimate(item), upper: count + this.offset };
  }

  /**
   * Items by descending estimate. `no-false-positives`: only items that certainly weigh more than `threshold`;
   * `no-false-negatives`: every item that may, which misses none. The threshold is never below `errorMax`. O(size log size).
   */
  frequent(
    certainty: 'no-false-positives' | 'no-false-negatives' = 'no-false-negatives',
    threshold = this.offset,
  ): FrequentItem<Item>[] {
    const limit = Math.max(threshold, this.offset);
    const rows: FrequentItem<Item>[] = [];
    for (const [item, lower] of this.counters ?? []) {
      const upper = lower + this.offset;
      if ((certainty === 'no-false-positives' ? lower : upper) > limit)
        rows.push({ item, estimate: upper, lower, upper });
    }
    return rows.sort((a, b) => b.estimate - a.estimate);
  }

  /** The `count` items of largest estimate, largest first; fewer where fewer are kept. */
  top(count: number): FrequentItem<Item>[] {
    requireWhole('count', count, 0, Number.MAX_SAFE_INTEGER);
    return this.frequent().slice(0, count);
  }

  /**
   * The DataSketches form: 8 bytes when empty, else 32 + 8 a counter + the items. Little-endian: preamble longs (1 or 4) ·
   * 1 · 10 · lgMapMax · lgMap · flags · 0 u16 · active u32 · 0 u32 · n u64 · offset u64 · counters u64 · items.
   */
  serialize(): Uint8Array {
    const { kind, counters } = this;
    const active = this.retained;
    // A purge may leave no item, yet n and the offset still bound every item: only an unused sketch is written as empty.
    if (!counters) {
      return Uint8Array.of(1, 1, family, this.lgMapMax, this.lgMap, emptyFlags, 0, 0);
    }
    let itemBytes = 0;
    for (const item of counters.keys()) itemBytes += kind.byteLength(item);
    const writer = new ByteWriter(32 + 8 * active + itemBytes);
    writer.u8(4).u8(1).u8(family).u8(this.lgMapMax).u8(this.lgMap).u8(0).u16(0).u32(active).u32(0);
    writer.u64(BigInt(this.total)).u64(BigInt(this.offset));
    for (const count of counters.values()) writer.u64(BigInt(count));
    for (const item of counters.keys()) kind.write(writer, item);
    return writer.finish();
  }

  /** Fills an empty sketch from the rest of its bytes. For the subclasses' `deserialize`. */
  protected fill(content: FrequentContent<Item>): this {
    this.lgMap = content.lgMap;
    if (content.total > 0) this.counters = content.counters;
    this.total = content.total;
    this.offset = content.offset;
    return this;
  }
}

interface FrequentContent<Item> {
  mapSizeMax: number;
  lgMap: number;
  counters: Map<Item, number>;
  total: number;
  offset: number;
}

function readContent<Item>(bytes: Uint8Array, kind: ItemCodec<Item>): FrequentContent<Item> {
  return readSketch(what, () => {
    const reader = new ByteReader(bytes);
    const longs = reader.u8();
    const version = reader.u8();
    if (reader.u8() !== family || version !== 1) throw corruptSketch(what, 'family or version differ');
    const lgMapMax = Math.max(reader.u8(), lgSmallestMap);
    const lgMap = Math.max(reader.u8(), lgSmallestMap);
    const isEmpty = (reader.u8() & emptyFlags) !== 0;
    reader.skip(2);
    if (lgMapMax > lgLargestMap || lgMap > lgMapMax) throw corruptSketch(what, 'map sizes are out of range');
    if (longs !== (isEmpty ? 1 : 4)) throw corruptSketch(what, 'preamble and flags disagree');
    const content = {
      mapSizeMax: 2 ** lgMapMax,
      lgMap,
      counters: new Map<Item, number>(),
      total: 0,
      offset: 0,
    };
    if (isEmpty) return content;
    const active = reader.u32();
    reader.skip(4);
    content.total = count(reader);
    content.offset = count(reader);
    if (active > fillMax * 2 ** lgMap || reader.remaining < active * 12)
      throw corruptSketch(what, 'they end early');
    const counts = Array.from({ length: active }, () => count(reader));
    let sum = 0;
    for (const weight of counts) {
      const item = kind.read(reader);
      if (weight === 0 || content.counters.has(item))
        throw corruptSketch(what, 'an item is empty or repeats');
      content.counters.set(item, weight);
      sum += weight;
    }
    if (sum > content.total || content.offset > content.total)
      throw corruptSketch(what, 'its counters exceed n');
    return content;
  });
}

function count(reader: ByteReader): number {
  const value = reader.u64();
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw corruptSketch(what, 'a count is beyond 2^53');
  return Number(value);
}

/**
 * Frequent strings. An item in the map keeps its string alive; with 1 kB strings and the default size that is 0.75 MB.
 *
 * @example
 * const paths = new FrequentStrings(1024);
 * paths.update('/checkout');
 * paths.top(10); // [{ item: '/checkout', estimate: 1, lower: 1, upper: 1 }]
 */
export class FrequentStrings extends FrequentItems<string> {
  /** `mapSizeMax`: a power of two in [8, 2^26]. Throws `invalid-argument`. */
  constructor(mapSizeMax = 1024) {
    super(stringCodec, mapSizeMax);
  }

  /** Reads a DataSketches frequent items sketch of strings. Throws `corrupt-sketch` for any other bytes. */
  static deserialize(bytes: Uint8Array): FrequentStrings {
    const content = readContent(bytes, stringCodec);
    return new FrequentStrings(content.mapSizeMax).fill(content);
  }
}

/** Frequent 64-bit integers. */
export class FrequentLongs extends FrequentItems<bigint> {
  /** `mapSizeMax`: a power of two in [8, 2^26]. Throws `invalid-argument`. */
  constructor(mapSizeMax = 1024) {
    super(longCodec, mapSizeMax);
  }

  /** Throws `invalid-argument` for a bigint outside 64 signed bits. */
  override update(item: bigint, weight = 1): void {
    if (item !== BigInt.asIntN(64, item)) throw invalidArgument('An item must fit in 64 signed bits.');
    super.update(item, weight);
  }

  /** Reads a DataSketches frequent longs sketch. Throws `corrupt-sketch` for any other bytes. */
  static deserialize(bytes: Uint8Array): FrequentLongs {
    const content = readContent(bytes, longCodec);
    return new FrequentLongs(content.mapSizeMax).fill(content);
  }
}
