// Is there a relation between two columns? Pearson's r (linear) and Spearman's ρ (monotone) with p-values.
import { invalidArgument, requireProbability, requireSize } from '../argument.ts';
import { normal, studentT } from '../distributions.ts';
import { Covariance } from '../moment/covariance.ts';
import { midRanks } from './rank.ts';
import type { Interval, TestResult } from './test-result.ts';

export interface CorrelationResult extends TestResult {
  /** r or ρ, in [−1, 1]. */
  correlation: number;
  /** By Fisher's z (for ρ with Bonett & Wright's variance); the whole of [−1, 1] below four pairs. */
  interval: Interval;
}

/** Pearson's r of ≥ 3 pairs from their Covariance. Throws `invalid-argument` where x or y never varied. O(1). */
export function pearsonCorrelation(pairs: Covariance, confidence = 0.95): CorrelationResult {
  requireSize('pairs', pairs.count, 3);
  return conclude("Pearson's r", pairs.correlation, pairs.count, confidence, 1);
}

/** Spearman's ρ of ≥ 3 pairs: Pearson's r of the mid-ranks, with the t approximation. O(n log n). Errors as above. */
export function spearmanCorrelation(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  confidence = 0.95,
): CorrelationResult {
  if (x.length !== y.length) {
    throw invalidArgument('x and y must have equal lengths.', { x: x.length, y: y.length });
  }
  requireSize('pairs', x.length, 3);
  const [u, v] = [midRanks(x).ranks, midRanks(y).ranks];
  const ranks = new Covariance();
  for (let i = 0; i < u.length; i++) ranks.update(u[i]!, v[i]!);
  const rho = ranks.correlation;
  return conclude("Spearman's ρ", rho, x.length, confidence, 1 + rho ** 2 / 2);
}

function conclude(
  method: string,
  r: number,
  n: number,
  confidence: number,
  factor: number,
): CorrelationResult {
  requireProbability('confidence', confidence);
  if (Number.isNaN(r)) throw invalidArgument('A column never varied: there is no correlation.');
  const t = r * Math.sqrt((n - 2) / ((1 - r) * (1 + r)));
  const reach = n > 3 ? normal.quantile(0.5 + confidence / 2) * Math.sqrt(factor / (n - 3)) : Infinity;
  const z = Math.atanh(r);
  return {
    method,
    statistic: t,
    pValue: 2 * studentT.survival(Math.abs(t), n - 2),
    correlation: r,
    interval: Math.abs(r) === 1 ? [r, r] : [Math.tanh(z - reach), Math.tanh(z + reach)],
  };
}
