// Texts that functions make of others have an end, the same compiled, interpreted and in the history's SQL.
import { expect, test } from 'vitest';
import { compileColumn, exactColumn, vectorOf } from '../expression/compile.ts';
import { planOf, query } from '../plan.fixture.ts';
import { expressionSql } from '../sql/expression-sql.ts';
import { type ColumnSource, scalarAt } from '../vector.ts';

const source: ColumnSource = {
  rows: 1,
  field: path => vectorOf([path[0] === 's' ? 'ab' : '😀x'], 'text'),
  hash: () => vectorOf([null], 'text'),
  presence: () => vectorOf([true], 'boolean'),
  eventTime: () => vectorOf([0], 'time'),
};

/** Characters of the text, or null: as the engine and as DuckDB have it. */
async function lengths(sql: string): Promise<(number | null)[]> {
  const schema = () => ['s', 'e'].map(name => ({ name, type: 'VARCHAR' }));
  const plan = await planOf(`SELECT first(${sql}) AS value FROM stream`, { schema });
  const expression = plan.sources[0]!.aggregates[0]!.args[0]!;
  const planned = expressionSql(expression, { field: ([name]) => name! });
  const rows = await query(`SELECT length(${planned}) FROM (VALUES ('ab', '😀x')) AS t(s, e)`);
  const inEngine = [compileColumn, exactColumn].map(compiled => {
    const value = scalarAt(compiled(expression)(source), 0);
    return value === null ? null : [...String(value)].length;
  });
  return [...inEngine, rows[0]![0] === null ? null : Number(rows[0]![0])];
}

/** Texts of exactly a million characters, and one more of each. */
const longest: [sql: string, longer: string][] = [
  ['repeat(s, 250000) || repeat(e, 250000)', "repeat(s, 250000) || repeat(e, 250000) || 'x'"],
  ['concat(repeat(s, 250000), NULL, repeat(e, 250000))', "concat(repeat(s, 499999), 'x', e)"],
  ["concat_ws('😀', repeat(s, 499998), 'x', NULL, 'y')", "concat_ws('😀', repeat(s, 499998), 'x', e)"],
  ["replace(repeat(e, 250000), 'x', '😀😀😀')", "replace('x' || repeat(e, 250000), 'x', '😀😀😀')"],
  [
    "regexp_replace(repeat(s, 200000), 'b', 'x\\0é😀', 'g')",
    "regexp_replace(repeat(s, 200001), 'b', 'x\\0é😀', 'g')",
  ],
  ["replace(repeat(s, 500000), '', 'y')", "replace(repeat(s, 250000) || repeat(s, 250001), '', 'y')"],
  ['repeat(e, 500000)', 'repeat(e, 500001)'],
];

test.each(longest)('%s has a million characters, and with more is NULL', async (sql, longer) => {
  expect(await lengths(sql)).toEqual([1_000_000, 1_000_000, 1_000_000]);
  expect(await lengths(longer)).toEqual([null, null, null]);
});

test('what would take very much memory is not even made', async () => {
  const long = 'repeat(s, 500000)';
  for (const sql of [
    `replace(${long}, 'a', ${long})`,
    `regexp_replace(${long}, 'a', '${'x'.repeat(200)}', 'g')`,
    `concat_ws(${long}, ${Array(200).fill("'x'").join(', ')})`,
  ]) {
    expect(await lengths(sql)).toEqual([null, null, null]);
  }
});

test('a long chain of texts is a short query', async () => {
  const chain = Array(195).fill('s').join(' || ');
  expect(await lengths(chain)).toEqual([390, 390, 390]);
});
