// Uniform boundaries: curves that a sum S of mean 0 and intrinsic variance V crosses at any time at all with
// probability at most alpha. Conjugate mixtures of Howard, Ramdas, McAuliffe & Sekhon, "Time-uniform,
// nonparametric, nonasymptotic confidence sequences" (Annals of Statistics 49, 2021), parameterised as there.
import { invalidArgument, requireFinite, requirePositive, requireProbability } from '../argument.ts';
import {
  incompleteBeta,
  incompleteGamma,
  incompleteGammaUpper,
  logBeta,
  logGamma,
  normal,
} from '../distributions.ts';
import { bracketAbove, findRoot } from '../find-root.ts';

export type Sides = 'two-sided' | 'one-sided';

/** ρ that makes the two-sided normal mixture's boundary lowest near V = vOpt at level alphaOpt (their eq. 25). */
export function bestRho(vOpt: number, alphaOpt: number, sides: Sides = 'two-sided'): number {
  requirePositive('vOpt', vOpt);
  requireProbability('alphaOpt', alphaOpt);
  const alpha = sides === 'two-sided' ? alphaOpt : 2 * alphaOpt;
  if (alpha >= 1) throw invalidArgument('A one-sided alphaOpt must lie below 0.5.', { alphaOpt });
  return vOpt / (2 * Math.log(1 / alpha) + Math.log(1 + 2 * Math.log(1 / alpha)));
}

/** ln of the normal mixture of exp(λS − λ²V/2): a supermartingale for a 1-sub-Gaussian S. */
export function normalLogMixture(
  s: number,
  v: number,
  vOpt: number,
  alphaOpt = 0.05,
  sides: Sides = 'two-sided',
): number {
  checkState(s, v);
  const rho = bestRho(vOpt, alphaOpt, sides);
  const quadratic = (s * s) / (2 * (v + rho));
  if (sides === 'two-sided') return 0.5 * Math.log(rho / (v + rho)) + quadratic;
  return 0.5 * Math.log((4 * rho) / (v + rho)) + quadratic + Math.log(normal.cdf(s / Math.sqrt(v + rho)));
}

/**
 * Boundary u(v) with P(∃t: |S_t| ≥ u(V_t)) ≤ alpha (one-sided: S_t ≥ u) for S sub-Gaussian with variance
 * process V. `vOpt` is the V at which it should be lowest. O(1); one-sided by root finding.
 */
export function normalMixtureBound(
  v: number,
  alpha: number,
  vOpt: number,
  alphaOpt = 0.05,
  sides: Sides = 'two-sided',
): number {
  checkBound(v, alpha);
  if (sides === 'one-sided') return solve(s => normalLogMixture(s, v, vOpt, alphaOpt, sides), v, alpha);
  const rho = bestRho(vOpt, alphaOpt, sides);
  return Math.sqrt((v + rho) * (Math.log1p(v / rho) - 2 * Math.log(alpha)));
}

/** Of both gamma mixtures: the prior's shape, that with V, and that with V and S, in units of c. */
function gammaShapes(s: number, v: number, vOpt: number, c: number, alphaOpt: number) {
  checkState(s, v);
  requirePositive('c', c);
  const square = c * c;
  const a = bestRho(vOpt, alphaOpt, 'one-sided') / square;
  const b = v / square + a;
  const x = s / c + b;
  if (!(x > 0)) throw invalidArgument('s lies below what v allows.', { s, v, c });
  return { a, b, x };
}

/** ln of the gamma mixture for a sub-exponential S of scale `c` > 0, one-sided. */
export function gammaExponentialLogMixture(
  s: number,
  v: number,
  vOpt: number,
  c: number,
  alphaOpt = 0.05,
): number {
  const { a, b, x } = gammaShapes(s, v, vOpt, c, alphaOpt);
  return (
    a * Math.log(a) -
    logGamma(a) -
    Math.log(incompleteGamma(a, a)) +
    logGamma(b) +
    Math.log(incompleteGamma(b, x)) -
    b * Math.log(x) +
    (x - a)
  );
}

/** One-sided boundary for sums of variables bounded above by c after centring, or otherwise sub-exponential. */
export function gammaExponentialBound(
  v: number,
  alpha: number,
  vOpt: number,
  c: number,
  alphaOpt = 0.05,
): number {
  checkBound(v, alpha);
  return solve(s => gammaExponentialLogMixture(s, v, vOpt, c, alphaOpt), v, alpha);
}

/** ln of the gamma mixture for a sub-Poisson S of scale `c` > 0, one-sided. */
export function gammaPoissonLogMixture(
  s: number,
  v: number,
  vOpt: number,
  c: number,
  alphaOpt = 0.05,
): number {
  const { a, b, x } = gammaShapes(s, v, vOpt, c, alphaOpt);
  return (
    a * Math.log(a) -
    logGamma(a) -
    Math.log(incompleteGammaUpper(a, a)) +
    logGamma(x) +
    Math.log(incompleteGammaUpper(x, b)) -
    x * Math.log(b) +
    (b - a)
  );
}

/** One-sided boundary for Poisson-like sums: counts of events minus their expectation have c = 1, V = t·rate. */
export function gammaPoissonBound(
  v: number,
  alpha: number,
  vOpt: number,
  c: number,
  alphaOpt = 0.05,
): number {
  checkBound(v, alpha);
  return solve(s => gammaPoissonLogMixture(s, v, vOpt, c, alphaOpt), v, alpha);
}

/**
 * ln of the beta mixture for increments in [−g, h] of mean 0 (sub-Bernoulli): successes of probability g
 * minus their expectation have g = p, h = 1 − p, V = t·p·(1 − p).
 */
export function betaBinomialLogMixture(
  s: number,
  v: number,
  vOpt: number,
  g: number,
  h: number,
  alphaOpt = 0.05,
  sides: Sides = 'two-sided',
): number {
  checkState(s, v);
  requirePositive('g', g);
  requirePositive('h', h);
  const r = Math.max(bestRho(vOpt, alphaOpt, sides) - g * h, 1e-3 * g * h);
  // Increments lie in [−g, h], so S cannot be anywhere; a little beyond is the prior's.
  if (!(r + v > g * s && r + v > -h * s))
    throw invalidArgument('s lies beyond what v allows.', { s, v, g, h });
  const width = g + h;
  // The two-sided mixture is over all of [0, 1], the one-sided one over its part with positive drift.
  const logIncomplete = (a: number, b: number): number =>
    logBeta(a, b) + (sides === 'two-sided' ? 0 : Math.log(incompleteBeta(h / width, a, b)));
  return (
    (v / (g * h)) * Math.log(width) -
    ((v + h * s) / (h * width)) * Math.log(g) -
    ((v - g * s) / (g * width)) * Math.log(h) +
    logIncomplete((r + v - g * s) / (g * width), (r + v + h * s) / (h * width)) -
    logIncomplete(r / (g * width), r / (h * width))
  );
}

/** Boundary for sub-Bernoulli sums; two-sided guards S above u (for S below, exchange g and h). */
export function betaBinomialBound(
  v: number,
  alpha: number,
  vOpt: number,
  g: number,
  h: number,
  alphaOpt = 0.05,
  sides: Sides = 'two-sided',
): number {
  checkBound(v, alpha);
  const f = (s: number): number =>
    betaBinomialLogMixture(s, v, vOpt, g, h, alphaOpt, sides) + Math.log(alpha);
  // S cannot pass v / g: there every increment was as large as can be.
  const most = v / g;
  return f(most) < 0 ? most : findRoot(f, 0, most, 1e-13);
}

function checkState(s: number, v: number): void {
  requireFinite('s', s);
  requireFinite('v', v);
  if (v < 0) throw invalidArgument('v must not be negative.', { v });
}

function checkBound(v: number, alpha: number): void {
  checkState(0, v);
  requireProbability('alpha', alpha);
}

function solve(logMixture: (s: number) => number, v: number, alpha: number): number {
  const f = (s: number): number => logMixture(s) + Math.log(alpha);
  return findRoot(f, 0, bracketAbove(f, 0, Math.max(1, Math.sqrt(v)), 1), 1e-13);
}
