// The join of a stream with a lookup table as SQL. Keys are equal as the engine has it: as numbers, of whatever type and however
// many digits, where they are numbers, and else as values of the key's type.
import { scalarTypeOf } from '../functions/cast.ts';
import type { Expression, Lookup } from '../plan.ts';
import { findColumn, locate, type SqlColumn, type SqlRelation } from './column-type.ts';
import { driftedFieldsSql } from './drifted-sql.ts';
import { expressionSql, type SqlLeaves } from './expression-sql.ts';
import { quoteName } from './field-sql.ts';

/** A lookup table in the contents that events were joined with. */
export interface LookupRelation extends SqlRelation {
  /** A column that orders the rows: of rows with one key the first counts. */
  order?: string;
  /** Columns of numbers of which some contents are whole and some are not are VARCHAR, the texts of `numberKey`. */
  columns: readonly SqlColumn[];
  /** Where there are several contents, told apart by a column `_version`: the one that `event` was joined with, as SQL. */
  version?: string;
}

/** Joins `table` as `lookup<index>` to `event`, whose columns are `events`. */
export function lookupJoinSql(
  lookup: Lookup,
  index: number,
  table: LookupRelation,
  events: readonly SqlColumn[],
  leaves: SqlLeaves,
): string {
  const { from, order, version } = table;
  const keys = [
    ...lookup.on.map(({ column }) => quoteName(column)),
    ...(version === undefined ? [] : ['_version']),
  ].join(', ');
  const on = lookup.on.map(({ column, expression }) => {
    const key = `lookup${index}.${quoteName(column)}`;
    const keyType = findColumn(table.columns, column)?.type ?? '';
    const isNumber = expression.type === 'integer' || expression.type === 'number';
    const isOneType = isIntegerType(keyType)
      ? isIntegerField(expression, events)
      : keyType === 'DOUBLE' && expression.type === 'number';
    if (!isNumber || isOneType) return `${key} = ${expressionSql(expression, leaves)}`;
    return `${keyType === 'VARCHAR' ? key : numberKey(key)} = ${eventKey(expression, events, leaves)}`;
  });
  if (version !== undefined) on.push(`lookup${index}._version = ${version}`);
  const sorted = order === undefined ? '' : ` ORDER BY ${keys}, ${quoteName(order)}`;
  const rows = `(SELECT DISTINCT ON (${keys}) * FROM ${from}${sorted})`;
  return `\n  LEFT JOIN ${rows} AS lookup${index} ON ${on.join(' AND ')}`;
}

const isIntegerType = (type: string): boolean => scalarTypeOf(type) === 'integer';

/** Whether an expression is BIGINT in SQL beyond doubt. */
function isIntegerField(expression: Expression, events: readonly SqlColumn[]): boolean {
  if (expression.kind !== 'field' || expression.type !== 'integer') return false;
  const found = locate(events, expression.path);
  return found !== undefined && found.rest.length === 0 && isIntegerType(found.type);
}

/** Numbers are equal where these texts are. Beyond 10^30 there are doubles only. */
export function numberKey(number: string): string {
  const isWhole = `${number} = trunc(${number}) AND ${number} BETWEEN -1e30 AND 1e30`;
  return `CASE WHEN ${isWhole} THEN CAST(CAST(${number} AS HUGEINT) AS VARCHAR) ELSE CAST(${number} AS VARCHAR) END`;
}

/** The same of what an event's side is. */
const eventKey = (expression: Expression, events: readonly SqlColumn[], leaves: SqlLeaves): string =>
  driftedFieldsSql(expression, events, leaves, numberKey);
