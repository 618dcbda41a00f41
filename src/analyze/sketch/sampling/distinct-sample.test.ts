import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DistinctSample } from './distinct-sample.ts';

const of = (items: Iterable<string>, k: number): DistinctSample => {
  const sample = new DistinctSample(k);
  for (const item of items) sample.update(item);
  return sample;
};

describe('distinct sampling', () => {
  it('is exact while every distinct item is kept', () => {
    const sample = of(['a', 'b', 'a', 'c', 'a'], 10);
    expect(sample.estimate()).toBe(3);
    expect(sample.estimate(({ count }) => count === 1)).toBe(2);
    expect(sample.items.find(({ item }) => item === 'a')!.count).toBe(3);
    expect(sample.samplingRate).toBe(1);
  });

  it('gives every item kept its exact count, whatever the order and grouping', () => {
    const stream = fc.array(fc.nat(60).map(String), { maxLength: 300 });
    fc.assert(
      fc.property(stream, stream, fc.integer({ min: 1, max: 20 }), (left, right, k) => {
        const whole = of([...left, ...right], k);
        const merged = of(right, k);
        merged.merge(of(left, k));
        expect(merged.serialize()).toEqual(whole.serialize());
        expect(of([...right, ...left].reverse(), k).serialize()).toEqual(whole.serialize());
        expect(DistinctSample.deserialize(whole.serialize()).serialize()).toEqual(whole.serialize());
        expect(whole.items.length).toBeLessThanOrEqual(k);
        for (const { item, count } of whole.items) {
          expect(count).toBe([...left, ...right].filter(other => other === item).length);
        }
      }),
      { seed: 91, numRuns: 300 },
    );
  });

  it('estimates how many distinct items have a property, within its bounds', () => {
    const sample = new DistinctSample(1000);
    for (let i = 0; i < 50_000; i++) {
      sample.update(`visitor ${i}`);
      if (i % 4 === 0) sample.update(`visitor ${i}`);
    }
    for (const [matches, truth] of [
      [() => true, 50_000],
      [({ count }: { count: number }) => count > 1, 12_500],
    ] as const) {
      const { lower, upper } = sample.bounds(matches, 3);
      expect(lower).toBeLessThan(truth);
      expect(upper).toBeGreaterThan(truth);
    }
    expect(sample.items).toHaveLength(1000);
  });

  it('refuses wrong parameters with typed errors', () => {
    expect(() => new DistinctSample(0)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => new DistinctSample(4).merge(new DistinctSample(5))).toThrow(
      expect.objectContaining({ code: 'incompatible-sketches' }),
    );
  });
});
