import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, folder, run } from './command.ts';

afterAll(cleanUp);

const commands = ['up', 'load', 'demo', 'sql', 'tail', 'produce', 'views', 'audit', 'check', 'doctor'];

test.each(commands)('millrace %s --help shows examples', async command => {
  const { code, stdout } = await run(folder(), [command, '--help']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Examples:\n {2}\S/);
});

describe('wrong usage ends with 2 and a sentence', () => {
  test.each([
    [['nonsense'], /unknown command/],
    [['sql'], /missing required argument/],
    [['up', '--port', 'x'], /Not a port/],
    [['up', '--prot', '1'], /unknown option/],
    [['check', '--project', 'shpo'], /no such folder/],
  ])('%j', async (args, sentence) => {
    const { code, stderr } = await run(folder(), args);
    expect(code).toBe(2);
    expect(stderr).toMatch(sentence);
  });
});

describe('what fails ends with 1, one sentence and the remedy, without a stack', () => {
  test.each([
    [['up', 'nope.log', '--port', '0'], /no such file/, /Check the path/],
    [['load', '.'], /not a file/, /logs\/\*\.log/],
    [['sql', 'SELECT 1'], /no data/, /millrace up/],
    [['tail', 'x'], /No Millrace runs/, /millrace up/],
    [['up', '--data', '/proc/x/y', '--port', '0'], /The data folder \/proc\/x\/y cannot be made/, /--data/],
    [
      ['up', '--data', '/proc/self', '--port', '0'],
      /The data folder \/proc\/self cannot be written to/,
      /--data/,
    ],
    [['up', '--host', '0.0.0.0', '--port', '0'], /without authentication is refused/, /127\.0\.0\.1/],
  ])('%j', async (args, sentence, remedy) => {
    const { code, stderr } = await run(folder(), args);
    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
    expect(stderr).toMatch(remedy);
    expect(stderr).not.toMatch(/\n\s+at .*\(/);
  });

  test('--verbose shows the stack', async () => {
    expect((await run(folder(), ['load', 'nope.log', '--verbose'])).stderr).toMatch(/\n\s+at /);
  });
});

test('check names file, line and what to do', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  mkdirSync(join(dir, 'dashboards'));
  writeFileSync(join(dir, 'views', 'good.sql'), '-- every: 1m\nSELECT count(*) AS n FROM s\n');
  writeFileSync(join(dir, 'views', 'bad.sql'), '-- every: 1m\nSELECT median(x) AS n\nFROM s\n');
  writeFileSync(join(dir, 'views', 'typo.sql'), '-- every: 1m\nSELEC count(*) FROM s\n');
  writeFileSync(join(dir, 'dashboards', 'd.yaml'), 'title: D\npanels:\n  - id: a\n    kind: pie\n');
  writeFileSync(join(dir, 'millrace.yaml'), 'durability: maybe\n');
  const { code, stdout } = await run(dir, ['check']);
  expect(code).toBe(1);
  expect(stdout).toMatch(/bad\.sql.*2/);
  expect(stdout).toMatch(/typo\.sql/);
  expect(stdout).toMatch(/d\.yaml:4/);
  expect(stdout).toMatch(/millrace\.yaml:1: durability: not fsync, os or "interval: 50ms"/);
  expect(stdout).not.toMatch(/good\.sql/);
});

test('a project folder’s views take the place of the default ones', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  writeFileSync(
    join(dir, 'views', 'per_kind.sql'),
    '-- every: 1m, 1h\nSELECT kind, count(*) AS n, sum(v) AS v FROM s GROUP BY kind\n',
  );
  writeFileSync(
    join(dir, 's.ndjson'),
    '{"_time":"2026-01-01T00:00:00Z","kind":"a","v":1}\n{"_time":"2026-01-01T02:00:00Z","kind":"a","v":2}\n',
  );
  expect(await run(dir, ['load', 's.ndjson'])).toMatchObject({ code: 0 });
  const { stdout } = await run(dir, [
    'sql',
    'SELECT kind, n, v FROM "per_kind@1h" ORDER BY window_start',
    '--format',
    'csv',
  ]);
  expect(stdout).toBe('kind,n,v\r\na,1,1\r\na,1,2\r\n');
  expect((await run(dir, ['views'])).stdout).not.toMatch(/s_events/);
  expect(await run(dir, ['load', 's.ndjson', '--stream', 'per_kind'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"per_kind" is the name of a view'),
  });
  writeFileSync(join(dir, 'bad.txt'), 'once upon a time\n');
  expect(await run(dir, ['load', 's.ndjson', 'bad.txt', '--stream', 'other'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^millrace: .*bad\.txt: no known format fits/),
  });
  const { code, stderr } = await run(dir, ['sql', 'SELECT kind,\n  kinds FROM s']);
  expect({ code, stderr }).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^millrace: line 2, column 3: .*"kinds" not found/),
  });
});
