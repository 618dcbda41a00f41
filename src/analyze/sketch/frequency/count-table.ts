// The table under Count-Min sketches: `depth` rows of `width` counters, one counter of each row an item. Cormode and
// Muthukrishnan 2005. Counts are whole numbers in doubles, exact to 2^53. Invariant: every counter of an item is at
// least its true weight; without conservative update each row sums to n.
import type { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import { requireWhole } from '../corruption.ts';
import { varintLength } from '../own-bytes.ts';

const cellsMax = 2 ** 24;
export const depthMax = 16;

/** Bijective mixing of 32 bits (Murmur's finaliser). */
export function mix32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** The counter in a row beyond the fourth, by one of the four words. */
const remixed = (word: number, row: number, width: number): number =>
  row * width + (mix32(word ^ Math.imul(row, 0x9e3779b1)) & (width - 1));

export class CountTable {
  readonly width: number;
  readonly depth: number;
  readonly cells: Float64Array;
  private readonly at: Int32Array;

  /** `width` a power of two in [8, 2^24], `depth` in [1, 16], together at most 2^24 counters. Throws `invalid-argument`. */
  constructor(width: number, depth: number) {
    requireWhole('lg of width', Math.log2(width), 3, 24);
    requireWhole('depth', depth, 1, depthMax);
    requireWhole('width · depth', width * depth, 1, cellsMax);
    this.width = width;
    this.depth = depth;
    this.cells = new Float64Array(width * depth);
    this.at = new Int32Array(depth);
  }

  /** Finds the counters of an item by four independent words of its hash. Rows beyond four remix them. */
  locate(a: number, b: number, c: number, d: number): void {
    const { at, depth, width } = this;
    const mask = width - 1;
    at[0] = a & mask;
    if (depth > 1) at[1] = width + (b & mask);
    if (depth > 2) at[2] = 2 * width + (c & mask);
    if (depth > 3) at[3] = 3 * width + (d & mask);
    for (let row = 4; row < depth; row++) {
      const word = row % 4 === 0 ? a : row % 4 === 1 ? b : row % 4 === 2 ? c : d;
      at[row] = remixed(word, row, width);
    }
  }

  /** The smallest counter of the located item. */
  smallest(): number {
    const { at, cells } = this;
    let least = cells[at[0]!]!;
    for (let row = 1; row < at.length; row++) {
      const value = cells[at[row]!]!;
      if (value < least) least = value;
    }
    return least;
  }

  /** Adds weight to every counter of the located item. */
  add(weight: number): void {
    const { at, cells } = this;
    for (let row = 0; row < at.length; row++) cells[at[row]!]! += weight;
  }

  /** Adds one to every counter of many items: as `locate` and `add` would, without their calls. */
  addOnes(hashes: Uint32Array, rows: Uint32Array | undefined, count: number): void {
    const { cells, depth, width } = this;
    const mask = width - 1;
    for (let i = 0; i < count; i++) {
      const at = (rows ? rows[i]! : i) * 4;
      cells[hashes[at]! & mask]!++;
      if (depth > 1) cells[width + (hashes[at + 1]! & mask)]!++;
      if (depth > 2) cells[2 * width + (hashes[at + 2]! & mask)]!++;
      if (depth > 3) cells[3 * width + (hashes[at + 3]! & mask)]!++;
      for (let row = 4; row < depth; row++) cells[remixed(hashes[at + (row & 3)]!, row, width)]!++;
    }
  }

  /** Raises the counters of the located item no further than its new estimate (Estan and Varghese 2002). */
  addConservatively(weight: number): void {
    const { at, cells } = this;
    const raised = this.smallest() + weight;
    for (let row = 0; row < at.length; row++) {
      if (cells[at[row]!]! < raised) cells[at[row]!] = raised;
    }
  }

  addTable(other: CountTable): void {
    for (let i = 0; i < this.cells.length; i++) this.cells[i]! += other.cells[i]!;
  }

  get byteLength(): number {
    let length = 0;
    for (const cell of this.cells) length += varintLength(cell);
    return length;
  }

  write(writer: ByteWriter): void {
    for (const cell of this.cells) writer.varint(cell);
  }

  /** Fills the table; a reader with fewer bytes than counters fails before. */
  read(reader: ByteReader): void {
    for (let i = 0; i < this.cells.length; i++) this.cells[i] = reader.varint();
  }
}
