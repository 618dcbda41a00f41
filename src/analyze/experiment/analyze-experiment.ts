// The answer to an experiment: was it sound, which variant wins, by how much, and may one stop now. The order is
// fixed: the sample ratio first, guard rails before gains.
import { invalidArgument, requireProbability, requireWhole } from '../stats/argument.ts';
import { adjustPValues } from '../stats/hypothesis/multiple-comparisons.ts';
import type { Moments } from '../stats/moment/moments.ts';
import { type SampleRatioResult, sampleRatio } from '../stats/sequential/sample-ratio.ts';
import { type Comparison, compareVariants, type Effect, type Verdict } from './compare.ts';
import { type Decision, decide } from './decide.ts';
import type { ExperimentData } from './experiment-data.ts';
import { type Metric, summarizeMetric } from './metric.ts';
import { checkRule, isLastLook, pValueAt, reachInErrors, type StoppingRule } from './stopping-rule.ts';

export interface ExperimentPlan {
  rule: StoppingRule;
  /** The weights units were assigned by, in the order of the data's variants; equal unless given. */
  weights?: readonly number[];
  /** Chance of a false claim on the primary metric, over all variants and looks; 0.05 unless given. */
  alpha?: number;
  /** Below this sequential p-value the sample ratio counts as broken; 0.001 unless given. */
  sampleRatioAlpha?: number;
  /** No judgement before every variant has this many units; 100 unless given. */
  unitsMin?: number;
  /** Nor before every variant has this many 1s and 0s of each proportion; 30 unless given. */
  eventsMin?: number;
}

export interface ExperimentResult {
  units: Record<string, number>;
  sampleRatio: SampleRatioResult & { sound: boolean };
  /**
   * Variant by variant, metric by metric, each against the first variant. Empty before there is enough data; a
   * secondary rate appears once it has its events.
   */
  comparisons: Comparison[];
  decision: Decision;
  /** 1 − alpha shared among the variants: that of every interval here. */
  confidence: number;
}

/**
 * Judges the data as they are now. Exactly one metric must be primary. Intervals hold together over all
 * variants (Bonferroni) and, for `always-valid` and `group-sequential`, over all looks. O(variants² + metrics).
 */
export function analyzeExperiment(data: ExperimentData, plan: ExperimentPlan): ExperimentResult {
  const { rule, alpha = 0.05, sampleRatioAlpha = 0.001, unitsMin = 100, eventsMin = 30 } = plan;
  checkPlan(data, plan);
  const weights = plan.weights ?? data.variants.map(() => 1);
  const ratio = sampleRatio(data.units, weights);
  const sound = ratio.sequentialPValue > sampleRatioAlpha;
  const share = alpha / (data.variants.length - 1);
  const total = data.units.reduce((sum, count) => sum + count, 0);
  const missing = lacking(data, unitsMin, eventsMin);
  const enough = missing === undefined;
  const comparisons = enough ? compareAll(data, rule, total, share, eventsMin) : [];
  return {
    units: Object.fromEntries(data.variants.map((name, v) => [name, data.units[v]!])),
    sampleRatio: { ...ratio, sound },
    comparisons,
    confidence: 1 - share,
    decision: decide({
      sound,
      missing,
      comparisons,
      treatments: data.variants.slice(1),
      control: data.variants[0]!,
      primary: data.metrics.find(metric => metric.role === 'primary')!,
      last: isLastLook(rule, total),
      mayStopEarly: rule.kind !== 'fixed',
      separated: (a, b) => separated(data, rule, total, share, a, b),
    }),
  };
}

function checkPlan(data: ExperimentData, plan: ExperimentPlan): void {
  checkRule(plan.rule);
  requireProbability('alpha', plan.alpha ?? 0.05);
  requireProbability('sampleRatioAlpha', plan.sampleRatioAlpha ?? 0.001);
  requireWhole('unitsMin', plan.unitsMin ?? 100, 2);
  requireWhole('eventsMin', plan.eventsMin ?? 30, 0);
  const primaries = data.metrics.filter(metric => metric.role === 'primary').length;
  if (primaries !== 1) throw invalidArgument('Exactly one metric must be primary.', { primaries });
  if (plan.weights && plan.weights.length !== data.variants.length) {
    throw invalidArgument('There must be one weight a variant.', { weights: plan.weights });
  }
}

/** What keeps the normal approximation from being trusted yet, in words; undefined when nothing does. */
function lacking(data: ExperimentData, unitsMin: number, eventsMin: number): string | undefined {
  const few = data.variants.find((_, v) => data.units[v]! < unitsMin);
  if (few !== undefined) return `${few} has fewer than ${unitsMin} units.`;
  for (const [m, metric] of data.metrics.entries()) {
    if (metric.role === 'secondary') continue;
    const rare = data.variants.find((_, v) => isRare(data, v, m, eventsMin));
    if (rare !== undefined) return `${rare} has fewer than ${eventsMin} 1s or 0s of ${metric.name}.`;
  }
  return undefined;
}

function isRare(data: ExperimentData, v: number, m: number, eventsMin: number): boolean {
  const { count, meanY } = data.accumulators[v]![m]!;
  // Half an event of slack for the rounding of count × mean.
  return data.metrics[m]!.kind === 'proportion' && Math.min(meanY, 1 - meanY) * count < eventsMin - 0.5;
}

function summariesOf(data: ExperimentData, m: number): { variants: Moments[]; varianceReduction: number } {
  return summarizeMetric(
    data.metrics[m]!,
    data.accumulators.map(row => row[m]!),
  );
}

function compareAll(
  data: ExperimentData,
  rule: StoppingRule,
  total: number,
  alpha: number,
  eventsMin: number,
): Comparison[] {
  const twoSided = reachInErrors(rule, total, alpha, 'two-sided');
  const oneSided = reachInErrors(rule, total, alpha, 'one-sided');
  const byMetric = data.metrics.map((metric, m) => {
    if (data.variants.some((_, v) => isRare(data, v, m, eventsMin))) return [];
    const { variants, varianceReduction } = summariesOf(data, m);
    return variants.slice(1).map((variant, t): Comparison => {
      const control = variants[0]!;
      const difference = compareVariants(control, variant, twoSided);
      const pValue = pValueAt(rule, difference.absolute.estimate, difference.standardError, total, alpha);
      const guard = compareVariants(control, variant, oneSided).relative;
      return {
        metric: metric.name,
        role: metric.role,
        variant: data.variants[t + 1]!,
        controlValue: control.mean,
        variantValue: variant.mean,
        absolute: difference.absolute,
        relative: difference.relative,
        pValue,
        adjustedPValue: pValue,
        verdict:
          metric.role === 'guardrail' ? guardVerdict(metric, guard) : verdict(metric, difference.absolute),
        varianceReduction,
      };
    });
  });
  const comparisons = data.variants.slice(1).flatMap((_, t) => byMetric.flatMap(of => of.slice(t, t + 1)));
  const secondary = comparisons.filter(({ role }) => role === 'secondary');
  const adjusted = adjustPValues(
    secondary.map(({ pValue }) => pValue),
    'benjamini-hochberg',
  );
  secondary.forEach((comparison, i) => {
    comparison.adjustedPValue = adjusted[i]!;
  });
  return comparisons;
}

function verdict({ better = 'higher' }: Metric, { interval: [low, high] }: Effect): Verdict {
  if (low <= 0 && high >= 0) return 'unclear';
  return low > 0 === (better === 'higher') ? 'better' : 'worse';
}

/** Non-inferiority and its opposite, each one-sided: the loss against the margin. */
function guardVerdict({ better = 'higher', margin = 0 }: Metric, { interval: [low, high] }: Effect): Verdict {
  const [lossLow, lossHigh] = better === 'higher' ? [-high, -low] : [low, high];
  if (lossHigh < margin) return 'safe';
  return lossLow > margin ? 'harmed' : 'unclear';
}

/** Whether two variants differ on the primary metric by more than their interval. */
function separated(
  data: ExperimentData,
  rule: StoppingRule,
  total: number,
  alpha: number,
  a: string,
  b: string,
): boolean {
  const primary = data.metrics.findIndex(metric => metric.role === 'primary');
  const { variants } = summariesOf(data, primary);
  const [x, y] = [variants[data.variants.indexOf(a)]!, variants[data.variants.indexOf(b)]!];
  const reach = reachInErrors(rule, total, alpha, 'two-sided');
  const [low, high] = compareVariants(x, y, reach).absolute.interval;
  return low > 0 || high < 0;
}
