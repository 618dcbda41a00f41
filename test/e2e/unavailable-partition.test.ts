// A partition whose folder is gone: the server starts, says so everywhere a person looks, and works with the others.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, eventually, folder, run, serve } from './command.ts';

afterAll(cleanUp);

const events = (from: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `{"n":${from + i},"_time":"2026-01-05T10:00:00Z"}\n`).join('');

test('one partition that cannot be opened is reported, and all others collect and count', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  writeFileSync(
    join(dir, 'views', 'totals.sql'),
    '-- every: 1h\n-- keep: 1h for ever\nSELECT count(*) AS n FROM s\n',
  );
  writeFileSync(
    join(dir, 'millrace.yaml'),
    'streams:\n  s:\n    partitions: 2\n  other:\n    partitions: 1\n',
  );
  const send = (url: string, stream: string, body: string) =>
    fetch(`${url}/v1/streams/${stream}/events`, { method: 'POST', body });
  const counted = async (server: { json(path: string): Promise<{ windows: { values: unknown[] }[] }> }) =>
    (await server.json('/v1/views/totals?every=1h')).windows[0]?.values[0];

  const first = await serve(dir, ['up']);
  for (let i = 0; i < 4; i++) expect((await send(first.url, 's', events(i, 1))).status).toBe(200);
  // What the view has not read of a partition before it goes cannot be counted until it is back.
  const before = await eventually(
    () => counted(first),
    n => n === 4,
  );
  expect(before).toBe(4);
  first.kill('SIGTERM');
  await first.ended;

  const place = join(dir, '.millrace', 'log', 'streams', 's', '1');
  renameSync(place, join(dir, 'elsewhere'));
  const second = await serve(dir, ['up']);
  const ready = await fetch(`${second.url}/readyz`);
  expect(ready.status).toBe(503);
  // Soon the view says so too.
  expect((await ready.json()).problems[0]).toMatch(/^s\/1 cannot be opened: its folder is missing.*restart/);
  const doctor = await run(dir, ['doctor']);
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toContain('s/1 cannot be opened: its folder is missing');
  for (let i = 0; i < 4; i++) {
    const answer = await send(second.url, 's', events(10 + i, 1));
    expect(await answer.json()).toMatchObject({ accepted: 1, partition: 0 });
    expect((await send(second.url, 'other', events(i, 1))).status).toBe(200);
  }
  expect(
    await eventually(
      () => counted(second),
      n => n === 8,
    ),
  ).toBe(8);
  second.kill('SIGTERM');
  await second.ended;
  expect((await run(dir, ['doctor', '--verify'])).stdout).toContain('s/1 cannot be opened');

  renameSync(join(dir, 'elsewhere'), place);
  const third = await serve(dir, ['up']);
  expect((await fetch(`${third.url}/readyz`)).status).toBe(200);
  expect(await third.sql('SELECT count(*) FROM s')).toEqual([[8]]);
});
