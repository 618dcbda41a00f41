// Known answers: published fits of published series, and series whose continuation is exact.
import { expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { accuracy, coverage } from './accuracy.ts';
import { Autoregression, burg } from './autoregression.ts';
import { chooseForecaster, fitForecaster, forecasterNames } from './choose-forecaster.ts';
import { ExponentialSmoothing } from './exponential-smoothing.ts';
import { coverageOf, generated } from './generated-series.fixture.ts';
import { HarmonicRegression } from './harmonic-regression.ts';
import { nelderMead } from './nelder-mead.ts';
import { isSeasonal, seasonalIndices } from './seasonality.ts';
import { Theta } from './theta.ts';

/**
 * Saudi oil production 1996–2013, million tonnes (Hyndman & Athanasopoulos, Forecasting: Principles and
 * Practice, §7.1).
 */
const oil = [
  445.36, 453.2, 454.41, 422.38, 456.04, 440.39, 425.19, 486.21, 500.43, 521.28, 508.95, 488.89, 509.87,
  456.72, 473.82, 525.95, 549.83, 542.34,
];

/** Luteinizing hormone, Diggle 1990. */
const hormone = [
  2.4, 2.4, 2.4, 2.2, 2.1, 1.5, 2.3, 2.3, 2.5, 2.0, 1.9, 1.7, 2.2, 1.8, 3.2, 3.2, 2.7, 2.2, 2.2, 1.9, 1.9,
  1.8, 2.7, 3.0, 2.3, 2.0, 2.0, 2.9, 2.9, 2.7, 2.7, 2.3, 2.6, 2.4, 1.8, 1.7, 1.5, 1.4, 2.1, 3.3, 3.5, 3.5,
  3.1, 2.6, 2.1, 3.4, 3.0, 2.9,
];

/** International airline passengers by month 1949–1960, thousands (Box & Jenkins 1976, series G). */
const passengers = [
  112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118, 115, 126, 141, 135, 125, 149, 170, 170, 158,
  133, 114, 140, 145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166, 171, 180, 193, 181, 183, 218,
  230, 242, 209, 191, 172, 194, 196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201, 204, 188, 235,
  227, 234, 264, 302, 293, 259, 229, 203, 229, 242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278,
  284, 277, 317, 313, 318, 374, 413, 405, 355, 306, 271, 306, 315, 301, 356, 348, 355, 422, 465, 467, 404,
  347, 305, 336, 340, 318, 362, 348, 363, 435, 491, 505, 404, 359, 310, 337, 360, 342, 406, 396, 420, 472,
  548, 559, 463, 407, 362, 405, 417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432,
];

test('simple smoothing finds the published weight and forecast of the oil series', () => {
  const model = ExponentialSmoothing.fit(oil);
  expect(model.parameters.alpha).toBeCloseTo(0.8339, 3);
  expect(model.forecast(1).mean[0]).toBeCloseTo(542.68, 2);
});

test('Burg finds the coefficients R finds for the hormone series', () => {
  const mean = hormone.reduce((sum, x) => sum + x, 0) / hormone.length;
  const fit = burg(
    hormone.map(x => x - mean),
    3,
  )[3]!;
  // R 4: ar(lh, method = "burg") prints 0.6588 −0.0608 −0.2234, variance 0.1786.
  expect(fit.coefficients.map(c => Number(c.toFixed(4)))).toEqual([0.6588, -0.0608, -0.2234]);
  expect(fit.variance).toBeCloseTo(0.1786, 4);
  expect(Autoregression.fit(hormone, { order: 3 }).coefficients).toEqual(fit.coefficients);
});

test('multiplicative Holt–Winters is chosen for the airline series and wins over Naive 2 by far', () => {
  const [history, actual] = [passengers.slice(0, 132), passengers.slice(132)];
  const choice = chooseForecaster(history, { period: 12, by: 'aicc' });
  expect(choice.name).toBe('holt-winters multiplicative');
  const { mean, low, high } = choice.forecaster.forecast(12);
  const result = accuracy([{ history, actual, forecast: mean, period: 12 }]);
  // Seen: sMAPE 2.17, MASE 0.33, OWA 0.30; Naive 2 has 7.03 and 1.11.
  expect(result.smape).toBeLessThan(2.5);
  expect(result.owa).toBeLessThan(0.35);
  expect(coverage(actual, low, high)).toBeGreaterThan(0.8);
  const rolling = chooseForecaster(history, { period: 12 });
  expect(rolling.tried.map(t => t.criterion)).toEqual(
    rolling.tried.map(t => t.criterion).sort((a, b) => a - b),
  );
  expect(rolling.name).toMatch(/^holt-winters/);
});

test('a straight line goes on straight and a season repeats', () => {
  const line = Array.from({ length: 40 }, (_, t) => 3 + 2 * t);
  for (const model of [
    ExponentialSmoothing.fit(line, { trend: 'additive' }),
    Autoregression.fit(line, { difference: 1 }),
    HarmonicRegression.fit(line, { period: 4, harmonics: 0 }),
  ]) {
    expect(model.forecast(10).mean[9]! / (3 + 2 * 49)).toBeCloseTo(1, 3);
  }
  const season = Array.from({ length: 60 }, (_, t) => 50 + [10, -4, 3, -9][t % 4]! + 0.5 * t);
  for (const name of ['holt-winters additive', 'harmonic regression']) {
    const { mean } = fitForecaster(name, season, 4).forecast(8);
    mean.forEach((x, h) => {
      expect(x, name).toBeCloseTo(50 + [10, -4, 3, -9][(60 + h) % 4]! + 0.5 * (60 + h), 1);
    });
  }
  const growing = season.map((_, t) => (100 + t) * [1.2, 0.9, 1.1, 0.8][t % 4]!);
  const { mean } = fitForecaster('holt-winters multiplicative', growing, 4).forecast(8);
  mean.forEach((x, h) => {
    expect(x / ((160 + h) * [1.2, 0.9, 1.1, 0.8][(60 + h) % 4]!)).toBeCloseTo(1, 2);
  });
});

test('Theta drifts by half the slope', () => {
  const model = Theta.fit(Array.from({ length: 50 }, (_, t) => 10 + 4 * t));
  expect(model.drift).toBeCloseTo(2, 10);
});

test('damped trends level off', () => {
  const values = Array.from({ length: 60 }, (_, t) => 100 + 3 * t);
  const { mean } = ExponentialSmoothing.fit(values, { trend: 'damped' }).forecast(200);
  expect(mean[199]! - mean[198]!).toBeLessThan(0.1 * (mean[1]! - mean[0]!));
});

test('the season test knows a season from noise and the indices are those put in', () => {
  const rng = new Rng(3);
  const noise = Array.from({ length: 200 }, () => rng.gaussian());
  const factors = [1.3, 0.9, 0.8, 1];
  const seasonal = noise.map((x, t) => (100 + x) * factors[t % 4]!);
  expect(isSeasonal(seasonal, 4)).toBe(true);
  expect(isSeasonal(noise, 4)).toBe(false);
  expect(isSeasonal(seasonal.slice(0, 11), 4)).toBe(false);
  seasonalIndices(seasonal, 4, true).forEach((index, i) => {
    expect(index).toBeCloseTo(factors[i]!, 2);
  });
});

test('Nelder–Mead finds minima inside the box and on its edge', () => {
  const rosenbrock = ([x, y]: readonly number[]): number => (1 - x!) ** 2 + 100 * (y! - x! * x!) ** 2;
  const inside = nelderMead(rosenbrock, [-1.2, 1], {
    low: [-5, -5],
    high: [5, 5],
    evaluationsMax: 2000,
    tolerance: 1e-14,
  });
  expect(inside.point[0]).toBeCloseTo(1, 4);
  const edge = nelderMead(rosenbrock, [-1.2, 1], {
    low: [-5, -5],
    high: [0.5, 5],
    tolerance: 1e-14,
    evaluationsMax: 2000,
  });
  expect(edge.point[0]).toBeCloseTo(0.5, 6);
  expect(edge.point[1]).toBeCloseTo(0.25, 4);
});

test('a name that is no forecaster is refused with the list', () => {
  expect(() => fitForecaster('prophecy', oil)).toThrow(/"prophecy"/);
  expect(forecasterNames).toContain('theta');
});

test('the coverage of every forecaster is measured', () => {
  expect(Object.keys(generated).sort()).toEqual([...forecasterNames].sort());
});

test.each(Object.keys(generated))('four fifths of what comes lie in the 0.8 intervals of %s', name => {
  // 150 series of 12 steps; the long test has enough of them to show three points.
  const [seen] = coverageOf(name, [0.8], 150, 5);
  expect(Math.abs(seen! - 0.8)).toBeLessThan(0.06);
});
