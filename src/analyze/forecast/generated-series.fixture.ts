// Series made by the models themselves, with the model that should forecast each: what the intervals'
// coverage is measured on.
import { Rng } from '../../core/rng.ts';
import { Autoregression } from './autoregression.ts';
import { ExponentialSmoothing } from './exponential-smoothing.ts';
import type { Forecaster } from './forecaster.ts';
import { HarmonicRegression } from './harmonic-regression.ts';
import { SeasonalNaive } from './seasonal-naive.ts';
import { Theta } from './theta.ts';

interface Generated {
  /** A series of `length` values. */
  series(rng: Rng, length: number): number[];
  model(values: number[]): Forecaster;
}

const list = (length: number, next: (t: number) => number): number[] =>
  Array.from({ length }, (_, t) => next(t));
const wave = (t: number, period: number): number => Math.sin((2 * Math.PI * t) / period);

/** The additive innovations form with the given weights; period 12 where there is a season. */
function smoothing(
  alpha: number,
  beta: number,
  gamma: number,
  phi: number,
  relative = false,
): Generated['series'] {
  return (rng, length) => {
    let [level, trend] = [200, beta > 0 ? 0.5 : 0];
    const season = list(12, i => (relative ? 1 + 0.3 * wave(i, 12) : 30 * wave(i, 12)));
    return list(length, t => {
      const base = level + phi * trend;
      const index = gamma > 0 ? season[t % 12]! : relative ? 1 : 0;
      const error = relative ? 0.03 * rng.gaussian() : 5 * rng.gaussian();
      const scale = relative ? base : 1;
      level = base + alpha * error * scale;
      trend = phi * trend + beta * error * scale;
      if (gamma > 0) season[t % 12] = index + gamma * error * (relative ? index : 1);
      return relative ? base * index * (1 + error) : base + index + error;
    });
  };
}

export const generated: Record<string, Generated> = {
  simple: { series: smoothing(0.4, 0, 0, 1), model: values => ExponentialSmoothing.fit(values) },
  holt: {
    series: smoothing(0.4, 0.05, 0, 1),
    model: values => ExponentialSmoothing.fit(values, { trend: 'additive' }),
  },
  damped: {
    series: smoothing(0.4, 0.1, 0, 0.9),
    model: values => ExponentialSmoothing.fit(values, { trend: 'damped' }),
  },
  'seasonal additive': {
    series: smoothing(0.3, 0, 0.1, 1),
    model: values => ExponentialSmoothing.fit(values, { season: 'additive', period: 12 }),
  },
  'holt-winters additive': {
    series: smoothing(0.3, 0.02, 0.1, 1),
    model: values => ExponentialSmoothing.fit(values, { trend: 'additive', season: 'additive', period: 12 }),
  },
  'holt-winters multiplicative': {
    series: smoothing(0.2, 0.001, 0.1, 1, true),
    model: values =>
      ExponentialSmoothing.fit(values, { trend: 'additive', season: 'multiplicative', period: 12 }),
  },
  'damped holt-winters multiplicative': {
    series: smoothing(0.2, 0.02, 0.1, 0.9, true),
    model: values =>
      ExponentialSmoothing.fit(values, { trend: 'damped', season: 'multiplicative', period: 12 }),
  },
  theta: {
    series: (rng, length) => {
      let level = 100;
      return list(length, () => (level += 0.3 + 2 * rng.gaussian()));
    },
    model: values => Theta.fit(values),
  },
  'seasonal naive': {
    series: (rng, length) => {
      const season = list(12, i => 100 + 20 * wave(i, 12));
      return list(length, t => (season[t % 12]! += 3 * rng.gaussian()));
    },
    model: values => SeasonalNaive.fit(values, { period: 12 }),
  },
  'harmonic regression': {
    series: (rng, length) =>
      list(length, t => 50 + 0.1 * t + 10 * wave(t, 24) + 4 * wave(2 * t + 5, 24) + 3 * rng.gaussian()),
    model: values => HarmonicRegression.fit(values, { period: 24 }),
  },
  autoregression: {
    series: (rng, length) => {
      let [a, b] = [0, 0];
      return list(length + 100, () => {
        [a, b] = [1.1 * a - 0.4 * b + rng.gaussian(), a];
        return 20 + a;
      }).slice(100);
    },
    model: values => Autoregression.fit(values),
  },
  'autoregression of differences': {
    series: (rng, length) => {
      let [step, level] = [0, 0];
      return list(length, () => {
        step = 0.5 * step + rng.gaussian();
        return (level += step);
      });
    },
    model: values => Autoregression.fit(values, { difference: 1 }),
  },
};

/**
 * Share of the next 12 values inside their interval, over `runs` series of 240 values; one for each coverage
 * asked for.
 */
export function coverageOf(name: string, coverages: readonly number[], runs: number, seed: number): number[] {
  const generator = generated[name]!;
  const inside = coverages.map(() => 0);
  for (let run = 0; run < runs; run++) {
    const values = generator.series(new Rng(seed * 1_000_003 + run), 252);
    const model = generator.model(values.slice(0, 240));
    coverages.forEach((coverage, i) => {
      const { low, high } = model.forecast(12, coverage);
      for (let h = 0; h < 12; h++)
        if (values[240 + h]! >= low[h]! && values[240 + h]! <= high[h]!) inside[i]!++;
    });
  }
  return inside.map(count => count / (runs * 12));
}
