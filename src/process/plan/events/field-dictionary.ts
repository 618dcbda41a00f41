// The dictionary of one field as vectors have it, over the kernel's. For text uses every value is its text, so that 200 and
// "200" are one entry, as they are in SQL once the column has widened. It starts a new generation when it is full.
import type { Decoder } from '../../../kernel/kernel.ts';
import { doubleText } from '../functions/cast.ts';
import { type Dictionary, type DictionaryValue, textLengthOf } from '../vector.ts';

/** Its text in SQL, where a number that no double holds is `inf`. */
const textOf = (value: DictionaryValue): string =>
  typeof value === 'number' && !Number.isFinite(value) ? doubleText(value) : String(value);

export class FieldDictionary implements Dictionary {
  generation = 0;
  /** Characters of the texts that are here as strings. */
  textLength = 0;
  private readonly decoder: Decoder;
  private readonly column: number;
  private readonly asText: boolean;
  /** By code; undefined while nobody has asked. */
  private values: (DictionaryValue | undefined)[] = [];
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
    const known = this.values[code];
    if (known !== undefined) return known;
    const value = this.read(code);
    this.values[code] = value;
    this.textLength += textLengthOf(value);
    return value;
  }

  copyText(code: number, target: Uint8Array, at: number, max: number): number {
    if (this.translation) return -1;
    return this.decoder.dictionaryBytes(this.column, code, target, at, max);
  }

  private read(code: number): DictionaryValue {
    const read = this.decoder.dictionaryValue(this.column, code);
    // The kernel gives codes to whole numbers up to 2^53; from there on they are their digits.
    return this.asText || Math.abs(read as number) === 2 ** 53 ? String(read) : read;
  }

  /** Takes over the codes that the kernel has given since the last call. */
  grow(): void {
    const size = this.decoder.dictionarySize(this.column);
    if (size === this.seen) return;
    if (!this.translation && this.asText && !this.decoder.dictionaryIsText(this.column, this.seen, size)) {
      this.separate();
    }
    for (; this.seen < size; this.seen++) {
      if (!this.translation) this.values.push(undefined);
      else this.translated(this.seen, this.read(this.seen));
    }
  }

  private translated(code: number, value: DictionaryValue): void {
    if (this.translation!.length <= code) {
      const longer = new Uint32Array(code * 2 + 16);
      longer.set(this.translation!);
      this.translation = longer;
    }
    this.translation![code] = this.intern(value);
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
    return this.intern(this.asText ? textOf(value) : value);
  }

  /** Forgets everything, as the kernel's dictionary of the field has. */
  clear(): void {
    this.values = [];
    this.translation = undefined;
    this.codes = undefined;
    this.seen = 0;
    this.textLength = 0;
    this.generation++;
  }

  private separate(): void {
    if (this.translation) return;
    this.translation = Uint32Array.from({ length: Math.max(16, this.seen * 2) }, (_, code) => code);
    this.codes = new Map(this.values.map((_, code) => [this.value(code), code]));
  }

  private intern(value: DictionaryValue): number {
    let code = this.codes!.get(value);
    if (code === undefined) {
      code = this.values.push(value) - 1;
      this.codes!.set(value, code);
      this.textLength += textLengthOf(value);
    }
    return code;
  }
}
