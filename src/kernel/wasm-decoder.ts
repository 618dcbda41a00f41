// A decoder of the compiled kernel: builds the tree of keys, hands out columns as views. A column's getters renew a
// view that memory growth detached, so columns stay readable until the decoder's next `decode`.
import { MillraceError } from '../core/errors.ts';
import { checkFields } from './check-fields.ts';
import type { Column, ColumnKind, DecodeResult, Decoder, DecoderOptions, FieldSpec } from './kernel.ts';
import { checkRange, type KernelInstance } from './wasm-exports.ts';

/** Order of the kinds in assembly/plan.ts. */
const kinds: readonly ColumnKind[] = ['f64', 'i64', 'time', 'bool', 'dict', 'hash', 'slice'];

const encoder = new TextEncoder();
const textDecoder = new TextDecoder('utf-8', { ignoreBOM: true });
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

class WasmColumn implements Column {
  readonly spec: FieldSpec;
  private readonly instance: KernelInstance;
  private readonly pointers: FieldPointers;
  private readonly rows: number;
  private buffer: ArrayBuffer | undefined;
  private stateView!: Uint8Array;
  private valuesView!: Column['values'];
  private startView!: Uint32Array;
  private endView!: Uint32Array;

  constructor(instance: KernelInstance, spec: FieldSpec, pointers: FieldPointers, rows: number) {
    this.instance = instance;
    this.spec = spec;
    this.pointers = pointers;
    this.rows = rows;
  }

  private renew(): void {
    const buffer = this.instance.buffer;
    if (buffer === this.buffer) return;
    const { state, start, end, values } = this.pointers;
    const { rows } = this;
    this.buffer = buffer;
    this.stateView = new Uint8Array(buffer, state, rows);
    this.startView = new Uint32Array(buffer, start, rows);
    this.endView = new Uint32Array(buffer, end, rows);
    const { kind } = this.spec;
    if (kind === 'f64' || kind === 'time') this.valuesView = new Float64Array(buffer, values, rows);
    else if (kind === 'i64') this.valuesView = new BigInt64Array(buffer, values, rows);
    else if (kind === 'bool') this.valuesView = new Uint8Array(buffer, values, rows);
    else {
      const words = kind === 'slice' ? 0 : kind === 'hash' ? rows * 4 : rows;
      this.valuesView = new Uint32Array(buffer, values, words);
    }
  }

  get state(): Uint8Array {
    this.renew();
    return this.stateView;
  }
  get values(): Column['values'] {
    this.renew();
    return this.valuesView;
  }
  get start(): Uint32Array {
    this.renew();
    return this.startView;
  }
  get end(): Uint32Array {
    this.renew();
    return this.endView;
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
        const node = this.nodeOf(field.path);
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

  private nodeOf(path: readonly string[]): number {
    const { exports } = this.instance;
    let node = exports.rootOf(this.decoder);
    for (const key of path) {
      const bytes = encoder.encode(key);
      const scratch = exports.scratchOf(bytes.length);
      this.instance.bytes(scratch, bytes.length).set(bytes);
      node = exports.childOf(node, scratch, bytes.length);
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
    const dictionary = this.dictionary(index);
    checkRange('code', code, 0, this.dictionarySize(index) - 1);
    const [offset, length, tag] = this.instance.words(
      this.instance.exports.dictionaryEntry(dictionary, code),
      3,
    );
    const arena = this.instance.words(dictionary, 6)[5]!;
    const text = textDecoder.decode(this.instance.bytes(arena + offset!, length!));
    if (tag === tagString) return text;
    return tag === tagNumber ? Number(text) : text === 'true';
  }

  dictionarySize(index: number): number {
    return this.instance.words(this.dictionary(index), 4)[3]!;
  }

  resetDictionary(index: number): void {
    this.instance.exports.clearDictionary(this.dictionary(index));
  }

  free(): void {
    if (this.decoder !== 0) this.instance.exports.freeDecoder(this.decoder);
    this.decoder = 0;
  }
}
