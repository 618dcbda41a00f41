// Two hashes. murmur128: MurmurHash3_x64_128 (Appleby, public domain), the one of every sketch. keyHash: for the tables
// of this instance only, universal with keys drawn by the host (NH; Black et al., "UMAC", CRYPTO 1999), so that no
// input can be made to collide.

const c1: u64 = 0x87c37b91114253d5;
const c2: u64 = 0x4cf5ad432745937f;

// @ts-ignore: decorator
@inline function finalMix(k: u64): u64 {
  k ^= k >> 33;
  k *= 0xff51afd7ed558ccd;
  k ^= k >> 33;
  k *= 0xc4ceb9fe1a85ec53;
  return k ^ (k >> 33);
}

/** The low `bytes` (0…8) of the eight at `at`. */
// @ts-ignore: decorator
@inline function firstBytes(at: usize, bytes: usize): u64 {
  return bytes == 0 ? 0 : load<u64>(at) & (u64.MAX_VALUE >> (u64(8 - bytes) << 3));
}

/** Writes h1 and h2, 16 bytes, to `out`. */
export function murmur128(at: usize, length: usize, seed: u64, out: usize): void {
  let h1 = seed;
  let h2 = seed;
  const end = at + (length & ~15);
  while (at < end) {
    h1 ^= rotl(load<u64>(at) * c1, 31) * c2;
    h1 = (rotl(h1, 27) + h2) * 5 + 0x52dce729;
    h2 ^= rotl(load<u64>(at, 8) * c2, 33) * c1;
    h2 = (rotl(h2, 31) + h1) * 5 + 0x38495ab5;
    at += 16;
  }
  const tail = length & 15;
  if (tail > 8) {
    h2 ^= rotl(firstBytes(at + 8, tail - 8) * c2, 33) * c1;
    h1 ^= rotl(load<u64>(at) * c1, 31) * c2;
  } else if (tail > 0) h1 ^= rotl(firstBytes(at, tail) * c1, 31) * c2;
  h1 ^= u64(length);
  h2 ^= u64(length);
  h1 += h2;
  h2 += h1;
  h1 = finalMix(h1);
  h2 = finalMix(h2);
  h1 += h2;
  h2 += h1;
  store<u64>(out, h1);
  store<u64>(out, h2, 8);
}

/** Bytes hashed with one run of keys; longer texts chain runs. */
const keyRunBytes: usize = 256;
/** 64 words of keys for a run, one pair each to mix the tag and the length. */
const keys = memory.data(keyRunBytes + 16, 16);

export function keysAt(): usize {
  return keys;
}
export const keyBytes: u32 = 272;

// @ts-ignore: decorator
@inline function pairProduct(words: u64, keyPair: u64): u64 {
  return u64(u32(words) + u32(keyPair)) * u64(u32(words >> 32) + u32(keyPair >> 32));
}

/** 32 well mixed bits. */
// @ts-ignore: decorator
@inline export function foldHash(sum: u64): u32 {
  sum ^= sum >> 32;
  sum *= 0xff51afd7ed558ccd;
  return u32(sum >> 32);
}

/** The table hash of a text with a type tag. */
// @ts-ignore: decorator
@inline export function keyHash(at: usize, length: usize, tag: u32): u32 {
  let sum = pairProduct((u64(tag) << 32) | u64(length), load<u64>(keys + keyRunBytes));
  let key = keys;
  while (length > 8) {
    sum += pairProduct(load<u64>(at), load<u64>(key));
    at += 8;
    key += 8;
    length -= 8;
    if (key == keys + keyRunBytes) {
      key = keys;
      sum = finalMix(sum ^ load<u64>(keys + keyRunBytes, 8));
    }
  }
  return foldHash(sum + pairProduct(firstBytes(at, length), load<u64>(key)));
}

/** The table hash of one row's word in a tuple, to be added up over its columns; column < 64. */
// @ts-ignore: decorator
@inline export function wordHash(word: u32, column: u32): u64 {
  return u64(word + load<u32>(keys + (column << 2))) * (u64(load<u32>(keys + ((column ^ 1) << 2))) | 1);
}
