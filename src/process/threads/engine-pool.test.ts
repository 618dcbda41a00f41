import { afterEach, describe, expect, test } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import type { StateStore } from '../../store/state.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import { at, killable, MemoryLog, openEngine, startMs } from '../engine/engine.fixture.ts';
import type { Engine } from '../engine.ts';
import { readRecords } from '../state/view-record.ts';
import type { ViewChange } from '../view.ts';
import { openEnginePool } from './engine-pool.ts';
import { connectEngine } from './engine-thread.ts';
import { serveEngine } from './engine-worker.ts';

const open: Engine[] = [];
afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close();
});

function logOf(...events: object[]): MemoryLog {
  const log = new MemoryLog();
  log.createStream('access');
  log.append('access', 0, events, startMs);
  return log;
}

const tablesOf = async (sql: string): Promise<string[]> =>
  [...sql.matchAll(/\bFROM "?([\w@]+)"?/gi)].map(match => match[1]!);

/** A pool whose engines stay in this thread, each behind a port and with a state that outlives it. */
async function poolOver(log: MemoryLog, states = new Map<number, StateStore>(), tables = tablesOf) {
  const started: number[] = [];
  const start = (index: number): Engine => {
    started.push(index);
    const state = states.get(index) ?? createMemoryState();
    states.set(index, state);
    const { port1, port2 } = new MessageChannel();
    const wrap = (port: MessagePort) => port as unknown as Parameters<typeof connectEngine>[0];
    const engine = openEngine(log, { state });
    void engine.then(opened => serveEngine(wrap(port2), opened));
    return connectEngine(wrap(port1));
  };
  const pool = await openEnginePool({
    start,
    existing: [...states.keys()],
    size: 2,
    tables,
  });
  open.push(pool);
  return { pool, states, started };
}

const counting = (name: string, where = '') => ({
  name,
  text: `-- every: 1s\nSELECT count(*) AS n FROM access ${where}`,
});

describe('several engines as one', () => {
  test('a view over another is where that is, also when it comes to read it later', async () => {
    const { pool } = await poolOver(logOf({ _time: at(0) }, { _time: at(1) }));
    await pool.define(counting('v0'));
    await pool.define(counting('v1'));
    await pool.define({ name: 'over', text: '-- every: 1m\nSELECT max(n) AS n FROM "v1@1s"' });
    await pool.settled();
    const peak = async (view: string) =>
      (await pool.query({ view, everyMs: 60_000 })).rows.map(({ values }) => values);
    expect(await peak('over')).toEqual([[2]]);
    await pool.define({ name: 'v0', text: '-- every: 1m\nSELECT max(n) * 10 AS n FROM v1' });
    await pool.settled();
    expect(await peak('v0')).toEqual([[20]]);
    expect((await pool.views()).map(({ name }) => name).sort()).toEqual(['over', 'v0', 'v1']);
  });

  test('views of several engines that are read together are moved together, with what reads them', async () => {
    const log = logOf({ _time: at(0) }, { _time: at(1) });
    const { pool, states } = await poolOver(log);
    for (const name of ['v0', 'v1', 'v2', 'v3']) await pool.define(counting(name));
    await pool.define({ name: 'over1', text: '-- every: 1m\nSELECT max(n) AS n FROM v1' });
    const both = (a: string, b: string) =>
      `-- every: 1m\nSELECT sum(n) AS n FROM (SELECT n FROM ${a} UNION ALL SELECT n FROM ${b})`;
    await pool.define({ name: 'both', text: both('v0', 'v1') });
    const values = async (from: Engine, view: string) =>
      (await from.query({ view, everyMs: 60_000 })).rows.map(row => row.values);
    await pool.settled();
    expect(await values(pool, 'both')).toEqual([[4]]);
    expect(await values(pool, 'over1')).toEqual([[2]]);
    // A view that others read comes to read one that is elsewhere.
    await pool.define({ name: 'v1', text: '-- every: 1s\nSELECT max(n) * 10 AS n FROM v3' });
    await pool.settled();
    expect(await values(pool, 'both')).toEqual([[22]]);
    expect(await values(pool, 'over1')).toEqual([[20]]);
    await pool.close();
    open.splice(0);
    const { pool: again } = await poolOver(log, states);
    await again.settled();
    expect(await values(again, 'both')).toEqual([[22]]);
    expect((await again.views()).map(({ name }) => name).sort()).toEqual([
      'both',
      'over1',
      'v0',
      'v1',
      'v2',
      'v3',
    ]);
  });

  test('a view that comes to read another leaves alone what it read before, and is itself left alone where it is refused', async () => {
    const log = logOf({ _time: at(0) });
    const { pool, states } = await poolOver(log);
    for (const name of ['v0', 'v1']) await pool.define(counting(name));
    const over = (name: string, result: string) => ({
      name: 'over',
      text: `-- every: 1m\nSELECT ${result} AS n FROM ${name}`,
    });
    await pool.define(over('v0', 'max(n)'));
    await pool.settled();
    const namesAt = async (index: number) => {
      const engine = await openEngine(log, { state: killable(states.get(index)!).state });
      const names = (await engine.views()).map(({ name }) => name);
      await engine.close();
      return names.sort();
    };
    await expect(pool.define(over('v1', 'nothing(n)'))).rejects.toMatchObject({ status: 400 });
    const values = async () =>
      (await pool.query({ view: 'over', everyMs: 60_000 })).rows.map(row => row.values);
    expect(await values()).toEqual([[1]]);
    await pool.define(over('v1', 'max(n) * 10'));
    await pool.settled();
    expect(await values()).toEqual([[10]]);
    await pool.close();
    open.splice(0);
    expect([await namesAt(0), await namesAt(1)]).toEqual([['v0'], ['over', 'v1']]);
  });

  test('what cannot be moved stays where it is, and so does what is over it', async () => {
    const log = logOf({ _time: at(0), ip: 'x' });
    const { pool } = await poolOver(log);
    const columns = [{ name: 'ip', type: 'VARCHAR' }];
    await pool.setLookup('places', { name: 'places', version: '1', columns, values: [['x']] });
    await pool.define(counting('v0'));
    await pool.define({
      name: 'joined',
      text: '-- every: 1s\nSELECT count(*) AS n FROM access a JOIN places p ON a.ip = p.ip',
    });
    await pool.define({ name: 'over', text: '-- every: 1m\nSELECT max(n) AS n FROM joined' });
    await pool.settled();
    // It goes on with the rows that it has, but would be refused now.
    await pool.setLookup('places', undefined);
    const both = 'SELECT n FROM v0 UNION ALL SELECT n FROM joined';
    await expect(
      pool.define({ name: 'both', text: `-- every: 1m\nSELECT sum(n) AS n FROM (${both})` }),
    ).rejects.toMatchObject({ code: 'view-refused' });
    expect((await pool.views()).map(({ name, state }) => `${name} ${state}`).sort()).toEqual([
      'joined live',
      'over live',
      'v0 live',
    ]);
    const { rows } = await pool.query({ view: 'over', everyMs: 60_000 });
    expect(rows.map(row => row.values)).toEqual([[1]]);
  });

  test('a view that was being moved when the process died is in one engine after the next start', async () => {
    const log = logOf({ _time: at(0) });
    const states = new Map([0, 1].map(index => [index, createMemoryState() as StateStore]));
    for (const state of states.values()) {
      const engine = await openEngine(log, { state });
      await engine.define(counting('v'));
      await engine.close();
    }
    const { pool } = await poolOver(log, states);
    expect((await pool.views()).map(({ name }) => name)).toEqual(['v']);
    await pool.drop('v');
    await pool.close();
    open.splice(0);
    for (const state of states.values()) expect(readRecords(state)).toEqual([]);
  });

  test('a view of which it cannot be told now what it reads is not placed by guess', async () => {
    let isBusy = true;
    const log = logOf({ _time: at(0) });
    const { pool } = await poolOver(log, new Map(), async sql => {
      if (isBusy) throw new MillraceError('query-overloaded', 'busy', { status: 429, canRetry: true });
      return tablesOf(sql);
    });
    await pool.define(counting('v0'));
    const over = { name: 'over', text: '-- every: 1m\nSELECT max(n) AS n FROM v0' };
    await expect(pool.define(over)).rejects.toMatchObject({ code: 'query-overloaded' });
    isBusy = false;
    await pool.define(over);
    await pool.settled();
    const { rows } = await pool.query({ view: 'over', everyMs: 60_000 });
    expect(rows.map(row => row.values)).toEqual([[1]]);
  });

  test('views are shared out, and each is found where it is', async () => {
    const { pool, states, started } = await poolOver(logOf({ _time: at(0), a: 1 }, { _time: at(1), a: 2 }));
    expect(started).toEqual([0]);
    await pool.define(counting('v0'));
    await pool.define(counting('v1', 'WHERE a = 1'));
    await pool.define(counting('v2', 'WHERE a = 2'));
    expect(started).toEqual([0, 1]);
    await pool.settled();
    expect((await pool.views()).map(({ name }) => name).sort()).toEqual(['v0', 'v1', 'v2']);
    const counts = await Promise.all(
      ['v0', 'v1', 'v2'].map(async view => (await pool.query({ view, everyMs: 'total' })).rows[0]!.values),
    );
    expect(counts).toEqual([[2], [1], [1]]);
    expect((await pool.status()).positions).toEqual([{ stream: 'access', partition: 0, offset: 2, lag: 0 }]);
    expect(states.size).toBe(2);
  });

  test('a view stays where it was first defined, over changes and restarts', async () => {
    const log = logOf({ _time: at(0) });
    const { pool, states } = await poolOver(log);
    for (const name of ['v0', 'v1', 'v2', 'v3']) await pool.define(counting(name));
    await pool.drop('v0');
    await pool.drop('v2');
    await pool.close();
    open.splice(0);
    const { pool: again, started } = await poolOver(log, states);
    expect(started.sort()).toEqual([0, 1]);
    await again.define(counting('v1', 'WHERE false'));
    await again.define(counting('v4'));
    await again.settled();
    expect((await again.views()).map(({ name }) => name).sort()).toEqual(['v1', 'v3', 'v4']);
    await expect(again.query({ view: 'v0' })).rejects.toMatchObject({ code: 'unknown-view', status: 404 });
    expect((await again.query({ view: 'v1', everyMs: 'total' })).rows).toEqual([]);
  });

  test('a refused view leaves nothing behind', async () => {
    const { pool } = await poolOver(logOf());
    await expect(pool.define({ name: 'bad', text: 'SELECT nothing(1) FROM access' })).rejects.toMatchObject({
      status: 400,
    });
    await expect(pool.query({ view: 'bad' })).rejects.toMatchObject({ code: 'unknown-view' });
    await pool.define(counting('bad'));
    expect(await pool.views()).toHaveLength(1);
  });

  test('changes of all engines come numbered as one sequence, also of views watched before they were defined', async () => {
    const log = logOf();
    const { pool } = await poolOver(log);
    const changes: ViewChange[] = [];
    pool.onChange(change => changes.push(change));
    const stops = ['v0', 'v1'].map(name => pool.watch(name, 1000));
    await pool.define(counting('v0'));
    await pool.define(counting('v1'));
    log.append('access', 0, [{ _time: at(0) }], startMs);
    await pool.settled();
    await expect.poll(() => new Set(changes.map(({ view }) => view)).size).toBe(2);
    expect(changes.map(({ id }) => id)).toEqual(changes.map((_, i) => i + 1));
    expect(new Set(changes.map(({ epoch }) => epoch)).size).toBe(1);
    const before = changes.length;
    for (const stop of stops) stop();
    // The engines have heard of it once they have answered.
    await pool.views();
    log.append('access', 0, [{ _time: at(1) }], startMs);
    await pool.settled();
    expect(changes).toHaveLength(before);
  });
});
