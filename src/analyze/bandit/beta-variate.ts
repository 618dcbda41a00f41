// Gamma and Beta variates from a seeded generator (Marsaglia & Tsang 2000).
import type { Rng } from '../../core/rng.ts';

/** A Gamma(shape, 1) variate, shape > 0. Cost: about 1.05 normal variates. */
export function gammaVariate(rng: Rng, shape: number): number {
  if (shape < 1) return gammaVariate(rng, shape + 1) * (1 - rng.float()) ** (1 / shape);
  if (shape === 1) return rng.exponential();
  const d = shape - 1 / 3;
  const c = 1 / (3 * Math.sqrt(d));
  for (;;) {
    const x = rng.gaussian();
    const root = 1 + c * x;
    if (root <= 0) continue;
    const v = root * root * root;
    const u = 1 - rng.float();
    if (u < 1 - 0.0331 * x * x * x * x || Math.log(u) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v;
  }
}

/** A Beta(a, b) variate, a, b > 0, in [0, 1]. */
export function betaVariate(rng: Rng, a: number, b: number): number {
  const x = gammaVariate(rng, a);
  const y = gammaVariate(rng, b);
  // Both vanish only for shapes near 0, where the distribution is two points.
  return x + y > 0 ? x / (x + y) : rng.float() * (a + b) < a ? 1 : 0;
}
