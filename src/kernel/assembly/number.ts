// JSON number literals to doubles and 64-bit integers, correctly rounded: Clinger's exact cases, then Lemire, "Number
// Parsing at a Gigabyte per Second" (2021). What neither decides is left to the host.
import { isDigit } from './scan';

/** 128-bit powers of five for exponents -342…308, high word first; written once by the host. */
let powersOfFive: usize = 0;

export function setPowersOfFive(at: usize): void {
  powersOfFive = at;
}

/** 1e0…1e22, the powers of ten that a double holds exactly. */
const exactPowers = memory.data<f64>([
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
]);

let parsed: f64 = 0;
let parsedWhole: i64 = 0;

/** What the last successful parse gave. */
export function parsedNumber(): f64 {
  return parsed;
}
export function parsedInteger(): i64 {
  return parsedWhole;
}

let highWord: u64 = 0;

/** The low word of a 128-bit product; the high one is in `highWord`. */
function multiply(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >> 32;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >> 32);
  const cross = aLow * bHigh + (middle & 0xffffffff);
  highWord = aHigh * bHigh + (middle >> 32) + (cross >> 32);
  return (cross << 32) | (low & 0xffffffff);
}

const undecided: u64 = u64.MAX_VALUE;

/** The bits of w · 10^q rounded to the nearest double, ties to even; `undecided` in rare cases. w is not 0. */
function roundedBits(w: u64, q: i32): u64 {
  if (q < -342) return 0;
  if (q > 308) return 0x7ff0000000000000;
  const leadingZeros = i32(clz(w));
  w <<= leadingZeros;
  const power = powersOfFive + (usize(q + 342) << 4);
  let low = multiply(w, load<u64>(power));
  let high = highWord;
  if ((high & 0x1ff) == 0x1ff) {
    multiply(w, load<u64>(power, 8));
    low += highWord;
    if (low < highWord) high++;
  }
  if (low == u64.MAX_VALUE && (q < -27 || q > 55)) return undecided;
  const upperBit = i32(high >> 63);
  const shift = upperBit + 9;
  let mantissa = high >> shift;
  let exponent = ((217706 * q) >> 16) + 63 + upperBit - leadingZeros + 1023;
  if (exponent <= 0) {
    if (1 - exponent >= 64) return 0;
    mantissa >>= 1 - exponent;
    mantissa += mantissa & 1;
    mantissa >>= 1;
    // A subnormal that rounds up to 2^52 is the smallest normal number, whose bits are those.
    return mantissa;
  }
  if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << shift == high) mantissa &= ~1;
  mantissa += mantissa & 1;
  mantissa >>= 1;
  if (mantissa >= 1 << 53) {
    mantissa = 1 << 52;
    exponent++;
  }
  if (exponent >= 0x7ff) return 0x7ff0000000000000;
  return (u64(exponent) << 52) | (mantissa & 0xfffffffffffff);
}

/** Up to 8 digits that fill [start, end), or -1 where another byte is among them. */
// @ts-ignore: decorator
@inline export function shortDigits(start: usize, end: usize): i64 {
  // The digits move to the high bytes; zero bytes below them count as leading zeros.
  let digits = (load<u64>(start) ^ 0x3030303030303030) << ((8 - u64(end - start)) << 3);
  if (((digits + 0x7676767676767676) | digits) & 0x8080808080808080) return -1;
  digits = digits * 10 + (digits >> 8);
  return i64(
    ((digits & 0x000000ff000000ff) * 0x000f424000000064 +
      ((digits >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >>
      32,
  );
}

/** Parses a literal that fills [start, end) into parsedNumber; false where it is no number or left to the host. */
export function parseNumber(start: usize, end: usize): bool {
  let at = start;
  const isNegative = load<u8>(at) == 0x2d;
  if (isNegative) at++;
  if (at < end && end - at <= 8) {
    const whole = shortDigits(at, end);
    if (whole >= 0) {
      parsed = isNegative ? -f64(whole) : f64(whole);
      return true;
    }
  }
  let w: u64 = 0;
  /** Significant digits in w, at most 19. */
  let digits: u32 = 0;
  let exponent: i32 = 0;
  let isCut = false;
  const wholeStart = at;
  for (; at < end; at++) {
    const digit = u32(load<u8>(at)) - 0x30;
    if (digit > 9) break;
    if (digits < 19) {
      w = w * 10 + digit;
      if (w != 0) digits++;
    } else {
      exponent++;
      if (digit != 0) isCut = true;
    }
  }
  if (at == wholeStart) return false;
  if (at < end && load<u8>(at) == 0x2e) {
    at++;
    for (; at < end; at++) {
      const digit = u32(load<u8>(at)) - 0x30;
      if (digit > 9) break;
      if (digits < 19) {
        w = w * 10 + digit;
        if (w != 0) digits++;
        exponent--;
      } else if (digit != 0) isCut = true;
    }
  }
  if (at < end) {
    if ((load<u8>(at) | 0x20) != 0x65) return false;
    at++;
    let isDown = false;
    if (at < end && (load<u8>(at) == 0x2b || load<u8>(at) == 0x2d)) isDown = load<u8>(at++) == 0x2d;
    if (at == end) return false;
    let written: i32 = 0;
    for (; at < end; at++) {
      const digit = u32(load<u8>(at)) - 0x30;
      if (digit > 9) return false;
      // Exponents beyond this matter only beside as many zeros; the host decides those.
      if (written < 100000) written = written * 10 + i32(digit);
    }
    if (written >= 100000 || exponent < -100000 || exponent > 100000) return false;
    exponent += isDown ? -written : written;
  }
  let value: f64;
  if (w == 0) value = 0;
  else if (!isCut && w <= 0x20000000000000 && exponent >= -22 && exponent <= 22) {
    const power = load<f64>(exactPowers + (usize(exponent < 0 ? -exponent : exponent) << 3));
    value = exponent < 0 ? f64(w) / power : f64(w) * power;
  } else {
    const bits = roundedBits(w, exponent);
    if (bits == undecided) return false;
    // With digits cut off the value lies between w and w + 1: where both round alike, it does too.
    if (isCut && bits != roundedBits(w + 1, exponent)) return false;
    value = reinterpret<f64>(bits);
  }
  parsed = isNegative ? -value : value;
  return true;
}

/** Parses digits, with ".0…" allowed behind them, into parsedInteger; false beyond 64 bits signed. */
export function parseInteger(start: usize, end: usize): bool {
  let at = start;
  const isNegative = load<u8>(at) == 0x2d;
  if (isNegative) at++;
  if (at < end && end - at <= 8) {
    const whole = shortDigits(at, end);
    if (whole >= 0) {
      parsedWhole = isNegative ? -whole : whole;
      return true;
    }
  }
  const wholeStart = at;
  let w: u64 = 0;
  while (at < end && isDigit(load<u8>(at))) {
    // 19 digits stay below 2^64, and JSON has no leading zeros.
    if (at - wholeStart == 19) return false;
    w = w * 10 + u64(load<u8>(at++) - 0x30);
  }
  if (at == wholeStart) return false;
  if (at < end) {
    if (load<u8>(at) != 0x2e || ++at == end) return false;
    while (at < end) if (load<u8>(at++) != 0x30) return false;
  }
  if (w > (isNegative ? 0x8000000000000000 : 0x7fffffffffffffff)) return false;
  parsedWhole = isNegative ? i64(0 - w) : i64(w);
  return true;
}

let canonicalStart: usize = 0;
let canonicalEnd: usize = 0;

export function canonicalFrom(): usize {
  return canonicalStart;
}
export function canonicalTo(): usize {
  return canonicalEnd;
}

/**
 * Where inside the literal its canonical JSON text stands (canonicalFrom, canonicalTo): fraction zeros cut, no "-0".
 * False for what ../scalar-text.ts leaves to the host.
 */
export function canonicalNumber(start: usize, end: usize): bool {
  let at = start;
  if (load<u8>(at) == 0x2d) at++;
  const wholeStart = at;
  while (at < end && isDigit(load<u8>(at))) at++;
  const wholeEnd = at;
  if (wholeEnd == wholeStart) return false;
  let last = end;
  if (at < end) {
    if (load<u8>(at) != 0x2e || at + 1 == end) return false;
    for (at++; at < end; at++) if (!isDigit(load<u8>(at))) return false;
    while (load<u8>(last - 1) == 0x30) last--;
    if (last == wholeEnd + 1) last = wholeEnd;
  }
  canonicalStart = start;
  canonicalEnd = last;
  const isZero = load<u8>(wholeStart) == 0x30;
  if (last == wholeEnd) {
    if (isZero) canonicalStart = wholeStart;
    const length = wholeEnd - wholeStart;
    if (length < 16) return true;
    if (length > 16) return false;
    let w: u64 = 0;
    for (let i = wholeStart; i < wholeEnd; i++) w = w * 10 + u64(load<u8>(i) - 0x30);
    return w <= 0x20000000000000;
  }
  let significant = last - wholeStart - 1;
  if (isZero) {
    let zeros: u32 = 0;
    while (load<u8>(wholeEnd + 1 + zeros) == 0x30) zeros++;
    if (zeros > 5) return false;
    significant -= 1 + zeros;
  }
  return significant <= 15;
}
