import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesText, count, countOf } from './terminal.ts';

test('counts are written as Intl writes them', () => {
  const numbers = fc.oneof(fc.maxSafeNat(), fc.double({ min: 0, max: 2 ** 53, noNaN: true }), fc.nat(2000));
  fc.assert(
    fc.property(numbers, value => {
      expect(count(value)).toBe(value.toLocaleString('en-US', { maximumFractionDigits: 0 }));
    }),
    { seed: 3, numRuns: 2000 },
  );
  expect(countOf(1, 'event')).toBe('1 event');
  expect(countOf(2_000, 'event')).toBe('2,000 events');
});

test('bytes have one digit behind the point where it is not zero', () => {
  expect(bytesText(999)).toBe('999 B');
  expect(bytesText(1_000)).toBe('1 kB');
  expect(bytesText(1_250_000)).toBe('1.3 MB');
  expect(bytesText(4_000_000_000_000_000)).toBe('4,000 TB');
});
