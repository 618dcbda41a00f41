// Views of several streams and views over views, through the real command: results, SQL, live changes, audit, definitions.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, eventually, folder, run, type Server, serve } from './command.ts';

afterAll(cleanUp);

function project(views: Record<string, string>): string {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  for (const [name, text] of Object.entries(views)) writeFileSync(join(dir, 'views', `${name}.sql`), text);
  return dir;
}

const post = (server: Server, stream: string, events: readonly object[]): Promise<unknown> =>
  server.json(`/v1/streams/${stream}/events`, {
    method: 'POST',
    body: events.map(event => `${JSON.stringify(event)}\n`).join(''),
  });

const values = async (server: Server, path: string): Promise<unknown[][]> =>
  ((await server.json(`/v1/views/${path}`)).windows ?? []).map(
    (window: { values: unknown[] }) => window.values,
  );

const at = (second: number): string => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();

test('UNION ALL of streams and a view over that view', async () => {
  // Sorted by name, the view over the other comes first.
  const dir = project({
    errors: `-- every: 1m, 1h
SELECT source, status, count(*) AS errors
FROM (SELECT 'web' AS source, status FROM web UNION ALL SELECT 'shop', code FROM shop)
WHERE status >= 500 GROUP BY source, status`,
    alarms: `-- every: 1m, 1h
-- keep: 14d
SELECT source, sum(errors) AS errors, count(*) AS kinds FROM errors GROUP BY source`,
    worst: '-- every: 1h\n-- keep: 14d\nSELECT max(errors) AS errors, count(*) AS sources FROM "alarms@1m"',
  });
  expect(await run(dir, ['check'])).toMatchObject({ code: 0 });
  let server = await serve(dir, ['up']);
  expect((await server.json('/v1/info')).problems).toEqual([]);
  await post(server, 'web', [
    { _time: at(0), status: 500 },
    { _time: at(1), status: 502 },
    { _time: at(70), status: 200 },
  ]);
  await post(server, 'shop', [{ _time: at(2), code: 500 }]);
  const wanted = JSON.stringify([
    ['shop', 1, 1],
    ['web', 2, 2],
  ]);
  await eventually(
    () => values(server, 'alarms?every=1m'),
    found => JSON.stringify(found) === wanted,
  );
  await eventually(
    () => values(server, 'worst'),
    found => JSON.stringify(found) === '[[2,2]]',
  );
  const sql = 'SELECT source, errors FROM "alarms@1m" ORDER BY source';
  expect(await server.sql(sql)).toEqual([
    ['shop', 1],
    ['web', 2],
  ]);
  const listed = (await server.json('/v1/views')).views.map((view: { name: string; streams: string[] }) => [
    view.name,
    view.streams,
  ]);
  expect(listed).toEqual(
    expect.arrayContaining([
      ['alarms', ['errors']],
      ['worst', ['alarms']],
    ]),
  );
  // A late event restates both.
  await post(server, 'web', [{ _time: at(3), status: 500 }]);
  await eventually(
    () => values(server, 'worst'),
    found => JSON.stringify(found) === '[[3,2]]',
  );
  server.kill('SIGKILL');
  await server.ended;
  server = await serve(dir, ['up']);
  await eventually(
    () => values(server, 'worst'),
    found => JSON.stringify(found) === '[[3,2]]',
  );
  server.kill('SIGTERM');
  await server.ended;
  const audit = await run(dir, ['audit', '--json']);
  const { reports } = JSON.parse(audit.stdout);
  expect(reports).toHaveLength(3);
  for (const report of reports) expect(report).toMatchObject({ differenceCount: 0, skipped: 0 });
  expect(reports.every((report: { values: number }) => report.values > 0)).toBe(true);
});

test('views that read each other are refused with their place; a view whose source goes says so', async () => {
  const dir = project({
    a: '-- every: 1m\nSELECT count(*) AS n FROM b',
    b: '-- every: 1m\nSELECT count(*) AS n FROM a',
    low: '-- every: 1m\nSELECT count(*) AS n FROM s',
    high: '-- every: 1m\nSELECT max(n) AS n FROM low',
  });
  const { code, stdout } = await run(dir, ['check']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/views\/a\.sql:2:\d+: .*never end/);
  expect(stdout).toMatch(/views\/b\.sql:2:\d+: .*never end/);
  const server = await serve(dir, ['up']);
  expect((await server.json('/v1/info')).problems).toHaveLength(2);
  await post(server, 's', [{ _time: at(0) }]);
  await eventually(
    () => values(server, 'high'),
    found => found.length === 1,
  );
  rmSync(join(dir, 'views', 'low.sql'));
  await eventually(
    () => server.json('/v1/views'),
    ({ views }) =>
      views.length === 1 && views[0].state === 'failed' && /"low" under it is gone/.test(views[0].error),
  );
  expect(await server.json('/v1/views/high')).toMatchObject({ code: 'view-failed' });
  expect(await server.json('/v1/info')).toMatchObject({ span: null });
});

test('events too late for every kept window are counted and listed, and unusable values count their events', async () => {
  const dir = project({
    kept: '-- every: 1m\n-- keep: 1h\nSELECT count(*) AS n, sum(x) AS x, max(x + y) AS y FROM s',
    other: '-- every: 1m\nSELECT count(*) AS n FROM s',
  });
  const server = await serve(dir, ['up']);
  await post(server, 's', [{ _time: at(100_000), x: 1, y: 2 }]);
  await post(server, 's', [
    { _time: at(0), x: 1, y: 2 },
    { _time: at(100_001), x: 'none', y: 'neither' },
  ]);
  const answer = await eventually(
    () => server.json('/v1/views/kept/expired'),
    ({ expired }) => expired > 0,
  );
  expect(answer).toEqual({
    view: 'kept',
    expired: 1,
    events: [{ stream: 's', partition: 0, offset: 1, time: '2026-01-01T00:00:00.000Z' }],
  });
  const mismatched = async () => {
    const { views } = await server.json('/v1/views');
    return Object.fromEntries(
      views.map((view: { name: string; mismatched: number }) => [view.name, view.mismatched]),
    );
  };
  await expect.poll(mismatched).toEqual({ kept: 1, other: 0 });
  expect((await server.json('/v1/views/none/expired')).code).toBe('unknown-view');
  expect((await run(dir, ['views'])).stdout).toMatch(/kept: 1 event came too late/);
});

test('UNION ALL of views that were shared out to several threads, over fields of a type not yet known', async () => {
  const count = (stream: string): string =>
    `-- every: 1m\nSELECT path, count(*) AS n FROM ${stream} GROUP BY path`;
  const dir = project({
    a: count('web'),
    b: count('shop'),
    both: `-- every: 1h\n-- keep: 14d\nSELECT path, max(n) AS peak
FROM (SELECT path, n FROM a UNION ALL SELECT path, n FROM b) GROUP BY path`,
  });
  const server = await serve(dir, ['up']);
  expect((await server.json('/v1/info')).problems).toEqual([]);
  await post(server, 'web', [
    { _time: at(0), path: '/x' },
    { _time: at(1), path: '/x' },
  ]);
  await post(server, 'shop', [{ _time: at(2), path: '/x' }, { _time: at(3), path: 7 }, { _time: at(4) }]);
  const wanted = JSON.stringify([
    [null, 1],
    [7, 1],
    ['/x', 2],
  ]);
  await eventually(
    () => values(server, 'both'),
    found => JSON.stringify(found) === wanted,
  );
  server.kill('SIGTERM');
  await server.ended;
  expect(await run(dir, ['audit'])).toMatchObject({ code: 0 });
});
