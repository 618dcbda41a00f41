import { pino } from 'pino';
import { expect, test } from 'vitest';
import { MillraceError } from './core/errors.ts';
import { MemoryLog, openEngine } from './process/engine/engine.fixture.ts';
import type { Engine } from './process/engine.ts';
import { ProjectViews, type ProjectViewsOptions } from './project-views.ts';

/** Of an engine over the log; what is told goes to `told`. */
const viewsOver = (log: MemoryLog, engine: Engine, tables: readonly string[], told: string[]): ProjectViews =>
  new ProjectViews({
    log,
    engine,
    logger: pino({ level: 'silent' }),
    tables: async () => [...tables],
    onNotice: line => told.push(line),
  });

test('a view that stands still is a problem, said once in the log, and no more when it goes on', () => {
  const logged: unknown[] = [];
  const views = new ProjectViews({
    logger: { warn: (what: unknown) => logged.push(what) },
    onNotice: () => {},
  } as unknown as ProjectViewsOptions);
  for (let i = 0; i < 3; i++) views.noteStates([{ name: 'a', error: 'no table' }, { name: 'b' }]);
  expect(views.problems()).toEqual(['View a: no table']);
  expect(logged).toHaveLength(1);
  views.noteProblem('a', new Error('a: wrong SQL'));
  expect(views.problems()).toEqual(['a: wrong SQL']);
  views.noteStates([{ name: 'a' }]);
  expect(views.problems()).toEqual(['a: wrong SQL']);
});

test('what a stream has shown and a view in force does not take is a problem, told once, while it lasts', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const engine: Engine = await openEngine(log);
  const told: string[] = [];
  const views = viewsOver(log, engine, ['access'], told);
  try {
    const text = '-- every: 1m\nSELECT count(*) AS n FROM access WHERE x';
    await views.define([{ name: 'v', text }]);
    await views.look();
    expect(views.problems()).toEqual([]);
    await engine.setSchema('access', [{ name: 'x', type: 'BIGINT' }]);
    await engine.settled();
    await views.look();
    await views.look();
    expect(views.problems()).toEqual([expect.stringContaining('WHERE takes a boolean')]);
    expect(told).toEqual(views.problems());
    expect(views.problems().map(problem => views.isNotice(problem))).toEqual([true]);
    await views.define([{ name: 'v', text: `${text} > 1` }]);
    await views.look();
    expect(views.problems()).toEqual([]);
  } finally {
    await engine.close();
  }
});

test('views that are being defined when everything ends are no problem', async () => {
  const log = new MemoryLog();
  const engine: Engine = await openEngine(log);
  const told: string[] = [];
  const views = viewsOver(log, engine, [], told);
  const names = ['a', 'b'].map(name => ({ name, text: 'SELECT count(*) AS n FROM access' }));
  const defining = views.define(names);
  views.close();
  await engine.close();
  await defining;
  expect([told, views.problems()]).toEqual([[], []]);
});

test('a view of which it cannot be told now what it reads waits, and the others do not', async () => {
  let isBusy = true;
  const engine: Engine = await openEngine(new MemoryLog());
  const views = new ProjectViews({
    log: new MemoryLog(),
    engine,
    logger: pino({ level: 'silent' }),
    tables: async sql => {
      if (isBusy && sql.includes('FROM low')) {
        throw new MillraceError('query-overloaded', 'busy', { status: 429, canRetry: true });
      }
      return [/FROM (\w+)/.exec(sql)![1]!];
    },
    onNotice: () => {},
  });
  const all = [
    { name: 'high', text: '-- every: 1m\nSELECT sum(n) AS n FROM low' },
    { name: 'low', text: '-- every: 1m\nSELECT count(*) AS n FROM access' },
  ];
  const streams = async () => (await engine.views()).map(view => [view.name, ...view.streams]);
  try {
    await views.define(all);
    expect([await streams(), views.mayRetry()]).toEqual([[['low', 'access']], true]);
    isBusy = false;
    await views.define(all);
    expect([await streams(), views.refused()]).toEqual([
      [
        ['low', 'access'],
        ['high', 'low'],
      ],
      [],
    ]);
  } finally {
    await engine.close();
  }
});

test('a view that reads what another one is to have is tried again until that one serves', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const engine: Engine = await openEngine(log);
  const views = new ProjectViews({
    log,
    engine,
    logger: pino({ level: 'silent' }),
    tables: async sql => [...sql.matchAll(/FROM (\w+)/g)].map(match => match[1]!),
    onNotice: () => {},
  });
  const low = (columns: string) => ({ name: 'low', text: `-- every: 1m\nSELECT ${columns} FROM access` });
  const over = (name: string, from: string) => ({
    name,
    text: `-- every: 1m\nSELECT sum(more) AS more FROM ${from}`,
  });
  try {
    await views.define([low('count(*) AS n')]);
    await engine.settled();
    log.append('access', 0, [{}]);
    const { read } = log;
    log.read = () => Promise.reject(new Error('later'));
    const changed = [low('count(*) AS n, count(*) * 2 AS more'), over('high', 'low'), over('higher', 'high')];
    await views.define(changed);
    expect(views.refused().map(({ name }) => name)).toEqual(['high']);
    expect(views.mayRetry()).toBe(true);
    log.read = read;
    await expect
      .poll(async () => {
        await views.define(changed);
        return views.refused();
      })
      .toEqual([]);
    await engine.settled();
    expect((await engine.query({ view: 'higher' })).rows.map(({ values }) => values)).toEqual([[2]]);
    // What no definition under it will bring stays refused.
    await views.define([low('count(*) AS n'), over('high', 'low')]);
    await engine.settled();
    await views.define([low('count(*) AS n'), over('high', 'low')]);
    expect(views.refused().map(({ name }) => name)).toEqual(['high']);
    expect(views.mayRetry()).toBe(false);
  } finally {
    await engine.close();
  }
});
