// Many tests at once: adjusted p-values, to be compared with the level wanted for the whole family.
import { invalidArgument } from '../argument.ts';

/**
 * `bonferroni`, `holm` (1979; uniformly better), `hochberg` (1988; independent or positively dependent tests)
 * keep the chance of any false alarm; `benjamini-hochberg` (1995; same condition) and `benjamini-yekutieli`
 * (2001; any dependence) keep the expected share of false ones among the alarms.
 */
export type Correction = 'bonferroni' | 'holm' | 'hochberg' | 'benjamini-hochberg' | 'benjamini-yekutieli';

/** Adjusted p-values in the order given, each in [0, 1] and at least the raw one. O(n log n). */
export function adjustPValues(pValues: ArrayLike<number>, correction: Correction): number[] {
  const n = pValues.length;
  const raw = Array.from(pValues);
  for (const [index, pValue] of raw.entries()) {
    if (!(pValue >= 0 && pValue <= 1)) throw invalidArgument('p-values lie in [0, 1].', { index, pValue });
  }
  if (correction === 'bonferroni') return raw.map(p => Math.min(1, p * n));
  const order = raw.map((_, i) => i).sort((i, j) => raw[i]! - raw[j]!);
  const harmonic = order.reduce((sum, _, i) => sum + 1 / (i + 1), 0);
  const factors: Record<Exclude<Correction, 'bonferroni'>, (rank: number) => number> = {
    holm: rank => n - rank + 1,
    hochberg: rank => n - rank + 1,
    'benjamini-hochberg': rank => n / rank,
    'benjamini-yekutieli': rank => (n * harmonic) / rank,
  };
  const factor = factors[correction];
  if (!factor) throw invalidArgument(`There is no correction named ${correction}.`, { correction });
  const adjusted = new Array<number>(n);
  // Holm steps down from the smallest and never decreases; the others step up from the largest.
  if (correction === 'holm') {
    let highest = 0;
    order.forEach((index, at) => {
      highest = Math.max(highest, Math.min(1, raw[index]! * factor(at + 1)));
      adjusted[index] = highest;
    });
    return adjusted;
  }
  let lowest = 1;
  for (let at = n - 1; at >= 0; at--) {
    lowest = Math.min(lowest, raw[order[at]!]! * factor(at + 1));
    adjusted[order[at]!] = lowest;
  }
  return adjusted;
}
