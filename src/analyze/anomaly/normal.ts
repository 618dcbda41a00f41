// The normal distribution's tails, for detectors and forecast intervals.
import erfc from '@stdlib/math-base-special-erfc';
import erfcinv from '@stdlib/math-base-special-erfcinv';

/** P(|Z| ≥ |z|) for a standard normal Z; keeps its relative precision far into the tail. */
export function twoSidedTail(z: number): number {
  return erfc(Math.abs(z) * Math.SQRT1_2);
}

/** The z with P(|Z| ≥ z) = `tail`; tail in (0, 1]. */
export function twoSidedQuantile(tail: number): number {
  return erfcinv(tail) * Math.SQRT2;
}
