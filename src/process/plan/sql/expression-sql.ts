// An expression of a plan as DuckDB SQL.

import { literalScalar } from '../bind/literal.ts';
import { sqlTypeOf } from '../functions/cast.ts';
import { resolveSignature, scalarFunction } from '../functions/registry.ts';
import type { Expression, ScalarType } from '../plan.ts';
import { isComputedWide, isWideValue } from '../wide-values.ts';
import { quoteName, quoteText } from './field-sql.ts';

/** Where the leaves of an expression are in the query around it. */
export interface SqlLeaves {
  field?(path: readonly string[], type: ScalarType): string;
  eventTime?(): string;
  lookup?(lookup: number, column: string, type: ScalarType): string;
  /** The text of a field of whole numbers, where its column has others by now. */
  driftedText?(path: readonly string[]): string | undefined;
  group?(index: number): string;
  aggregate?(index: number): string;
  /** Whether DuckDB has an aggregate as HUGEINT. */
  isWide?(aggregate: number): boolean;
}

export function expressionSql(expression: Expression, leaves: SqlLeaves): string {
  switch (expression.kind) {
    case 'literal':
      return literalSql(expression);
    case 'field':
      return leaves.field!(expression.path, expression.type);
    case 'event-time':
      return leaves.eventTime!();
    case 'lookup':
      return leaves.lookup!(expression.lookup, expression.column, expression.type);
    case 'group':
      return leaves.group!(expression.index);
    case 'aggregate':
      return leaves.aggregate!(expression.index);
    case 'case': {
      const branches = expression.branches.map(
        ({ when, value }) => `WHEN ${expressionSql(when, leaves)} THEN ${expressionSql(value, leaves)}`,
      );
      return `CASE ${branches.join(' ')} ELSE ${expressionSql(expression.otherwise, leaves)} END`;
    }
    case 'call': {
      const drifted = driftedText(expression, leaves);
      if (drifted !== undefined) return drifted;
      const signature = resolveSignature(scalarFunction(expression.function)!, expression.args)!;
      const args = expression.args.map((arg, index) => {
        const sql = expressionSql(arg, leaves);
        const wanted = expression.function === 'cast' ? expression.type : signature.parameters[index];
        const isRounded = wanted === 'number' && leaves.isWide && isWideValue(arg, leaves.isWide);
        return isRounded ? nearestDouble(sql) : sql;
      });
      const sql =
        signature.sql?.(args, expression.args) ?? `${quoteName(expression.function)}(${args.join(', ')})`;
      return leaves.isWide && isComputedWide(expression, leaves.isWide) ? within64Bits(sql) : sql;
    }
  }
}

/** A field of whole numbers cast to text: no digit is lost, though the column may hold fractions or texts as well. */
function driftedText(call: Expression & { kind: 'call' }, leaves: SqlLeaves): string | undefined {
  const [field] = call.args;
  if (call.function !== 'cast' || call.type !== 'text') return undefined;
  return field?.kind === 'field' && field.type === 'integer' ? leaves.driftedText?.(field.path) : undefined;
}

/** DuckDB rounds both halves of a HUGEINT for themselves; text it reads to the nearest double. */
const nearestDouble = (sql: string): string => `CAST(CAST(${sql} AS VARCHAR) AS DOUBLE)`;

/** NULL beyond 64 bits, and of any type as it is: a sum that has drifted has fractions. The value is written once. */
const within64Bits = (sql: string): string =>
  `list_transform([${sql}], lambda x: CASE WHEN x BETWEEN -9223372036854775808 AND 9223372036854775807 THEN x END)[1]`;

export function literalSql(expression: Expression & { kind: 'literal' }): string {
  const value = literalScalar(expression);
  if (value === null) return `NULL${expression.type === 'any' ? '' : `::${sqlTypeOf(expression.type)}`}`;
  switch (expression.type) {
    case 'text':
      return quoteText(String(value));
    case 'boolean':
      return value ? 'true' : 'false';
    case 'integer':
      return `(${value})::BIGINT`;
    case 'number':
      return Number.isFinite(Number(value)) ? `(${value})::DOUBLE` : `'${value}'::DOUBLE`;
    case 'time':
      return `make_timestamp((${value})::BIGINT)`;
    case 'date':
      return `CAST(make_timestamp((${value})::BIGINT) AS DATE)`;
    case 'interval':
      return `to_microseconds((${value})::BIGINT)`;
    case 'any':
      return typeof value === 'string' ? quoteText(value) : String(value);
  }
}
