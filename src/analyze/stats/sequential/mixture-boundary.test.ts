// Reference values: Howard & Ramdas's confseq package, test/uniform_boundaries_unittest.cpp (from their R code).
import { describe, expect, it } from 'vitest';
import { bernoulliSequence } from './confidence-sequence.ts';
import {
  bestRho,
  betaBinomialBound,
  betaBinomialLogMixture,
  gammaExponentialBound,
  gammaExponentialLogMixture,
  gammaPoissonBound,
  gammaPoissonLogMixture,
  normalLogMixture,
  normalMixtureBound,
} from './mixture-boundary.ts';

describe('mixture boundaries give the published values', () => {
  const cases: [name: string, seen: number, published: number][] = [
    ['best ρ', bestRho(100, 0.05), 12.60056],
    ['two-sided normal mixture', normalLogMixture(10, 100, 100), -0.6510052],
    ['two-sided normal bound', normalMixtureBound(100, 0.05, 100, 0.05), 30.35209],
    ['one-sided normal mixture', normalLogMixture(10, 100, 100, 0.05, 'one-sided'), -0.06502391],
    ['one-sided normal bound', normalMixtureBound(100, 0.05, 100, 0.05, 'one-sided'), 27.66071],
    ['gamma-exponential mixture', gammaExponentialLogMixture(10, 100, 100, 2), -0.2490165],
    ['gamma-exponential bound', gammaExponentialBound(100, 0.05, 100, 2), 33.02017],
    ['gamma-Poisson mixture', gammaPoissonLogMixture(10, 100, 100, 2), -0.06991219],
    ['gamma-Poisson bound', gammaPoissonBound(100, 0.05, 100, 2), 30.1949],
    ['two-sided beta mixture', betaBinomialLogMixture(10, 100, 100, 0.2, 0.8), -0.6941012],
    ['two-sided beta bound', betaBinomialBound(100, 0.05, 100, 0.2, 0.8), 31.4308],
    [
      'one-sided beta mixture',
      betaBinomialLogMixture(10, 100, 100, 0.2, 0.8, 0.05, 'one-sided'),
      -0.07134019,
    ],
    ['one-sided beta bound', betaBinomialBound(100, 0.05, 100, 0.2, 0.8, 0.05, 'one-sided'), 28.41238],
    ['beta bound at its ceiling', betaBinomialBound(0.32, 0.05, 100, 0.2, 0.8, 0.05, 'one-sided'), 1.6],
    [
      'Bernoulli 700 of 1000, low',
      bernoulliSequence({ successes: 700, trials: 1000 }, { tunedFor: 100 })[0],
      0.651629,
    ],
    [
      'Bernoulli 700 of 1000, high',
      bernoulliSequence({ successes: 700, trials: 1000 }, { tunedFor: 100 })[1],
      0.745949,
    ],
    [
      'Bernoulli 5 of 50, low',
      bernoulliSequence({ successes: 5, trials: 50 }, { tunedFor: 50 })[0],
      0.013021,
    ],
    [
      'Bernoulli 5 of 50, high',
      bernoulliSequence({ successes: 5, trials: 50 }, { tunedFor: 50 })[1],
      0.269264,
    ],
  ];
  for (const [name, seen, published] of cases) {
    it(`${name}: ${published}`, () => {
      expect(Math.abs(seen - published)).toBeLessThan(1e-5);
    });
  }
});

describe('mixture boundaries', () => {
  it('are lowest, relative to √V, near the V they were tuned for', () => {
    for (const sides of ['two-sided', 'one-sided'] as const) {
      const relative = (v: number): number => normalMixtureBound(v, 0.05, 1000, 0.05, sides) / Math.sqrt(v);
      for (const v of [100, 400, 2500, 10_000]) expect(relative(v)).toBeGreaterThan(relative(1000));
    }
  });

  it('are the level set of their own mixture', () => {
    for (const v of [1, 50, 3000]) {
      const bound = gammaExponentialBound(v, 0.02, 80, 1.5);
      expect(gammaExponentialLogMixture(bound, v, 80, 1.5)).toBeCloseTo(Math.log(50), 9);
    }
  });

  it('agree with the Gaussian integral they stand for', () => {
    // ∫ exp(λs − λ²v/2) N(λ; 0, 1/ρ) dλ by the trapezoid rule.
    const [s, v] = [12, 40];
    const rho = bestRho(60, 0.05);
    let sum = 0;
    const step = 1e-4;
    for (let lambda = -3; lambda <= 3; lambda += step) {
      sum += Math.exp(lambda * s - (lambda * lambda * (v + rho)) / 2) * step;
    }
    expect(normalLogMixture(s, v, 60)).toBeCloseTo(Math.log(sum * Math.sqrt(rho / (2 * Math.PI))), 9);
  });

  it('refuse what has no meaning', () => {
    expect(() => normalMixtureBound(-1, 0.05, 100)).toThrow(/negative/);
    expect(() => normalMixtureBound(1, 1, 100)).toThrow(/between 0 and 1/);
    expect(() => normalMixtureBound(1, 0.05, 0)).toThrow(/above 0/);
    expect(() => normalMixtureBound(1, 0.05, 10, 0.6, 'one-sided')).toThrow(/below 0.5/);
  });
});
