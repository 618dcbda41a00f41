import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { murmur128, murmur128Text } from '../../core/hash.ts';
import { murmurBytes, murmurItem, murmurText } from './murmur.ts';

const out = new Uint32Array(4);
const words = (hash: { h1Low: number; h1High: number; h2Low: number; h2High: number }) => [
  hash.h1Low,
  hash.h1High,
  hash.h2Low,
  hash.h2High,
];

describe('murmur on 32-bit halves', () => {
  it('equals the BigInt form on any bytes and seed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(0xffffffff), (bytes, seed) => {
        expect([...murmurBytes(bytes, out, bytes.length, seed)]).toEqual(words(murmur128(bytes, seed)));
      }),
      { seed: 1, numRuns: 1000 },
    );
  });

  it('equals the BigInt form on any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), text => {
        expect([...murmurText(text, out)]).toEqual(words(murmur128Text(text)));
      }),
      { seed: 2, numRuns: 500 },
    );
    const long = 'x'.repeat(70_000);
    expect([...murmurText(long, out)]).toEqual(words(murmur128Text(long)));
    expect([...murmurText(long.slice(0, 5000), out)]).toEqual(words(murmur128Text(long.slice(0, 5000))));
  });

  it('hashes whole numbers as 64-bit integers and others as doubles', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), value => {
        const bytes = new Uint8Array(8);
        new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
        expect([...murmurItem(value, out)]).toEqual(words(murmur128(bytes)));
        expect([...murmurItem(BigInt(value), out)]).toEqual(words(murmur128(bytes)));
      }),
      { seed: 3 },
    );
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, 1.5, true);
    expect([...murmurItem(1.5, out)]).toEqual(words(murmur128(bytes)));
    expect([...murmurItem(-0, out)]).toEqual([...murmurItem(0, new Uint32Array(4))]);
    expect(() => murmurItem(1n << 64n, out)).toThrow(/64 bits/);
  });
});
