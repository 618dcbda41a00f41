// The few lines of an NDJSON file from which its fields and their types can be told as well as from all of it: the first, and each that has
// a field, or a kind of value in a field, that no line before it had. Asking DuckDB about all lines costs more than writing them.
//
// The lines are valid JSON objects, as the log holds them. Kinds are fine enough that values of one kind always get one SQL type.
import { closeSync, openSync, readSync } from 'node:fs';
import { daysInMonth } from '../core/time.ts';

/** Beyond so many bytes of examples the file is to be described whole. */
const exampleBytesMax = 4 * 1024 * 1024;
const blockBytes = 4 * 1024 * 1024;

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
}

export function fieldExamples(file: string): FieldExamples {
  const seen = new Examples();
  const handle = openSync(file, 'r');
  try {
    let block = Buffer.allocUnsafe(blockBytes);
    let filled = 0;
    for (;;) {
      const got = readSync(handle, block, filled, block.length - filled, null);
      filled += got;
      if (got === 0) {
        if (filled === 0) break;
        // The last line may lack its newline.
        block[filled++] = newline;
      }
      const end = block.lastIndexOf(newline, filled - 1) + 1;
      if (!seen.take(block, end)) return { lines: undefined, areTimesPlain: false };
      block.copy(block, 0, end, filled);
      filled -= end;
      if (got === 0) break;
      if (filled === block.length) block = Buffer.concat([block], block.length * 2);
    }
  } finally {
    closeSync(handle);
  }
  return { lines: Buffer.concat(seen.lines), areTimesPlain: seen.areTimesPlain };
}

class Examples {
  readonly lines: Buffer[] = [];
  areTimesPlain = true;
  private bytes = 0;
  private readonly known = new Set<number>();
  /** What the line before had, in its order: the next one mostly has the same. */
  private expected: number[] = [];

  /** Whole lines up to `end`. False where there are too many examples. */
  take(block: Buffer, end: number): boolean {
    for (let at = 0; at < end; ) {
      const next = this.takeLine(block, at);
      if (next < 0) {
        const after = -next;
        const line = Buffer.from(block.subarray(at, after));
        this.bytes += line.length;
        if (this.bytes > exampleBytesMax) return false;
        this.lines.push(line);
        at = after;
      } else at = next;
    }
    return true;
  }

  /** Where the next line begins; negative where this one is an example. */
  private takeLine(bytes: Uint8Array, at: number): number {
    const { expected, known } = this;
    let isNew = this.lines.length === 0;
    let index = 0;
    while (bytes[at] !== 0x7b) {
      if (bytes[at] === newline) return at + 1;
      at++;
    }
    at++;
    for (;;) {
      let byte = bytes[at]!;
      // Between fields there are only spaces, commas and the closing brace.
      while (byte !== quote) {
        if (byte === newline) {
          expected.length = index;
          return isNew ? -(at + 1) : at + 1;
        }
        byte = bytes[++at]!;
      }
      // The key, hashed twice: 52 bits are not met by chance.
      let one = 0x811c9dc5;
      let two = 0x9747b28c;
      const isTime = isTimeKey(bytes, at + 1);
      for (byte = bytes[++at]!; byte !== quote; byte = bytes[++at]!) {
        one = Math.imul(one ^ byte, 0x01000193);
        two = Math.imul(two ^ byte, 0x5bd1e995) ^ (two >>> 15);
        if (byte === backslash) {
          // It may spell `_time`.
          this.areTimesPlain = false;
          byte = bytes[++at]!;
          one = Math.imul(one ^ byte, 0x01000193);
          two = Math.imul(two ^ byte, 0x5bd1e995) ^ (two >>> 15);
        }
      }
      at++;
      byte = bytes[at]!;
      while (byte === 0x3a || byte === 0x20 || byte === 0x09 || byte === 0x0d) byte = bytes[++at]!;
      let kind = byte;
      if (byte === quote) {
        if (isTime && !isPlainTime(bytes, at + 1)) this.areTimesPlain = false;
        at = afterString(bytes, at);
      } else if (byte === 0x7b || byte === 0x5b) at = afterNested(bytes, at);
      else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
        const start = at;
        let isReal = false;
        for (
          ;
          byte === 0x2d || byte === 0x2b || byte === 0x2e || (byte | 0x20) === 0x65 || isDigit(byte);
          byte = bytes[++at]!
        ) {
          if (byte === 0x2e || (byte | 0x20) === 0x65) isReal = true;
        }
        kind = 1;
        if (!isReal) kind = at - start > 18 ? kindOfLong(bytes, start, at) : bytes[start] === 0x2d ? 3 : 2;
      } else if (byte === 0x66) kind = 0x74;
      const pair =
        (Math.imul(one ^ kind, 0x85ebca6b) >>> 0) * 0x100000 +
        ((Math.imul(two, 0xc2b2ae35) ^ kind) & 0xfffff);
      if (expected[index] !== pair) {
        if (!known.has(pair)) {
          known.add(pair);
          isNew = true;
        }
        expected[index] = pair;
      }
      index++;
    }
  }
}

/** Whole numbers below zero, within 64 bits and beyond them have types of their own. */
function kindOfLong(bytes: Uint8Array, start: number, end: number): number {
  const value = BigInt(String.fromCharCode(...bytes.subarray(start, Math.min(end, start + 40))));
  if (BigInt.asIntN(64, value) === value) return value < 0n ? 3 : 2;
  return BigInt.asUintN(64, value) === value ? 4 : 5;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** `at` is the opening quote. */
function afterString(bytes: Uint8Array, at: number): number {
  for (let byte = bytes[++at]!; byte !== quote; byte = bytes[++at]!) if (byte === backslash) at++;
  return at + 1;
}

/** `at` is the opening brace or bracket. */
function afterNested(bytes: Uint8Array, at: number): number {
  for (let depth = 0; ; ) {
    const byte = bytes[at]!;
    if (byte === quote) at = afterString(bytes, at);
    else {
      if (byte === 0x7b || byte === 0x5b) depth++;
      else if (byte === 0x7d || byte === 0x5d) depth--;
      at++;
      if (depth === 0) return at;
    }
  }
}

/** `"_time"` without its first quote. */
const timeKey = [0x5f, 0x74, 0x69, 0x6d, 0x65, quote];

function isTimeKey(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0x5f) return false;
  for (let i = 1; i < timeKey.length; i++) if (bytes[at + i] !== timeKey[i]) return false;
  return true;
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
