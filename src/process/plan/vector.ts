// A vector: one column of values for a span of rows, between decoding, expressions, grouping and accumulators.
// Producers own the arrays; they are valid until the producer's next batch.

import type { Scalar } from './functions/function.ts';
import type { ScalarType } from './plan.ts';

/** `valid[row]` is 1 where there is a value and 0 for SQL NULL. */
export type Vector =
  | { kind: 'number'; rows: number; values: Float64Array; valid: Uint8Array }
  /**
   * Whole numbers beyond 2^53, kept exactly. Rows whose value is none of 64 bits (a fraction, a larger number) have it in `doubles`, so
   * that one such value changes no other.
   */
  | {
      kind: 'integer';
      rows: number;
      values: BigInt64Array;
      doubles?: ReadonlyMap<number, number> | undefined;
      valid: Uint8Array;
    }
  | { kind: 'boolean'; rows: number; values: Uint8Array; valid: Uint8Array }
  /** Microseconds since 1970. */
  | { kind: 'time'; rows: number; values: Float64Array; valid: Uint8Array }
  /**
   * Text, or any scalar, as codes into a dictionary that only grows while `generation` stays the same: what was
   * computed for a code may be kept. `dictionary.value(code)` is a string, number or boolean.
   */
  | { kind: 'dictionary'; rows: number; codes: Uint32Array; valid: Uint8Array; dictionary: Dictionary }
  /** murmur128 hashes, four words a row; only for distinct counting. */
  | { kind: 'hash'; rows: number; words: Uint32Array; valid: Uint8Array };

export type DictionaryValue = string | number | boolean;

export interface Dictionary {
  readonly generation: number;
  size(): number;
  value(code: number): DictionaryValue;
  /** Copies the UTF-8 bytes of a text and answers their number; −1 where there are more than `max`, or nothing can be copied. */
  copyText?(code: number, target: Uint8Array, at: number, max: number): number;
}

/** The columns of one batch that expressions read. */
export interface ColumnSource {
  readonly rows: number;
  /** A field used as a type: number and integer give kinds number or integer, time time, boolean boolean, text and any dictionary. */
  field(path: readonly string[], type: ScalarType): Vector;
  /** Hashes of a field's values, for distinct counting. */
  hash(path: readonly string[]): Vector;
  /** Kind boolean, valid where the field is there and not null, whatever its type. */
  presence(path: readonly string[]): Vector;
  /** Kind time, always valid. */
  eventTime(): Vector;
}

/** Characters of texts that dictionaries keep as strings before they start anew. */
export const dictionaryTextMax = 32 * 1024 * 1024;

export const textLengthOf = (value: DictionaryValue): number =>
  typeof value === 'string' ? value.length : 0;

/** Told of each text that is kept, by its characters. */
export type OnText = (length: number) => void;

/** A dictionary that grows by interning values; 1 and '1' and true are different entries. */
export class GrowingDictionary implements Dictionary {
  readonly generation = 0;
  /** Characters of its texts. */
  textLength = 0;
  private readonly values: DictionaryValue[] = [];
  private readonly codes = new Map<DictionaryValue, number>();
  private readonly onText: OnText | undefined;

  constructor(onText?: OnText) {
    this.onText = onText;
  }

  size(): number {
    return this.values.length;
  }

  value(code: number): DictionaryValue {
    return this.values[code]!;
  }

  intern(value: DictionaryValue): number {
    let code = this.codes.get(value);
    if (code === undefined) {
      code = this.values.length;
      this.values.push(value);
      const length = textLengthOf(value);
      this.textLength += length;
      if (length > 0) this.onText?.(length);
      this.codes.set(value, code);
    }
    return code;
  }
}

/** The value of one row; null for NULL. Booleans as booleans, whole numbers as numbers while they are safe. */
export function scalarAt(vector: Vector, row: number): Scalar {
  if (vector.valid[row] === 0) return null;
  switch (vector.kind) {
    case 'number':
    case 'time':
      return vector.values[row]!;
    case 'integer': {
      const double = vector.doubles?.get(row);
      if (double !== undefined) return double;
      const value = vector.values[row]!;
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value;
    }
    case 'boolean':
      return vector.values[row] === 1;
    case 'dictionary':
      return vector.dictionary.value(vector.codes[row]!);
    case 'hash':
      return null;
  }
}
