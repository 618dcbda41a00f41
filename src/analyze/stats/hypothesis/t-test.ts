// Student's t in its four forms, Welch's by default for two samples: it costs nothing where variances are
// equal and errs nowhere when they are not (Ruxton 2006). Each takes raw numbers or streamed Moments.
import { invalidArgument, requireFinite, requireSize } from '../argument.ts';
import { studentT } from '../distributions.ts';
import { Moments, momentsOf, type Sample } from '../moment/moments.ts';
import { type EstimateResult, symmetricInterval, symmetricPValue, type TestOptions } from './test-result.ts';

export interface TTestResult extends EstimateResult {
  degreesOfFreedom: number;
}

function conclude(
  method: string,
  estimate: number,
  nullValue: number,
  standardError: number,
  degreesOfFreedom: number,
  { alternative = 'two-sided', confidence = 0.95 }: TestOptions,
): TTestResult {
  const t = {
    cdf: (x: number) => studentT.cdf(x, degreesOfFreedom),
    survival: (x: number) => studentT.survival(x, degreesOfFreedom),
    quantile: (p: number) => studentT.quantile(p, degreesOfFreedom),
  };
  const difference = estimate - nullValue;
  // Without any variation the answer is certain either way; 0/0 would be NaN.
  const statistic = difference === 0 ? 0 : difference / standardError;
  return {
    method,
    statistic,
    pValue: symmetricPValue(statistic, alternative, t),
    estimate,
    standardError,
    degreesOfFreedom,
    interval: symmetricInterval(estimate, standardError, alternative, confidence, t),
  };
}

/** Is the mean of `sample` (≥ 2 values) equal to `mean`? O(n), or O(1) from Moments. */
export function tTestOneSample(sample: Sample, mean = 0, options: TestOptions = {}): TTestResult {
  const moments = momentsOf(sample);
  requireSize('sample', moments.count, 2);
  requireFinite('mean', mean);
  return conclude('one-sample t', moments.mean, mean, moments.standardError, moments.count - 1, options);
}

/** Is the mean of a[i] − b[i] equal to 0? Equal lengths, ≥ 2 pairs. */
export function tTestPaired(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: TestOptions = {},
): TTestResult {
  if (a.length !== b.length) {
    throw invalidArgument('Paired samples must have equal lengths.', { a: a.length, b: b.length });
  }
  const differences = Moments.of(Array.from(a, (value, i) => value - b[i]!));
  return { ...tTestOneSample(differences, 0, options), method: 'paired t' };
}

/** Welch's test of mean(a) − mean(b) = 0; variances may differ. Needs ≥ 2 values each. */
export function tTestWelch(a: Sample, b: Sample, options: TestOptions = {}): TTestResult {
  const [x, y] = bothMoments(a, b);
  const [u, v] = [x.variance / x.count, y.variance / y.count];
  // Satterthwaite; with no variation at all any number of degrees of freedom says the same.
  const share = u / (u + v);
  const df =
    u + v === 0 ? x.count + y.count - 2 : 1 / (share ** 2 / (x.count - 1) + (1 - share) ** 2 / (y.count - 1));
  return conclude("Welch's t", x.mean - y.mean, 0, Math.sqrt(u + v), df, options);
}

/** Student's test of mean(a) − mean(b) = 0, which supposes equal variances. Needs ≥ 2 values each. */
export function tTestStudent(a: Sample, b: Sample, options: TestOptions = {}): TTestResult {
  const [x, y] = bothMoments(a, b);
  const df = x.count + y.count - 2;
  const pooled = (x.sumOfSquares + y.sumOfSquares) / df;
  return conclude(
    "Student's t",
    x.mean - y.mean,
    0,
    Math.sqrt(pooled * (1 / x.count + 1 / y.count)),
    df,
    options,
  );
}

function bothMoments(a: Sample, b: Sample): [Moments, Moments] {
  const [x, y] = [momentsOf(a), momentsOf(b)];
  requireSize('a', x.count, 2);
  requireSize('b', y.count, 2);
  return [x, y];
}
