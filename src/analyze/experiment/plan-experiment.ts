// How many units an experiment needs, before it begins: for one look, for a few, or for looking whenever.
import { invalidArgument, requirePositive, requireProbability, requireWhole } from '../stats/argument.ts';
import { normal } from '../stats/distributions.ts';
import { asymptoticReach } from '../stats/sequential/confidence-sequence.ts';
import { groupSequentialPlan } from '../stats/sequential/group-sequential.ts';

export interface PlanQuestion {
  /** The metric's value in the control. For a proportion its rate. */
  baseline: number;
  /** Variance of one unit's value; baseline·(1 − baseline) unless given, as for a proportion. */
  variance?: number;
  /** The smallest relative change worth finding, e.g. 0.02. */
  relativeEffect: number;
  /** Variants in all, the control included; equal shares. 2 unless given. */
  variants?: number;
  alpha?: number;
  /** 0.8 unless given. */
  power?: number;
  /** ρ² by which CUPED is expected to cut the variance, in [0, 1). */
  varianceReduction?: number;
}

export interface PlanAnswer {
  /** Units over all variants, rounded up. */
  fixed: number;
  /** The most that five looks with Lan–DeMets spending need; on average they need fewer. */
  groupSequential: number;
  /** What an always-valid analysis tuned for this size needs to have found the effect by its end. */
  alwaysValid: number;
}

/** Normal approximation; two-sided, Bonferroni over the variants. */
export function planExperiment({
  baseline,
  variance = baseline * (1 - baseline),
  relativeEffect,
  variants = 2,
  alpha = 0.05,
  power = 0.8,
  varianceReduction = 0,
}: PlanQuestion): PlanAnswer {
  requireWhole('variants', variants, 2);
  requireProbability('alpha', alpha);
  requireProbability('power', power);
  requirePositive('variance', variance);
  if (!(varianceReduction >= 0 && varianceReduction < 1)) {
    throw invalidArgument('varianceReduction lies in [0, 1).', { varianceReduction });
  }
  const effect = Math.abs(baseline * relativeEffect);
  if (!(effect > 0))
    throw invalidArgument('No number of units shows an effect of 0.', { baseline, relativeEffect });
  const share = alpha / (variants - 1);
  // Two of the variants are compared: each holds 1/variants of the units.
  const unitVariance = 2 * variants * variance * (1 - varianceReduction);
  const units = (deviations: number): number => Math.ceil((deviations ** 2 * unitVariance) / effect ** 2);
  const fractions = [0.2, 0.4, 0.6, 0.8, 1];
  const { drift } = groupSequentialPlan({ fractions, boundary: 'spend-obrien-fleming', alpha: share }, power);
  const always = asymptoticReach(1, 1, { alpha: share, tunedFor: 1 });
  return {
    fixed: units(normal.quantile(1 - share / 2) + normal.quantile(power)),
    groupSequential: units(drift),
    alwaysValid: units(always + normal.quantile(power)),
  };
}
