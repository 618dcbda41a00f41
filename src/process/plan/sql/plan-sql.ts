// A plan as one DuckDB query over the stream's events: what the view must say, computed in batch. The oracle of audits and
// tests, and the way to ask what a view has not kept: a clicked value, a range, another window. Exact where the view is
// approximate: distinct counts, quantiles and top-k are computed in full.
import type { ViewQuery, ViewValue } from '../../view.ts';
import { fieldUses } from '../events/fields.ts';
import { microsecondsSql } from '../functions/function.ts';
import type { Aggregate, Expression, Plan, SourcePlan } from '../plan.ts';
import { aggregateSql } from './aggregate-sql.ts';
import { anyOfColumn, anyText, integerText } from './any-sql.ts';
import { aggregateBoundSql, fieldShares } from './bound-sql.ts';
import { locate, type SourceRelations, type SqlColumn } from './column-type.ts';
import {
  asNumbers,
  computedSql,
  driftedArguments,
  driftedFieldsSql,
  driftedGroups,
  driftedSql,
  driftedSums,
  driftedValues,
  isStruct,
} from './drifted-sql.ts';
import { expressionSql, type SqlLeaves } from './expression-sql.ts';
import { fieldSql, isBeyondIntegers, isMixed, quoteName, quoteText } from './field-sql.ts';
import { type LookupRelation, lookupJoinSql } from './lookup-sql.ts';
import { OutputBounds } from './output-bound-sql.ts';

export interface PlanSqlOptions {
  events: SourceRelations;
  lookup?: (table: string, source: number) => LookupRelation;
  /** A resolution of the plan, or of any length, or 'total' for one row a group. Default: the finest, or the plan's own window. */
  everyMs?: number | 'total';
  /** Event-time range, µs, end exclusive. */
  fromUs?: number;
  toUs?: number;
  /** Windows that start in this range, µs, end exclusive, each of all its events; in place of a range of event time. Not for 'total'. */
  startsIn?: { fromUs?: number; toUs?: number };
  /** Conditions on columns of the view that are groups. */
  where?: ViewQuery['where'];
  /** More conditions on events, as SQL over the stream's columns as `event`. Not to be made of a user's text. */
  eventConditions?: readonly string[];
  /**
   * After the outputs, for each of them the bound of output-bound-sql.ts, NULL where it is exact. Then, where HAVING is about inexact numbers,
   * whether a row may be none of the view; rows are all that may be.
   */
  bounds?: boolean;
}

/**
 * The query; `anyValue` of any-sql.ts reads its answers. Its columns are `_start` and `_end` (TIMESTAMP; NULL for 'total') and the view's outputs by name; its order is by
 * `_start` and then the view's own. Throws nothing that the plan does not.
 */
export function planSql(plan: Plan, given: PlanSqlOptions): string {
  const window = windowOf(plan, given.everyMs);
  const keys = window.kind === 'session' ? sessionKeys(plan) : [];
  const options = given.startsIn ? { ...given, ...eventRange(window, given.startsIn) } : given;
  const mixed = readsMixed(plan, options.events);
  const drifted = driftedArguments(plan, options.events);
  const inexact = driftedSums(plan, options.events);
  const structGroups = driftedGroups(plan, options.events);
  const shares = fieldShares(plan, options.events);
  const groups = plan.sources[0]!.groups.map((_, index) => `_g${index}`);
  const aggregateBounds = plan.sources[0]!.aggregates.map((aggregate, index) =>
    options.bounds ? aggregateBoundSql(plan, aggregate, index, inexact.has(index), shares) : undefined,
  );
  const { aggregates } = plan.sources[0]!;
  const above: SqlLeaves = {
    group: index => `_g${index}`,
    aggregate: index => `_a${index}`,
    isWide: index => ['sum', 'count_if'].includes(aggregates[index]!.function),
  };
  const structs = driftedValues(plan, drifted, structGroups);
  const computed = (expression: Expression): string => computedSql(expression, above, structs);
  const parts = [
    `WITH _events AS (${plan.sources.map((source, index) => sourceSql(source, index, options, mixed, drifted, structGroups)).join('\nUNION ALL ')})`,
    ...windowSql(window, keys),
    `_grouped AS (SELECT ${[
      '_w',
      '_e',
      ...groups,
      ...plan.sources[0]!.aggregates.map(
        (aggregate, index) =>
          `${aggregateSql(aggregate, index, mixed || drifted.has(`${index} 0`), inexact.has(index))} AS _a${index}`,
      ),
      ...aggregateBounds.flatMap((bound, index) => (bound ? [`${bound} AS _b${index}`] : [])),
    ].join(', ')}\n  FROM _windowed GROUP BY ${['_w', '_e', ...groups].join(', ')})`,
  ];
  const times =
    window.kind === 'total'
      ? ['NULL::TIMESTAMP AS _start', 'NULL::TIMESTAMP AS _end']
      : ['make_timestamp(_w) AS _start', 'make_timestamp(_e) AS _end'];
  const outputs = plan.outputs.map(({ name, expression }) => `${computed(expression)} AS ${quoteName(name)}`);
  const { startsIn = {} } = options;
  let from = '_grouped';
  let having = plan.having && computed(plan.having);
  if (options.bounds) {
    const bounded = new Set(aggregateBounds.flatMap((bound, index) => (bound ? [index] : [])));
    const bounds = new OutputBounds(plan, bounded, inexact, asNumbers(above, structs), shares);
    for (const [index, { expression }] of plan.outputs.entries()) {
      outputs.push(`${bounds.outputSql(expression) ?? 'NULL'} AS _bound${index}`);
    }
    const condition = plan.having && bounds.conditionSql(plan.having);
    if (condition) {
      having = condition.mayHold;
      outputs.push(`${condition.mayFail} AS _doubtful`);
    }
    const { columns } = bounds;
    if (columns.length > 0) {
      from = '_bounded';
      parts.push(`_bounded AS (SELECT *, ${columns.join(', ')} FROM _grouped)`);
    }
  }
  const conditions = [
    ...(startsIn.fromUs === undefined ? [] : [`_w >= ${startsIn.fromUs}`]),
    ...(startsIn.toUs === undefined ? [] : [`_w < ${startsIn.toUs}`]),
    ...(having === undefined ? [] : [having]),
    ...(options.where ?? []).map(condition => conditionSql(plan, condition, above, mixed, structs)),
  ];
  // Values of any type are in the engine's order, which has whole numbers beyond 2^53 among texts.
  const orderSql = (value: string, { type }: Expression): string =>
    type === 'any' && !mixed ? anyOfColumn(value) : value;
  const order = [
    // DuckDB takes no constant here, which orders nothing.
    ...plan.order
      .filter(({ expression }) => expression.kind !== 'literal')
      .map(
        one =>
          `${orderSql(computed(one.expression), one.expression)} ${one.descending ? 'DESC' : 'ASC'} NULLS ${one.nullsFirst ? 'FIRST' : 'LAST'}`,
      ),
    ...plan.sources[0]!.groups.map((group, index) => orderSql(`_g${index}`, group)),
  ];
  const limit =
    plan.limit === undefined
      ? ''
      : `\nQUALIFY row_number() OVER (PARTITION BY ${['_w', '_e', ...keys].join(', ')} ORDER BY ${order.join(', ') || '1'}) <= ${plan.limit}`;
  return `${parts.join(',\n')}\nSELECT ${[...times, ...outputs].join(', ')}\nFROM ${from}${
    conditions.length > 0 ? `\nWHERE ${conditions.join(' AND ')}` : ''
  }${limit}\nORDER BY ${['_w', ...order].join(', ')}`;
}

type SqlWindow =
  | { kind: 'total' }
  | { kind: 'tumbling'; everyUs: number }
  | { kind: 'hopping'; sizeUs: number; everyUs: number }
  | { kind: 'session'; gapUs: number };

function windowOf(plan: Plan, everyMs: number | 'total' | undefined): SqlWindow {
  if (everyMs === 'total') return { kind: 'total' };
  const { window } = plan;
  if (window.kind === 'hopping') {
    return { kind: 'hopping', sizeUs: window.sizeMs * 1000, everyUs: window.everyMs * 1000 };
  }
  if (window.kind === 'session') return { kind: 'session', gapUs: window.gapMs * 1000 };
  return { kind: 'tumbling', everyUs: (everyMs ?? window.everyMs[0]!) * 1000 };
}

/** The event times that windows which start in a range are made of. */
function eventRange(
  window: SqlWindow,
  { fromUs, toUs }: NonNullable<PlanSqlOptions['startsIn']>,
): Pick<PlanSqlOptions, 'fromUs' | 'toUs'> {
  if (window.kind === 'total') return { fromUs, toUs };
  // Whether a session began before is told by the gap before; it ends when it ends.
  if (window.kind === 'session') return { fromUs: fromUs === undefined ? undefined : fromUs - window.gapUs };
  const sizeUs = window.kind === 'hopping' ? window.sizeUs : window.everyUs;
  return { fromUs, toUs: toUs === undefined ? undefined : toUs + sizeUs };
}

/** The group columns by which sessions are told apart. */
function sessionKeys(plan: Plan): string[] {
  const { window } = plan;
  if (window.kind !== 'session') return [];
  return window.by.map(by => {
    const { expression } = plan.outputs.find(output => output.name === by)!;
    return `_g${(expression as Expression & { kind: 'group' }).index}`;
  });
}

/** The common table expressions that give each event its windows [_w, _e), µs. */
function windowSql(window: SqlWindow, keys: readonly string[]): string[] {
  const time = 'epoch_us(_time)';
  const floor = (everyUs: number) => `(${time} - ((${time} % ${everyUs}) + ${everyUs}) % ${everyUs})`;
  switch (window.kind) {
    case 'total':
      return ['_windowed AS (SELECT 0::BIGINT AS _w, 0::BIGINT AS _e, * FROM _events)'];
    case 'tumbling': {
      const start = floor(window.everyUs);
      return [`_windowed AS (SELECT ${start} AS _w, ${start} + ${window.everyUs} AS _e, * FROM _events)`];
    }
    case 'hopping': {
      const { sizeUs, everyUs } = window;
      const starts = `unnest(range(${floor(everyUs)} - ${sizeUs - everyUs}, ${floor(everyUs)} + 1, ${everyUs}))`;
      return [
        `_hops AS (SELECT ${starts} AS _w, * FROM _events)`,
        `_windowed AS (SELECT _w + ${sizeUs} AS _e, * FROM _hops)`,
      ];
    }
    case 'session': {
      // By RANGE, since each window function may order events of one time in its own way.
      const over = `OVER (PARTITION BY ${keys.join(', ')} ORDER BY _time RANGE UNBOUNDED PRECEDING)`;
      const before = `lag(${time}) OVER (PARTITION BY ${keys.join(', ')} ORDER BY _time)`;
      const within = `OVER (PARTITION BY ${[...keys, '_session'].join(', ')})`;
      return [
        `_gaps AS (SELECT *, CASE WHEN ${time} - ${before} < ${window.gapUs} THEN 0 ELSE 1 END AS _first FROM _events)`,
        `_sessions AS (SELECT *, sum(_first) ${over} AS _session FROM _gaps)`,
        `_windowed AS (SELECT *, min(${time}) ${within} AS _w, max(${time}) ${within} + ${window.gapUs} AS _e FROM _sessions)`,
      ];
    }
  }
}

/** Whether some field is taken as it is whose values have been of several types; its values come as structs of any-sql.ts. */
export function readsMixed(plan: Plan, events: SourceRelations): boolean {
  return plan.sources.some((source, at) => {
    const { columns } = events(source.stream, at);
    return fieldUses([source]).some(({ path, as }) => as === 'any' && isMixed(columns, path));
  });
}

/** The events of one source: their time, groups, arguments and filters. */
function sourceSql(
  source: SourcePlan,
  at: number,
  options: PlanSqlOptions,
  mixed: boolean,
  drifted: ReadonlySet<string>,
  structGroups: ReadonlySet<number>,
): string {
  const { from, columns } = options.events(source.stream, at);
  const tables = source.lookups.map(lookup => options.lookup!(lookup.table, at));
  const leaves: SqlLeaves = {
    field: (path, type) => {
      const sql = fieldSql(columns, 'event', path, type, mixed && type === 'any');
      // An event's 1e400 is no number to a view, and infinite in the history; what a view below computes may be infinite.
      const isEvent = !source.view && (type === 'number' || type === 'integer');
      const found = isEvent ? locate(columns, path) : undefined;
      return found?.type === 'DOUBLE' ? `CASE WHEN isfinite(${sql}) THEN ${sql} END` : sql;
    },
    driftedText: path =>
      isBeyondIntegers(columns, path)
        ? integerText(fieldSql(columns, 'event', path, 'integer', true))
        : undefined,
    eventTime: () => 'event._time',
    lookup: (lookup, column, type) => {
      const { columns } = tables[lookup]!;
      const value = fieldSql(columns, `lookup${lookup}`, [column], type, mixed && type === 'any');
      return type === 'time' || type === 'date' ? microsecondsSql(`TRY(${value})`) : value;
    },
  };
  const sql = (expression: Expression) =>
    expression.kind === 'field'
      ? expressionSql(expression, leaves)
      : driftedFieldsSql(expression, columns, leaves);
  const joins = source.lookups.map((lookup, index) =>
    lookupJoinSql(lookup, index, tables[index]!, columns, leaves),
  );
  const selected = [
    'event._time AS _time',
    ...source.groups.map(
      (group, index) =>
        `${structGroups.has(index) ? driftedSql(group, leaves, columns) : sql(group)} AS _g${index}`,
    ),
    ...source.aggregates.flatMap((aggregate, index) => [
      ...aggregate.args.map(
        (arg, at) =>
          `${drifted.has(`${index} ${at}`) ? driftedSql(arg, leaves, columns) : argumentSql(aggregate, arg, leaves, columns)} AS _a${index}_${at}`,
      ),
      ...(aggregate.filter ? [`${sql(aggregate.filter)} AS _f${index}`] : []),
    ]),
  ];
  const conditions = [
    ...(source.filter ? [sql(source.filter)] : []),
    ...(options.fromUs === undefined ? [] : [`event._time >= make_timestamp(${options.fromUs})`]),
    ...(options.toUs === undefined ? [] : [`event._time < make_timestamp(${options.toUs})`]),
    ...(options.eventConditions ?? []).map(condition => `(${condition})`),
  ];
  return `SELECT ${selected.join(', ')}\n  FROM ${from} AS event${joins.join('')}${
    conditions.length > 0 ? `\n  WHERE ${conditions.join(' AND ')}` : ''
  }`;
}

/** Counting asks whether a field is there, whatever its type, and distinct values are told apart by their texts. */
function argumentSql(
  aggregate: Aggregate,
  arg: Expression,
  leaves: SqlLeaves,
  columns: readonly SqlColumn[],
): string {
  const counts = ['count', 'count_distinct', 'approx_count_distinct'].includes(aggregate.function);
  if (arg.kind !== 'field') return driftedFieldsSql(arg, columns, leaves);
  if (!counts || arg.type !== 'any') return expressionSql(arg, leaves);
  return fieldSql(columns, 'event', arg.path, isMixed(columns, arg.path) ? 'text' : 'any');
}

function conditionSql(
  plan: Plan,
  condition: NonNullable<ViewQuery['where']>[number],
  above: SqlLeaves,
  mixed: boolean,
  structs: ReadonlySet<string>,
): string {
  const output = plan.outputs.find(({ name }) => name === condition.column);
  if (!output) return 'false';
  const value = computedSql(output.expression, above, structs);
  const isWhole = isStruct(output.expression, structs);
  const isAny = isWhole || (mixed && output.expression.type === 'any');
  const column = isWhole ? integerText(value) : isAny ? anyText(value) : value;
  const valueSql = isAny ? (value: ViewValue) => quoteText(String(value)) : plainValueSql;
  const compare = (value: ViewValue): string =>
    value === null ? `${column} IS NULL` : `${column} = ${valueSql(value)}`;
  const values = Array.isArray(condition.value) ? condition.value : [condition.value];
  switch (condition.op) {
    case '=':
    case 'in':
      return values.length === 0 ? 'false' : `(${values.map(compare).join(' OR ')})`;
    case '!=':
      return (values[0] ?? null) === null
        ? `${column} IS NOT NULL`
        : `${column} IS DISTINCT FROM ${valueSql(values[0]!)}`;
    case 'like':
      return `CAST(${column} AS VARCHAR) LIKE ${quoteText(String(values[0]))}`;
  }
}

function plainValueSql(value: ViewValue): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : quoteText(String(value));
}
