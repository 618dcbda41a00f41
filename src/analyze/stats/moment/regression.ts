// Multiple linear regression with what one wants to know of it: coefficients, their errors and p-values,
// fit, and predictions with intervals. Exact to ≥ 9 digits on NIST StRD's linear sets.
import { invalidArgument, requireFinite, requireProbability, requireWhole } from '../argument.ts';
import { fisherF, studentT } from '../distributions.ts';
import { type Design, leastSquares, roundingErrorOfProduct } from './least-squares.ts';
import { Moments } from './moments.ts';

export interface Coefficient {
  estimate: number;
  standardError: number;
  /** estimate / standardError. */
  t: number;
  /** Two-sided, of the coefficient being 0. */
  pValue: number;
}

export interface Prediction {
  estimate: number;
  /** For the mean at this point. */
  interval: [low: number, high: number];
  /** For one further observation at this point. */
  predictionInterval: [low: number, high: number];
}

export interface Regression {
  /** The intercept first, where there is one; then one a column. */
  coefficients: Coefficient[];
  residuals: Float64Array;
  /** √(Σ residual² / degrees of freedom). */
  residualDeviation: number;
  degreesOfFreedom: number;
  /** About the mean with an intercept, about 0 without (as NIST and R have it); 1 where y never varied. */
  rSquared: number;
  adjustedRSquared: number;
  /** Of all coefficients but the intercept being 0. */
  fStatistic: number;
  fPValue: number;
  /** At one row of predictors (for a polynomial: [x]); `confidence` in (0, 1). */
  predict(row: ArrayLike<number>, confidence?: number): Prediction;
}

/**
 * Least squares of `y` (n finite numbers) on `rows` (n rows of the same number of finite predictors). Needs
 * more rows than coefficients. Throws `invalid-argument`, or `rank-deficient` naming the column at fault.
 * O(n·p²) time, O(n·p) memory.
 */
export function linearRegression(
  rows: ArrayLike<ArrayLike<number>>,
  y: ArrayLike<number>,
  options: { intercept?: boolean } = {},
): Regression {
  const intercept = options.intercept ?? true;
  const n = rows.length;
  const predictors = n > 0 ? rows[0]!.length : 0;
  const columns = predictors + (intercept ? 1 : 0);
  checkShape(n, y.length, columns);
  const high = new Float64Array(n * columns).fill(1);
  for (let i = 0; i < n; i++) {
    if (rows[i]!.length !== predictors) throw invalidArgument('Rows must have equal lengths.', { row: i });
    for (let j = 0; j < predictors; j++) {
      requireFinite(`rows[${i}][${j}]`, rows[i]![j]!);
      high[(j + columns - predictors) * n + i] = rows[i]![j]!;
    }
  }
  const expand = (row: ArrayLike<number>): number[] => {
    if (row.length !== predictors) throw invalidArgument('The row has another length.', { predictors });
    return intercept ? [1, ...Array.from(row)] : Array.from(row);
  };
  return summarize({ rows: n, columns, high }, y, intercept, expand);
}

/**
 * y = b₀ + b₁x + … + b_d x^d. Powers are carried in doubled precision, which is what a high degree needs
 * (NIST's Filip, degree 10, has no digit to give away).
 */
export function polynomialRegression(x: ArrayLike<number>, y: ArrayLike<number>, degree: number): Regression {
  requireWhole('degree', degree, 1);
  const n = x.length;
  const columns = degree + 1;
  checkShape(n, y.length, columns);
  const high = new Float64Array(n * columns).fill(1);
  const low = new Float64Array(n * columns);
  for (let i = 0; i < n; i++) {
    requireFinite(`x[${i}]`, x[i]!);
    for (let j = 1; j < columns; j++) {
      const before = (j - 1) * n + i;
      high[j * n + i] = high[before]! * x[i]!;
      low[j * n + i] = roundingErrorOfProduct(high[before]!, x[i]!) + low[before]! * x[i]!;
    }
  }
  const expand = (row: ArrayLike<number>): number[] => {
    if (row.length !== 1) throw invalidArgument('The row of a polynomial is [x].', { length: row.length });
    return Array.from({ length: columns }, (_, j) => row[0]! ** j);
  };
  return summarize({ rows: n, columns, high, low }, y, true, expand);
}

function checkShape(rows: number, responses: number, columns: number): void {
  if (rows !== responses) throw invalidArgument('x and y must have equal lengths.', { rows, responses });
  if (columns < 1 || rows <= columns) {
    throw invalidArgument('A regression needs more rows than coefficients.', { rows, columns });
  }
}

function summarize(
  design: Design,
  y: ArrayLike<number>,
  intercept: boolean,
  expand: (row: ArrayLike<number>) => number[],
): Regression {
  for (let i = 0; i < y.length; i++) requireFinite(`y[${i}]`, y[i]!);
  const { rows: n, columns: p } = design;
  const { coefficients: b, residuals, inverseR } = leastSquares(design, y);
  const degreesOfFreedom = n - p;
  let residualSquares = 0;
  for (const residual of residuals) residualSquares += residual * residual;
  const about = Moments.of(y);
  const totalSquares = about.sumOfSquares + (intercept ? 0 : n * about.mean ** 2);
  const residualDeviation = Math.sqrt(residualSquares / degreesOfFreedom);
  const coefficients = Array.from(b, (estimate, j): Coefficient => {
    let squares = 0;
    for (let k = j; k < p; k++) squares += inverseR[k * p + j]! ** 2;
    const standardError = residualDeviation * Math.sqrt(squares);
    const t = estimate === 0 ? 0 : estimate / standardError;
    return { estimate, standardError, t, pValue: 2 * studentT.survival(Math.abs(t), degreesOfFreedom) };
  });
  const model = p - (intercept ? 1 : 0);
  const explained = totalSquares - residualSquares;
  const fStatistic = explained === 0 ? 0 : explained / model / (residualSquares / degreesOfFreedom);
  const rSquared = totalSquares === 0 ? 1 : 1 - residualSquares / totalSquares;
  return {
    coefficients,
    residuals,
    residualDeviation,
    degreesOfFreedom,
    rSquared,
    adjustedRSquared: 1 - ((1 - rSquared) * (n - (intercept ? 1 : 0))) / degreesOfFreedom,
    fStatistic,
    fPValue: model > 0 ? fisherF.survival(fStatistic, model, degreesOfFreedom) : Number.NaN,
    predict(row, confidence = 0.95) {
      requireProbability('confidence', confidence);
      for (let j = 0; j < row.length; j++) requireFinite(`row[${j}]`, row[j]!);
      const at = expand(row);
      let estimate = 0;
      for (let j = 0; j < p; j++) estimate += at[j]! * b[j]!;
      let leverage = 0;
      for (let k = 0; k < p; k++) {
        let sum = 0;
        for (let j = 0; j <= k; j++) sum += at[j]! * inverseR[k * p + j]!;
        leverage += sum * sum;
      }
      const t = studentT.quantile(0.5 + confidence / 2, degreesOfFreedom) * residualDeviation;
      const mean = t * Math.sqrt(leverage);
      const single = t * Math.sqrt(1 + leverage);
      return {
        estimate,
        interval: [estimate - mean, estimate + mean],
        predictionInterval: [estimate - single, estimate + single],
      };
    },
  };
}
