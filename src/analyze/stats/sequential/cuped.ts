// CUPED: takes out of a metric what was known before the experiment began (Deng, Xu, Kohavi & Walker 2013), so
// that the same difference shows with a share ρ² fewer units. The estimate stays unbiased because assignment
// cannot have touched the covariate.
import { invalidArgument } from '../argument.ts';
import type { Covariance } from '../moment/covariance.ts';
import { Moments } from '../moment/moments.ts';

export interface CupedResult {
  /** Slope of the metric on the covariate, pooled within variants; 0 where the covariate never varied. */
  theta: number;
  /** Of each variant, adjusted: mean and variance of y − θ(x − x̄) with x̄ over all variants. */
  adjusted: Moments[];
  /** Share of the variance removed, in [0, 1]: about ρ². */
  varianceReduction: number;
}

/** One Covariance a variant: x the covariate from before, y the metric; ≥ 2 units each. */
export function cuped(variants: readonly Covariance[]): CupedResult {
  if (variants.length < 1 || variants.some(variant => variant.count < 2)) {
    throw invalidArgument('Every variant needs at least two units.', { counts: variants.map(v => v.count) });
  }
  const total = variants.reduce((sum, variant) => sum + variant.count, 0);
  const within = (of: (variant: Covariance) => number): number =>
    variants.reduce((sum, variant) => sum + (variant.count - 1) * of(variant), 0);
  const meanX = variants.reduce((sum, variant) => sum + (variant.count / total) * variant.meanX, 0);
  const squares = within(variant => variant.varianceX);
  const theta = squares > 0 ? within(variant => variant.covariance) / squares : 0;
  const adjusted = variants.map(variant => {
    const mean = variant.meanY - theta * (variant.meanX - meanX);
    const variance = variant.varianceY - 2 * theta * variant.covariance + theta * theta * variant.varianceX;
    return Moments.fromSummary(variant.count, mean, Math.max(0, variance));
  });
  const before = within(variant => variant.varianceY);
  const after = adjusted.reduce((sum, moments) => sum + moments.sumOfSquares, 0);
  return { theta, adjusted, varianceReduction: before > 0 ? Math.max(0, 1 - after / before) : 0 };
}
