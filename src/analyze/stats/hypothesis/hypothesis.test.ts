// What tables cannot show: exactness by enumeration, symmetry, uniform p-values under the null, and refusals.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../../core/errors.ts';
import { Rng } from '../../../core/rng.ts';
import { normal } from '../distributions.ts';
import { Moments } from '../moment/moments.ts';
import { levene, oneWayAnova, welchAnova } from './anova.ts';
import { chiSquareGoodnessOfFit, chiSquareIndependence } from './chi-square-test.ts';
import { spearmanCorrelation } from './correlation.ts';
import { fisherExact } from './fisher-exact.ts';
import { kolmogorovSmirnov, kolmogorovSmirnovTwoSample, kolmogorovTail } from './kolmogorov-smirnov.ts';
import { mannWhitney, wilcoxonSignedRank } from './mann-whitney.ts';
import { adjustPValues } from './multiple-comparisons.ts';
import { poissonRateInterval, poissonRateTest } from './poisson-rate-test.ts';
import { twoProportionTest } from './proportion-test.ts';
import { midRanks } from './rank.ts';
import { tTestOneSample, tTestStudent, tTestWelch } from './t-test.ts';

const seed = 5;

function* subsets(n: number, size: number, from = 0): Generator<number[]> {
  if (size === 0) yield [];
  else
    for (let i = from; i <= n - size; i++) for (const rest of subsets(n, size - 1, i + 1)) yield [i, ...rest];
}

describe('exact rank tests, ties included, count the permutations', () => {
  const small = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 5 });

  it('Mann–Whitney', () => {
    fc.assert(
      fc.property(small, small, (a, b) => {
        const { ranks } = midRanks([...a, ...b]);
        const observed = a.reduce((sum, _, i) => sum + ranks[i]!, 0);
        let [all, below, above] = [0, 0, 0];
        for (const subset of subsets(ranks.length, a.length)) {
          const sum = subset.reduce((total, i) => total + ranks[i]!, 0);
          all++;
          if (sum <= observed) below++;
          if (sum >= observed) above++;
        }
        expect(mannWhitney(a, b, { alternative: 'less' }).pValue).toBeCloseTo(below / all, 12);
        expect(mannWhitney(a, b, { alternative: 'greater' }).pValue).toBeCloseTo(above / all, 12);
        const pairs = a.flatMap(x => b.map(y => Math.sign(x - y)));
        const delta = pairs.reduce((sum: number, sign) => sum + sign, 0) / pairs.length;
        expect(mannWhitney(a, b).cliffDelta).toBeCloseTo(delta, 12);
      }),
      { seed, numRuns: 150 },
    );
  });

  it('Wilcoxon signed rank', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 8 }), differences => {
        const kept = differences.filter(d => d !== 0);
        fc.pre(kept.length > 0);
        const { ranks } = midRanks(kept.map(Math.abs));
        const observed = kept.reduce((sum, d, i) => sum + (d > 0 ? ranks[i]! : 0), 0);
        let below = 0;
        for (let signs = 0; signs < 1 << kept.length; signs++) {
          const sum = ranks.reduce((total, rank, i) => total + ((signs >> i) & 1 ? rank : 0), 0);
          if (sum <= observed) below++;
        }
        const zeros = differences.map(() => 0);
        const result = wilcoxonSignedRank(differences, zeros, { alternative: 'less' });
        expect(result.pValue).toBeCloseTo(below / (1 << kept.length), 12);
      }),
      { seed, numRuns: 150 },
    );
  });

  it('the normal form comes close to the exact one at 30 and 30, with ties', () => {
    const rng = new Rng(2);
    const draw = (shift: number) => Array.from({ length: 30 }, () => Math.round(rng.gaussian() * 3 + shift));
    const [a, b] = [draw(0), draw(1.5)];
    const exact = mannWhitney(a, b, { method: 'exact' }).pValue;
    expect(mannWhitney(a, b, { method: 'normal' }).pValue).toBeCloseTo(exact, 2);
  });
});

describe('Fisher exact', () => {
  it('sums the probabilities of all tables with these margins', () => {
    const count = fc.integer({ min: 0, max: 7 });
    const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
    fc.assert(
      fc.property(count, count, count, count, (a, b, c, d) => {
        const weight = (k: number): number => choose(a + c, k) * choose(b + d, a + b - k);
        const [low, high] = [Math.max(0, a - d), Math.min(a + b, a + c)];
        let [all, extreme, below] = [0, 0, 0];
        for (let k = low; k <= high; k++) {
          all += weight(k);
          if (weight(k) <= weight(a) * (1 + 1e-7)) extreme += weight(k);
          if (k <= a) below += weight(k);
        }
        expect(
          fisherExact([
            [a, b],
            [c, d],
          ]).pValue,
        ).toBeCloseTo(extreme / all, 12);
        expect(
          fisherExact(
            [
              [a, b],
              [c, d],
            ],
            'less',
          ).pValue,
        ).toBeCloseTo(below / all, 12);
      }),
      { seed, numRuns: 300 },
    );
  });

  it('copes with a million counts', () => {
    const { pValue } = fisherExact([
      [500_100, 499_900],
      [499_900, 500_100],
    ]);
    const z = twoProportionTest(
      { successes: 500_100, trials: 1e6 },
      { successes: 499_900, trials: 1e6 },
    ).pValue;
    expect(pValue).toBeCloseTo(z, 2);
  });
});

describe('Poisson rates', () => {
  it('keeps its level at small counts and finds a doubled rate', () => {
    const rng = new Rng(8);
    const count = (rate: number): number => {
      let events = 0;
      for (let time = rng.exponential(rate); time < 1; time += rng.exponential(rate)) events++;
      return events;
    };
    const rounds = 3000;
    let [alarms, found, covered] = [0, 0, 0];
    for (let round = 0; round < rounds; round++) {
      const [a, b, c] = [count(6), count(18), count(36)];
      const same = poissonRateTest({ events: a, exposure: 1 }, { events: b, exposure: 3 });
      if (same.pValue <= 0.05) alarms++;
      if (same.interval[0] <= 1 && 1 <= same.interval[1]) covered++;
      if (poissonRateTest({ events: c, exposure: 1 }, { events: b, exposure: 1 }).pValue <= 0.05) found++;
    }
    expect(alarms / rounds).toBeLessThanOrEqual(0.05);
    expect(covered / rounds).toBeGreaterThanOrEqual(0.95);
    expect(found / rounds).toBeGreaterThan(0.6);
  });

  it('says nothing of no events at all', () => {
    const none = poissonRateTest({ events: 0, exposure: 1 }, { events: 0, exposure: 5 });
    expect([none.pValue, ...none.interval]).toEqual([1, 0, Infinity]);
    expect(poissonRateInterval({ events: 0, exposure: 1 })).toEqual([0, expect.closeTo(3.6889, 4)]);
    expect(() => poissonRateTest({ events: 1, exposure: 0 }, { events: 1, exposure: 1 })).toThrow(/exposure/);
  });
});

describe('Kolmogorov–Smirnov', () => {
  it('for one value is the distance itself: P(D ≥ d) = 2(1 − d) from ½ on', () => {
    expect(kolmogorovSmirnov([0.9], x => x).pValue).toBeCloseTo(0.2, 12);
    expect(kolmogorovSmirnov([0.5], x => x).pValue).toBe(1);
  });

  it('for two samples counts the orders of the values', () => {
    const value = fc.integer({ min: 0, max: 1e6 });
    const sample = fc.uniqueArray(value, { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(sample, fc.integer({ min: 1, max: 5 }), (values, cut) => {
        fc.pre(values.length > cut);
        const observed = kolmogorovSmirnovTwoSample(values.slice(0, cut), values.slice(cut));
        let [all, extreme] = [0, 0];
        for (const subset of subsets(values.length, cut)) {
          const rest = values.map((_, i) => i).filter(i => !subset.includes(i));
          const other = kolmogorovSmirnovTwoSample(subset, rest).statistic;
          all++;
          if (other >= observed.statistic - 1e-12) extreme++;
        }
        expect(observed.pValue).toBeCloseTo(extreme / all, 12);
      }),
      { seed, numRuns: 60 },
    );
  });

  it('has one limit whichever of its two series is taken', () => {
    expect(kolmogorovTail(1 - 1e-9)).toBeCloseTo(kolmogorovTail(1 + 1e-9), 8);
    expect(kolmogorovTail(0)).toBe(1);
  });

  it('limits and exact forms meet where one takes over from the other', () => {
    const test = (n: number) =>
      kolmogorovSmirnov(
        Array.from({ length: n }, (_, i) => ((i + 0.5) / n) ** 1.05),
        x => x,
      );
    const [limit, exact] = [test(2001), test(2000)];
    expect([limit.method, exact.method]).toEqual([
      'Kolmogorov–Smirnov (limit)',
      'Kolmogorov–Smirnov (exact)',
    ]);
    expect(limit.pValue).toBeCloseTo(exact.pValue, 3);
  });
});

describe('under the null hypothesis a p-value is uniform', () => {
  const rounds = 1500;
  const draw = (rng: Rng, n: number): number[] => Array.from({ length: n }, () => rng.gaussian());
  const tests: Record<string, (rng: Rng) => number> = {
    "Welch's t, unequal sizes and variances": rng =>
      tTestWelch(
        draw(rng, 12),
        draw(rng, 30).map(x => 3 * x),
      ).pValue,
    "Student's t": rng => tTestStudent(draw(rng, 8), draw(rng, 15)).pValue,
    'one-way ANOVA': rng => oneWayAnova([draw(rng, 6), draw(rng, 9), draw(rng, 20)]).pValue,
    "Welch's ANOVA": rng => welchAnova([draw(rng, 12), draw(rng, 15).map(x => 4 * x), draw(rng, 20)]).pValue,
    'Kolmogorov–Smirnov': rng => kolmogorovSmirnov(draw(rng, 25), normal.cdf).pValue,
    'Mann–Whitney (normal)': rng => mannWhitney(draw(rng, 50), draw(rng, 60)).pValue,
    Spearman: rng => spearmanCorrelation(draw(rng, 25), draw(rng, 25)).pValue,
  };
  for (const [name, pValueOf] of Object.entries(tests)) {
    it(name, () => {
      const rng = new Rng(31);
      const pValues = Array.from({ length: rounds }, () => Math.min(1, pValueOf(rng)));
      expect(kolmogorovSmirnov(pValues, x => x).pValue, name).toBeGreaterThan(0.001);
    });
  }
});

describe('t tests', () => {
  it('say the same of numbers and of their moments', () => {
    const [a, b] = [
      [3, 5, 8, 9],
      [2, 2, 4, 5, 7],
    ];
    expect(tTestWelch(Moments.of(a), Moments.of(b))).toEqual(tTestWelch(a, b));
  });

  it('swap sign with their samples, and one-sided p-values add to 1', () => {
    const [a, b] = [
      [3, 5, 8, 9],
      [2, 2, 4, 5, 7],
    ];
    expect(tTestWelch(b, a).statistic).toBeCloseTo(-tTestWelch(a, b).statistic, 14);
    const less = tTestWelch(a, b, { alternative: 'less' });
    const greater = tTestWelch(a, b, { alternative: 'greater' });
    expect(less.pValue + greater.pValue).toBeCloseTo(1, 14);
    expect(less.interval[0]).toBe(-Infinity);
    expect(greater.interval[1]).toBe(Infinity);
  });

  it('are certain where nothing varies, either way', () => {
    expect(tTestOneSample([2, 2, 2], 2).pValue).toBe(1);
    expect(tTestOneSample([2, 2, 2], 1).pValue).toBe(0);
    expect(tTestWelch([1, 1], [1, 1]).pValue).toBe(1);
  });
});

describe('adjusted p-values', () => {
  it('are ordered: raw ≤ Benjamini–Hochberg ≤ Hochberg ≤ Holm ≤ Bonferroni', () => {
    const p = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(p, { minLength: 1, maxLength: 30 }), raw => {
        const chain = [
          raw,
          adjustPValues(raw, 'benjamini-hochberg'),
          adjustPValues(raw, 'hochberg'),
          adjustPValues(raw, 'holm'),
          adjustPValues(raw, 'bonferroni'),
        ];
        for (let k = 1; k < chain.length; k++) {
          raw.forEach((_, i) => {
            expect(chain[k]![i]).toBeGreaterThanOrEqual(chain[k - 1]![i]! - 1e-15);
          });
        }
      }),
      { seed, numRuns: 300 },
    );
  });
});

describe('arguments out of range are refused, not answered', () => {
  const cases: Record<string, () => unknown> = {
    'too few values': () => tTestWelch([1], [1, 2]),
    'a confidence of 1': () => tTestOneSample([1, 2, 3], 0, { confidence: 1 }),
    'more successes than trials': () =>
      twoProportionTest({ successes: 5, trials: 4 }, { successes: 1, trials: 4 }),
    'a count that is not whole': () => chiSquareGoodnessOfFit([1.5, 2]),
    'counts and shares of other lengths': () => chiSquareGoodnessOfFit([1, 2], [1]),
    'a row of zeros': () =>
      chiSquareIndependence([
        [0, 0],
        [1, 2],
      ]),
    'one group': () => oneWayAnova([[1, 2, 3]]),
    'a group that does not vary, for Welch': () =>
      welchAnova([
        [1, 1],
        [1, 2],
      ]),
    'NaN among ranks': () => mannWhitney([Number.NaN], [1]),
    'a p-value above 1': () => adjustPValues([1.2], 'holm'),
    'a cdf that leaves [0, 1]': () => kolmogorovSmirnov([1], () => 2),
    'a table with a negative count': () =>
      fisherExact([
        [1, -1],
        [2, 3],
      ]),
    'a Levene group of one': () => levene([[1], [1, 2]]),
  };
  for (const [name, call] of Object.entries(cases)) {
    it(name, () => {
      expect(call).toThrow(MillraceError);
      expect(call).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    });
  }
});
