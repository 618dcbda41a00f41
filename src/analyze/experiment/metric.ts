// What an experiment measures. One row is one unit of assignment (a user, not a click): units are independent
// of each other, their events are not.
import { invalidArgument, requireFinite } from '../stats/argument.ts';
import type { Covariance } from '../stats/moment/covariance.ts';
import { Moments } from '../stats/moment/moments.ts';
import { cuped } from '../stats/sequential/cuped.ts';

export interface Metric {
  name: string;
  /**
   * `mean` of one number a unit; `proportion` of units with 1 rather than 0; `ratio` of two sums, each unit giving
   * [numerator, denominator] (clicks per page view), with its variance by the delta method.
   */
  kind: 'mean' | 'proportion' | 'ratio';
  /** `primary` decides, `guardrail` may veto, `secondary` is reported. */
  role: 'primary' | 'secondary' | 'guardrail';
  /** The direction that is good; `higher` unless given. */
  better?: 'higher' | 'lower';
  /**
   * Relative to the control, in (0, 1). Of a guard rail: the loss that is still tolerated (required). Of the
   * primary metric: the least gain worth having, which allows stopping for futility.
   */
  margin?: number;
  /** Units give [value, covariate], the covariate being known before the experiment: CUPED. Not for ratios. */
  covariate?: boolean;
}

/** What a unit contributes to a metric: one number, or two for a ratio or a metric with a covariate. */
export type MetricValue = number | readonly [value: number, second: number];

export function checkMetric({ name, kind, role, margin, covariate }: Metric): void {
  if (kind === 'ratio' && covariate) throw invalidArgument('A ratio takes no covariate.', { metric: name });
  if (margin !== undefined && !(margin > 0 && margin < 1)) {
    throw invalidArgument('A margin lies strictly between 0 and 1.', { metric: name, margin });
  }
  if (role === 'guardrail' && margin === undefined) {
    throw invalidArgument('A guard rail needs a margin: the loss that is tolerated.', { metric: name });
  }
}

/** A unit's value as the accumulator takes it: y the value, x the second number or 0. Both finite. */
export function readValue(metric: Metric, value: MetricValue): [x: number, y: number] {
  const pair = metric.kind === 'ratio' || metric.covariate === true;
  if (pair !== (typeof value !== 'number')) {
    const message = `The metric takes ${pair ? 'two numbers' : 'one number'} a unit.`;
    throw invalidArgument(message, { metric: metric.name, value });
  }
  const [y, x] = typeof value === 'number' ? [value, 0] : value;
  requireFinite(metric.name, y);
  requireFinite(metric.name, x);
  if (metric.kind === 'proportion' && y !== 0 && y !== 1) {
    throw invalidArgument('A proportion takes 0 or 1 a unit.', { metric: metric.name, value: y });
  }
  return [x, y];
}

export interface MetricSummary {
  /** One a variant: count of units, the metric's value, and the variance one unit contributes to it. */
  variants: Moments[];
  /** By CUPED, in [0, 1]. */
  varianceReduction: number;
}

/** Every kind of metric as means with variances, which is all the tests need. ≥ 2 units a variant. */
export function summarizeMetric(metric: Metric, variants: readonly Covariance[]): MetricSummary {
  if (metric.covariate) {
    const { adjusted, varianceReduction } = cuped(variants);
    return { variants: adjusted, varianceReduction };
  }
  const summaries = variants.map(variant => (metric.kind === 'ratio' ? ratioOfMeans(variant) : variant.y));
  return { variants: summaries, varianceReduction: 0 };
}

/** ȳ/x̄ with variance (s²y − 2R·sxy + R²·s²x) / x̄² a unit: the delta method. */
function ratioOfMeans(pairs: Covariance): Moments {
  if (pairs.meanX === 0) throw invalidArgument('The denominator of a ratio is 0 on the whole.');
  const ratio = pairs.meanY / pairs.meanX;
  const spread = pairs.varianceY - 2 * ratio * pairs.covariance + ratio * ratio * pairs.varianceX;
  return Moments.fromSummary(pairs.count, ratio, Math.max(0, spread) / pairs.meanX ** 2);
}
