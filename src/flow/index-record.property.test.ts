import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeRecord, encodeRecord, type IndexRecord, recordBytes } from './index-record.ts';

const whole = (max: number) => fc.integer({ min: 0, max });
const safe = whole(Number.MAX_SAFE_INTEGER);
const u32 = whole(0xffffffff);
const hashText = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map(bytes => Buffer.from(bytes).toString('latin1'));
const common = { position: safe, length: u32, offset: safe, count: u32, dataCrc: u32, durable: u32 };
const record: fc.Arbitrary<IndexRecord> = fc.oneof(
  fc.record({
    ...common,
    kind: fc.constantFrom(0, 3),
    appendTimeMs: safe,
    producer: fc.constant(''),
    first: fc.constant(0),
    next: fc.constant(0),
  }),
  fc.record({
    ...common,
    kind: fc.constantFrom(1, 2),
    appendTimeMs: safe,
    producer: hashText,
    first: safe,
    next: safe,
  }),
);

it('decodes what was encoded, anywhere in a buffer', () => {
  fc.assert(
    fc.property(record, whole(200), (value, at) => {
      const buffer = Buffer.alloc(at + recordBytes + 7, 0xaa);
      encodeRecord(value, buffer, at);
      expect(decodeRecord(buffer, at)).toEqual(value);
      expect(buffer[at + recordBytes]).toBe(0xaa);
    }),
    { seed: 1 },
  );
});

it('decodes nothing after any single bit flip', () => {
  fc.assert(
    fc.property(record, whole(recordBytes * 8 - 1), (value, bit) => {
      const buffer = Buffer.alloc(recordBytes);
      encodeRecord(value, buffer, 0);
      buffer[bit >> 3]! ^= 1 << (bit & 7);
      expect(decodeRecord(buffer, 0)).toBeUndefined();
    }),
    { seed: 2 },
  );
});

it('decodes nothing from zeros, noise or a cut record', () => {
  expect(decodeRecord(Buffer.alloc(recordBytes), 0)).toBeUndefined();
  expect(decodeRecord(Buffer.alloc(recordBytes - 1, 1), 0)).toBeUndefined();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: recordBytes, maxLength: recordBytes }), noise => {
      expect(decodeRecord(Buffer.from(noise), 0)).toBeUndefined();
    }),
    { seed: 3 },
  );
});
