// Counts over ranges of whole numbers, and quantiles from them: a Count-Min sketch for each dyadic level of the domain, so
// that any range is the sum of at most two blocks a level. Cormode and Muthukrishnan 2005, §4.2. Levels with no more
// blocks than a table has counters are kept exactly.
import { corruptSketch, incompatibleSketches, invalidArgument, requireWhole } from '../corruption.ts';
import type { MergeableSketch } from '../mergeable-sketch.ts';
import { beginOwn, readOwn, varintLength } from '../own-bytes.ts';
import { wantedRank } from '../quantile/wanted-rank.ts';
import { CountTable, depthMax, mix32 } from './count-table.ts';

/**
 * Range counts and quantiles of whole numbers in [0, 2^bits). A range count is never below the truth, and above it by at
 * most 2 · bits · (e/width) · n, with probability 1 − 2 · bits · e^−depth. Unlike KLL it answers for any range, weighted, with
 * one-sided error; it costs `bits` tables and `bits` · depth writes an update.
 */
export class DyadicCountMin implements MergeableSketch<DyadicCountMin> {
  readonly bits: number;
  readonly width: number;
  readonly depth: number;
  /** tables[i] counts blocks of 2^i values; an exact level is a table of one row, indexed by the block. */
  private readonly tables: CountTable[];
  private total = 0;

  /** `bits` in [3, 32]; `width` and `depth` as for {@link CountMin}. Throws `invalid-argument`. */
  constructor(bits = 32, width = 1024, depth = 4) {
    requireWhole('bits', bits, 3, 32);
    requireWhole('bits · width · depth', bits * width * depth, 1, 2 ** 24);
    this.bits = bits;
    this.width = width;
    this.depth = depth;
    this.tables = Array.from({ length: bits }, (_, level) => {
      const blocks = 2 ** (bits - level);
      return blocks <= width ? new CountTable(Math.max(8, blocks), 1) : new CountTable(width, depth);
    });
  }

  /** The weight of the whole stream. */
  get n(): number {
    return this.total;
  }

  private isExact(level: number): boolean {
    return 2 ** (this.bits - level) <= this.width;
  }

  private locate(level: number, block: number): CountTable {
    const table = this.tables[level]!;
    if (this.isExact(level)) {
      table.locate(block, 0, 0, 0);
      return table;
    }
    const salted = mix32(block ^ Math.imul(level + 1, 0x9e3779b1));
    const b = mix32(salted + 0x7f4a7c15);
    const c = mix32(Math.imul(salted, 0x2c1b3c6d) ^ 0x165667b1);
    table.locate(salted, b, c, mix32(Math.imul(b, 0x297a2d39) ^ c));
    return table;
  }

  private requireValue(value: number): void {
    requireWhole('value', value, 0, 2 ** this.bits - 1);
  }

  /** Adds weight, a whole number ≥ 0, to a value. O(bits · depth). Throws `invalid-argument`. */
  update(value: number, weight = 1): void {
    this.requireValue(value);
    requireWhole('weight', weight, 0, Number.MAX_SAFE_INTEGER);
    let block = value;
    for (let level = 0; level < this.bits; level++) {
      this.locate(level, block).add(weight);
      block = Math.floor(block / 2);
    }
    this.total += weight;
  }

  /** Throws `incompatible-sketches` for other parameters. */
  merge(other: DyadicCountMin): void {
    if (other.bits !== this.bits || other.width !== this.width || other.depth !== this.depth) {
      throw incompatibleSketches('Dyadic Count-Min sketches merge only at equal bits, width and depth.');
    }
    this.tables.forEach((table, level) => {
      table.addTable(other.tables[level]!);
    });
    this.total += other.total;
  }

  /** Estimated weight of the values in [from, to], both included; 0 where from > to. O(bits · depth). */
  range(from: number, to: number): number {
    this.requireValue(from);
    this.requireValue(to);
    let sum = 0;
    let low = from;
    let high = to + 1;
    for (let level = 0; level < this.bits && low < high; level++) {
      if (low % 2 === 1) sum += this.locate(level, low++).smallest();
      if (high % 2 === 1) sum += this.locate(level, --high).smallest();
      low /= 2;
      high /= 2;
    }
    // What is left is the one block of the whole domain.
    return low < high ? this.total : Math.min(sum, this.total);
  }

  /** How far a range count may be above the truth, with probability 1 − 2 · bits · e^−depth. */
  get rangeErrorMax(): number {
    let inexact = 0;
    for (let level = 0; level < this.bits; level++) if (!this.isExact(level)) inexact++;
    return 2 * inexact * (Math.E / this.width) * this.total;
  }

  /** Bounds of a range count: `upper` certain, `lower` with probability 1 − 2 · bits · e^−depth. */
  rangeBounds(from: number, to: number): { lower: number; estimate: number; upper: number } {
    const estimate = this.range(from, to);
    return { lower: Math.max(0, Math.ceil(estimate - this.rangeErrorMax)), estimate, upper: estimate };
  }

  /** The share of the stream ≤ value; NaN when empty. */
  rank(value: number): number {
    return this.total === 0 ? Number.NaN : this.range(0, value) / this.total;
  }

  /**
   * The smallest value whose estimated rank is at least `q` in [0, 1]; `undefined` when empty. Its true rank is below q by at
   * most `rangeErrorMax`/n. O(bits · depth).
   */
  quantile(q: number): number | undefined {
    if (!(q >= 0 && q <= 1)) throw invalidArgument(`A rank must be in [0, 1], not ${q}.`, { rank: q });
    if (this.total === 0) return undefined;
    let wanted = wantedRank(q, this.total);
    let block = 0;
    for (let level = this.bits - 1; level >= 0; level--) {
      block *= 2;
      const left = this.locate(level, block).smallest();
      if (left < wanted) {
        wanted -= left;
        block++;
      }
    }
    return block;
  }

  /** Versioned bytes: bits, lg width, depth, n, then each counter as a varint. */
  serialize(): Uint8Array {
    const size = this.tables.reduce((sum, table) => sum + table.byteLength, 3 + varintLength(this.total));
    const writer = beginOwn('dyadicCountMin', 1, size);
    writer.u8(this.bits).u8(Math.log2(this.width)).u8(this.depth).varint(this.total);
    for (const table of this.tables) table.write(writer);
    return writer.finish();
  }

  /** Throws `corrupt-sketch` for bytes that `serialize` did not write. */
  static deserialize(bytes: Uint8Array): DyadicCountMin {
    return readOwn(bytes, 'dyadicCountMin', 1, reader => {
      const bits = reader.u8();
      const width = 2 ** reader.u8();
      const depth = reader.u8();
      const total = reader.varint();
      const isSane = bits >= 3 && bits <= 32 && width >= 8 && depth >= 1 && depth <= depthMax;
      let cells = 0;
      for (let level = 0; level < bits; level++) {
        const blocks = 2 ** (bits - level);
        cells += blocks <= width ? Math.max(8, blocks) : width * depth;
      }
      if (!isSane || bits * width * depth > 2 ** 24 || reader.remaining < cells) {
        throw corruptSketch('dyadicCountMin', 'its size is out of range');
      }
      const sketch = new DyadicCountMin(bits, width, depth);
      for (const table of sketch.tables) table.read(reader);
      sketch.total = total;
      return sketch;
    });
  }
}
