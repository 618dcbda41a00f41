// The files of a project while they come, go and cannot be read: none stops anything but itself.
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanUp, eventually, folder, run, type Server, serve } from './command.ts';

afterAll(cleanUp);

const view = (select: string): string => `-- every: 1m\nSELECT ${select} FROM s\n`;

const problems = async (server: Server): Promise<string[]> => (await server.json('/v1/info')).problems;

const viewNames = async (server: Server): Promise<string[]> =>
  (await server.json('/v1/views')).views.map(({ name }: { name: string }) => name).sort();

/** The project without what stands in the place of its files, and the way to put it there. */
const unreadable: Record<string, { place: (path: string) => void; why: RegExp; remedy: RegExp }> = {
  'a link to nothing': {
    place: path => symlinkSync('/nowhere/at/all', path),
    why: /it is a link to nothing/,
    remedy: /Mend the link/,
  },
  'a link to itself': {
    place: path => symlinkSync(path, path),
    why: /it is a link that leads back to itself/,
    remedy: /Mend the link/,
  },
  'a link to a folder': { place: path => symlinkSync('/', path), why: /it is no file/, remedy: /Rename it/ },
  'a pipe': {
    place: path => execFileSync('mkfifo', [path]),
    why: /it is no file/,
    remedy: /Rename it/,
  },
};

const files = ['views/dead.sql', 'pipelines/dead.ts', 'dashboards/dead.yaml', 'lookups/dead.csv'];

describe.each(Object.entries(unreadable))('%s in the place of a file', (_, { place, why, remedy }) => {
  test('is left out and named, by a start and by check', async () => {
    const dir = folder();
    for (const name of ['views', 'pipelines', 'dashboards', 'lookups']) mkdirSync(join(dir, name));
    writeFileSync(join(dir, 'views', 'good.sql'), view('count(*) AS n'));
    for (const file of files) place(join(dir, file));
    const { code, stdout } = await run(dir, ['check']);
    expect(code).toBe(1);
    for (const file of files) expect(stdout).toMatch(new RegExp(`${file} cannot be read: ${why.source}`));
    expect(stdout).not.toMatch(/dead\.ts: .*dead\.ts/);
    expect(stdout.match(new RegExp(remedy.source, 'g'))).toHaveLength(files.length);
    const server = await serve(dir, ['up']);
    expect(await viewNames(server)).toEqual(['good']);
    const found = await eventually(
      () => problems(server),
      all => all.length === files.length,
    );
    for (const file of files)
      expect(found.join('\n')).toMatch(
        new RegExp(`${file} cannot be read: ${why.source}[^.]*\\. ${remedy.source}`),
      );
    await server.json('/v1/streams/s/events', { method: 'POST', body: '{"a":1}\n' });
    expect(await server.sql('SELECT count(*) FROM s')).toEqual([[1]]);
  });
});

test('a file in the place of a folder is named, by a start and by check', async () => {
  const dir = folder();
  const names = ['views', 'pipelines', 'dashboards', 'lookups'];
  for (const name of names) writeFileSync(join(dir, name), '');
  const { code, stdout } = await run(dir, ['check']);
  expect(code).toBe(1);
  for (const name of names) expect(stdout).toMatch(`${join(dir, name)} cannot be read: it is no folder`);
  const server = await serve(dir, ['up']);
  await server.json('/v1/streams/s/events', { method: 'POST', body: '{"a":1}\n' });
  expect(await problems(server)).toHaveLength(names.length);
});

test('settings that cannot be read stop the start, and say why', async () => {
  const dir = folder();
  symlinkSync('/nowhere/at/all', join(dir, 'millrace.yaml'));
  const { code, stderr } = await run(dir, ['up', '--port', '0']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/millrace\.yaml cannot be read: it is a link to nothing/);
});

test('a file that cannot be read while it runs keeps no other from being taken over', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  writeFileSync(join(dir, 'views', 'good.sql'), view('count(*) AS n'));
  const server = await serve(dir, ['up']);
  symlinkSync('/nowhere/at/all', join(dir, 'views', 'dead.sql'));
  await eventually(
    () => problems(server),
    found => found.length === 1 && /dead\.sql cannot be read/.test(found[0]!),
  );
  writeFileSync(join(dir, 'views', 'new.sql'), view('max(v) AS m'));
  await eventually(
    () => viewNames(server),
    names => names.join() === 'good,new',
  );
  rmSync(join(dir, 'views', 'dead.sql'));
  await eventually(
    () => problems(server),
    found => found.length === 0,
  );
});

describe('what cannot be read any more stays as it was in force', () => {
  /** A project with one file of each kind, and what shows that they are in force. */
  async function whole(): Promise<string> {
    const dir = folder();
    for (const name of ['views', 'pipelines', 'dashboards', 'lookups']) mkdirSync(join(dir, name));
    writeFileSync(join(dir, 'views', 'v.sql'), view('count(*) AS n'));
    writeFileSync(
      join(dir, 'pipelines', 'p.ts'),
      "import { pipeline } from 'millrace';\nexport default pipeline({ from: 's', to: 't', process: event => event });\n",
    );
    writeFileSync(
      join(dir, 'dashboards', 'd.yaml'),
      'title: Mine\npanels:\n  - id: n\n    kind: stat\n    title: N\n    view: v\n    column: n\n',
    );
    writeFileSync(join(dir, 'lookups', 'l.csv'), 'id,name\n1,one\n');
    return dir;
  }

  async function expectInForce(server: Server): Promise<void> {
    expect(await viewNames(server)).toEqual(['v']);
    const { dashboards } = await server.json('/v1/dashboards');
    expect(dashboards.map(({ title }: { title: string }) => title)).toEqual(['Mine']);
    expect(await server.sql('SELECT name FROM l')).toEqual([['one']]);
  }

  const runs = async (server: Server): Promise<boolean> => {
    const { pipelines } = await server.json('/v1/pipelines');
    return pipelines.length === 1 && pipelines[0].state !== 'failed';
  };

  test.each([
    ['files', ['views/v.sql', 'pipelines/p.ts', 'dashboards/d.yaml', 'lookups/l.csv']],
    ['folders', ['views', 'pipelines', 'dashboards', 'lookups']],
  ])('%s, while it runs and at a start', async (_, paths) => {
    const dir = await whole();
    const server = await serve(dir, ['up']);
    await server.json('/v1/streams/s/events', { method: 'POST', body: '{"a":1}\n' });
    await eventually(() => runs(server), Boolean);
    await expectInForce(server);
    for (const path of paths) {
      renameSync(join(dir, path), join(dir, `${path}.away`));
      symlinkSync('/nowhere/at/all', join(dir, path));
    }
    await eventually(
      () => problems(server),
      found => found.length === paths.length,
    );
    await expectInForce(server);
    expect(await runs(server)).toBe(true);
    server.kill('SIGTERM');
    await server.ended;
    const again = await serve(dir, ['up']);
    expect(await viewNames(again)).toEqual(['v']);
    await eventually(
      () => problems(again),
      found => found.length === paths.length,
    );
    for (const path of paths) {
      rmSync(join(dir, path));
      renameSync(join(dir, `${path}.away`), join(dir, path));
    }
    await eventually(
      () => problems(again),
      found => found.length === 0,
    );
    // Pipelines are taken over last.
    await eventually(() => runs(again), Boolean);
    await expectInForce(again);
  });
});

describe('without the folder views/ there are the views that are made for each stream', () => {
  async function project(): Promise<string> {
    const dir = folder();
    mkdirSync(join(dir, 'views'));
    writeFileSync(join(dir, 'views', 'mine.sql'), view('count(*) AS n'));
    return dir;
  }

  const madeOnly = (names: string[]): boolean => names.length > 0 && names.every(name => name !== 'mine');

  test('when it goes while it runs, and comes back', async () => {
    const dir = await project();
    const server = await serve(dir, ['up']);
    await server.json('/v1/streams/s/events', { method: 'POST', body: '{"a":1}\n' });
    expect(await viewNames(server)).toEqual(['mine']);
    renameSync(join(dir, 'views'), join(dir, 'away'));
    await eventually(() => viewNames(server), madeOnly);
    await eventually(
      async () => (await server.json('/v1/dashboards')).dashboards,
      all => all.length === 1,
    );
    renameSync(join(dir, 'away'), join(dir, 'views'));
    await eventually(
      () => viewNames(server),
      names => names.join() === 'mine',
    );
    // None is made for streams that come later either.
    await server.json('/v1/streams/later/events', { method: 'POST', body: '{"b":1}\n'.repeat(1000) });
    writeFileSync(join(dir, 'views', 'other.sql'), view('max(a) AS m'));
    await eventually(
      () => viewNames(server),
      names => names.includes('other'),
    );
    expect(await viewNames(server)).toEqual(['mine', 'other']);
    expect((await server.json('/v1/dashboards')).dashboards).toEqual([]);
  });

  test('when it has gone at a start; a command for the moment leaves in force what is', async () => {
    const dir = await project();
    writeFileSync(join(dir, 's.ndjson'), '{"a":1}\n');
    expect(await run(dir, ['load', 's.ndjson'])).toMatchObject({ code: 0 });
    rmSync(join(dir, 'views'), { recursive: true });
    expect(await run(dir, ['audit', 'mine'])).toMatchObject({ code: 0 });
    const server = await serve(dir, ['up']);
    await eventually(() => viewNames(server), madeOnly);
  });
});
