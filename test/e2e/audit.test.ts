// `millrace audit` as a user runs it.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { cleanUp, eventually, folder, run, serve } from './command.ts';

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
    large: "SELECT count(*) FILTER (WHERE regexp_matches(a, '(\\pL{40}){20}')) AS n FROM s",
    last: 'SELECT count(*) AS n, sum(v) AS v FROM s',
  });
  const { code, stdout } = await run(dir, ['audit']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/✓ first: 1 window, 1 value compared/);
  expect(stdout).toMatch(/✓ last: 1 window, 2 values compared/);
  expect(stdout).toMatch(/✗ large: could not be audited: .*pattern too large/);
  const { reports, failed } = JSON.parse((await run(dir, ['audit', '--json'])).stdout);
  expect(reports.map(({ view }: { view: string }) => view).sort()).toEqual(['first', 'last']);
  expect(failed).toEqual([{ view: 'large', reason: expect.stringContaining('pattern too large') }]);
});

test('a view that was refused is named as not audited', async () => {
  const dir = await project({ first: 'SELECT count(*) AS n FROM s' });
  writeFileSync(join(dir, 'views', 'wrong.sql'), '-- every: 1m\nSELECT median(v) AS m FROM s\n');
  const { code, stdout } = await run(dir, ['audit']);
  expect({ code, stdout }).toMatchObject({ code: 1 });
  expect(stdout).toMatch(/✓ first: 1 window, 1 value compared/);
  expect(stdout).toMatch(/✗ wrong: could not be audited: It was refused: .*median/);
  expect(await run(dir, ['audit', 'first'])).toMatchObject({ code: 0 });
  expect(await run(dir, ['audit', 'wrong'])).toMatchObject({ code: 1 });
});

test('a process that runs is audited while events go on arriving', async () => {
  const rng = new Rng(20261129);
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  writeFileSync(join(dir, 'millrace.yaml'), 'streams:\n  s:\n    partitions: 2\n');
  const views = {
    kinds: '-- every: 1s, 1m\nSELECT k, count(*) AS n, sum(v) AS v, max(v) AS m FROM s GROUP BY k',
    over: '-- every: 1m\nSELECT k, sum(n) AS n FROM "kinds@1s" GROUP BY k',
    short: '-- every: 1s\n-- keep: 5m\n-- delay: 1s\nSELECT k, count(*) AS n FROM s GROUP BY k',
    stays: '-- session: 5s by k\nSELECT k, count(*) AS n, sum(v) AS v FROM s GROUP BY k',
  };
  for (const [name, text] of Object.entries(views)) writeFileSync(join(dir, 'views', `${name}.sql`), text);
  const server = await serve(dir, ['up']);
  let sent = 0;
  let atMs = Date.UTC(2026, 0, 1);
  const send = async (): Promise<void> => {
    const lines = Array.from({ length: 200 }, () => {
      atMs += rng.below(100);
      const time = new Date(atMs - (rng.boolean(0.2) ? rng.below(400_000) : rng.below(2000))).toISOString();
      return `{"_time": "${time}", "k": "k${rng.below(5)}", "v": ${rng.below(1000)}}`;
    });
    await server.json('/v1/streams/s/events', { method: 'POST', body: `${lines.join('\n')}\n` });
    sent += lines.length;
  };
  for (let i = 0; i < 30; i++) await send();
  let isOver = false;
  const sending = (async () => {
    while (!isOver) {
      await send();
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  })();
  const before = sent;
  const { code, stdout, stderr } = await run(dir, ['audit', '--json']);
  const during = sent - before;
  isOver = true;
  await sending;
  const { reports, failed } = JSON.parse(stdout);
  expect({ code, failed, stderr }).toEqual({ code: 0, failed: [], stderr: '' });
  expect(reports.map(({ view }: { view: string }) => view).sort()).toEqual(Object.keys(views).sort());
  for (const report of reports) expect(report.rows).toBeGreaterThan(50);
  expect(during).toBeGreaterThan(0);
  expect(await server.sql('SELECT count(*) FROM s')).toEqual([[sent]]);
  expect(await run(dir, ['audit', 'nowhere'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is no view "nowhere"'),
  });
  writeFileSync(join(dir, 'views', 'wrong.sql'), '-- every: 1m\nSELECT median(v) AS m FROM s\n');
  const named = await eventually(
    () => run(dir, ['audit', 'wrong']),
    ({ stdout }) => stdout.includes('wrong: could not be audited'),
  );
  expect(named.code).toBe(1);
}, 120_000);

test('fields that change their types while they are archived at any moment are what the batch says', async () => {
  const seed = Number(process.env['MILLRACE_SEED'] ?? 20261123);
  const rng = new Rng(seed);
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  const views = {
    by_id: 'SELECT id, count(*) AS n, sum(price) AS price FROM s GROUP BY id',
    ends: 'SELECT first(tag) AS f, last(tag) AS l, min(tag) AS lo, max(tag) AS hi, max(id) AS top FROM s',
    tags: 'SELECT tag, count(*) AS n, count(price) AS priced, count(DISTINCT id) AS ids FROM s GROUP BY tag',
    texts: 'SELECT lower(tag) AS t, count(*) AS n FROM s GROUP BY 1 ORDER BY n DESC, t LIMIT 5',
  };
  for (const [name, select] of Object.entries(views))
    writeFileSync(join(dir, 'views', `${name}.sql`), `-- every: 10s, 1m\n${select}\n`);
  // Each stage adds kinds of values that the stages before had not.
  const ids = [
    '1',
    '7',
    '9007199254740993',
    '-9223372036854775808',
    '18446744073709551615',
    '"7"',
    '"x"',
    'true',
  ];
  const prices = ['5', '12', '0', '-3', '2.5', '1e2', 'null', '"4"'];
  const tags = ['"a"', '"B"', '"1"', '""', '1', '1.5', 'false', '{"k": [1, 2]}'];
  const server = await serve(dir, ['up']);
  for (let stage = 0, at = 0; stage < 4; stage++) {
    const known = (all: readonly string[]): string[] => all.slice(0, 2 * (stage + 1));
    for (let batch = 0; batch < 4; batch++) {
      const lines = Array.from({ length: 1 + rng.below(30) }, () => {
        at += rng.below(2000);
        const time = new Date(Date.UTC(2026, 0, 1) + at - rng.below(3000)).toISOString();
        const tag = rng.boolean(0.1) ? '' : `, "tag": ${rng.pick(known(tags))}`;
        return `{"_time": "${time}", "id": ${rng.pick(known(ids))}, "price": ${rng.pick(known(prices))}${tag}}`;
      });
      await server.json('/v1/streams/s/events', { method: 'POST', body: `${lines.join('\n')}\n` });
      if (rng.boolean()) await server.sql('SELECT count(*) FROM s');
    }
  }
  server.kill('SIGTERM');
  await server.ended;
  const { code, stdout } = await run(dir, ['audit']);
  expect({ seed, code, stdout }).toMatchObject({ code: 0 });
  for (const name of Object.keys(views)) expect(stdout).toMatch(new RegExp(`✓ ${name}: [1-9]`));
});

test('a view that is refused and does not run either is named once, and one of which nothing is compared has no tick', async () => {
  const dir = folder();
  for (const name of ['views', 'lookups']) mkdirSync(join(dir, name));
  const names = join(dir, 'lookups', 'names.csv');
  writeFileSync(names, 'id,name\n1,one\n');
  writeFileSync(
    join(dir, 'views', 'named.sql'),
    '-- every: 1m\nSELECT l.name AS name, count(*) AS n FROM s LEFT JOIN names l ON s.k = l.id GROUP BY ALL\n',
  );
  const capped = '-- every: 1m\n-- max groups: 2\nSELECT k, max(v) AS m FROM s GROUP BY k\n';
  writeFileSync(join(dir, 'views', 'capped.sql'), capped);
  const event = (_: unknown, i: number): string => `{"_time":"2026-01-01T00:00:00Z","k":"${i}","v":${i}}`;
  writeFileSync(join(dir, 's.ndjson'), `${Array.from({ length: 50 }, event).join('\n')}\n`);
  expect(await run(dir, ['load', 's.ndjson'])).toMatchObject({ code: 0 });
  rmSync(names);
  rmSync(join(dir, '.millrace', 'lookups'), { recursive: true });
  // It stands still where it would have to join more.
  writeFileSync(join(dir, 'more.ndjson'), `${event(0, 50)}\n`);
  expect(await run(dir, ['load', 'more.ndjson', '--stream', 's'])).toMatchObject({ code: 0 });
  const { code, stdout } = await run(dir, ['audit']);
  expect(code).toBe(1);
  expect(stdout.match(/✗ named: could not be audited/g)).toHaveLength(1);
  expect(stdout).toMatch(
    /– capped: 1 window, 0 values compared\n {4}\d+ rows not compared: there are more groups/,
  );
  const { failed } = JSON.parse((await run(dir, ['audit', '--json'])).stdout);
  expect(failed).toEqual([{ view: 'named', reason: expect.stringContaining('refused') }]);
});

test('events with times in nanoseconds are in the same windows live and in the history, also at their bounds', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  const sql = 'SELECT count(*) AS n, min(_time) AS first, max(_time) AS last FROM s';
  writeFileSync(join(dir, 'views', 'quarters.sql'), `-- every: 250ms\n-- keep: for ever\n${sql}\n`);
  const times = ['249999999', '250000000', '250000999', '499999999', '500000000', '749999872'];
  writeFileSync(join(dir, 's.ndjson'), times.map(ns => `{"ts":1770000000${ns}}\n`).join(''));
  expect(await run(dir, ['load', 's.ndjson'])).toMatchObject({ code: 0 });
  const { code, stdout } = await run(dir, ['audit', 'quarters']);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('3 windows, 9 values') });
  const shown = await run(dir, [
    'sql',
    '--json',
    'SELECT n::INTEGER, epoch_us(first) % 1000000, epoch_us(last) % 1000000 FROM quarters ORDER BY first',
  ]);
  expect(JSON.parse(shown.stdout).rows).toEqual([
    [1, 249_999, 249_999],
    [3, 250_000, 499_999],
    [2, 500_000, 749_999],
  ]);
});
