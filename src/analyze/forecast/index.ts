// Forecasts with intervals. docs/forecasting.md says when to use which.
export {
  type Accuracy,
  accuracy,
  coverage,
  type ForecastCase,
  mase,
  naive2,
  naiveScale,
  smape,
} from './accuracy.ts';
export { Autoregression, type AutoregressionOptions } from './autoregression.ts';
export {
  type Choice,
  type ChoiceOptions,
  chooseForecaster,
  deserializeForecaster,
  fitForecaster,
  forecasterNames,
} from './choose-forecaster.ts';
export {
  ExponentialSmoothing,
  type SmoothingOptions,
  type SmoothingParameters,
} from './exponential-smoothing.ts';
export { type Forecast, type Forecaster, forecasterKind } from './forecaster.ts';
export { type HarmonicOptions, HarmonicRegression } from './harmonic-regression.ts';
export { type Minimum, type NelderMeadOptions, nelderMead } from './nelder-mead.ts';
export { SeasonalNaive } from './seasonal-naive.ts';
export { autocorrelation, isSeasonal, seasonalIndices } from './seasonality.ts';
export { Theta } from './theta.ts';
