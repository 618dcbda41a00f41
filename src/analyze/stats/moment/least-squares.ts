// Least squares by Householder QR of the column-scaled design, then Björck's refinement of solution and
// residual together with residuals in doubled precision: coefficients right to nearly the last digit even
// where the normal equations would have none left.
import { MillraceError } from '../../../core/errors.ts';

/** Column-major design of `rows` × `columns`; `low` holds what rounding the entries to doubles lost, if known. */
export interface Design {
  rows: number;
  columns: number;
  high: Float64Array;
  low?: Float64Array;
}

export interface LeastSquares {
  coefficients: Float64Array;
  residuals: Float64Array;
  /** Upper triangle of the inverse of R in original units, column-major: (XᵀX)⁻¹ = R⁻¹R⁻ᵀ. */
  inverseR: Float64Array;
}

/**
 * min ‖y − Xb‖. Needs rows ≥ columns ≥ 1. Throws `rank-deficient` with the column that depends on those
 * before it. 2np² operations for the factor and 8np a refinement step (at most 12).
 */
export function leastSquares(design: Design, y: ArrayLike<number>): LeastSquares {
  const { rows: n, columns: p } = design;
  const scale = columnScales(design);
  const q = new Float64Array(n * p);
  for (let j = 0; j < p; j++) for (let i = 0; i < n; i++) q[j * n + i] = design.high[j * n + i]! * scale[j]!;
  const { diagonal, factors } = factor(q, n, p);

  const x = new Float64Array(p);
  const r = new Float64Array(n);
  const f = Float64Array.from(y);
  const g = new Float64Array(p);
  let previous = Infinity;
  for (let step = 0; step < 12; step++) {
    const [dx, dr] = solveAugmented(q, diagonal, factors, n, p, f, g);
    const size = relativeSize(dx, x, scale);
    // Once a step no longer helps it is rounding noise: the last iterate stands.
    if (step > 1 && !(size < previous / 2)) break;
    for (let j = 0; j < p; j++) x[j]! += dx[j]! * scale[j]!;
    for (let i = 0; i < n; i++) r[i]! += dr[i]!;
    if (step > 0 && size < Number.EPSILON) break;
    if (step > 0) previous = size;
    residuals(design, scale, y, x, r, f, g);
  }
  return { coefficients: x, residuals: r, inverseR: invertR(q, diagonal, scale, n, p) };
}

/** Powers of two that bring each column's largest entry into [0.5, 1): scaling without rounding. */
function columnScales({ rows, columns, high }: Design): Float64Array {
  const scale = new Float64Array(columns);
  for (let j = 0; j < columns; j++) {
    let largest = 0;
    for (let i = 0; i < rows; i++) largest = Math.max(largest, Math.abs(high[j * rows + i]!));
    scale[j] = largest === 0 ? 1 : 2 ** -(Math.floor(Math.log2(largest)) + 1);
  }
  return scale;
}

/** Overwrites `q` with the Householder vectors below and R above the diagonal; R's diagonal apart. */
function factor(q: Float64Array, n: number, p: number) {
  const diagonal = new Float64Array(p);
  const factors = new Float64Array(p);
  for (let j = 0; j < p; j++) {
    const at = j * n;
    // Entries are below 1 by the scaling, so squares cannot overflow.
    let above = 0;
    for (let i = 0; i < j; i++) above += q[at + i]! ** 2;
    let below = 0;
    for (let i = j; i < n; i++) below += q[at + i]! ** 2;
    const norm = Math.sqrt(below);
    const whole = Math.sqrt(above + below);
    if (!(norm > whole * 1e-15 * Math.sqrt(n))) {
      throw new MillraceError('rank-deficient', `Column ${j} is a combination of the columns before it.`, {
        status: 400,
        remedy: 'Leave the column out.',
        context: { column: j },
      });
    }
    const head = q[at + j]!;
    const pivot = head > 0 ? -norm : norm;
    q[at + j] = head - pivot;
    factors[j] = -1 / (pivot * (head - pivot));
    diagonal[j] = pivot;
    for (let k = j + 1; k < p; k++) reflect(q, j, factors[j]!, n, q, k * n);
  }
  return { diagonal, factors };
}

function reflect(
  q: Float64Array,
  j: number,
  factor: number,
  n: number,
  target: Float64Array,
  offset: number,
): void {
  let dot = 0;
  for (let i = j; i < n; i++) dot += q[j * n + i]! * target[offset + i]!;
  dot *= factor;
  for (let i = j; i < n; i++) target[offset + i]! -= dot * q[j * n + i]!;
}

/** Solves r + Ax = f, Aᵀr = g from the factors. */
function solveAugmented(
  q: Float64Array,
  diagonal: Float64Array,
  factors: Float64Array,
  n: number,
  p: number,
  f: Float64Array,
  g: Float64Array,
): [x: Float64Array, r: Float64Array] {
  const h = new Float64Array(p);
  for (let j = 0; j < p; j++) {
    let sum = g[j]!;
    for (let k = 0; k < j; k++) sum -= q[j * n + k]! * h[k]!;
    h[j] = sum / diagonal[j]!;
  }
  const r = f.slice();
  for (let j = 0; j < p; j++) reflect(q, j, factors[j]!, n, r, 0);
  const x = new Float64Array(p);
  for (let j = p - 1; j >= 0; j--) {
    let sum = r[j]! - h[j]!;
    for (let k = j + 1; k < p; k++) sum -= q[k * n + j]! * x[k]!;
    x[j] = sum / diagonal[j]!;
  }
  r.set(h);
  for (let j = p - 1; j >= 0; j--) reflect(q, j, factors[j]!, n, r, 0);
  return [x, r];
}

const splitter = 134217729;

/** The rounding error of a·b (Dekker 1971): a·b = fl(a·b) + error exactly, barring overflow. */
export function roundingErrorOfProduct(a: number, b: number): number {
  const ca = splitter * a;
  const aHigh = ca - (ca - a);
  const aLow = a - aHigh;
  const cb = splitter * b;
  const bHigh = cb - (cb - b);
  const bLow = b - bHigh;
  return aLow * bLow - (a * b - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** f = y − r − Xb and g = −Aᵀr (A the scaled X), each dot product as if in twice the precision. */
function residuals(
  design: Design,
  scale: Float64Array,
  y: ArrayLike<number>,
  x: Float64Array,
  r: Float64Array,
  f: Float64Array,
  g: Float64Array,
): void {
  const { rows: n, columns: p, high, low } = design;
  const small = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    f[i] = y[i]! - r[i]!;
    const back = f[i]! - y[i]!;
    small[i] = y[i]! - (f[i]! - back) + (-r[i]! - back);
  }
  for (let j = 0; j < p; j++) {
    let sum = 0;
    let error = 0;
    for (let i = 0; i < n; i++) {
      const at = j * n + i;
      const a = high[at]!;
      const lost = low ? low[at]! : 0;
      const product = -a * x[j]!;
      const before = f[i]!;
      const total = before + product;
      const back = total - before;
      small[i]! +=
        before - (total - back) + (product - back) - roundingErrorOfProduct(a, x[j]!) - lost * x[j]!;
      f[i] = total;
      const term = -a * r[i]!;
      const next = sum + term;
      const returned = next - sum;
      error += sum - (next - returned) + (term - returned) - roundingErrorOfProduct(a, r[i]!) - lost * r[i]!;
      sum = next;
    }
    g[j] = (sum + error) * scale[j]!;
  }
  for (let i = 0; i < n; i++) f[i]! += small[i]!;
}

function relativeSize(dx: Float64Array, x: Float64Array, scale: Float64Array): number {
  let size = 0;
  for (let j = 0; j < dx.length; j++) {
    const change = Math.abs(dx[j]! * scale[j]!);
    if (change > 0) size = Math.max(size, change / Math.max(Math.abs(x[j]!), change));
  }
  return size;
}

function invertR(q: Float64Array, diagonal: Float64Array, scale: Float64Array, n: number, p: number) {
  const inverse = new Float64Array(p * p);
  for (let k = 0; k < p; k++) {
    for (let j = k; j >= 0; j--) {
      let sum = j === k ? 1 : 0;
      for (let m = j + 1; m <= k; m++) sum -= q[m * n + j]! * inverse[k * p + m]!;
      inverse[k * p + j] = sum / diagonal[j]!;
    }
  }
  for (let k = 0; k < p; k++) for (let j = 0; j < p; j++) inverse[k * p + j]! *= scale[j]!;
  return inverse;
}
