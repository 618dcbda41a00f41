// A field means the same to the engine, which reads JSON, and to SQL, which reads the learned column: for every use, over
// values of every type, whether the column has stayed of one type, has widened to text, or is still JSON.
import { beforeAll, describe, expect, it } from 'vitest';
import { columnsOf, duckdb, planOf, query } from '../plan.fixture.ts';
import type { ScalarType } from '../plan.ts';
import { scalarAt } from '../vector.ts';
import { fieldSql, quoteText } from './field-sql.ts';

const numbers = [
  '0',
  '7',
  '-3',
  '2.5',
  '-0.125',
  '1767225600',
  '1767225600000',
  '1e3',
  '123456789012345',
  'null',
];
const texts = [
  '"12"',
  '" 7 "',
  '"-2.5e1"',
  '"true"',
  '"F"',
  '"yes"',
  '"x"',
  '""',
  '"2026-01-01"',
  '"2026-01-01T10:11:12Z"',
  '"2026-01-01T10:11:12+02:00"',
  '"2026-01-01 10:11:12.5"',
  '"1_000"',
  '"inf"',
  '"é😀"',
  'null',
];
const booleans = ['true', 'false', 'null'];

const columns: { type: string; values: string[] }[] = [
  { type: 'BIGINT', values: numbers.filter(text => !/[.e]/.test(text)) },
  {
    type: 'DECIMAL(38,0)',
    values: ['7', '1767225600', '18446744073709551615', '-184467440737095516161', 'null'],
  },
  { type: 'DOUBLE', values: numbers },
  { type: 'BOOLEAN', values: booleans },
  { type: 'VARCHAR', values: [...texts, ...booleans] },
  {
    type: 'JSON',
    values: [...numbers.filter(text => text !== '1e3'), ...texts, ...booleans, '{"a":[1,2]}', '[1]'],
  },
];
const uses: { type: ScalarType; text: string }[] = [
  { type: 'number', text: 'sum(v) AS x' },
  { type: 'boolean', text: 'bool_or(v) AS x' },
  { type: 'text', text: "count_if(lower(v) = 'a') AS x" },
  { type: 'time', text: 'max(epoch(v)) AS x' },
];

function normal(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value !== null && typeof value === 'object' && 'micros' in value) return Number(value.micros);
  return value;
}

describe('a field', () => {
  beforeAll(async () => {
    await (await duckdb()).run("SET TimeZone = 'UTC'");
  });

  for (const { type, values } of columns) {
    for (const use of uses) {
      // Epoch numbers inside a text are no times to either side; a text column of numbers is read as numbers only by number uses.
      it(`of a ${type} column used as ${use.type} is the same from JSON and from SQL`, async () => {
        const plan = await planOf(`SELECT ${use.text} FROM s`);
        const wanted = use.type === 'time' ? ({ type: 'time' } as const) : use;
        const lines = values.map(value => `{"v":${value}}`);
        const source = columnsOf([plan], lines);
        const vector = source.field(['v'], wanted.type);
        const engine = lines.map((_, row) => scalarAt(vector, row));
        const rows = values.map((value, index) => `(${index}, ${columnLiteral(value, type)})`);
        const sql = fieldSql([{ name: 'v', type }], 'event', ['v'], wanted.type);
        const answers = await query(
          `SELECT ${sql} FROM (VALUES ${rows.join(', ')}) AS event(_row, v) ORDER BY _row`,
        );
        const pairs = values.map((value, index) => ({ value, is: normal(answers[index]![0]) }));
        expect(values.map((value, index) => ({ value, is: engine[index] }))).toEqual(pairs);
      });
    }
  }

  it('that no event ever had is NULL of the wanted type', async () => {
    const [row] = await query(
      `SELECT typeof(${fieldSql([], 'event', ['v'], 'number')}), ${fieldSql([], 'e', ['v'], 'any')}`,
    );
    expect(row).toEqual(['DOUBLE', null]);
  });

  it('inside structures and JSON is reached by its path', async () => {
    const columnTypes = [
      { name: 'a', type: 'STRUCT(b STRUCT("c d" BIGINT), j JSON)' },
      { name: 'x.y', type: 'VARCHAR' },
    ];
    const from = `(SELECT {'b': {'c d': 5}, 'j': '{"k":{"l":"7"}}'::JSON} AS a, 'dotted' AS "x.y") AS event`;
    const paths = [
      ['a', 'b', 'c d'],
      ['a', 'j', 'k', 'l'],
      ['x.y'],
      ['x', 'y'],
      ['A', 'B', 'C D'],
      ['a', 'z'],
    ];
    const sql = paths.map(path => fieldSql(columnTypes, 'event', path, 'text')).join(', ');
    expect((await query(`SELECT ${sql} FROM ${from}`))[0]).toEqual(['5', '7', 'dotted', null, '5', null]);
  });
});

/** A value as the column of that type has it: the text of the value where the column has widened to text. */
function columnLiteral(json: string, type: string): string {
  if (json === 'null') return `NULL::${type}`;
  if (type === 'JSON') return `${quoteText(json)}::JSON`;
  if (type !== 'VARCHAR') return `${json}::${type}`;
  const value: unknown = JSON.parse(json);
  return quoteText(typeof value === 'string' ? value : json);
}
