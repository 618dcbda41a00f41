// A cast to a time means one thing: whether or not the field's type was known when the view was planned, in the engine and in DuckDB.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileColumn } from '../expression/compile.ts';
import { normal } from '../expression/expression-oracle.fixture.ts';
import { columnsOf, duckdb, planOf } from '../plan.fixture.ts';
import type { Expression } from '../plan.ts';
import { expressionSql } from '../sql/expression-sql.ts';
import { fieldSql, quoteText } from '../sql/field-sql.ts';
import { scalarAt } from '../vector.ts';
import { castScalar } from './cast.ts';

const seed = 20261124;
const at = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;

/** Values of the expression over events with `x`, in the engine and in DuckDB over a column of the type. */
async function valuesOf(sql: string, type: string, isKnown: boolean, given: readonly unknown[]) {
  const column = [{ name: 'x', type }];
  const plan = await planOf(`SELECT first(${sql}) AS v FROM s`, isKnown ? { schema: () => column } : {});
  const expression = plan.sources[0]!.aggregates[0]!.args[0]! as Expression;
  const source = columnsOf(
    [plan],
    given.map(x => JSON.stringify({ x })),
  );
  const vector = compileColumn(expression)(source);
  const engine = given.map((_, row) => scalarAt(vector, row));
  const planned = expressionSql(expression, {
    field: (path, wanted) => fieldSql(column, 'event', path, wanted),
    eventTime: () => 'NULL',
  });
  const literal = (value: unknown) => (typeof value === 'string' ? quoteText(value) : String(value));
  const rows = given.map((value, row) => `(${row}, ${literal(value)}::${type})`).join(', ');
  const reader = await (await duckdb()).runAndReadAll(
    `SELECT ${planned} FROM (VALUES ${rows}) event(_row, x) ORDER BY _row`,
  );
  return { engine, duckdb: reader.getRows().map(row => normal(row[0])) };
}

const text = fc.oneof(
  fc.constantFrom(
    '2026-01-02T03:04:05Z',
    '2026-01-02t03:04:05z',
    '20260102T030405Z',
    '02/Jan/2026:03:04:05 +0000',
    '2026-01-02 12:04:05+09:00',
    '2026-01-01T24:00:00Z',
    ' 2026-01-02 ',
    '1767323045',
    'infinity',
    'soon',
    '',
  ),
  fc.date({ noInvalidDate: true }).map(date => date.toISOString()),
);
const number = fc.oneof(
  fc.constantFrom(at / 1e6, at / 1e3, at, 0, -1),
  fc.integer({ min: 0, max: 2_000_000_000 }),
);
const fraction = fc.double({ min: 0, max: 2e9, noNaN: true }).filter(value => !Number.isInteger(value));

test.each([
  ['VARCHAR', text],
  ['BIGINT', number],
  ['DOUBLE', fraction],
  ['BOOLEAN', fc.boolean()],
] as const)(`%s to a time is the same known and unknown (seed ${seed})`, async (type, value) => {
  const given = fc.sample(fc.option(value as fc.Arbitrary<unknown>), { numRuns: 200, seed });
  for (const sql of ['x::TIMESTAMP', 'TRY_CAST(x AS DATE)', 'coalesce(x, x)::TIMESTAMP']) {
    const known = await valuesOf(sql, type, true, given);
    const unknown = await valuesOf(sql, type, false, given);
    expect([sql, known.engine]).toEqual([sql, unknown.engine]);
    expect([sql, known.duckdb]).toEqual([sql, known.engine]);
    expect([sql, unknown.duckdb]).toEqual([sql, unknown.engine]);
  }
});

test('whole numbers in bases 16 and 2 are what DuckDB reads', async () => {
  const texts = [
    '0x1F',
    '0X1f',
    '0b101',
    '0B1_0',
    '0x1_F',
    '0x1_',
    '0x',
    '0b2',
    ' 0x1F',
    '-0x1F',
    '0x80',
    '0xFFFF',
    '0x1g',
  ];
  texts.push(
    '0x7fffffffffffffff',
    '0x8000000000000000',
    '0x0000000000000000000001',
    '0x1.5',
    '31',
    '1e3',
    '1_000',
  );
  for (const type of ['TINYINT', 'UTINYINT', 'INTEGER', 'BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE']) {
    const { engine } = await valuesOf(`TRY_CAST(x AS ${type})`, 'VARCHAR', true, texts);
    const values = texts.map((text, row) => `(${row}, ${quoteText(text)})`).join(', ');
    const reader = await (await duckdb()).runAndReadAll(
      `SELECT TRY_CAST(TRY_CAST(x AS ${type}) AS ${type === 'DOUBLE' ? type : 'BIGINT'}) FROM (VALUES ${values}) event(_row, x) ORDER BY _row`,
    );
    expect([type, engine]).toEqual([type, reader.getRows().map(row => normal(row[0]))]);
  }
});

test('a number that no double holds is inf as text', async () => {
  const plan = await planOf(
    "SELECT count_if(lower(x) = 'inf') AS n, count_if(lower(x) = '-inf') AS m FROM s",
  );
  const source = columnsOf([plan], ['{"x":1e400}', '{"x":-1e400}', '{"x":"inf"}']);
  const [plus, minus] = plan.sources[0]!.aggregates.map(({ args, filter }) =>
    compileColumn(filter ?? args[0]!)(source),
  );
  expect([0, 1, 2].map(row => scalarAt(plus!, row))).toEqual([true, false, true]);
  expect([0, 1, 2].map(row => scalarAt(minus!, row))).toEqual([false, true, false]);
});

test('every form of an instant is one', async () => {
  const forms = ['2026-01-02t03:04:05z', '20260102T030405Z', '02/Jan/2026:03:04:05 +0000'];
  expect((await valuesOf('x::TIMESTAMP', 'VARCHAR', true, forms)).engine).toEqual([at, at, at]);
});

test('blanks around a text are those that DuckDB passes over', async () => {
  const blanks = Array.from('\t\n\v\f\r \u00a0\u1680\u2003\u2028\u202f\u3000\ufeff');
  const types: [string, string][] = [
    ['BOOLEAN', 'true'],
    ['BIGINT', '-12'],
    ['HUGEINT', '12'],
    ['DOUBLE', '1.5'],
    ['DECIMAL(9,2)', '1.5'],
    ['BIGINT', '+'],
    ['INTERVAL', '5 days'],
    ['INTERVAL', '01:30:00'],
  ];
  for (const [type, spelled] of types) {
    const texts = blanks.flatMap(blank =>
      /:/.test(spelled) ? [blank + spelled] : [blank + spelled, spelled + blank],
    );
    const rows = texts.map((text, row) => `(${row}, ${quoteText(text)})`).join(', ');
    const reader = await (await duckdb()).runAndReadAll(
      `SELECT TRY_CAST(x AS ${type}) IS NULL FROM (VALUES ${rows}) t(_row, x) ORDER BY _row`,
    );
    const isNull = texts.map(text => castScalar(text, 'text', type) === null);
    expect(isNull, `${spelled} as ${type}`).toEqual(reader.getRows().map(([is]) => is));
  }
});
