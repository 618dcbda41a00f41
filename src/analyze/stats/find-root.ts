// The root of a continuous function in a bracket: Chandrupatla's method (1997), which falls back to bisection
// where interpolation would not help, so that it always ends.
import { invalidArgument } from './argument.ts';

/**
 * A point where `f` changes sign in [low, high], to `tolerance` relative to the root (default 1e-14).
 * Throws `invalid-argument` when f(low) and f(high) have the same sign. At most 200 evaluations.
 */
export function findRoot(f: (x: number) => number, low: number, high: number, tolerance = 1e-14): number {
  let [a, b] = [low, high];
  let [fa, fb] = [f(a), f(b)];
  if (fa === 0) return a;
  if (fb === 0) return b;
  if (fa > 0 === fb > 0 || Number.isNaN(fa) || Number.isNaN(fb)) {
    throw invalidArgument('The function does not change sign over the bracket.', { low, high, fa, fb });
  }
  let [c, fc] = [a, fa];
  let t = 0.5;
  for (let i = 0; i < 200; i++) {
    const x = a + t * (b - a);
    const fx = f(x);
    if (fx > 0 === fa > 0) [c, fc] = [a, fa];
    else [c, fc, b, fb] = [b, fb, a, fa];
    [a, fa] = [x, fx];
    const best = Math.abs(fa) < Math.abs(fb) ? a : b;
    if (fa === 0 || fb === 0) return best;
    const slack = (2 * Number.EPSILON + tolerance) * Math.abs(best) + Number.MIN_VALUE;
    const limit = slack / Math.abs(b - a);
    if (limit > 0.5) return best;
    const xi = (a - b) / (c - b);
    const phi = (fa - fb) / (fc - fb);
    const interpolate = phi * phi < xi && (1 - phi) ** 2 < 1 - xi;
    t = interpolate
      ? (fa / (fb - fa)) * (fc / (fb - fc)) + ((((c - a) / (b - a)) * fa) / (fc - fa)) * (fb / (fc - fb))
      : 0.5;
    t = Math.max(limit, Math.min(1 - limit, t));
  }
  return Math.abs(fa) < Math.abs(fb) ? a : b;
}

/** Doubles `step` from `low` until f(low + step) has the sign of `sign`; throws `invalid-argument` if never. */
export function bracketAbove(f: (x: number) => number, low: number, step: number, sign: 1 | -1): number {
  for (let i = 0; i < 1000; i++, step *= 2) {
    const high = low + step;
    if (f(high) * sign >= 0) return high;
    if (high > 1e300) break;
  }
  throw invalidArgument('No bracket was found: the function keeps its sign.', { low, step });
}
