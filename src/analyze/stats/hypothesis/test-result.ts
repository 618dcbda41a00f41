// What every test answers, and the two ways of turning a statistic into a p-value and an interval that the
// parametric tests share.
import { invalidArgument, requireProbability } from '../argument.ts';

/** `less`: the (first) parameter lies below the one it is compared with; `greater`: above. */
export type Alternative = 'two-sided' | 'less' | 'greater';

export type Interval = [low: number, high: number];

export interface TestResult {
  /** The test's name in the literature, with the variant taken. */
  method: string;
  statistic: number;
  /** In [0, 1]: the chance, were the null hypothesis true, of a statistic at least this extreme. */
  pValue: number;
}

export interface EstimateResult extends TestResult {
  /** The quantity tested: a mean, a difference, a proportion. */
  estimate: number;
  standardError: number;
  /** At the confidence asked for; half-infinite for a one-sided alternative. */
  interval: Interval;
}

export interface TestOptions {
  alternative?: Alternative;
  /** Of the interval, in (0, 1); 0.95 unless given. */
  confidence?: number;
}

interface Continuous {
  cdf(x: number): number;
  survival(x: number): number;
  quantile(p: number): number;
}

/** Throws `invalid-argument` for a direction that is none: a misspelt one must not become two-sided. */
export function requireAlternative(alternative: Alternative): void {
  if (alternative !== 'two-sided' && alternative !== 'less' && alternative !== 'greater') {
    throw invalidArgument('alternative must be two-sided, less or greater.', { alternative });
  }
}

/** The p-value of a statistic under a distribution that is symmetric about 0. */
export function symmetricPValue(
  statistic: number,
  alternative: Alternative,
  distribution: Continuous,
): number {
  requireAlternative(alternative);
  if (alternative === 'less') return distribution.cdf(statistic);
  if (alternative === 'greater') return distribution.survival(statistic);
  return Math.min(1, 2 * distribution.survival(Math.abs(statistic)));
}

/** estimate ± quantile·standardError, or the half-infinite interval that goes with a one-sided test. */
export function symmetricInterval(
  estimate: number,
  standardError: number,
  alternative: Alternative,
  confidence: number,
  distribution: Continuous,
): Interval {
  requireProbability('confidence', confidence);
  const twoSided = alternative === 'two-sided';
  const reach = distribution.quantile(twoSided ? 0.5 + confidence / 2 : confidence) * standardError;
  return [
    alternative === 'less' ? -Infinity : estimate - reach,
    alternative === 'greater' ? Infinity : estimate + reach,
  ];
}
