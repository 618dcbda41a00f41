// JSON string escapes to UTF-8.
import { hexDigit } from './scan';

/** Stands for "no UTF-8": a lone surrogate, or bytes that are no JSON string. */
export const noText: u32 = u32.MAX_VALUE;

/** The code unit of \uXXXX whose digits begin at `at`; 0x10000 and more where they are none. */
function codeUnit(at: usize): u32 {
  const a = hexDigit(load<u8>(at));
  const b = hexDigit(load<u8>(at, 1));
  const c = hexDigit(load<u8>(at, 2));
  const d = hexDigit(load<u8>(at, 3));
  return (a | b | c | d) > 15 ? 0x10000 : (a << 12) | (b << 8) | (c << 4) | d;
}

function encodeUtf8(code: u32, out: usize): usize {
  if (code < 0x80) {
    store<u8>(out, code);
    return out + 1;
  }
  if (code < 0x800) {
    store<u8>(out, 0xc0 | (code >> 6));
    store<u8>(out, 0x80 | (code & 63), 1);
    return out + 2;
  }
  if (code < 0x10000) {
    store<u8>(out, 0xe0 | (code >> 12));
    store<u8>(out, 0x80 | ((code >> 6) & 63), 1);
    store<u8>(out, 0x80 | (code & 63), 2);
    return out + 3;
  }
  store<u8>(out, 0xf0 | (code >> 18));
  store<u8>(out, 0x80 | ((code >> 12) & 63), 1);
  store<u8>(out, 0x80 | ((code >> 6) & 63), 2);
  store<u8>(out, 0x80 | (code & 63), 3);
  return out + 4;
}

/** The byte behind a one-letter escape, or 0. */
function shortEscape(letter: u32): u32 {
  switch (letter) {
    case 0x22:
    case 0x5c:
    case 0x2f:
      return letter;
    case 0x62: return 8;
    case 0x66: return 12;
    case 0x6e: return 10;
    case 0x72: return 13;
    case 0x74: return 9;
    default: return 0;
  }
}

/**
 * Writes the text behind the string content [at, end) to `out`, which has room for as many bytes; its length,
 * or noText.
 */
export function unescape(at: usize, end: usize, out: usize): u32 {
  const outStart = out;
  while (at < end) {
    const byte: u32 = load<u8>(at);
    if (byte != 0x5c) {
      store<u8>(out++, byte);
      at++;
      continue;
    }
    if (at + 1 >= end) return noText;
    const letter: u32 = load<u8>(at, 1);
    if (letter != 0x75) {
      const plain = shortEscape(letter);
      if (plain == 0) return noText;
      store<u8>(out++, plain);
      at += 2;
      continue;
    }
    if (at + 6 > end) return noText;
    let code = codeUnit(at + 2);
    at += 6;
    if (code > 0xffff || (code >= 0xdc00 && code < 0xe000)) return noText;
    if (code >= 0xd800 && code < 0xdc00) {
      if (at + 6 > end || load<u16>(at) != 0x755c) return noText;
      const low = codeUnit(at + 2);
      if (low < 0xdc00 || low > 0xdfff) return noText;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      at += 6;
    }
    out = encodeUtf8(code, out);
  }
  return u32(out - outStart);
}

/** Whether two texts of one length are equal. Reads up to 15 bytes past both. */
// @ts-ignore: decorator
@inline export function isEqual(a: usize, b: usize, length: usize): bool {
  while (length >= 16) {
    if (!i8x16.all_true(i8x16.eq(v128.load(a), v128.load(b)))) return false;
    a += 16;
    b += 16;
    length -= 16;
  }
  const differences = ~i8x16.bitmask(i8x16.eq(v128.load(a), v128.load(b)));
  return (differences & ((1 << i32(length)) - 1)) == 0;
}

/** The same but for the case of ASCII letters. */
export function isEqualFolded(a: usize, b: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) {
    const one: u32 = load<u8>(a + i);
    const other: u32 = load<u8>(b + i);
    if (one == other) continue;
    const lower = one | 0x20;
    if ((one ^ other) != 0x20 || lower < 0x61 || lower > 0x7a) return false;
  }
  return true;
}
