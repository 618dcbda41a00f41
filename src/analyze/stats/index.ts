// The public surface of millrace/analyze's statistics: an explicit list.
export {
  beta,
  binomial,
  chiSquare,
  fisherF,
  gamma,
  hypergeometric,
  normal,
  poisson,
  studentT,
} from './distributions.ts';
export {
  type BootstrapOptions,
  type BootstrapResult,
  bootstrapDifference,
  bootstrapInterval,
  type Statistic,
} from './estimate/bootstrap.ts';
export {
  cliffDelta,
  cohenD,
  cohenH,
  cramerV,
  hedgesG,
  type StandardizedDifference,
} from './estimate/effect-size.ts';
export { noncentralTCdf } from './estimate/noncentral-t.ts';
export {
  type ProportionPowerOptions,
  proportionPower,
  proportionSampleSize,
  type TPowerOptions,
  tTestPower,
  tTestSampleSize,
} from './estimate/power.ts';
export {
  clopperPearsonInterval,
  newcombeInterval,
  type Proportion,
  wilsonInterval,
} from './estimate/proportion-interval.ts';
export { type AnovaResult, levene, type OneWayResult, oneWayAnova, welchAnova } from './hypothesis/anova.ts';
export {
  type ChiSquareResult,
  chiSquareGoodnessOfFit,
  chiSquareIndependence,
} from './hypothesis/chi-square-test.ts';
export { type CorrelationResult, pearsonCorrelation, spearmanCorrelation } from './hypothesis/correlation.ts';
export { type FisherResult, fisherExact } from './hypothesis/fisher-exact.ts';
export {
  kolmogorovSmirnov,
  kolmogorovSmirnovTwoSample,
  kolmogorovTail,
} from './hypothesis/kolmogorov-smirnov.ts';
export {
  type MannWhitneyResult,
  mannWhitney,
  type RankOptions,
  wilcoxonSignedRank,
} from './hypothesis/mann-whitney.ts';
export { adjustPValues, type Correction } from './hypothesis/multiple-comparisons.ts';
export {
  type PoissonCount,
  type PoissonRateResult,
  poissonRateInterval,
  poissonRateTest,
} from './hypothesis/poisson-rate-test.ts';
export { proportionTest, twoProportionTest } from './hypothesis/proportion-test.ts';
export {
  type TTestResult,
  tTestOneSample,
  tTestPaired,
  tTestStudent,
  tTestWelch,
} from './hypothesis/t-test.ts';
export type {
  Alternative,
  EstimateResult,
  Interval,
  TestOptions,
  TestResult,
} from './hypothesis/test-result.ts';
export { CompensatedSum } from './moment/compensated-sum.ts';
export { Covariance } from './moment/covariance.ts';
export { ExponentiallyWeighted, ExponentiallyWeightedCovariance } from './moment/exponentially-weighted.ts';
export { Moments, type Sample } from './moment/moments.ts';
export {
  type Coefficient,
  linearRegression,
  type Prediction,
  polynomialRegression,
  type Regression,
} from './moment/regression.ts';
export { SlidingCovariance, SlidingMoments } from './moment/sliding-moments.ts';
export type { SlidingOptions } from './moment/sliding-window.ts';
export { StreamingRegression } from './moment/streaming-regression.ts';
export {
  asymptoticReach,
  bernoulliSequence,
  differenceSequence,
  meanSequence,
  type SequenceOptions,
  subGaussianSequence,
} from './sequential/confidence-sequence.ts';
export { type CupedResult, cuped } from './sequential/cuped.ts';
export { EmpiricalBernstein } from './sequential/empirical-bernstein.ts';
export {
  type BoundaryKind,
  type ExitProbabilities,
  exitProbabilities,
  type GroupSequentialLook,
  type GroupSequentialOptions,
  groupSequentialBoundaries,
  groupSequentialPlan,
} from './sequential/group-sequential.ts';
export {
  bestRho,
  betaBinomialBound,
  betaBinomialLogMixture,
  gammaExponentialBound,
  gammaExponentialLogMixture,
  gammaPoissonBound,
  gammaPoissonLogMixture,
  normalLogMixture,
  normalMixtureBound,
  type Sides,
} from './sequential/mixture-boundary.ts';
export {
  AlwaysValidPValue,
  type MixtureSprtResult,
  mixtureSprt,
  mixtureSprtBinomial,
  mixtureSprtMeans,
  mixtureSprtProportions,
  type SprtOptions,
} from './sequential/mixture-sprt.ts';
export { type SampleRatioResult, sampleRatio } from './sequential/sample-ratio.ts';
