// RFC 8259 a byte at a time within bounds, with the position and reason of the first refused byte. It decides
// wherever the fast check gives up, so it has the last word on what is JSON.
import {
  badEscape,
  badNumber,
  controlCharacter,
  invalidUtf8,
  tooDeep,
  unexpectedByte,
  unexpectedEnd,
} from './reasons';
import { hexDigit, isDigit, utf8Length } from './scan';

const maxDepth: u32 = 64;

let refusedAt: usize = 0;
let refusedReason: u32 = 0;

export function errorAt(): usize {
  return refusedAt;
}
export function errorReason(): u32 {
  return refusedReason;
}

/** Always 0, so that a failing check can return it. */
export function refuse(at: usize, end: usize, reason: u32): usize {
  refusedAt = at < end ? at : end;
  refusedReason = at < end ? reason : unexpectedEnd;
  return 0;
}

export function passWhitespace(at: usize, end: usize): usize {
  while (at < end) {
    const byte: u32 = load<u8>(at);
    if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) break;
    at++;
  }
  return at;
}

/** From the opening quote; past the closing one, or 0. */
function passString(at: usize, end: usize): usize {
  if (at >= end || load<u8>(at) != 0x22) return refuse(at, end, unexpectedByte);
  at++;
  while (at < end) {
    const byte: u32 = load<u8>(at);
    if (byte == 0x22) return at + 1;
    if (byte == 0x5c) {
      at = passEscape(at, end);
      if (at == 0) return 0;
    } else if (byte < 0x20) return refuse(at, end, controlCharacter);
    else if (byte < 0x80) at++;
    else {
      const length = utf8Length(at, end);
      if (length == 0) return refuse(at, end, invalidUtf8);
      at += length;
    }
  }
  return refuse(end, end, unexpectedEnd);
}

/** From the backslash; past the escape, or 0. */
export function passEscape(at: usize, end: usize): usize {
  at++;
  if (at >= end) return refuse(at, end, unexpectedEnd);
  switch (load<u8>(at)) {
    case 0x22:
    case 0x5c:
    case 0x2f:
    case 0x62:
    case 0x66:
    case 0x6e:
    case 0x72:
    case 0x74:
      return at + 1;
    case 0x75:
      for (let i: usize = 1; i <= 4; i++) {
        if (at + i >= end || hexDigit(load<u8>(at + i)) > 15) return refuse(at + i, end, badEscape);
      }
      return at + 5;
    default:
      return refuse(at, end, badEscape);
  }
}

function passDigits(at: usize, end: usize): usize {
  if (at >= end || !isDigit(load<u8>(at))) return refuse(at, end, badNumber);
  while (at < end && isDigit(load<u8>(at))) at++;
  return at;
}

export function passNumber(at: usize, end: usize): usize {
  if (load<u8>(at) == 0x2d) at++;
  if (at < end && load<u8>(at) == 0x30) {
    at++;
    if (at < end && isDigit(load<u8>(at))) return refuse(at, end, badNumber);
  } else {
    at = passDigits(at, end);
    if (at == 0) return 0;
  }
  if (at < end && load<u8>(at) == 0x2e) {
    at = passDigits(at + 1, end);
    if (at == 0) return 0;
  }
  if (at < end && (load<u8>(at) | 0x20) == 0x65) {
    at++;
    if (at < end && (load<u8>(at) == 0x2b || load<u8>(at) == 0x2d)) at++;
    at = passDigits(at, end);
  }
  return at;
}

/** The literal's bytes, first byte lowest. */
function passLiteral(at: usize, end: usize, text: u64): usize {
  while (text != 0) {
    if (at >= end || load<u8>(at) != u8(text)) return refuse(at, end, unexpectedByte);
    at++;
    text >>= 8;
  }
  return at;
}

function passScalar(at: usize, end: usize): usize {
  const byte: u32 = load<u8>(at);
  if (byte == 0x22) return passString(at, end);
  if (byte == 0x2d || isDigit(byte)) return passNumber(at, end);
  if (byte == 0x74) return passLiteral(at, end, 0x65757274);
  if (byte == 0x66) return passLiteral(at, end, 0x65736c6166);
  if (byte == 0x6e) return passLiteral(at, end, 0x6c6c756e);
  return refuse(at, end, unexpectedByte);
}

/** A key, its colon and the whitespace around; to the value's first byte, or 0. */
function passKey(at: usize, end: usize): usize {
  at = passString(at, end);
  if (at == 0) return 0;
  at = passWhitespace(at, end);
  if (at >= end || load<u8>(at) != 0x3a) return refuse(at, end, unexpectedByte);
  return passWhitespace(at + 1, end);
}

/** One value of any kind that begins at `at`; past it, or 0 with errorAt and errorReason set. */
export function passValue(at: usize, end: usize): usize {
  // One bit a container, the innermost lowest: 1 for an object.
  let kinds: u64 = 0;
  let depth: u32 = 0;
  while (true) {
    if (at >= end) return refuse(at, end, unexpectedEnd);
    const byte: u32 = load<u8>(at);
    if (byte == 0x7b || byte == 0x5b) {
      if (depth == maxDepth) return refuse(at, end, tooDeep);
      const isObject = byte == 0x7b;
      kinds = (kinds << 1) | u64(isObject);
      depth++;
      at = passWhitespace(at + 1, end);
      if (at >= end || load<u8>(at) != (isObject ? 0x7d : 0x5d)) {
        if (isObject) at = passKey(at, end);
        if (at == 0) return 0;
        continue;
      }
    } else {
      at = passScalar(at, end);
      if (at == 0) return 0;
      if (depth == 0) return at;
      at = passWhitespace(at, end);
    }
    // Behind a value, or at the bracket that closes an empty container.
    while (true) {
      if (at >= end) return refuse(at, end, unexpectedEnd);
      const isObject = (kinds & 1) != 0;
      const next: u32 = load<u8>(at);
      if (next == 0x2c) {
        at = passWhitespace(at + 1, end);
        if (isObject) at = passKey(at, end);
        if (at == 0) return 0;
        break;
      }
      if (next != u32(isObject ? 0x7d : 0x5d)) return refuse(at, end, unexpectedByte);
      kinds >>= 1;
      at++;
      if (--depth == 0) return at;
      at = passWhitespace(at, end);
    }
  }
}
