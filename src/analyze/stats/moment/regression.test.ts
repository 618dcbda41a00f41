import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { linearRegression, polynomialRegression } from './regression.ts';

describe('linearRegression', () => {
  // statsmodels 0.15.0: OLS(y, add_constant(X)).fit(); get_prediction([[1, 2.5, 1]]).summary_frame()
  const rows = [
    [1, 0],
    [2, 1],
    [3, 0],
    [4, 1],
    [5, 1],
    [6, 0],
    [7, 0],
    [8, 1],
  ];
  const y = [2.1, 3.9, 6.2, 7.7, 10.4, 11.8, 14.3, 16.1];

  it('agrees with statsmodels on coefficients, errors, p-values, fit and prediction', () => {
    const fit = linearRegression(rows, y);
    const column = (of: 'estimate' | 'standardError' | 'pValue') => fit.coefficients.map(c => c[of]);
    const near = (wanted: number[], digits = 10) => wanted.map(value => expect.closeTo(value, digits));
    expect(column('estimate')).toEqual(
      near([0.015512048192771744, 2.0198795180722895, -0.08493975903614537]),
    );
    expect(column('standardError')).toEqual(
      near([0.2315155839973169, 0.043414471941156337, 0.19895010392688528]),
    );
    expect(column('pValue')).toEqual(near([0.9491766745281839, 8.6636701744819e-8, 0.68718266429489]));
    expect([fit.rSquared, fit.adjustedRSquared]).toEqual(near([0.997718456133939, 0.9968058385875145]));
    expect([fit.fStatistic, fit.fPValue]).toEqual(near([1093.249258731566, 2.486406072892959e-7], 8));
    const { estimate, interval, predictionInterval } = fit.predict([2.5, 1]);
    expect([estimate, ...interval, ...predictionInterval]).toEqual(
      near([4.9802710843373506, 4.541786385859951, 5.41875578281475, 4.138168200699935, 5.822373967974766]),
    );
  });

  it('throws rank-deficient with the column at fault', () => {
    const twice = rows.map(([a]) => [a!, 2 * a! + 1]);
    expect(() => linearRegression(twice, y)).toThrow(/Column 2 is a combination/);
  });

  it('refuses ragged, short and non-finite input', () => {
    expect(() => linearRegression([[1], [1, 2], [3], [4]], [1, 2, 3, 4])).toThrow(/equal lengths/);
    expect(() => linearRegression([[1], [2]], [1, 2])).toThrow(/more rows/);
    expect(() => linearRegression([[1], [2], [Number.NaN]], [1, 2, 3])).toThrow(/finite/);
    expect(() => linearRegression([[1], [2], [3]], [1, 2])).toThrow(/equal lengths/);
  });

  it('covers the true mean and the next observation as often as it says', () => {
    const rng = new Rng(11);
    let covered = 0;
    let coveredNext = 0;
    const rounds = 2000;
    for (let round = 0; round < rounds; round++) {
      const x = Array.from({ length: 12 }, () => [rng.float() * 10]);
      const fit = linearRegression(
        x,
        x.map(([v]) => 1 + 2 * v! + rng.gaussian()),
      );
      const { interval, predictionInterval } = fit.predict([4], 0.9);
      if (interval[0] <= 9 && 9 <= interval[1]) covered++;
      const next = 9 + rng.gaussian();
      if (predictionInterval[0] <= next && next <= predictionInterval[1]) coveredNext++;
    }
    // Three standard errors of a proportion of 0.9 in 2,000.
    expect(Math.abs(covered / rounds - 0.9)).toBeLessThan(0.0202);
    expect(Math.abs(coveredNext / rounds - 0.9)).toBeLessThan(0.0202);
  });

  it('fits a column of very different scale without loss', () => {
    const rng = new Rng(3);
    const x = Array.from({ length: 50 }, () => [rng.gaussian() * 1e-150, rng.gaussian() * 1e150]);
    const fit = linearRegression(
      x,
      x.map(([a, b]) => 1 + a! * 1e150 + 2 * b! * 1e-150),
    );
    expect(fit.coefficients.map(c => c.estimate)).toEqual([
      expect.closeTo(1, 12),
      expect.closeTo(1e150, -139),
      expect.closeTo(2e-150, 160),
    ]);
  });
});

describe('polynomialRegression', () => {
  it('finds the polynomial again and predicts from it', () => {
    const x = Array.from({ length: 20 }, (_, i) => i / 4);
    const fit = polynomialRegression(
      x,
      x.map(v => 1 - v + 0.25 * v ** 3),
      3,
    );
    expect(fit.coefficients.map(c => c.estimate)).toEqual([1, -1, 0, 0.25].map(c => expect.closeTo(c, 11)));
    expect(fit.predict([2]).estimate).toBeCloseTo(1, 11);
    expect(fit.rSquared).toBeCloseTo(1, 14);
  });
});
