import { afterEach, describe, expect, test } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import type { StateStore } from '../../store/state.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import type { Engine } from '../engine.ts';
import { parseSql } from '../plan/plan.fixture.ts';
import { prefixRange } from '../state/state-rows.ts';
import type { ViewChange, ViewSummary } from '../view.ts';
import { at, killable, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

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

function logWith(...events: object[]): MemoryLog {
  const log = new MemoryLog();
  log.createStream('access');
  if (events.length > 0) log.append('access', 0, events, startMs);
  return log;
}

const placeColumns = [
  { name: 'ip', type: 'VARCHAR' },
  { name: 'country', type: 'VARCHAR' },
];
const us = (ms: number): number => (startMs + ms) * 1000;

describe('a tumbling view', () => {
  test('counts, sums and averages by group and window, and leaves out what WHERE does', async () => {
    const log = logWith(
      { _time: at(100), status: 200, bytes: 10, method: 'GET' },
      { _time: at(200), status: 200, bytes: 20, method: 'GET' },
      { _time: at(300), status: 404, bytes: null, method: 'GET' },
      { _time: at(400), status: 200, bytes: 999, method: 'OPTIONS' },
      { _time: at(1500), status: 200, bytes: 5, method: 'GET' },
    );
    const engine = await engineWith(
      log,
      `-- every: 1s, 1m
       SELECT status, count(*) AS n, sum(bytes) AS bytes, avg(bytes) AS mean, min(bytes) AS low, max(bytes) AS high
       FROM access WHERE method <> 'OPTIONS' GROUP BY status`,
    );
    await engine.settled();
    const { rows, columns } = await engine.query({ view: 'v0', everyMs: 1000 });
    expect(columns.map(({ name, role }) => `${name} ${role}`)).toEqual([
      'status group',
      'n value',
      'bytes value',
      'mean value',
      'low value',
      'high value',
    ]);
    expect(rows.map(({ startUs, values }) => [startUs, ...values])).toEqual([
      [us(0), 200, 2, 30, 15, 10, 20],
      [us(0), 404, 1, null, null, null, null],
      [us(1000), 200, 1, 5, 5, 5, 5],
    ]);
    const minutes = await engine.query({ view: 'v0', everyMs: 60_000 });
    expect(minutes.rows.map(({ values }) => values)).toEqual([
      [200, 3, 35, 35 / 3, 5, 20],
      [404, 1, null, null, null, null],
    ]);
    const total = await engine.query({ view: 'v0', everyMs: 'total' });
    expect(total.rows.map(({ values }) => values)).toEqual(minutes.rows.map(({ values }) => values));
  });

  test('estimates distinct values and quantiles', async () => {
    const log = logWith(
      ...Array.from({ length: 1000 }, (_, i) => ({ _time: at(i), ip: `10.0.0.${i % 250}`, bytes: i + 1 })),
    );
    const engine = await engineWith(
      log,
      `-- every: 1s
       SELECT approx_count_distinct(ip) AS ips, count(DISTINCT ip) AS exact, approx_quantile(bytes, [0.5, 0.99]) AS q
       FROM access`,
    );
    await engine.settled();
    const { rows } = await engine.query({ view: 'v0' });
    expect(rows).toHaveLength(1);
    const [ips, exact, quantiles] = rows[0]!.values as [number, number, [number, number]];
    expect(exact).toBe(250);
    expect(Math.abs(ips - 250)).toBeLessThanOrEqual(2);
    expect(Math.abs(quantiles[0] - 500)).toBeLessThan(20);
    expect(Math.abs(quantiles[1] - 990)).toBeLessThan(20);
  });

  test('gives the top of each window by ORDER BY and LIMIT, and drops groups by HAVING', async () => {
    const log = logWith(
      ...[5, 3, 9, 1].flatMap((count, i) =>
        Array.from({ length: count }, () => ({ _time: at(10), path: `/p${i}` })),
      ),
    );
    const engine = await engineWith(
      log,
      '-- every: 1s\nSELECT path, count(*) AS n FROM access GROUP BY path HAVING count(*) > 2 ORDER BY n DESC LIMIT 2',
    );
    await engine.settled();
    const { rows } = await engine.query({ view: 'v0' });
    expect(rows.map(({ values }) => values)).toEqual([
      ['/p2', 9],
      ['/p0', 5],
    ]);
  });

  test('restates a window when a late event comes, with the next revision', async () => {
    const log = logWith({ _time: at(0), status: 200 }, { _time: at(60_000), status: 200 });
    const engine = await engineWith(
      log,
      '-- every: 1s\n-- delay: 0s\n-- lateness: 0s\nSELECT count(*) AS n FROM access',
    );
    await engine.settled();
    const before = (await engine.query({ view: 'v0' })).rows[0]!;
    expect(before).toMatchObject({ values: [1], revision: 1, final: true });
    log.append('access', 0, [{ _time: at(500), status: 200 }], startMs);
    await engine.settled();
    const after = (await engine.query({ view: 'v0' })).rows[0]!;
    expect(after).toMatchObject({ values: [2], revision: 2, final: true });
  });

  test('an event from the year 2099 lands in its window and closes no other', async () => {
    const log = logWith({ _time: at(0) }, { _time: '2099-06-01T00:00:00Z' }, { _time: at(1500) });
    const engine = await engineWith(
      log,
      '-- every: 1s\n-- keep: 1s for 1h\n-- delay: 0s\nSELECT count(*) AS n FROM access',
    );
    await engine.settled();
    const [view] = await engine.views();
    expect(view).toMatchObject({ ahead: 1, expired: 0, watermarkUs: us(1500) });
    const { rows } = await engine.query({ view: 'v0', everyMs: 1000 });
    expect(rows.map(({ startUs, values }) => [startUs, values[0]])).toEqual([
      [us(0), 1],
      [us(1000), 1],
      [Date.parse('2099-06-01T00:00:00Z') * 1000, 1],
    ]);
    log.append('access', 0, [{ _time: at(100) }], startMs);
    await engine.settled();
    expect((await engine.query({ view: 'v0', everyMs: 1000 })).rows[0]!.values).toEqual([2]);
  });

  test('counts and lists events beyond the keep time, and keeps coarser windows that still hold them', async () => {
    const hour = 3_600_000;
    const log = logWith();
    const events = [{ _time: at(10 * hour) }, { _time: at(8 * hour) }, { _time: at(0) }];
    log.append('access', 0, events, startMs + 10 * hour);
    const engine = await engineWith(
      log,
      '-- every: 1m, 1h\n-- keep: 1m for 1h, 1h for 5h\n-- delay: 0s\nSELECT count(*) AS n FROM access',
    );
    await engine.settled();
    const [view] = await engine.views();
    expect(view!.expired).toBe(1);
    expect(view!.recentExpired).toEqual([{ stream: 'access', partition: 0, offset: 2, timeUs: us(0) }]);
    const minutes = await engine.query({ view: 'v0', everyMs: 60_000 });
    expect(minutes.rows.map(({ startUs }) => startUs)).toEqual([us(10 * hour)]);
    const hours = await engine.query({ view: 'v0', everyMs: hour });
    expect(hours.rows.map(({ startUs }) => startUs)).toEqual([us(8 * hour), us(10 * hour)]);
  });

  test('an event is in the finest window that is kept at its time, whatever came before it', async () => {
    const log = logWith();
    const times = [30_500, 5000, 25_000, 20_200, 20_700];
    log.append(
      'access',
      0,
      times.map(ms => ({ _time: at(ms) })),
      startMs + 40_000,
    );
    const engine = await engineWith(
      log,
      '-- every: 1s, 1m\n-- keep: 1s for 10s, 1m for 1d\n-- delay: 0s\nSELECT count(*) AS n FROM access',
    );
    await engine.settled();
    const seconds = await engine.query({ view: 'v0', everyMs: 1000 });
    expect(seconds.rows.map(({ startUs, values }) => [startUs, ...values])).toEqual([
      [us(20_000), 2],
      [us(25_000), 1],
      [us(30_000), 1],
    ]);
    const minutes = await engine.query({ view: 'v0', everyMs: 60_000 });
    expect(minutes.rows.map(({ values }) => values)).toEqual([[5]]);
  });

  test('keeps a window until its end is the keep time ago, to the microsecond', async () => {
    const log = logWith({ _time: at(0) });
    const state = createMemoryState();
    const starts: number[][] = [];
    for (const time of [at(10_999).replace('Z', '999Z'), at(11_000)]) {
      log.append('access', 0, [{ _time: time }], startMs + 20_000);
      for (let life = 0; life < 2; life++) {
        const engine = await openEngine(log, { state });
        engines.push(engine);
        if (starts.length === 0) {
          const text = '-- every: 1s\n-- keep: 10s\n-- delay: 0s\nSELECT count(*) AS n FROM access';
          await engine.define({ name: 'v', text });
        }
        await engine.settled();
        starts.push((await engine.query({ view: 'v' })).rows.map(({ startUs }) => startUs));
        await engine.close();
      }
    }
    const [kept, gone] = [
      [us(0), us(10_000)],
      [us(10_000), us(11_000)],
    ];
    expect(starts).toEqual([kept, kept, gone, gone]);
  });

  test('moves the smallest groups beyond the cap into one overflow row that says so', async () => {
    const events: object[] = [];
    for (let i = 0; i < 50; i++) for (let n = 0; n <= i; n++) events.push({ _time: at(5), key: `k${i}` });
    const log = logWith(...events);
    const engine = await engineWith(
      log,
      '-- every: 1s\n-- max groups: 20\nSELECT key, count(*) AS n FROM access GROUP BY key ORDER BY n DESC',
    );
    await engine.settled();
    const { rows } = await engine.query({ view: 'v0' });
    const overflow = rows.filter(row => row.overflow);
    expect(overflow).toHaveLength(1);
    expect(overflow[0]!.values[0]).toBeNull();
    expect(rows.length).toBeLessThanOrEqual(21);
    expect(rows.reduce((sum, row) => sum + (row.values[1] as number), 0)).toBe(events.length);
    const kept = rows.filter(row => !row.overflow && !row.incomplete);
    for (const { values } of kept) expect(values[1]).toBe(Number(String(values[0]).slice(1)) + 1);
  });

  test('the overflow row takes no place among the first, and no condition on groups hides it', async () => {
    const events: object[] = [];
    for (let i = 0; i < 500; i++) events.push({ _time: at(5), key: `k${i}` });
    for (const key of ['a', 'b', 'c']) for (let n = 0; n < 30; n++) events.push({ _time: at(5), key });
    const engine = await engineWith(
      logWith(...events),
      `-- every: 1s
-- max groups: 20
SELECT key, count(*) AS n FROM access GROUP BY key HAVING count(*) BETWEEN 2 AND 100 ORDER BY n DESC LIMIT 2`,
    );
    await engine.settled();
    const { rows } = await engine.query({ view: 'v0' });
    expect(rows.map(({ values, overflow }) => [values[0], overflow])).toEqual([
      ['a', undefined],
      ['b', undefined],
      [null, true],
    ]);
    expect(rows[2]!.values[1]).toBeGreaterThan(400);
  });

  test('sends changed windows to those who watch, and only those', async () => {
    const log = logWith();
    const engine = await engineWith(
      log,
      '-- every: 1s, 1m\nSELECT status, count(*) AS n FROM access GROUP BY status',
    );
    const seen: ViewChange[] = [];
    engine.onChange(change => seen.push(change));
    const unwatch = engine.watch('v0', 1000);
    log.append(
      'access',
      0,
      [
        { _time: at(0), status: 200 },
        { _time: at(1), status: 404 },
      ],
      startMs,
    );
    await engine.settled();
    log.append('access', 0, [{ _time: at(2), status: 404 }], startMs);
    await engine.settled();
    expect(
      seen.map(({ everyMs, rows }) => [everyMs, rows.map(({ values, revision }) => [...values, revision])]),
    ).toEqual([
      [
        1000,
        [
          [200, 1, 1],
          [404, 1, 1],
        ],
      ],
      [1000, [[404, 2, 2]]],
    ]);
    unwatch();
    log.append('access', 0, [{ _time: at(3), status: 404 }], startMs);
    await engine.settled();
    expect(seen).toHaveLength(2);
  });

  test('sends a window whole where rows of it are told apart by no group', async () => {
    const log = logWith();
    const engine = await engineWith(
      log,
      '-- every: 1s\nSELECT x::DOUBLE / y::DOUBLE AS q, count(*) AS n FROM access GROUP BY q',
    );
    const seen: ViewChange[] = [];
    engine.onChange(change => seen.push(change));
    engine.watch('v0', 1000);
    for (const [x, y] of [
      [1, 1],
      [null, 1],
      [1, 0],
      [1, 1],
    ]) {
      log.append('access', 0, [{ _time: at(0), x, y }], startMs);
      await engine.settled();
    }
    expect(seen.map(({ rows, wholeStartUs }) => [rows.map(({ values }) => values), wholeStartUs])).toEqual([
      [[[1, 1]], undefined],
      [[[null, 1]], undefined],
      // In JSON both are null.
      [
        [
          [null, 1],
          [1, 1],
          [Number.POSITIVE_INFINITY, 1],
        ],
        us(0),
      ],
      [[[1, 2]], undefined],
    ]);
  });

  test('pages rows by cursor without a gap or a repeat', async () => {
    const log = logWith(...Array.from({ length: 60 }, (_, i) => ({ _time: at(i * 100), key: i % 7 })));
    const engine = await engineWith(log, '-- every: 1s\nSELECT key, count(*) AS n FROM access GROUP BY key');
    await engine.settled();
    const whole = (await engine.query({ view: 'v0', everyMs: 1000 })).rows;
    const paged = [];
    let cursor: string | undefined;
    do {
      const page = await engine.query({ view: 'v0', everyMs: 1000, limit: 4, cursor });
      paged.push(...page.rows);
      cursor = page.next;
    } while (cursor);
    expect(paged).toEqual(whole);
    const top = await engine.query({
      view: 'v0',
      everyMs: 1000,
      order: [{ column: 'n', descending: true }],
      limit: 3,
    });
    expect(top.rows).toHaveLength(3);
    expect(top.next).toBeDefined();
    const some = await engine.query({
      view: 'v0',
      everyMs: 'total',
      where: [{ column: 'key', op: 'in', value: [1, 2] }],
    });
    expect(some.rows.map(({ values }) => values[0])).toEqual([1, 2]);
  });
});

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

describe('hopping windows', () => {
  test('an event is in each window that covers it', async () => {
    const log = logWith({ _time: at(90_000), n: 1 }, { _time: at(150_000), n: 10 });
    const engine = await engineWith(log, '-- window: 3m every 1m\nSELECT sum(n) AS n FROM access');
    await engine.settled();
    const { rows } = await engine.query({ view: 'v0' });
    expect(
      rows.map(({ startUs, endUs, values }) => [
        startUs / 1e6 - startMs / 1e3,
        (endUs - startUs) / 1e6,
        values[0],
      ]),
    ).toEqual([
      [-60, 180, 1],
      [0, 180, 11],
      [60, 180, 11],
      [120, 180, 10],
    ]);
  });
});

describe('sessions', () => {
  const view =
    '-- session: 30s by user\nSELECT user, count(*) AS n, max(page) AS page FROM access GROUP BY user';
  const rowsOf = async (engine: Engine, range: { fromUs?: number; toUs?: number } = {}) =>
    (await engine.query({ view: 'v0', ...range })).rows.map(({ startUs, endUs, values }) => [
      (startUs - us(0)) / 1e6,
      (endUs - us(0)) / 1e6,
      ...values,
    ]);

  test('end when their key is quiet for the gap, whatever others do', async () => {
    const log = logWith(
      { _time: at(0), user: 'a', page: 1 },
      { _time: at(20_000), user: 'a', page: 2 },
      { _time: at(25_000), user: 'b', page: 9 },
      { _time: at(49_000), user: 'a', page: 3 },
      { _time: at(79_000), user: 'a', page: 4 },
    );
    const engine = await engineWith(log, view);
    await engine.settled();
    expect(await rowsOf(engine)).toEqual([
      [0, 79, 'a', 3, 3],
      [25, 55, 'b', 1, 9],
      [79, 109, 'a', 1, 4],
    ]);
    expect(await rowsOf(engine, { fromUs: us(20_000) })).toEqual([
      [25, 55, 'b', 1, 9],
      [79, 109, 'a', 1, 4],
    ]);
    expect(await rowsOf(engine, { toUs: us(20_000) })).toEqual([[0, 79, 'a', 3, 3]]);
  });

  test('a late event joins two of them, and the change says so', async () => {
    const log = logWith({ _time: at(0), user: 'a', page: 1 }, { _time: at(50_000), user: 'a', page: 1 });
    const engine = await engineWith(log, view);
    await engine.settled();
    expect(await rowsOf(engine)).toHaveLength(2);
    const seen: ViewChange[] = [];
    engine.onChange(change => seen.push(change));
    engine.watch('v0', 30_000);
    log.append('access', 0, [{ _time: at(25_000), user: 'a', page: 7 }], startMs);
    await engine.settled();
    expect(await rowsOf(engine)).toEqual([[0, 80, 'a', 3, 7]]);
    expect(seen.flatMap(({ rows }) => rows.map(({ startUs, values }) => [startUs, ...values]))).toEqual([
      [us(0), 'a', 3, 7],
    ]);
  });
});

describe('several inputs', () => {
  test('UNION ALL of streams is one view, over all their partitions', async () => {
    const log = new MemoryLog();
    log.createStream('web', 2);
    log.createStream('app');
    log.append('web', 0, [{ _time: at(0), who: 'a', ms: 5 }], startMs);
    log.append('web', 1, [{ _time: at(1), who: 'a', ms: 7 }], startMs);
    log.append(
      'app',
      0,
      [
        { _time: at(2), user: 'a', took: 1 },
        { _time: at(3), user: 'b', took: 2 },
      ],
      startMs,
    );
    const engine = await engineWith(
      log,
      `-- every: 1s
       SELECT who, count(*) AS n, sum(ms) AS ms
       FROM (SELECT who, ms FROM web UNION ALL SELECT "user" AS who, took AS ms FROM app) GROUP BY who`,
    );
    await engine.settled();
    const { rows } = await engine.query({ view: 'v0' });
    expect(rows.map(({ values }) => values)).toEqual([
      ['a', 3, 13],
      ['b', 1, 2],
    ]);
    const { positions } = await engine.status();
    expect(positions.every(({ lag }) => lag === 0)).toBe(true);
    expect(positions).toHaveLength(3);
  });

  test('a view that fails says why and stops no other', async () => {
    const log = logWith({ _time: at(0), ip: 'x' });
    const state = createMemoryState();
    const places = { name: 'places', version: '1', columns: placeColumns, values: [['x'], ['DE']] };
    const first = await openEngine(log, { lookups: [places], state });
    const text = `-- every: 1s
      SELECT p.country AS country, count(*) AS n FROM access a JOIN places p ON a.ip = p.ip GROUP BY p.country`;
    await first.define({ name: 'broken', text });
    await first.settled();
    await first.close();
    log.append('access', 0, [{ _time: at(0), ip: 'x' }], startMs);
    const engine = await openEngine(log, { state });
    engines.push(engine);
    await engine.define({ name: 'fine', text: '-- every: 1s\nSELECT count(*) AS n FROM access' });
    await engine.settled();
    await engine.define({ name: 'over', text: '-- every: 1m\nSELECT sum(n) AS n FROM broken' });
    const [broken, fine, over] = await engine.views();
    expect(broken).toMatchObject({ state: 'failed', error: 'The lookup table "places" is not loaded.' });
    expect(fine).toMatchObject({ state: 'live' });
    expect(over).toMatchObject({
      state: 'failed',
      error: 'The view "broken" under it has failed: The lookup table "places" is not loaded.',
    });
    log.append('access', 0, [{ _time: at(1), ip: 'x' }], startMs);
    await engine.settled();
    expect((await engine.query({ view: 'fine' })).rows[0]!.values).toEqual([3]);
    // When its table is back, it goes on where it stopped.
    await engine.setLookup('places', places);
    await engine.settled();
    expect((await engine.views())[0]).toMatchObject({ state: 'live' });
    expect((await engine.query({ view: 'broken' })).rows[0]!.values).toEqual(['DE', 3]);
  });

  test('a view is joined with a lookup table', async () => {
    const log = logWith({ _time: at(0), ip: 'x' }, { _time: at(1), ip: 'y' }, { _time: at(2), ip: 'x' });
    const places = { name: 'places', version: '1', columns: placeColumns, values: [['x'], ['DE']] };
    const engine = await openEngine(log, { lookups: [places] });
    engines.push(engine);
    const text = `-- every: 1s
      SELECT p.country AS country, count(*) AS n FROM access a LEFT JOIN places p ON a.ip = p.ip GROUP BY p.country`;
    await engine.define({ name: 'v', text });
    await engine.settled();
    expect((await engine.query({ view: 'v' })).rows.map(({ values }) => values)).toEqual([
      [null, 1],
      ['DE', 2],
    ]);
  });

  test('a changed lookup table counts for events read afterwards, and what each was joined with is remembered', async () => {
    const log = logWith({ _time: at(0), ip: 'x' });
    const state = createMemoryState();
    const places = { name: 'places', version: '1', columns: placeColumns, values: [['x'], ['DE']] };
    const engine = await openEngine(log, { lookups: [places], state });
    engines.push(engine);
    const text = `-- every: 1s
      SELECT p.country AS country, count(*) AS n FROM access a JOIN places p ON a.ip = p.ip GROUP BY p.country`;
    await engine.define({ name: 'v', text });
    await engine.settled();
    await engine.setLookup('places', { ...places, version: '2', values: [['x'], ['NL']] });
    log.append('access', 0, [{ _time: at(1), ip: 'x' }], startMs);
    await engine.settled();
    // A table without a column that the view reads is none for it: the content before goes on.
    await engine.setLookup('places', {
      ...places,
      version: '3',
      columns: placeColumns.slice(0, 1),
      values: [['x']],
    });
    log.append('access', 0, [{ _time: at(2), ip: 'x' }], startMs);
    await engine.settled();
    expect((await engine.query({ view: 'v' })).rows.map(({ values }) => values)).toEqual([
      ['DE', 1],
      ['NL', 2],
    ]);
    const uses = [
      { source: 0, partition: 0, table: 'places', version: '1', from: 0 },
      { source: 0, partition: 0, table: 'places', version: '2', from: 1 },
    ];
    expect((await engine.plan('v')).lookups).toEqual(uses);
    await engine.close();
    const again = await openEngine(log, {
      lookups: [{ ...places, version: '4', values: [['x'], ['FR']] }],
      state,
    });
    engines.push(again);
    await again.settled();
    expect((await again.plan('v')).lookups).toEqual([
      ...uses,
      { source: 0, partition: 0, table: 'places', version: '4', from: 3 },
    ]);
  });
});

describe('memory', () => {
  test('a flood of keys stays within the caps and loses no event', async () => {
    const log = logWith();
    const state = createMemoryState();
    const engine = await openEngine(log, { state, cellsMax: 2000 });
    engines.push(engine);
    const text = '-- every: 1s, 1m\n-- max groups: 500\nSELECT key, count(*) AS n FROM access GROUP BY key';
    await engine.define({ name: 'v', text });
    for (let batch = 0; batch < 40; batch++) {
      const keys = Array.from({ length: 1000 }, (_, i) => `key-${batch}-${i}`);
      const events = keys.map((key, i) => ({
        _time: at(batch * 300 + (i % 300)),
        key: i % 10 === 0 ? 'steady' : key,
      }));
      log.append('access', 0, events, startMs);
      await engine.settled();
    }
    const { rows } = await engine.query({ view: 'v', everyMs: 60_000 });
    expect(rows.length).toBeLessThanOrEqual(501);
    expect(rows.reduce((sum, row) => sum + (row.values[1] as number), 0)).toBe(40_000);
    expect(rows.find(({ values }) => values[0] === 'steady')!.values[1]).toBe(4000);
    const [view] = await engine.views();
    expect(view!.memoryBytes).toBeLessThan(16 * 1024 * 1024);
  });
});
