// Views that were written before their stream had any event: what they say when the events have come, by every way of asking.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, eventually, folder, run, serve } from './command.ts';

afterAll(cleanUp);

function project(views: Record<string, string>): string {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  for (const [name, select] of Object.entries(views)) {
    writeFileSync(join(dir, 'views', `${name}.sql`), `-- every: 1m\n${select}\n`);
  }
  return dir;
}

test('whole numbers of a group whose field was not known', async () => {
  const dir = project({
    tens: 'SELECT n, n // 10 AS t, count(*) AS c FROM ev GROUP BY n',
    good: 'SELECT count(*) AS c FROM ev',
  });
  expect(await run(dir, ['check'])).toMatchObject({ code: 0 });
  const server = await serve(dir, ['up']);
  await server.json('/v1/streams/ev/events', {
    method: 'POST',
    body: [7, 17].map(n => `{"_time":"2026-01-02T03:04:05Z","n":${n}}\n`).join(''),
  });
  await eventually(
    () => server.sql('SELECT t, c FROM tens ORDER BY n'),
    rows => JSON.stringify(rows) === '[[0,1],[1,1]]',
  );
  expect(await server.sql('SELECT c FROM good')).toEqual([[2]]);
  expect(await server.json('/readyz')).toMatchObject({ status: 'ok' });
  server.kill('SIGTERM');
  await server.ended;
  expect(await run(dir, ['audit'])).toMatchObject({ code: 0 });
});

test('aliases with the names of fields, and sums beyond 64 bits that are passed on', async () => {
  const dir = project({
    worst: "SELECT path LIKE '/x%' AS ms, max(ms) AS worst FROM ev GROUP BY ALL",
    sums: 'SELECT nullif(sum(b), 1) AS s, CASE WHEN count(*) > 0 THEN sum(b) ELSE min(ms) END AS c, sum(b) + 1 AS p FROM ev',
  });
  const events = [
    ['/x', 10],
    ['/Y', 30],
    ['/y', 20],
  ].map(
    ([path, ms]) => `{"time":"2026-01-02T03:04:05Z","path":"${path}","ms":${ms},"b":9223372036854775807}\n`,
  );
  writeFileSync(join(dir, 'ev.ndjson'), events.join(''));
  expect(await run(dir, ['load', 'ev.ndjson'])).toMatchObject({ code: 0 });
  const rows = async (sql: string): Promise<unknown> =>
    JSON.parse((await run(dir, ['sql', sql, '--json'])).stdout).rows;
  expect(await rows('SELECT ms, worst FROM worst ORDER BY ms')).toEqual([
    [false, 30],
    [true, 10],
  ]);
  const sum = '27670116110564327421';
  expect(await rows('SELECT s, c, p FROM sums')).toEqual([[sum, sum, null]]);
  expect(await run(dir, ['audit'])).toMatchObject({ code: 0 });
});
