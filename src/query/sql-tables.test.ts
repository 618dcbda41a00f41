import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogReader } from '../flow/log.ts';
import type { Engine } from '../process/engine.ts';
import type { ViewColumn, ViewQuery, WindowRow } from '../process/view.ts';
import type { Lake } from '../store/lake.ts';
import { QueryServer } from './query-server.ts';
import { SqlTables } from './sql-tables.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-sql-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const path: ViewColumn = { name: 'path', type: 'VARCHAR', role: 'group' };
const count: ViewColumn = { name: 'n', type: 'BIGINT', role: 'value' };

/** SQL over one view of these rows, which come in pages. */
function tables(
  columns: ViewColumn[],
  rows: WindowRow[],
  pageRows = rows.length,
  others: Partial<ConstructorParameters<typeof SqlTables>[0]> = {},
): SqlTables {
  const view = {
    name: 'v',
    columns,
    resolutions: [
      { everyMs: 60_000, keepMs: null },
      { everyMs: 3_600_000, keepMs: null },
    ],
  };
  const engine = {
    views: async () => [view],
    settled: async () => {},
    query: async ({ cursor = '0' }: ViewQuery) => {
      const end = Number(cursor) + pageRows;
      const next = end < rows.length ? { next: String(end) } : {};
      return { columns, rows: rows.slice(Number(cursor), end), ...next };
    },
  } as unknown as Engine;
  const server = new QueryServer({
    lakeDir: dir,
    temporaryDir: join(dir, 'tmp'),
    threads: 1,
    memoryLimitMb: 512,
  });
  return new SqlTables({
    log: { streams: async () => [] } as unknown as LogReader,
    lake: {} as Lake,
    engine,
    query: {
      ...server,
      parse: s => server.parse(s),
      tables: s => server.tables(s),
      run: r => server.run(r),
      close: async () => {},
    },
    dir: join(dir, 'views'),
    maxViewRows: 100,
    ...others,
  });
}

const row = (values: WindowRow['values'], more: Partial<WindowRow> = {}): WindowRow => ({
  startUs: 0,
  endUs: 60_000_000,
  revision: 0,
  final: true,
  values,
  ...more,
});

async function ask(sqlTables: SqlTables, sql: string): Promise<unknown[][]> {
  const answer = await sqlTables.run({
    sql,
    format: 'json',
    timeoutMs: 10_000,
    maxRows: 100,
    maxBytes: 1_000_000,
  });
  return answer.rows;
}

test('the group beyond the cap and groups that may lack events are told from others', async () => {
  const rows = [row(['/a', 7]), row(['/b', 2], { incomplete: true }), row([null, 3], { overflow: true })];
  const found = await ask(
    tables([path, count], rows),
    'SELECT path, n, overflow, incomplete FROM v ORDER BY n DESC',
  );
  expect(found).toEqual([
    ['/a', 7, false, false],
    [null, 3, true, false],
    ['/b', 2, false, true],
  ]);
  expect(await ask(tables([path, count], []), 'SELECT path, n, overflow, incomplete FROM v')).toEqual([]);
});

test("a view's own column of such a name is the view's", async () => {
  const overflow: ViewColumn = { name: 'Overflow', type: 'BIGINT', role: 'value' };
  const rows = [row(['/a', 12]), row([null, 5], { overflow: true })];
  const sqlTables = tables([path, overflow], rows);
  expect(await ask(sqlTables, 'SELECT overflow, incomplete FROM v ORDER BY 1')).toEqual([
    [5, false],
    [12, false],
  ]);
});

test('a view of more rows than SQL can see is refused, not cut', async () => {
  const rows = new Array(101).fill(row(['/a', 1]));
  await expect(ask(tables([path, count], rows, 10), 'SELECT count(*) FROM v')).rejects.toThrow(
    expect.objectContaining({
      code: 'view-too-large',
      message: expect.stringContaining('100 rows at 1m'),
    }),
  );
});

test.each([
  ['BIGINT', 'value', '18446744073709551616', 2 ** 64],
  ['HUGEINT', 'value', `1${'0'.repeat(45)}`, 1e45],
  ['BIGINT', 'group', '9999999999999999999', '9999999999999999999'],
  ['BIGINT', 'value', 1e19, 1e19],
  ['HUGEINT', 'value', 1e45, 1e45],
  ['BIGINT', 'group', 1e19, 1e19],
] as const)(
  'a %s column of a %s has room for %s, which its field has shown since',
  async (type, role, wide, wanted) => {
    const columns: ViewColumn[] = [{ name: 'm', type, role }];
    const one = tables(columns, [row([wide]), row([null])]);
    expect(await ask(one, 'SELECT m FROM v')).toEqual([[wanted], [null]]);
  },
);

test('a column of any values is what they are, where they agree', async () => {
  const any: ViewColumn = { name: 'x', type: 'JSON', role: 'value' };
  const typed = (...values: WindowRow['values']) =>
    ask(
      tables(
        [any],
        values.map(value => row([value])),
      ),
      "SELECT typeof(x), x -> '$[0]', x FROM v",
    );
  expect(await typed('["a","b"]', null)).toEqual([
    ['VARCHAR', '"a"', '["a","b"]'],
    ['VARCHAR', null, null],
  ]);
  expect(await typed('a', 7)).toEqual([
    ['JSON', null, '"a"'],
    ['JSON', null, '7'],
  ]);
});

test('sums beyond 64 bits keep their digits, and SQL computes with them within and beyond', async () => {
  const sum: ViewColumn = { name: 's', type: 'HUGEINT', role: 'value' };
  const sqlTables = tables([sum], [row(['27670116110564327421']), row([7])]);
  const within = 'list_transform([s], lambda x: CASE WHEN x < 9 THEN x END)[1]';
  expect(await ask(sqlTables, `SELECT s, ${within} FROM v ORDER BY s`)).toEqual([
    [7, 7],
    ['27670116110564327421', null],
  ]);
});

test('where nothing was ever rejected _rejected is an empty table with its columns', async () => {
  expect(await ask(tables([], []), 'SELECT line, reason, raw FROM _Rejected')).toEqual([]);
});

test('what is spelled so goes before a stream or a view in another case', async () => {
  const copy = join(dir, 'lookup.parquet');
  const server = await DuckDBInstance.create();
  const connection = await server.connect();
  await connection.run(`COPY (SELECT 'lookup' AS path, 1 AS _row) TO '${copy}' (FORMAT parquet)`);
  connection.closeSync();
  const sqlTables = tables([path], [row(['view'])], 1, {
    log: { streams: async () => ['V', 'Names'].map(name => ({ name })) } as unknown as LogReader,
    lake: { flush: async () => {}, selectSql: () => "SELECT 'stream' AS path" } as unknown as Lake,
    lookups: { names: () => ['names'], get: () => ({ columns: [{ name: 'path' }], copy }) },
  });
  const found = async (name: string) => (await ask(sqlTables, `SELECT path FROM ${name}`))[0]![0];
  expect(await found('v')).toBe('view');
  expect(await found('"v@1m"')).toBe('view');
  expect(await found('V')).toBe('stream');
  expect(await found('names')).toBe('lookup');
  expect(await found('NAMES')).toBe('stream');
});
