// Intervals for any statistic by resampling, percentile and BCa (Efron 1987). Randomness is handed in: the same
// generator state gives the same interval.
import type { Rng } from '../../../core/rng.ts';
import {
  invalidArgument,
  requireFinite,
  requireProbability,
  requireSize,
  requireWhole,
} from '../argument.ts';
import { normal } from '../distributions.ts';
import type { Interval } from '../hypothesis/test-result.ts';

export type Statistic = (sample: Float64Array) => number;

export interface BootstrapOptions {
  rng: Rng;
  /** 100 to 1,000,000; 2,000 unless given, which fixes the ends to about a tenth of the interval's half. */
  resamples?: number;
  confidence?: number;
  /** `bca` (default) corrects bias and skewness at the price of one jackknife; `percentile` does not. */
  method?: 'bca' | 'percentile';
}

export interface BootstrapResult {
  estimate: number;
  interval: Interval;
  /** The deviation of the resampled statistic. */
  standardError: number;
}

/** Groups of values left out together by the jackknife: beyond this many values one at a time is too dear. */
const jackknifeGroups = 2000;

/**
 * `statistic` must be finite for every resample and must not keep or change its argument, which is reused.
 * Cost: (resamples + min(n, 2,000)) evaluations; memory n + resamples doubles.
 */
export function bootstrapInterval(
  sample: ArrayLike<number>,
  statistic: Statistic,
  options: BootstrapOptions,
): BootstrapResult {
  return bootstrap([sample], ([values]) => statistic(values!), options);
}

/** The same for statistic(a) − statistic(b) of two independent samples. */
export function bootstrapDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  statistic: Statistic,
  options: BootstrapOptions,
): BootstrapResult {
  return bootstrap([a, b], ([x, y]) => statistic(x!) - statistic(y!), options);
}

function bootstrap(
  samples: ArrayLike<number>[],
  statistic: (samples: Float64Array[]) => number,
  { rng, resamples = 2000, confidence = 0.95, method = 'bca' }: BootstrapOptions,
): BootstrapResult {
  requireProbability('confidence', confidence);
  requireWhole('resamples', resamples, 100);
  if (resamples > 1_000_000) throw invalidArgument('At most 1,000,000 resamples.', { resamples });
  const data = samples.map((sample, i) => {
    requireSize(`sample ${i + 1}`, sample.length, 2);
    return Float64Array.from(sample);
  });
  const evaluate = (drawn: Float64Array[]): number => {
    const value = statistic(drawn);
    requireFinite('statistic', value);
    return value;
  };
  const estimate = evaluate(data.map(values => values.slice()));
  const drawn = data.map(values => new Float64Array(values.length));
  const replicates = new Float64Array(resamples);
  for (let round = 0; round < resamples; round++) {
    data.forEach((values, s) => {
      const target = drawn[s]!;
      for (let i = 0; i < values.length; i++) target[i] = values[rng.below(values.length)]!;
    });
    replicates[round] = evaluate(drawn);
  }
  replicates.sort();
  const tail = (1 - confidence) / 2;
  const levels = method === 'bca' ? bcaLevels(data, evaluate, estimate, replicates, tail) : [tail, 1 - tail];
  const mean = replicates.reduce((sum, value) => sum + value, 0) / resamples;
  const spread = replicates.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    estimate,
    interval: [quantile(replicates, levels[0]!), quantile(replicates, levels[1]!)],
    standardError: Math.sqrt(spread / (resamples - 1)),
  };
}

function quantile(sorted: Float64Array, p: number): number {
  const at = p * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}

function bcaLevels(
  data: Float64Array[],
  evaluate: (samples: Float64Array[]) => number,
  estimate: number,
  replicates: Float64Array,
  tail: number,
): [number, number] {
  const { length } = replicates;
  let below = 0;
  for (const value of replicates) below += value < estimate ? 1 : value === estimate ? 0.5 : 0;
  // All replicates on one side would put the bias at infinity; one in the length is the most they can tell.
  const bias = normal.quantile(Math.max(0.5, Math.min(length - 0.5, below)) / length);
  const acceleration = jackknifeAcceleration(data, evaluate);
  const level = (p: number): number => {
    const z = bias + normal.quantile(p);
    return normal.cdf(bias + z / (1 - acceleration * z));
  };
  return [level(tail), level(1 - tail)];
}

/** Σ U³ / (6 (Σ U²)^1.5) over the influence of each left-out group, each sample in its own units. */
function jackknifeAcceleration(data: Float64Array[], evaluate: (samples: Float64Array[]) => number): number {
  let cubes = 0;
  let squares = 0;
  data.forEach((values, s) => {
    const n = values.length;
    const groups = Math.min(n, jackknifeGroups);
    const left: number[] = [];
    for (let group = 0; group < groups; group++) {
      const kept = values.filter((_, i) => i % groups !== group);
      left.push(evaluate(data.map((other, k) => (k === s ? kept : other.slice()))));
    }
    const mean = left.reduce((sum, value) => sum + value, 0) / groups;
    for (const value of left) {
      const influence = ((groups - 1) * (mean - value)) / groups;
      cubes += influence ** 3;
      squares += influence ** 2;
    }
  });
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}
