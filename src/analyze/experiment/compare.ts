// Two variants on one metric: the difference, absolute and relative to the control, with intervals that reach a
// given number of standard errors.
import type { Interval } from '../stats/hypothesis/test-result.ts';
import type { Moments } from '../stats/moment/moments.ts';
import type { Metric } from './metric.ts';

export interface Effect {
  estimate: number;
  interval: Interval;
}

export interface Difference {
  /** variant − control, in the metric's unit. */
  absolute: Effect;
  /** (variant − control) / control; unbounded where the control cannot be told from 0, NaN where it is ≤ 0. */
  relative: Effect;
  standardError: number;
}

/**
 * Of a guard rail: `safe` when the loss is surely below the margin, `harmed` when surely above. Of the others:
 * whether the interval lies on the good or the bad side of 0.
 */
export type Verdict = 'better' | 'worse' | 'unclear' | 'safe' | 'harmed';

export interface Comparison {
  metric: string;
  role: Metric['role'];
  variant: string;
  controlValue: number;
  variantValue: number;
  absolute: Effect;
  relative: Effect;
  pValue: number;
  /** Benjamini–Hochberg over the secondary metrics; the p-value itself elsewhere. */
  adjustedPValue: number;
  verdict: Verdict;
  /** By CUPED. */
  varianceReduction: number;
}

/** `reach` standard errors to each side. Units are independent between the two. */
export function compareVariants(control: Moments, variant: Moments, reach: number): Difference {
  const [u, v] = [control.variance / control.count, variant.variance / variant.count];
  const standardError = Math.sqrt(u + v);
  const estimate = variant.mean - control.mean;
  const absolute: Effect = {
    estimate,
    interval: [estimate - reach * standardError, estimate + reach * standardError],
  };
  return { absolute, relative: relativeEffect(control.mean, u, variant.mean, v, reach), standardError };
}

/**
 * Fieller (1954): the ratios q for which variant − q·control lies within reach of 0; less 1. Unlike a division
 * by the control's estimate it allows for that estimate's own error.
 */
function relativeEffect(c: number, u: number, t: number, v: number, reach: number): Effect {
  const square = reach * reach;
  const a = c * c - square * u;
  if (!(a > 0 && c > 0)) {
    return { estimate: c > 0 ? (t - c) / c : Number.NaN, interval: [-Infinity, Infinity] };
  }
  const root = Math.sqrt(Math.max(0, t * t * c * c - a * (t * t - square * v)));
  const ends: Interval = [(t * c - root) / a - 1, (t * c + root) / a - 1];
  return { estimate: (t - c) / c, interval: ends };
}
