import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { QueryRequest } from './query.ts';
import { QueryServer } from './query-server.ts';

let dir: string;
let server: QueryServer;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-query-'));
  mkdirSync(join(dir, 'lake'));
  writeFileSync(join(dir, 'secret.csv'), 'a\n1\n');
  server = new QueryServer({
    lakeDir: join(dir, 'lake'),
    temporaryDir: join(dir, 'tmp'),
    threads: 1,
    memoryLimitMb: 512,
  });
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

function run(sql: string, more: Partial<QueryRequest> = {}) {
  return server.run({
    sql,
    format: 'json',
    timeoutMs: 10_000,
    maxRows: 1000,
    maxBytes: 1e6,
    tables: [],
    ...more,
  });
}

test('values come as plain JSON', async () => {
  const answer = await run(
    `SELECT 1::BIGINT AS i, 9007199254740993 AS big, 1.5::DECIMAL(4,1) AS d, NULL AS n, TIMESTAMP '2026-01-02 03:04:05.000006' AS t,
            DATE '2026-01-02' AS day, [1, 2] AS list, {'a': 'x'} AS struct, MAP {'k': 1} AS map, 'nan'::DOUBLE AS nan, true AS b`,
  );
  expect(answer.rows).toEqual([
    [
      1,
      '9007199254740993',
      1.5,
      null,
      '2026-01-02T03:04:05.000006Z',
      '2026-01-02',
      [1, 2],
      { a: 'x' },
      { k: 1 },
      'NaN',
      true,
    ],
  ]);
  expect(answer.columns.map(column => column.type).slice(0, 3)).toEqual(['BIGINT', 'BIGINT', 'DECIMAL(4,1)']);
});

test('whole numbers beyond 2^53 are text with all their digits, of every type and inside lists', async () => {
  const answer = await run(
    `SELECT 18446744073709551615::UBIGINT AS u, -170141183460469231731687303715884105727::HUGEINT AS h,
            99999999999999999999999999999999999999::DECIMAL(38,0) AS d, 7::DECIMAL(38,0) AS small,
            [9007199254740993] AS list, {'id': 9007199254740993::DECIMAL(38,0)} AS struct, '9007199254740993'::JSON AS j`,
  );
  expect(JSON.parse(JSON.stringify(answer.rows))).toEqual([
    [
      '18446744073709551615',
      '-170141183460469231731687303715884105727',
      '9'.repeat(38),
      7,
      ['9007199254740993'],
      { id: '9007199254740993' },
      '9007199254740993',
    ],
  ]);
});

test('numbers that no double holds are text, in every format of text, also inside lists and objects', async () => {
  const sql = `SELECT '1e400'::JSON::DOUBLE AS x, [-'inf'::DOUBLE] AS l, {'a': 'nan'::DOUBLE} AS s`;
  expect((await run(sql)).rows).toEqual([['Infinity', ['-Infinity'], { a: 'NaN' }]]);
  const text = async (format: 'ndjson' | 'csv') =>
    new TextDecoder().decode((await run(sql, { format })).body);
  expect(await text('ndjson')).toBe('{"x":"Infinity","l":["-Infinity"],"s":{"a":"NaN"}}\n');
  expect(await text('csv')).toBe('x,l,s\r\nInfinity,"[""-Infinity""]","{""a"":""NaN""}"\r\n');
});

test('a literal beyond doubles is infinite, and a text that looks like one in the parse tree stays as it is', async () => {
  const sql = `SELECT 1e400 AS x, -1e400 AS y, '"value":Infinity}' AS t`;
  expect(await server.tables(sql)).toEqual([]);
  expect((await run(sql)).rows).toEqual([['Infinity', '-Infinity', '"value":Infinity}']]);
  expect(JSON.stringify(await server.parse(sql))).toContain(JSON.stringify('"value":Infinity}'));
});

test('texts keep a leading byte order mark, short and long, nested and as keys', async () => {
  const long = '\ufeff and more than twelve bytes';
  const answer = await run(
    `SELECT chr(65279) || 'a' AS s, length(s) AS n, '${long}' AS l, [s, l] AS list, {'k': s} AS struct, MAP {s: l} AS map, to_json(s) AS j`,
  );
  const short = '\ufeffa';
  expect(answer.rows).toEqual([
    [short, 2, long, [short, long], { k: short }, { [short]: long }, `"${short}"`],
  ]);
  expect((await run(`SELECT '${short}' AS s`, { format: 'ndjson' })).body).toEqual(
    new TextEncoder().encode(`{"s":"${short}"}\n`),
  );
});

test('rows and bytes have a cap that is told', async () => {
  expect(await run('SELECT * FROM range(5000)')).toMatchObject({ rowCount: 1000, truncated: true });
  expect(await run('SELECT * FROM range(1000)')).toMatchObject({ rowCount: 1000, truncated: false });
  const wide = await run("SELECT repeat('x', 1000) FROM range(900)", { maxBytes: 10_000 });
  expect(wide.truncated).toBe(true);
  expect(wide.rowCount).toBeLessThan(20);
});

test('parameters are bound by place and by name', async () => {
  expect((await run('SELECT $1 + 1, $2', { params: [41, "x'; DROP"] })).rows).toEqual([[42, "x'; DROP"]]);
  expect((await run('SELECT $a::INT', { params: { a: 7 } })).rows).toEqual([[7]]);
});

test('csv tells null from empty and quotes', async () => {
  const answer = await run(`SELECT 1 AS "a,b", '' AS e, NULL AS n, 'x"y' AS q`, { format: 'csv' });
  expect(new TextDecoder().decode(answer.body)).toBe('"a,b",e,n,q\r\n1,"",,"x""y"\r\n');
});

test('parquet can be read back', async () => {
  const answer = await run('SELECT i AS n FROM range(10) t(i)', { format: 'parquet' });
  expect(new TextDecoder().decode(answer.body!.subarray(0, 4))).toBe('PAR1');
  expect(answer.rowCount).toBe(10);
});

test('a syntax error has its line and column', async () => {
  await expect(server.tables('SELECT a,\n  FROM WHERE')).rejects.toMatchObject({
    code: 'sql-syntax',
    context: { line: 2, column: 8 },
  });
  await expect(run('SELECT\n  nope FROM (SELECT 1 AS a)')).rejects.toMatchObject({
    code: 'sql-error',
    context: { line: 2, column: 3 },
  });
});

test('tables are named without those that the query defines itself', async () => {
  const sql =
    'WITH a AS (SELECT * FROM b), c AS (SELECT 1) SELECT * FROM a, c, "D e" WHERE x IN (SELECT y FROM f)';
  expect((await server.tables(sql)).sort()).toEqual(['D e', 'b', 'f']);
});

describe('the sandbox', () => {
  const forbidden = [
    () => `SELECT * FROM read_csv('${dir}/secret.csv')`,
    () => `SELECT * FROM '${dir}/secret.csv'`,
    () => `SELECT * FROM read_text('/etc/passwd')`,
    () => `SELECT * FROM glob('${dir}/*')`,
    () => `SELECT * FROM read_json('http://127.0.0.1:1/')`,
    () => `SELECT * FROM read_csv('${dir}/lake/../secret.csv')`,
    () => `COPY (SELECT 1) TO '${dir}/lake/x.csv'`,
    () => 'CREATE TABLE t (a INT)',
    () => 'INSTALL httpfs',
    () => 'SET threads = 1',
    () => 'PRAGMA enable_profiling',
    () => `ATTACH '${dir}/x.db'`,
    () => 'SELECT 1; SELECT 2',
  ];
  test.each(forbidden.map(make => [make()]))('refuses %s', async sql => {
    await expect(server.tables(sql).then(() => run(sql))).rejects.toMatchObject({ status: 400 });
  });

  test('a query over its time is stopped', async () => {
    await expect(
      run('SELECT count(*) FROM range(10000000000) a, range(1000) b', { timeoutMs: 50 }),
    ).rejects.toMatchObject({ code: 'sql-timeout' });
    expect((await run('SELECT 1')).rows).toEqual([[1]]);
  });
});

test('a query that nobody waits for is interrupted, also before it has a connection', async () => {
  const request: QueryRequest = {
    sql: 'SELECT sum(hash(a.range + b.range)) FROM range(10000000) a, range(1000000) b',
    format: 'json',
    timeoutMs: 600_000,
    maxRows: 10,
    maxBytes: 1e6,
    tables: [],
  };
  const early = server.run(request, 7);
  await server.interrupt(7);
  await expect(early).rejects.toMatchObject({ code: 'sql-timeout' });
  const late = server.run(request, 8);
  late.catch(() => {});
  await run('SELECT 1');
  await server.interrupt(8);
  await expect(late).rejects.toMatchObject({ code: 'sql-timeout' });
  await server.interrupt(8);
});
