// A vector: one column of values for a span of rows, between decoding, expressions, grouping and accumulators.
// Producers own the arrays; they are valid until the producer's next batch.

/** `valid[row]` is 1 where there is a value and 0 for SQL NULL. */
export type Vector =
  | { kind: 'number'; rows: number; values: Float64Array; valid: Uint8Array }
  /** Whole numbers beyond 2^53, kept exactly. */
  | { kind: 'integer'; rows: number; values: BigInt64Array; valid: Uint8Array }
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
}
