// For tests only: one expression over some rows, compiled, interpreted and in DuckDB.
import type { Scalar } from '../functions/function.ts';
import { duckdb, planOf } from '../plan.fixture.ts';
import type { Expression, ScalarType } from '../plan.ts';
import { expressionSql } from '../sql/expression-sql.ts';
import { fieldSql, quoteText } from '../sql/field-sql.ts';
import { type ColumnSource, scalarAt, type Vector } from '../vector.ts';
import { compileColumn, exactColumn, vectorOf } from './compile.ts';
import { columns, farInterval, type Row } from './expression.fixture.ts';

/** The rows as columns; whole numbers beyond 2^53 make the column one of 64-bit integers. */
function sourceOf(events: readonly Row[]): ColumnSource {
  const vectors = new Map<string, Vector>();
  const types: Record<string, ScalarType> = {
    BIGINT: 'integer',
    DOUBLE: 'number',
    VARCHAR: 'text',
    BOOLEAN: 'boolean',
    TIMESTAMP: 'time',
  };
  for (const { name, type } of columns) {
    const values = events.map(event => {
      const value = event[name];
      return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
    });
    vectors.set(name, vectorOf(values as Scalar[], types[type]!));
  }
  // A whole number that is wanted as text alone is read as text.
  const texts = (name: keyof Row): Vector =>
    vectorOf(
      events.map(event => (event[name] === null ? null : String(event[name]))),
      'text',
    );
  const isWhole = (name: keyof Row): boolean =>
    columns.some(one => one.name === name && one.type === 'BIGINT');
  return {
    rows: events.length,
    field: ([first], type) => {
      const name = first as keyof Row;
      return type === 'text' && isWhole(name) ? texts(name) : vectors.get(name)!;
    },
    hash: path => vectors.get(path[0]!)!,
    presence: path => vectors.get(path[0]!)!,
    eventTime: () => vectors.get('d')!,
  };
}

export function valuesSql(events: readonly Row[]): string {
  const literal = (value: Row[keyof Row], type: string): string => {
    if (value === null) return `NULL::${type}`;
    if (type === 'TIMESTAMP') return `make_timestamp(${value}::BIGINT)`;
    if (typeof value === 'string') return quoteText(value);
    // Digits have no sign of zero.
    return Object.is(value, -0) ? `'-0'::${type}` : `(${value})::${type}`;
  };
  const lines = events.map(
    (event, index) => `(${index}, ${columns.map(({ name, type }) => literal(event[name], type)).join(', ')})`,
  );
  return `(VALUES ${lines.join(', ')}) AS event(_row, ${columns.map(({ name }) => `"${name}"`).join(', ')})`;
}

/** DuckDB's values as ours: bigints that are safe as numbers, times and dates as µs. */
export function normal(value: unknown): Scalar {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (value !== null && typeof value === 'object') {
    const time = value as { micros?: bigint; days?: number };
    if (time.micros !== undefined) return Number(time.micros);
    if (time.days !== undefined) return time.days * 86_400e6;
  }
  return value as Scalar;
}

export function same(a: Scalar, b: Scalar, type: ScalarType): boolean {
  if (a === b || (a === 0 && b === 0)) return true;
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  if (type !== 'number' || typeof a !== 'number' || typeof b !== 'number') return false;
  return Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b)) && Number.isFinite(a - b);
}

async function duckdbValues(sql: string, events: readonly Row[]): Promise<Scalar[]> {
  const reader = await (await duckdb()).runAndReadAll(
    `SELECT ${sql} AS value FROM ${valuesSql(events)} ORDER BY _row`,
  );
  return reader.getRows().map(row => normal(row[0]));
}

async function boundExpression(text: string): Promise<Expression> {
  const plan = await planOf(`SELECT first(${text}) AS value FROM stream`, { schema: () => columns });
  return plan.sources[0]!.aggregates[0]!.args[0]!;
}

/** Where the three, or the expression as it was written, differ: a description, or undefined. */
export async function difference(sql: string, events: readonly Row[]): Promise<string | undefined> {
  const expression = await boundExpression(sql);
  const source = sourceOf(events);
  const compiled = compileColumn(expression)(source);
  const exact = exactColumn(expression)(source);
  const planned = await duckdbValues(
    expressionSql(expression, {
      field: (path, type) => fieldSql(columns, 'event', path, type),
      eventTime: () => 'event.d',
    }),
    events,
  );
  // As written, DuckDB may give up with an error (overflow, root of a negative number), where we have NULL.
  const written = await duckdbValues(sql, events).catch(() => undefined);
  for (let row = 0; row < events.length; row++) {
    const [a, b] = [scalarAt(compiled, row), scalarAt(exact, row)];
    const [c, d] = [planned[row]!, written?.[row]];
    const context = {
      sql,
      event: used(sql, events[row]!),
      compiled: a,
      interpreted: b,
      planned: c,
      written: d,
    };
    if (!same(a, b, expression.type)) return `compiled is not interpreted: ${show(context)}`;
    // What is left of a large root is its last digits, and those are each library's own.
    const { x, y } = events[row]!;
    const isOfRoot = /cbrt\(.*%|%.*cbrt\(/.test(sql) && [x, y].some(one => Math.abs(Number(one)) > 1e6);
    if (!isOfRoot && !same(b, c, expression.type)) return `interpreted is not DuckDB's: ${show(context)}`;
    // Times and intervals beyond the range are NULL on the way to a result too, where DuckDB goes on.
    const { d: from, e: to } = events[row]!;
    const isFar = [from, to].some(timeUs => Math.abs(Number(timeUs)) > Number.MAX_SAFE_INTEGER / 2);
    // So are whole numbers beyond 64 bits, where DuckDB goes on with 128; its round wraps around at the ends of 64.
    const isLarge =
      /\d{16}/.test(sql) || [events[row]!.i, events[row]!.j].some(one => Math.abs(Number(one)) > 2 ** 53);
    const isWide = isLarge && (b === null || /round\(|coalesce\(|greatest\(|least\(|CASE/.test(sql));
    // A time compared with one that is cut off in another place is unequal to DuckDB, be it NULL.
    const isFolded = b === null && sql.includes('date_trunc(');
    // DuckDB's cube root of an exact cube may be off in the last digit, which round, floor and comparisons make more of.
    const isRounded = sql.includes('cbrt(');
    const mayDiffer = isFar || sql.includes(farInterval) || isWide || isFolded || isRounded;
    if (d !== undefined && !mayDiffer && !same(b, d, expression.type))
      return `not as written: ${show(context)}`;
  }
  return undefined;
}

function used(sql: string, event: Row): Partial<Row> {
  return Object.fromEntries(Object.entries(event).filter(([name]) => new RegExp(`\\b${name}\\b`).test(sql)));
}

function show(context: unknown): string {
  return JSON.stringify(context, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
}
