// The quick form of the long proofs of accuracy: fewer and smaller trials, so wider margins for chance.
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { distinctErrors, distinctKinds, mergedDenseErrors, publishedErrors } from './distinct-accuracy.ts';
import { frequencyErrors } from './frequency-accuracy.ts';
import { percentile, rankErrors, visitShuffled } from './quantile-accuracy.ts';

describe('accuracy, quickly', () => {
  const trials = 60;
  const sizes = [100, 3000, 30_000, 100_000];
  const errors = distinctErrors(sizes, trials, 1);

  it.each(distinctKinds)('%s is as accurate as published', kind => {
    for (const size of sizes) {
      const { rse, bias, coverage } = errors.get(`${kind} ${size}`)!;
      // The measured error itself errs by 1/√(2·trials), the bias by rse/√trials: three of those are allowed.
      expect(rse, `${size}`).toBeLessThan(publishedErrors[kind] * (1 + 3 / Math.sqrt(2 * trials)));
      expect(Math.abs(bias), `${size}`).toBeLessThanOrEqual(
        publishedErrors[kind] * (0.1 + 3 / Math.sqrt(trials)),
      );
      expect(coverage, `${size}`).toBeGreaterThan(0.85);
    }
  });

  it('merged dense sketches err as published, without bias', () => {
    const { rse, bias, coverage } = mergedDenseErrors(1_000_000, 2000, 4);
    const published = Math.sqrt(3 * Math.LN2 - 1) / 64;
    expect(Math.abs(rse / published - 1)).toBeLessThan(3 / Math.sqrt(4000));
    expect(Math.abs(bias)).toBeLessThan((3 * published) / Math.sqrt(2000));
    expect(Math.abs(coverage - 0.954)).toBeLessThan(0.015);
  });

  it.each([
    [100, 20],
    [20_000, 30],
    [300_000, 3],
  ])('KLL K 200 keeps its rank error over %d items on every kind of input', (n, trials) => {
    for (const [input, { queries }] of Object.entries(rankErrors(n, trials, 2))) {
      expect(percentile(queries, 0.99), input).toBeLessThan(0.0133);
      // Up to k items a sketch is exact; beyond it errs, or the trial measures nothing.
      expect(Math.max(...queries) > 1e-9, input).toBe(n > 200);
    }
  });

  it('a shuffled stream has every place once, in an order that looks random', () => {
    for (const n of [1, 2, 100, 65_537]) {
      const seen = new Uint8Array(n);
      const order: number[] = [];
      visitShuffled(n, new Rng(n), places => {
        for (const place of places) {
          seen[place]!++;
          order.push(place);
        }
      });
      expect(order).toHaveLength(n);
      expect(seen.every(times => times === 1)).toBe(true);
      if (n < 100) continue;
      // The serial correlation of a random permutation is about 0 ± 1/√n.
      const mean = (n - 1) / 2;
      let product = 0;
      for (let i = 1; i < n; i++) product += (order[i]! - mean) * (order[i - 1]! - mean);
      expect(Math.abs(product / (((n * n - 1) / 12) * n))).toBeLessThan(4 / Math.sqrt(n));
    }
  });

  it.each([0.7, 1.1])('frequent items and Count-Min keep their bounds on Zipf %s', exponent => {
    const found = frequencyErrors(exponent, [1000, 200_000], 50_000, 3, new Rng(3));
    for (const errors of found.values()) {
      expect([errors.frequentViolations, errors.countMinViolations]).toEqual([0, 0]);
    }
    // Both err once items are many, or the trial measures nothing.
    expect(found.get(200_000)!.frequentError).toBeGreaterThan(0);
    expect(found.get(200_000)!.countMinError).toBeGreaterThan(0);
  });
});
