// MurmurHash3_x64_128 on 32-bit halves, without BigInt: the same function as core/hash.ts, many times
// faster, for callers whose items no kernel has hashed already. Results go into a caller's array, so
// that hashing an item allocates nothing. `core/hash.ts` is its oracle.
import { MillraceError } from '../../core/errors.ts';
import { sketchSeed } from '../../core/hash.ts';

/**
 * What a sketch can count: a string (its UTF-8), a whole number up to 2^53 or a bigint (a 64-bit integer, as a
 * DataSketches `long`), any other number (its double; −0 as 0, every NaN as one), bytes as they are.
 */
export type Hashable = string | number | bigint | Uint8Array;

const encoder = new TextEncoder();
const numberBytes = new Uint8Array(8);
const numberView = new DataView(numberBytes.buffer);
const textBytesKept = 65536;
let textBytes = new Uint8Array(1024);

// A 64-bit value is two halves: these functions return the low one and leave the high one here.
let high = 0;

function multiply(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const a0 = aLow & 0xffff;
  const a1 = aLow >>> 16;
  const b0 = bLow & 0xffff;
  const b1 = bLow >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const middle2 = a0 * b1 + (middle & 0xffff);
  const carried = a1 * b1 + (middle >>> 16) + (middle2 >>> 16);
  high = (Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh) + carried) | 0;
  return Math.imul(aLow, bLow);
}

function add(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const low = (aLow >>> 0) + (bLow >>> 0);
  high = (aHigh + bHigh + (low > 0xffffffff ? 1 : 0)) | 0;
  return low | 0;
}

function rotateLeft(aHigh: number, aLow: number, by: number): number {
  if (by > 32) {
    high = (aLow << (by - 32)) | (aHigh >>> (64 - by));
    return (aHigh << (by - 32)) | (aLow >>> (64 - by));
  }
  high = (aHigh << by) | (aLow >>> (32 - by));
  return (aLow << by) | (aHigh >>> (32 - by));
}

function finalMix(aHigh: number, aLow: number): number {
  let low = multiply(aHigh, aLow ^ (aHigh >>> 1), 0xff51afd7, 0xed558ccd);
  low = multiply(high, low ^ (high >>> 1), 0xc4ceb9fe, 0x1a85ec53);
  return low ^ (high >>> 1);
}

function mixFirst(kHigh: number, kLow: number): number {
  let low = multiply(kHigh, kLow, 0x87c37b91, 0x114253d5);
  low = rotateLeft(high, low, 31);
  return multiply(high, low, 0x4cf5ad43, 0x2745937f);
}

function mixSecond(kHigh: number, kLow: number): number {
  let low = multiply(kHigh, kLow, 0x4cf5ad43, 0x2745937f);
  low = rotateLeft(high, low, 33);
  return multiply(high, low, 0x87c37b91, 0x114253d5);
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);

/** Up to four bytes from `at`, none at or beyond `end`. */
function partialWord(bytes: Uint8Array, at: number, end: number): number {
  let word = 0;
  for (let i = Math.min(end, at + 4) - 1; i >= at; i--) word = (word << 8) | bytes[i]!;
  return word;
}

/**
 * Hashes `bytes[0, length)` and writes `[h1Low, h1High, h2Low, h2High]` into `out`.
 * `seed` is an unsigned 32-bit number.
 */
export function murmurBytes(
  bytes: Uint8Array,
  out: Uint32Array,
  length = bytes.length,
  seed = sketchSeed,
): Uint32Array {
  let h1High = 0;
  let h1Low = seed | 0;
  let h2High = 0;
  let h2Low = seed | 0;
  const blocksEnd = length & ~15;
  for (let at = 0; at < blocksEnd; at += 16) {
    let low = mixFirst(wordAt(bytes, at + 4), wordAt(bytes, at));
    h1High ^= high;
    h1Low ^= low;
    low = rotateLeft(h1High, h1Low, 27);
    low = add(high, low, h2High, h2Low);
    low = multiply(high, low, 0, 5);
    h1Low = add(high, low, 0, 0x52dce729);
    h1High = high;
    low = mixSecond(wordAt(bytes, at + 12), wordAt(bytes, at + 8));
    h2High ^= high;
    h2Low ^= low;
    low = rotateLeft(h2High, h2Low, 31);
    low = add(high, low, h1High, h1Low);
    low = multiply(high, low, 0, 5);
    h2Low = add(high, low, 0, 0x38495ab5);
    h2High = high;
  }
  if (length - blocksEnd > 8) {
    const low = mixSecond(
      partialWord(bytes, blocksEnd + 12, length),
      partialWord(bytes, blocksEnd + 8, length),
    );
    h2High ^= high;
    h2Low ^= low;
  }
  if (length > blocksEnd) {
    const low = mixFirst(partialWord(bytes, blocksEnd + 4, length), partialWord(bytes, blocksEnd, length));
    h1High ^= high;
    h1Low ^= low;
  }
  h1Low ^= length;
  h2Low ^= length;
  h1Low = add(h1High, h1Low, h2High, h2Low);
  h1High = high;
  h2Low = add(h2High, h2Low, h1High, h1Low);
  h2High = high;
  h1Low = finalMix(h1High, h1Low);
  h1High = high;
  h2Low = finalMix(h2High, h2Low);
  h2High = high;
  h1Low = add(h1High, h1Low, h2High, h2Low);
  h1High = high;
  h2Low = add(h2High, h2Low, h1High, h1Low);
  out[0] = h1Low;
  out[1] = h1High;
  out[2] = h2Low;
  out[3] = high;
  return out;
}

/** Hashes the UTF-8 of `text`; as `murmurBytes`. */
export function murmurText(text: string, out: Uint32Array, seed = sketchSeed): Uint32Array {
  const length = text.length;
  if (textBytes.length < length) {
    if (length > textBytesKept) return murmurBytes(encoder.encode(text), out, undefined, seed);
    textBytes = new Uint8Array(textBytesKept);
  }
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return murmurBytes(encoder.encode(text), out, undefined, seed);
    textBytes[i] = unit;
  }
  return murmurBytes(textBytes, out, length, seed);
}

/**
 * Hashes one item as DataSketches hashes the same item, so that sketches of the same items are equal.
 * Throws `invalid-argument` for a bigint outside 64 bits.
 */
export function murmurItem(item: Hashable, out: Uint32Array, seed = sketchSeed): Uint32Array {
  if (typeof item === 'string') return murmurText(item, out, seed);
  if (typeof item === 'number') {
    if (Number.isSafeInteger(item)) {
      numberView.setInt32(0, item | 0, true);
      numberView.setInt32(4, Math.floor(item / 4294967296), true);
    } else {
      numberView.setFloat64(0, item, true);
      // Java's canonical NaN; engines may keep another payload.
      if (Number.isNaN(item)) numberView.setBigUint64(0, 0x7ff8000000000000n, true);
    }
    return murmurBytes(numberBytes, out, 8, seed);
  }
  if (typeof item === 'bigint') {
    if (item !== BigInt.asIntN(64, item) && item !== BigInt.asUintN(64, item)) {
      throw new MillraceError('invalid-argument', 'A bigint item must fit in 64 bits.', { status: 400 });
    }
    numberView.setBigUint64(0, BigInt.asUintN(64, item), true);
    return murmurBytes(numberBytes, out, 8, seed);
  }
  return murmurBytes(item, out, item.length, seed);
}
