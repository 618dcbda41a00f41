import { pino } from 'pino';
import { expect, test } from 'vitest';
import { MemoryLog, openEngine } from './process/engine/engine.fixture.ts';
import type { Engine } from './process/engine.ts';
import { ProjectViews, type ProjectViewsOptions } from './project-views.ts';

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
  const views = new ProjectViews({
    log,
    engine,
    logger: pino({ level: 'silent' }),
    tables: async () => ['access'],
    onNotice: line => told.push(line),
  });
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
    await views.define([{ name: 'v', text: `${text} > 1` }]);
    await views.look();
    expect(views.problems()).toEqual([]);
  } finally {
    await engine.close();
  }
});
