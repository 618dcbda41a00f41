// Kolmogorov–Smirnov: does a sample follow a given distribution, do two samples follow the same one?
// Exact where that is affordable, a corrected limit beyond; the result says which.
import { invalidArgument, requireFinite, requireSize } from '../argument.ts';
import { logGamma } from '../distributions.ts';
import type { TestResult } from './test-result.ts';

const exactSize = 2000;
const exactPairs = 4_000_000;

/**
 * Two-sided test of `sample` against a continuous `cdf` whose parameters were not estimated from it.
 * `statistic` is D. Exact to 2,000 values (Marsaglia, Tsang & Wang 2003; for nD² ≥ 4 twice Smirnov's exact
 * one-sided tail, right to 9 digits); beyond, the limit with Vrbik's correction (2018), error O(n^-1.5).
 */
export function kolmogorovSmirnov(sample: ArrayLike<number>, cdf: (x: number) => number): TestResult {
  requireSize('sample', sample.length, 1);
  const sorted = sort('sample', sample);
  const n = sorted.length;
  let statistic = 0;
  for (let i = 0; i < n; i++) {
    const p = cdf(sorted[i]!);
    if (!(p >= 0 && p <= 1)) throw invalidArgument('The cdf must stay in [0, 1].', { x: sorted[i], p });
    statistic = Math.max(statistic, (i + 1) / n - p, p - i / n);
  }
  const exact = n <= exactSize;
  return {
    method: exact ? 'Kolmogorov–Smirnov (exact)' : 'Kolmogorov–Smirnov (limit)',
    statistic,
    pValue: exact ? exactTail(n, statistic) : limitTail(n, statistic),
  };
}

/**
 * Two-sided test of two samples. Exact by counting lattice paths while n·m ≤ 4,000,000 (conservative under
 * ties); beyond, Kolmogorov's limit at the effective size nm / (n + m).
 */
export function kolmogorovSmirnovTwoSample(a: ArrayLike<number>, b: ArrayLike<number>): TestResult {
  requireSize('a', a.length, 1);
  requireSize('b', b.length, 1);
  const [x, y] = [sort('a', a), sort('b', b)];
  const [n, m] = [x.length, y.length];
  // In whole steps of 1/(nm), so that equal distances compare equal.
  let steps = 0;
  for (let i = 0, j = 0; i < n && j < m; ) {
    const value = Math.min(x[i]!, y[j]!);
    while (i < n && x[i] === value) i++;
    while (j < m && y[j] === value) j++;
    steps = Math.max(steps, Math.abs(i * m - j * n));
  }
  const statistic = steps / (n * m);
  const exact = n * m <= exactPairs;
  return {
    method: exact ? 'two-sample Kolmogorov–Smirnov (exact)' : 'two-sample Kolmogorov–Smirnov (limit)',
    statistic,
    pValue: exact ? pathTail(n, m, steps) : kolmogorovTail(statistic * Math.sqrt((n * m) / (n + m))),
  };
}

function sort(name: string, values: ArrayLike<number>): Float64Array {
  for (let i = 0; i < values.length; i++) requireFinite(`${name}[${i}]`, values[i]!);
  return Float64Array.from(values).sort();
}

/** The chance that a random lattice path from (0, 0) to (n, m) strays by at least `steps`, without 1 − x. */
function pathTail(n: number, m: number, steps: number): number {
  const row = new Float64Array(m + 1);
  for (let i = 0; i <= n; i++) {
    for (let j = 0; j <= m; j++) {
      if (Math.abs(i * m - j * n) >= steps) row[j] = 1;
      else if (i + j === 0) row[j] = 0;
      else row[j] = (i * row[j]! + (j > 0 ? j * row[j - 1]! : 0)) / (i + j);
    }
  }
  return Math.min(1, row[m]!);
}

/** P(√n·D > x) in the limit: 2Σ(−1)^(k−1) exp(−2k²x²), or its theta-function dual where x is small. */
export function kolmogorovTail(x: number): number {
  if (Number.isNaN(x)) throw invalidArgument('x must be a number.', { x });
  if (x <= 0) return 1;
  if (x < 1) {
    let sum = 0;
    for (let k = 1; k <= 19; k += 2) sum += Math.exp((-k * k * Math.PI * Math.PI) / (8 * x * x));
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  let sum = 0;
  for (let k = 1; k <= 10; k++) sum += (k % 2 === 1 ? 1 : -1) * Math.exp(-2 * k * k * x * x);
  return Math.min(1, 2 * sum);
}

function limitTail(n: number, d: number): number {
  const x = d * Math.sqrt(n);
  return kolmogorovTail(x + 1 / (6 * Math.sqrt(n)) + (x - 1) / (4 * n));
}

function exactTail(n: number, d: number): number {
  if (d >= 1) return 0;
  if (n * d <= 0.5) return 1;
  if (n * d * d >= 4) return Math.min(1, 2 * smirnovTail(n, d));
  return Math.max(0, Math.min(1, 1 - matrixCdf(n, d)));
}

/** P(D⁺ ≥ d) exactly: d Σ_j C(n, j) (d + j/n)^(j−1) (1 − d − j/n)^(n−j) (Smirnov 1944). */
function smirnovTail(n: number, d: number): number {
  let sum = 0;
  for (let j = 0; j <= Math.floor(n * (1 - d)); j++) {
    const rest = 1 - d - j / n;
    if (rest <= 0) break;
    const logChoose = logGamma(n + 1) - logGamma(j + 1) - logGamma(n - j + 1);
    sum += Math.exp(logChoose + (j - 1) * Math.log(d + j / n) + (n - j) * Math.log(rest));
  }
  return Math.min(1, d * sum);
}

/** P(D < d) as n! / nⁿ times an entry of the n-th power of Durbin's matrix. */
function matrixCdf(n: number, d: number): number {
  const k = Math.floor(n * d) + 1;
  const size = 2 * k - 1;
  const h = k - n * d;
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) matrix[i * size + j] = i - j + 1 < 0 ? 0 : 1;
  for (let i = 0; i < size; i++) {
    matrix[i * size]! -= h ** (i + 1);
    matrix[(size - 1) * size + i]! -= h ** (size - i);
  }
  matrix[(size - 1) * size]! += 2 * h - 1 > 0 ? (2 * h - 1) ** size : 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      for (let g = 1; g <= i - j + 1; g++) matrix[i * size + j]! /= g;
    }
  }
  const { entries, exponent } = power(matrix, size, n);
  let value = entries[(k - 1) * size + k - 1]!;
  let scale = exponent;
  for (let i = 1; i <= n; i++) {
    value = (value * i) / n;
    if (value < 1e-140) {
      value *= 1e140;
      scale -= 140;
    }
  }
  return value * 10 ** scale;
}

/** matrix^n = entries · 10^exponent, rescaled on the way so that nothing overflows. */
function power(matrix: Float64Array, size: number, n: number): { entries: Float64Array; exponent: number } {
  if (n === 1) return { entries: matrix, exponent: 0 };
  const half = power(matrix, size, Math.floor(n / 2));
  let entries = multiply(half.entries, half.entries, size);
  let exponent = 2 * half.exponent;
  if (n % 2 === 1) entries = multiply(matrix, entries, size);
  if (entries[(size >> 1) * size + (size >> 1)]! > 1e140) {
    for (let i = 0; i < entries.length; i++) entries[i]! *= 1e-140;
    exponent += 140;
  }
  return { entries, exponent };
}

function multiply(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const product = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const factor = a[i * size + k]!;
      if (factor === 0) continue;
      for (let j = 0; j < size; j++) product[i * size + j]! += factor * b[k * size + j]!;
    }
  }
  return product;
}
