// A column's values from the positions of their texts. A cell whose end is 0 was not found (no value ends
// there).
import {
  codeOf,
  Dictionary,
  entryShift,
  noCode,
  prepareDictionary,
  slotOf,
  tagBoolean,
  tagNumber,
  tagString,
} from './dictionary';
import { headOf, keyHash, murmur128 } from './hash';
import { scratchOf } from './memory';
import {
  canonicalFrom,
  canonicalNumber,
  canonicalTo,
  parsedInteger,
  parsedNumber,
  parseInteger,
  parseNumber,
  shortDigits,
} from './number';
import { Field, kindBool, kindDict, kindF64, kindHash, kindI64, kindTime } from './plan';
import { noText, unescape } from './text';
import { epochUs, noTime, textUs } from './time';
import { cellEscaped } from './walk';

const cellNull: u32 = 1;
const cellValue: u32 = 2;
const cellOther: u32 = 3;

const sketchSeed: u64 = 9001;

const letterTrue: u32 = 0x74;
const letterFalse: u32 = 0x66;
const letterNull: u32 = 0x6e;

// @ts-ignore: decorator
@inline function startOf(field: Field, input: usize, row: u32): usize {
  return input + load<u32>(field.start + (usize(row) << 2));
}
// @ts-ignore: decorator
@inline function endOf(field: Field, row: u32): u32 {
  return load<u32>(field.end + (usize(row) << 2));
}
// @ts-ignore: decorator
@inline function isNumeric(byte: u32): bool {
  return byte - 0x30 < 10 || byte == 0x2d;
}

/** Fills states and values of rows [from, to). */
export function convert(field: Field, input: usize, from: u32, to: u32): void {
  const kind = field.kind;
  if (kind == kindF64) convertF64(field, input, from, to);
  else if (kind == kindDict) convertDictionary(field, input, from, to);
  else if (kind == kindTime) convertTime(field, input, from, to);
  else if (kind == kindHash) convertHash(field, input, from, to);
  else if (kind == kindI64) convertI64(field, input, from, to);
  else if (kind == kindBool) convertBool(field, input, from, to);
  else convertSlice(field, input, from, to);
}

function convertF64(field: Field, input: usize, from: u32, to: u32): void {
  for (let row = from; row < to; row++) {
    const end = endOf(field, row);
    if (end == 0) continue;
    const at = startOf(field, input, row);
    if (input + end - at <= 8) {
      const whole = shortDigits(at, input + end);
      if (whole >= 0) {
        store<f64>(field.values + (usize(row) << 3), f64(whole));
        store<u8>(field.state + row, cellValue);
        continue;
      }
    }
    let state = cellOther;
    if (load<u8>(at) == letterNull) state = cellNull;
    else if (isNumeric(load<u8>(at)) && parseNumber(at, input + end)) {
      store<f64>(field.values + (usize(row) << 3), parsedNumber());
      state = cellValue;
    }
    store<u8>(field.state + row, state);
  }
}

function convertI64(field: Field, input: usize, from: u32, to: u32): void {
  for (let row = from; row < to; row++) {
    const end = endOf(field, row);
    if (end == 0) continue;
    const at = startOf(field, input, row);
    let state = cellOther;
    if (load<u8>(at) == letterNull) state = cellNull;
    else if (isNumeric(load<u8>(at)) && parseInteger(at, input + end)) {
      store<i64>(field.values + (usize(row) << 3), parsedInteger());
      state = cellValue;
    }
    store<u8>(field.state + row, state);
  }
}

function convertBool(field: Field, input: usize, from: u32, to: u32): void {
  for (let row = from; row < to; row++) {
    if (endOf(field, row) == 0) continue;
    const byte: u32 = load<u8>(startOf(field, input, row));
    store<u8>(field.values + row, u32(byte == letterTrue));
    const state = byte == letterTrue || byte == letterFalse ? cellValue : byte == letterNull ? cellNull : cellOther;
    store<u8>(field.state + row, state);
  }
}

function convertSlice(field: Field, input: usize, from: u32, to: u32): void {
  for (let row = from; row < to; row++) {
    if (endOf(field, row) == 0) continue;
    const isNull = load<u8>(startOf(field, input, row)) == letterNull;
    store<u8>(field.state + row, isNull ? cellNull : cellValue);
  }
}

/** The microseconds of a JSON value, NaN for none. */
function timeOf(at: usize, end: usize, isEscaped: bool): f64 {
  const byte: u32 = load<u8>(at);
  if (isNumeric(byte)) return parseNumber(at, end) ? epochUs(parsedNumber(), at, end) : NaN;
  if (byte != 0x22) return NaN;
  let text = at + 1;
  let textEnd = end - 1;
  if (isEscaped) {
    const length = textEnd - text;
    const plain = scratchOf(u32(length) + 32);
    const plainLength = unescape(text, textEnd, plain);
    if (plainLength == noText) return NaN;
    text = plain;
    textEnd = plain + plainLength;
  }
  const timeUs = textUs(text, textEnd);
  return timeUs == noTime ? NaN : f64(timeUs);
}

function convertTime(field: Field, input: usize, from: u32, to: u32): void {
  for (let row = from; row < to; row++) {
    const end = endOf(field, row);
    if (end == 0) continue;
    const at = startOf(field, input, row);
    let state = cellOther;
    if (load<u8>(at) == letterNull) state = cellNull;
    else {
      const timeUs = timeOf(at, input + end, load<u8>(field.state + row) == cellEscaped);
      if (timeUs == timeUs) {
        store<f64>(field.values + (usize(row) << 3), timeUs);
        state = cellValue;
      }
    }
    store<u8>(field.state + row, state);
  }
}

/** A dictionary keeps a tag above a length. */
const maxTextLength: u32 = (1 << 30) - 1;

/** What textOf found. */
let textAt: usize = 0;
let textLength: u32 = 0;
let textTag: u32 = 0;

/** The text by which a scalar is keyed, in textAt, textLength and textTag; its state. */
// @ts-ignore: decorator
@inline function textOf(at: usize, end: usize, isEscaped: bool): u32 {
  const byte: u32 = load<u8>(at);
  if (byte == 0x22) {
    textTag = tagString;
    textAt = at + 1;
    textLength = u32(end - at - 2);
    if (textLength > maxTextLength) return cellOther;
    return isEscaped ? plainText() : cellValue;
  }
  if (byte == letterNull) return cellNull;
  if (isNumeric(byte)) {
    if (!canonicalNumber(at, end)) return cellOther;
    textTag = tagNumber;
    textAt = canonicalFrom();
    textLength = u32(canonicalTo() - textAt);
    return cellValue;
  }
  if (byte != letterTrue && byte != letterFalse) return cellOther;
  textTag = tagBoolean;
  textAt = at;
  textLength = u32(end - at);
  return cellValue;
}

function plainText(): u32 {
  const plain = scratchOf(textLength + 32);
  textLength = unescape(textAt, textAt + textLength, plain);
  textAt = plain;
  return textLength == noText ? cellOther : cellValue;
}

function convertHash(field: Field, input: usize, from: u32, to: u32): void {
  for (let row = from; row < to; row++) {
    const end = endOf(field, row);
    if (end == 0) continue;
    const state = textOf(startOf(field, input, row), input + end, load<u8>(field.state + row) == cellEscaped);
    if (state == cellValue) murmur128(textAt, textLength, sketchSeed, field.values + (usize(row) << 4));
    store<u8>(field.state + row, state);
  }
}

/** A row's text between the steps: its head, u32 position (0 for none to look up), shape, hash; 32 bytes. */
const pending = memory.data(256 * 32, 16);
const pendingShift: u32 = 5;
/** Where the sums of touched memory go, so that the touching is not optimised away. */
const touched = memory.data(8, 8);
/** Dictionaries of at most this many entries are taken to be in cache. */
const cachedEntries: u32 = 2048;

/** At most 256 rows. All hashes first: the cache misses of large dictionaries then overlap. */
function convertDictionary(field: Field, input: usize, from: u32, to: u32): void {
  const dictionary = changetype<Dictionary>(field.dictionary);
  prepareDictionary(dictionary);
  let slot = pending;
  for (let row = from; row < to; row++, slot += 1 << pendingShift) {
    store<u32>(slot, 0, 16);
    const end = endOf(field, row);
    if (end == 0 || load<u8>(field.state + row) == cellEscaped) continue;
    const state = textOf(startOf(field, input, row), input + end, false);
    store<u8>(field.state + row, state);
    if (state != cellValue) continue;
    const head = headOf(textAt, textLength);
    const shape = textLength | textTag;
    v128.store(slot, head);
    store<u32>(slot, u32(textAt), 16);
    store<u32>(slot, shape, 20);
    store<u32>(slot, keyHash(head, textAt, textLength, shape), 24);
  }
  if (dictionary.count > cachedEntries) touch(dictionary, to - from);
  slot = pending;
  for (let row = from; row < to; row++, slot += 1 << pendingShift) {
    const at: usize = load<u32>(slot, 16);
    let code: u32;
    if (at != 0) code = codeOf(dictionary, v128.load(slot), at, load<u32>(slot, 20), load<u32>(slot, 24));
    else if (load<u8>(field.state + row) == cellEscaped) code = escapedCode(field, dictionary, input, row);
    else continue;
    if (code == noCode) store<u8>(field.state + row, cellOther);
    else store<u32>(field.values + (usize(row) << 2), code);
  }
}

/** The code of a string with escapes; noCode where it has no text. */
function escapedCode(field: Field, dictionary: Dictionary, input: usize, row: u32): u32 {
  const state = textOf(startOf(field, input, row), input + endOf(field, row), true);
  store<u8>(field.state + row, state);
  if (state != cellValue) return noCode;
  const head = headOf(textAt, textLength);
  const shape = textLength | textTag;
  return codeOf(dictionary, head, textAt, shape, keyHash(head, textAt, textLength, shape));
}

/** Brings the slots, then the entries, that the pending hashes probably mean into cache. */
function touch(dictionary: Dictionary, rows: u32): void {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < rows; i++) {
    sum += load<u32>(slotOf(dictionary, load<u32>(pending + (usize(i) << pendingShift), 24)));
  }
  for (let i: u32 = 0; i < rows; i++) {
    const code = load<u32>(slotOf(dictionary, load<u32>(pending + (usize(i) << pendingShift), 24)));
    // Code 0 stands for the entry before the first, which is memory as well.
    sum += load<u32>(dictionary.entries + (usize(code) << entryShift) - (1 << entryShift));
  }
  store<u32>(touched, sum);
}
