// How large a difference is, free of its unit: what a p-value does not say.
import { invalidArgument, requireProbability, requireSize } from '../argument.ts';
import { logGamma } from '../distributions.ts';
import { bracketAbove, findRoot } from '../find-root.ts';
import { chiSquareIndependence, margins } from '../hypothesis/chi-square-test.ts';
import { midRanks } from '../hypothesis/rank.ts';
import type { Interval } from '../hypothesis/test-result.ts';
import { momentsOf, type Sample } from '../moment/moments.ts';
import { noncentralTCdf } from './noncentral-t.ts';
import { type Proportion, rate } from './proportion-interval.ts';

export interface StandardizedDifference {
  estimate: number;
  interval: Interval;
}

/**
 * Cohen's d: (mean a − mean b) / pooled deviation. By custom 0.2 is small, 0.5 medium, 0.8 large. The interval
 * inverts the noncentral t distribution (exact for normal data of equal variance). Needs ≥ 2 values each.
 */
export function cohenD(a: Sample, b: Sample, confidence = 0.95): StandardizedDifference {
  requireProbability('confidence', confidence);
  const [x, y] = [momentsOf(a), momentsOf(b)];
  requireSize('a', x.count, 2);
  requireSize('b', y.count, 2);
  const df = x.count + y.count - 2;
  const pooled = Math.sqrt((x.sumOfSquares + y.sumOfSquares) / df);
  if (pooled === 0) throw invalidArgument('The samples do not vary: d is undefined.');
  const estimate = (x.mean - y.mean) / pooled;
  const size = Math.sqrt((x.count * y.count) / (x.count + y.count));
  const t = estimate * size;
  const tail = (1 - confidence) / 2;
  const noncentrality = (p: number): number => {
    const f = (delta: number): number => p - noncentralTCdf(t, df, delta);
    const high = bracketAbove(f, t, 1, 1);
    const low = -bracketAbove(delta => f(-delta), -t, 1, -1);
    return findRoot(f, low, high, 1e-10);
  };
  return { estimate, interval: [noncentrality(1 - tail) / size, noncentrality(tail) / size] };
}

/** Hedges' g: Cohen's d without its upward bias in small samples (exact gamma form, 1981). */
export function hedgesG(a: Sample, b: Sample, confidence = 0.95): StandardizedDifference {
  const d = cohenD(a, b, confidence);
  const df = momentsOf(a).count + momentsOf(b).count - 2;
  const factor = Math.exp(logGamma(df / 2) - logGamma((df - 1) / 2)) / Math.sqrt(df / 2);
  return {
    estimate: d.estimate * factor,
    interval: [d.interval[0] * factor, d.interval[1] * factor],
  };
}

/**
 * Cramér's V of a table of counts, in [0, 1]: √(χ² / (n·(min(r, c) − 1))). `corrected` removes the upward bias
 * of small tables (Bergsma 2013).
 */
export function cramerV(
  table: ArrayLike<ArrayLike<number>>,
  { corrected = false }: { corrected?: boolean } = {},
): number {
  const { rows, columns, total } = margins(table);
  const phiSquared = chiSquareIndependence(table).statistic / total;
  const [r, c] = [rows.length, columns.length];
  if (!corrected) return Math.sqrt(phiSquared / (Math.min(r, c) - 1));
  const excess = Math.max(0, phiSquared - ((r - 1) * (c - 1)) / (total - 1));
  const [r2, c2] = [r - (r - 1) ** 2 / (total - 1), c - (c - 1) ** 2 / (total - 1)];
  // Two units tell nothing beyond chance.
  return excess === 0 ? 0 : Math.sqrt(excess / (Math.min(r2, c2) - 1));
}

/** Cliff's δ = P(A > B) − P(A < B), in [−1, 1]: by order alone, whatever the distributions. O(n log n). */
export function cliffDelta(a: ArrayLike<number>, b: ArrayLike<number>): number {
  requireSize('a', a.length, 1);
  requireSize('b', b.length, 1);
  const { ranks } = midRanks([...Array.from(a), ...Array.from(b)]);
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ranks[i]!;
  return (2 * (sum - (a.length * (a.length + 1)) / 2)) / (a.length * b.length) - 1;
}

/** Cohen's h of two proportions: 2·asin√p − 2·asin√q, whose variance hardly depends on p and q. */
export function cohenH(a: Proportion, b: Proportion): number {
  return 2 * Math.asin(Math.sqrt(rate(a))) - 2 * Math.asin(Math.sqrt(rate(b)));
}
