// Do the means of several groups differ? One-way analysis of variance, Welch's form for unequal variances, and
// Levene's test of the variances themselves (about the median: Brown–Forsythe).
import { invalidArgument, requireSize } from '../argument.ts';
import { fisherF } from '../distributions.ts';
import { Moments, momentsOf, type Sample } from '../moment/moments.ts';
import type { TestResult } from './test-result.ts';

export interface AnovaResult extends TestResult {
  /** Between groups, within groups. */
  degreesOfFreedom: [between: number, within: number];
}

export interface OneWayResult extends AnovaResult {
  sumOfSquares: { between: number; within: number };
  /** Share of variance between groups, η²; 0 where nothing varies. */
  etaSquared: number;
  /** The same with its bias removed, ω²; may be slightly negative. */
  omegaSquared: number;
}

function groupMoments(groups: readonly Sample[], least: number): Moments[] {
  if (groups.length < 2) throw invalidArgument('At least two groups are needed.', { groups: groups.length });
  return groups.map((group, i) => {
    const moments = momentsOf(group);
    requireSize(`groups[${i}]`, moments.count, least);
    return moments;
  });
}

/** Fisher's F: supposes equal variances. Groups of ≥ 1 value, more values than groups. */
export function oneWayAnova(groups: readonly Sample[]): OneWayResult {
  const each = groupMoments(groups, 1);
  const whole = new Moments();
  let within = 0;
  for (const moments of each) {
    whole.merge(moments);
    within += moments.sumOfSquares;
  }
  const degreesOfFreedom: [number, number] = [each.length - 1, whole.count - each.length];
  if (degreesOfFreedom[1] < 1) throw invalidArgument('There must be more values than groups.');
  const between = Math.max(0, whole.sumOfSquares - within);
  const meanWithin = within / degreesOfFreedom[1];
  const statistic = between === 0 ? 0 : between / degreesOfFreedom[0] / meanWithin;
  const all = between + within;
  return {
    method: 'one-way ANOVA',
    statistic,
    pValue: fisherF.survival(statistic, ...degreesOfFreedom),
    degreesOfFreedom,
    sumOfSquares: { between, within },
    etaSquared: all === 0 ? 0 : between / all,
    omegaSquared: all === 0 ? 0 : (between - degreesOfFreedom[0] * meanWithin) / (all + meanWithin),
  };
}

/** Welch's F (1951): variances may differ. Groups of ≥ 2 values with a variance above 0. */
export function welchAnova(groups: readonly Sample[]): AnovaResult {
  const each = groupMoments(groups, 2);
  const k = each.length;
  if (each.some(group => group.variance === 0)) throw invalidArgument('Every group needs some variance.');
  const weights = each.map(group => group.count / group.variance);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = each.reduce((sum, group, i) => sum + weights[i]! * group.mean, 0) / total;
  const between = each.reduce((sum, group, i) => sum + weights[i]! * (group.mean - mean) ** 2, 0) / (k - 1);
  const spread = each.reduce((sum, group, i) => sum + (1 - weights[i]! / total) ** 2 / (group.count - 1), 0);
  const statistic = between / (1 + (2 * (k - 2) * spread) / (k * k - 1));
  const degreesOfFreedom: [number, number] = [k - 1, (k * k - 1) / (3 * spread)];
  return {
    method: "Welch's ANOVA",
    statistic,
    pValue: fisherF.survival(statistic, ...degreesOfFreedom),
    degreesOfFreedom,
  };
}

/**
 * Do the variances of the groups differ? ANOVA of |x − center|: `median` (Brown–Forsythe 1974) holds its level
 * for skewed data, `mean` is Levene's own. Raw numbers only.
 */
export function levene(
  groups: readonly ArrayLike<number>[],
  center: 'median' | 'mean' = 'median',
): AnovaResult {
  const distances = groups.map((group, i) => {
    requireSize(`groups[${i}]`, group.length, 2);
    const middle = center === 'mean' ? Moments.of(group).mean : median(group);
    return Array.from(group, value => Math.abs(value - middle));
  });
  const { statistic, pValue, degreesOfFreedom } = oneWayAnova(distances);
  const method = center === 'median' ? 'Brown–Forsythe' : 'Levene';
  return { method, statistic, pValue, degreesOfFreedom };
}

function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
