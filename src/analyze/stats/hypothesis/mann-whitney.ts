// The rank tests for two samples: Mann–Whitney U for independent ones, Wilcoxon's signed rank for pairs.
// Small samples get the exact permutation distribution, ties included; large ones the tie-corrected normal.
import { invalidArgument, requireSize } from '../argument.ts';
import { normal } from '../distributions.ts';
import { midRanks, rankSumTails, signedRankTails } from './rank.ts';
import { type Alternative, requireAlternative, symmetricPValue, type TestResult } from './test-result.ts';

export interface RankOptions {
  alternative?: Alternative;
  /** `auto`: exact up to 1,600 pairs of values (or 60 signed ranks), the normal approximation beyond. */
  method?: 'auto' | 'exact' | 'normal';
}

export interface MannWhitneyResult extends TestResult {
  /** P(A > B) + P(A = B)/2, the area under the ROC curve: 0.5 when neither tends to be larger. */
  probabilityOfSuperiority: number;
  /** Cliff's δ = 2·P − 1, in [−1, 1]. */
  cliffDelta: number;
}

const exactPairs = 1600;
const exactSigned = 60;

/**
 * Does `a` tend to be larger or smaller than `b`? `statistic` is U of a. O(n log n), plus, where exact,
 * O(n²·min(n)²) for n values in all. `exact` beyond 10,000 pairs is refused.
 */
export function mannWhitney(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { alternative = 'two-sided', method = 'auto' }: RankOptions = {},
): MannWhitneyResult {
  requireSize('a', a.length, 1);
  requireSize('b', b.length, 1);
  const pairs = a.length * b.length;
  const exact = method === 'exact' || (method === 'auto' && pairs <= exactPairs);
  if (exact && pairs > 10_000)
    throw invalidArgument('The exact form is for at most 10,000 pairs.', { pairs });
  const { ranks, tieTerm } = midRanks([...Array.from(a), ...Array.from(b)]);
  let rankSum = 0;
  for (let i = 0; i < a.length; i++) rankSum += ranks[i]!;
  const u = rankSum - (a.length * (a.length + 1)) / 2;
  const n = ranks.length;
  let pValue: number;
  if (exact) {
    const smallerIsA = a.length <= b.length;
    const sum = smallerIsA ? rankSum : (n * (n + 1)) / 2 - rankSum;
    const [atMost, atLeast] = rankSumTails(ranks, Math.min(a.length, b.length), sum);
    pValue = fromTails(smallerIsA ? atMost : atLeast, smallerIsA ? atLeast : atMost, alternative);
  } else {
    const deviation = Math.sqrt((pairs / 12) * (n + 1 - tieTerm / (n * (n - 1))));
    pValue = normalPValue(u - pairs / 2, deviation, alternative);
  }
  return {
    method: exact ? 'Mann–Whitney U (exact)' : 'Mann–Whitney U (normal)',
    statistic: u,
    pValue,
    probabilityOfSuperiority: u / pairs,
    cliffDelta: (2 * u) / pairs - 1,
  };
}

/**
 * Is the distribution of a[i] − b[i] symmetric about 0? Zero differences are left out (Wilcoxon's rule).
 * `statistic` is the rank sum of the positive differences. At least one difference must not be 0.
 */
export function wilcoxonSignedRank(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { alternative = 'two-sided', method = 'auto' }: RankOptions = {},
): TestResult {
  if (a.length !== b.length) {
    throw invalidArgument('Paired samples must have equal lengths.', { a: a.length, b: b.length });
  }
  const differences = Array.from(a, (value, i) => value - b[i]!).filter(difference => difference !== 0);
  requireSize('differences other than 0', differences.length, 1);
  const n = differences.length;
  const exact = method === 'exact' || (method === 'auto' && n <= exactSigned);
  if (exact && n > 500) throw invalidArgument('The exact form is for at most 500 pairs.', { pairs: n });
  const { ranks, tieTerm } = midRanks(differences.map(Math.abs));
  const positive = differences.reduce((sum, difference, i) => sum + (difference > 0 ? ranks[i]! : 0), 0);
  const deviation = Math.sqrt((n * (n + 1) * (2 * n + 1)) / 24 - tieTerm / 48);
  const pValue = exact
    ? fromTails(...signedRankTails(ranks, positive), alternative)
    : normalPValue(positive - (n * (n + 1)) / 4, deviation, alternative);

  return {
    method: exact ? 'Wilcoxon signed rank (exact)' : 'Wilcoxon signed rank (normal)',
    statistic: positive,
    pValue,
  };
}

function fromTails(atMost: number, atLeast: number, alternative: Alternative): number {
  requireAlternative(alternative);
  if (alternative === 'less') return atMost;
  if (alternative === 'greater') return atLeast;
  return Math.min(1, 2 * Math.min(atMost, atLeast));
}

/** With the continuity correction of ½ toward the mean. */
function normalPValue(distance: number, deviation: number, alternative: Alternative): number {
  if (deviation === 0) return 1;
  const toward = alternative === 'less' ? 0.5 : alternative === 'greater' ? -0.5 : -0.5 * Math.sign(distance);
  const corrected = distance + toward;
  // Within half a step of the mean the correction must not carry a two-sided statistic across it.
  const z = alternative === 'two-sided' && corrected * distance < 0 ? 0 : corrected / deviation;
  return symmetricPValue(z, alternative, normal);
}
