import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HyperLogLog } from './hyperloglog.ts';

const items = fc.array(fc.nat(2000), { maxLength: 600 });
const lgK = fc.integer({ min: 4, max: 9 });

const of = (lgSize: number, values: readonly number[]): HyperLogLog => {
  const sketch = new HyperLogLog(lgSize);
  for (const value of values) sketch.update(value);
  return sketch;
};

/** What must not depend on order: an estimate by registers alone, forced by a merge of dense forms. */
const setEstimate = (sketch: HyperLogLog): number => {
  const forced = sketch.copy();
  forced.merge(sketch);
  return forced.estimate();
};

describe('laws of HyperLogLog', () => {
  it('merging gives what one sketch of both streams holds, in any order', () => {
    fc.assert(
      fc.property(lgK, items, items, (lgSize, left, right) => {
        const whole = of(lgSize, [...left, ...right]);
        const ab = of(lgSize, left);
        ab.merge(of(lgSize, right));
        const ba = of(lgSize, right);
        ba.merge(of(lgSize, left));
        expect(setEstimate(ab)).toBe(setEstimate(ba));
        expect(setEstimate(ab)).toBe(setEstimate(whole));
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it('merging a sketch of a larger lgK equals sketching at the smaller one', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1e6), { minLength: 300, maxLength: 900 }), values => {
        const small = of(5, values);
        small.merge(of(9, values));
        expect(setEstimate(small)).toBe(setEstimate(of(5, values)));
      }),
      { seed: 12, numRuns: 100 },
    );
  });

  it('an estimate is never below what was certainly seen nor outside its own bounds', () => {
    fc.assert(
      fc.property(
        lgK,
        items,
        fc.constantFrom(1 as const, 2 as const, 3 as const),
        (lgSize, values, deviations) => {
          const { lower, estimate, upper } = of(lgSize, values).bounds(deviations);
          expect(lower).toBeLessThanOrEqual(Math.max(estimate, lower));
          expect(upper).toBeGreaterThanOrEqual(lower);
          expect(upper).toBeGreaterThanOrEqual(estimate);
        },
      ),
      { seed: 13, numRuns: 200 },
    );
  });
});
