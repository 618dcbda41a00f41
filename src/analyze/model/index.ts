// Models learned from a stream. docs/models.md says when to use which.
export { type FittedRegression, InformationRegression } from './information-regression.ts';
export { KalmanFilter, type KalmanModel } from './kalman-filter.ts';
export { CountNaiveBayes, GaussianNaiveBayes } from './naive-bayes.ts';
export {
  OnlineRegression,
  type OnlineRegressionOptions,
  type RegressionFamily,
} from './online-regression.ts';
export type { OptimizerOptions } from './optimizer.ts';
export {
  type OnlineLearner,
  type ProgressiveErrors,
  ProgressiveValidation,
} from './progressive-validation.ts';
export { RecursiveLeastSquares, type RecursiveLeastSquaresOptions } from './recursive-least-squares.ts';
export { type Centre, StreamingKMeans, type StreamingKMeansOptions } from './streaming-k-means.ts';
export { type PrincipalComponents, StreamingPca } from './streaming-pca.ts';
