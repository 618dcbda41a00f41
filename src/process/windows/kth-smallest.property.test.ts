import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kthSmallest } from './kth-smallest.ts';

test('selects what sorting would', () => {
  const value = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.double({ noNaN: true }));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), fc.nat(), (values, at) => {
      const k = 1 + (at % values.length);
      expect(kthSmallest(Float64Array.from(values), k)).toBe(Float64Array.from(values).sort()[k - 1]);
    }),
    { seed: 11, numRuns: 500 },
  );
});
