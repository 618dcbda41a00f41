// Blocked Bloom filters: all places of an item in one 512-bit block, one cache line, so that an update touches memory once.
// Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom Filters" (2007).
import { corruptSketch, incompatibleSketches, requireWhole } from '../corruption.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { type Hashable, murmurItem } from '../murmur.ts';
import { beginOwn, readOwn, varintLength } from '../own-bytes.ts';
import { bitsMax, bloomSize, hashCountMax, placeOf, setBits } from './bloom.ts';

const scratch = new Uint32Array(4);
const blockBits = 512;
const blockWords = blockBits / 32;
/** A place is the nine high bits of a word: a step that changes them at every turn gives distinct places. */
const leastStep = 1 << 23;

/**
 * A set of hashes in blocks of 512 bits: several times faster than {@link BloomFilter} once larger than the processor's cache, for a
 * somewhat higher false positive rate ({@link BlockedBloomFilter.expectedRate}: 1.2 % where a plain filter has 1 %).
 */
export class BlockedBloomFilter implements MergeableSketch<BlockedBloomFilter> {
  readonly bits: number;
  readonly hashCount: number;
  private readonly words: Uint32Array;

  /** `bits` a multiple of 512 in [512, 2^31], `hashCount` in [1, 32]. Throws `invalid-argument`. */
  constructor(bits: number, hashCount: number) {
    requireWhole('bits / 512', bits / blockBits, 1, bitsMax / blockBits);
    requireWhole('hashCount', hashCount, 1, hashCountMax);
    this.bits = bits;
    this.hashCount = hashCount;
    this.words = new Uint32Array(bits / 32);
  }

  /** A filter of the size a plain one would have for this rate, rounded up to blocks. */
  static forItems(items: number, falsePositiveRate: number): BlockedBloomFilter {
    const { bits, hashCount } = bloomSize(items, falsePositiveRate);
    return new BlockedBloomFilter(Math.ceil(bits / blockBits) * blockBits, hashCount);
  }

  /** Adds an item. */
  update(item: Hashable): void {
    murmurItem(item, scratch);
    this.updateHash(scratch[0]!, scratch[1]!, scratch[2]!, scratch[3]!);
  }

  /** Adds an item by its 128-bit hash: h1 chooses the block, h2 the places in it. O(hashCount). */
  updateHash(h1Low: number, h1High: number, h2Low: number, h2High: number): void {
    const start = placeOf(h1Low, h1High, this.bits / blockBits) * blockWords;
    let at = h2Low;
    const step = h2High | leastStep;
    for (let i = 0; i < this.hashCount; i++) {
      const place = at >>> 23;
      this.words[start + (place >>> 5)]! |= 1 << (place & 31);
      at = (at + step) | 0;
    }
  }

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

  /** Whether the item may have been added; false is certain. */
  has(item: Hashable): boolean {
    murmurItem(item, scratch);
    return this.hasHash(scratch[0]!, scratch[1]!, scratch[2]!, scratch[3]!);
  }

  hasHash(h1Low: number, h1High: number, h2Low: number, h2High: number): boolean {
    const start = placeOf(h1Low, h1High, this.bits / blockBits) * blockWords;
    let at = h2Low;
    const step = h2High | leastStep;
    for (let i = 0; i < this.hashCount; i++) {
      const place = at >>> 23;
      if ((this.words[start + (place >>> 5)]! & (1 << (place & 31))) === 0) return false;
      at = (at + step) | 0;
    }
    return true;
  }

  /** Adds all items of `other`. Throws `incompatible-sketches` for another size. */
  merge(other: BlockedBloomFilter): void {
    if (other.bits !== this.bits || other.hashCount !== this.hashCount) {
      throw incompatibleSketches('Blocked Bloom filters merge only at equal bits and hashCount.');
    }
    for (let i = 0; i < this.words.length; i++) this.words[i]! |= other.words[i]!;
  }

  /** The probability that `has` says yes to an item never added, as the filter is now: the mean of fill^hashCount over blocks. O(bits). */
  falsePositiveRate(): number {
    let sum = 0;
    for (let start = 0; start < this.words.length; start += blockWords) {
      sum += (setBits(this.words.subarray(start, start + blockWords)) / blockBits) ** this.hashCount;
    }
    return sum / (this.bits / blockBits);
  }

  /** The rate to expect once `items` are in: Poisson many in a block, each block a small Bloom filter (Putze et al., §3). */
  expectedRate(items: number): number {
    const mean = (items * blockBits) / this.bits;
    let chance = Math.exp(-mean);
    let rate = 0;
    const most = Math.ceil(mean + 12 * Math.sqrt(mean) + 12);
    for (let inBlock = 0; inBlock <= most; inBlock++) {
      rate += chance * (1 - (1 - 1 / blockBits) ** (this.hashCount * inBlock)) ** this.hashCount;
      chance *= mean / (inBlock + 1);
    }
    return rate;
  }

  /** Versioned bytes: hashCount, blocks, then the bits. */
  serialize(): Uint8Array {
    const blocks = this.bits / blockBits;
    const writer = beginOwn('blockedBloom', 1, 1 + varintLength(blocks) + this.bits / 8);
    writer.u8(this.hashCount).varint(blocks);
    for (const word of this.words) writer.u32(word);
    return writer.finish();
  }

  /** Throws `corrupt-sketch` for bytes that `serialize` did not write. */
  static deserialize(bytes: Uint8Array): BlockedBloomFilter {
    return readOwn(bytes, 'blockedBloom', 1, reader => {
      const hashCount = reader.u8();
      const blocks = reader.varint();
      if (
        hashCount < 1 ||
        hashCount > hashCountMax ||
        blocks < 1 ||
        reader.remaining !== (blocks * blockBits) / 8
      ) {
        throw corruptSketch('blockedBloom', 'its size is out of range');
      }
      const filter = new BlockedBloomFilter(blocks * blockBits, hashCount);
      for (let i = 0; i < filter.words.length; i++) filter.words[i] = reader.u32();
      return filter;
    });
  }
}
