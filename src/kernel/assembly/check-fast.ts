// Objects at memory speed: strings 16 bytes at a time, numbers by digit runs, one bit of stack a container. Gives up
// (0) on anything unusual, right or wrong; check-exact.ts then decides. There are no bounds: the caller makes sure
// that a stop byte ("\n" between lines, NUL behind an array) follows, which neither strings nor tokens pass.
import { hexDigit, isDigit, digitRun, utf8Length } from './scan';

const maxDepth: u32 = 64;

// @ts-ignore: decorator
@inline function passSpace(at: usize, acrossLines: bool): usize {
  while (true) {
    const byte: u32 = load<u8>(at);
    if (byte == 0x20 || byte == 0x09 || byte == 0x0d || (acrossLines && byte == 0x0a)) at++;
    else return at;
  }
}

/** From a backslash; past the escape, or 0. */
function passEscape(at: usize): usize {
  const byte: u32 = load<u8>(at, 1);
  if (byte == 0x22 || byte == 0x5c || byte == 0x6e || byte == 0x2f || byte == 0x74 || byte == 0x72) return at + 2;
  if (byte == 0x75) {
    const digits =
      hexDigit(load<u8>(at, 2)) | hexDigit(load<u8>(at, 3)) | hexDigit(load<u8>(at, 4)) | hexDigit(load<u8>(at, 5));
    return digits < 16 ? at + 6 : 0;
  }
  return byte == 0x62 || byte == 0x66 ? at + 2 : 0;
}

/** From a byte that is no plain ASCII; the rest of the string, or 0. */
function passUnusual(at: usize): usize {
  while (true) {
    const byte: u32 = load<u8>(at);
    if (byte >= 0x80) {
      const length = utf8Length(at, usize.MAX_VALUE);
      if (length == 0) return 0;
      at += length;
    } else if (byte == 0x5c) {
      at = passEscape(at);
      if (at == 0) return 0;
    } else if (byte == 0x22) return at + 1;
    else {
      const mask = stringStops(at);
      if (mask == 0) at += 16;
      else {
        at += ctz(mask);
        if (load<u8>(at) < 0x20) return 0;
      }
    }
  }
}

/** Which of 16 bytes end the plain part of a string: quotes, backslashes, controls, non-ASCII. */
// @ts-ignore: decorator
@inline function stringStops(at: usize): i32 {
  const bytes = v128.load(at);
  return i8x16.bitmask(
    v128.or(
      // Signed: bytes from 0x80 on are below 0x20 too.
      i8x16.lt_s(bytes, i8x16.splat(0x20)),
      v128.or(i8x16.eq(bytes, i8x16.splat(0x22)), i8x16.eq(bytes, i8x16.splat(0x5c))),
    ),
  );
}

/** From behind the opening quote; past the closing one, or 0. */
// @ts-ignore: decorator
@inline function passString(at: usize): usize {
  let mask = stringStops(at);
  while (mask == 0) {
    at += 16;
    mask = stringStops(at);
  }
  at += ctz(mask);
  return load<u8>(at) == 0x22 ? at + 1 : passUnusual(at);
}

/** Past a number, or 0. */
// @ts-ignore: decorator
@inline function passNumber(at: usize): usize {
  if (load<u8>(at) == 0x2d) at++;
  let run = digitRun(at);
  if (run == 0 || (load<u8>(at) == 0x30 && run > 1)) return 0;
  at += run;
  if (run == 16) while (isDigit(load<u8>(at))) at++;
  const byte: u32 = load<u8>(at);
  if (byte == 0x2e) {
    run = digitRun(at + 1);
    if (run == 0) return 0;
    at += run + 1;
    while (isDigit(load<u8>(at))) at++;
    if ((load<u8>(at) | 0x20) != 0x65) return at;
    return passExponent(at + 1);
  }
  if ((byte | 0x20) == 0x65) return passExponent(at + 1);
  return at;
}

function passExponent(at: usize): usize {
  const sign: u32 = load<u8>(at);
  if (sign == 0x2b || sign == 0x2d) at++;
  const run = digitRun(at);
  return run == 0 || run == 16 ? 0 : at + run;
}

/** An object that begins at `at`; past it, or 0 where the exact check must decide. */
// @ts-ignore: decorator
@inline function passObject(at: usize, acrossLines: bool): usize {
  // One bit a container, the innermost lowest: 1 for an object.
  let kinds: u64 = 1;
  let depth: u32 = 1;
  let inObject = true;
  at++;
  let byte: u32 = load<u8>(at);
  if (byte <= 0x20) {
    at = passSpace(at, acrossLines);
    byte = load<u8>(at);
  }
  if (byte == 0x7d) return at + 1;
  while (true) {
    // At the first byte of a member or an element.
    if (inObject) {
      if (load<u8>(at) != 0x22) return 0;
      at = passString(at + 1);
      if (at == 0) return 0;
      if (load<u8>(at) != 0x3a) {
        at = passSpace(at, acrossLines);
        if (load<u8>(at) != 0x3a) return 0;
      }
      at++;
      if (load<u8>(at) <= 0x20) at = passSpace(at, acrossLines);
    }
    byte = load<u8>(at);
    if (byte == 0x22) {
      at = passString(at + 1);
      if (at == 0) return 0;
    } else if (byte - 0x30 < 10 || byte == 0x2d) {
      at = passNumber(at);
      if (at == 0) return 0;
    } else if (byte == 0x7b || byte == 0x5b) {
      if (depth == maxDepth) return 0;
      inObject = byte == 0x7b;
      kinds = (kinds << 1) | u64(inObject);
      depth++;
      at++;
      if (load<u8>(at) <= 0x20) at = passSpace(at, acrossLines);
      if (load<u8>(at) != u32(inObject ? 0x7d : 0x5d)) continue;
    } else {
      const word = load<u32>(at);
      if (word == 0x65757274 || word == 0x6c6c756e) at += 4;
      else if (word == 0x736c6166 && load<u8>(at, 4) == 0x65) at += 5;
      else return 0;
    }
    while (true) {
      byte = load<u8>(at);
      if (byte <= 0x20) {
        at = passSpace(at, acrossLines);
        byte = load<u8>(at);
      }
      if (byte == 0x2c) {
        at++;
        if (load<u8>(at) <= 0x20) at = passSpace(at, acrossLines);
        break;
      }
      if (byte != u32(inObject ? 0x7d : 0x5d)) return 0;
      at++;
      if (--depth == 0) return at;
      kinds >>= 1;
      inObject = (kinds & 1) != 0;
    }
  }
}

/** An object on one line; a "\n" must follow somewhere. */
export function passObjectInLine(at: usize): usize {
  return passObject(at, false);
}

/** An object that may span lines; a NUL must follow somewhere. */
export function passObjectAcrossLines(at: usize): usize {
  return passObject(at, true);
}
