import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MillraceError } from './core/errors.ts';
import { LookupFiles } from './lookup-files.ts';
import { readProject } from './project.ts';
import { folderState } from './project-file.ts';
import { ProjectFolder } from './project-folder.ts';
import { ProjectViews } from './project-views.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-folder-'));
  mkdirSync(join(dir, 'views'));
});

afterEach(() => rmSync(dir, { recursive: true }));

/** A folder over an engine that only notes which views it is told to define; `refuse` may throw for one. */
function watched(
  refuse: (name: string) => void,
  lookups = { faults: () => [], refresh: async () => ({ loaded: [], removed: [] }) } as never,
): {
  folder: ProjectFolder;
  views: ProjectViews;
  defined: string[];
  notices: string[];
} {
  const defined: string[] = [];
  const notices: string[] = [];
  const onNotice = (line: string): void => void notices.push(line);
  const inForce = new Set<string>();
  const engine = {
    views: async () => [...inForce].map(name => ({ name })),
    drop: async (name: string) => inForce.delete(name),
    setLookup: async () => {},
    define: async ({ name }: { name: string }) => {
      refuse(name);
      defined.push(name);
      inForce.add(name);
    },
  } as never;
  const log = { streams: async () => [] } as never;
  const logger = pino({ enabled: false });
  const views = new ProjectViews({ log, engine, logger, tables: async () => [], onNotice });
  const faults: MillraceError[] = [];
  const folder = new ProjectFolder({
    project: readProject(dir, faults),
    faults,
    forTheMoment: false,
    log,
    engine,
    lookups,
    views,
    defaults: { stop: async () => {}, retry: async () => {} } as never,
    pipelines: { define: async () => false } as never,
    onNotice,
  });
  return { folder, views, defined, notices };
}

const add = (name: string): void => writeFileSync(join(dir, 'views', `${name}.sql`), 'SELECT 1');

test('what has changed is defined once', async () => {
  const { folder, defined } = watched(() => {});
  await folder.start();
  await folder.look();
  add('a');
  for (let i = 0; i < 3; i++) await folder.look();
  expect(defined).toEqual(['a']);
});

test('a change that cannot be taken over is named once, and tried again until it is', async () => {
  let isBroken = true;
  const { folder, views, defined, notices } = watched(() => {});
  await folder.start();
  const define = views.define.bind(views);
  views.define = async (...args) => {
    if (isBroken) throw new Error('the engine is away');
    return define(...args);
  };
  add('a');
  await expect(folder.look()).rejects.toThrow('the engine is away');
  await folder.look();
  expect(folder.faults.map(({ code }) => code)).toEqual(['project-not-taken']);
  expect(notices).toEqual([expect.stringContaining('the engine is away')]);
  isBroken = false;
  await folder.look();
  expect(defined).toEqual(['a']);
  expect(folder.faults).toEqual([]);
});

test('a view that may be defined at another try is tried again without a change, also after a start', async () => {
  let tries = 0;
  const { folder, views, defined, notices } = watched(name => {
    if (name === 'a' && ++tries < 4) throw new MillraceError('away', 'a: later.', { canRetry: true });
  });
  add('a');
  folder.project = readProject(dir, []);
  await folder.start();
  for (let i = 0; i < 5; i++) await folder.look();
  expect({ defined, tries, notices }).toEqual({ defined: ['a'], tries: 4, notices: ['View a: later.'] });
  expect(views.problems()).toEqual([]);
});

test('a view that is refused for good is not tried again', async () => {
  let tries = 0;
  const { folder } = watched(() => {
    tries++;
    throw new MillraceError('view-refused', 'a: no.');
  });
  add('a');
  for (let i = 0; i < 4; i++) await folder.look();
  expect(tries).toBe(1);
});

test('a change between the reading of the project and its first definition is not missed', async () => {
  const { folder, defined } = watched(() => {});
  add('late');
  await folder.start();
  expect(defined).toEqual([]);
  await folder.look();
  expect(defined).toEqual(['late']);
});

test('links among folders that lead in circles, and out to everything, end', () => {
  const below = join(dir, 'pipelines');
  mkdirSync(join(below, 'lib'), { recursive: true });
  for (const name of ['one', 'two']) symlinkSync('..', join(below, 'lib', name));
  symlinkSync('/', join(below, 'all'));
  writeFileSync(join(below, 'z.ts'), '');
  const states = folderState(below, true);
  expect(states.length).toBeLessThanOrEqual(2000);
  expect(states.some(state => state.startsWith(join(below, 'z.ts')))).toBe(true);
});

test.each([
  ['a byte of another encoding', 'caf\xe9', 'line 2, column 15'],
  ['a sequence cut off', '\xef\xbf', 'line 2, column 12'],
  ['one behind a replacement character of its own', '\xef\xbf\xbd\n\xc3\xa9\xff', 'line 3, column 2'],
])('a view that is not UTF-8 is named with the place: %s', (_, bytes, place) => {
  writeFileSync(join(dir, 'views', 'v.sql'), Buffer.from(`SELECT 1\nWHERE a = '${bytes}'`, 'latin1'));
  const faults: MillraceError[] = [];
  expect(readProject(dir, faults)).toMatchObject({ views: [], unreadViews: ['v'] });
  expect(faults).toMatchObject([{ code: 'unreadable-file', canRetry: false }]);
  expect(faults[0]!.message).toContain(`v.sql cannot be read: at ${place} it is not UTF-8`);
});

test('a table takes the name of a view that goes with the same change', async () => {
  const lookups = new LookupFiles(join(dir, 'copies'), async () => ({ columns: [], rows: [] }) as never);
  add('a');
  const { folder } = watched(() => {}, lookups as never);
  await folder.start();
  rmSync(join(dir, 'views', 'a.sql'));
  mkdirSync(join(dir, 'lookups'));
  writeFileSync(join(dir, 'lookups', 'a.csv'), 'k\n1\n');
  await folder.look();
  await folder.look();
  expect(lookups.faults().filter(({ code }) => code === 'name-taken')).toEqual([]);
});
