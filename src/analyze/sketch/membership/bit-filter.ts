// What the bit filters share: a field of bits, of which an item sets some and asks for the same. Which ones is their difference.
import { corruptSketch, incompatibleSketches, invalidArgument, requireWhole } from '../corruption.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { type Hashable, murmurItem } from '../murmur.ts';
import { beginOwn, type OwnKind, readOwn, varintLength } from '../own-bytes.ts';

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

/** A field of bits with `hashCount` places an item. The laws are those of {@link BloomFilter}. */
export abstract class BitFilter<Self extends BitFilter<Self>> implements MergeableSketch<Self> {
  /** Size of the field. */
  readonly bits: number;
  /** Places of an item. */
  readonly hashCount: number;
  protected readonly words: Uint32Array;
  private readonly kind: OwnKind;
  private readonly blockBits: number;

  /** `bits` a multiple of `blockBits` up to 2^31, `hashCount` in [1, 32]. */
  protected constructor(kind: OwnKind, blockBits: number, bits: number, hashCount: number) {
    requireWhole(`bits / ${blockBits}`, bits / blockBits, 1, bitsMax / blockBits);
    requireWhole('hashCount', hashCount, 1, hashCountMax);
    this.kind = kind;
    this.blockBits = blockBits;
    this.bits = bits;
    this.hashCount = hashCount;
    this.words = new Uint32Array(bits / 32);
  }

  /** Adds an item. */
  update(item: Hashable): void {
    murmurItem(item, scratch);
    this.updateHash(scratch[0]!, scratch[1]!, scratch[2]!, scratch[3]!);
  }

  /** Adds an item by its 128-bit hash. O(hashCount). */
  abstract updateHash(h1Low: number, h1High: number, h2Low: number, h2High: number): void;

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

  /** Whether the item may have been added; false is certain. O(hashCount). */
  has(item: Hashable): boolean {
    murmurItem(item, scratch);
    return this.hasHash(scratch[0]!, scratch[1]!, scratch[2]!, scratch[3]!);
  }

  /** As `has`, by the item's 128-bit hash. */
  abstract hasHash(h1Low: number, h1High: number, h2Low: number, h2High: number): boolean;

  /** Adds all items of `other`. O(bits). Throws `incompatible-sketches` for another size. */
  merge(other: Self): void {
    if (other.bits !== this.bits || other.hashCount !== this.hashCount) {
      throw incompatibleSketches('Bloom filters merge only at equal bits and hashCount.');
    }
    for (let i = 0; i < this.words.length; i++) this.words[i]! |= other.words[i]!;
  }

  /** Versioned bytes: hashCount, number of blocks, then the bits. */
  serialize(): Uint8Array {
    const blocks = this.bits / this.blockBits;
    const writer = beginOwn(this.kind, 1, 1 + varintLength(blocks) + this.bits / 8);
    writer.u8(this.hashCount).varint(blocks);
    for (const word of this.words) writer.u32(word);
    return writer.finish();
  }

  /** Reads what `serialize` wrote into the filter that `make` makes. For the subclasses' `deserialize`. */
  protected static read<Filter extends BitFilter<Filter>>(
    bytes: Uint8Array,
    kind: OwnKind,
    blockBits: number,
    make: (bits: number, hashCount: number) => Filter,
  ): Filter {
    return readOwn(bytes, kind, 1, reader => {
      const hashCount = reader.u8();
      const bits = reader.varint() * blockBits;
      if (
        hashCount < 1 ||
        hashCount > hashCountMax ||
        bits < 1 ||
        bits > bitsMax ||
        reader.remaining * 8 !== bits
      )
        throw corruptSketch(kind, 'its size is out of range');
      const filter = make(bits, hashCount);
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
