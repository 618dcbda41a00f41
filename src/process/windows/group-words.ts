// Group columns as 32-bit words for the kernel's grouper: equal words mean equal SQL values while the dictionaries'
// generations stay. NULL is a word (or a bit pattern) of its own.
import { grown } from '../accumulators/growth.ts';
import type { Dictionary, Vector } from '../plan/vector.ts';

const nullCode = 0xffffffff;
/** High word of the NaN that stands for NULL; other NaNs are made one. */
const nullHigh = 0x7ff80001;
const nanHigh = 0x7ff80000;

export class GroupWords {
  /** Columns of words, after `compute`. */
  readonly columns: Uint32Array[] = [];
  private dictionaries: { dictionary: Dictionary; generation: number }[] = [];
  private kinds = '';

  /** True where codes seen before may mean something else in these vectors. */
  isStale(vectors: readonly Vector[]): boolean {
    let next = 0;
    let kinds = '';
    let isStale = false;
    for (const vector of vectors) {
      kinds += `${vector.kind} `;
      if (vector.kind !== 'dictionary') continue;
      const known = this.dictionaries[next++];
      isStale ||=
        known?.dictionary !== vector.dictionary || known.generation !== vector.dictionary.generation;
    }
    return isStale || kinds !== this.kinds;
  }

  /** Takes these vectors' dictionaries as the ones that codes belong to. */
  adopt(vectors: readonly Vector[]): void {
    this.kinds = vectors.map(({ kind }) => `${kind} `).join('');
    this.dictionaries = vectors.flatMap(vector =>
      vector.kind === 'dictionary'
        ? [{ dictionary: vector.dictionary, generation: vector.dictionary.generation }]
        : [],
    );
  }

  static width(vectors: readonly Vector[]): number {
    let width = 0;
    for (const { kind } of vectors)
      width += kind === 'integer' ? 3 : kind === 'dictionary' || kind === 'boolean' ? 1 : 2;
    return width;
  }

  compute(vectors: readonly Vector[], rows: number): readonly Uint32Array[] {
    let at = 0;
    for (const vector of vectors) at += this.write(vector, rows, at);
    this.columns.length = at;
    return this.columns;
  }

  private column(at: number, rows: number): Uint32Array {
    return (this.columns[at] = grown(this.columns[at] ?? new Uint32Array(0), rows));
  }

  private write(vector: Vector, rows: number, at: number): number {
    const { valid } = vector;
    const first = this.column(at, rows);
    if (vector.kind === 'dictionary') {
      const { codes } = vector;
      for (let row = 0; row < rows; row++) first[row] = valid[row] === 1 ? codes[row]! : nullCode;
      return 1;
    }
    if (vector.kind === 'boolean') {
      for (let row = 0; row < rows; row++) first[row] = valid[row] === 1 ? vector.values[row]! : 2;
      return 1;
    }
    const second = this.column(at + 1, rows);
    if (vector.kind === 'integer') {
      const third = this.column(at + 2, rows);
      const words = new Uint32Array(vector.values.buffer, vector.values.byteOffset, rows * 2);
      for (let row = 0; row < rows; row++) {
        third[row] = valid[row]!;
        first[row] = valid[row] === 1 ? words[row * 2]! : 0;
        second[row] = valid[row] === 1 ? words[row * 2 + 1]! : 0;
      }
      for (const [row, double] of vector.doubles ?? []) {
        const [low, high] = new Uint32Array(Float64Array.of(double).buffer);
        third[row] = 2;
        first[row] = low!;
        second[row] = high!;
      }
      return 3;
    }
    if (vector.kind === 'hash') return 0;
    const { values } = vector;
    const words = new Uint32Array(values.buffer, values.byteOffset, rows * 2);
    for (let row = 0; row < rows; row++) {
      const value = values[row]!;
      const isPlain = valid[row] === 1 && value !== 0 && !Number.isNaN(value);
      first[row] = isPlain ? words[row * 2]! : 0;
      second[row] = isPlain ? words[row * 2 + 1]! : valid[row] === 0 ? nullHigh : value === 0 ? 0 : nanHigh;
    }
    return 2;
  }
}
