// The aggregates of views: DuckDB's spellings, what each takes and gives, how its value is checked in SQL, and why others
// cannot be kept. All are mergeable; the approximate ones say so in their column.

import { sqlTypeOf } from '../functions/cast.ts';
import type { AggregateFunction, ScalarType } from '../plan.ts';

export interface AggregateRule {
  function: AggregateFunction;
  /** DuckDB's spellings; the first is the documented one. */
  names: readonly string[];
  /** The type each argument is used as; 'any' takes any scalar as it is. */
  args: readonly ScalarType[];
  /** Literal parameters after the arguments, by name. */
  parameters?: readonly ('fraction' | 'count' | 'value' | 'bounds')[];
  /** How many of the parameters may be left out. */
  optional?: number;
  /** The type as the engine sees it above the aggregation, and DuckDB's name for it. */
  type: (args: readonly ScalarType[]) => ScalarType;
  sqlType: (args: readonly ScalarType[], list: boolean) => string;
  approximate?: string;
  /** DISTINCT changes nothing (min, max, bool_and …). */
  distinctIsSame?: boolean;
}

const fixed = (type: ScalarType) => () => type;
const number = { type: fixed('number'), sqlType: () => 'DOUBLE' };
const same = {
  type: (args: readonly ScalarType[]) => args[0]!,
  sqlType: (args: readonly ScalarType[]) => sqlTypeOf(args[0]!),
};

export const aggregateRules: readonly AggregateRule[] = [
  {
    function: 'count',
    names: ['count', 'count_star'],
    args: ['any'],
    type: fixed('integer'),
    sqlType: () => 'BIGINT',
  },
  {
    function: 'count_if',
    names: ['count_if', 'countif'],
    args: ['boolean'],
    type: fixed('integer'),
    sqlType: () => 'HUGEINT',
  },
  {
    function: 'sum',
    names: ['sum', 'sum_no_overflow', 'fsum', 'kahan_sum', 'sumkahan'],
    args: ['number'],
    type: args => (args[0] === 'integer' ? 'integer' : 'number'),
    sqlType: args => (args[0] === 'integer' ? 'HUGEINT' : 'DOUBLE'),
  },
  { function: 'min', names: ['min'], args: ['any'], ...same, distinctIsSame: true },
  { function: 'max', names: ['max'], args: ['any'], ...same, distinctIsSame: true },
  { function: 'avg', names: ['avg', 'mean', 'favg'], args: ['number'], ...number },
  { function: 'var_samp', names: ['var_samp', 'variance'], args: ['number'], ...number },
  { function: 'var_pop', names: ['var_pop'], args: ['number'], ...number },
  { function: 'stddev_samp', names: ['stddev_samp', 'stddev'], args: ['number'], ...number },
  { function: 'stddev_pop', names: ['stddev_pop'], args: ['number'], ...number },
  { function: 'corr', names: ['corr'], args: ['number', 'number'], ...number },
  { function: 'covar_samp', names: ['covar_samp'], args: ['number', 'number'], ...number },
  { function: 'covar_pop', names: ['covar_pop'], args: ['number', 'number'], ...number },
  {
    function: 'bool_and',
    names: ['bool_and'],
    args: ['boolean'],
    type: fixed('boolean'),
    sqlType: () => 'BOOLEAN',
    distinctIsSame: true,
  },
  {
    function: 'bool_or',
    names: ['bool_or'],
    args: ['boolean'],
    type: fixed('boolean'),
    sqlType: () => 'BOOLEAN',
    distinctIsSame: true,
  },
  {
    function: 'first',
    names: ['first', 'any_value', 'arbitrary'],
    args: ['any'],
    ...same,
    distinctIsSame: true,
  },
  { function: 'last', names: ['last'], args: ['any'], ...same, distinctIsSame: true },
  {
    function: 'arg_min',
    names: ['arg_min', 'argmin', 'min_by'],
    args: ['any', 'any'],
    ...same,
    distinctIsSame: true,
  },
  {
    function: 'arg_max',
    names: ['arg_max', 'argmax', 'max_by'],
    args: ['any', 'any'],
    ...same,
    distinctIsSame: true,
  },
  {
    function: 'approx_count_distinct',
    names: ['approx_count_distinct'],
    args: ['any'],
    type: fixed('integer'),
    sqlType: () => 'BIGINT',
    approximate: '±3.3 % (95 %)',
    distinctIsSame: true,
  },
  {
    function: 'approx_quantile',
    names: ['approx_quantile', 'reservoir_quantile'],
    args: ['number'],
    parameters: ['fraction'],
    type: fixed('number'),
    sqlType: (_, list) => (list ? 'DOUBLE[]' : 'DOUBLE'),
    approximate: 'value within ±1 %',
  },
  {
    function: 'approx_top_k',
    names: ['approx_top_k'],
    args: ['any'],
    parameters: ['count'],
    type: fixed('any'),
    sqlType: args => `STRUCT("value" ${sqlTypeOf(args[0]!)}, count BIGINT)[]`,
    approximate: 'every value above its share of the sketch; counts never too low',
  },
  {
    function: 'approx_frequency',
    names: ['approx_frequency'],
    args: ['any'],
    parameters: ['value'],
    type: fixed('integer'),
    sqlType: () => 'BIGINT',
    approximate: 'never too low',
  },
  {
    function: 'histogram',
    names: ['histogram'],
    args: ['number'],
    parameters: ['bounds'],
    type: fixed('any'),
    sqlType: () => 'MAP(DOUBLE, UBIGINT)',
  },
  {
    function: 'sample',
    names: ['sample'],
    args: ['any'],
    parameters: ['count'],
    optional: 1,
    type: fixed('any'),
    sqlType: args => `${sqlTypeOf(args[0]!)}[]`,
    approximate: 'a uniform sample',
  },
];

/** `count(DISTINCT x)`; only reached by that spelling. */
export const countDistinctRule: AggregateRule = {
  function: 'count_distinct',
  names: [],
  args: ['any'],
  type: fixed('integer'),
  sqlType: () => 'BIGINT',
};

const byName = new Map(aggregateRules.flatMap(rule => rule.names.map(name => [name, rule] as const)));

export function aggregateRule(name: string): AggregateRule | undefined {
  return byName.get(name.toLowerCase());
}

export const aggregateNames = (): Iterable<string> => byName.keys();

export function ruleOf(aggregate: AggregateFunction): AggregateRule {
  return aggregate === 'count_distinct'
    ? countDistinctRule
    : aggregateRules.find(rule => rule.function === aggregate)!;
}

const quantile =
  'It needs every value of the window. Write approx_quantile(x, 0.5), or [0.5, 0.95] for several.';
const list =
  'Its size grows with the events. Write sample(x, 100) for some of them or approx_top_k(x, 10) for the most frequent.';
const moments = 'Keep its parts and combine them: count, sum, avg, var_pop, covar_pop.';
const bits = 'Write count_if over the bits you ask for: count_if(x % 2 = 1).';

/** DuckDB's aggregates that cannot be kept incrementally in bounded memory, and what to write instead. */
export const refusedAggregates: Readonly<Record<string, string>> = {
  median: quantile,
  quantile: quantile,
  quantile_cont: quantile,
  quantile_disc: quantile,
  percentile_cont: quantile,
  percentile_disc: quantile,
  mad: quantile,
  mode: 'It needs a count of every value. Write approx_top_k(x, 1).',
  list: list,
  array_agg: list,
  string_agg: list,
  group_concat: list,
  listagg: list,
  json_group_array: list,
  json_group_object: list,
  json_group_structure: list,
  map: list,
  histogram_exact: list,
  entropy: 'It needs a count of every value. Group by the value and compute it in SQL.',
  skewness: moments,
  kurtosis: moments,
  kurtosis_pop: moments,
  sem: moments,
  regr_avgx: moments,
  regr_avgy: moments,
  regr_count: moments,
  regr_intercept: moments,
  regr_r2: moments,
  regr_slope: moments,
  regr_sxx: moments,
  regr_sxy: moments,
  regr_syy: moments,
  product: 'It overflows within one window. Write exp(sum(ln(x))).',
  geomean: 'Write exp(avg(ln(x))).',
  geometric_mean: 'Write exp(avg(ln(x))).',
  bit_and: bits,
  bit_or: bits,
  bit_xor: bits,
  bitstring_agg: bits,
  arg_min_null: 'Write arg_min(x, y), which leaves out NULL.',
  arg_max_null: 'Write arg_max(x, y), which leaves out NULL.',
};
