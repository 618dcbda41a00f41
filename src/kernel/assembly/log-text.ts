// Text of an access log as a JSON string: log escapes undone, bytes that are no UTF-8 replaced, JSON escapes
// put in as JSON.stringify does.
import { splat } from './splat';
import { scratchOf } from './memory';
import { hexDigit, utf8Length } from './scan';

/** Most bytes that one byte of a log can become. */
export const growth: u32 = 6;

/** The byte behind a one-letter log escape (Apache's ap_escape_logitem), or 256. */
function logEscape(letter: u32): u32 {
  switch (letter) {
    case 0x22:
    case 0x5c:
      return letter;
    case 0x6e: return 10;
    case 0x72: return 13;
    case 0x74: return 9;
    case 0x62: return 8;
    case 0x76: return 11;
    default: return 256;
  }
}

/** Undoes log escapes of [at, end) into `out`, which has room for as many bytes; the length. */
function unescapeLog(at: usize, end: usize, out: usize): u32 {
  const outStart = out;
  while (at < end) {
    const byte: u32 = load<u8>(at);
    if (byte == 0x5c && at + 1 < end) {
      const letter: u32 = load<u8>(at, 1);
      if (letter == 0x78 && at + 3 < end) {
        const high = hexDigit(load<u8>(at, 2));
        const low = hexDigit(load<u8>(at, 3));
        if ((high | low) < 16) {
          store<u8>(out++, (high << 4) | low);
          at += 4;
          continue;
        }
      }
      const plain = logEscape(letter);
      if (plain < 256) {
        store<u8>(out++, plain);
        at += 2;
        continue;
      }
    }
    store<u8>(out++, byte);
    at++;
  }
  return u32(out - outStart);
}

/**
 * Bytes that one U+FFFD stands for: a longest beginning of a valid sequence (Unicode 15, §3.9), or one byte.
 */
function brokenLength(at: usize, end: usize): usize {
  const lead: u32 = load<u8>(at);
  if (lead < 0xe0 || lead > 0xf4 || at + 1 >= end) return 1;
  const second: u32 = load<u8>(at, 1);
  const low: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const high: u32 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 1;
  if (lead < 0xf0 || at + 2 >= end || (load<u8>(at, 2) & 0xc0) != 0x80) return 2;
  return 3;
}

// @ts-ignore: decorator
@inline function hexLetter(value: u32): u32 {
  return value < 10 ? value + 0x30 : value + 0x57;
}

function putControl(byte: u32, out: usize): usize {
  let letter: u32 = 0;
  if (byte == 8) letter = 0x62;
  else if (byte == 9) letter = 0x74;
  else if (byte == 10) letter = 0x6e;
  else if (byte == 12) letter = 0x66;
  else if (byte == 13) letter = 0x72;
  store<u8>(out, 0x5c);
  if (letter != 0) {
    store<u8>(out, letter, 1);
    return out + 2;
  }
  store<u8>(out, 0x75, 1);
  store<u16>(out, 0x3030, 2);
  store<u8>(out, hexLetter(byte >> 4), 4);
  store<u8>(out, hexLetter(byte & 15), 5);
  return out + 6;
}

/** Writes [at, end) as the content of a JSON string. */
function putJson(at: usize, end: usize, out: usize): usize {
  while (at < end) {
    const byte: u32 = load<u8>(at);
    if (byte >= 0x80) {
      const length: usize = utf8Length(at, end);
      if (length != 0) {
        memory.copy(out, at, length);
        out += length;
        at += length;
      } else {
        store<u16>(out, 0xbfef);
        store<u8>(out, 0xbd, 2);
        out += 3;
        at += brokenLength(at, end);
      }
      continue;
    }
    at++;
    if (byte < 0x20) out = putControl(byte, out);
    else {
      if (byte == 0x22 || byte == 0x5c) store<u8>(out++, 0x5c);
      store<u8>(out++, byte);
    }
  }
  return out;
}

/** Writes raw log text as a JSON string, "-" as null. Writes up to 16 bytes beyond what it returns. */
export function putText(at: usize, end: usize, out: usize): usize {
  if (end - at == 1 && load<u8>(at) == 0x2d) {
    store<u32>(out, 0x6c6c756e);
    return out + 4;
  }
  return putString(at, end, out);
}

/** The same, but "-" is a text like any other. */
export function putString(at: usize, end: usize, out: usize): usize {
  store<u8>(out++, 0x22);
  const outStart = out;
  let from = at;
  while (from < end) {
    const bytes = v128.load(from);
    v128.store(out, bytes);
    const unusual = i8x16.bitmask(
      v128.or(
        i8x16.lt_s(bytes, splat(0x20)),
        v128.or(i8x16.eq(bytes, splat(0x22)), i8x16.eq(bytes, splat(0x5c))),
      ),
    );
    if (unusual != 0 && from + ctz(unusual) < end) {
      const plain = scratchOf(u32(end - at) + 32);
      const length = unescapeLog(at, end, plain);
      out = putJson(plain, plain + length, outStart);
      store<u8>(out, 0x22);
      return out + 1;
    }
    from += 16;
    out += 16;
  }
  out = outStart + (end - at);
  store<u8>(out, 0x22);
  return out + 1;
}
