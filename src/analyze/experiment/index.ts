// The public surface of millrace/analyze's experiments: an explicit list.
export {
  analyzeExperiment,
  type ExperimentPlan,
  type ExperimentResult,
} from './analyze-experiment.ts';
export {
  type Assigner,
  type AssignmentRule,
  createAssigner,
  unitFraction,
  type VariantShare,
} from './assignment.ts';
export { type Comparison, compareVariants, type Difference, type Effect, type Verdict } from './compare.ts';
export type { Decision, Reason } from './decide.ts';
export { ExperimentData } from './experiment-data.ts';
export {
  collectUnits,
  type ExposedUnits,
  type Exposure,
  type ExposureRule,
  type Observation,
} from './exposure.ts';
export { type Allocation, createAllocator, type Layer, type LayerSlot } from './layer.ts';
export { type Metric, type MetricSummary, type MetricValue, summarizeMetric } from './metric.ts';
export { type PlanAnswer, type PlanQuestion, planExperiment } from './plan-experiment.ts';
export type { StoppingRule } from './stopping-rule.ts';
