// Count-Min: the weight of any item of a stream, never underestimated, in a fixed table. Cormode and Muthukrishnan, "An
// improved data stream summary: the count-min sketch and its applications" (2005).
import { corruptSketch, incompatibleSketches, invalidArgument } from '../corruption.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { type Hashable, murmurItem } from '../murmur.ts';
import { beginOwn, readOwn, varintLength } from '../own-bytes.ts';
import { CountTable, depthMax } from './count-table.ts';

const scratch = new Uint32Array(4);

/** The table that keeps the error under `epsilon`·n with probability 1 − `delta`: width e/ε rounded up to a power of two. */
export function countMinSize(epsilon: number, delta: number): { width: number; depth: number } {
  if (!(epsilon > 0 && epsilon < 1 && delta > 0 && delta < 1)) {
    throw invalidArgument('epsilon and delta must be in (0, 1).', { epsilon, delta });
  }
  return {
    width: Math.max(8, 2 ** Math.ceil(Math.log2(Math.E / epsilon))),
    depth: Math.min(depthMax, Math.ceil(Math.log(1 / delta))),
  };
}

/**
 * Weights of items by their hash. For each item: truth ≤ estimate, and estimate ≤ truth + (e/width)·n with probability
 * 1 − e^−depth. Memory: 8 · width · depth bytes (64 kB by default: ε = 0.13 %, δ = 1.8 %).
 *
 * @example
 * const hits = new CountMin();
 * hits.update('203.0.113.7');
 * hits.estimate('203.0.113.7'); // 1
 */
export class CountMin implements MergeableSketch<CountMin> {
  private readonly table: CountTable;
  /** Whether updates raise only what they must: smaller errors, but the state then depends on the order. */
  readonly isConservative: boolean;
  private total = 0;

  /** `width` a power of two in [8, 2^24], `depth` in [1, 16]. Throws `invalid-argument`. */
  constructor(width = 2048, depth = 4, isConservative = false) {
    this.table = new CountTable(width, depth);
    this.isConservative = isConservative;
  }

  get width(): number {
    return this.table.width;
  }
  get depth(): number {
    return this.table.depth;
  }
  /** The weight of the whole stream. */
  get n(): number {
    return this.total;
  }
  get isEmpty(): boolean {
    return this.total === 0;
  }
  /** e/width: no estimate exceeds the truth by more than this share of n, but with probability `delta`. */
  get epsilon(): number {
    return Math.E / this.table.width;
  }
  /** e^−depth. */
  get delta(): number {
    return Math.exp(-this.table.depth);
  }

  /** Adds weight, a whole number ≥ 0, to an item. Throws `invalid-argument`. */
  update(item: Hashable, weight = 1): void {
    murmurItem(item, scratch);
    this.updateHash(scratch[0]!, scratch[1]!, scratch[2]!, scratch[3]!, weight);
  }

  /** As `update`, by the item's 128-bit hash. O(depth). */
  updateHash(h1Low: number, h1High: number, h2Low: number, h2High: number, weight = 1): void {
    if (!Number.isSafeInteger(weight) || weight < 0) {
      throw invalidArgument(`A weight must be a whole number, not ${weight}.`, { weight });
    }
    const { table } = this;
    table.locate(h1Low, h1High, h2Low, h2High);
    if (this.isConservative) table.addConservatively(weight);
    else table.add(weight);
    this.total += weight;
  }

  /** Adds many hashed items with weight one: four words a row, all rows or those named by rows[0 … count). */
  updateColumn(
    hashes: Uint32Array,
    rows?: Uint32Array,
    count = rows ? rows.length : hashes.length >>> 2,
  ): void {
    if (!this.isConservative) {
      this.table.addOnes(hashes, rows, count);
      this.total += count;
      return;
    }
    for (let i = 0; i < count; i++) {
      const at = (rows ? rows[i]! : i) * 4;
      this.updateHash(hashes[at]!, hashes[at + 1]!, hashes[at + 2]!, hashes[at + 3]!);
    }
  }

  /** Adds the stream of `other`; the bound holds for both together. Throws `incompatible-sketches` for another size. */
  merge(other: CountMin): void {
    if (other.width !== this.width || other.depth !== this.depth) {
      throw incompatibleSketches('Count-Min sketches merge only at equal width and depth.', {
        widths: [this.width, other.width],
        depths: [this.depth, other.depth],
      });
    }
    this.table.addTable(other.table);
    this.total += other.total;
  }

  /** The estimated weight of an item; never below the truth. */
  estimate(item: Hashable): number {
    murmurItem(item, scratch);
    return this.estimateHash(scratch[0]!, scratch[1]!, scratch[2]!, scratch[3]!);
  }

  /** As `estimate`, by the item's 128-bit hash. O(depth). */
  estimateHash(h1Low: number, h1High: number, h2Low: number, h2High: number): number {
    this.table.locate(h1Low, h1High, h2Low, h2High);
    return this.table.smallest();
  }

  /** `upper` is certain; `lower` holds with probability 1 − `delta`. */
  bounds(item: Hashable): { lower: number; estimate: number; upper: number } {
    const estimate = this.estimate(item);
    return { lower: Math.max(0, Math.ceil(estimate - this.epsilon * this.total)), estimate, upper: estimate };
  }

  /** Versioned bytes: depth, lg width, flags, n, then each counter as a varint (a byte while it is below 128). */
  serialize(): Uint8Array {
    const { table } = this;
    const writer = beginOwn('countMin', 1, 3 + varintLength(this.total) + table.byteLength);
    writer
      .u8(table.depth)
      .u8(Math.log2(table.width))
      .u8(this.isConservative ? 1 : 0)
      .varint(this.total);
    table.write(writer);
    return writer.finish();
  }

  /** Throws `corrupt-sketch` for bytes that `serialize` did not write. */
  static deserialize(bytes: Uint8Array): CountMin {
    return readOwn(bytes, 'countMin', 1, reader => {
      const depth = reader.u8();
      const lgWidth = reader.u8();
      const flags = reader.u8();
      const total = reader.varint();
      if (depth < 1 || depth > depthMax || lgWidth < 3 || lgWidth > 24 || flags > 1) {
        throw corruptSketch('countMin', 'its size is out of range');
      }
      if (reader.remaining < depth * 2 ** lgWidth) throw corruptSketch('countMin', 'they end early');
      if (depth * 2 ** lgWidth > 2 ** 24) throw corruptSketch('countMin', 'its size is out of range');
      const sketch = new CountMin(2 ** lgWidth, depth, flags === 1);
      sketch.table.read(reader);
      sketch.total = total;
      return sketch;
    });
  }
}
