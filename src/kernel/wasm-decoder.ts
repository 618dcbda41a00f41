// A decoder of the compiled kernel: builds the tree of keys, hands out columns as views. A column's getters
// renew a view that memory growth detached, so columns stay readable until the decoder's next `decode`.
import { MillraceError } from '../core/errors.ts';
import { checkFields } from './check-fields.ts';
import type { Column, ColumnKind, DecodeResult, Decoder, DecoderOptions, FieldSpec } from './kernel.ts';
import { checkRange, type KernelInstance } from './wasm-exports.ts';

/** Order of the kinds in assembly/plan.ts. */
const kinds: readonly ColumnKind[] = ['f64', 'i64', 'time', 'bool', 'dict', 'hash', 'slice'];

const encoder = new TextEncoder();
// The layouts of assembly/dictionary.ts: words of a dictionary, words of an entry, whose text is in it where short.
const entriesWord = 2;
const countWord = 3;
const arenaWord = 5;
const entryBytes = 32;
const shapeWord = 4;
const offsetWord = 5;
const shortBytes = 16;
const tagShift = 30;
const tagString = 0;
const tagNumber = 1;

/** Where a column is: the words of assembly/plan.ts Field. */
interface FieldPointers {
  state: number;
  start: number;
  end: number;
  values: number;
  dictionary: number;
}

/** Views of one row range of a column, each made when it is first asked for. */
class WasmColumn implements Column {
  readonly spec: FieldSpec;
  private readonly instance: KernelInstance;
  private readonly pointers: FieldPointers;
  private readonly rows: number;
  private stateView: Uint8Array | undefined;
  private valuesView: Column['values'] | undefined;
  private startView: Uint32Array | undefined;
  private endView: Uint32Array | undefined;

  constructor(instance: KernelInstance, spec: FieldSpec, pointers: FieldPointers, rows: number) {
    this.instance = instance;
    this.spec = spec;
    this.pointers = pointers;
    this.rows = rows;
  }

  get state(): Uint8Array {
    const { buffer } = this.instance;
    if (this.stateView?.buffer !== buffer) {
      this.stateView = new Uint8Array(buffer, this.pointers.state, this.rows);
    }
    return this.stateView;
  }

  get values(): Column['values'] {
    const { buffer } = this.instance;
    if (this.valuesView?.buffer !== buffer) this.valuesView = this.makeValues(buffer);
    return this.valuesView;
  }

  get start(): Uint32Array {
    const { buffer } = this.instance;
    if (this.startView?.buffer !== buffer) {
      this.startView = new Uint32Array(buffer, this.pointers.start, this.rows);
    }
    return this.startView;
  }

  get end(): Uint32Array {
    const { buffer } = this.instance;
    if (this.endView?.buffer !== buffer) this.endView = new Uint32Array(buffer, this.pointers.end, this.rows);
    return this.endView;
  }

  private makeValues(buffer: ArrayBuffer): Column['values'] {
    const { rows } = this;
    const { values } = this.pointers;
    switch (this.spec.kind) {
      case 'f64':
      case 'time':
        return new Float64Array(buffer, values, rows);
      case 'i64':
        return new BigInt64Array(buffer, values, rows);
      case 'bool':
        return new Uint8Array(buffer, values, rows);
      case 'dict':
        return new Uint32Array(buffer, values, rows);
      case 'hash':
        return new Uint32Array(buffer, values, rows * 4);
      case 'slice':
        return new Uint32Array(buffer, 0, 0);
    }
  }
}

export class WasmDecoder implements Decoder {
  readonly fields: readonly FieldSpec[];
  private readonly instance: KernelInstance;
  private readonly region: () => { at: number; capacity: number };
  private readonly pointers: FieldPointers[] = [];
  private decoder: number;

  constructor(
    instance: KernelInstance,
    region: () => { at: number; capacity: number },
    fields: readonly FieldSpec[],
    options: DecoderOptions = {},
  ) {
    const { maxRows = 16_384, maxDictionaryEntries = 1_048_576, maxDictionaryBytes = 67_108_864 } = options;
    checkFields(fields);
    checkRange('maxRows', maxRows, 1, 1_048_576);
    checkRange('maxDictionaryEntries', maxDictionaryEntries, 0, 67_108_864);
    checkRange('maxDictionaryBytes', maxDictionaryBytes, 0, 1_073_741_824);
    this.instance = instance;
    this.region = region;
    this.fields = fields;
    this.decoder = instance.exports.newDecoder(fields.length, maxRows) >>> 0;
    try {
      fields.forEach((field, index) => {
        const node = this.nodeOf(field);
        const kind = kinds.indexOf(field.kind);
        instance.exports.addField(this.decoder, node, index, kind, maxDictionaryEntries, maxDictionaryBytes);
        const pointer = instance.exports.fieldOf(this.decoder, index);
        const [state, start, end, values, , dictionary] = instance.words(pointer, 6);
        this.pointers.push({
          state: state!,
          start: start!,
          end: end!,
          values: values!,
          dictionary: dictionary!,
        });
      });
    } catch (thrown) {
      this.free();
      throw thrown;
    }
  }

  private nodeOf({ path, isExact = false }: FieldSpec): number {
    const { exports } = this.instance;
    let node = exports.rootOf(this.decoder);
    for (const key of path) {
      const bytes = encoder.encode(key);
      const scratch = exports.scratchOf(bytes.length);
      this.instance.bytes(scratch, bytes.length).set(bytes);
      node = exports.childOf(node, scratch, bytes.length, Number(isExact));
    }
    return node;
  }

  private checkAlive(): void {
    if (this.decoder === 0) throw new MillraceError('kernel-freed', 'This decoder was freed.');
  }

  decode(position: number, length: number): DecodeResult {
    this.checkAlive();
    const { at, capacity } = this.region();
    checkRange('position', position, 0, capacity);
    checkRange('length', length, 0, capacity - position);
    const { exports } = this.instance;
    const rows = exports.decode(this.decoder, at, at + position, length);
    return {
      rows,
      consumed: (exports.decodeEnd() >>> 0) - at - position,
      columns: this.fields.map((spec, i) => new WasmColumn(this.instance, spec, this.pointers[i]!, rows)),
    };
  }

  private dictionary(index: number): number {
    this.checkAlive();
    const dictionary = this.pointers[index]?.dictionary;
    if (dictionary) return dictionary;
    throw new MillraceError('kernel-range', `Field ${index} of this decoder has no dictionary.`);
  }

  dictionaryValue(index: number, code: number): string | number | boolean {
    const { at, length, tag } = this.entry(index, code);
    const text = this.instance.text(at, length);
    if (tag === tagString) return text;
    return tag === tagNumber ? Number(text) : text === 'true';
  }

  private entry(index: number, code: number): { at: number; length: number; tag: number } {
    const dictionary = this.dictionary(index);
    const { allWords } = this.instance;
    const head = dictionary >>> 2;
    checkRange('code', code, 0, allWords[head + countWord]! - 1);
    const entry = allWords[head + entriesWord]! + code * entryBytes;
    const shape = allWords[(entry >>> 2) + shapeWord]!;
    const length = shape & ((1 << tagShift) - 1);
    const isShort = length <= shortBytes;
    const at = isShort ? entry : allWords[head + arenaWord]! + allWords[(entry >>> 2) + offsetWord]!;
    return { at, length, tag: shape >>> tagShift };
  }

  dictionaryIsText(index: number, from: number, to: number): boolean {
    const head = this.dictionary(index) >>> 2;
    const { allWords } = this.instance;
    checkRange('to', to, from, allWords[head + countWord]!);
    const entries = allWords[head + entriesWord]! >>> 2;
    for (let code = from; code < to; code++) {
      if (allWords[entries + code * (entryBytes >>> 2) + shapeWord]! >>> tagShift !== tagString) return false;
    }
    return true;
  }

  dictionaryBytes(index: number, code: number, target: Uint8Array, at: number, max: number): number {
    const entry = this.entry(index, code);
    if (entry.length > max || entry.tag !== tagString) return -1;
    const { allBytes } = this.instance;
    for (let i = 0; i < entry.length; i++) target[at + i] = allBytes[entry.at + i]!;
    return entry.length;
  }

  dictionarySize(index: number): number {
    return this.instance.allWords[(this.dictionary(index) >>> 2) + countWord]!;
  }

  resetDictionary(index: number): void {
    this.instance.exports.clearDictionary(this.dictionary(index));
  }

  free(): void {
    if (this.decoder !== 0) this.instance.exports.freeDecoder(this.decoder);
    this.decoder = 0;
  }
}
