// Did assignment work? Counts of units per variant against the shares they were assigned by. A mismatch means
// lost or doubled units, and no other figure of the experiment can then be trusted.
import { invalidArgument, requirePositive, requireWhole } from '../argument.ts';
import { logGamma } from '../distributions.ts';
import { chiSquareGoodnessOfFit } from '../hypothesis/chi-square-test.ts';

export interface SampleRatioResult {
  /** Chi-square, for a single look. 1 while nothing was counted. */
  pValue: number;
  /** Valid at every look: 1 / Bayes factor, at most 1 (Lindon & Malek 2022). */
  sequentialPValue: number;
  /** Share of each variant seen. */
  shares: number[];
}

/**
 * Counts (≥ 2 variants) against positive shares of any scale. The sequential form mixes over
 * Dirichlet(concentration · shares): 10,000 seeks deviations of about a percent; fix it beforehand.
 */
export function sampleRatio(
  counts: readonly number[],
  shares: readonly number[],
  concentration = 10_000,
): SampleRatioResult {
  if (counts.length < 2 || counts.length !== shares.length) {
    throw invalidArgument('There must be two variants or more, each with a share.', {
      counts: counts.length,
      shares: shares.length,
    });
  }
  requirePositive('concentration', concentration);
  counts.forEach((count, i) => {
    requireWhole(`counts[${i}]`, count, 0);
    if (!(shares[i]! > 0 && shares[i]! < Infinity)) throw invalidArgument('Shares must be positive.', { i });
  });
  const whole = shares.reduce((sum, share) => sum + share, 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return { pValue: 1, sequentialPValue: 1, shares: counts.map(() => 0) };
  let logBayesFactor = logGamma(concentration) - logGamma(concentration + total);
  counts.forEach((count, i) => {
    const share = shares[i]! / whole;
    const prior = concentration * share;
    logBayesFactor += logGamma(prior + count) - logGamma(prior) - count * Math.log(share);
  });
  return {
    pValue: chiSquareGoodnessOfFit(counts, shares).pValue,
    sequentialPValue: Math.min(1, Math.exp(-logBayesFactor)),
    shares: counts.map(count => count / total),
  };
}
