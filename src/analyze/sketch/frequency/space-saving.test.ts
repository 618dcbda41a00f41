import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpaceSaving } from './space-saving.ts';

const stream = fc.array(fc.tuple(fc.nat(30).map(String), fc.integer({ min: 1, max: 9 })), { maxLength: 200 });
const of = (items: readonly (readonly [string, number])[], k: number): SpaceSaving => {
  const sketch = new SpaceSaving(k);
  for (const [item, weight] of items) sketch.update(item, weight);
  return sketch;
};

describe('SpaceSaving', () => {
  it('keeps every item within certain bounds no wider than n/k, alone, merged and continued', () => {
    fc.assert(
      fc.property(stream, stream, stream, fc.integer({ min: 1, max: 40 }), (left, right, after, k) => {
        const sketch = of(left, k);
        sketch.merge(of(right, k));
        const again = SpaceSaving.deserialize(sketch.serialize());
        expect(again.serialize()).toEqual(sketch.serialize());
        for (const [item, weight] of after) again.update(item, weight);
        const all = [...left, ...right, ...after];
        const n = all.reduce((sum, [, weight]) => sum + weight, 0);
        expect(again.n).toBe(n);
        for (let item = 0; item <= 30; item++) {
          const truth = all.reduce(
            (sum, [other, weight]) => (other === String(item) ? sum + weight : sum),
            0,
          );
          const { lower, upper } = again.bounds(String(item));
          expect(lower <= truth && truth <= upper).toBe(true);
          expect(upper - lower).toBeLessThanOrEqual(n / k);
        }
      }),
      { seed: 23, numRuns: 500 },
    );
  });

  it('names the top items, largest first', () => {
    const sketch = of(
      [
        ['a', 5],
        ['b', 9],
        ['c', 1],
        ['a', 6],
      ],
      8,
    );
    expect(sketch.top(2)).toEqual([
      { item: 'a', estimate: 11, lower: 11, upper: 11 },
      { item: 'b', estimate: 9, lower: 9, upper: 9 },
    ]);
    expect(sketch.errorMax).toBe(0);
    expect(() => sketch.update('a', -1)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => sketch.merge(new SpaceSaving(9))).toThrow(
      expect.objectContaining({ code: 'incompatible-sketches' }),
    );
  });
});
