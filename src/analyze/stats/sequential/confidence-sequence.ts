// Confidence sequences: intervals that hold at all times at once with the stated confidence, so that one may
// look after every observation and stop when one likes. Each function gives the interval now from the
// accumulated state; `tunedFor` is the sample size at which it should be narrowest, and must be fixed beforehand.
import {
  invalidArgument,
  requireFinite,
  requirePositive,
  requireProbability,
  requireSize,
} from '../argument.ts';
import { type Proportion, rate } from '../estimate/proportion-interval.ts';
import { findRoot } from '../find-root.ts';
import type { Interval } from '../hypothesis/test-result.ts';
import type { Moments } from '../moment/moments.ts';
import { betaBinomialLogMixture, normalMixtureBound, type Sides } from './mixture-boundary.ts';

export interface SequenceOptions {
  /** 1 − confidence: the chance that the interval ever misses; 0.05 unless given. */
  alpha?: number;
  /** Number of observations (in all groups together) at which the interval should be narrowest. */
  tunedFor: number;
}

/**
 * For the mean of independent values that are sub-Gaussian of scale `sigma`: normal of that deviation, or
 * bounded in an interval of length 2·sigma. Exact at every size. `mean` of `count` ≥ 1 values.
 */
export function subGaussianSequence(
  count: number,
  mean: number,
  sigma: number,
  { alpha = 0.05, tunedFor }: SequenceOptions,
): Interval {
  requireSize('count', count, 1);
  requireFinite('mean', mean);
  requirePositive('sigma', sigma);
  const square = sigma * sigma;
  const reach = normalMixtureBound(count * square, alpha, tunedFor * square, alpha) / count;
  return [mean - reach, mean + reach];
}

/** For a proportion, by the beta-binomial mixture: exact at every size, never leaves [0, 1]. About 100 steps. */
export function bernoulliSequence(
  observed: Proportion,
  { alpha = 0.05, tunedFor }: SequenceOptions,
): Interval {
  const estimate = rate(observed);
  const n = observed.trials;
  requireProbability('alpha', alpha);
  requirePositive('tunedFor', tunedFor);
  const excess = (p: number): number => {
    const variance = p * (1 - p);
    const s = (estimate - p) * n;
    return betaBinomialLogMixture(s, variance * n, variance * tunedFor, p, 1 - p, alpha) + Math.log(alpha);
  };
  const edge = 1e-12;
  const inner = Math.min(1 - edge, Math.max(edge, estimate));
  const low = estimate <= edge || excess(edge) < 0 ? 0 : findRoot(excess, edge, inner, 1e-12);
  const high = estimate >= 1 - edge || excess(1 - edge) < 0 ? 1 : findRoot(excess, inner, 1 - edge, 1e-12);
  return [low, high];
}

/**
 * For any estimate that is asymptotically normal, from its standard error at `count` observations: the
 * asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2021). Its guarantee is a
 * limit: do not look before each group has some 30 values (more where they are skewed, 30 events for rates).
 * One-sided: the interval whose lower end alone holds (or, negated, its upper).
 */
export function asymptoticReach(
  standardError: number,
  count: number,
  { alpha = 0.05, tunedFor }: SequenceOptions,
  sides: Sides = 'two-sided',
): number {
  requirePositive('count', count);
  requirePositive('tunedFor', tunedFor);
  requireProbability('alpha', alpha);
  if (!(standardError >= 0)) throw invalidArgument('A standard error is not negative.', { standardError });
  // In units of the standard error the boundary depends on count / tunedFor alone.
  return (standardError * normalMixtureBound(count, alpha, tunedFor, alpha, sides)) / Math.sqrt(count);
}

/** The asymptotic confidence sequence of a mean. Needs ≥ 2 values. */
export function meanSequence(sample: Moments, options: SequenceOptions): Interval {
  requireSize('sample', sample.count, 2);
  const reach = asymptoticReach(sample.standardError, sample.count, options);
  return [sample.mean - reach, sample.mean + reach];
}

/** The asymptotic confidence sequence of mean(a) − mean(b). Needs ≥ 2 values each. */
export function differenceSequence(a: Moments, b: Moments, options: SequenceOptions): Interval {
  requireSize('a', a.count, 2);
  requireSize('b', b.count, 2);
  const standardError = Math.sqrt(a.variance / a.count + b.variance / b.count);
  const reach = asymptoticReach(standardError, a.count + b.count, options);
  const difference = a.mean - b.mean;
  return [difference - reach, difference + reach];
}
