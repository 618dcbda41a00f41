import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedWindow } from './sorted-window.ts';

const middle = (sorted: number[]): number => {
  const half = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};
const ascending = (values: number[]): number[] => [...values].sort((a, b) => a - b);

test('median, deviation, rank and order equal those of the last values sorted afresh', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 80 }),
      (capacity, values) => {
        const window = new SortedWindow(capacity);
        values.forEach((value, i) => {
          window.push(value);
          const last = values.slice(Math.max(0, i + 1 - capacity), i + 1);
          const sorted = ascending(last);
          const median = middle(sorted);
          expect(window.values()).toEqual(last);
          expect(window.median()).toBe(median);
          expect(window.medianDeviation(median)).toBe(middle(ascending(last.map(v => Math.abs(v - median)))));
          expect(window.countBelow(value)).toBe(sorted.filter(v => v < value).length);
          expect(window.quantile(1)).toBe(sorted.at(-1));
        });
      },
    ),
    { seed: 5 },
  );
});
