// The state of the views is damaged on disk: the start says what to remove, and what was removed is made again.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, eventually, folder, run, serve } from './command.ts';

afterAll(cleanUp);

test('a state with damaged pages ends one start without a word at most, and is made again when it is removed', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  writeFileSync(join(dir, 'views', 'v.sql'), '-- every: 1m\nSELECT ip, count(*) AS n FROM ev GROUP BY ip\n');
  const event = (_: unknown, i: number): string =>
    `{"_time":${1_767_225_600 + (i % 3600)},"ip":"10.0.0.${i % 250}"}\n`;
  writeFileSync(join(dir, 'ev.ndjson'), Array.from({ length: 5000 }, event).join(''));
  expect(await run(dir, ['load', 'ev.ndjson'])).toMatchObject({ code: 0 });
  const sum = ['sql', '--json', 'SELECT sum(n)::INTEGER FROM v'];
  expect((await run(dir, sum)).stdout).toContain('"rows":[[5000]]');

  const state = join(dir, '.millrace', 'state', '0');
  const file = join(state, 'state.lmdb');
  writeFileSync(file, readFileSync(file).fill(0, 8192));
  // The stop was a clean one, so that nothing is known yet.
  await run(dir, sum);
  const { code, signal, stderr } = await run(dir, sum);
  expect({ code, signal, stderr }).toEqual({
    code: 1,
    signal: null,
    stderr: expect.stringContaining(`Remove ${state}: it is made again from the log and the lake.`),
  });
  rmSync(state, { recursive: true });
  const server = await serve(dir, ['up']);
  await eventually(
    () => server.sql('SELECT sum(n)::INTEGER FROM v'),
    rows => JSON.stringify(rows) === '[[5000]]',
  );
});
