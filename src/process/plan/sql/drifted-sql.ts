// Fields that were of whole numbers when a view was planned and have had other values since: their columns in the history are doubles,
// or JSON. Aggregates that pass their values on have structs of any-sql.ts, so that no digit is lost beside fractions; what is computed of
// those is computed of whole numbers where all are whole, and else of doubles.
import { scalarTypeOf } from '../functions/cast.ts';
import { namedSql } from '../functions/function.ts';
import { operandsOf } from '../operands.ts';
import type { Expression, Plan } from '../plan.ts';
import { passesOne } from './aggregate-sql.ts';
import { integerOfColumn, wholeNumber } from './any-sql.ts';
import { locate, type SourceRelations, type SqlColumn } from './column-type.ts';
import { expressionSql, type SqlLeaves } from './expression-sql.ts';
import { fieldSql, isBeyondIntegers } from './field-sql.ts';

/** Aggregates that pass on their values as they are, or tell them apart. */
const passesOn: ReadonlySet<string> = new Set([...passesOne, 'approx_top_k', 'approx_frequency', 'sample']);

/**
 * Arguments that were whole numbers when the view was planned, of fields that have drifted since; named `aggregate argument`. They
 * are structs of any-sql.ts, so that no digit is lost beside fractions.
 */
export function driftedArguments(plan: Plan, events: SourceRelations): ReadonlySet<string> {
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

/** Groups that were whole numbers when the view was planned, of fields that have drifted since in some source: structs of any-sql.ts too. */
export function driftedGroups(plan: Plan, events: SourceRelations): ReadonlySet<number> {
  const drifted = new Set<number>();
  for (const [at, source] of plan.sources.entries()) {
    const { columns } = events(source.stream, at);
    for (const [index, group] of source.groups.entries())
      if (group.type === 'integer' && integerFields(group).some(path => isBeyondIntegers(columns, path)))
        drifted.add(index);
  }
  return drifted;
}

/** Sums and averages of fields of whole numbers that have drifted: they are doubles to the batch. */
export function driftedSums(plan: Plan, events: SourceRelations): ReadonlySet<number> {
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
  if (expression.kind === 'field') return expression.type === 'integer' ? [expression.path] : [];
  return operandsOf(expression).flatMap(integerFields);
}

/** Groups, as `_g0`, and aggregates, as `_a0`, whose value is such a struct. */
export function driftedValues(
  plan: Plan,
  args: ReadonlySet<string>,
  groups: ReadonlySet<number>,
): ReadonlySet<string> {
  const values = new Set([...groups].map(index => `_g${index}`));
  for (const [index, aggregate] of plan.sources[0]!.aggregates.entries())
    if (passesOne.has(aggregate.function) && args.has(`${index} 0`)) values.add(`_a${index}`);
  return values;
}

/** What a group or an aggregate of the plan alone, or an expression over those of which `structs` are structs, is. */
export function computedSql(expression: Expression, leaves: SqlLeaves, structs: ReadonlySet<string>): string {
  const isLeaf = expression.kind === 'aggregate' || expression.kind === 'group';
  const used = isLeaf ? [] : leavesOf(expression).filter(one => structs.has(one));
  if (used.length === 0) return expressionSql(expression, leaves);
  const areWhole = used.map(one => `(${one} IS NULL) = (${wholeNumber(one)} IS NULL)`);
  const exact = expressionSql(expression, withStructs(leaves, structs, wholeNumber));
  const rounded = expressionSql(expression, asNumbers(leaves, structs));
  const either = (then: string, otherwise: string): string =>
    `CASE WHEN ${areWhole.join(' AND ')} THEN ${then} ELSE ${otherwise} END`;
  if (expression.type !== 'integer') return either(exact, rounded);
  const text = either(`CAST(${exact} AS VARCHAR)`, `CAST(${rounded} AS VARCHAR)`);
  return namedSql([text], own => integerOfColumn(own));
}

/** Whether that is such a struct. */
export const isStruct = (expression: Expression, structs: ReadonlySet<string>): boolean =>
  expression.type === 'integer' && leavesOf(expression).some(one => structs.has(one));

/** The leaves with doubles in place of structs. */
export const asNumbers = (leaves: SqlLeaves, structs: ReadonlySet<string>): SqlLeaves =>
  withStructs(leaves, structs, value => `struct_extract(${value}, '_number')`);

function withStructs(
  leaves: SqlLeaves,
  structs: ReadonlySet<string>,
  form: (value: string) => string,
): SqlLeaves {
  const formed = (value: string): string => (structs.has(value) ? form(value) : value);
  return {
    ...leaves,
    group: index => formed(leaves.group!(index)),
    aggregate: index => formed(leaves.aggregate!(index)),
  };
}

/** The groups and aggregates that an expression is made of, by the names of driftedValues. */
function leavesOf(expression: Expression): string[] {
  switch (expression.kind) {
    case 'group':
      return [`_g${expression.index}`];
    case 'aggregate':
      return [`_a${expression.index}`];
    default:
      return operandsOf(expression).flatMap(leavesOf);
  }
}

/** What columns of whole numbers are by now. */
export class DriftedOutputs {
  readonly sums: ReadonlySet<number>;
  private readonly values: ReadonlySet<string>;

  constructor(plan: Plan, events: SourceRelations) {
    this.sums = driftedSums(plan, events);
    this.values = driftedValues(plan, driftedArguments(plan, events), driftedGroups(plan, events));
  }

  /** JSON of such structs, doubles of sums with fractions; undefined where a column is what the plan says. */
  typeOf(expression: Expression): string | undefined {
    if (expression.type !== 'integer') return undefined;
    if (isStruct(expression, this.values)) return 'JSON';
    const used = leavesOf(expression);
    return [...this.sums].some(index => used.includes(`_a${index}`)) ? 'DOUBLE' : undefined;
  }
}
