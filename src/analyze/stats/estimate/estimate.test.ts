// Coverage of the intervals, meaning of the effect sizes, and power against simulation.
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { tTestStudent, tTestWelch } from '../hypothesis/t-test.ts';
import { bootstrapDifference, bootstrapInterval } from './bootstrap.ts';
import { cliffDelta, cohenD, cohenH, cramerV, hedgesG } from './effect-size.ts';
import { proportionPower, proportionSampleSize, tTestPower, tTestSampleSize } from './power.ts';
import { clopperPearsonInterval, newcombeInterval, wilsonInterval } from './proportion-interval.ts';

const binomial = (rng: Rng, n: number, p: number): number => {
  let k = 0;
  for (let i = 0; i < n; i++) k += rng.boolean(p) ? 1 : 0;
  return k;
};

describe('proportion intervals', () => {
  it('Wilson covers near its level where the usual interval collapses; Clopper–Pearson never less', () => {
    const rng = new Rng(9);
    const [n, p, rounds] = [30, 0.05, 4000];
    let [wilson, exact] = [0, 0];
    for (let round = 0; round < rounds; round++) {
      const observed = { successes: binomial(rng, n, p), trials: n };
      const holds = ([low, high]: [number, number]): number => (low <= p && p <= high ? 1 : 0);
      wilson += holds(wilsonInterval(observed));
      exact += holds(clopperPearsonInterval(observed));
    }
    expect(wilson / rounds).toBeGreaterThan(0.92);
    expect(exact / rounds).toBeGreaterThan(0.95);
  });

  it('stay in range at 0 and n successes', () => {
    const [none, all] = [
      { successes: 0, trials: 7 },
      { successes: 7, trials: 7 },
    ];
    expect(wilsonInterval(none)[0]).toBe(0);
    expect(wilsonInterval(all)[1]).toBe(1);
    expect(clopperPearsonInterval(none)[0]).toBe(0);
    expect(clopperPearsonInterval(all)[1]).toBe(1);
    const [low, high] = newcombeInterval(all, none);
    expect(low).toBeGreaterThan(0.3);
    expect(high).toBe(1);
  });

  it("gives Newcombe's own example: 9/10 against 3/10", () => {
    // Newcombe 1998, table II, method 10, column (c).
    const interval = newcombeInterval({ successes: 9, trials: 10 }, { successes: 3, trials: 10 });
    expect(interval).toEqual([expect.closeTo(0.1705, 4), expect.closeTo(0.809, 4)]);
  });
});

describe('effect sizes', () => {
  it("Cohen's d is the difference in pooled deviations, Hedges' g a little less", () => {
    const [a, b] = [
      [5, 7, 9],
      [1, 3, 5],
    ];
    expect(cohenD(a, b).estimate).toBeCloseTo(2, 12);
    // Exact factor for 4 degrees of freedom: Γ(2) / (√2 Γ(1.5)).
    expect(hedgesG(a, b).estimate).toBeCloseTo(2 / (Math.SQRT2 * (Math.sqrt(Math.PI) / 2)), 10);
  });

  it('the interval of d excludes 0 exactly when the t test does, and covers as it says', () => {
    const rng = new Rng(12);
    let covered = 0;
    const rounds = 200;
    for (let round = 0; round < rounds; round++) {
      const a = Array.from({ length: 10 }, () => 0.8 + rng.gaussian());
      const b = Array.from({ length: 14 }, () => rng.gaussian());
      const [low, high] = cohenD(a, b, 0.9).interval;
      if (low <= 0.8 && 0.8 <= high) covered++;
      expect(low > 0 || high < 0).toBe(tTestStudent(a, b).pValue < 0.1);
    }
    // Four standard errors.
    expect(Math.abs(covered / rounds - 0.9)).toBeLessThan(0.085);
  });

  it("Cramér's V is 1 for perfect association, and its correction takes chance off", () => {
    expect(
      cramerV([
        [10, 0],
        [0, 10],
      ]),
    ).toBeCloseTo(1, 12);
    expect(
      cramerV(
        [
          [11, 9],
          [9, 11],
        ],
        { corrected: true },
      ),
    ).toBe(0);
  });

  it("Cliff's δ and Cohen's h have their ends", () => {
    expect(cliffDelta([4, 5], [1, 2, 3])).toBe(1);
    expect(cliffDelta([1, 2], [1, 2])).toBe(0);
    expect(cohenH({ successes: 1, trials: 1 }, { successes: 0, trials: 1 })).toBeCloseTo(Math.PI, 12);
  });
});

describe('bootstrap', () => {
  const mean = (sample: Float64Array): number => sample.reduce((sum, x) => sum + x, 0) / sample.length;

  it('replays from its seed', () => {
    const run = (seed: number) => bootstrapInterval([1, 5, 2, 8, 9, 4], mean, { rng: new Rng(seed) });
    expect(run(3)).toEqual(run(3));
    expect(run(3)).not.toEqual(run(4));
  });

  it('covers a skewed mean about as often as it says, BCa better than percentile', () => {
    const rng = new Rng(41);
    const covered = { bca: 0, percentile: 0 };
    const rounds = 200;
    for (let round = 0; round < rounds; round++) {
      const sample = Array.from({ length: 40 }, () => rng.exponential());
      for (const method of ['bca', 'percentile'] as const) {
        const { interval } = bootstrapInterval(sample, mean, { rng: rng.fork(), method, resamples: 400 });
        if (interval[0] <= 1 && 1 <= interval[1]) covered[method]++;
      }
    }
    expect(covered.bca / rounds).toBeGreaterThan(0.88);
    expect(covered.bca).toBeGreaterThanOrEqual(covered.percentile - 2);
  });

  it('of a difference of means agrees with Welch for normal data', () => {
    const rng = new Rng(6);
    const a = Array.from({ length: 60 }, () => rng.gaussian() + 1);
    const b = Array.from({ length: 80 }, () => rng.gaussian());
    const { estimate, interval } = bootstrapDifference(a, b, mean, { rng, resamples: 4000 });
    const welch = tTestWelch(a, b);
    expect(estimate).toBeCloseTo(welch.estimate, 12);
    expect(Math.abs(interval[0] - welch.interval[0])).toBeLessThan(0.05);
    expect(Math.abs(interval[1] - welch.interval[1])).toBeLessThan(0.05);
  });

  it('refuses a statistic that is not finite and too few resamples', () => {
    expect(() => bootstrapInterval([1, 2], () => Number.NaN, { rng: new Rng(1) })).toThrow(/finite/);
    expect(() => bootstrapInterval([1, 2], mean, { rng: new Rng(1), resamples: 10 })).toThrow(/100/);
  });
});

describe('power', () => {
  it('of the t test is what simulation finds', () => {
    const rng = new Rng(15);
    const rounds = 3000;
    let found = 0;
    for (let round = 0; round < rounds; round++) {
      const a = Array.from({ length: 20 }, () => 0.9 + rng.gaussian());
      const b = Array.from({ length: 20 }, () => rng.gaussian());
      if (tTestWelch(a, b).pValue <= 0.05) found++;
    }
    const power = tTestPower('two-sample', 0.9, 20);
    expect(Math.abs(found / rounds - power)).toBeLessThan(4 * Math.sqrt((power * (1 - power)) / rounds));
  });

  it('and sample size are each other’s inverse', () => {
    for (const effect of [0.05, 0.4, 2]) {
      const n = tTestSampleSize('two-sample', effect, 0.85, { ratio: 2 });
      expect(tTestPower('two-sample', effect, n, { ratio: 2 })).toBeCloseTo(0.85, 7);
    }
    const n = proportionSampleSize(0.1, 0.12, 0.8);
    expect(proportionPower(0.1, 0.12, n)).toBeCloseTo(0.8, 7);
    // Fleiss, Levin & Paik's worked formula for 10 % against 12 %, 80 % power.
    expect(Math.ceil(n)).toBe(3841);
  });

  it('refuses what no sample can show', () => {
    expect(() => tTestSampleSize('one-sample', 0, 0.8)).toThrow(/effect of 0/);
    expect(() => proportionSampleSize(0.1, 0.1, 0.8)).toThrow(/Equal proportions/);
    expect(() => tTestSampleSize('one-sample', 0.5, 0.01)).toThrow(/exceed alpha/);
  });
});
