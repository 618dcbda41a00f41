import { afterEach, describe, expect, test } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import type { Engine } from '../engine.ts';
import { prefixRange } from '../state/state-rows.ts';
import { at, killable, logWith, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

describe('after a crash', () => {
  test('the engine goes on from the committed offsets and counts nothing twice', async () => {
    const kept = createMemoryState();
    const log = logWith({ _time: at(0) }, { _time: at(1) });
    const first = killable(kept);
    const engine = await openEngine(log, { state: first.state });
    await engine.define({ name: 'v', text: '-- every: 1s\nSELECT count(*) AS n FROM access' });
    await engine.settled();
    await engine.close();
    log.append('access', 0, [{ _time: at(2) }], startMs);
    const second = killable(kept);
    const crashing = await openEngine(log, { state: second.state, commitMs: 1e9 });
    await crashing.settled();
    second.kill();
    await crashing.close().catch(() => {});
    const third = await openEngine(log, { state: kept });
    engines.push(third);
    await third.settled();
    const { rows } = await third.query({ view: 'v' });
    expect(rows.map(({ values }) => values)).toEqual([[3]]);
  });

  test('what was committed in the middle of the log goes on there', async () => {
    const log = logWith({ _time: at(0) });
    for (const ms of [1, 2]) log.append('access', 0, [{ _time: at(ms) }], startMs);
    const kept = createMemoryState();
    const life = killable(kept);
    let release = (): void => {};
    const isReleased = new Promise<void>(resolve => {
      release = resolve;
    });
    const stuck = Object.assign(Object.create(log) as MemoryLog, {
      read: async (...where: Parameters<MemoryLog['read']>) => {
        if (where[2] > 0) await isReleased;
        return log.read(...where);
      },
    });
    const crashing = await openEngine(stuck, { state: life.state, readBytes: 50 });
    await crashing.define({ name: 'v', text: '-- every: 1s\nSELECT count(*) AS n FROM access' });
    const committed = () =>
      [...kept.range(...prefixRange(['at']))].map(({ value }) => JSON.parse(Buffer.from(value).toString()));
    await expect.poll(committed).toMatchObject([{ events: 1, offset: 1 }]);
    life.kill();
    release();
    await crashing.close().catch(() => {});
    const after = await openEngine(log, { state: kept });
    engines.push(after);
    await after.settled();
    expect((await after.query({ view: 'v' })).rows.map(({ values }) => values)).toEqual([[3]]);
  });

  test('what was gathered when a changed view was swapped in is committed with it', async () => {
    const log = logWith({ _time: at(0) });
    log.createStream('other');
    log.append('other', 0, [{ _time: at(0) }], startMs);
    const kept = createMemoryState();
    const life = killable(kept);
    // It never flushes of itself.
    const crashing = await openEngine(log, { state: life.state, publishMs: 1e9, commitMs: 1e9 });
    const view = (name: string, select: string) => ({ name, text: `-- every: 1s\nSELECT ${select}` });
    await crashing.define(view('w', 'count(*) AS n FROM other'));
    await crashing.define(view('v', 'count(*) AS n FROM access'));
    await expect.poll(async () => (await crashing.status()).eventsRead).toBe(2);
    await crashing.define(view('v', 'count(_time) AS n FROM access'));
    await expect
      .poll(async () => (await crashing.views()).map(({ state }) => state))
      .toEqual(['live', 'live']);
    life.kill();
    await crashing.close().catch(() => {});
    const after = await openEngine(log, { state: kept });
    engines.push(after);
    await after.settled();
    for (const name of ['v', 'w']) {
      expect((await after.query({ view: name })).rows.map(({ values }) => values)).toEqual([[1]]);
    }
  });

  test('each text that comes again after a restart is one group', async () => {
    const texts = [...'abcdef'];
    const log = logWith(...texts.map(k => ({ _time: at(0), k })));
    const state = createMemoryState();
    const first = await openEngine(log, { state });
    await first.define({ name: 'v', text: '-- every: 1s\nSELECT k, count(*) AS n FROM access GROUP BY k' });
    await first.settled();
    await first.close();
    log.append(
      'access',
      0,
      texts.map(k => ({ _time: at(1), k })),
      startMs,
    );
    const second = await openEngine(log, { state });
    engines.push(second);
    await second.settled();
    const { rows } = await second.query({ view: 'v' });
    expect(rows.map(({ values }) => values)).toEqual(texts.map(k => [k, 2]));
  });

  test('a window of several pages that went beyond its cap is the same after a restart', async () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`);
    // The smallest groups, which leave the window, are none of the last ones.
    const log = logWith(...[...keys, ...keys.slice(500)].map(k => ({ _time: at(0), k })));
    const state = createMemoryState();
    const view = '-- every: 1s\n-- max groups: 1000\nSELECT k, count(*) AS n FROM access GROUP BY k';
    const lives: (readonly unknown[])[][] = [];
    for (const k of [undefined, 'late', undefined, 'k0']) {
      if (k) log.append('access', 0, [{ _time: at(1), k }], startMs);
      const engine = await openEngine(log, { state });
      engines.push(engine);
      if (lives.length === 0) await engine.define({ name: 'v', text: view });
      await engine.settled();
      const { rows } = await engine.query({ view: 'v' });
      lives.push(rows.map(({ values, overflow, incomplete }) => [...values, overflow, incomplete]));
      await engine.close();
    }
    const [, full, again, more] = lives;
    expect(full).toContainEqual(['late', 1, undefined, true]);
    expect(full).toContainEqual([null, 250, true, undefined]);
    expect(again).toEqual(full);
    expect(more).toEqual(full!.map(row => (row[0] === 'k0' ? ['k0', 2, undefined, undefined] : row)));
  });

  test('a window of several pages goes on from those of its own partition', async () => {
    const log = new MemoryLog();
    log.createStream('access', 2);
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`);
    const state = createMemoryState();
    for (const count of [1, 2]) {
      for (const partition of [0, 1]) {
        log.append(
          'access',
          partition,
          keys.map(k => ({ _time: at(0), k })),
          startMs,
        );
      }
      const engine = await openEngine(log, { state });
      engines.push(engine);
      if (count === 1) {
        await engine.define({
          name: 'v',
          text: '-- every: 1s\nSELECT k, count(*) AS n FROM access GROUP BY k',
        });
      }
      await engine.settled();
      const { rows } = await engine.query({ view: 'v' });
      expect(new Map(rows.map(({ values }) => values as [string, number]))).toEqual(
        new Map(keys.map(k => [k, 2 * count])),
      );
      await engine.close();
    }
  });

  test('a log that has lost its end fills the views anew that had read beyond it', async () => {
    const state = createMemoryState();
    const events = [0, 1, 2].map(n => ({ _time: at(n), n }));
    const view = (select: string) => ({ name: 'v', text: `-- every: 1s\nSELECT ${select} FROM access` });
    const open = async (log: MemoryLog) => {
      const engine = await openEngine(log, { state: killable(state).state });
      engines.push(engine);
      return engine;
    };
    const before = await open(logWith(...events));
    await before.define(view('sum(n) AS n'));
    await before.settled();
    await before.close();
    const cut = logWith(...events.slice(0, 1));
    const full = await openEngine(cut, {
      state: {
        ...killable(state).state,
        transaction: () => {
          throw new MillraceError('state-full', 'full', { status: 507, canRetry: true });
        },
      },
    });
    expect(await full.views()).toMatchObject([{ state: 'failed', error: 'full' }]);
    await full.close();
    const after = await open(cut);
    cut.append('access', 0, [{ _time: at(1), n: 10 }], startMs);
    cut.append('access', 0, [{ _time: at(2), n: 20 }], startMs);
    cut.append('access', 0, [{ _time: at(3), n: 30 }], startMs);
    await after.settled();
    expect((await after.query({ view: 'v' })).rows.map(({ values }) => values)).toEqual([[60]]);
    await after.drop('v');
    expect([...state.range(...prefixRange(['at']))]).toEqual([]);
  });

  test('what was filled before it counts as done after it', async () => {
    const log = new MemoryLog();
    log.createStream('access');
    const events = (from: number) =>
      Array.from({ length: 100 }, (_, i) => ({ _time: at(from + i), status: 200 }));
    log.append('access', 0, events(0), startMs);
    const state = createMemoryState();
    const before = await openEngine(log, { state });
    await before.define({ name: 'v', text: '-- every: 1s\nSELECT count(*) AS n FROM access' });
    await before.settled();
    await before.close();
    log.append('access', 0, events(100), startMs);
    let release = (): void => {};
    const isReleased = new Promise<void>(resolve => {
      release = resolve;
    });
    const stuck = Object.assign(Object.create(log) as MemoryLog, {
      read: (...where: Parameters<MemoryLog['read']>) => isReleased.then(() => log.read(...where)),
    });
    const after = await openEngine(stuck, { state });
    engines.push(after);
    const views = await after.views();
    release();
    expect(views).toMatchObject([{ state: 'backfilling', progress: 0.5 }]);
  });
});
