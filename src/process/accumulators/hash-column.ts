// The 128-bit hashes of a column: those the kernel made, or murmur128 of each value's text, the same function,
// remembered by code where the column has a dictionary.
import { murmurText } from '../../analyze/sketch/murmur.ts';
import type { Dictionary, Vector } from '../plan/vector.ts';
import type { Scalar } from './scalar.ts';
import { scalarAt } from './scalar.ts';

/** As the kernel hashes: a string's UTF-8, a number's or boolean's canonical JSON text. */
export function hashScalar(value: Scalar, out: Uint32Array): Uint32Array {
  return murmurText(typeof value === 'string' ? value : String(value), out);
}

export class HashColumn {
  private words = new Uint32Array(0);
  private byCode = new Uint32Array(0);
  private known = 0;
  private dictionary: Dictionary | undefined;
  private generation = -1;
  private readonly scratch = new Uint32Array(4);

  /** Four words a row; rows that are NULL hold anything. Valid until the next call. */
  of(vector: Vector, rows: number): Uint32Array {
    if (vector.kind === 'hash') return vector.words;
    if (this.words.length < rows * 4) this.words = new Uint32Array(rows * 4);
    const { words } = this;
    if (vector.kind === 'dictionary') {
      this.learn(vector.dictionary);
      for (let row = 0; row < rows; row++) {
        if (vector.valid[row] === 0) continue;
        const at = vector.codes[row]! * 4;
        words[row * 4] = this.byCode[at]!;
        words[row * 4 + 1] = this.byCode[at + 1]!;
        words[row * 4 + 2] = this.byCode[at + 2]!;
        words[row * 4 + 3] = this.byCode[at + 3]!;
      }
      return words;
    }
    for (let row = 0; row < rows; row++) {
      if (vector.valid[row] === 1) words.set(hashScalar(scalarAt(vector, row)!, this.scratch), row * 4);
    }
    return words;
  }

  private learn(dictionary: Dictionary): void {
    if (this.dictionary !== dictionary || this.generation !== dictionary.generation) {
      this.dictionary = dictionary;
      this.generation = dictionary.generation;
      this.known = 0;
    }
    const size = dictionary.size();
    if (this.byCode.length < size * 4) {
      const longer = new Uint32Array(Math.max(1024, size * 8));
      longer.set(this.byCode);
      this.byCode = longer;
    }
    for (; this.known < size; this.known++) {
      this.byCode.set(hashScalar(dictionary.value(this.known), this.scratch), this.known * 4);
    }
  }
}
