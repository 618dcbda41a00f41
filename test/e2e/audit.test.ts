// `millrace audit` as a user runs it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, folder, run } from './command.ts';

afterAll(cleanUp);

/** A project with these views over the stream `s`, which has fifty events. */
async function project(views: Record<string, string>): Promise<string> {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  for (const [name, select] of Object.entries(views))
    writeFileSync(join(dir, 'views', `${name}.sql`), `-- every: 1m\n${select}\n`);
  const event = (_: unknown, i: number): string =>
    JSON.stringify({ _time: `2026-01-01T00:00:${String(i).padStart(2, '0')}Z`, a: `x${i}`, v: i });
  writeFileSync(join(dir, 's.ndjson'), `${Array.from({ length: 50 }, event).join('\n')}\n`);
  expect(await run(dir, ['load', 's.ndjson'])).toMatchObject({ code: 0 });
  return dir;
}

test('a view that DuckDB cannot run is named with its reason, and every other one is audited', async () => {
  const dir = await project({
    first: 'SELECT count(*) AS n FROM s',
    huge: 'SELECT count(*) AS n, max(length(repeat(a, 100000000000))) AS longest FROM s',
    last: 'SELECT count(*) AS n, sum(v) AS v FROM s',
  });
  const { code, stdout } = await run(dir, ['audit']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/✓ first: 1 windows, 1 values compared/);
  expect(stdout).toMatch(/✓ last: 1 windows, 2 values compared/);
  expect(stdout).toMatch(/✗ huge: could not be audited: .*string of size/);
  const { reports, failed } = JSON.parse((await run(dir, ['audit', '--json'])).stdout);
  expect(reports.map(({ view }: { view: string }) => view).sort()).toEqual(['first', 'last']);
  expect(failed).toEqual([{ view: 'huge', reason: expect.stringContaining('string of size') }]);
});
