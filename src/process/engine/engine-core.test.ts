import { afterEach, describe, expect, test } from 'vitest';
import { createMemoryState } from '../../store/state-memory.ts';
import type { Engine } from '../engine.ts';
import type { ViewChange } from '../view.ts';
import { at, logWith, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

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
