// The few lines of an NDJSON file from which its fields and their types can be told as well as from all of it: the first, and each that has
// a field, or a kind of value in a field, that no line before it had. Asking DuckDB about all lines costs more than writing them.
//
// The lines are valid JSON objects, as the log holds them. Kinds are fine enough that values of one kind always get one SQL type.
import { daysInMonth } from '../core/time-text.ts';
import { eachBlock } from './line-blocks.ts';
import { NestedKeys } from './nested-keys.ts';

/** Beyond so many bytes of examples the file is to be described whole. */
const exampleBytesMax = 4 * 1024 * 1024;

const quote = 0x22;
const backslash = 0x5c;
const newline = 0x0a;

export interface FieldExamples {
  /** NDJSON of the examples in the order of the file, or undefined where they are too many. */
  lines: Buffer | undefined;
  /**
   * Every text in `_time` is a valid instant of the form 2026-01-01T10:11:12.123Z in the years 1700–2254, with or without a fraction of
   * up to nine digits. Not known, and false, where there are too many examples.
   */
  areTimesPlain: boolean;
  /** Some object inside of an event, or the event itself where there were too many examples, has a key twice. */
  hasRepeatedKeys: boolean;
  /** Some event has a key that no column can be named with. Not known, and false, where there are too many examples. */
  hasUnnamedKeys: boolean;
}

export function fieldExamples(file: string): FieldExamples {
  const seen = new Examples();
  eachBlock(file, (block, end) => seen.take(block, end));
  const { hasRepeatedKeys, hasUnnamedKeys } = seen;
  if (seen.areTooMany)
    return { lines: undefined, areTimesPlain: false, hasRepeatedKeys, hasUnnamedKeys: false };
  return {
    lines: Buffer.concat(seen.lines),
    areTimesPlain: seen.areTimesPlain,
    hasRepeatedKeys,
    hasUnnamedKeys,
  };
}

/** A field as it was last at its place in a line: the next line mostly has the same there. */
interface LastField {
  /** The key as it is spelled, with the quote behind it. */
  key: Uint8Array;
  id: number;
  isTime: boolean;
  /** Key and kind of value together. */
  pair: number;
  /** Bytes of the value, where it was a string. */
  length: number;
}

/** Strings that were longer the last time are searched by native code, which is slow to call. */
const longString = 40;
/** More than kinds of values. */
const kinds = 256;

class Examples {
  readonly lines: Buffer[] = [];
  areTimesPlain = true;
  hasUnnamedKeys = false;
  areTooMany = false;
  private readonly nested = new NestedKeys();
  private bytes = 0;
  /** Keys by their spelling; each new one is in an example, which bounds them. */
  private readonly keys = new Map<string, Pick<LastField, 'key' | 'id' | 'isTime'>>();
  private readonly known = new Set<number>();
  /** By place in the line. */
  private readonly last: LastField[] = [];

  get hasRepeatedKeys(): boolean {
    return this.nested.areRepeated;
  }

  /** Whole lines up to `end`. */
  take(block: Buffer, end: number): void {
    for (let at = 0; at < end; ) {
      if (this.areTooMany) {
        // Nothing more is to be learnt but whether keys are repeated.
        at = block[at] === 0x7b ? this.nested.after(block, at) : at + 1;
        continue;
      }
      const next = this.takeLine(block, at);
      if (next < 0) {
        const after = -next;
        const line = Buffer.from(block.subarray(at, after));
        this.bytes += line.length;
        if (this.bytes > exampleBytesMax) this.areTooMany = true;
        this.lines.push(line);
        at = after;
      } else at = next;
    }
  }

  /** Where the next line begins; negative where this one is an example. */
  private takeLine(bytes: Buffer, start: number): number {
    const { known } = this;
    let at = start;
    let isNew = this.lines.length === 0;
    while (bytes[at] !== 0x7b) {
      if (bytes[at] === newline) return at + 1;
      at++;
    }
    for (let place = 0; ; place++) {
      // Between fields there are only spaces, commas and the closing brace.
      for (let byte = bytes[++at]!; byte !== quote; byte = bytes[++at]!) {
        if (byte === newline) return isNew ? -(at + 1) : at + 1;
      }
      const field = this.fieldAt(bytes, at + 1, place);
      at += field.key.length + 1;
      let byte = bytes[at]!;
      while (byte === 0x3a || byte === 0x20 || byte === 0x09 || byte === 0x0d) byte = bytes[++at]!;
      let kind = byte;
      const from = at;
      if (byte === quote) {
        if (field.isTime && !isPlainTime(bytes, at + 1)) this.areTimesPlain = false;
        at = field.length > longString ? afterLongString(bytes, at) : afterString(bytes, at);
        field.length = at - from;
      } else if (byte === 0x7b || byte === 0x5b) at = this.nested.after(bytes, at);
      else if (byte === 0x2d || isDigit(byte)) {
        at = afterNumber(bytes, at);
        kind = kindOfNumber(bytes, from, at);
      } else if (byte === 0x66) kind = 0x74;
      // The loop looks behind the place where it stands.
      at--;
      const pair = field.id * kinds + kind;
      if (field.pair === pair) continue;
      field.pair = pair;
      if (known.has(pair)) continue;
      known.add(pair);
      isNew = true;
    }
  }

  /** The field whose key begins here. */
  private fieldAt(bytes: Buffer, at: number, place: number): LastField {
    const last = this.last[place];
    if (last !== undefined && startsWith(bytes, at, last.key)) return last;
    const end = afterString(bytes, at - 1);
    const spelling = bytes.toString('latin1', at, end);
    let key = this.keys.get(spelling);
    if (key === undefined) {
      // An escape may spell `_time`.
      if (spelling.includes('\\')) this.areTimesPlain = false;
      if (spelling === '"' || spelling.includes('\\u0000')) this.hasUnnamedKeys = true;
      key = { key: Buffer.from(spelling, 'latin1'), id: this.keys.size, isTime: spelling === '_time"' };
      this.keys.set(spelling, key);
    }
    const { id, isTime } = key;
    const field: LastField = { key: key.key, id, isTime, pair: -1, length: 0 };
    this.last[place] = field;
    return field;
  }
}

function startsWith(bytes: Uint8Array, at: number, start: Uint8Array): boolean {
  for (let i = 0; i < start.length; i++) if (bytes[at + i] !== start[i]) return false;
  return true;
}

function afterNumber(bytes: Uint8Array, start: number): number {
  let at = start;
  for (let byte = bytes[at]!; isDigit(byte) || isNumberSign(byte); byte = bytes[++at]!);
  return at;
}

/** `-`, `+`, `.`, `e` or `E`. */
const isNumberSign = (byte: number): boolean =>
  byte === 0x2d || byte === 0x2b || byte === 0x2e || (byte | 0x20) === 0x65;

/**
 * 1 for those with a fraction or an exponent; 2 for whole ones, 3 below zero; more where a double would round them, they are beyond 64 bits
 * with or without a sign, or beyond 38 digits.
 */
function kindOfNumber(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    if (bytes[at] === 0x2e || (bytes[at]! | 0x20) === 0x65) return 1;
  }
  const isNegative = bytes[start] === 0x2d;
  const digits = isNegative ? start + 1 : start;
  if (end - digits > 15 && (end - digits > 16 || numberAt(bytes, digits, 16) > Number.MAX_SAFE_INTEGER)) {
    return kindOfLong(bytes, start, end);
  }
  return isNegative ? 3 : 2;
}

/** Whole numbers below zero, within 64 bits and beyond them have types of their own, and so have those that doubles round. */
function kindOfLong(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > 38) return 12;
  const value = BigInt(String.fromCharCode(...bytes.subarray(start, end)));
  const rounded = BigInt(Number(value)) === value ? 0 : 4;
  if (BigInt.asIntN(64, value) === value) return (value < 0n ? 3 : 2) + rounded;
  return (BigInt.asUintN(64, value) === value ? 4 : 5) + rounded;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** `at` is the opening quote. */
function afterString(bytes: Uint8Array, at: number): number {
  for (let byte = bytes[++at]!; byte !== quote; byte = bytes[++at]!) if (byte === backslash) at++;
  return at + 1;
}

function afterLongString(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(quote, at + 1);
  // Behind a backslash the quote may be a part of the string.
  return bytes[end - 1] === backslash ? afterString(bytes, at) : end + 1;
}

/** Whether a string, from its first character, has the form that `areTimesPlain` speaks of. */
function isPlainTime(bytes: Uint8Array, at: number): boolean {
  const month = numberAt(bytes, at + 5, 2);
  const year = numberAt(bytes, at, 4);
  const day = numberAt(bytes, at + 8, 2);
  if (!(year >= 1700 && year < 2255 && month >= 1 && month <= 12)) return false;
  if (!(day >= 1 && day <= daysInMonth(year, month))) return false;
  if (bytes[at + 4] !== 0x2d || bytes[at + 7] !== 0x2d || bytes[at + 10] !== 0x54) return false;
  if (bytes[at + 13] !== 0x3a || bytes[at + 16] !== 0x3a) return false;
  const second = numberAt(bytes, at + 17, 2);
  if (!(numberAt(bytes, at + 11, 2) <= 23 && numberAt(bytes, at + 14, 2) <= 59 && second <= 59)) return false;
  let end = at + 19;
  if (bytes[end] === 0x2e) {
    const fraction = ++end;
    while (isDigit(bytes[end]!)) end++;
    if (end === fraction || end - fraction > 9) return false;
  }
  return bytes[end] === 0x5a && bytes[end + 1] === quote;
}

/** NaN where they are not all digits. */
function numberAt(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) {
    if (!isDigit(bytes[i]!)) return Number.NaN;
    value = value * 10 + bytes[i]! - 0x30;
  }
  return value;
}
