// The laws of state-laws.fixture.ts for every class here that streams.
import type { Rng } from '../../core/rng.ts';
import { ExperimentData } from '../experiment/experiment-data.ts';
import type { Metric } from '../experiment/metric.ts';
import * as stats from './index.ts';
import { type StateLaws, type StreamingState, testStateLaws } from './state-laws.fixture.ts';

const codes = ['unsupported-version', 'truncated-bytes', 'invalid-bytes'];
type Laws<State extends StreamingState> = Omit<StateLaws<State>, 'codes'>;
const test = <State extends StreamingState>(name: string, laws: Laws<State>): void =>
  testStateLaws(name, { ...laws, codes });
const merge = <State extends { merge(other: State): void }>(into: State, other: State): void =>
  into.merge(other);

test('CompensatedSum', {
  create: () => new stats.CompensatedSum(),
  update: (sum, rng) => sum.update(1e6 * rng.gaussian()),
  restore: stats.CompensatedSum.deserialize,
  look: sum => [sum.value],
  merge,
  bytesMax: 25,
});

test('Moments', {
  create: () => new stats.Moments(),
  update: (moments, rng) => moments.update(100 + rng.gaussian()),
  restore: stats.Moments.deserialize,
  look: of => [of.count, of.mean, of.variance, of.skewness, of.excessKurtosis, of.min, of.max],
  merge,
  bytesMax: 89,
});

test('Covariance', {
  create: () => new stats.Covariance(),
  update: (pairs, rng) => pairs.update(rng.gaussian(), 5 + rng.float()),
  restore: stats.Covariance.deserialize,
  look: of => [of.count, of.meanX, of.meanY, of.covariance, of.correlation, of.slope, of.x.variance],
  merge,
  bytesMax: 89,
});

test('ExponentiallyWeighted', {
  create: () => new stats.ExponentiallyWeighted(50),
  update: (recent, rng) => recent.update(rng.gaussian(), rng.below(400)),
  restore: stats.ExponentiallyWeighted.deserialize,
  look: of => [of.mean, of.variance, of.effectiveCount, of.at],
  merge,
  bytesMax: 49,
});

test('ExponentiallyWeightedCovariance', {
  create: () => new stats.ExponentiallyWeightedCovariance(50),
  update: (recent, rng) => recent.update(rng.gaussian(), rng.gaussian(), rng.below(400)),
  restore: stats.ExponentiallyWeightedCovariance.deserialize,
  look: of => [of.meanX, of.covariance, of.varianceY, of.correlation],
  merge,
  bytesMax: 73,
});

/** Times that go on from state to state: a piece knows only its generator. */
const clock = (window: { count: number }, rng: Rng): number => window.count + rng.below(5);

test('SlidingMoments', {
  create: () => new stats.SlidingMoments({ size: 40, span: 90 }),
  update: (window, rng) => void window.update(rng.gaussian(), clock(window, rng)),
  restore: stats.SlidingMoments.deserialize,
  look: window => [window.count, window.value().mean],
  bytesMax: 21 + 40 * 16,
});

test('SlidingCovariance', {
  create: () => new stats.SlidingCovariance({ size: 40 }),
  update: (window, rng) => void window.update(rng.gaussian(), rng.gaussian()),
  restore: stats.SlidingCovariance.deserialize,
  look: window => [window.count, window.value().covariance],
  bytesMax: 21 + 40 * 24,
});

test('StreamingRegression', {
  create: () => new stats.StreamingRegression(2),
  update(stream, rng) {
    const [x, z] = [rng.gaussian(), 1000 * rng.float()];
    stream.update([x, z], 1 + x - 0.01 * z + 0.1 * rng.gaussian());
  },
  restore: stats.StreamingRegression.deserialize,
  look: of => of.coefficients().flatMap(({ estimate, standardError }) => [estimate, standardError]),
  merge,
  bytesMax: 10 + 10 * 8,
});

test('EmpiricalBernstein', {
  create: () => new stats.EmpiricalBernstein(-2, 3),
  update: (sequence, rng) => sequence.update(-2 + 5 * rng.float()),
  restore: stats.EmpiricalBernstein.deserialize,
  // The variance process depends on the partition, and may: each part predicts from its own past.
  look: sequence => [sequence.count, sequence.mean],
  merge,
  bytesMax: 41,
});

test('AlwaysValidPValue', {
  create: () => new stats.AlwaysValidPValue(),
  update: (value, rng) => void value.update({ pValue: rng.float() }),
  restore: stats.AlwaysValidPValue.deserialize,
  look: value => [value.value],
  merge,
  bytesMax: 9,
});

const variants = ['control', 'red'];
const metrics: Metric[] = [
  { name: 'bought', kind: 'proportion', role: 'primary' },
  { name: 'clicks per view', kind: 'ratio', role: 'secondary' },
];

test('ExperimentData', {
  create: () => new ExperimentData(variants, metrics),
  update: (data, rng) =>
    data.record(rng.pick(variants), { bought: rng.below(2), 'clicks per view': [rng.below(5), 5] }),
  restore: bytes => ExperimentData.deserialize(bytes, variants, metrics),
  look: data => [...data.units, ...data.accumulators.flat().flatMap(of => [of.meanY, of.varianceY])],
  merge,
  bytesMax: 600,
});
