// MurmurHash3_x64_128 (Austin Appleby, public domain), the hash of every sketch in the system. The seed is
// that of Apache DataSketches, so that sketches of the same items can be exchanged with it. 64-bit words
// are pairs of 32-bit halves; the kernel has the fast form, this is its oracle.

/** The seed every sketch uses unless it says otherwise (DataSketches' DEFAULT_UPDATE_SEED). */
export const sketchSeed = 9001;

/** A 128-bit hash as four unsigned 32-bit words: h1 = h1High·2^32 + h1Low, h2 likewise. */
export interface Hash128 {
  h1Low: number;
  h1High: number;
  h2Low: number;
  h2High: number;
}

const encoder = new TextEncoder();

const c1 = 0x87c37b91114253d5n;
const c2 = 0x4cf5ad432745937fn;
const mask = 0xffffffffffffffffn;

const rotl = (x: bigint, r: bigint): bigint => ((x << r) | (x >> (64n - r))) & mask;

function finalMix(k: bigint): bigint {
  k ^= k >> 33n;
  k = (k * 0xff51afd7ed558ccdn) & mask;
  k ^= k >> 33n;
  k = (k * 0xc4ceb9fe1a85ec53n) & mask;
  return k ^ (k >> 33n);
}

function word(bytes: Uint8Array, at: number, length: number): bigint {
  let value = 0n;
  for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]!);
  return value;
}

/** The 128-bit hash of bytes. Plain BigInt arithmetic: exact and slow (about 2 µs an item). */
export function murmur128(bytes: Uint8Array, seed = sketchSeed): Hash128 {
  let h1 = BigInt(seed);
  let h2 = BigInt(seed);
  const blocks = bytes.length >>> 4;
  for (let i = 0; i < blocks; i++) {
    const k1 = word(bytes, i * 16, 8);
    const k2 = word(bytes, i * 16 + 8, 8);
    h1 ^= (rotl((k1 * c1) & mask, 31n) * c2) & mask;
    h1 = (rotl(h1, 27n) + h2) & mask;
    h1 = (h1 * 5n + 0x52dce729n) & mask;
    h2 ^= (rotl((k2 * c2) & mask, 33n) * c1) & mask;
    h2 = (rotl(h2, 31n) + h1) & mask;
    h2 = (h2 * 5n + 0x38495ab5n) & mask;
  }
  const tail = bytes.length & 15;
  const at = blocks * 16;
  if (tail > 8) {
    const k2 = word(bytes, at + 8, tail - 8);
    h2 ^= (rotl((k2 * c2) & mask, 33n) * c1) & mask;
  }
  if (tail > 0) {
    const k1 = word(bytes, at, Math.min(tail, 8));
    h1 ^= (rotl((k1 * c1) & mask, 31n) * c2) & mask;
  }
  h1 ^= BigInt(bytes.length);
  h2 ^= BigInt(bytes.length);
  h1 = (h1 + h2) & mask;
  h2 = (h2 + h1) & mask;
  h1 = finalMix(h1);
  h2 = finalMix(h2);
  h1 = (h1 + h2) & mask;
  h2 = (h2 + h1) & mask;
  return {
    h1Low: Number(h1 & 0xffffffffn),
    h1High: Number(h1 >> 32n),
    h2Low: Number(h2 & 0xffffffffn),
    h2High: Number(h2 >> 32n),
  };
}

/** The hash of a string's UTF-8 bytes. */
export function murmur128Text(text: string, seed = sketchSeed): Hash128 {
  return murmur128(encoder.encode(text), seed);
}
