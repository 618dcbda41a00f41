// How many observations a test needs, and how likely it is to see a difference of a given size.
import { invalidArgument, requireFinite, requirePositive, requireProbability } from '../argument.ts';
import { normal, studentT } from '../distributions.ts';
import { bracketAbove, findRoot } from '../find-root.ts';
import { noncentralTCdf } from './noncentral-t.ts';

export interface TPowerOptions {
  /** Chance of a false alarm, in (0, 1); 0.05 unless given. */
  alpha?: number;
  /** `two-sided`, or `one-sided` in the direction of the effect. */
  sides?: 'two-sided' | 'one-sided';
  /** Size of the second group relative to the first; 1 unless given. Two-sample form only. */
  ratio?: number;
}

/**
 * Power of the t test with `n` values (in the first group) at a standardised effect (Cohen's d). Exact for
 * normal data; n need not be whole.
 */
export function tTestPower(
  kind: 'one-sample' | 'two-sample',
  effect: number,
  n: number,
  { alpha = 0.05, sides = 'two-sided', ratio = 1 }: TPowerOptions = {},
): number {
  requireFinite('effect', effect);
  requireProbability('alpha', alpha);
  requirePositive('ratio', ratio);
  if (kind !== 'one-sample' && kind !== 'two-sample') {
    throw invalidArgument('kind must be one-sample or two-sample.', { kind });
  }
  const df = kind === 'one-sample' ? n - 1 : n + n * ratio - 2;
  if (!(df > 0 && n > 1)) throw invalidArgument('n is too small for the test.', { n });
  const size = kind === 'one-sample' ? n : (n * n * ratio) / (n + n * ratio);
  const delta = Math.abs(effect) * Math.sqrt(size);
  const critical = -studentT.quantile(sides === 'two-sided' ? alpha / 2 : alpha, df);
  const above = 1 - noncentralTCdf(critical, df, delta);
  return sides === 'two-sided' ? above + noncentralTCdf(-critical, df, delta) : above;
}

/** The size n of the (first) group at which the t test reaches `power`: round up. O(100) power evaluations. */
export function tTestSampleSize(
  kind: 'one-sample' | 'two-sample',
  effect: number,
  power: number,
  options: TPowerOptions = {},
): number {
  const { alpha = 0.05 } = options;
  requireProbability('power', power);
  requireProbability('alpha', alpha);
  requireFinite('effect', effect);
  if (effect === 0) throw invalidArgument('No sample shows an effect of 0.');
  if (power <= alpha) throw invalidArgument('Power must exceed alpha.', { power, alpha });
  const f = (n: number): number => tTestPower(kind, effect, n, options) - power;
  const least = 2.001;
  if (f(least) >= 0) return least;
  return findRoot(f, least, bracketAbove(f, least, 8, 1), 1e-10);
}

export interface ProportionPowerOptions {
  alpha?: number;
  sides?: 'two-sided' | 'one-sided';
  ratio?: number;
}

/**
 * Power of the pooled two-proportion z test with `n` trials in the first group and n·ratio in the second
 * (normal approximation; Fleiss, Levin & Paik 2003, without continuity correction). Within about 0.01 from
 * 10 expected successes and failures a group.
 */
export function proportionPower(
  p: number,
  q: number,
  n: number,
  { alpha = 0.05, sides = 'two-sided', ratio = 1 }: ProportionPowerOptions = {},
): number {
  requireProbability('p', p);
  requireProbability('q', q);
  requireProbability('alpha', alpha);
  requirePositive('n', n);
  requirePositive('ratio', ratio);
  const pooled = (p + ratio * q) / (1 + ratio);
  const nullError = Math.sqrt(pooled * (1 - pooled) * (1 + 1 / ratio));
  const error = Math.sqrt(p * (1 - p) + (q * (1 - q)) / ratio);
  const z = -normal.quantile(sides === 'two-sided' ? alpha / 2 : alpha);
  const distance = Math.abs(p - q) * Math.sqrt(n);
  const above = normal.survival((z * nullError - distance) / error);
  return sides === 'two-sided' ? above + normal.cdf((-z * nullError - distance) / error) : above;
}

/** The trials n in the first group at which the two-proportion test reaches `power`: round up. */
export function proportionSampleSize(
  p: number,
  q: number,
  power: number,
  options: ProportionPowerOptions = {},
): number {
  const { alpha = 0.05 } = options;
  requireProbability('power', power);
  if (p === q) throw invalidArgument('Equal proportions cannot be told apart by any sample.', { p, q });
  if (power <= alpha) throw invalidArgument('Power must exceed alpha.', { power, alpha });
  const f = (n: number): number => proportionPower(p, q, n, options) - power;
  return findRoot(f, 1e-9, bracketAbove(f, 1e-9, 8, 1), 1e-10);
}
