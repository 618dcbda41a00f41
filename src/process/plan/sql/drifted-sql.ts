// Fields that were of whole numbers when a view was planned and have had other values since: their columns in the history are doubles,
// or JSON. Aggregates that pass their values on have structs of any-sql.ts, so that no digit is lost beside fractions; what is computed of
// those is computed of whole numbers where all are whole, and else of doubles.
import { scalarTypeOf } from '../functions/cast.ts';
import { namedSql } from '../functions/function.ts';
import type { Expression, Plan } from '../plan.ts';
import { passesOne } from './aggregate-sql.ts';
import { integerOfColumn, wholeNumber } from './any-sql.ts';
import { locate, type SqlColumn } from './column-type.ts';
import { expressionSql, type SqlLeaves } from './expression-sql.ts';
import { fieldSql, isBeyondIntegers } from './field-sql.ts';
import type { PlanSqlOptions } from './plan-sql.ts';

/** Aggregates that pass on their values as they are, or tell them apart. */
const passesOn: ReadonlySet<string> = new Set([...passesOne, 'approx_top_k', 'approx_frequency', 'sample']);

/**
 * Arguments that were whole numbers when the view was planned, of fields that have drifted since; named `aggregate argument`. They
 * are structs of any-sql.ts, so that no digit is lost beside fractions.
 */
export function driftedArguments(plan: Plan, events: PlanSqlOptions['events']): ReadonlySet<string> {
  const drifted = new Set<string>();
  for (const [at, source] of plan.sources.entries()) {
    const { columns } = events(source.stream, at);
    for (const [index, aggregate] of source.aggregates.entries()) {
      if (!passesOn.has(aggregate.function)) continue;
      for (const [at, arg] of aggregate.args.entries()) {
        if (arg.type === 'integer' && integerFields(arg).some(path => isBeyondIntegers(columns, path)))
          drifted.add(`${index} ${at}`);
      }
    }
  }
  return drifted;
}

/** Sums and averages of fields of whole numbers that have drifted: they are doubles to the batch. */
export function driftedSums(plan: Plan, events: PlanSqlOptions['events']): ReadonlySet<number> {
  const drifted = new Set<number>();
  for (const [at, source] of plan.sources.entries()) {
    const { columns } = events(source.stream, at);
    const hasDrifted = (expression: Expression): boolean => {
      if (expression.kind === 'call') return expression.args.some(hasDrifted);
      if (expression.kind === 'case')
        return [...expression.branches.map(({ value }) => value), expression.otherwise].some(hasDrifted);
      if (expression.kind !== 'field' || expression.type !== 'integer') return false;
      const found = locate(columns, expression.path);
      return found !== undefined && scalarTypeOf(found.type) !== 'integer';
    };
    for (const [index, { function: name, args }] of source.aggregates.entries())
      if ((name === 'sum' || name === 'avg') && args.some(hasDrifted)) drifted.add(index);
  }
  return drifted;
}

export function driftedSql(arg: Expression, leaves: SqlLeaves, columns: readonly SqlColumn[]): string {
  if (arg.kind === 'field') return fieldSql(columns, 'event', arg.path, 'integer', true);
  const text = driftedFieldsSql(arg, columns, leaves, sql => `CAST(${sql} AS VARCHAR)`);
  return namedSql([text], own => integerOfColumn(own));
}

/**
 * An expression over an event in a form. Fields of whole numbers whose columns hold others by now are doubles, or have all their digits where
 * the event's own are whole.
 */
export function driftedFieldsSql(
  expression: Expression,
  events: readonly SqlColumn[],
  leaves: SqlLeaves,
  form: (sql: string) => string = sql => sql,
): string {
  const rounded = form(expressionSql(expression, leaves));
  const drifted = integerFields(expression).filter(path => isBeyondIntegers(events, path));
  if (drifted.length === 0) return rounded;
  const value = (path: readonly string[]): string => fieldSql(events, 'event', path, 'integer', true);
  const areWhole = drifted.map(path => `(${value(path)} IS NULL) = (${wholeNumber(value(path))} IS NULL)`);
  const exact = expressionSql(expression, {
    ...leaves,
    field: (path, type) =>
      type === 'integer' && isBeyondIntegers(events, path)
        ? wholeNumber(value(path))
        : leaves.field!(path, type),
  });
  return `CASE WHEN ${areWhole.join(' AND ')} THEN ${form(exact)} ELSE ${rounded} END`;
}

function integerFields(expression: Expression): (readonly string[])[] {
  switch (expression.kind) {
    case 'field':
      return expression.type === 'integer' ? [expression.path] : [];
    case 'call':
      return expression.args.flatMap(integerFields);
    case 'case': {
      const parts = expression.branches.flatMap(({ when, value }) => [when, value]);
      return [...parts, expression.otherwise].flatMap(integerFields);
    }
    default:
      return [];
  }
}

/** Aggregates whose value is such a struct. */
export function driftedValues(plan: Plan, drifted: ReadonlySet<string>): ReadonlySet<number> {
  const values = new Set<number>();
  for (const [index, aggregate] of plan.sources[0]!.aggregates.entries())
    if (passesOne.has(aggregate.function) && drifted.has(`${index} 0`)) values.add(index);
  return values;
}

/** What an aggregate of the plan alone, or an expression over aggregates of which `structs` are structs, is. */
export function computedSql(expression: Expression, leaves: SqlLeaves, structs: ReadonlySet<number>): string {
  const used =
    expression.kind === 'aggregate' ? [] : aggregatesOf(expression).filter(one => structs.has(one));
  if (used.length === 0) return expressionSql(expression, leaves);
  const whole = (index: number): string => wholeNumber(leaves.aggregate!(index));
  const areWhole = used.map(index => `(${leaves.aggregate!(index)} IS NULL) = (${whole(index)} IS NULL)`);
  const exact = expressionSql(expression, {
    ...leaves,
    aggregate: index => (structs.has(index) ? whole(index) : leaves.aggregate!(index)),
  });
  const rounded = expressionSql(expression, asNumbers(leaves, structs));
  const either = (then: string, otherwise: string): string =>
    `CASE WHEN ${areWhole.join(' AND ')} THEN ${then} ELSE ${otherwise} END`;
  if (expression.type !== 'integer') return either(exact, rounded);
  const text = either(`CAST(${exact} AS VARCHAR)`, `CAST(${rounded} AS VARCHAR)`);
  return namedSql([text], own => integerOfColumn(own));
}

/** The leaves with doubles in place of structs. */
export const asNumbers = (leaves: SqlLeaves, structs: ReadonlySet<number>): SqlLeaves => ({
  ...leaves,
  aggregate: index => {
    const value = leaves.aggregate!(index);
    return structs.has(index) ? `struct_extract(${value}, '_number')` : value;
  },
});

function aggregatesOf(expression: Expression): number[] {
  switch (expression.kind) {
    case 'aggregate':
      return [expression.index];
    case 'call':
      return expression.args.flatMap(aggregatesOf);
    case 'case': {
      const parts = expression.branches.flatMap(({ when, value }) => [when, value]);
      return [...parts, expression.otherwise].flatMap(aggregatesOf);
    }
    default:
      return [];
  }
}

/** What columns of whole numbers are by now. */
export class DriftedOutputs {
  readonly sums: ReadonlySet<number>;
  private readonly values: ReadonlySet<number>;

  constructor(plan: Plan, events: PlanSqlOptions['events']) {
    this.sums = driftedSums(plan, events);
    this.values = driftedValues(plan, driftedArguments(plan, events));
  }

  /** JSON of such structs, doubles of sums with fractions; undefined where a column is what the plan says. */
  typeOf(expression: Expression): string | undefined {
    if (expression.type !== 'integer') return undefined;
    const used = aggregatesOf(expression);
    if (used.some(index => this.values.has(index))) return 'JSON';
    return used.some(index => this.sums.has(index)) ? 'DOUBLE' : undefined;
  }
}
