// A grouper of the compiled kernel. Key columns that already lie in its memory are read in place, others are
// copied in first.
import { MillraceError } from '../core/errors.ts';
import type { Grouper } from './kernel.ts';
import { checkRange, type KernelInstance } from './wasm-exports.ts';

/** Words of assembly/grouper.ts Grouper. */
const countWord = 2;
const tuplesWord = 5;
const columnsWord = 7;

export class WasmGrouper implements Grouper {
  readonly width: number;
  private readonly instance: KernelInstance;
  private grouper: number;

  constructor(instance: KernelInstance, width: number, maxGroups: number) {
    checkRange('width', width, 1, 64);
    checkRange('maxGroups', maxGroups, 0, 67_108_864);
    this.instance = instance;
    this.width = width;
    this.grouper = instance.exports.newGrouper(width, maxGroups) >>> 0;
  }

  private word(index: number): number {
    if (this.grouper === 0) throw new MillraceError('kernel-freed', 'This grouper was freed.');
    return this.instance.words(this.grouper, index + 1)[index]!;
  }

  assign(keys: readonly Uint32Array[], rows: number, mask?: Uint8Array): Uint32Array {
    const { instance } = this;
    const columnsAt = this.word(columnsWord);
    checkRange('rows', rows, 0, 16_777_216);
    const arrays: (Uint32Array | Uint8Array)[] = mask ? [...keys, mask] : [...keys];
    if (keys.length !== this.width || arrays.some(array => array.length < rows)) {
      throw new MillraceError(
        'kernel-range',
        `A grouper of width ${this.width} takes ${this.width} columns (and a mask) of at least ${rows} rows.`,
      );
    }
    // Positions first: reserving memory may detach the arrays that lie in it.
    const { buffer } = instance;
    const pointers = arrays.map(array => (array.buffer === buffer ? array.byteOffset : -1));
    const strangers = pointers.filter(pointer => pointer < 0).length;
    let staging = instance.exports.scratchOf(strangers * rows * 4) >>> 0;
    const ids = instance.exports.idsFor(this.grouper, rows) >>> 0;
    arrays.forEach((array, index) => {
      if (pointers[index]! >= 0) return;
      pointers[index] = staging;
      if (array instanceof Uint32Array) instance.words(staging, rows).set(array.subarray(0, rows));
      else instance.bytes(staging, rows).set(array.subarray(0, rows));
      staging += rows * 4;
    });
    instance.words(columnsAt, this.width).set(pointers.slice(0, this.width));
    instance.exports.assignGroups(this.grouper, rows, mask ? pointers[this.width]! : 0);
    return instance.words(ids, rows);
  }

  size(): number {
    return this.word(countWord);
  }

  key(id: number): Uint32Array {
    checkRange('id', id, 0, this.size() - 1);
    return this.instance.words(this.word(tuplesWord) + id * this.width * 4, this.width);
  }

  reset(): void {
    this.word(0);
    this.instance.exports.resetGrouper(this.grouper);
  }

  free(): void {
    if (this.grouper !== 0) this.instance.exports.freeGrouper(this.grouper);
    this.grouper = 0;
  }
}
