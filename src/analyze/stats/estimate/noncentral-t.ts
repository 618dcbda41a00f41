// The noncentral t distribution, which the power of t tests and the interval of Cohen's d are made of:
// Lenth's series (AS 243, 1989).
import { invalidArgument, requireFinite, requirePositive } from '../argument.ts';
import { incompleteBeta, logGamma, normal } from '../distributions.ts';

/**
 * P(T ≤ t) for finite `df` > 0 degrees of freedom and noncentrality `delta`. Absolute error below 1e-11 for
 * |delta| ≤ 37; beyond that a normal approximation (Abramowitz & Stegun 26.7.10), good to about 1e-4.
 */
export function noncentralTCdf(t: number, df: number, delta: number): number {
  if (Number.isNaN(t)) throw invalidArgument('t must be a number.', { t });
  requirePositive('df', df);
  requireFinite('delta', delta);
  if (t < 0) return 1 - noncentralTCdf(-t, df, -delta);
  if (t === Infinity) return 1;
  if (Math.abs(delta) > 37) {
    return normal.cdf((t * (1 - 1 / (4 * df)) - delta) / Math.sqrt(1 + (t * t) / (2 * df)));
  }
  const x = (t * t) / (t * t + df);
  let total = normal.cdf(-delta);
  if (x === 0) return total;
  const half = (delta * delta) / 2;
  // From the largest Poisson weight outward: the first ones may underflow.
  const middle = Math.floor(half);
  const term = (j: number): number => {
    const logWeight = j * Math.log(half) - half;
    const even = half === 0 ? (j === 0 ? 1 : 0) : Math.exp(logWeight - logGamma(j + 1));
    const odd = half === 0 ? 0 : Math.exp(logWeight - logGamma(j + 1.5));
    return (
      0.5 *
      (even * incompleteBeta(x, j + 0.5, df / 2) +
        (delta / Math.SQRT2) * odd * incompleteBeta(x, j + 1, df / 2))
    );
  };
  for (let j = middle; j < middle + 1000; j++) {
    const next = term(j);
    total += next;
    if (Math.abs(next) < 1e-16) break;
  }
  for (let j = middle - 1; j >= 0; j--) {
    const next = term(j);
    total += next;
    if (Math.abs(next) < 1e-16) break;
  }
  return Math.max(0, Math.min(1, total));
}
