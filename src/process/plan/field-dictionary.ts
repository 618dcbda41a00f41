// The dictionary of one field as vectors have it, over the kernel's. For text uses every value is its text, so that 200 and
// "200" are one entry, as they are in SQL once the column has widened. It starts a new generation when it is full.
import type { Decoder } from '../../kernel/kernel.ts';
import type { Dictionary, DictionaryValue } from './vector.ts';

export class FieldDictionary implements Dictionary {
  generation = 0;
  private readonly decoder: Decoder;
  private readonly column: number;
  private readonly asText: boolean;
  private values: DictionaryValue[] = [];
  /** Set once the codes here differ from the kernel's: by kernel code. */
  private translation: Uint32Array | undefined;
  private codes: Map<DictionaryValue, number> | undefined;
  private seen = 0;

  constructor(decoder: Decoder, column: number, asText: boolean) {
    this.decoder = decoder;
    this.column = column;
    this.asText = asText;
  }

  size(): number {
    return this.values.length;
  }

  value(code: number): DictionaryValue {
    return this.values[code]!;
  }

  /** Takes over the codes that the kernel has given since the last call. */
  grow(): void {
    const size = this.decoder.dictionarySize(this.column);
    for (; this.seen < size; this.seen++) {
      const read = this.decoder.dictionaryValue(this.column, this.seen);
      if (this.asText && typeof read !== 'string') this.separate();
      const value = this.asText ? String(read) : read;
      if (!this.translation) this.values.push(value);
      else {
        if (this.translation.length <= this.seen) {
          const longer = new Uint32Array(this.seen * 2 + 16);
          longer.set(this.translation);
          this.translation = longer;
        }
        this.translation[this.seen] = this.intern(value);
      }
    }
  }

  /** Puts the codes here in place of the kernel's. */
  translate(codes: Uint32Array): void {
    const { translation } = this;
    if (!translation) return;
    for (let row = 0; row < codes.length; row++) codes[row] = translation[codes[row]!] ?? 0;
  }

  /** The code of a value that the kernel did not give one. */
  add(value: DictionaryValue): number {
    this.separate();
    return this.intern(this.asText ? String(value) : value);
  }

  /** Forgets everything, as the kernel's dictionary of the field has. */
  clear(): void {
    this.values = [];
    this.translation = undefined;
    this.codes = undefined;
    this.seen = 0;
    this.generation++;
  }

  private separate(): void {
    if (this.translation) return;
    this.translation = Uint32Array.from({ length: Math.max(16, this.seen * 2) }, (_, code) => code);
    this.codes = new Map(this.values.map((value, code) => [value, code]));
  }

  private intern(value: DictionaryValue): number {
    let code = this.codes!.get(value);
    if (code === undefined) {
      code = this.values.push(value) - 1;
      this.codes!.set(value, code);
    }
    return code;
  }
}
