import { expect, test } from 'vitest';
import { keyedHash } from './keyed-hash.ts';

test('the hash is HalfSipHash-1-3, by the vectors of Linux', () => {
  const key = Int32Array.of(0x03020100, 0x07060504);
  const bytes = Uint8Array.from({ length: 16 }, (_, at) => at);
  const hashes = Array.from({ length: 11 }, (_, length) => keyedHash(bytes, 0, length, key) >>> 0);
  expect(hashes).toEqual([
    0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6,
    0x577999b1, 0xc839caed, 0xe4fa32cf,
  ]);
});

test('only the bytes named count, wherever they lie', () => {
  const key = Int32Array.of(1, 2);
  const bytes = Uint8Array.from([9, 9, 9, 1, 2, 3, 4, 5, 6, 200, 9, 9]);
  expect(keyedHash(bytes, 3, 7, key)).toBe(keyedHash(bytes.slice(3, 10), 0, 7, key));
});

// Of a hash that multiplies and folds, two words that differ in these bits cancel each other, whatever the secret.
test('keys made to cancel each other have hashes of their own', () => {
  const key = crypto.getRandomValues(new Int32Array(2));
  const hashes = new Set<number>();
  for (let made = 0; made < 4096; made++) {
    const bytes = new Uint8Array(12 * 8);
    for (let pair = 0; pair < 12; pair++) {
      if (((made >> pair) & 1) === 0) continue;
      bytes[pair * 8 + 3] = 0x80;
      bytes[pair * 8 + 6] = 1;
      bytes[pair * 8 + 7] = 0x80;
    }
    hashes.add(keyedHash(bytes, 0, bytes.length, key));
  }
  expect(hashes.size).toBeGreaterThan(4090);
});
