// A column's values from the positions of their texts. A cell whose end is 0 was not found (no value ends there).
import {
  codeOf,
  Dictionary,
  noCode,
  prepareDictionary,
  slotOf,
  tagBoolean,
  tagNumber,
  tagString,
} from './dictionary';
import { keyHash, murmur128 } from './hash';
import { scratchOf } from './memory';
import {
  canonicalFrom,
  canonicalNumber,
  canonicalTo,
  parsedInteger,
  parsedNumber,
  parseInteger,
  parseNumber,
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
  if (isNumeric(byte)) return parseNumber(at, end) ? epochUs(parsedNumber()) : NaN;
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

/** A row's text between the steps: u32 position (0 for none to look up), length, tag, hash. */
const pending = memory.data(256 * 16, 16);
/** Where the sums of touched memory go, so that the touching is not optimised away. */
const touched = memory.data(8, 8);
/** Dictionaries of at most this many entries are taken to be in cache. */
const cachedEntries: u32 = 2048;

/** At most 256 rows. All hashes first: the cache misses of large dictionaries then overlap. */
function convertDictionary(field: Field, input: usize, from: u32, to: u32): void {
  const dictionary = changetype<Dictionary>(field.dictionary);
  prepareDictionary(dictionary);
  let touch: u64 = 0;
  let slot = pending;
  for (let row = from; row < to; row++, slot += 16) {
    store<u32>(slot, 0);
    const end = endOf(field, row);
    if (end == 0 || load<u8>(field.state + row) == cellEscaped) continue;
    const state = textOf(startOf(field, input, row), input + end, false);
    store<u8>(field.state + row, state);
    if (state != cellValue) continue;
    const hash = keyHash(textAt, textLength, textTag);
    store<u32>(slot, u32(textAt));
    store<u32>(slot, textLength, 4);
    store<u32>(slot, textTag, 8);
    store<u32>(slot, hash, 12);
    touch += load<u64>(slotOf(dictionary, hash));
  }
  if (dictionary.count > cachedEntries) touch += touchEntries(dictionary, to - from);
  store<u64>(touched, touch);
  slot = pending;
  for (let row = from; row < to; row++, slot += 16) {
    let at: usize = load<u32>(slot);
    let length = load<u32>(slot, 4);
    let tag = load<u32>(slot, 8);
    let hash = load<u32>(slot, 12);
    if (at == 0) {
      if (load<u8>(field.state + row) != cellEscaped) continue;
      const state = textOf(startOf(field, input, row), input + endOf(field, row), true);
      store<u8>(field.state + row, state);
      if (state != cellValue) continue;
      at = textAt;
      length = textLength;
      tag = textTag;
      hash = keyHash(at, length, tag);
    }
    const code = codeOf(dictionary, at, length, tag, hash);
    if (code == noCode) store<u8>(field.state + row, cellOther);
    store<u32>(field.values + (usize(row) << 2), code);
  }
}

/** Brings the entries and texts that pending hashes probably mean into cache. */
function touchEntries(dictionary: Dictionary, rows: u32): u64 {
  let touch: u64 = 0;
  for (let i: u32 = 0; i < rows; i++) {
    const hash = load<u32>(pending + (usize(i) << 4), 12);
    const code = load<u32>(slotOf(dictionary, hash));
    if (code != 0) touch += load<u32>(dictionary.entries + (usize(code - 1) << 4));
  }
  return touch;
}
