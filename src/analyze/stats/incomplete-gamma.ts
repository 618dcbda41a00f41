// P(a, x) and Q(a, x), the regularised incomplete gamma functions: @stdlib's, but beyond x = 1,000 our own. There
// gammainc 0.3.1 takes a series for x ≫ a at x ≈ a too, and is wrong in the second digit (Q(1000, 1000) by 2.5 %).
import gammainc from '@stdlib/math-base-special-gammainc';
import gammaln from '@stdlib/math-base-special-gammaln';

/** P(a, x), the lower one. a > 0, x ≥ 0. Right to 11 digits; O(√a) steps beyond x = 1,000. */
export function incompleteGamma(a: number, x: number): number {
  if (!(x > 1000)) return gammainc(x, a, true, false);
  return x < a ? lowerSeries(a, x) : 1 - upperFraction(a, x);
}

/** Q(a, x) = 1 − P(a, x), without the cancellation. */
export function incompleteGammaUpper(a: number, x: number): number {
  if (!(x > 1000)) return gammainc(x, a, true, true);
  return x < a ? 1 - lowerSeries(a, x) : upperFraction(a, x);
}

const stepsMax = 10_000_000;

/** P = xᵃe⁻ˣ / Γ(a + 1) · Σ xᵏ / ((a + 1) … (a + k)). */
function lowerSeries(a: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; k < stepsMax && term > sum * 1e-17; k++) {
    term *= x / (a + k);
    sum += term;
  }
  return Math.min(1, prefix(a, x) * sum);
}

/** Legendre's continued fraction of Q by Lentz's method. */
function upperFraction(a: number, x: number): number {
  if (x === Infinity) return 0;
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let k = 1; k < stepsMax; k++) {
    const numerator = -k * (k - a);
    b += 2;
    d = 1 / (numerator * d + b || 1e-300);
    c = b + numerator / c || 1e-300;
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return Math.min(1, prefix(a, x) * a * h);
}

/** xᵃe⁻ˣ / Γ(a + 1); for large a from Stirling's series about x = a, where the plain form would lose its digits. */
function prefix(a: number, x: number): number {
  if (a < 100) return Math.exp(a * Math.log(x) - x - gammaln(a + 1));
  const away = (x - a) / a;
  const stirling = (1 / 12 - (1 / 360 - 1 / (1260 * a * a)) / (a * a)) / a;
  return Math.exp(-a * excess(away) - stirling) / Math.sqrt(2 * Math.PI * a);
}

/** t − ln(1 + t), t > −1: by its series near 0. */
function excess(t: number): number {
  if (Math.abs(t) > 0.01) return t - Math.log1p(t);
  let sum = 0;
  let power = t * t;
  for (let k = 2; k < 12; k++, power *= -t) sum += power / k;
  return sum;
}
