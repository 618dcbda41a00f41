// Intervals for one proportion and for the difference of two that keep their coverage at small counts and near
// 0 and 1: Wilson (1927), Newcombe's hybrid score (1998, method 10), Clopper–Pearson (1934).
import { invalidArgument, requireProbability, requireWhole } from '../argument.ts';
import { beta, normal } from '../distributions.ts';
import { type Interval, requireAlternative, type TestOptions } from '../hypothesis/test-result.ts';

export interface Proportion {
  /** 0 to `trials`. */
  successes: number;
  /** ≥ 1. */
  trials: number;
}

/** successes / trials; throws `invalid-argument` unless both are whole and in range. */
export function rate({ successes, trials }: Proportion): number {
  requireWhole('trials', trials, 1);
  requireWhole('successes', successes, 0);
  if (successes > trials)
    throw invalidArgument('There are more successes than trials.', { successes, trials });
  return successes / trials;
}

function quantileFor({ alternative = 'two-sided', confidence = 0.95 }: TestOptions): number {
  requireProbability('confidence', confidence);
  requireAlternative(alternative);
  return normal.quantile(alternative === 'two-sided' ? 0.5 + confidence / 2 : confidence);
}

/** Wilson's score interval; never leaves [0, 1]. A one-sided alternative gives a one-sided bound. */
export function wilsonInterval(observed: Proportion, options: TestOptions = {}): Interval {
  const p = rate(observed);
  const z = quantileFor(options);
  const [low, high] = wilson(p, observed.trials, z);
  return [options.alternative === 'less' ? 0 : low, options.alternative === 'greater' ? 1 : high];
}

function wilson(p: number, n: number, z: number): Interval {
  const shrink = 1 + (z * z) / n;
  const center = (p + (z * z) / (2 * n)) / shrink;
  const reach = (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / shrink;
  // The ends at 0 and n successes are exactly 0 and 1; rounding would miss them by 1e-17.
  return [p === 0 ? 0 : center - reach, p === 1 ? 1 : center + reach];
}

/** Newcombe's interval for a − b; never leaves [−1, 1]. */
export function newcombeInterval(a: Proportion, b: Proportion, options: TestOptions = {}): Interval {
  const [p, q] = [rate(a), rate(b)];
  const z = quantileFor(options);
  const [pLow, pHigh] = wilson(p, a.trials, z);
  const [qLow, qHigh] = wilson(q, b.trials, z);
  return [
    options.alternative === 'less' ? -1 : p - q - Math.hypot(p - pLow, qHigh - q),
    options.alternative === 'greater' ? 1 : p - q + Math.hypot(pHigh - p, q - qLow),
  ];
}

/** Clopper–Pearson: covers at least as often as it says at every p and n, and is wider for it. */
export function clopperPearsonInterval(observed: Proportion, confidence = 0.95): Interval {
  rate(observed);
  requireProbability('confidence', confidence);
  const { successes: k, trials: n } = observed;
  const tail = (1 - confidence) / 2;
  return [
    k === 0 ? 0 : beta.quantile(tail, k, n - k + 1),
    k === n ? 1 : beta.quantile(1 - tail, k + 1, n - k),
  ];
}
