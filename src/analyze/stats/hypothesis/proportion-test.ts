// z tests of one and two proportions, with the intervals that behave at small counts: Wilson's and Newcombe's.
import { requireProbability } from '../argument.ts';
import { normal } from '../distributions.ts';
import { newcombeInterval, type Proportion, rate, wilsonInterval } from '../estimate/proportion-interval.ts';
import { type EstimateResult, symmetricPValue, type TestOptions } from './test-result.ts';

/**
 * Is the proportion `hypothesis`? Score test (its standard error is the one under the hypothesis), with
 * Wilson's interval, which is the test inverted. Trust it from about 5 expected successes and failures.
 */
export function proportionTest(
  observed: Proportion,
  hypothesis: number,
  { alternative = 'two-sided', confidence = 0.95 }: TestOptions = {},
): EstimateResult {
  requireProbability('hypothesis', hypothesis);
  const estimate = rate(observed);
  const standardError = Math.sqrt((hypothesis * (1 - hypothesis)) / observed.trials);
  const statistic = (estimate - hypothesis) / standardError;
  return {
    method: 'one-proportion z',
    statistic,
    pValue: symmetricPValue(statistic, alternative, normal),
    estimate,
    standardError,
    interval: wilsonInterval(observed, { confidence, alternative }),
  };
}

/**
 * Is proportion a equal to proportion b? Pooled z test, which equals the 2 × 2 chi-square test; the estimate
 * is a − b with Newcombe's interval.
 */
export function twoProportionTest(
  a: Proportion,
  b: Proportion,
  { alternative = 'two-sided', confidence = 0.95 }: TestOptions = {},
): EstimateResult {
  const estimate = rate(a) - rate(b);
  const pooled = (a.successes + b.successes) / (a.trials + b.trials);
  const standardError = Math.sqrt(pooled * (1 - pooled) * (1 / a.trials + 1 / b.trials));
  const statistic = estimate === 0 ? 0 : estimate / standardError;
  return {
    method: 'two-proportion z',
    statistic,
    pValue: symmetricPValue(statistic, alternative, normal),
    estimate,
    standardError,
    interval: newcombeInterval(a, b, { confidence, alternative }),
  };
}
