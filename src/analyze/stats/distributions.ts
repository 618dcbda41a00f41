// The probability distributions every test here stands on, over @stdlib. Upper tails are computed as such,
// never as 1 − cdf, so that a p-value of 1e-200 keeps its digits. All of them cost O(1) (O(√x) for gamma, chi-square and
// Poisson beyond 1,000), keep 11 digits against mpmath (quantiles: p to 8 digits from 1e-12 on), and throw
// `invalid-argument` for a place that is not a number, a parameter outside its range, or a p outside [0, 1].
import betainc from '@stdlib/math-base-special-betainc';
import betaln from '@stdlib/math-base-special-betaln';
import erfc from '@stdlib/math-base-special-erfc';
import gammaln from '@stdlib/math-base-special-gammaln';
import betaQuantile from '@stdlib/stats-base-dists-beta-quantile';
import binomialPmf from '@stdlib/stats-base-dists-binomial-pmf';
import fQuantile from '@stdlib/stats-base-dists-f-quantile';
import gammaQuantile from '@stdlib/stats-base-dists-gamma-quantile';
import hypergeometricPmf from '@stdlib/stats-base-dists-hypergeometric-pmf';
import normalQuantile from '@stdlib/stats-base-dists-normal-quantile';
import tPdf from '@stdlib/stats-base-dists-t-pdf';
import tQuantile from '@stdlib/stats-base-dists-t-quantile';
import { invalidArgument, requireFinite, requirePositive, requireWhole } from './argument.ts';
import { findRoot } from './find-root.ts';
import { incompleteGamma, incompleteGammaUpper } from './incomplete-gamma.ts';

export { incompleteGamma, incompleteGammaUpper } from './incomplete-gamma.ts';

/** ln Γ(x), x > 0. */
export const logGamma: (x: number) => number = gammaln;
/** ln B(a, b), a, b > 0. */
export const logBeta: (a: number, b: number) => number = betaln;
/** Iₓ(a, b), the regularised incomplete beta function, x in [0, 1]. */
export const incompleteBeta = (x: number, a: number, b: number): number => betainc(x, a, b, true, false);

const clamp = (p: number): number => Math.max(0, Math.min(1, p));

/** `x` may be infinite, but is a number. Throws `invalid-argument`. */
function checkPlace(x: number): void {
  if (Number.isNaN(x)) throw invalidArgument('x must be a number.', { x });
}

/** `p` lies in [0, 1], its ends included. Throws `invalid-argument`. */
function checkShare(p: number): void {
  if (!(p >= 0 && p <= 1)) throw invalidArgument('p must lie in [0, 1].', { p });
}

/** Normal distribution; `mean` 0 and `deviation` > 0, 1 unless given. */
export const normal = {
  pdf(x: number, mean = 0, deviation = 1): number {
    checkPlace(x - mean);
    requirePositive('deviation', deviation);
    const z = (x - mean) / deviation;
    return Math.exp(-0.5 * z * z) / (deviation * Math.sqrt(2 * Math.PI));
  },
  cdf(x: number, mean = 0, deviation = 1): number {
    checkPlace(x - mean);
    requirePositive('deviation', deviation);
    return 0.5 * erfc(-(x - mean) / (deviation * Math.SQRT2));
  },
  survival(x: number, mean = 0, deviation = 1): number {
    checkPlace(x - mean);
    requirePositive('deviation', deviation);
    return 0.5 * erfc((x - mean) / (deviation * Math.SQRT2));
  },
  quantile(p: number, mean = 0, deviation = 1): number {
    checkShare(p);
    requireFinite('mean', mean);
    requirePositive('deviation', deviation);
    if (p > 0 && p < 0.02) return mean - deviation * tailQuantile(p);
    if (p > 0.98 && p < 1) return mean + deviation * tailQuantile(1 - p);
    return normalQuantile(p, mean, deviation);
  },
};

/**
 * z with survival(z) = p, by Newton on ln p from the tail's asymptote: @stdlib's inverse keeps 6 digits at 1e-12
 * and none at 1e-300.
 */
function tailQuantile(p: number): number {
  let z = Math.sqrt(-2 * Math.log(p));
  for (let i = 0; i < 7; i++) {
    const tail = 0.5 * erfc(z / Math.SQRT2);
    z += ((Math.log(tail) - Math.log(p)) * tail) / (Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI));
  }
  return z;
}

/** Student's t with `df` > 0 degrees of freedom, not necessarily whole. */
export const studentT = {
  pdf(x: number, df: number): number {
    checkPlace(x);
    requirePositive('df', df);
    return tPdf(x, df);
  },
  cdf(x: number, df: number): number {
    checkPlace(x);
    requirePositive('df', df);
    return x <= 0 ? tTail(-x, df) : 1 - tTail(x, df);
  },
  survival(x: number, df: number): number {
    checkPlace(x);
    requirePositive('df', df);
    return x >= 0 ? tTail(x, df) : 1 - tTail(-x, df);
  },
  quantile(p: number, df: number): number {
    checkShare(p);
    requirePositive('df', df);
    return tQuantile(p, df);
  },
};

/** P(T > t) for t ≥ 0; from whichever side of the beta function keeps its digits. */
function tTail(t: number, df: number): number {
  if (t === Infinity) return 0;
  const square = t * t;
  return square > df
    ? 0.5 * betainc(df / (df + square), df / 2, 0.5, true, false)
    : 0.5 * betainc(square / (df + square), 0.5, df / 2, true, true);
}

/** Chi-square with `df` > 0 degrees of freedom. */
export const chiSquare = {
  cdf(x: number, df: number): number {
    checkPlace(x);
    requirePositive('df', df);
    return x <= 0 ? 0 : incompleteGamma(df / 2, x / 2);
  },
  survival(x: number, df: number): number {
    checkPlace(x);
    requirePositive('df', df);
    return x <= 0 ? 1 : incompleteGammaUpper(df / 2, x / 2);
  },
  quantile(p: number, df: number): number {
    checkShare(p);
    requirePositive('df', df);
    return 2 * gammaQuantileOf(p, df / 2);
  },
};

/** Fisher's F with `df1`, `df2` > 0 degrees of freedom. */
export const fisherF = {
  cdf(x: number, df1: number, df2: number): number {
    checkPlace(x);
    requirePositive('df1', df1);
    requirePositive('df2', df2);
    if (x === Infinity) return 1;
    return x <= 0 ? 0 : betainc((df1 * x) / (df1 * x + df2), df1 / 2, df2 / 2, true, false);
  },
  survival(x: number, df1: number, df2: number): number {
    checkPlace(x);
    requirePositive('df1', df1);
    requirePositive('df2', df2);
    if (x === Infinity) return 0;
    return x <= 0 ? 1 : betainc(df2 / (df1 * x + df2), df2 / 2, df1 / 2, true, false);
  },
  quantile(p: number, df1: number, df2: number): number {
    checkShare(p);
    requirePositive('df1', df1);
    requirePositive('df2', df2);
    return fQuantile(p, df1, df2);
  },
};

/** Beta(a, b) on [0, 1]; a, b > 0. */
export const beta = {
  cdf(x: number, a: number, b: number): number {
    checkPlace(x);
    requirePositive('a', a);
    requirePositive('b', b);
    return x <= 0 ? 0 : x >= 1 ? 1 : betainc(x, a, b, true, false);
  },
  survival(x: number, a: number, b: number): number {
    checkPlace(x);
    requirePositive('a', a);
    requirePositive('b', b);
    return x <= 0 ? 1 : x >= 1 ? 0 : betainc(x, a, b, true, true);
  },
  quantile(p: number, a: number, b: number): number {
    checkShare(p);
    requirePositive('a', a);
    requirePositive('b', b);
    return betaQuantile(p, a, b);
  },
};

/** Gamma of the given shape and rate, both > 0 (the mean is shape / rate). */
export const gamma = {
  cdf(x: number, shape: number, rate = 1): number {
    checkPlace(x);
    requirePositive('shape', shape);
    requirePositive('rate', rate);
    return x <= 0 ? 0 : incompleteGamma(shape, x * rate);
  },
  survival(x: number, shape: number, rate = 1): number {
    checkPlace(x);
    requirePositive('shape', shape);
    requirePositive('rate', rate);
    return x <= 0 ? 1 : incompleteGammaUpper(shape, x * rate);
  },
  quantile(p: number, shape: number, rate = 1): number {
    checkShare(p);
    requirePositive('shape', shape);
    requirePositive('rate', rate);
    return gammaQuantileOf(p, shape) / rate;
  },
};

/** @stdlib's inverse inverts its own gammainc: where that is not to be trusted, a root of ours. */
function gammaQuantileOf(p: number, shape: number): number {
  const first = gammaQuantile(p, shape, 1);
  // Fifty deviations beyond it nothing of a double's p is left.
  const reach = 50 * Math.sqrt(shape) + 50;
  if (!(first + reach > 1000 && p > 0 && p < 1)) return first;
  const excess = (x: number): number =>
    p < 0.5 ? incompleteGamma(shape, x) - p : 1 - p - incompleteGammaUpper(shape, x);
  return findRoot(excess, Math.max(0, shape - reach), shape + reach);
}

function checkTrials(k: number, n: number, p: number): void {
  checkPlace(k);
  requireWhole('n', n, 0);
  checkShare(p);
}

/** Successes in `n` ≥ 0 trials of probability `p` in [0, 1]. `survival(k)` is P(X > k). */
export const binomial = {
  pmf(k: number, n: number, p: number): number {
    checkTrials(k, n, p);
    return binomialPmf(k, n, p);
  },
  cdf(k: number, n: number, p: number): number {
    checkTrials(k, n, p);
    const whole = Math.floor(k);
    if (whole < 0) return 0;
    return whole >= n ? 1 : clamp(betainc(p, whole + 1, n - whole, true, true));
  },
  survival(k: number, n: number, p: number): number {
    checkTrials(k, n, p);
    const whole = Math.floor(k);
    if (whole < 0) return 1;
    return whole >= n ? 0 : clamp(betainc(p, whole + 1, n - whole, true, false));
  },
};

/** Events at the mean `rate` > 0. `survival(k)` is P(X > k). */
export const poisson = {
  cdf(k: number, rate: number): number {
    checkPlace(k);
    requirePositive('rate', rate);
    if (k === Infinity) return 1;
    return k < 0 ? 0 : incompleteGammaUpper(Math.floor(k) + 1, rate);
  },
  survival(k: number, rate: number): number {
    checkPlace(k);
    requirePositive('rate', rate);
    if (k === Infinity) return 0;
    return k < 0 ? 1 : incompleteGamma(Math.floor(k) + 1, rate);
  },
};

/** Successes in `draws` without replacement from a population with `successes` of them; whole numbers. */
export const hypergeometric = {
  pmf(k: number, population: number, successes: number, draws: number): number {
    checkPlace(k);
    requireWhole('population', population, 0);
    requireWhole('successes', successes, 0);
    requireWhole('draws', draws, 0);
    if (successes > population || draws > population) {
      throw invalidArgument('successes and draws are at most the population.', {
        population,
        successes,
        draws,
      });
    }
    return hypergeometricPmf(k, population, successes, draws);
  },
};
