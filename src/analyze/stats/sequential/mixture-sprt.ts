// The mixture sequential probability ratio test and its always-valid p-value: Robbins (1970); Johari, Koomen,
// Pekelis & Walsh, "Always valid inference" (Operations Research 70, 2022). Rejecting when the p-value first
// falls to alpha, whenever that is, errs with probability at most alpha.
import { ByteWriter } from '../../../core/bytes.ts';
import {
  invalidArgument,
  requireFinite,
  requirePositive,
  requireProbability,
  requireSize,
} from '../argument.ts';
import { logBeta } from '../distributions.ts';
import { type Proportion, rate } from '../estimate/proportion-interval.ts';
import type { Moments } from '../moment/moments.ts';
import { readForm } from '../moment/serialized-form.ts';
import { bestRho } from './mixture-boundary.ts';

export interface MixtureSprtResult {
  /** ln Λ: evidence against the null hypothesis; its running maximum decides. */
  logLikelihoodRatio: number;
  /** min(1, 1/Λ) at this look. The always-valid p-value is its minimum over all looks: see AlwaysValidPValue. */
  pValue: number;
}

function conclude(logLikelihoodRatio: number): MixtureSprtResult {
  return { logLikelihoodRatio, pValue: Math.min(1, Math.exp(-logLikelihoodRatio)) };
}

/** An effect's prior deviation τ, in the effect's own unit; or the size in all at which to decide soonest. */
export type SprtOptions = { tau: number } | { tunedFor: number; alpha?: number };

/**
 * Λ for an estimate that is normal with the given variance, under effects N(nullValue, τ²). Exact where the
 * variance is known, a limit where it was estimated. `count` is needed with `tunedFor` only.
 */
export function mixtureSprt(
  estimate: number,
  variance: number,
  count: number,
  options: SprtOptions,
  nullValue = 0,
): MixtureSprtResult {
  requireFinite('estimate', estimate);
  requireFinite('nullValue', nullValue);
  if (variance === 0) return conclude(estimate === nullValue ? 0 : Infinity);
  requirePositive('variance', variance);
  const tauSquared = 'tau' in options ? options.tau ** 2 : tunedTauSquared(variance, count, options);
  requirePositive('tau', tauSquared);
  const total = variance + tauSquared;
  const distance = estimate - nullValue;
  return conclude(
    0.5 * Math.log(variance / total) + (tauSquared * distance * distance) / (2 * variance * total),
  );
}

/** The τ² that makes this test the dual of the normal-mixture confidence sequence tuned for the same size. */
function tunedTauSquared(
  variance: number,
  count: number,
  { tunedFor, alpha = 0.05 }: { tunedFor: number; alpha?: number },
): number {
  requirePositive('count', count);
  return (variance * count) / bestRho(tunedFor, alpha);
}

/** mSPRT of mean(a) = mean(b). Needs ≥ 2 values each; look from some 30 on. */
export function mixtureSprtMeans(a: Moments, b: Moments, options: SprtOptions): MixtureSprtResult {
  requireSize('a', a.count, 2);
  requireSize('b', b.count, 2);
  const variance = a.variance / a.count + b.variance / b.count;
  return mixtureSprt(a.mean - b.mean, variance, a.count + b.count, options);
}

/** mSPRT of two equal proportions, variance pooled as under the null. Look from some 30 successes on. */
export function mixtureSprtProportions(
  a: Proportion,
  b: Proportion,
  options: SprtOptions,
): MixtureSprtResult {
  const difference = rate(a) - rate(b);
  const count = a.trials + b.trials;
  const pooled = (a.successes + b.successes) / count;
  const variance = pooled * (1 - pooled) * (1 / a.trials + 1 / b.trials);
  return mixtureSprt(difference, variance, count, options);
}

/**
 * mSPRT of one proportion being `hypothesis`, under a Beta(a, b) mixture: exact at every size. The default
 * mixture is uniform; a and b sum to about the number of trials at which to decide soonest.
 */
export function mixtureSprtBinomial(
  observed: Proportion,
  hypothesis: number,
  { a = 1, b = 1 }: { a?: number; b?: number } = {},
): MixtureSprtResult {
  rate(observed);
  requireProbability('hypothesis', hypothesis);
  requirePositive('a', a);
  requirePositive('b', b);
  const { successes: k, trials: n } = observed;
  const nullLog = k * Math.log(hypothesis) + (n - k) * Math.log1p(-hypothesis);
  return conclude(logBeta(a + k, b + n - k) - logBeta(a, b) - nullLog);
}

/** The running minimum over looks at one question. What is kept between looks is one number. */
export class AlwaysValidPValue {
  private least: number;

  /** `least` is what an earlier process had come to, in [0, 1]. */
  constructor(least = 1) {
    this.least = checkPValue(least);
  }

  /** Takes in one look and returns the p-value valid up to now. Throws `invalid-argument` outside [0, 1]. */
  update({ pValue }: { pValue: number }): number {
    this.least = Math.min(this.least, checkPValue(pValue));
    return this.least;
  }

  /** Takes in the looks of another process at the same question. */
  merge(other: AlwaysValidPValue): void {
    this.least = Math.min(this.least, other.least);
  }

  get value(): number {
    return this.least;
  }

  /** 9 bytes: version 1 and the value. */
  serialize(): Uint8Array {
    return new ByteWriter(9).u8(1).f64(this.least).finish();
  }

  /** Throws `unsupported-version`, `truncated-bytes` or `invalid-bytes`. */
  static deserialize(bytes: Uint8Array): AlwaysValidPValue {
    return readForm('an always-valid p-value', bytes, 1, reader => new AlwaysValidPValue(reader.f64()));
  }
}

function checkPValue(pValue: number): number {
  if (!(pValue >= 0 && pValue <= 1)) throw invalidArgument('A p-value lies in [0, 1].', { pValue });
  return pValue;
}
