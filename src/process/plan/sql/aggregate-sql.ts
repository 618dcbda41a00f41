// An aggregate of a plan over the columns of `_windowed` of plan-sql.ts: `_a3_0` is the first argument of aggregate 3, `_f3` its filter.
// Exact also for those that the engine approximates.
import type { Aggregate } from '../plan.ts';
import { anyText, integerText } from './any-sql.ts';
import { quoteText } from './field-sql.ts';

/** Aggregates that pass on one of their values as it is. */
export const passesOne: ReadonlySet<string> = new Set(['min', 'max', 'first', 'last', 'arg_min', 'arg_max']);

/** A call over the rows that the aggregate's filter takes, and for which the other conditions hold. */
export function filteredSql(
  aggregate: Aggregate,
  index: number,
  call: string,
  ...more: readonly string[]
): string {
  const all = [...(aggregate.filter ? [`_f${index}`] : []), ...more];
  return all.length > 0 ? `${call} FILTER (WHERE ${all.join(' AND ')})` : call;
}

/** The `count` most frequent values with their counts, of equal counts the greatest first. */
export function topSql(aggregate: Aggregate, index: number, count: number): string {
  const x = `_a${index}_0`;
  // DuckDB's histogram of numbers counts a NaN as any of them; as a part of something it is a value of its own.
  const counts = filteredSql(aggregate, index, `histogram({'v': ${x}})`, `${x} IS NOT NULL`);
  const pairs = `list_transform(map_entries(${counts}), lambda e: {'c': e.value, 'k': e.key.v})`;
  const top = `list_slice(list_reverse_sort(${pairs}), 1, ${count})`;
  return `list_transform(${top}, lambda e: {'value': e.k, 'count': e.c::BIGINT})`;
}

/** Numbers below this have squares whose sums are doubles; at larger ones DuckDB's moments stop with an error. */
const squareMax = 1e145;

/** Rows of an aggregate of numbers that are small enough for moments, and how many others there are. */
export function momentRows(aggregate: Aggregate, index: number): { small: string; others: string } {
  const args = aggregate.args.map((_, place) => `_a${index}_${place}`);
  const small = args.map(arg => `abs(${arg}::DOUBLE) < ${squareMax}`).join(' AND ');
  const isThere = args.map(arg => `${arg} IS NOT NULL`);
  return { small, others: filteredSql(aggregate, index, 'count(*)', ...isThere, `NOT (${small})`) };
}

/**
 * The aggregate. `structs`: values of any type, or whole numbers that must keep their digits, are those of any-sql.ts; `drifted`: whole numbers
 * of the argument are doubles by now.
 */
export function aggregateSql(
  aggregate: Aggregate,
  index: number,
  structs: boolean,
  drifted: boolean,
): string {
  const [x, y] = [`_a${index}_0`, `_a${index}_1`];
  const filtered = (call: string, ...more: string[]) => filteredSql(aggregate, index, call, ...more);
  const isWhole = aggregate.args[0]?.type === 'integer' && !drifted;
  // With compensation, which makes nothing of infinities.
  const compensated = (sum: string, plain: string) =>
    `CASE WHEN isfinite(${filtered(`${sum}(${x})`)}) THEN ${filtered(`${sum}(${x})`)} ELSE ${filtered(`${plain}(${x})`)} END`;
  // NULL where a value is infinite, no number or too large to square.
  const moment = (call: string) => {
    const { small, others } = momentRows(aggregate, index);
    return `CASE WHEN ${others} = 0 THEN ${filtered(call, small)} END`;
  };
  const [parameter] = aggregate.parameters;
  switch (aggregate.function) {
    case 'count':
      return filtered(aggregate.args.length === 0 ? 'count(*)' : `count(${x})`);
    case 'count_if':
      // DuckDB's is NULL where no value was; counts of a view are 0.
      return `coalesce(${filtered(`count_if(${x})`)}, 0)`;
    case 'sum':
      return isWhole ? filtered(`sum(${x})`) : compensated('fsum', 'sum');
    case 'avg':
      return isWhole ? filtered(`avg(${x})`) : compensated('favg', 'avg');
    case 'count_distinct':
    case 'approx_count_distinct':
      return filtered(`count(DISTINCT ${x})`);
    case 'first':
      return filtered(`arg_min(${x}, row(_time, ${x}))`);
    case 'last':
      return filtered(`arg_max(${x}, row(_time, ${x}))`);
    case 'arg_min':
      return filtered(`arg_min(${x}, row(${y}, ${x}))`, `${y} IS NOT NULL`);
    case 'arg_max':
      return filtered(`arg_max(${x}, row(${y}, ${x}))`, `${y} IS NOT NULL`);
    case 'var_pop':
    case 'var_samp':
    case 'stddev_pop':
    case 'stddev_samp':
      return moment(`${aggregate.function}(${x})`);
    case 'corr':
      return `nullif(${moment(`corr(${x}, ${y})`)}, 'NaN'::DOUBLE)`;
    case 'covar_samp':
    case 'covar_pop':
      return filtered(`${aggregate.function}(${x}, ${y})`);
    case 'approx_quantile': {
      const fractions = Array.isArray(parameter) ? `[${parameter.join(', ')}]` : String(parameter);
      return filtered(`quantile_disc(${x}::DOUBLE, ${fractions})`, `isfinite(${x}::DOUBLE)`);
    }
    case 'approx_top_k':
      return topSql(aggregate, index, Number(parameter));
    case 'approx_frequency': {
      const value = typeof parameter === 'string' ? quoteText(parameter) : String(parameter);
      const { type } = aggregate.args[0]!;
      const equal =
        structs && type === 'integer'
          ? `${integerText(x)} = ${quoteText(String(parameter))}`
          : `${structs && type === 'any' ? anyText(x) : x} = ${value}`;
      return `coalesce(${filtered('count(*)', equal)}, 0)`;
    }
    case 'histogram':
      return filtered(`histogram(${x}::DOUBLE, [${(parameter as number[]).join(', ')}]::DOUBLE[])`);
    case 'sample':
      return filtered(`list(${x})`, `${x} IS NOT NULL`);
    default:
      return filtered(`${aggregate.function}(${x})`);
  }
}
