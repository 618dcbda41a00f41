// Counting Bloom filters: counters of four bits in place of bits, so that items can be removed. Fan, Cao, Almeida, Broder,
// "Summary Cache" (2000). Invariant: a counter that reached 15 stays there, so that no removal makes a false negative.
import { corruptSketch, incompatibleSketches, requireWhole } from '../corruption.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { type Hashable, murmurItem } from '../murmur.ts';
import { beginOwn, readOwn, varintLength } from '../own-bytes.ts';
import { bitsMax, bloomSize, hashCountMax, placeOf, stepOf } from './bit-filter.ts';

const scratch = new Uint32Array(4);
const stuck = 15;

/**
 * A set of hashes from which items can be removed. False positives as for a {@link BloomFilter} of as many bits as this has counters; four
 * times its memory. Removing what was never added makes false negatives; `remove` refuses what is certainly absent.
 */
export class CountingBloomFilter implements MergeableSketch<CountingBloomFilter> {
  readonly counters: number;
  readonly hashCount: number;
  private readonly nibbles: Uint8Array;

  /** `counters` a multiple of 64 in [64, 2^31], `hashCount` in [1, 32]. Throws `invalid-argument`. */
  constructor(counters: number, hashCount: number) {
    requireWhole('counters / 64', counters / 64, 1, bitsMax / 64);
    requireWhole('hashCount', hashCount, 1, hashCountMax);
    this.counters = counters;
    this.hashCount = hashCount;
    this.nibbles = new Uint8Array(counters / 2);
  }

  /** A filter of the size that {@link bloomSize} gives. */
  static forItems(items: number, falsePositiveRate: number): CountingBloomFilter {
    const { bits, hashCount } = bloomSize(items, falsePositiveRate);
    return new CountingBloomFilter(bits, hashCount);
  }

  private counter(at: number): number {
    return (this.nibbles[at >>> 1]! >>> ((at & 1) * 4)) & 15;
  }

  private change(at: number, by: 1 | -1): void {
    const before = this.counter(at);
    if (before !== stuck) this.nibbles[at >>> 1]! += by << ((at & 1) * 4);
  }

  private *places(item: Hashable): Generator<number> {
    murmurItem(item, scratch);
    let at = placeOf(scratch[0]!, scratch[1]!, this.counters);
    const step = stepOf(scratch[2]!, scratch[3]!, this.counters);
    for (let i = 0; i < this.hashCount; i++) {
      yield at;
      at += step;
      if (at >= this.counters) at -= this.counters;
    }
  }

  /** Adds an item; each time it is added it must be removed once. */
  update(item: Hashable): void {
    for (const at of this.places(item)) this.change(at, 1);
  }

  /** Removes an item that was added before; false, and nothing changed, where it certainly was not. */
  remove(item: Hashable): boolean {
    if (!this.has(item)) return false;
    for (const at of this.places(item)) if (this.counter(at) > 0) this.change(at, -1);
    return true;
  }

  /** Whether the item may have been added and not removed; false is certain. */
  has(item: Hashable): boolean {
    for (const at of this.places(item)) if (this.counter(at) === 0) return false;
    return true;
  }

  /** Adds all items of `other`. Throws `incompatible-sketches` for another size. */
  merge(other: CountingBloomFilter): void {
    if (other.counters !== this.counters || other.hashCount !== this.hashCount) {
      throw incompatibleSketches('Counting Bloom filters merge only at equal counters and hashCount.');
    }
    for (let i = 0; i < this.nibbles.length; i++) {
      const a = this.nibbles[i]!;
      const b = other.nibbles[i]!;
      this.nibbles[i] = Math.min(stuck, (a & 15) + (b & 15)) | (Math.min(stuck, (a >>> 4) + (b >>> 4)) << 4);
    }
  }

  /** The probability that `has` says yes to an item never added, as the filter is now. O(counters). */
  falsePositiveRate(): number {
    let used = 0;
    for (const pair of this.nibbles) used += ((pair & 15) > 0 ? 1 : 0) + (pair >>> 4 > 0 ? 1 : 0);
    return (used / this.counters) ** this.hashCount;
  }

  /** Versioned bytes: hashCount, counters/64, then two counters a byte. */
  serialize(): Uint8Array {
    const blocks = this.counters / 64;
    const writer = beginOwn('countingBloom', 1, 1 + varintLength(blocks) + this.nibbles.length);
    return writer.u8(this.hashCount).varint(blocks).bytes(this.nibbles).finish();
  }

  /** Throws `corrupt-sketch` for bytes that `serialize` did not write. */
  static deserialize(bytes: Uint8Array): CountingBloomFilter {
    return readOwn(bytes, 'countingBloom', 1, reader => {
      const hashCount = reader.u8();
      const blocks = reader.varint();
      if (
        hashCount < 1 ||
        hashCount > hashCountMax ||
        blocks < 1 ||
        blocks > bitsMax / 64 ||
        reader.remaining !== blocks * 32
      ) {
        throw corruptSketch('countingBloom', 'its size is out of range');
      }
      const filter = new CountingBloomFilter(blocks * 64, hashCount);
      filter.nibbles.set(reader.bytes(blocks * 32));
      return filter;
    });
  }
}
