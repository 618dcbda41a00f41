// Counts of consecutive buckets in a growing array, for DDSketch. Invariant: at most `cap` buckets; what would lie below the
// highest `cap` of them is counted in the lowest that is kept.
import type { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import { corruptSketch } from '../corruption.ts';
import { varintLength } from '../own-bytes.ts';

const growth = 64;
/** Bucket numbers of finite doubles at the finest accuracy stay within this. */
const bucketMax = 2 ** 24;

const noCounts = new Float64Array(0);

export class BucketStore {
  total = 0;
  isCollapsed = false;
  private readonly cap: number;
  private counts = noCounts;
  /** The bucket that counts[0] stands for. */
  private offset = 0;
  private lowest = Number.POSITIVE_INFINITY;
  private highest = Number.NEGATIVE_INFINITY;

  constructor(cap: number) {
    this.cap = cap;
  }

  get memoryBytes(): number {
    return this.counts.byteLength;
  }

  add(bucket: number, count: number): void {
    const at = bucket - this.offset;
    if (bucket < this.lowest || bucket > this.highest || at < 0 || at >= this.counts.length) {
      bucket = this.include(bucket);
    }
    this.counts[bucket - this.offset]! += count;
    this.total += count;
  }

  /** Makes room for a bucket; answers the one that counts it, which is higher where it falls below the cap. */
  private include(bucket: number): number {
    const isFirst = this.total === 0;
    const highest = isFirst ? bucket : Math.max(this.highest, bucket);
    const least = highest - this.cap + 1;
    if (bucket < least || (!isFirst && this.lowest < least)) this.isCollapsed = true;
    const counted = Math.max(bucket, least);
    const lowest = isFirst ? counted : Math.max(least, Math.min(this.lowest, counted));
    if (
      isFirst ||
      lowest < this.offset ||
      highest >= this.offset + this.counts.length ||
      lowest > this.lowest
    ) {
      this.rebuild(lowest, highest, isFirst);
    }
    this.lowest = lowest;
    this.highest = highest;
    return counted;
  }

  private rebuild(lowest: number, highest: number, isFirst: boolean): void {
    const length = highest - lowest + 1;
    const spare = Math.min(Math.max(growth, length), this.cap - length);
    // Room is kept on the side that grew.
    const offset = isFirst ? lowest - (spare >> 1) : lowest < this.lowest ? lowest - spare : lowest;
    const counts = new Float64Array(length + spare);
    for (let bucket = this.lowest; !isFirst && bucket <= this.highest; bucket++) {
      counts[Math.max(bucket, lowest) - offset]! += this.counts[bucket - this.offset]!;
    }
    this.counts = counts;
    this.offset = offset;
  }

  merge(other: BucketStore): void {
    if (other.total === 0) return;
    const { lowest, highest, counts, offset } = other;
    if (this.total === 0 && other.cap <= this.cap) {
      this.counts = counts.slice(lowest - offset, highest - offset + 1);
      this.offset = lowest;
      this.lowest = lowest;
      this.highest = highest;
      this.total = other.total;
    } else {
      // The order of collapsing does not matter: the highest bucket decides alone.
      this.add(highest, counts[highest - offset]!);
      this.include(lowest);
      for (let bucket = lowest; bucket < highest; bucket++) {
        this.counts[Math.max(bucket, this.lowest) - this.offset]! += counts[bucket - offset]!;
      }
      this.total += other.total - counts[highest - offset]!;
    }
    if (other.isCollapsed) this.isCollapsed = true;
  }

  /** The bucket of the `rank`-th smallest of what is counted, 1 ≤ rank ≤ total. */
  bucketAt(rank: number): number {
    let seen = 0;
    for (let bucket = this.lowest; bucket < this.highest; bucket++) {
      seen += this.counts[bucket - this.offset]!;
      if (seen >= rank) return bucket;
    }
    return this.highest;
  }

  /** What is counted in buckets lower than this one. */
  countBelow(bucket: number): number {
    let seen = 0;
    const end = Math.min(bucket - 1, this.highest);
    for (let at = this.lowest; at <= end; at++) seen += this.counts[at - this.offset]!;
    return seen;
  }

  get byteLength(): number {
    if (this.total === 0) return 1;
    let length = varintLength(this.highest - this.lowest + 1) + 4 + 1;
    for (let bucket = this.lowest; bucket <= this.highest; bucket++) {
      length += varintLength(this.counts[bucket - this.offset]!);
    }
    return length;
  }

  /** Number of buckets; then, where there are any, the lowest, whether collapsed, and the counts. */
  write(writer: ByteWriter): void {
    if (this.total === 0) {
      writer.varint(0);
      return;
    }
    writer
      .varint(this.highest - this.lowest + 1)
      .i32(this.lowest)
      .u8(this.isCollapsed ? 1 : 0);
    for (let bucket = this.lowest; bucket <= this.highest; bucket++) {
      writer.varint(this.counts[bucket - this.offset]!);
    }
  }

  read(reader: ByteReader): void {
    const length = reader.varint();
    if (length === 0) return;
    if (length > this.cap || length > reader.remaining)
      throw corruptSketch('ddSketch', 'it has too many buckets');
    const lowest = reader.i32();
    const collapsed = reader.u8();
    if (Math.abs(lowest) > bucketMax || collapsed > 1)
      throw corruptSketch('ddSketch', 'a bucket is out of range');
    this.counts = new Float64Array(length);
    for (let i = 0; i < length; i++) this.total += this.counts[i] = reader.varint();
    if (this.counts[0] === 0 || this.counts[length - 1] === 0)
      throw corruptSketch('ddSketch', 'an end bucket is empty');
    this.offset = lowest;
    this.lowest = lowest;
    this.highest = lowest + length - 1;
    this.isCollapsed = collapsed === 1;
  }
}
