// SpaceSaving: exactly k counters, of which a new item takes over the smallest. Metwally, Agrawal, El Abbadi, "Efficient
// computation of frequent and top-k elements in data streams" (2005); merging as Agarwal et al., "Mergeable summaries" (2012).
// Invariant: the counters of one stream sum to n; no item outside weighs more than the smallest counter of a full sketch.
import { corruptSketch, incompatibleSketches, requireWhole } from '../corruption.ts';
import { stringCodec } from '../item-codec.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { beginOwn, readOwn, varintLength } from '../own-bytes.ts';
import type { FrequentItem } from './frequent-items.ts';

interface Counter {
  item: string;
  count: number;
  /** How much of the count may belong to items it took over. */
  error: number;
  /** Its place in the heap. */
  at: number;
}

const sizeMax = 2 ** 20;

/**
 * The top items of a stream from k counters. For every item: truth ≤ `upper`, truth ≥ `lower`, upper − lower ≤ n/k, with certainty, whatever the
 * stream. Next to {@link FrequentStrings}: a smaller error for the same number of counters (n/k against 2.67 · n/mapSizeMax, of which 0.75 are
 * used), dearer updates (a heap of counters, O(log k)), no exchange format.
 */
export class SpaceSaving implements MergeableSketch<SpaceSaving> {
  readonly k: number;
  private readonly counters = new Map<string, Counter>();
  /** Smallest count on top. */
  private readonly heap: Counter[] = [];
  private total = 0;
  /** Weight that an item outside may have beyond the smallest counter's say: what merges left out. */
  private absentMax = 0;

  /** `k` in [1, 2^20]. Throws `invalid-argument`. */
  constructor(k = 256) {
    requireWhole('k', k, 1, sizeMax);
    this.k = k;
  }

  /** The weight of the whole stream. */
  get n(): number {
    return this.total;
  }

  /** The most that an item outside the counters can weigh. */
  get errorMax(): number {
    return Math.max(this.absentMax, this.heap.length < this.k ? 0 : this.heap[0]!.count);
  }

  /** Adds weight, a whole number ≥ 0, to an item. O(log k). Throws `invalid-argument`. */
  update(item: string, weight = 1): void {
    requireWhole('weight', weight, 0, Number.MAX_SAFE_INTEGER);
    if (weight === 0) return;
    this.total += weight;
    const counter = this.counters.get(item);
    if (counter) {
      counter.count += weight;
      this.sink(counter.at);
    } else if (this.heap.length < this.k) {
      this.insert(item, this.absentMax + weight, this.absentMax);
    } else {
      const smallest = this.heap[0]!;
      const error = Math.max(this.absentMax, smallest.count);
      this.counters.delete(smallest.item);
      smallest.item = item;
      smallest.error = error;
      smallest.count = error + weight;
      this.counters.set(item, smallest);
      this.sink(0);
    }
  }

  private insert(item: string, count: number, error: number): void {
    const counter = { item, count, error, at: this.heap.length };
    this.heap.push(counter);
    this.counters.set(item, counter);
    for (let at = counter.at; at > 0; ) {
      const parent = (at - 1) >>> 1;
      if (this.heap[parent]!.count <= count) break;
      this.swap(at, parent);
      at = parent;
    }
  }

  private sink(at: number): void {
    const { heap } = this;
    for (;;) {
      const left = 2 * at + 1;
      let least = at;
      if (left < heap.length && heap[left]!.count < heap[least]!.count) least = left;
      if (left + 1 < heap.length && heap[left + 1]!.count < heap[least]!.count) least = left + 1;
      if (least === at) return;
      this.swap(at, least);
      at = least;
    }
  }

  private swap(a: number, b: number): void {
    const { heap } = this;
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
    heap[a]!.at = a;
    heap[b]!.at = b;
  }

  /** Adds the stream of `other`; bounds stay certain and within (n₁ + n₂)/k. Throws `incompatible-sketches` for another k. */
  merge(other: SpaceSaving): void {
    if (other.k !== this.k) throw incompatibleSketches('SpaceSaving sketches merge only at equal k.');
    const mineAbsent = this.errorMax;
    const theirsAbsent = other.errorMax;
    const sums = new Map<string, { count: number; error: number }>();
    for (const { item, count, error } of this.heap) {
      sums.set(item, { count: count + theirsAbsent, error: error + theirsAbsent });
    }
    for (const { item, count, error } of other.heap) {
      const both = sums.get(item);
      if (both) {
        both.count += count - theirsAbsent;
        both.error += error - theirsAbsent;
      } else {
        sums.set(item, { count: count + mineAbsent, error: error + mineAbsent });
      }
    }
    const ordered = [...sums].sort(([, a], [, b]) => b.count - a.count);
    this.total += other.total;
    this.absentMax = Math.max(mineAbsent + theirsAbsent, ordered[this.k]?.[1].count ?? 0);
    this.counters.clear();
    this.heap.length = 0;
    for (const [item, { count, error }] of ordered.slice(0, this.k)) this.insert(item, count, error);
  }

  /** The estimated weight of an item: its counter, or 0 where it has none. */
  estimate(item: string): number {
    return this.counters.get(item)?.count ?? 0;
  }

  /** Bounds that hold with certainty. */
  bounds(item: string): { lower: number; estimate: number; upper: number } {
    const counter = this.counters.get(item);
    if (!counter) return { lower: 0, estimate: 0, upper: this.errorMax };
    return { lower: counter.count - counter.error, estimate: counter.count, upper: counter.count };
  }

  /** The `count` items of largest estimate, largest first. O(k log k). */
  top(count: number): FrequentItem<string>[] {
    requireWhole('count', count, 0, Number.MAX_SAFE_INTEGER);
    return [...this.heap]
      .sort((a, b) => b.count - a.count)
      .slice(0, count)
      .map(({ item, count: upper, error }) => ({ item, estimate: upper, lower: upper - error, upper }));
  }

  /** Versioned bytes: k, n, the most an absent item weighs, then counters with count, error and item. */
  serialize(): Uint8Array {
    const { heap, k, total, absentMax } = this;
    let size = varintLength(k) + varintLength(total) + varintLength(absentMax) + varintLength(heap.length);
    for (const { item, count, error } of heap) {
      size += varintLength(count) + varintLength(error) + stringCodec.byteLength(item);
    }
    const writer = beginOwn('spaceSaving', 1, size)
      .varint(k)
      .varint(total)
      .varint(absentMax)
      .varint(heap.length);
    for (const { item, count, error } of heap) stringCodec.write(writer.varint(count).varint(error), item);
    return writer.finish();
  }

  /** Throws `corrupt-sketch` for bytes that `serialize` did not write. */
  static deserialize(bytes: Uint8Array): SpaceSaving {
    return readOwn(bytes, 'spaceSaving', 1, reader => {
      const k = reader.varint();
      if (k < 1 || k > sizeMax) throw corruptSketch('spaceSaving', 'k is out of range', { k });
      const sketch = new SpaceSaving(k);
      sketch.total = reader.varint();
      sketch.absentMax = reader.varint();
      const length = reader.varint();
      if (length > k) throw corruptSketch('spaceSaving', 'it has too many counters', { length, k });
      for (let i = 0; i < length; i++) {
        const count = reader.varint();
        const error = reader.varint();
        const item = stringCodec.read(reader);
        if (error > count || sketch.counters.has(item))
          throw corruptSketch('spaceSaving', 'a counter is out of range');
        sketch.insert(item, count, error);
      }
      return sketch;
    });
  }
}
