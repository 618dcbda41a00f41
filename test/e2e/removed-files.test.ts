// What is said where files of the data folder were removed by hand.
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, folder, run } from './command.ts';

afterAll(cleanUp);

async function loaded(): Promise<{ dir: string; data: string }> {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  writeFileSync(join(dir, 'views', 'v.sql'), '-- every: 1d\nSELECT count(*) AS n FROM ev\n');
  writeFileSync(join(dir, 'ev.ndjson'), '{"ts":1767225600,"a":1}\n{"ts":1767225601,"a":2}\n');
  expect(await run(dir, ['load', 'ev.ndjson'])).toMatchObject({ code: 0 });
  return { dir, data: join(dir, '.millrace') };
}

test('a file that the lake lacks is named with its stream, and what the log holds of it is archived again as the remedy says', async () => {
  const { dir, data } = await loaded();
  const ask = () => run(dir, ['sql', 'SELECT sum(a) FROM ev']);
  expect((await ask()).stdout).toContain('3');
  const lake = join(data, 'lake', 'ev');
  const name = (readdirSync(lake, { recursive: true }) as string[]).find(one => one.endsWith('.parquet'))!;
  rmSync(join(lake, name));
  const record = join(lake, '_chunks', '0-0-1.json');
  for (const command of [ask, () => run(dir, ['audit'])]) {
    const { code, stdout, stderr } = await command();
    expect(code).toBe(1);
    expect(stdout + stderr).toContain(
      `The history of "ev" lacks a file: ${join(lake, name)}, with events of the offsets 0 to 1 of partition 0.`,
    );
  }
  expect((await ask()).stderr).toContain(`remove ${record} and start again`);
  rmSync(record);
  expect((await ask()).stdout).toContain('3');
});

test('a log that is missing beside what came from it begins none anew', async () => {
  const { dir, data } = await loaded();
  const log = join(data, 'log');
  renameSync(log, join(dir, 'away'));
  for (const command of [['up'], ['views'], ['load', 'ev.ndjson']]) {
    const { code, stderr } = await run(dir, command);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining(`The folder ${log} is missing`),
    });
    expect(stderr).toContain('Put it back, or mount it.');
    // As a mount that is not there leaves it.
    mkdirSync(log, { recursive: true });
  }
  rmSync(log, { recursive: true });
  renameSync(join(dir, 'away'), log);
  expect((await run(dir, ['sql', 'SELECT n FROM v'])).stdout).toContain('2');
});
