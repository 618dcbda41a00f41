import { afterEach, describe, expect, test } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import type { StateStore } from '../../store/state.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import type { Engine } from '../engine.ts';
import { parseSql } from '../plan/plan.fixture.ts';
import { prefixRange } from '../state/state-rows.ts';
import type { ViewChange, ViewSummary } from '../view.ts';
import { at, killable, logWith, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

async function engineWith(log: MemoryLog, ...views: string[]): Promise<Engine> {
  const engine = await openEngine(log);
  engines.push(engine);
  for (const [index, text] of views.entries()) await engine.define({ name: `v${index}`, text });
  return engine;
}

const us = (ms: number): number => (startMs + ms) * 1000;

describe('definitions', () => {
  test('a changed view is filled from history beside the old one and swapped in', async () => {
    const log = logWith(...Array.from({ length: 10 }, (_, i) => ({ _time: at(i), a: i % 2, b: i })));
    const engine = await engineWith(log, '-- every: 1s\nSELECT a, count(*) AS n FROM access GROUP BY a');
    await engine.settled();
    const changed = await engine.define({
      name: 'v0',
      text: '-- every: 1s\nSELECT sum(b) AS total FROM access',
    });
    expect(changed.state).toBe('backfilling');
    log.append('access', 0, [{ _time: at(20), a: 0, b: 100 }], startMs);
    await engine.settled();
    const [view] = await engine.views();
    expect(view).toMatchObject({ state: 'live', progress: 1, version: changed.version });
    const { rows } = await engine.query({ view: 'v0' });
    expect(rows.map(({ values }) => values)).toEqual([[145]]);
  });

  test('a stream is found in whatever case its name is written, and one of just that spelling goes before', async () => {
    const log = logWith({ _time: at(0), a: 1 });
    const engine = await engineWith(log, '-- every: 1s\nSELECT sum(a) AS s FROM "ACCESS"');
    const sums = async () => (await engine.query({ view: 'v0' })).rows.map(({ values }) => values[0]);
    await engine.settled();
    expect(await sums()).toEqual([1]);
    log.createStream('Access');
    log.append('Access', 0, [{ _time: at(0), a: 2 }], startMs);
    await engine.settled();
    expect(await sums()).toEqual([1]);
    log.createStream('ACCESS');
    log.append('ACCESS', 0, [{ _time: at(0), a: 4 }], startMs);
    await expect.poll(sums).toEqual([4]);
    expect((await engine.views())[0]!.streams).toEqual(['ACCESS']);
  });

  test('a view waits for a stream whose name is written in another case', async () => {
    const log = new MemoryLog();
    const engine = await engineWith(log, '-- every: 1s\nSELECT a, count(*) AS n FROM ORDERS GROUP BY a');
    await engine.settled();
    expect((await engine.views())[0]!.streams).toEqual(['ORDERS']);
    log.createStream('Orders');
    log.append('Orders', 0, [{ _time: at(0), a: 1 }], startMs);
    await engine.setSchema('Orders', [{ name: 'a', type: 'BIGINT' }]);
    const rows = async () => (await engine.query({ view: 'v0' })).rows.map(({ values }) => values);
    await expect.poll(rows).toEqual([[1, 1]]);
    expect((await engine.views())[0]).toMatchObject({
      streams: ['Orders'],
      columns: [{ type: 'BIGINT' }, {}],
    });
  });

  test('a view of just the spelling goes before a stream of another', async () => {
    const log = logWith({ _time: at(0), a: 1 });
    const engine = await engineWith(log, '-- every: 1s\nSELECT sum(a) AS s FROM access');
    log.createStream('V0');
    for (const [name, from] of Object.entries({ exact: 'v0', other: 'V0' })) {
      await engine.define({ name, text: `-- every: 1s\nSELECT count(*) AS n FROM ${from}` });
    }
    const streams = new Map((await engine.views()).map(view => [view.name, view.streams]));
    expect(streams.get('exact')).toEqual(['v0']);
    expect(streams.get('other')).toEqual(['V0']);
  });

  test('a view that cannot be planned over a stream that has come is not planned again and again', async () => {
    const log = logWith({ _time: at(0), a: 1 });
    let parsed = 0;
    const names = { name: 'names', version: '1', columns: [{ name: 'a', type: 'BIGINT' }], values: [[1]] };
    const engine = await openEngine(log, {
      lookups: [names],
      parseSql: sql => {
        parsed++;
        return parseSql(sql);
      },
    });
    engines.push(engine);
    const text = '-- every: 1s\nSELECT count(*) AS n FROM "ACCESS" JOIN names USING (a)';
    await engine.define({ name: 'v0', text });
    await engine.setLookup('names', undefined);
    log.createStream('ACCESS');
    const streams = async () => (await engine.views())[0]!.streams;
    for (let look = 0; look < 5; look++) await engine.settled();
    expect(parsed).toBe(2);
    expect(await streams()).toEqual(['access']);
    await engine.setLookup('names', names);
    await engine.settled();
    await engine.settled();
    expect(await streams()).toEqual(['ACCESS']);
  });

  test('a view whose events cannot be read says so while it is tried again', async () => {
    const log = logWith({ _time: at(0), a: 1 });
    const { read } = log;
    log.read = async () => {
      throw new Error('the disk is on fire');
    };
    const engine = await engineWith(log, '-- every: 1s\nSELECT a, count(*) AS n FROM access GROUP BY a');
    await expect.poll(async () => (await engine.views())[0]!.error).toContain('the disk is on fire');
    expect((await engine.views())[0]!.state).not.toBe('failed');
    log.read = read;
    await expect.poll(async () => (await engine.views())[0]).toMatchObject({ state: 'live', progress: 1 });
    await engine.settled();
    expect((await engine.views())[0]!.error).toBeUndefined();
    expect((await engine.query({ view: 'v0' })).rows.map(({ values }) => values)).toEqual([[1, 1]]);
  });

  test('a partition that cannot be read is not taken for an idle one', async () => {
    let nowMs = startMs;
    const log = logWith({ _time: at(0) });
    const engine = await openEngine(log, { clock: { nowMs: () => nowMs } });
    engines.push(engine);
    await engine.define({ name: 'v', text: '-- every: 1s\n-- delay: 0s\nSELECT count(*) AS n FROM access' });
    await engine.settled();
    const { read } = log;
    log.read = async () => {
      throw new Error('the disk is on fire');
    };
    log.append('access', 0, [{ _time: at(1) }], startMs);
    const view = async () => (await engine.views())[0]!;
    await expect.poll(async () => (await view()).error).toContain('the disk is on fire');
    nowMs += 60_000;
    await engine.settled();
    expect((await view()).watermarkUs).toBe(us(0));
    log.read = read;
    await expect.poll(async () => (await view()).error).toBeUndefined();
    nowMs += 60_000;
    await engine.settled();
    expect((await view()).watermarkUs).toBe((nowMs - 10_000) * 1000);
  });

  test('a partition that was idle is so at once after a restart', async () => {
    const log = logWith({ _time: at(0) });
    const state = createMemoryState();
    const clock = { nowMs: () => startMs + 60_000 };
    const engine = await openEngine(log, { state, clock });
    const text = '-- every: 1s\n-- lateness: 0s\nSELECT count(*) AS n FROM access';
    await engine.define({ name: 'v', text });
    await engine.settled();
    await engine.close();
    const again = await openEngine(log, { state, clock });
    engines.push(again);
    await expect
      .poll(async () => (await again.query({ view: 'v' })).rows)
      .toMatchObject([{ final: true, values: [1] }]);
  });

  test('a clock that is set back keeps no partition from being idle', async () => {
    let nowMs = startMs + 3_600_000;
    const engine = await openEngine(logWith({ _time: at(0) }), { clock: { nowMs: () => nowMs } });
    engines.push(engine);
    await engine.define({ name: 'v', text: '-- every: 1s\n-- delay: 0s\nSELECT count(*) AS n FROM access' });
    await engine.settled();
    nowMs -= 1_800_000;
    await engine.settled();
    nowMs += 10_000;
    await engine.settled();
    expect((await engine.views())[0]!.watermarkUs).toBe((nowMs - 10_000) * 1000);
  });

  test('who watches a view is told when another definition of it serves, and of views over it', async () => {
    const log = logWith({ _time: at(0), a: 1, b: 5 });
    const engine = await engineWith(log, '-- every: 1s\nSELECT a, count(*) AS n FROM access GROUP BY a');
    await engine.define({ name: 'over', text: '-- every: 1s\nSELECT max(n) AS peak FROM v0' });
    await engine.settled();
    const told: (string[] | undefined)[] = [];
    engine.watch('v0', 1000);
    engine.watch('over', 1000);
    engine.onChange(({ view, columns }) => columns && told.push([view, ...columns.map(({ name }) => name)]));
    await engine.define({ name: 'v0', text: '-- every: 1s\nSELECT sum(b) AS n FROM access' });
    expect(told.filter(([view] = []) => view === 'v0')).toEqual([]);
    await engine.settled();
    expect(told).toContainEqual(['v0', 'n']);
    expect(told).toContainEqual(['over', 'peak']);
  });

  test('rows that leave the top of a window, and a window that is left empty, can be told', async () => {
    const log = logWith({ _time: at(0), k: 'a' }, { _time: at(0), k: 'b' }, { _time: at(0), k: 'b' });
    const engine = await engineWith(
      log,
      `-- every: 1s
       SELECT k, count(*) AS n FROM access GROUP BY k HAVING count(*) < 4 ORDER BY n DESC LIMIT 1`,
    );
    await engine.settled();
    const changes: ViewChange[] = [];
    engine.watch('v0', 1000);
    engine.onChange(change => changes.push(change));
    log.append(
      'access',
      0,
      [
        { _time: at(0), k: 'a' },
        { _time: at(0), k: 'a' },
      ],
      startMs,
    );
    await engine.settled();
    expect(changes.at(-1)).toMatchObject({ wholeStartUs: us(0), rows: [{ values: ['a', 3] }] });
    log.append('access', 0, [{ _time: at(0), k: 'a' }], startMs);
    log.append(
      'access',
      0,
      [
        { _time: at(0), k: 'b' },
        { _time: at(0), k: 'b' },
      ],
      startMs,
    );
    await engine.settled();
    expect(changes.at(-1)).toMatchObject({ wholeStartUs: us(0), rows: [] });
  });

  test('a dropped view frees its state and is unknown', async () => {
    const state = createMemoryState();
    const log = logWith({ _time: at(0) });
    const engine = await openEngine(log, { state });
    engines.push(engine);
    const before = state.sizeBytes();
    await engine.define({ name: 'v', text: '-- every: 1s\nSELECT count(*) AS n FROM access' });
    await engine.settled();
    expect(state.sizeBytes()).toBeGreaterThan(before);
    await engine.drop('v');
    expect(state.sizeBytes()).toBe(before);
    await expect(engine.query({ view: 'v' })).rejects.toMatchObject({ code: 'unknown-view', status: 404 });
  });

  test('a state that takes nothing for a while holds up changes of views, and ends nothing', async () => {
    const state = createMemoryState();
    let isFull = false;
    const log = logWith({ _time: at(0), b: 7 });
    const engine = await openEngine(log, {
      state: {
        ...killable(state).state,
        transaction: work =>
          state.transaction(transaction => {
            const result = work(transaction);
            if (isFull) throw new MillraceError('state-full', 'full', { status: 507, canRetry: true });
            return result;
          }),
      },
    });
    engines.push(engine);
    const text = (select: string): string => `-- every: 1s\nSELECT ${select} FROM access`;
    await engine.define({ name: 'v', text: text('count(*) AS n') });
    await engine.define({ name: 'w', text: text('count(*) AS n') });
    await engine.settled();
    const before = state.sizeBytes();
    const valuesOf = async (view: string): Promise<unknown> =>
      (await engine.query({ view })).rows.map(({ values }) => values);
    // Defined while there is room, and filled when there is none.
    const changed = engine.define({ name: 'v', text: text('sum(b) AS n, 1 AS one') });
    await changed;
    isFull = true;
    await expect(engine.drop('w')).rejects.toMatchObject({ code: 'state-full' });
    await expect(engine.define({ name: 'w', text: text('max(b) AS n') })).rejects.toMatchObject({
      code: 'state-full',
    });
    log.append('access', 0, [{ _time: at(1), b: 5 }], startMs);
    await engine.settled();
    expect(await engine.views()).toMatchObject([
      { name: 'v', sql: text('sum(b) AS n, 1 AS one') },
      { name: 'w', state: 'live', sql: text('count(*) AS n') },
    ]);
    expect(await valuesOf('w')).toEqual([[2]]);
    isFull = false;
    await expect.poll(() => valuesOf('v')).toEqual([[12, 1]]);
    for (const name of ['v', 'w']) await engine.drop(name);
    expect(state.sizeBytes()).toBeLessThan(before);
    expect([...state.range(...prefixRange(['window']))]).toEqual([]);
  });

  test('a start that the state takes no note of has higher revisions all the same, as has the one after it', async () => {
    const state = createMemoryState();
    const log = logWith({ _time: at(0), b: 7 });
    let isFull = false;
    const open = async (): Promise<{ engine: Engine; kill: () => void }> => {
      const { state: kept, kill } = killable(state);
      const transaction: StateStore['transaction'] = work => {
        if (isFull) throw new MillraceError('state-full', 'full', { status: 507, canRetry: true });
        return kept.transaction(work);
      };
      const engine = await openEngine(log, { state: { ...kept, transaction }, commitMs: 5 });
      engines.push(engine);
      return { engine, kill };
    };
    const revision = async (engine: Engine): Promise<number> => {
      log.append('access', 0, [{ _time: at(1), b: 7 }], startMs);
      await engine.settled();
      return (await engine.query({ view: 'v' })).rows[0]!.revision;
    };
    const first = await open();
    await first.engine.define({ name: 'v', text: '-- every: 1s\nSELECT count(*) AS n FROM access' });
    const revisions = [await revision(first.engine)];
    first.kill();
    isFull = true;
    const second = await open();
    revisions.push(await revision(second.engine));
    await expect.poll(() => second.engine.status()).toMatchObject({ problem: 'full' });
    isFull = false;
    await expect.poll(() => second.engine.status()).not.toHaveProperty('problem');
    second.kill();
    revisions.push(await revision((await open()).engine));
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
  });

  test('what cannot be kept is refused with its position', async () => {
    const engine = await engineWith(logWith());
    const text = '-- every: 1s\nSELECT median(bytes) FROM access';
    await expect(engine.define({ name: 'v', text })).rejects.toMatchObject({
      code: 'view-refused',
      status: 400,
      context: { line: 2 },
    });
  });

  test('a view defined before its stream exists takes its events when it comes', async () => {
    const log = new MemoryLog();
    const engine = await engineWith(log, '-- every: 1s\nSELECT count(*) AS n FROM later');
    log.createStream('later');
    log.append('later', 0, [{ _time: at(0) }], startMs);
    await engine.settled();
    expect((await engine.query({ view: 'v0' })).rows.map(({ values }) => values)).toEqual([[1]]);
  });
});

describe('what a stream has shown', () => {
  const text =
    '-- every: 1s\nSELECT status, max(name) AS last, count(*) AS n FROM access WHERE status >= 0 OR true GROUP BY status';
  const known = [
    { name: 'status', type: 'BIGINT' },
    { name: 'name', type: 'VARCHAR' },
  ];
  const types = async (engine: Engine): Promise<string[]> =>
    (await engine.query({ view: 'v' })).columns.map(({ type }) => type);

  test('gives group columns and aggregates their types', async () => {
    const log = logWith({ _time: at(0), status: 200, name: 'a' }, { _time: at(1), status: 200, name: 'b' });
    const engine = await openEngine(log);
    engines.push(engine);
    await engine.setSchema('access', known);
    await engine.define({ name: 'v', text });
    await engine.settled();
    expect(await types(engine)).toEqual(['BIGINT', 'VARCHAR', 'BIGINT']);
    expect((await engine.views())[0]!.columns[0]!.type).toBe('BIGINT');
    expect((await engine.query({ view: 'v' })).rows[0]!.values).toEqual([200, 'b', 2]);
  });

  test('loses no group where a field drifts to another type, and rebuilds nothing', async () => {
    const log = logWith({ _time: at(0), status: 200, name: 'a' });
    const state = createMemoryState();
    const engine = await openEngine(log, { state });
    engines.push(engine);
    await engine.setSchema('access', known);
    const { version } = await engine.define({ name: 'v', text });
    log.append('access', 0, [{ _time: at(1), status: 'lost', name: 'b' }], startMs);
    await engine.settled();
    await engine.setSchema('access', [{ name: 'status', type: 'JSON' }, known[1]!]);
    expect(await types(engine)).toEqual(['JSON', 'VARCHAR', 'BIGINT']);
    expect((await engine.query({ view: 'v' })).rows.map(({ values }) => values)).toEqual(
      expect.arrayContaining([
        [200, 'a', 1],
        ['lost', 'b', 1],
      ]),
    );
    // The same text means the same after a restart, whatever has been learned meanwhile.
    await engine.close();
    const again = await openEngine(log, { state });
    engines.push(again);
    await again.setSchema('access', [{ name: 'name', type: 'BIGINT' }]);
    expect((await again.define({ name: 'v', text })).version).toBe(version);
    expect((await again.define({ name: 'v', text: `${text} ` })).version).not.toBe(version);
  });
});

describe('a view planned before its stream had events', () => {
  const text = '-- every: 1d\nSELECT max(name) AS last, sum(n) AS total, count(*) AS n FROM access';
  const known = [
    { name: 'name', type: 'VARCHAR' },
    { name: 'n', type: 'BIGINT' },
  ];
  const events = [
    { _time: at(0), name: 'a', n: 1 },
    { _time: at(1), name: 'b', n: 2 },
  ];
  const types = async (engine: Engine): Promise<string[]> =>
    (await engine.query({ view: 'v' })).columns.map(({ type }) => type);
  const values = async (engine: Engine) => (await engine.query({ view: 'v' })).rows.map(row => row.values);

  test('is planned again and filled again when the stream has shown its fields', async () => {
    const log = logWith();
    const engine = await openEngine(log);
    engines.push(engine);
    await engine.define({ name: 'v', text });
    log.append('access', 0, events, startMs);
    await engine.settled();
    await engine.setSchema('access', known);
    await engine.settled();
    expect(await types(engine)).toEqual(['VARCHAR', 'HUGEINT', 'BIGINT']);
    expect(await values(engine)).toEqual([['b', 3, 2]]);
  });

  test('takes a field that comes later, and what it knew before stays as it was', async () => {
    const log = logWith({ _time: at(0), n: 1 });
    const state = createMemoryState();
    const engine = await openEngine(log, { state });
    engines.push(engine);
    await engine.setSchema('access', known.slice(1));
    const { version } = await engine.define({ name: 'v', text });
    log.append('access', 0, [{ _time: at(1), name: 'b', n: 2.5 }], startMs);
    await engine.setSchema('access', [{ name: 'n', type: 'DOUBLE' }, known[0]!]);
    await engine.settled();
    expect((await engine.views())[0]!.version).not.toBe(version);
    expect((await types(engine))[0]).toBe('VARCHAR');
    expect((await values(engine))[0]![0]).toBe('b');
    const { columns } = (await engine.views())[0]!;
    expect(columns[1]!.type).toBe('HUGEINT');
    await engine.close();
    const again = await openEngine(log, { state });
    engines.push(again);
    await again.setSchema('access', known);
    expect((await again.define({ name: 'v', text })).columns).toEqual(columns);
  });

  test('is planned again after a restart where the fields have been learned meanwhile', async () => {
    const log = logWith(...events);
    const state = createMemoryState();
    const first = await openEngine(log, { state });
    await first.define({ name: 'v', text });
    await first.settled();
    await first.close();
    const engine = await openEngine(log, { state });
    engines.push(engine);
    await engine.setSchema('access', known);
    await Promise.all([engine.define({ name: 'v', text }), engine.settled()]);
    await engine.settled();
    expect(await types(engine)).toEqual(['VARCHAR', 'HUGEINT', 'BIGINT']);
    expect(await values(engine)).toEqual([['b', 3, 2]]);
  });

  test('does not come back where it was changed or dropped while it was planned again', async () => {
    const log = logWith(...events);
    const engine = await openEngine(log);
    engines.push(engine);
    const other = '-- every: 1d\nSELECT count(*) AS other FROM access';
    await engine.define({ name: 'v', text });
    await engine.define({ name: 'w', text });
    await Promise.all([
      engine.setSchema('access', known),
      engine.define({ name: 'v', text: other }),
      engine.drop('w'),
    ]);
    await engine.settled();
    expect((await engine.views()).map(({ name, sql }) => [name, sql])).toEqual([['v', other]]);
  });

  test('stays what it is where the fields turn out not to fit it', async () => {
    const log = logWith({ _time: at(0), name: 'a' });
    const engine = await openEngine(log);
    engines.push(engine);
    const sum = '-- every: 1d\nSELECT sum(name) AS total, count(*) AS n FROM access';
    const { version } = await engine.define({ name: 'v', text: sum });
    await engine.setSchema('access', known);
    await engine.settled();
    expect((await engine.define({ name: 'v', text: sum })).version).toBe(version);
    expect(await values(engine)).toEqual([[null, 1]]);
    const [{ notice }] = (await engine.views()) as [ViewSummary];
    expect(notice).toMatch(
      /^View "v", line 2, column 12: .*sum takes a number.* goes on as it was: .*TRY_CAST/,
    );
    await expect(engine.define({ name: 'w', text: sum })).rejects.toMatchObject({ code: 'view-refused' });
  });

  test('is planned again later where the parser is busy, which says nothing of its text', async () => {
    const log = logWith(...events);
    let isBusy = false;
    const engine = await openEngine(log, {
      parseSql: async sql => {
        if (isBusy) throw new MillraceError('query-overloaded', 'busy', { status: 429, canRetry: true });
        return parseSql(sql);
      },
    });
    engines.push(engine);
    await engine.define({ name: 'v', text });
    isBusy = true;
    await engine.setSchema('access', known);
    await engine.settled();
    expect((await engine.views())[0]!.notice).toBeUndefined();
    isBusy = false;
    while ((await types(engine))[0] !== 'VARCHAR') await new Promise(resolve => setTimeout(resolve, 20));
    await engine.settled();
    expect(await values(engine)).toEqual([['b', 3, 2]]);
  });

  test('says so while the fields that have been shown do not fit it', async () => {
    const log = logWith();
    const state = createMemoryState();
    const first = await openEngine(log, { state });
    const where = '-- every: 1d\nSELECT count(*) AS n FROM access WHERE x';
    const notice = async (engine: Engine) => (await engine.views())[0]!.notice;
    expect((await first.define({ name: 'v', text: where })).notice).toBeUndefined();
    log.append(
      'access',
      0,
      [
        { _time: at(0), x: 1 },
        { _time: at(1), x: 7 },
      ],
      startMs,
    );
    const numbers = [{ name: 'x', type: 'BIGINT' }];
    await first.setSchema('access', numbers);
    await first.settled();
    expect(await notice(first)).toMatch(
      /line 2, column 40: WHERE takes a boolean, and this is a whole number/,
    );
    await first.close();
    const engine = await openEngine(log, { state });
    engines.push(engine);
    await engine.setSchema('access', numbers);
    await engine.settled();
    expect(await notice(engine)).toMatch(/WHERE takes a boolean/);
    expect((await engine.define({ name: 'v', text: where })).notice).toMatch(/WHERE takes a boolean/);
    expect((await engine.check({ name: 'v', text: where })).notice).toMatch(/WHERE takes a boolean/);
    await engine.define({ name: 'v', text: where.replace('WHERE x', 'WHERE x > 1') });
    await engine.settled();
    expect(await notice(engine)).toBeUndefined();
    expect(await values(engine)).toEqual([[1]]);
  });

  test('gives views over it their types too', async () => {
    const log = logWith();
    const engine = await openEngine(log);
    engines.push(engine);
    await engine.define({ name: 'v', text });
    await engine.define({ name: 'over', text: '-- every: 1d\nSELECT max(last) AS last FROM v' });
    log.append('access', 0, events, startMs);
    await engine.setSchema('access', known);
    await engine.settled();
    await engine.settled();
    const { columns, rows } = await engine.query({ view: 'over' });
    expect(columns[0]!.type).toBe('VARCHAR');
    expect(rows.map(row => row.values)).toEqual([['b']]);
  });
});
