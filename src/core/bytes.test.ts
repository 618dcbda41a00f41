import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteReader, ByteWriter, utf8Length } from './bytes.ts';

test('everything written is read back, whatever the first capacity', () => {
  const value = fc.oneof(
    fc.record({ kind: fc.constant('u8' as const), value: fc.integer({ min: 0, max: 255 }) }),
    fc.record({ kind: fc.constant('u32' as const), value: fc.integer({ min: 0, max: 0xffffffff }) }),
    fc.record({ kind: fc.constant('f64' as const), value: fc.double() }),
    fc.record({
      kind: fc.constant('i64' as const),
      value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    }),
    fc.record({ kind: fc.constant('varint' as const), value: fc.maxSafeNat() }),
    fc.record({ kind: fc.constant('text' as const), value: fc.string({ unit: 'grapheme' }) }),
  );
  fc.assert(
    fc.property(fc.array(value), fc.integer({ min: 0, max: 20 }), (values, capacity) => {
      const writer = new ByteWriter(capacity);
      for (const { kind, value } of values) (writer[kind] as (value: unknown) => void)(value);
      const reader = new ByteReader(writer.finish());
      expect(values.map(({ kind }) => reader[kind]())).toEqual(values.map(({ value }) => value));
      expect(reader.remaining).toBe(0);
    }),
    { seed: 7 },
  );
});

test('reading past the end is an error, not garbage', () => {
  expect(() => new ByteReader(new Uint8Array(3)).u32()).toThrow(/4 bytes wanted at 0, 3 left/);
  expect(() => new ByteReader(new Uint8Array([0x80])).varint()).toThrow(/1 bytes wanted/);
});

test('text is the UTF-8 that TextEncoder writes, halves of surrogate pairs too', () => {
  const units = fc.array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0xffff })), {
    maxLength: 120,
  });
  fc.assert(
    fc.property(units, units => {
      const text = String.fromCharCode(...units);
      const encoded = new TextEncoder().encode(text);
      expect(utf8Length(text)).toBe(encoded.length);
      expect(new ByteWriter(1).utf8(text).finish()).toEqual(encoded);
    }),
    { seed: 7, numRuns: 300 },
  );
});
