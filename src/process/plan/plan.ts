// The plan of a view: what the SELECT means, as small serialisable data without closures, so that it can be stored,
// compared, compiled to column operations here or to another engine's SQL elsewhere. Made from DuckDB's own parse tree
// (json_serialize_sql); `compile.ts` turns expressions into column functions, `plan-sql.ts` turns a plan back into DuckDB SQL.
import type { ViewColumn, WindowSpec } from '../view.ts';

/** The engine's scalar types. Times, dates (midnights) and intervals are µs. `any` is a field used only as it is (group key, count, distinct): any JSON scalar. */
export type ScalarType = 'boolean' | 'integer' | 'number' | 'text' | 'time' | 'date' | 'interval' | 'any';

export type Expression =
  /** A field of the event. `type` is how it is used; a value of another JSON type is NULL there and counted as mismatched. */
  | { kind: 'field'; path: string[]; type: ScalarType }
  /** The event's own time. */
  | { kind: 'event-time'; type: 'time' }
  /** A time literal is µs; an interval literal is µs. */
  | { kind: 'literal'; type: ScalarType; value: string | number | boolean | null }
  | { kind: 'call'; function: string; args: Expression[]; type: ScalarType }
  | {
      kind: 'case';
      branches: { when: Expression; value: Expression }[];
      otherwise: Expression;
      type: ScalarType;
    }
  /** A column of a lookup table joined to the stream. */
  | { kind: 'lookup'; lookup: number; column: string; type: ScalarType }
  /** Only above the aggregation (outputs, having, order): the n-th group expression or aggregate. */
  | { kind: 'group'; index: number; type: ScalarType }
  | { kind: 'aggregate'; index: number; type: ScalarType };

/**
 * What an aggregate computes over the rows that its filter takes:
 * count: without argument all rows, else those where it is not NULL. sum, min, max, avg, bool_*: NULL without a value.
 * first, last: the value (not NULL) of the earliest or latest event; of equal times the least value for first, the
 * greatest for last. arg_min(x, y), arg_max(x, y): x (not NULL) where y is least or greatest; of equal y the least x for
 * arg_min, the greatest for arg_max. var_samp, stddev_samp, covar_samp: NULL below two values; corr: NULL where a variance
 * is zero. So every one is independent of the order of the events.
 * approx_quantile: parameters [q] gives a number, [[q, …]] a list. approx_top_k: [k], a list of {value, count}, the most
 * frequent first. approx_frequency: [value]. histogram: [[bound, …]], a map from each bound, and Infinity, to the count of
 * values in (bound before, bound]. sample: [n].
 */
export type AggregateFunction =
  | 'count'
  | 'count_if'
  | 'sum'
  | 'min'
  | 'max'
  | 'avg'
  | 'var_samp'
  | 'var_pop'
  | 'stddev_samp'
  | 'stddev_pop'
  | 'corr'
  | 'covar_samp'
  | 'covar_pop'
  | 'bool_and'
  | 'bool_or'
  | 'first'
  | 'last'
  | 'arg_min'
  | 'arg_max'
  | 'count_distinct'
  | 'approx_count_distinct'
  | 'approx_quantile'
  | 'approx_top_k'
  | 'approx_frequency'
  | 'histogram'
  | 'sample';

export interface Aggregate {
  function: AggregateFunction;
  /** Empty for count(*). */
  args: Expression[];
  /** Literal parameters: quantiles, k, bucket boundaries … */
  parameters: (string | number | number[])[];
  filter?: Expression;
}

/** A table file of the project folder, joined on equality of one or more expressions; LEFT keeps events without a match. */
export interface Lookup {
  table: string;
  join: 'inner' | 'left';
  on: { column: string; expression: Expression }[];
}

/** One input of the view; more than one for UNION ALL. Expressions below are in terms of each source's own fields. */
export interface SourcePlan {
  /** A stream, or with `view` true a view, the rows of whose windows of the resolution `everyMs` are the input. */
  stream: string;
  /** Its name in the text, where that is spelled in another way. */
  written?: string;
  view: boolean;
  everyMs?: number;
  lookups: Lookup[];
  filter?: Expression;
  groups: Expression[];
  aggregates: Aggregate[];
}

export interface PlanOutput {
  name: string;
  expression: Expression;
  column: ViewColumn;
  /** It is made of approximate columns of a view below, so that by how much it may be off is not known. */
  isRough?: true;
}

export interface Plan {
  name: string;
  /** Hash of everything that changes results: another version means another state. */
  version: string;
  sql: string;
  window: WindowSpec;
  /** How long each resolution is kept, by everyMs; null is for ever. */
  keepMs: { everyMs: number; keepMs: number | null }[];
  /** Watermark = highest event time − delayMs; final = watermark ≥ end + latenessMs. */
  delayMs: number;
  latenessMs: number;
  /** An event further ahead of its append time than this does not move the watermark. Default one hour. */
  aheadMs: number;
  /** Groups a window holds before the overflow group takes the rest. */
  maxGroups: number;
  sources: SourcePlan[];
  /** Result columns over groups and aggregates, in SELECT order. */
  outputs: PlanOutput[];
  having?: Expression;
  order: { expression: Expression; descending: boolean; nullsFirst: boolean }[];
  /** Rows a window, after order. The state keeps all groups up to maxGroups. */
  limit?: number;
  /**
   * The columns of its streams as they were known when the text was planned. The same text is planned with them again, so that what is
   * learned later changes no result.
   */
  assumed?: Record<string, { name: string; type: string }[]>;
  /** Names that are aliases of the SELECT, in lower case, since they were no known fields: the same text is planned with them again. */
  aliases?: string[];
}
