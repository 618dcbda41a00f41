// Reservoir sampling: k items of a stream, every subset of k equally likely. Vitter's Algorithm R; merging draws from both
// samples as one draw from both streams would. Reads and writes the bytes of Apache DataSketches' reservoir sketches
// (longs, and items that are doubles, longs or strings) and of their union.
import { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import type { Rng } from '../../../core/rng.ts';
import { corruptSketch, incompatibleSketches, readSketch, requireWhole } from '../corruption.ts';
import { doubleCodec, type ItemCodec, longCodec, rngFromItem, stringCodec } from '../item-codec.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { wilsonBounds } from './share-bounds.ts';

const what = 'reservoir sample';
const family = 11;
const unionFamily = 12;
const serialVersion = 2;
const emptyFlag = 4;
/** Growth by eight in the two high bits of the first byte, DataSketches' default; it says nothing about the sample. */
const resizeFactor = 0xc0;
const itemsSeenMax = 2 ** 48 - 1;
export const sampleSizeMax = 2 ** 24;

/**
 * A uniform sample without replacement of at most k items. Use {@link ReservoirDoubles}, {@link ReservoirLongs},
 * {@link ReservoirStrings}, or this class with a codec for other items.
 */
export class Reservoir<Item> implements MergeableSketch<Reservoir<Item>> {
  private readonly codec: ItemCodec<Item>;
  private size: number;
  private kept: Item[] = [];
  private seen = 0;
  private rng: Rng | undefined;

  /** `k` in [1, 2^24]. Without `rng` the draws are seeded from the items, so that runs replay. Throws `invalid-argument`. */
  constructor(codec: ItemCodec<Item>, k = 128, rng?: Rng) {
    requireWhole('k', k, 1, sampleSizeMax);
    this.codec = codec;
    this.size = k;
    this.rng = rng;
  }

  /** The largest size of the sample. A merge with a full sample of smaller k lowers it. */
  get k(): number {
    return this.size;
  }
  /** How many items were seen. */
  get n(): number {
    return this.seen;
  }
  get isEmpty(): boolean {
    return this.seen === 0;
  }
  /** The sampled items; each stands for n/items.length items. In no particular order. */
  get items(): readonly Item[] {
    return this.kept;
  }

  /** Called once something is kept. */
  private coin(): Rng {
    return (this.rng ??= rngFromItem(this.codec, this.kept[this.kept.length - 1]!, this.seen));
  }

  /** Shows an item to the sample. O(1). */
  update(item: Item): void {
    this.seen++;
    if (this.kept.length < this.size) {
      this.kept.push(item);
      return;
    }
    const rng = this.rng ?? this.coin();
    if (rng.float() * this.seen < this.size) this.kept[rng.below(this.size)] = item;
  }

  /** Shows items[0 … count), or with `rows` the items it names. */
  updateColumn(items: ArrayLike<Item>, rows?: Uint32Array, count = (rows ?? items).length): void {
    for (let i = 0; i < count; i++) this.update(items[rows ? rows[i]! : i]!);
  }

  /**
   * Makes this a uniform sample of both streams together. Where the other is full and has a smaller k, this k falls to it.
   * O(k). Throws `incompatible-sketches` for another kind of item.
   */
  merge(other: Reservoir<Item>): void {
    if (other.codec.name !== this.codec.name) {
      throw incompatibleSketches(`Samples of ${this.codec.name}s and ${other.codec.name}s do not merge.`);
    }
    if (other.seen === 0) return;
    const size = other.seen > other.size ? Math.min(this.size, other.size) : this.size;
    const mine = [...this.kept];
    const theirs = [...other.kept];
    let mineLeft = this.seen;
    let theirsLeft = other.seen;
    const merged: Item[] = [];
    if (this.seen === 0) this.kept = [...other.kept];
    const rng = this.coin();
    while (merged.length < size && mineLeft + theirsLeft > 0) {
      const isMine = rng.float() * (mineLeft + theirsLeft) < mineLeft;
      if (isMine) mineLeft--;
      else theirsLeft--;
      merged.push(takeOne(isMine ? mine : theirs, rng));
    }
    this.kept = merged;
    this.seen += other.seen;
    this.size = size;
  }

  /** The estimated number of items for which `matches` holds, with bounds at the given standard deviations (Wilson's interval). */
  estimateCount(
    matches: (item: Item) => boolean,
    standardDeviations = 2,
  ): { lower: number; estimate: number; upper: number } {
    let found = 0;
    for (const item of this.kept) if (matches(item)) found++;
    return wilsonBounds(found, this.kept.length, this.seen, standardDeviations);
  }

  /**
   * The DataSketches form: 8 bytes when empty, else 16 and the items. Little-endian: preamble longs (1 or 2) with the resize
   * factor · 2 · 11 · flags · k u32 · n u64 · items.
   */
  serialize(): Uint8Array {
    const isEmpty = this.seen === 0;
    let itemBytes = 0;
    for (const item of this.kept) itemBytes += this.codec.byteLength(item);
    const writer = new ByteWriter(isEmpty ? 8 : 16 + itemBytes);
    writer
      .u8(resizeFactor | (isEmpty ? 1 : 2))
      .u8(serialVersion)
      .u8(family)
      .u8(isEmpty ? emptyFlag : 0);
    writer.u32(this.size);
    if (!isEmpty) {
      writer.u64(BigInt(this.seen));
      for (const item of this.kept) this.codec.write(writer, item);
    }
    return writer.finish();
  }

  /** The DataSketches form of a union that holds this sample. */
  serializeUnion(): Uint8Array {
    const inner = this.seen === 0 ? new Uint8Array(0) : this.serialize();
    const writer = new ByteWriter(8 + inner.length).u8(1).u8(serialVersion).u8(unionFamily);
    return writer
      .u8(this.seen === 0 ? emptyFlag : 0)
      .u32(this.size)
      .bytes(inner)
      .finish();
  }

  /** Reads a sketch or a union. Throws `corrupt-sketch`. */
  static read<Item>(bytes: Uint8Array, codec: ItemCodec<Item>, rng?: Rng): Reservoir<Item> {
    return new Reservoir(codec, 1, rng).fill(bytes);
  }

  /** Takes over what bytes hold. For `read` and the subclasses' `deserialize`. */
  protected fill(bytes: Uint8Array): this {
    return readSketch(what, () => {
      const reader = new ByteReader(bytes);
      if (bytes.length > 2 && bytes[2] === unionFamily) {
        const longs = reader.u8() & 63;
        const isCurrent = reader.u8() === serialVersion;
        reader.skip(1);
        const isEmpty = (reader.u8() & emptyFlag) !== 0;
        const size = reader.u32();
        if (!isCurrent || longs !== 1) throw corruptSketch(what, 'family or version differ');
        if (isEmpty) this.size = checkedSize(size);
        else this.readSample(reader);
      } else {
        this.readSample(reader);
      }
      return this;
    });
  }

  private readSample(reader: ByteReader): void {
    const longs = reader.u8() & 63;
    const version = reader.u8();
    if (reader.u8() !== family || version !== serialVersion)
      throw corruptSketch(what, 'family or version differ');
    const isEmpty = (reader.u8() & emptyFlag) !== 0;
    this.size = checkedSize(reader.u32());
    if (longs !== (isEmpty ? 1 : 2)) throw corruptSketch(what, 'preamble and flags disagree');
    if (isEmpty) return;
    const seen = reader.u64();
    if (seen === 0n || seen > BigInt(itemsSeenMax)) throw corruptSketch(what, 'n is out of range');
    this.seen = Number(seen);
    // Each item is read from bytes that are there, so a large k alone allocates nothing.
    const count = Math.min(this.seen, this.size);
    for (let i = 0; i < count; i++) this.kept.push(this.codec.read(reader));
  }
}

function checkedSize(size: number): number {
  if (size < 1 || size > sampleSizeMax) throw corruptSketch(what, 'k is out of range', { k: size });
  return size;
}

/** Removes and answers a random item. */
function takeOne<Item>(items: Item[], rng: Rng): Item {
  const at = rng.below(items.length);
  const taken = items[at]!;
  items[at] = items[items.length - 1]!;
  items.pop();
  return taken;
}

/** A uniform sample of numbers. */
export class ReservoirDoubles extends Reservoir<number> {
  /** `k` in [1, 2^24], `rng` as for {@link Reservoir}. Throws `invalid-argument`. */
  constructor(k = 128, rng?: Rng) {
    super(doubleCodec, k, rng);
  }
  /** Reads a DataSketches reservoir items sketch of doubles, or a union of them. Throws `corrupt-sketch`. */
  static deserialize(bytes: Uint8Array, rng?: Rng): ReservoirDoubles {
    return new ReservoirDoubles(1, rng).fill(bytes);
  }
}

/** A uniform sample of 64-bit integers. */
export class ReservoirLongs extends Reservoir<bigint> {
  /** `k` in [1, 2^24], `rng` as for {@link Reservoir}. Throws `invalid-argument`. */
  constructor(k = 128, rng?: Rng) {
    super(longCodec, k, rng);
  }
  /** Reads a DataSketches reservoir longs sketch, an items sketch of longs, or a union of them. Throws `corrupt-sketch`. */
  static deserialize(bytes: Uint8Array, rng?: Rng): ReservoirLongs {
    return new ReservoirLongs(1, rng).fill(bytes);
  }
}

/**
 * A uniform sample of strings.
 *
 * @example
 * const lines = new ReservoirStrings(100);
 * lines.update('GET / 200');
 * lines.items; // ['GET / 200']
 */
export class ReservoirStrings extends Reservoir<string> {
  /** `k` in [1, 2^24], `rng` as for {@link Reservoir}. Throws `invalid-argument`. */
  constructor(k = 128, rng?: Rng) {
    super(stringCodec, k, rng);
  }
  /** Reads a DataSketches reservoir items sketch of strings, or a union of them. Throws `corrupt-sketch`. */
  static deserialize(bytes: Uint8Array, rng?: Rng): ReservoirStrings {
    return new ReservoirStrings(1, rng).fill(bytes);
  }
}
