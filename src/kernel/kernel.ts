// The kernel: byte work at memory speed. This file is the contract; `kernel-wasm.ts` is the fast
// implementation (AssemblyScript, SIMD), `kernel-reference.ts` the plain one that it is checked against.
// `load-kernel.ts` makes one from its file.
//
// One instance a thread; no method is re-entrant. The instance owns one linear memory. `input(capacity)`
// hands out the input region: the caller fills it (a file is read straight into it), then calls a method with
// the length used. Results that are typed arrays are views into the same memory: valid until the next call of
// any method of the instance, and detached when memory grows, so take views anew after each call. No input
// whatsoever makes the kernel read or write outside its memory, loop without end, or throw anything but a
// MillraceError: `kernel-memory` where a call needs more memory than the instance may have (what it had stays
// whole; other calls go on), `kernel-range` for an argument out of range, `kernel-freed`, `bad-field`.
//
// Two things hold longer than the rule: a decoder's columns until its next `decode` (their getters renew
// views that growing memory detached, so read them through the Column object, or copy), and dictionaries and
// groups until they are reset.

/** Why a line was refused, with the byte position inside that line. */
export interface LineError {
  /** 1-based line number within the input. */
  line: number;
  /** 0-based byte within the line. */
  position: number;
  /**
   * Short and stable, one of `lineReasons` (line-reasons.ts): "unexpected end", "bad escape", "not an
   * object", …
   */
  reason: string;
  /** The line's bytes within the input as it was, newline left out. */
  start: number;
  end: number;
}

export interface ValidateResult {
  /** Accepted events. */
  count: number;
  /**
   * Where the accepted NDJSON is: `output` bytes of the input region from position 0 when every line was good
   * and already ended in "\n" (nothing is copied), otherwise compacted in place: bad and blank lines removed,
   * CRLF → LF, a last newline added. Always `count` lines each ended by "\n".
   */
  length: number;
  /** The first `maxErrors` refused lines. */
  errors: LineError[];
  /** All refused lines, those beyond `maxErrors` too. */
  rejected: number;
  /**
   * Raw bytes of the refused lines in `errors`, copied out before compaction, in the same order.
   */
  rejectedLines: Uint8Array[];
}

export type ColumnKind =
  /**
   * Number → Float64Array, the nearest double as JSON.parse has it. `other` in rare cases of more than 19
   * digits.
   */
  | 'f64'
  /**
   * Digits, with ".0" allowed, in the range of a signed 64-bit integer → BigInt64Array; anything else is
   * state `other`.
   */
  | 'i64'
  /**
   * ISO 8601 variants, access-log time, epoch s/ms/µs/ns (by size, see core/time.ts) → Float64Array of µs.
   */
  | 'time'
  /** true/false → Uint8Array of 0/1. */
  | 'bool'
  /**
   * Any scalar → Uint32Array of codes into a dictionary that lives as long as the decoder; "1" and 1 are two
   * entries, 1 and 1.0 one. State `other`: numbers with an exponent, of more than 15 digits (2^53 where
   * whole) or below 1e-6 in size, and strings with a lone surrogate; see scalar-text.ts.
   */
  | 'dict'
  /**
   * Any scalar → Uint32Array of 4 words a row: murmur128 (core/hash.ts, seed 9001) of a string's UTF-8, or of
   * a number's or boolean's canonical JSON text; `other` as for dict.
   */
  | 'hash'
  /** Any value: only the position of its raw JSON text. */
  | 'slice';

export interface FieldSpec {
  /**
   * Keys from the root: ['request', 'path'] is {"request":{"path":…}}; a key may contain dots. At the root the case of ASCII
   * letters does not count, as in the names of SQL; below it does. With duplicate keys the last wins.
   */
  path: readonly string[];
  kind: ColumnKind;
  /** For a path of one key: case counts at the root too. */
  isExact?: boolean;
}

/** What a row of a column holds. */
export const cell = {
  /** No such key. */
  absent: 0,
  /** JSON null. */
  null: 1,
  /** A value of the wanted kind, in `values`. */
  value: 2,
  /** A value of another type, or beyond what the kind holds exactly: decode `start`…`end` with JSON.parse. */
  other: 3,
} as const;

export interface Column {
  spec: FieldSpec;
  /** One of `cell`, a row each. */
  state: Uint8Array;
  /** By kind, see ColumnKind. For `slice` empty. */
  values: Float64Array | BigInt64Array | Uint8Array | Uint32Array;
  /**
   * Position of the raw JSON text of the value in the input region; end is exclusive. Set for all states but
   * absent.
   */
  start: Uint32Array;
  end: Uint32Array;
}

export interface DecodeResult {
  rows: number;
  /**
   * Bytes of input decoded: whole lines; the rest (a partial line, or beyond `maxRows`) is left for the
   * caller.
   */
  consumed: number;
  columns: Column[];
}

/** Decodes the same fields from many inputs. Lives until `free`. */
export interface Decoder {
  readonly fields: readonly FieldSpec[];
  /**
   * Decodes lines of valid NDJSON at [position, position + length) of the input region, at most `maxRows`
   * rows (the decoder's limit). Every line, ended by "\n", is a row. What `validate` would refuse gives cells
   * of no meaning, but never an error nor a wrong row count.
   */
  decode(position: number, length: number): DecodeResult;
  /** The scalar behind a code of field `index`. Codes are dense from 0 in order of first appearance. */
  dictionaryValue(index: number, code: number): string | number | boolean;
  dictionarySize(index: number): number;
  /** True where the values of the codes in [from, to) are all texts. */
  dictionaryIsText(index: number, from: number, to: number): boolean;
  /** Copies the UTF-8 bytes of a text to `target` at `at` and answers their number; −1 for more than `max` and for what is no text. */
  dictionaryBytes(index: number, code: number, target: Uint8Array, at: number, max: number): number;
  /**
   * A dictionary holds at most `maxDictionaryEntries`; beyond it cells get state `other`. Forgets all codes
   * of a field (the caller has resolved those it keeps).
   */
  resetDictionary(index: number): void;
  free(): void;
}

export interface DecoderOptions {
  /** Rows a decode call returns at most; default 16,384. */
  maxRows?: number;
  /** Default 1,048,576. */
  maxDictionaryEntries?: number;
  /** Bytes of text a dictionary holds at most, as another bound of the same kind; default 64 MiB. */
  maxDictionaryBytes?: number;
}

/** Assigns dense ids to tuples of 32-bit words: the hash table of GROUP BY. Lives until `free`. */
export interface Grouper {
  readonly width: number;
  /**
   * Writes the id of each row's tuple to `ids` (a view as all results). `keys` are `width` columns of at
   * least `rows` words; `mask`, where given, has 0 for rows to leave out, whose id is 0xffffffff. Ids are
   * dense from 0 in order of first appearance and stay until `reset`. At `maxGroups` new tuples get
   * 0xfffffffe.
   */
  assign(keys: readonly Uint32Array[], rows: number, mask?: Uint8Array): Uint32Array;
  size(): number;
  /** The tuple of an id. */
  key(id: number): Uint32Array;
  reset(): void;
  free(): void;
}

export interface AccessLogResult {
  /** Events made. */
  count: number;
  /** Bytes of NDJSON at the start of `output`, one line an event, each ended by "\n". */
  output: Uint8Array;
  errors: LineError[];
  rejected: number;
  rejectedLines: Uint8Array[];
  /** Bytes of input consumed: whole lines. */
  consumed: number;
  /** Lines of these, blank and refused ones too. */
  lines: number;
}

export interface Kernel {
  /** The input region, of at least `capacity` bytes; keeps its content when it already is that large. */
  input(capacity: number): Uint8Array;
  /**
   * Checks that input[0, length) is NDJSON whose every line is one JSON object as RFC 8259 and JSON.parse
   * define it (valid UTF-8 required, no BOM but one at the very start, depth ≤ 64, line ≤ maxLineBytes,
   * default 1 MiB), and counts; `maxErrors` is 100 by default. Blank lines are no error and no event.
   */
  validate(length: number, options?: { maxErrors?: number; maxLineBytes?: number }): ValidateResult;
  /**
   * The same for one JSON array of objects, or one object that spans lines: each element becomes one line,
   * its bytes kept but for newlines between tokens, which become spaces. An error in the document's structure
   * refuses from there on; an element that is not an object is one bad line (`line` is the element's 1-based
   * number).
   */
  arrayToNdjson(length: number, options?: { maxErrors?: number }): ValidateResult & { output: Uint8Array };
  /**
   * Common, Combined or vhost-prefixed access-log lines to NDJSON with keys, in this order: `_time` (ISO 8601
   * UTC ms), `vhost` where present, `ip`, `proxies` where the server logs X-Forwarded-For and it is a list (`1.2.3.4, 5.6.7.8`: the
   * first address is the client's), `ident, user, method, path, protocol, status, bytes, referer, agent`.
   * `-` is null but in the quoted referer
   * and agent, which stay as they were sent; status and bytes are numbers; a request that is not "METHOD path protocol" gives null method
   * and protocol and the whole text as path. Common lines have neither `referer` nor `agent`; a vhost prefix
   * may stand before Common and Combined lines. Backslash escapes of Apache (`\"`, `\\`, `\xhh`, `\n`, `\t`,
   * …) are undone; bytes that are no UTF-8 become U+FFFD. `last`: the input's end is the file's end, so a
   * last line without newline counts.
   */
  accessLogToNdjson(length: number, variant: 'common' | 'combined' | 'vhost', last: boolean): AccessLogResult;
  decoder(fields: readonly FieldSpec[], options?: DecoderOptions): Decoder;
  grouper(width: number, options?: { maxGroups?: number }): Grouper;
  /** murmur128 of input[start, end). */
  hash(start: number, end: number): Uint32Array;
  /** Bytes of memory the instance holds. */
  memoryBytes(): number;
  /** Share of the memory it may have that is in use, 0–1: input, decoders with their dictionaries, and groupers. */
  fill(): number;
}
