// HalfSipHash-1-3 (Aumasson & Bernstein 2012; on 32-bit words as in Linux): a short hash of bytes that others choose. Without the key
// nobody can make bytes whose hashes are the same, as can be done of a hash that only begins with a secret.

/** 32 bits, as a signed number. `key` has two words. */
export function keyedHash(bytes: Uint8Array, start: number, length: number, key: Int32Array): number {
  let v0 = key[0]!;
  let v1 = key[1]!;
  let v2 = v0 ^ 0x6c796765;
  let v3 = v1 ^ 0x74656462;
  const tail = start + (length & ~3);
  // A round a whole word, one for what is left, and three that end it.
  for (let at = start, last = 0; last < 4; at += 4) {
    let word = 0;
    if (at < tail)
      word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    else if (last++ === 0) {
      word = length << 24;
      for (let i = 0; i < (length & 3); i++) word |= bytes[tail + i]! << (8 * i);
    } else if (last === 2) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
