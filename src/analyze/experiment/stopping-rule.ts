// How often one looks, and what that costs: for each way of deciding, how many standard errors an estimate must
// lie away before it counts.
import { invalidArgument, requireWhole } from '../stats/argument.ts';
import { normal } from '../stats/distributions.ts';
import { asymptoticReach } from '../stats/sequential/confidence-sequence.ts';
import { groupSequentialBoundaries } from '../stats/sequential/group-sequential.ts';
import type { Sides } from '../stats/sequential/mixture-boundary.ts';
import { mixtureSprt } from '../stats/sequential/mixture-sprt.ts';

/**
 * `always-valid`: look whenever you like, stop whenever you like; tuned for the total number of units at which
 * one expects to decide. `group-sequential`: a largest total is planned, and every look taken so far, this one
 * included, is listed by its total number of units (any number, at any times). `fixed`: one look, at the end.
 */
export type StoppingRule =
  | { kind: 'always-valid'; tunedFor: number }
  | { kind: 'group-sequential'; plannedUnits: number; looks: readonly number[] }
  | { kind: 'fixed'; plannedUnits: number };

export function checkRule(rule: StoppingRule): void {
  if (rule.kind === 'always-valid') {
    requireWhole('tunedFor', rule.tunedFor, 1);
    return;
  }
  requireWhole('plannedUnits', rule.plannedUnits, 1);
  if (rule.kind === 'group-sequential' && rule.looks.length === 0) {
    throw invalidArgument('List this look among the looks.', { looks: rule.looks });
  }
}

/** True where no further look is planned. */
export function isLastLook(rule: StoppingRule, units: number): boolean {
  return rule.kind !== 'always-valid' && units >= rule.plannedUnits;
}

/** The standard errors that a confidence bound of level alpha reaches at this look with `units` in all. */
export function reachInErrors(rule: StoppingRule, units: number, alpha: number, sides: Sides): number {
  if (rule.kind === 'always-valid')
    return asymptoticReach(1, units, { alpha, tunedFor: rule.tunedFor }, sides);
  if (rule.kind === 'fixed') return -normal.quantile(sides === 'two-sided' ? alpha / 2 : alpha);
  const fractions = rule.looks
    .map(look => Math.min(1, look / rule.plannedUnits))
    .filter((fraction, k, all) => fraction < 1 || all.indexOf(fraction) === k);
  const boundary = 'spend-obrien-fleming';
  return groupSequentialBoundaries({ fractions, boundary, alpha, sides }).at(-1)!.criticalValue;
}

/**
 * The p-value of an estimate: valid at any time for `always-valid`, at the one look of `fixed`; for
 * `group-sequential` it is nominal, to be held against the look's critical value.
 */
export function pValueAt(
  rule: StoppingRule,
  estimate: number,
  standardError: number,
  units: number,
  alpha: number,
): number {
  if (rule.kind === 'always-valid') {
    return mixtureSprt(estimate, standardError ** 2, units, { tunedFor: rule.tunedFor, alpha }).pValue;
  }
  return estimate === 0 ? 1 : Math.min(1, 2 * normal.survival(Math.abs(estimate) / standardError));
}
