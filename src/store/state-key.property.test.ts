import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareBytes, decodeKey, encodeKey, type KeyPart } from './state-key.ts';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const part = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.double({ noNaN: true }),
  int64,
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('\0', 'ÿ', 'a', '\u0001', '\ufeff') }),
);
const rank = (value: KeyPart): number =>
  value === null ? 0 : { boolean: 1, number: 2, bigint: 3, string: 4 }[typeof value as 'boolean'];

function compareParts(a: KeyPart, b: KeyPart): number {
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  return a! < b! ? -1 : a! > b! ? 1 : 0;
}

test('a tuple comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 5 }), parts => {
      const expected = parts.map(value => (Object.is(value, -0) ? 0 : value));
      expect(decodeKey(encodeKey(parts))).toEqual(expected);
    }),
    { seed: 11 },
  );
});

test('the order of the bytes is the order of the tuples', () => {
  fc.assert(
    fc.property(fc.tuple(part, part), fc.tuple(part, part), (a, b) => {
      const bytes = Math.sign(compareBytes(encodeKey(a), encodeKey(b)));
      expect(bytes).toBe(Math.sign(compareParts(a[0], b[0]) || compareParts(a[1], b[1])));
    }),
    { seed: 12, numRuns: 2000 },
  );
});
