// By how much an aggregate may differ between the engine and a batch, as SQL beside the number itself: the rounding of sums by the size of
// what was added, that of functions whose last digit is the machine's, and what a sketch promises. What has no bound is exact.
import { frequencyError } from '../frequency-error.ts';
import { operandsOf } from '../operands.ts';
import type { Aggregate, Expression, Plan } from '../plan.ts';
import { aggregateSql, filteredSql, momentRows, passesOne, topSql } from './aggregate-sql.ts';
import { beyondBounds } from './alternatives-sql.ts';
import type { SqlRelation } from './column-type.ts';

/** Of a compensated sum, or an average: a few units in the last place of the sum of magnitudes. */
const sumShare = 9e-16;
/** A few units in the last place. */
export const lastDigits = 1e-15;
/** Of what is computed further from a value that is not exact. */
export const furtherShare = 1e-9;
const momentShare = 1e-12;
/** Four standard errors of a HyperLogLog with 4,096 registers. */
const distinctShare = 4 * 0.0162;
/** What DDSketch promises, and the last digits. */
const quantileShare = 0.01 + 1e-9;

/**
 * The share of the greatest magnitude of its sign below which a sketch no longer tells magnitudes apart: its 2,048 buckets are a span of
 * 17.7 decades, and what is smaller counts as the smallest in it.
 */
const quantileSpan = (0.99 / 1.01) ** 2046;

/** What a quantile that is exactly `value` may be off by; `least` and `greatest` are the extremes of the values. */
export function quantileBound(value: number, least: number, greatest: number): number {
  const smallest = quantileSpan * Math.abs(value < 0 ? least : greatest);
  return value !== 0 && Math.abs(value) < smallest ? smallest : quantileShare * Math.abs(value);
}

/** Functions that are exact to the last digit nowhere: each mathematical library rounds its own way. */
export const transcendental: ReadonlySet<string> = new Set([
  'pow',
  'cbrt',
  'exp',
  'ln',
  'log',
  'log2',
  'log10',
  'sin',
  'cos',
  'tan',
  'degrees',
  'radians',
]);

/** Fields of each source that are inexact numbers of a view below, with their shares. */
export type FieldShares = readonly ReadonlyMap<string, number>[];

export function fieldShares(
  plan: Plan,
  events: (stream: string, source: number) => SqlRelation,
): FieldShares {
  return plan.sources.map(({ stream }, at) => {
    const { columns } = events(stream, at);
    return new Map(columns.flatMap(({ name, share }) => (share === undefined ? [] : [[name, share]])));
  });
}

/** By which share of itself an expression over an event of a source may differ; 0 where it is exact. */
export function inexactness(expression: Expression, shares: FieldShares[number]): number {
  switch (expression.kind) {
    case 'field':
      return expression.path.length === 1 ? (shares.get(expression.path[0]!) ?? 0) : 0;
    case 'call': {
      const parts = Math.max(0, ...expression.args.map(arg => inexactness(arg, shares)));
      if (parts > 0) return furtherShare;
      return transcendental.has(expression.function) ? lastDigits : 0;
    }
    case 'case': {
      const values = [...expression.branches.map(({ value }) => value), expression.otherwise];
      return Math.max(...values.map(value => inexactness(value, shares)));
    }
    default:
      return 0;
  }
}

/** The same of a group, or the first argument of an aggregate; of a UNION ALL what any of the inputs makes of it. */
export const groupInexactness = ({ sources }: Plan, index: number, shares: FieldShares): number =>
  Math.max(...sources.map(({ groups }, at) => inexactness(groups[index]!, shares[at]!)));

const argumentInexactness = ({ sources }: Plan, index: number, shares: FieldShares): number =>
  Math.max(
    0,
    ...sources.flatMap(({ aggregates }, at) =>
      aggregates[index]!.args.slice(0, 1).map(arg => inexactness(arg, shares[at]!)),
    ),
  );

/** Aggregates that ask which values are the same, or between bounds. */
const telling: ReadonlySet<string> = new Set([
  'count_distinct',
  'approx_count_distinct',
  'approx_top_k',
  'approx_frequency',
  'histogram',
  'sample',
]);

/** Whether an output tells inexact numbers of a view below apart. */
export function tellsApart(plan: Plan, expression: Expression, shares: FieldShares): boolean {
  if (expression.kind === 'aggregate') {
    const { function: name } = plan.sources[0]!.aggregates[expression.index]!;
    return telling.has(name) && argumentInexactness(plan, expression.index, shares) > lastDigits;
  }
  return operandsOf(expression).some(operand => tellsApart(plan, operand, shares));
}

/** By which share of itself an output may differ, for a view that reads it; `drifted`: sums of whole numbers that are doubles by now. */
export function outputInexactness(
  plan: Plan,
  expression: Expression,
  shares: FieldShares,
  drifted: ReadonlySet<number>,
): number {
  const of = (part: Expression): boolean => outputInexactness(plan, part, shares, drifted) > 0;
  switch (expression.kind) {
    case 'group':
      return groupInexactness(plan, expression.index, shares);
    case 'aggregate': {
      const { function: name, args } = plan.sources[0]!.aggregates[expression.index]!;
      const isWhole = name === 'sum' && args[0]!.type === 'integer' && !drifted.has(expression.index);
      if (rounded.has(name)) return isWhole ? 0 : furtherShare;
      return passesOne.has(name) ? argumentInexactness(plan, expression.index, shares) : 0;
    }
    case 'call':
      return transcendental.has(expression.function) || expression.args.some(of) ? furtherShare : 0;
    case 'case':
      return [...expression.branches.map(({ value }) => value), expression.otherwise].some(of)
        ? furtherShare
        : 0;
    default:
      return 0;
  }
}

/** Aggregates of numbers that depend on the order in which they are added up. */
const rounded: ReadonlySet<string> = new Set([
  'sum',
  'avg',
  'var_pop',
  'var_samp',
  'stddev_pop',
  'stddev_samp',
  'covar_pop',
  'covar_samp',
  'corr',
]);

/** The bound of an aggregate over the columns of `_windowed`; for frequent items, and lists of quantiles, what they are compared with. */
export function aggregateBoundSql(
  plan: Plan,
  aggregate: Aggregate,
  index: number,
  drifted: boolean,
  shares: FieldShares,
): string | undefined {
  const [x, y] = [`_a${index}_0::DOUBLE`, `_a${index}_1::DOUBLE`];
  const filtered = (call: string, ...more: string[]) => filteredSql(aggregate, index, call, ...more);
  const share = argumentInexactness(plan, index, shares);
  switch (aggregate.function) {
    case 'sum':
      if (aggregate.args[0]!.type === 'integer' && !drifted) return undefined;
      // The sum of the magnitudes may be beyond doubles where the sum is not.
      return filtered(`sum(${sumShare + share} * abs(${x}))`);
    case 'avg':
      return filtered(`avg(${sumShare + share} * abs(${x}))`);
    case 'min':
    case 'max':
    case 'first':
    case 'last':
    case 'arg_min':
    case 'arg_max':
      return share === 0 || !['number', 'integer'].includes(aggregate.args[0]!.type)
        ? undefined
        : `${share} * abs(${aggregateSql(aggregate, index, false, drifted)})`;
    case 'var_pop':
    case 'var_samp':
    case 'stddev_pop':
    case 'stddev_samp':
    case 'covar_pop':
    case 'covar_samp':
    case 'corr': {
      const { small, others } = momentRows(aggregate, index);
      const moment = (call: string) => filtered(call, small);
      return `CASE WHEN ${others} = 0 THEN ${momentBound(aggregate.function, moment, x, y, share)} ELSE ${beyondBounds} END`;
    }
    case 'count_distinct':
      // From so many values on it is an estimate.
      return `CASE WHEN ${filtered(`count(DISTINCT _a${index}_0)`)} > 1048576 THEN ${4 * 0.0081} * ${filtered(`count(DISTINCT _a${index}_0)`)} ELSE 0 END`;
    case 'approx_count_distinct':
      return `greatest(2, ${distinctShare} * ${filtered(`count(DISTINCT _a${index}_0)`)})`;
    case 'approx_quantile': {
      const isInside = `isfinite(${x})`;
      const extremes = [filtered(`min(${x})`, isInside), filtered(`max(${x})`, isInside)] as const;
      if (Array.isArray(aggregate.parameters[0])) return `[${extremes.join(', ')}]`;
      const exact = aggregateSql(aggregate, index, false, drifted);
      const smallest = `${quantileSpan} * abs(CASE WHEN ${exact} < 0 THEN ${extremes[0]} ELSE ${extremes[1]} END)`;
      return `CASE WHEN ${exact} <> 0 AND abs(${exact}) < ${smallest} THEN ${smallest} ELSE ${quantileShare} * abs(${exact}) END`;
    }
    case 'approx_frequency':
      return `${frequencyError(aggregate).share} * ${filtered(`count(_a${index}_0)`)}`;
    case 'approx_top_k': {
      const { places } = frequencyError(aggregate);
      return `{'events': ${filtered(`count(_a${index}_0)`)}, 'top': ${topSql(aggregate, index, places)}}`;
    }
    default:
      return undefined;
  }
}

/** Roundings of a running moment: they add up like a random walk. */
const stepsOf = (count: string): string => `(4 * sqrt(${count}) + 16) * 2.3e-16`;

function momentBound(
  name: Aggregate['function'],
  moment: (call: string) => string,
  x: string,
  y: string,
  share: number,
): string {
  switch (name) {
    case 'var_pop':
    case 'var_samp':
      return varianceBound(moment, x, share);
    case 'stddev_pop':
    case 'stddev_samp': {
      const bound = varianceBound(moment, x, share);
      const deviation = moment(`stddev_pop(${x})`);
      return `least(sqrt(${bound}), coalesce(${bound} / nullif(${deviation}, 0), sqrt(${bound})))`;
    }
    default: {
      const spread = (value: string) => moment(`stddev_pop(${value})`);
      const size = (value: string) => `sqrt(${moment(`avg(${value} * ${value})`)})`;
      const steps = stepsOf(moment(`count(${x})`));
      const bound =
        `2 * (${momentShare} * ${spread(x)} * ${spread(y)} + ` +
        `${steps} * (${spread(x)} * ${size(y)} + ${size(x)} * ${spread(y)}) + ${steps} * ${steps} * ${size(x)} * ${size(y)})`;
      return name === 'corr' ? `(${bound}) / nullif(${spread(x)} * ${spread(y)}, 0)` : `(${bound})`;
    }
  }
}

/** A running variance loses digits where the mean is far from zero and the spread small. */
function varianceBound(filtered: (call: string) => string, x: string, share: number): string {
  const steps = stepsOf(filtered(`count(${x})`));
  const variance = filtered(`var_pop(${x})`);
  const square = filtered(`avg(${x} * ${x})`);
  // The product of the two would overflow from 1e77 on.
  const mean = `sqrt(${variance}) * sqrt(${square})`;
  return `2 * (${momentShare} * ${variance} + ${steps} * ${mean} + (${steps} * ${steps} + ${4 * share}) * ${square})`;
}
