// Group-sequential designs: a few planned looks, each with its own critical value, so that together they err
// with probability alpha. Pocock (1977), O'Brien–Fleming (1979), Lan–DeMets spending (1983), all by recursive
// integration of the sub-density of the statistic (Armitage, McPherson & Rowe 1969), here on Gauss–Legendre nodes.
import { invalidArgument, requireFinite, requireProbability } from '../argument.ts';
import { normal } from '../distributions.ts';
import { bracketAbove, findRoot } from '../find-root.ts';
import { gaussLegendre } from './gauss-legendre.ts';
import type { Sides } from './mixture-boundary.ts';

/**
 * `pocock`: the same critical value at every look. `obrien-fleming`: proportional to 1/√t, strict at first.
 * `spend-…`: their Lan–DeMets approximations, which allow looks at other times than planned. A function gives
 * the share of alpha spent by information fraction t: 0 at 0, 1 at 1, not decreasing.
 */
export type BoundaryKind =
  | 'pocock'
  | 'obrien-fleming'
  | 'spend-pocock'
  | 'spend-obrien-fleming'
  | ((fraction: number) => number);

export interface GroupSequentialOptions {
  /** Increasing in (0, 1]: the share of the planned information at each look. At most 1,000. */
  fractions: readonly number[];
  boundary: BoundaryKind;
  /** In all: 0.05 two-sided means 0.025 on each side. */
  alpha?: number;
  sides?: Sides;
}

export interface GroupSequentialLook {
  fraction: number;
  /** Reject when |z| (one-sided: z) reaches this. */
  criticalValue: number;
  /** What that is as an ordinary p-value. */
  nominalPValue: number;
  /** Alpha used up to and with this look. */
  alphaSpent: number;
}

/**
 * The critical values of all looks. Errors of about 1e-9 in the alpha spent. 5 looks take a millisecond, 100 some
 * 50 ms (Pocock and O'Brien–Fleming five times that), 1,000 seconds.
 */
export function groupSequentialBoundaries({
  fractions,
  boundary,
  alpha = 0.05,
  sides = 'two-sided',
}: GroupSequentialOptions): GroupSequentialLook[] {
  requireProbability('alpha', alpha);
  checkFractions(fractions);
  const criticalValues =
    boundary === 'pocock' || boundary === 'obrien-fleming'
      ? shapedBoundary(fractions, boundary === 'pocock' ? 0 : 0.5, alpha, sides)
      : spendingBoundary(fractions, spendingFunction(boundary, alpha, sides), alpha, sides);
  const exits = exitProbabilities(criticalValues, fractions, 0, sides);
  let alphaSpent = 0;
  return fractions.map((fraction, k) => {
    const criticalValue = criticalValues[k]!;
    alphaSpent += exits.upper[k]! + exits.lower[k]!;
    const nominalPValue = normal.survival(criticalValue) * (sides === 'two-sided' ? 2 : 1);
    return { fraction, criticalValue, nominalPValue, alphaSpent };
  });
}

export interface ExitProbabilities {
  /** Chance to cross the upper boundary first at each look. */
  upper: number[];
  lower: number[];
}

/**
 * Chances to stop at each look when z has mean drift·√t: with drift 0 the alpha spent, else the power. The
 * drift of a fixed design of power 1 − β is z(1−α/2) + z(1−β).
 */
export function exitProbabilities(
  criticalValues: readonly number[],
  fractions: readonly number[],
  drift: number,
  sides: Sides = 'two-sided',
): ExitProbabilities {
  checkFractions(fractions);
  requireFinite('drift', drift);
  if (criticalValues.length !== fractions.length) {
    throw invalidArgument('There must be one critical value a look.', { looks: fractions.length });
  }
  if (criticalValues.some(value => Number.isNaN(value))) {
    throw invalidArgument('A critical value is not a number.', { criticalValues });
  }
  const walk = new Walk(drift);
  const upper: number[] = [];
  const lower: number[] = [];
  fractions.forEach((fraction, k) => {
    const high = criticalValues[k]! * Math.sqrt(fraction);
    const low = sides === 'two-sided' ? -high : -Infinity;
    upper.push(walk.chanceAbove(high, fraction));
    lower.push(low === -Infinity ? 0 : walk.chanceBelow(low, fraction));
    if (k < fractions.length - 1) walk.advance(low, high, fraction, fractions[k + 1]! - fraction);
  });
  return { upper, lower };
}

/**
 * The drift at which a design has the given power, and by what factor its greatest sample must exceed that of a
 * fixed test with the same level and power.
 */
export function groupSequentialPlan(
  options: GroupSequentialOptions,
  power: number,
): { looks: GroupSequentialLook[]; drift: number; inflation: number } {
  const { alpha = 0.05, sides = 'two-sided', fractions } = options;
  requireProbability('power', power);
  if (power <= alpha) throw invalidArgument('Power must exceed alpha.', { power, alpha });
  const looks = groupSequentialBoundaries(options);
  const criticalValues = looks.map(look => look.criticalValue);
  const f = (drift: number): number =>
    exitProbabilities(criticalValues, fractions, drift, sides).upper.reduce((sum, p) => sum + p, 0) - power;
  const drift = findRoot(f, 0, bracketAbove(f, 0, 2, 1), 1e-9);
  const perSide = sides === 'two-sided' ? alpha / 2 : alpha;
  const fixed = normal.quantile(1 - perSide) + normal.quantile(power);
  return { looks, drift, inflation: (drift / fixed) ** 2 };
}

function checkFractions(fractions: readonly number[]): void {
  if (fractions.length < 1 || fractions.length > 1000) {
    throw invalidArgument('There must be 1 to 1,000 looks.', { looks: fractions.length });
  }
  let before = 0;
  for (const fraction of fractions) {
    if (!(fraction > before && fraction <= 1)) {
      throw invalidArgument('Information fractions must increase within (0, 1].', { fraction, before });
    }
    before = fraction;
  }
}

/** c·t^(−shape) with c such that all looks together spend alpha. */
function shapedBoundary(fractions: readonly number[], shape: number, alpha: number, sides: Sides): number[] {
  const last = fractions.at(-1)!;
  const values = (c: number): number[] => fractions.map(t => c * (t / last) ** -shape);
  const f = (c: number): number => {
    const { upper, lower } = exitProbabilities(values(c), fractions, 0, sides);
    return alpha - upper.reduce((sum, p, k) => sum + p + lower[k]!, 0);
  };
  const least = normal.quantile(1 - (sides === 'two-sided' ? alpha / 2 : alpha)) - 1e-6;
  return values(findRoot(f, least, bracketAbove(f, least, 1, 1), 1e-11));
}

function spendingFunction(boundary: BoundaryKind, alpha: number, sides: Sides): (t: number) => number {
  if (typeof boundary === 'function') return boundary;
  if (boundary === 'spend-pocock') return t => Math.log1p((Math.E - 1) * t);
  if (boundary === 'spend-obrien-fleming') {
    const perSide = sides === 'two-sided' ? alpha / 2 : alpha;
    const z = normal.quantile(1 - perSide / 2);
    return t => (2 * normal.survival(z / Math.sqrt(t))) / perSide;
  }
  throw invalidArgument(`There is no boundary named ${boundary}.`, { boundary });
}

function spendingBoundary(
  fractions: readonly number[],
  spend: (fraction: number) => number,
  alpha: number,
  sides: Sides,
): number[] {
  const walk = new Walk(0);
  const both = sides === 'two-sided' ? 2 : 1;
  let spent = 0;
  return fractions.map((fraction, k) => {
    const share = Math.min(1, spend(fraction));
    if (!(share >= spent / alpha - 1e-12)) {
      throw invalidArgument('A spending function must not decrease.', { fraction, share });
    }
    // Spending nothing would put the boundary at infinity: 38 deviations is as good.
    const chance = Math.max(0, share * alpha - spent) / both;
    spent = share * alpha;
    const scale = Math.sqrt(fraction);
    const f = (c: number): number => chance - walk.chanceAbove(c * scale, fraction);
    const criticalValue = f(8.5) <= 0 ? 38 : findRoot(f, -8.5, 8.5, 1e-12);
    const high = criticalValue * scale;
    if (k < fractions.length - 1) {
      walk.advance(sides === 'two-sided' ? -high : -Infinity, high, fraction, fractions[k + 1]! - fraction);
    }
    return criticalValue;
  });
}

/** The sub-density of Brownian motion with drift that has stayed inside all boundaries so far, on nodes. */
class Walk {
  private readonly drift: number;
  /** Time of the density; 0 before the first look, where all mass is at 0. */
  private time = 0;
  private nodes = new Float64Array([0]);
  private mass = new Float64Array([1]);

  constructor(drift: number) {
    this.drift = drift;
  }

  chanceAbove(high: number, time: number): number {
    const step = time - this.time;
    const deviation = Math.sqrt(step);
    let sum = 0;
    for (let i = 0; i < this.nodes.length; i++) {
      sum += this.mass[i]! * normal.survival((high - this.nodes[i]! - this.drift * step) / deviation);
    }
    return sum;
  }

  chanceBelow(low: number, time: number): number {
    const step = time - this.time;
    const deviation = Math.sqrt(step);
    let sum = 0;
    for (let i = 0; i < this.nodes.length; i++) {
      sum += this.mass[i]! * normal.cdf((low - this.nodes[i]! - this.drift * step) / deviation);
    }
    return sum;
  }

  /** Moves to `time`, keeping only what lies in (low, high); nodes fine enough for the next step's kernel. */
  advance(low: number, high: number, time: number, nextStep: number): void {
    const step = time - this.time;
    const deviation = Math.sqrt(step);
    // Nine deviations out the density is below 1e-18 of its peak.
    const from = Math.max(low, this.drift * time - 9 * Math.sqrt(time));
    const to = Math.min(high, this.drift * time + 9 * Math.sqrt(time));
    const half = Math.max(0, (to - from) / 2);
    // Three nodes a deviation of the kernel keep 9 digits over 100 looks.
    const size = Math.min(4000, 18 + Math.ceil((3.2 * half) / Math.sqrt(Math.min(step, nextStep))));
    const rule = quadrature(size);
    const nodes = rule.nodes.map(x => from + half * (1 + x));
    const mass = new Float64Array(size);
    for (let j = 0; j < size; j++) {
      let density = 0;
      for (let i = 0; i < this.nodes.length; i++) {
        const z = (nodes[j]! - this.nodes[i]! - this.drift * step) / deviation;
        if (z > -9 && z < 9) density += this.mass[i]! * Math.exp(-0.5 * z * z);
      }
      mass[j] = (density / (deviation * Math.sqrt(2 * Math.PI))) * rule.weights[j]! * half;
    }
    this.time = time;
    this.nodes = nodes;
    this.mass = mass;
  }
}

const rules = new Map<number, ReturnType<typeof gaussLegendre>>();

/** Rules by size: a pure function kept from being computed again; at most 50 are held. */
function quadrature(size: number): ReturnType<typeof gaussLegendre> {
  const rule = rules.get(size) ?? gaussLegendre(size);
  if (rules.size >= 50) rules.clear();
  rules.set(size, rule);
  return rule;
}
