import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { DDSketch } from './ddsketch.ts';

const of = (values: Iterable<number>, accuracy = 0.01, cap = 2048): DDSketch => {
  const sketch = new DDSketch(accuracy, cap);
  for (const value of values) sketch.update(value);
  return sketch;
};

describe('DDSketch', () => {
  it('answers undefined and NaN while empty', () => {
    const sketch = new DDSketch();
    expect(sketch.quantile(0.5)).toBeUndefined();
    expect(sketch.rank(0)).toBeNaN();
    expect(sketch.quantileBounds(0.5)).toBeUndefined();
    expect(sketch.serialize().length).toBeLessThan(20);
    expect(DDSketch.deserialize(sketch.serialize()).isEmpty).toBe(true);
  });

  it('answers every quantile within its relative accuracy, with certain bounds', () => {
    const value = fc.oneof(
      fc.double({ min: -1e12, max: 1e12, noNaN: true }),
      fc.constant(0),
      fc.integer({ min: -50, max: 50 }),
    );
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.005, 0.01, 0.1),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, accuracy, q) => {
          const sketch = of(values, accuracy, 65536);
          const sorted = [...values].sort((a, b) => a - b);
          const truth = sorted[Math.max(0, Math.ceil(q * values.length) - 1)]!;
          // Subnormal magnitudes have no relative precision.
          if (Math.abs(truth) > 0 && Math.abs(truth) < 1e-300) return;
          const slack = 1 + 1e-9;
          expect(Math.abs(sketch.quantile(q)! - truth)).toBeLessThanOrEqual(
            accuracy * Math.abs(truth) * slack,
          );
          const { lower, upper } = sketch.quantileBounds(q)!;
          expect(lower).toBeLessThanOrEqual(truth + Math.abs(truth) * 1e-9);
          expect(upper).toBeGreaterThanOrEqual(truth - Math.abs(truth) * 1e-9);
        },
      ),
      { seed: 51, numRuns: 400 },
    );
  });

  it('does not depend on order or grouping, also where it collapses', () => {
    const values = fc.array(fc.double({ min: 1e-30, max: 1e30, noNaN: true }), { maxLength: 100 });
    fc.assert(
      fc.property(values, values, fc.constantFrom(16, 64, 4096), (left, right, cap) => {
        const whole = of([...left, ...right], 0.01, cap);
        const merged = of(right, 0.01, cap);
        merged.merge(of(left, 0.01, cap));
        expect(merged.serialize()).toEqual(whole.serialize());
        expect(of([...right, ...left].reverse(), 0.01, cap).serialize()).toEqual(whole.serialize());
        expect(DDSketch.deserialize(whole.serialize()).serialize()).toEqual(whole.serialize());
      }),
      { seed: 52, numRuns: 60 },
    );
  });

  it('collapses the smallest magnitudes at its cap and keeps the rest accurate', () => {
    const sketch = of(
      Array.from({ length: 10_000 }, (_, i) => 1.01 ** (i / 2)),
      0.01,
      512,
    );
    expect(sketch.isCollapsed).toBe(true);
    for (const q of [0.95, 0.99]) {
      const truth = 1.01 ** ((Math.ceil(q * 10_000) - 1) / 2);
      expect(Math.abs(sketch.quantile(q)! / truth - 1)).toBeLessThanOrEqual(0.0101);
    }
    expect(sketch.serialize().length).toBeLessThan(1200);
  });

  it('ranks values, counts and mixed signs', () => {
    const sketch = of([-100, -1, 0, 0, 1, 100]);
    expect([-101, -100, -5, -1, 0, 1, 50, 100].map(value => Math.round(sketch.rank(value) * 6))).toEqual([
      0, 1, 1, 2, 4, 5, 5, 6,
    ]);
    sketch.update(1, 94);
    expect(sketch.n).toBe(100);
    expect(sketch.quantile(0.5)).toBeCloseTo(1, 1);
    sketch.update(Number.NaN);
    sketch.updateColumn(Float64Array.of(Number.POSITIVE_INFINITY, 7));
    expect(sketch.n).toBe(101);
    expect(sketch.max).toBe(100);
  });

  it('stays within its accuracy on a long Pareto tail', () => {
    const rng = new Rng(53);
    const values = Float64Array.from({ length: 100_000 }, () => (1 - rng.float()) ** -1.5);
    const sketch = of(values);
    values.sort();
    for (const q of [0.1, 0.5, 0.99, 0.9999]) {
      expect(Math.abs(sketch.quantile(q)! / values[Math.ceil(q * values.length) - 1]! - 1)).toBeLessThan(
        0.0101,
      );
    }
  });

  it('refuses wrong parameters with typed errors', () => {
    expect(() => new DDSketch(0)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => new DDSketch(0.01, 1)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => new DDSketch().update(1, 0.5)).toThrow(/count/);
    expect(() => new DDSketch(0.01).merge(new DDSketch(0.02))).toThrow(
      expect.objectContaining({ code: 'incompatible-sketches' }),
    );
  });
});
