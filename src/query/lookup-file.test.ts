// Lookup tables whose content is not what was meant, as DuckDB reads them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LookupRows, readLookup } from './lookup-file.ts';
import { listNesting } from './type-nesting.ts';

let dir: string;
let instance: DuckDBInstance;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-lookup-'));
  instance = await DuckDBInstance.create();
});
afterAll(() => {
  instance.closeSync();
  rmSync(dir, { recursive: true, force: true });
});

function read(text: string, name = 'codes.csv'): Promise<LookupRows> {
  const file = join(dir, name);
  writeFileSync(file, text);
  return readLookup(instance, { name: 'codes', file, copy: join(dir, 'copy.parquet') });
}

const wrong: [text: string, reason: RegExp][] = [
  ['k,v\na,1\nb\n', /Line 3 has 1 column, and the first has 2/],
  ['k,v\na,1\nb\nc,3,4\n', /Line 3 has 1 column, and the first has 2/],
  ['k,v\na,1,2\nb,2,3\n', /Line 2 has 3 columns, and the first has 2/],
  ['k,v\na,b\nc,d,e\n', /Line 3 has 3 columns, and the first has 2/],
  ['k,v,w\na,1,x\nb,2', /Line 3 has 2 columns, and the first has 3/],
  ['k;v\na;1\nb;2;3\n', /Line 3 has 3 columns, and the first has 2/],
  ['k\tv\na\t1\nb\n', /Line 3 has 1 column, and the first has 2/],
  ['k,v\na,"x, \ny"\nb,1\nc\n', /Line 5 has 1 column, and the first has 2/],
  ['k,v\na;1\nb;2\n', /first line is no header of the lines below, which have ";" between columns/],
];

test.each(wrong)('%j is refused: its lines differ', async (text, reason) => {
  await expect(read(text)).rejects.toMatchObject({
    code: 'bad-lookup',
    message: expect.stringMatching(reason),
  });
});

test('a file that is no CSV is told without its path', async () => {
  await expect(read('k,v\r\na,"x, \ny"\r\nb\r\n')).rejects.toThrow(
    /loaded: It was not possible to .* detect/,
  );
});

const right: [text: string, columns: string[], rows: number][] = [
  ['k,v\na,1\nb,2\n', ['k', 'v'], 2],
  ['k,v\n', ['k', 'v'], 0],
  ['k\na\nb\n', ['k'], 2],
  ['"a,b"\nx\ny\n', ['a,b'], 2],
  ['k\n"a,b"\nb\n', ['k'], 2],
  ['Countries\nk,v\na,1\nb,2\n', ['k', 'v'], 2],
  ['# a, b, c\nk,v\na,1\n', ['k', 'v'], 1],
];

test.each(right)('%j is read', async (text, columns, rows) => {
  const table = await read(text);
  expect(table.columns.map(({ name }) => name)).toEqual(columns);
  expect(table.values[0]).toHaveLength(rows);
});

test.each([
  ['BIGINT', 0],
  ['BIGINT[][]', 2],
  ['STRUCT(a BIGINT[], "b)[]" VARCHAR[3][])[]', 3],
  ['STRUCT(a STRUCT(b BIGINT[][])[], c DECIMAL(18,3))[]', 4],
  ['STRUCT(a BIGINT[], b BIGINT[], c BIGINT[])', 1],
  ['MAP(VARCHAR, MAP(VARCHAR, BIGINT[])[])', 4],
])('%s has lists %d deep', (type, depth) => expect(listNesting(type)).toBe(depth));

test('a Parquet file is refused whose lists would take for ever', async () => {
  const connection = await instance.connect();
  const file = join(dir, 'codes.parquet');
  const given = async (sql: string): Promise<LookupRows> => {
    await connection.run(`COPY (${sql}) TO '${file}' (FORMAT parquet)`);
    return readLookup(instance, { name: 'codes', file, copy: join(dir, 'copy.parquet') });
  };
  const nested = (depth: number): string => `SELECT ${'['.repeat(depth)}1${']'.repeat(depth)} AS k`;
  expect((await given(nested(12))).values).toEqual([[`${'['.repeat(12)}1${']'.repeat(12)}`]]);
  await expect(given(nested(40))).rejects.toThrow(/Lists of "k" are nested deeper than 12/);
  connection.closeSync();
});
