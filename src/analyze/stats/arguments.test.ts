// No argument outside its range is answered with NaN, or with the answer to another question.
import { describe, expect, it } from 'vitest';
import * as stats from './index.ts';

const refused = expect.objectContaining({ code: 'invalid-argument' });

/** Each distribution's functions with arguments that are in order. */
const sound: Record<string, Record<string, number[]>> = {
  normal: { pdf: [1, 0, 1], cdf: [1, 0, 1], survival: [1, 0, 1], quantile: [0.7, 0, 1] },
  studentT: { pdf: [1, 3], cdf: [1, 3], survival: [1, 3], quantile: [0.7, 3] },
  chiSquare: { cdf: [1, 3], survival: [1, 3], quantile: [0.7, 3] },
  fisherF: { cdf: [1, 3, 4], survival: [1, 3, 4], quantile: [0.7, 3, 4] },
  beta: { cdf: [0.4, 3, 4], survival: [0.4, 3, 4], quantile: [0.7, 3, 4] },
  gamma: { cdf: [0.4, 3, 4], survival: [0.4, 3, 4], quantile: [0.7, 3, 4] },
  binomial: { pmf: [1, 3, 0.2], cdf: [1, 3, 0.2], survival: [1, 3, 0.2] },
  poisson: { cdf: [1, 3], survival: [1, 3] },
  hypergeometric: { pmf: [1, 9, 4, 3] },
};

describe('distributions', () => {
  for (const [name, functions] of Object.entries(sound)) {
    const distribution = (stats as unknown as Record<string, Record<string, (...of: number[]) => number>>)[
      name
    ]!;
    it(`${name} refuses NaN and parameters below 0, and has every function listed here`, () => {
      expect(Object.keys(distribution).sort()).toEqual(Object.keys(functions).sort());
      for (const [what, good] of Object.entries(functions)) {
        expect(distribution[what]!(...good)).toBeGreaterThan(0);
        good.forEach((_, i) => {
          expect(() => distribution[what]!(...good.with(i, Number.NaN)), `${what} ${i}`).toThrow(refused);
          const isPlace = i === 0 && what !== 'quantile';
          const isMean = name === 'normal' && i === 1;
          if (isPlace || isMean) return;
          expect(() => distribution[what]!(...good.with(i, -1)), `${what} ${i}`).toThrow(refused);
        });
        if (what === 'quantile') expect(() => distribution[what]!(...good.with(0, 1.1))).toThrow(refused);
      }
    });
  }

  it('have ends', () => {
    expect([stats.normal.quantile(0), stats.normal.quantile(1)]).toEqual([-Infinity, Infinity]);
    expect([stats.fisherF.cdf(Infinity, 2, 3), stats.poisson.cdf(Infinity, 3)]).toEqual([1, 1]);
    expect([stats.chiSquare.quantile(0, 3e5), stats.chiSquare.quantile(1, 3e5)]).toEqual([0, Infinity]);
  });
});

const one = { successes: 1, trials: 3 };
const outside: Record<string, () => unknown> = {
  'a direction that is none': () => stats.tTestWelch([1, 2], [2, 5], { alternative: 'more' as 'less' }),
  '… of rates': () => stats.wilsonInterval(one, { alternative: 'more' as 'less' }),
  '… of ranks': () => stats.mannWhitney([1, 2], [2, 5], { alternative: 'more' as 'less' }),
  '… of tables': () =>
    stats.fisherExact(
      [
        [1, 2],
        [3, 4],
      ],
      'more' as 'less',
    ),
  'a table with more tables than memory': () =>
    stats.fisherExact([
      [1e9, 1e9],
      [1e9, 1e9],
    ]),
  'a correlation with a constant': () => stats.spearmanCorrelation([1, 1, 1], [1, 2, 3]),
  'parameters fitted that are no number': () =>
    stats.chiSquareGoodnessOfFit([1, 2, 3], undefined, Number.NaN),
  'a noncentral t without degrees of freedom': () => stats.noncentralTCdf(1, 0, 1),
  'a test that is none': () => stats.tTestPower('paired' as 'one-sample', 0.5, 30),
  'a variance process below 0': () => stats.normalLogMixture(1, -5, 100),
  'a sum that its variance does not allow': () => stats.gammaExponentialLogMixture(-1e6, 5, 100, 1),
  '… of successes': () => stats.betaBinomialLogMixture(1e6, 5, 100, 0.2, 0.8),
  'a mean that is none': () => stats.subGaussianSequence(3, Number.NaN, 1, { tunedFor: 10 }),
  'an estimate that is none': () => stats.mixtureSprt(Number.NaN, 1, 10, { tau: 1 }),
  'a p-value beyond 1': () => new stats.AlwaysValidPValue(1.5),
  'a prior without weight': () => stats.sampleRatio([1, 2], [1, 1], 0),
  'a critical value that is none': () => stats.exitProbabilities([Number.NaN], [1], 0),
  'a prediction at NaN': () => stats.linearRegression([[1], [2], [4]], [1, 2, 3]).predict([Number.NaN]),
  'bounds without an end': () => new stats.EmpiricalBernstein(-1e308, 1e308),
};

describe('refused are', () => {
  it.each(Object.entries(outside))('%s', (_, act) => {
    expect(act).toThrow(refused);
  });
});

describe('data without any variation', () => {
  it('are answered: nothing is explained, nothing differs', () => {
    const fit = stats.linearRegression([[1], [2], [3], [4]], [0, 0, 0, 0]);
    expect(fit).toMatchObject({ rSquared: 1, fStatistic: 0, fPValue: 1 });
    expect(fit.coefficients.map(({ pValue }) => pValue)).toEqual([1, 1]);
    expect(
      stats.oneWayAnova([
        [1, 1],
        [1, 1],
      ]),
    ).toMatchObject({ pValue: 1, etaSquared: 0, omegaSquared: 0 });
    expect(
      stats.cramerV(
        [
          [1, 0],
          [0, 1],
        ],
        { corrected: true },
      ),
    ).toBe(0);
  });

  it('or so little that its squares vanish keep their degrees of freedom', () => {
    const scale = 1e-100;
    const [a, b] = [[1, 2, 4].map(x => x * scale), [2, 5, 9, 11].map(x => x * scale)];
    const [small, plain] = [stats.tTestWelch(a, b), stats.tTestWelch([1, 2, 4], [2, 5, 9, 11])];
    expect(small.degreesOfFreedom).toBeCloseTo(plain.degreesOfFreedom, 9);
    expect(small.pValue).toBeCloseTo(plain.pValue, 9);
  });
});
