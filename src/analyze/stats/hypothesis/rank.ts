// Ranks with ties shared, and the exact null distribution of a rank sum: what the rank tests stand on.
import { requireFinite } from '../argument.ts';

export interface Ranks {
  /** 1 to n; tied values share the mean of their ranks. */
  ranks: Float64Array;
  /** Σ(t³ − t) over groups of t tied values: 0 without ties. */
  tieTerm: number;
}

/** Mid-ranks of finite values. O(n log n). */
export function midRanks(values: ArrayLike<number>): Ranks {
  const n = values.length;
  for (let i = 0; i < n; i++) requireFinite(`values[${i}]`, values[i]!);
  const order = Uint32Array.from({ length: n }, (_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const ranks = new Float64Array(n);
  let tieTerm = 0;
  for (let from = 0; from < n; ) {
    let to = from + 1;
    while (to < n && values[order[to]!] === values[order[from]!]) to++;
    const tied = to - from;
    for (let at = from; at < to; at++) ranks[order[at]!] = (from + 1 + to) / 2;
    tieTerm += tied ** 3 - tied;
    from = to;
  }
  return { ranks, tieTerm };
}

/**
 * Chances that the sum of `size` of the given ranks, drawn without replacement, is ≤ and ≥ `sum`: counted over
 * all subsets, ties included. O(n · size · n·size) time.
 */
export function rankSumTails(
  ranks: Float64Array,
  size: number,
  sum: number,
): [atMost: number, atLeast: number] {
  // Mid-ranks are halves at worst: doubled they are whole, and so are their sums.
  const doubled = Array.from(ranks, rank => Math.round(rank * 2)).sort((a, b) => a - b);
  const most = doubled.slice(doubled.length - size).reduce((total, rank) => total + rank, 0);
  const ways = Array.from({ length: size + 1 }, () => new Float64Array(most + 1));
  ways[0]![0] = 1;
  for (let i = 0; i < doubled.length; i++) {
    const rank = doubled[i]!;
    for (let chosen = Math.min(i + 1, size); chosen >= 1; chosen--) {
      const [from, to] = [ways[chosen - 1]!, ways[chosen]!];
      for (let total = most; total >= rank; total--) to[total]! += from[total - rank]!;
    }
  }
  return tails(ways[size]!, Math.round(sum * 2));
}

/** As rankSumTails for a sum over any subset of the ranks, each in or out with even chance. O(n · n²). */
export function signedRankTails(ranks: Float64Array, sum: number): [atMost: number, atLeast: number] {
  const doubled = Array.from(ranks, rank => Math.round(rank * 2));
  const most = doubled.reduce((total, rank) => total + rank, 0);
  const ways = new Float64Array(most + 1);
  ways[0] = 1;
  for (const rank of doubled)
    for (let total = most; total >= rank; total--) ways[total]! += ways[total - rank]!;
  return tails(ways, Math.round(sum * 2));
}

function tails(ways: Float64Array, at: number): [number, number] {
  let below = 0;
  let above = 0;
  let all = 0;
  for (let total = 0; total < ways.length; total++) {
    const count = ways[total]!;
    all += count;
    if (total <= at) below += count;
    if (total >= at) above += count;
  }
  return [below / all, above / all];
}
