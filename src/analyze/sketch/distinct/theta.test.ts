import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  exchangeBytes,
  exchangeFiles,
  hasExchangeFiles,
  isSameBytes,
  itemsOf,
} from '../testing/exchange-files.ts';
import { CompactTheta, ThetaSketch, thetaBounds } from './theta.ts';
import { thetaDifference, thetaIntersection, thetaSimilarity, thetaUnion } from './theta-set-operations.ts';

const of = (values: Iterable<number>, lgK = 12): ThetaSketch => {
  const sketch = new ThetaSketch(lgK);
  for (const value of values) sketch.update(value);
  return sketch;
};
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

describe('Theta sketch', () => {
  it('is exact below k items and ignores repeats', () => {
    const sketch = of([...range(0, 4000), ...range(0, 4000)]);
    expect(sketch.bounds(3)).toEqual({ lower: 4000, estimate: 4000, upper: 4000 });
    expect(new ThetaSketch().compact().serialize()).toHaveLength(8);
    expect(new ThetaSketch().memoryBytes).toBe(0);
    sketch.update('');
    expect(sketch.estimate()).toBe(4000);
  });

  it('estimates within its bounds in bounded memory', () => {
    const sketch = of(range(0, 200_000), 10);
    const { lower, estimate, upper } = sketch.bounds(3);
    expect(lower).toBeLessThan(200_000);
    expect(upper).toBeGreaterThan(200_000);
    expect(Math.abs(estimate / 200_000 - 1)).toBeLessThan(3 / Math.sqrt(1023));
    expect(sketch.memoryBytes).toBe(16 * 1024);
    expect(sketch.compact(true).retained).toBe(1024);
  });

  it('set operations below k items are the operations on sets', () => {
    const set = fc.uniqueArray(fc.nat(60), { maxLength: 40 });
    fc.assert(
      fc.property(set, set, (left, right) => {
        const a = of(left).compact();
        const b = of(right).compact();
        const other = new Set(right);
        expect(thetaUnion([a, b]).estimate()).toBe(new Set([...left, ...right]).size);
        expect(thetaIntersection(a, b).estimate()).toBe(left.filter(value => other.has(value)).length);
        expect(thetaDifference(a, b).estimate()).toBe(left.filter(value => !other.has(value)).length);
        const merged = of(left);
        merged.merge(b);
        expect(merged.serialize()).toEqual(of([...left, ...right]).serialize());
      }),
      { seed: 61, numRuns: 120 },
    );
  });

  it('set operations on large sets keep the truth within three deviations', () => {
    const a = of(range(0, 60_000)).compact();
    const b = of(range(40_000, 120_000)).compact();
    const check = (sketch: CompactTheta, truth: number): void => {
      const { lower, upper } = sketch.bounds(3);
      expect(lower).toBeLessThanOrEqual(truth);
      expect(upper).toBeGreaterThanOrEqual(truth);
      expect(CompactTheta.deserialize(sketch.serialize()).estimate()).toBe(sketch.estimate());
    };
    check(thetaUnion([a, b]), 120_000);
    check(thetaIntersection(a, b), 20_000);
    check(thetaDifference(a, b), 40_000);
    check(thetaDifference(b, a), 60_000);
    const similarity = thetaSimilarity(a, b, 3);
    expect(similarity.lower).toBeLessThan(1 / 6);
    expect(similarity.upper).toBeGreaterThan(1 / 6);
    expect(thetaUnion([a, b]).retained).toBe(4096);
    check(thetaIntersection(a, of(range(500_000, 600_000)).compact()), 0);
    expect(thetaIntersection(a, new ThetaSketch().compact()).isEmpty).toBe(true);
  });

  it('merging updatable sketches does not depend on their order in what it estimates', () => {
    const parts = [of(range(0, 30_000)), of(range(20_000, 50_000)), of(range(45_000, 80_000))];
    const merged = (order: number[]): number => {
      const all = new ThetaSketch();
      for (const i of order) all.merge(parts[i]!);
      return all.compact(true).estimate();
    };
    expect(merged([0, 1, 2])).toBe(merged([2, 0, 1]));
  });

  it('bounds nothing retained by how likely that was', () => {
    const { lower, estimate, upper } = thetaBounds(0, 0.01, 2);
    expect([lower, estimate]).toEqual([0, 0]);
    expect((1 - 0.01) ** upper).toBeCloseTo(0.02275, 5);
  });

  it('refuses wrong parameters with typed errors', () => {
    expect(() => new ThetaSketch(3)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => new ThetaSketch().bounds(0 as 1)).toThrow(
      expect.objectContaining({ code: 'invalid-argument' }),
    );
  });
});

describe.skipIf(!hasExchangeFiles)(
  'Theta and DataSketches (skipped without ../shared/data/datasketches)',
  () => {
    for (const name of exchangeFiles(/^theta_.*n\d/)) {
      it(`${name} gives its n, is written again byte for byte, and is what we make of the same items`, () => {
        const bytes = exchangeBytes(name);
        const n = itemsOf(name);
        const sketch = CompactTheta.deserialize(bytes);
        const { lower, estimate, upper } = sketch.bounds(3);
        expect(lower).toBeLessThanOrEqual(n);
        expect(upper).toBeGreaterThanOrEqual(n);
        expect(Math.abs(estimate - n)).toBeLessThanOrEqual(0.03 * n);
        const isCompressed = name.includes('compressed');
        expect(isSameBytes(sketch.serialize(isCompressed), bytes)).toBe(true);
        expect(isSameBytes(of(range(0, n)).compact().serialize(isCompressed), bytes)).toBe(true);
      });
    }

    it('a sketch without hashes need not be empty', () => {
      const bytes = exchangeBytes('theta_non_empty_no_entries_java.sk');
      const sketch = CompactTheta.deserialize(bytes);
      expect([sketch.isEmpty, sketch.retained]).toEqual([false, 0]);
      expect(sketch.bounds(2).upper).toBeGreaterThan(0);
      expect(sketch.serialize()).toEqual(bytes);
    });
  },
);
