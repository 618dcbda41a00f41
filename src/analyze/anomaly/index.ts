// Anomaly and change detection over streams. docs/detection.md says when to use which.
export { Adwin, type AdwinOptions } from './adwin.ts';
export { BayesianChangePoint, type BayesianChangePointOptions } from './bayesian-change-point.ts';
export { CombinedDetector, type CombinedOptions } from './combined-detector.ts';
export { Cusum, type CusumOptions, cusumRunLength, cusumTail } from './cusum.ts';
export { deserializeDetector } from './deserialize-detector.ts';
export { type Detector, detectorKind } from './detector.ts';
export { EwmaChart, type EwmaChartOptions } from './ewma-chart.ts';
export { HalfSpaceTrees, type HalfSpaceTreesOptions } from './half-space-trees.ts';
export { Kswin, type KswinOptions } from './kswin.ts';
export {
  bestNab,
  type LabelledSeries,
  type NabProfile,
  type NabScore,
  nabProfiles,
  probationRows,
  scoreNab,
  sweepNab,
} from './nab-scorer.ts';
export { PageHinkley, type PageHinkleyOptions } from './page-hinkley.ts';
export { RobustZ, type RobustZOptions } from './robust-z.ts';
export { type Expectation, SeasonalBaseline, type SeasonalBaselineOptions } from './seasonal-baseline.ts';
export { SelfStarting } from './self-starting.ts';
