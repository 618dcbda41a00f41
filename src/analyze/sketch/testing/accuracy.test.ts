// The quick form of accuracy.long.test.ts: fewer and smaller trials, so wider margins for chance.
import { describe, expect, it } from 'vitest';
import {
  distinctErrors,
  distinctKinds,
  frequencyErrors,
  mergedDenseErrors,
  percentile,
  publishedErrors,
  quantileInputs,
  rankErrors,
} from './accuracy.ts';

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

  it.each(quantileInputs)('KLL K 200 keeps its rank error on %s input', input => {
    const { queries } = rankErrors(input, 20_000, 30, 2);
    expect(percentile(queries, 0.99)).toBeLessThan(0.0133);
  });

  it.each([0.7, 1.1])('frequent items and Count-Min keep their bounds on Zipf %s', exponent => {
    const found = frequencyErrors(exponent, 200_000, 50_000, 3);
    expect([found.frequentViolations, found.countMinViolations]).toEqual([0, 0]);
    expect(found.frequentError).toBeGreaterThan(0);
    expect(found.countMinError).toBeGreaterThan(0);
  });
});
