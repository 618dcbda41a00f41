// Views have the types of the fields they read, whenever they were defined.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, eventually, folder, run, serve } from './command.ts';

afterAll(cleanUp);

const view = '-- every: 1d\nSELECT max(name) AS last, sum(n) AS total, max(n) AS top FROM s\n';
const events =
  '{"_time":"2026-01-01T00:00:00Z","name":"a","n":1}\n{"_time":"2026-01-01T00:00:01Z","name":"b","n":2}\n';
const typed = ['VARCHAR', 'HUGEINT', 'BIGINT'];

function project(): string {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  writeFileSync(join(dir, 's.ndjson'), events);
  return dir;
}

const write = (dir: string, name: string): void => writeFileSync(join(dir, 'views', `${name}.sql`), view);

interface Listed {
  name: string;
  columns: { type: string }[];
}

async function typesOf(dir: string): Promise<Record<string, string[]>> {
  const { views } = JSON.parse((await run(dir, ['views', '--json'])).stdout) as { views: Listed[] };
  return Object.fromEntries(views.map(({ name, columns }) => [name, columns.map(({ type }) => type)]));
}

test('a view defined before the first load, and one defined right after it', async () => {
  const dir = project();
  write(dir, 'before');
  expect(await run(dir, ['load', 's.ndjson'])).toMatchObject({ code: 0 });
  write(dir, 'after');
  expect(await typesOf(dir)).toEqual({ before: typed, after: typed });
  for (const name of ['before', 'after']) {
    const { stdout } = await run(dir, ['sql', `SELECT last, total, top FROM ${name}`, '--format', 'csv']);
    expect(stdout).toBe('last,total,top\r\nb,3,2\r\n');
  }
  expect(await run(dir, ['audit'])).toMatchObject({ code: 0 });
});

test('a view whose events come over HTTP, and one defined after them', async () => {
  const dir = project();
  write(dir, 'before');
  const server = await serve(dir, ['up']);
  await server.json('/v1/streams/s/events', { method: 'POST', body: events });
  write(dir, 'after');
  const listed = await eventually(
    async () => (await server.json<{ views: Listed[] }>('/v1/views')).views,
    views => views.length === 2 && views.every(({ columns }) => columns[0]!.type === 'VARCHAR'),
  );
  for (const { columns } of listed) expect(columns.map(({ type }) => type)).toEqual(typed);
  for (const { name } of listed) {
    const ask = () => server.sql(`SELECT last, total, top FROM ${name}`);
    await eventually(ask, rows => JSON.stringify(rows) === '[["b",3,2]]');
  }
});

test('every one of many views, without a word', async () => {
  const dir = project();
  const names = Array.from({ length: 70 }, (_, i) => `v${i}`);
  for (const name of names) write(dir, name);
  const server = await serve(dir, ['up']);
  await server.json('/v1/streams/s/events', { method: 'POST', body: events });
  interface Shown extends Listed {
    notice?: string;
  }
  const listed = await eventually(
    async () =>
      (await server.json<{ views: Shown[] }>('/v1/views')).views.filter(({ name }) => names.includes(name)),
    views => views.length === names.length && views.every(({ columns }) => columns[0]!.type === 'VARCHAR'),
  );
  expect(listed.filter(({ notice }) => notice !== undefined)).toEqual([]);
  expect(await server.json('/v1/info')).toMatchObject({ problems: [] });
});

test('fractions in a field that had whole numbers are not rounded in SQL over a view, or in a view over it', async () => {
  const dir = project();
  const text =
    'SELECT sum(n) AS total, min(n) AS least, max(n) AS top, first(n) AS f, sample(n, 9) AS picked, approx_top_k(n, 2) AS often FROM s';
  writeFileSync(join(dir, 'views', 'hourly.sql'), `-- every: 1h\n${text}\n`);
  writeFileSync(join(dir, 'views', 'daily.sql'), '-- every: 1d\nSELECT sum(total) AS t FROM "hourly@1h"\n');
  expect(await run(dir, ['load', 's.ndjson'])).toMatchObject({ code: 0 });
  writeFileSync(
    join(dir, 'more.ndjson'),
    '{"_time":"2026-01-01T00:00:02Z","n":3.75}\n{"_time":"2025-12-31T23:59:59Z","n":-2.5}\n{"_time":"2026-01-01T00:00:03Z","n":3.75}\n',
  );
  expect(await run(dir, ['load', 'more.ndjson', '--stream', 's'])).toMatchObject({ code: 0 });
  const sql =
    'SELECT total, least, top, f, list_sort(picked) AS picked, often[1].value AS most FROM hourly ORDER BY 1';
  const { stdout } = await run(dir, ['sql', sql, '--json']);
  expect(JSON.parse(stdout).rows).toEqual([
    [-2.5, -2.5, -2.5, -2.5, [-2.5], -2.5],
    [10.5, 1, 3.75, 1, [1, 2, 3.75, 3.75], 3.75],
  ]);
  const daily = await run(dir, ['sql', 'SELECT t FROM daily ORDER BY 1', '--json']);
  expect(JSON.parse(daily.stdout).rows).toEqual([[-2.5], [10.5]]);
  expect(await run(dir, ['audit'])).toMatchObject({ code: 0 });
});

test('a field that begins with null, and one that is null for a while', async () => {
  const dir = project();
  writeFileSync(
    join(dir, 'views', 'names.sql'),
    '-- every: 1d\nSELECT max(name) AS last, sum(n) AS total FROM s\n',
  );
  const groups = 'SELECT name, n, count(*) AS c FROM s GROUP BY ALL';
  writeFileSync(join(dir, 'views', 'groups.sql'), `-- every: 1d\n${groups}\n`);
  const server = await serve(dir, ['up']);
  const is = async <T>(ask: () => Promise<T>, answer: T): Promise<void> => {
    await eventually(ask, now => JSON.stringify(now) === JSON.stringify(answer));
  };
  const send = async (body: string): Promise<void> => {
    await server.json('/v1/streams/s/events', { method: 'POST', body });
    // SQL over a stream has all of it archived, which shows its fields.
    await server.sql('SELECT count(*) FROM s');
  };
  const types = async (): Promise<string[][]> => {
    const { views } = await server.json<{ views: Listed[] }>('/v1/views');
    return views.map(({ columns }) => columns.map(({ type }) => type));
  };
  const nulls = '{"_time":"2026-01-01T00:00:00Z","name":null,"n":null}\n';
  await send(nulls);
  const total = () => server.sql('SELECT c FROM groups');
  await is(total, [[1]]);
  expect(await types()).toEqual([
    ['JSON', 'JSON', 'BIGINT'],
    ['DOUBLE', 'DOUBLE'],
  ]);
  const known = [
    ['VARCHAR', 'BIGINT', 'BIGINT'],
    ['VARCHAR', 'HUGEINT'],
  ];
  await send(events);
  await is(types, known);
  await send(nulls.replace('00Z', '02Z'));
  const counts = [
    ['a', 1, 1],
    ['b', 2, 1],
    [null, null, 2],
  ];
  expect(await server.sql(`${groups} ORDER BY ALL`)).toEqual(counts);
  await is(() => server.sql('SELECT name, n, c FROM groups ORDER BY ALL'), counts);
  await is(() => server.sql('SELECT last, total FROM names'), [['b', 3]]);
  expect(await types()).toEqual(known);
  expect(await server.sql("SELECT typeof(name), typeof(n) FROM s WHERE name = 'a'")).toEqual([
    ['VARCHAR', 'BIGINT'],
  ]);
  expect(await run(dir, ['audit'])).toMatchObject({ code: 0 });
});
