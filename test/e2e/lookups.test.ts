// Lookup tables of the project folder, through the real command: joined in views, SQL and audits, loaded again when they change.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, eventually, folder, run, type Server, serve } from './command.ts';

afterAll(cleanUp);

const view = (table: string, join = 'JOIN'): string => `-- every: 1h
SELECT p.category AS category, count(*) AS sold, sum(p.price) AS revenue
FROM sales s ${join} ${table} p ON s.product = p.id
GROUP BY p.category
`;

const post = (server: Server, products: readonly string[]): Promise<{ accepted: number }> =>
  server.json('/v1/streams/sales/events', {
    method: 'POST',
    body: products.map(product => `{"_time":"2026-01-01T00:00:00Z","product":"${product}"}\n`).join(''),
  });

async function rows(server: Server, name: string, wanted: number): Promise<unknown[][]> {
  const answer = await eventually(
    () => server.json<{ windows: { values: unknown[] }[] }>(`/v1/views/${name}`),
    ({ windows }) => windows?.reduce((sum, { values }) => sum + Number(values[1]), 0) === wanted,
  );
  return answer.windows.map(({ values }) => values);
}

function project(): string {
  const dir = folder();
  for (const name of ['views', 'lookups']) mkdirSync(join(dir, name));
  return dir;
}

test('CSV, JSON and Parquet files are joined in views, SQL and audits', async () => {
  const dir = project();
  writeFileSync(
    join(dir, 'lookups', 'from_csv.csv'),
    'id,category,price\n1,book,12.5\n2,toy,5\n2,second,9\n',
  );
  writeFileSync(
    join(dir, 'lookups', 'from_json.json'),
    JSON.stringify([
      { id: '1', category: 'book', price: 12.5 },
      { id: '2', category: 'toy', price: 5 },
    ]),
  );
  const duckdb = await (await DuckDBInstance.create(':memory:')).connect();
  await duckdb.run(
    `COPY (SELECT * FROM (VALUES (1, 'book', 12.5), (2, 'toy', 5)) t(id, category, price)) TO '${join(dir, 'lookups', 'from_parquet.parquet')}'`,
  );
  duckdb.closeSync();
  for (const kind of ['csv', 'json', 'parquet']) {
    writeFileSync(join(dir, 'views', `by_${kind}.sql`), view(`from_${kind}`));
  }
  writeFileSync(join(dir, 'views', 'all_sales.sql'), view('from_csv', 'LEFT JOIN'));
  expect(await run(dir, ['check'])).toMatchObject({ code: 0 });
  const server = await serve(dir, ['up']);
  await post(server, ['1', '2', '2', '9']);
  for (const kind of ['csv', 'json', 'parquet']) {
    expect(await rows(server, `by_${kind}`, 3)).toEqual([
      ['book', 1, 12.5],
      ['toy', 2, 10],
    ]);
    expect(
      await server.sql(
        `SELECT category, count(*) FROM sales s JOIN from_${kind} p ON s.product = p.id::VARCHAR WHERE category <> 'second' GROUP BY 1 ORDER BY 1`,
      ),
    ).toEqual([
      ['book', 1],
      ['toy', 2],
    ]);
  }
  expect((await rows(server, 'all_sales', 4))[0]).toEqual([null, 1, null]);
  server.kill('SIGTERM');
  await server.ended;
  const audit = await run(dir, ['audit']);
  expect(audit.stdout).toMatch(/✓ by_csv/);
  expect(audit.code).toBe(0);
});

test('a changed file counts for later events, a broken one changes nothing, and the audit knows both', async () => {
  const dir = project();
  const file = join(dir, 'lookups', 'products.csv');
  writeFileSync(file, 'id,category,price\n1,book,10\n');
  writeFileSync(join(dir, 'views', 'sold.sql'), view('products', 'LEFT JOIN'));
  let server = await serve(dir, ['up']);
  const problems = async (): Promise<string[]> =>
    (await server.json<{ problems: string[] }>('/v1/info')).problems;
  const categories = async (wanted: string): Promise<unknown> =>
    eventually(
      () => server.sql('SELECT category FROM products'),
      answer => answer[0]?.[0] === wanted,
    );
  await post(server, ['1', '1']);
  expect(await rows(server, 'sold', 2)).toEqual([['book', 2, 20]]);
  writeFileSync(file, 'id,category,price\n1,novel,20\n');
  await categories('novel');
  await post(server, ['1']);
  expect(await rows(server, 'sold', 3)).toEqual([
    ['book', 2, 20],
    ['novel', 1, 20],
  ]);
  writeFileSync(file, '{"this": is no table\n\0\0"\n"');
  // DuckDB may find a table even in that, but not the columns that the view needs.
  expect((await eventually(problems, found => found.length > 0))[0]).toMatch(/products/);
  await post(server, ['1']);
  expect(await rows(server, 'sold', 4)).toEqual([
    ['book', 2, 20],
    ['novel', 2, 40],
  ]);
  server.kill('SIGTERM');
  await server.ended;
  // With the file still broken, a start goes on with the content that was in force.
  server = await serve(dir, ['up']);
  expect((await problems())[0]).toMatch(/products/);
  await post(server, ['1']);
  expect((await rows(server, 'sold', 5))[1]).toEqual(['novel', 3, 60]);
  writeFileSync(file, 'id,category,price\n1,epic,30\n');
  await eventually(problems, found => found.length === 0);
  await post(server, ['1']);
  await rows(server, 'sold', 6);
  server.kill('SIGTERM');
  await server.ended;
  const audit = await run(dir, ['audit', '--json']);
  expect(JSON.parse(audit.stdout).reports).toMatchObject([
    { view: 'sold', rows: 3, differenceCount: 0, skipped: 0 },
  ]);
});

test('a missing file is a clear error, and the view goes on when it is there', async () => {
  const dir = project();
  writeFileSync(join(dir, 'views', 'sold.sql'), view('products'));
  const check = await run(dir, ['check']);
  expect(check.code).toBe(1);
  expect(check.stdout).toMatch(/sold\.sql:3:\d+.*"products" is no lookup table/);
  expect(check.stdout).toMatch(/lookups\//);
  const server = await serve(dir, ['up']);
  expect((await server.json<{ problems: string[] }>('/v1/info')).problems[0]).toMatch(/no lookup table/);
  await post(server, ['1']);
  const file = join(dir, 'lookups', 'products.csv');
  writeFileSync(file, 'id,category,price\n1,book,10\n');
  expect(await rows(server, 'sold', 1)).toEqual([['book', 1, 10]]);
  await expect.poll(async () => (await server.json<{ problems: string[] }>('/v1/info')).problems).toEqual([]);
  rmSync(file);
  await eventually(
    () => server.json<{ problems: string[] }>('/v1/info'),
    ({ problems }) => /no lookup table/.test(problems[0] ?? ''),
  );
  // What serves goes on with the content it had.
  await post(server, ['1']);
  expect(await rows(server, 'sold', 2)).toEqual([['book', 2, 20]]);
});

test('a table with the name of a stream is refused, and check names a file that cannot be read', async () => {
  const dir = project();
  writeFileSync(join(dir, 'lookups', 'sold.csv'), 'id\n1\n');
  writeFileSync(join(dir, 'lookups', 'bad.parquet'), 'no parquet');
  writeFileSync(join(dir, 'lookups', 'cut.json'), '{');
  writeFileSync(join(dir, 'lookups', 'deep.json'), `[{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}]`);
  const many = Array.from({ length: 30_000 }, (_, id) => `${id},x\n`).join('');
  writeFileSync(join(dir, 'lookups', 'drifts.csv'), `id,v\n${many}abc,y\n`);
  writeFileSync(join(dir, 'lookups', 'wider.csv'), `id,v\n${many}1,2,3\n`);
  writeFileSync(join(dir, 'lookups', 'long.csv'), `id,v\n1,${'x'.repeat(3_000_000)}\n`);
  writeFileSync(join(dir, 'views', 'sold.sql'), '-- every: 1h\nSELECT count(*) AS n FROM sales\n');
  const { code, stdout } = await run(dir, ['check']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/sold\.csv: there is a stream or view of this name/);
  expect(stdout).toMatch(/"bad" cannot be loaded: File .* too small/);
  expect(stdout).toMatch(/"deep" cannot be loaded: It is nested deeper than 64\.\n/);
  expect(stdout).toMatch(/"drifts" .* Line: 30002: Error .* Could not convert string "abc" to 'BIGINT'\.\n/);
  expect(stdout).toMatch(/"wider" .* Line: 30002: Expected Number of Columns: 2 Found: 3\.\n/);
  expect(stdout).toMatch(/"long" .* Line: 1: Maximum line size of 2000000 bytes exceeded/);
  expect(stdout).toMatch(/"cut" cannot be loaded: Malformed JSON .*[^ .]\.\n/);
});

test('keys that doubles cannot tell apart are told apart by views and audits, whatever types the file and the field have had', async () => {
  const dir = project();
  const file = join(dir, 'lookups', 'products.csv');
  const big = (last: number): string => `900719925474099${last}`;
  writeFileSync(file, `id,category,price\n${big(2)},two,1\n${big(3)},three,1\n5,five,1\n`);
  writeFileSync(join(dir, 'views', 'sold.sql'), view('products', 'LEFT JOIN'));
  writeFileSync(join(dir, 'views', 'found.sql'), view('products'));
  const send = (server: Server, products: readonly string[]): Promise<unknown> =>
    server.json('/v1/streams/sales/events', {
      method: 'POST',
      body: products.map(product => `{"_time":"2026-01-01T00:00:00Z","product":${product}}\n`).join(''),
    });
  const audited = async (): Promise<unknown> => {
    const { reports } = JSON.parse((await run(dir, ['audit', '--json'])).stdout);
    return reports.map((report: { view: string; differenceCount: number; skipped: number }) => [
      report.view,
      report.differenceCount,
      report.skipped,
    ]);
  };
  const clean = [
    ['found', 0, 0],
    ['sold', 0, 0],
  ];
  let server = await serve(dir, ['up']);
  // Learned as whole numbers, and later others come.
  await send(server, ['5', big(1), big(2), big(3), big(3), big(4)]);
  const first = [
    ['five', 1, 1],
    ['three', 2, 2],
    ['two', 1, 1],
  ];
  expect(await rows(server, 'found', 4)).toEqual(first);
  expect(await rows(server, 'sold', 6)).toEqual([[null, 2, null], ...first]);
  server.kill('SIGTERM');
  await server.ended;
  expect(await audited()).toEqual(clean);
  writeFileSync(file, `id,category,price\n${big(3)},again,1\n5.5,half,1\n6,six,1\n`);
  server = await serve(dir, ['up']);
  await send(server, ['5.5', '6', big(2), big(3), `"${big(3)}"`, '"x"', 'null']);
  // Among fractions the file's key has become 2^53.
  expect(await rows(server, 'sold', 13)).toEqual([
    [null, 6, null],
    ['again', 1, 1],
    ['five', 1, 1],
    ['half', 1, 1],
    ['six', 1, 1],
    ['three', 2, 2],
    ['two', 1, 1],
  ]);
  server.kill('SIGTERM');
  await server.ended;
  expect(await audited()).toEqual(clean);
});

test('keys computed of fields that have had other values, and keys and times that are no finite numbers', async () => {
  const dir = project();
  const big = (last: number): string => `900719925474099${last}`;
  writeFileSync(
    join(dir, 'lookups', 'big.csv'),
    `id,name\n${big(2)},two\n${big(3)},three\n${big(4)},four\n0,none\n`,
  );
  writeFileSync(
    join(dir, 'lookups', 'odd.csv'),
    'a,b,name,until\n1,nan,nan,2026-01-05\n1,inf,inf,9999-12-31\n1,-inf,ninf,1000-01-01\n1,2.5,h,infinity\n',
  );
  const views = {
    next: 'SELECT l.name AS name, count(*) AS n FROM sales s LEFT JOIN big l ON s.k + 1 = l.id GROUP BY 1',
    same: 'SELECT l.name AS name, count(*) AS n FROM sales s LEFT JOIN big l ON s.k::BIGINT = l.id GROUP BY 1',
    or_none:
      'SELECT l.name AS name, count(*) AS n FROM sales s LEFT JOIN big l ON coalesce(s.k, 0) = l.id GROUP BY 1',
    odd: 'SELECT l.name AS name, count(*) AS n, max(l.until + INTERVAL 1 DAY) AS until FROM sales s LEFT JOIN odd l ON s.one = l.a AND s.x / s.y = l.b GROUP BY 1',
  };
  for (const [name, sql] of Object.entries(views))
    writeFileSync(join(dir, 'views', `${name}.sql`), `-- every: 1d\n${sql}\n`);
  const server = await serve(dir, ['up']);
  const event = (fields: string) => `{"_time":"2026-01-01T00:00:00Z",${fields}}\n`;
  const odd = (x: number, y: number) => event(`"k":7,"one":1,"x":${x},"y":${y}`);
  // Learned as whole numbers first.
  const lines = [event('"k":1,"one":1,"x":1.5,"y":2.5'), odd(1.5, 0), odd(-1.5, 0), odd(0, 0), odd(5, 2)];
  const send = (body: string): Promise<unknown> =>
    server.json('/v1/streams/sales/events', { method: 'POST', body });
  await send(lines.join(''));
  await server.sql('SELECT count(*) FROM sales');
  await send([1, 2, 3].map(last => event(`"k":${big(last)}`)).join(''));
  await send([event('"k":9223372036854775808'), event('"k":2.5'), event('"k":null')].join(''));
  expect(await rows(server, 'next', 11)).toEqual([
    [null, 8],
    ['four', 1],
    ['three', 1],
    ['two', 1],
  ]);
  expect(await rows(server, 'same', 11)).toEqual([
    [null, 9],
    ['three', 1],
    ['two', 1],
  ]);
  expect(await rows(server, 'or_none', 11)).toEqual([
    [null, 8],
    ['none', 1],
    ['three', 1],
    ['two', 1],
  ]);
  expect(await rows(server, 'odd', 11)).toEqual([
    [null, 7, null],
    ['h', 1, null],
    ['inf', 1, null],
    ['nan', 1, '2026-01-06T00:00:00.000Z'],
    ['ninf', 1, null],
  ]);
  server.kill('SIGTERM');
  await server.ended;
  const { code, stdout } = await run(dir, ['audit']);
  expect({ code, stdout }).toMatchObject({ code: 0 });
  for (const name of Object.keys(views)) expect(stdout).toMatch(new RegExp(`✓ ${name}: 1 window`));
});
