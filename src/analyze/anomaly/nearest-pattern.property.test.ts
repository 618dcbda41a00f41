import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { NearestPattern } from './nearest-pattern.ts';
import { NearestValue } from './nearest-value.ts';

/** By comparing every pair of stretches value by value. */
function nearestByScan(values: number[], length: number, history: number): number {
  const t = values.length - 1;
  let best = Number.POSITIVE_INFINITY;
  for (let lag = length; lag <= history && t - lag - length + 1 >= 0; lag++) {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += (values[t - i]! - values[t - i - lag]!) ** 2;
    best = Math.min(best, sum);
  }
  return best === Number.POSITIVE_INFINITY ? Number.NaN : Math.sqrt(best / length);
}

test('the distance equals a scan of all earlier stretches, spikes of a milliard included', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 20, max: 90 }),
      (seed, length, history) => {
        const rng = new Rng(seed);
        const pattern = new NearestPattern(length, history);
        const values: number[] = [];
        for (let t = 0; t < 300; t++) {
          values.push(Math.round(rng.gaussian() * 8) / 8 + (rng.boolean(0.01) ? 1e9 * rng.gaussian() : 0));
          const seen = pattern.update(values[t]!);
          const wanted = nearestByScan(values, length, history);
          if (Number.isNaN(wanted)) expect(seen).toBeNaN();
          else expect(Math.abs(seen - wanted)).toBeLessThanOrEqual(1e-9 * wanted + 1e-12);
        }
      },
    ),
    { seed: 11, numRuns: 20 },
  );
});

test('the nearest value is the nearest pattern of length one', () => {
  const rng = new Rng(4);
  const pattern = new NearestPattern(1, 50);
  const value = new NearestValue(50);
  for (let t = 0; t < 500; t++) {
    const x = Math.round(rng.gaussian() * 100);
    expect(value.update(x)).toBe(pattern.update(x));
  }
});
