// Fisher's exact test of a 2 × 2 table: the hypergeometric probabilities of all tables with the same margins,
// summed by their ratios from the mode outward, so that large counts neither overflow nor lose digits.
import { invalidArgument, requireWhole } from '../argument.ts';
import { type Alternative, requireAlternative, type TestResult } from './test-result.ts';

const tablesMax = 10_000_000;

export interface FisherResult extends TestResult {
  /** (a·d) / (b·c); Infinity where b·c is 0, NaN where both products are. */
  oddsRatio: number;
}

/**
 * Exact p-value of [[a, b], [c, d]]; two-sided sums every table no likelier than this one. O(min margin)
 * time and memory, for at most 10,000,000 tables. `statistic` is the count a.
 */
export function fisherExact(
  [[a, b], [c, d]]: readonly [readonly [number, number], readonly [number, number]],
  alternative: Alternative = 'two-sided',
): FisherResult {
  requireAlternative(alternative);
  for (const [name, count] of Object.entries({ a, b, c, d })) requireWhole(name, count, 0);
  const draws = a + b;
  const successes = a + c;
  const failures = b + d;
  const low = Math.max(0, draws - failures);
  const high = Math.min(draws, successes);
  // weight(k + 1) / weight(k) = (successes − k)(draws − k) / ((k + 1)(failures − draws + k + 1))
  const mode = Math.min(
    high,
    Math.max(low, Math.floor(((draws + 1) * (successes + 1)) / (successes + failures + 2))),
  );
  if (high - low >= tablesMax) {
    throw invalidArgument('These margins have too many tables; chi-square is as good at such counts.', {
      tables: high - low + 1,
      tablesMax,
    });
  }
  const weights = new Float64Array(high - low + 1);
  weights[mode - low] = 1;
  for (let k = mode; k < high; k++) {
    const ratio = ((successes - k) * (draws - k)) / ((k + 1) * (failures - draws + k + 1));
    weights[k + 1 - low] = weights[k - low]! * ratio;
  }
  for (let k = mode; k > low; k--) {
    const ratio = (k * (failures - draws + k)) / ((successes - k + 1) * (draws - k + 1));
    weights[k - 1 - low] = weights[k - low]! * ratio;
  }
  const own = weights[a - low]!;
  let total = 0;
  let extreme = 0;
  for (let at = 0; at < weights.length; at++) {
    const weight = weights[at]!;
    total += weight;
    const counts =
      alternative === 'less'
        ? at <= a - low
        : alternative === 'greater'
          ? at >= a - low
          : weight <= own * (1 + 1e-7);
    if (counts) extreme += weight;
  }
  return {
    method: "Fisher's exact",
    statistic: a,
    pValue: Math.min(1, extreme / total),
    oddsRatio: (a * d) / (b * c),
  };
}
