// Expressions, one row at a time: the plain meaning that compiled columns are checked against, the exact path where they
// leave 53 bits, and how outputs, HAVING and ORDER BY are computed above the aggregation.
import { formatUs } from '../../../core/time.ts';
import type { ViewValue } from '../../view.ts';
import { literalScalar } from '../bind/literal.ts';
import type { Scalar } from '../functions/function.ts';
import { countText, withTextBound } from '../functions/made-texts.ts';
import { resolveSignature, scalarFunction } from '../functions/registry.ts';
import { scalarOrder } from '../functions/scalar-order.ts';
import type { Expression, Lookup, Plan, ScalarType } from '../plan.ts';

/** What an aggregate gives: a scalar, or a list, map or struct that only passes through. */
export type Value = Scalar | ViewValue;

/** Where the leaves of an expression come from, for one row. A row below the aggregation has fields, one above it groups. */
export interface RowSource {
  field?(path: readonly string[], type: ScalarType): Scalar;
  eventTimeUs?(): number | null;
  group?(index: number): Value;
  aggregate?(index: number): Value;
}

/** A lookup table as loaded. `generation` changes when its file has. */
export interface LookupTable {
  readonly generation: number;
  /** The first row whose columns `on` (the names in a Lookup's order) equal the keys, or −1. */
  find(on: readonly string[], keys: readonly Exclude<Scalar, null>[]): number;
  value(row: number, column: string): Scalar;
}

/** The lookups of a source with their tables; needed for expressions that use them. */
export interface LookupContext {
  lookups: readonly Lookup[];
  table(name: string): LookupTable;
}

export type Evaluator = (row: RowSource) => Value;

/** The function that evaluates an expression for a row. */
export function evaluator(expression: Expression, context?: LookupContext): Evaluator {
  switch (expression.kind) {
    case 'literal': {
      const value = literalScalar(expression);
      return () => value;
    }
    case 'field': {
      const { path, type } = expression;
      return row => row.field!(path, type);
    }
    case 'event-time':
      return row => row.eventTimeUs!();
    case 'group': {
      const { index } = expression;
      return row => row.group!(index);
    }
    case 'aggregate': {
      const { index } = expression;
      return row => row.aggregate!(index);
    }
    case 'lookup': {
      const { column } = expression;
      const { table: name, on } = context!.lookups[expression.lookup]!;
      const names = on.map(one => one.column);
      const keys = on.map(one => evaluator(one.expression, context));
      return row => {
        const values = keys.map(key => key(row) as Scalar);
        if (values.includes(null)) return null;
        const table = context!.table(name);
        const found = table.find(names, values as Exclude<Scalar, null>[]);
        return found < 0 ? null : table.value(found, column);
      };
    }
    case 'case': {
      const branches = expression.branches.map(({ when, value }) => ({
        when: evaluator(when, context),
        value: evaluator(value, context),
      }));
      const otherwise = evaluator(expression.otherwise, context);
      return row => (branches.find(branch => branch.when(row) === true)?.value ?? otherwise)(row);
    }
    case 'call': {
      const signature = resolveSignature(scalarFunction(expression.function)!, expression.args)!;
      const apply = signature.scalar as (...values: Value[]) => Scalar;
      const args = expression.args.map(arg => evaluator(arg, context));
      if (signature.nulls === 'own') return row => apply(...args.map(arg => arg(row)));
      return row => {
        const values: Value[] = [];
        for (const arg of args) {
          const value = arg(row);
          if (value === null) return null;
          values.push(value);
        }
        return apply(...values);
      };
    }
  }
}

/**
 * A value as results carry it: times as ISO 8601, dates as YYYY-MM-DD, integers beyond 2^53 as text. Numbers that JSON has not (NaN,
 * infinities) stay, and become null where the result is written as JSON.
 */
export function toViewValue(value: Value, type: ScalarType): ViewValue {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') {
    if (type === 'time') return timeValue(value);
    if (type === 'date') return timeValue(value)?.slice(0, 10) ?? null;
    return value === 0 ? 0 : value;
  }
  return plainItems(value) as ViewValue;
}

/** Lists and structs with the integers beyond 2^53 in them as text. */
function plainItems(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(plainItems);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainItems(item)]));
}

function timeValue(timeUs: number): string | null {
  return Math.abs(timeUs) <= 8.64e18 ? formatUs(timeUs) : null;
}

/** One group of a window as the accumulators give it. */
export interface GroupRow {
  groups: readonly Value[];
  aggregates: readonly Value[];
  /** All groups beyond the cap together: no group that HAVING, ORDER BY or LIMIT speak of. */
  isOverflow?: boolean;
}

/**
 * What stands above the aggregation of a plan: for all groups of one window, HAVING, ORDER BY and LIMIT, and the values of
 * the outputs in the order of the columns. The row of the groups beyond the cap stands last, so that nothing that was counted
 * goes missing. Cost: linear, and a sort where there is an ORDER BY. Throws where the texts are too long together.
 */
export function resultRows(
  plan: Plan,
): <Row extends GroupRow>(rows: readonly Row[]) => { row: Row; values: ViewValue[] }[] {
  const outputs = plan.outputs.map(({ expression }) => ({
    evaluate: evaluator(expression),
    type: expression.type,
  }));
  const having = plan.having && evaluator(plan.having);
  const compare = rowOrder(plan);
  const results = <Row extends GroupRow>(rows: readonly Row[]): { row: Row; values: ViewValue[] }[] => {
    const shaped = rows.map(row => ({ row, source: rowSource(row) }));
    const sources = shaped.filter(({ row }) => !row.isOverflow);
    const kept = having ? sources.filter(({ source }) => having(source) === true) : sources;
    const sorted = compare ? kept.sort((a, b) => compare(a.source, b.source)) : kept;
    const shown = sorted.slice(0, plan.limit ?? sorted.length);
    return [...shown, ...shaped.filter(({ row }) => row.isOverflow)].map(({ row, source }) => {
      const values = outputs.map(({ evaluate, type }) => toViewValue(evaluate(source), type));
      for (const value of values) if (typeof value === 'string') countText(value.length);
      return { row, values };
    });
  };
  return rows => withTextBound(() => results(rows));
}

function rowSource(row: GroupRow): RowSource {
  return { group: index => row.groups[index]!, aggregate: index => row.aggregates[index]! };
}

function rowOrder(plan: Plan): ((a: RowSource, b: RowSource) => number) | undefined {
  if (plan.order.length === 0) return undefined;
  const keys = plan.order.map(order => ({ ...order, evaluate: evaluator(order.expression) }));
  // Rows that ORDER BY leaves equal are ordered by their group, so that the same groups give the same rows.
  const ties = (plan.sources[0]?.groups ?? []).map((_, index) => index);
  return (a, b) => {
    for (const { evaluate, descending, nullsFirst } of keys) {
      const order = compareNullable(evaluate(a), evaluate(b), nullsFirst, descending);
      if (order !== 0) return order;
    }
    for (const index of ties) {
      const order = compareNullable(a.group!(index), b.group!(index), false, false);
      if (order !== 0) return order;
    }
    return 0;
  };
}

function compareNullable(a: Value, b: Value, nullsFirst: boolean, descending: boolean): number {
  if (a === null || b === null) {
    if (a === b) return 0;
    return (a === null) === nullsFirst ? -1 : 1;
  }
  if (typeof a === 'object' || typeof b === 'object') return 0;
  const order = scalarOrder(a, b);
  return descending ? -order : order;
}
