import { afterEach, expect, test, vi } from 'vitest';
import { createMemoryState } from '../../store/state-memory.ts';
import { at, killable, MemoryLog, openEngine, startMs } from '../engine/engine.fixture.ts';
import type { Engine } from '../engine.ts';
import type { WindowRow } from '../view.ts';
import { WindowReader } from './window-rows.ts';

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

const minute = 60_000;
const us = (ms: number): number => (startMs + ms) * 1000;

async function engineOf(log: MemoryLog, text: string, options = {}): Promise<Engine> {
  const engine = await openEngine(log, options);
  engines.push(engine);
  await engine.define({ name: 'v', text });
  await engine.settled();
  return engine;
}

function logOf(events: readonly object[]): MemoryLog {
  const log = new MemoryLog();
  log.createStream('access');
  log.append('access', 0, events, startMs);
  return log;
}

const sum = (rows: readonly WindowRow[], column: number): number =>
  rows.reduce((total, { values }) => total + Number(values[column]), 0);

/** 60 users at the same time with one event each, and three with ten; before and after them two that come alone. */
const crowd = [
  { _time: at(0), user: 'early' },
  ...Array.from({ length: 60 }, (_, i) => ({ _time: at(90 * minute + i), user: `u${i}` })),
  ...Array.from({ length: 30 }, (_, i) => ({
    _time: at(91 * minute + i),
    user: ['a', 'b', 'c'][i % 3],
  })),
  { _time: at(240 * minute), user: 'late' },
];

test('users beyond the default cap are in the overflow row of their pane', async () => {
  const events = Array.from({ length: 15_000 }, (_, i) => ({ _time: at(i), user: `u${i}` }));
  const engine = await engineOf(
    logOf(events),
    '-- session: 30m by user\nSELECT "user", count(*) AS n FROM access GROUP BY "user"',
  );
  const rows: WindowRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await engine.query({ view: 'v', limit: 8000, cursor });
    rows.push(...page.rows);
    cursor = page.next;
  } while (cursor);
  expect(sum(rows, 1)).toBe(events.length);
  expect(new Set(rows.map(({ values }) => values[0])).size).toBe(rows.length);
  expect(rows.filter(({ overflow }) => overflow)).toMatchObject([
    { startUs: us(0), endUs: us(30 * minute), values: [null, events.length - rows.length + 1] },
  ]);
  expect(rows.some(({ incomplete }) => incomplete)).toBe(true);
});

test('only sessions that the overflow group may hold a part of are incomplete', async () => {
  const engine = await engineOf(
    logOf(crowd),
    '-- session: 30m by user\n-- max groups: 20\nSELECT "user", count(*) AS n FROM access GROUP BY "user"',
  );
  const { rows } = await engine.query({ view: 'v' });
  expect(sum(rows, 1)).toBe(crowd.length);
  const alone = rows.filter(({ values }) => values[0] === 'early' || values[0] === 'late');
  expect(alone.map(({ incomplete }) => incomplete)).toEqual([undefined, undefined]);
  const busy = rows.filter(({ values }) => ['a', 'b', 'c'].includes(String(values[0])));
  expect(busy.length).toBeGreaterThan(0);
  expect(busy.every(({ incomplete }) => incomplete)).toBe(true);
});

test('HAVING and ORDER BY … LIMIT leave the overflow row', async () => {
  const engine = await engineOf(
    logOf(crowd),
    `-- session: 30m by user
-- max groups: 20
SELECT "user", count(*) AS n FROM access GROUP BY "user" HAVING count(*) BETWEEN 2 AND 10 ORDER BY n DESC LIMIT 1`,
  );
  const { rows } = await engine.query({ view: 'v' });
  expect(rows.filter(({ overflow }) => overflow)).toHaveLength(1);
  for (const { overflow, values } of rows) if (!overflow) expect('abc').toContain(values[0]);
});

test('an overflow row keeps its window while it grows, late events included', async () => {
  const log = logOf(crowd);
  const engine = await engineOf(
    log,
    '-- session: 30m by user\n-- max groups: 20\nSELECT "user", count(*) AS n FROM access GROUP BY "user"',
  );
  const overflow = async () => (await engine.query({ view: 'v' })).rows.find(row => row.overflow)!;
  const before = await overflow();
  log.append(
    'access',
    0,
    Array.from({ length: 40 }, (_, i) => ({ _time: at(118 * minute - i), user: `w${i}` })),
    startMs,
  );
  await engine.settled();
  const after = await overflow();
  expect(after).toMatchObject({ startUs: before.startUs, endUs: before.endUs });
  expect(after.revision).toBeGreaterThan(before.revision);
  expect(after.values[1]).toBeGreaterThan(Number(before.values[1]));
  expect(sum((await engine.query({ view: 'v' })).rows, 1)).toBe(crowd.length + 40);
});

test('overflow rows and what they say of sessions come back from the store', async () => {
  const text =
    '-- session: 30m by user\n-- max groups: 20\nSELECT "user", count(*) AS n FROM access GROUP BY "user"';
  const log = logOf(crowd);
  const state = createMemoryState();
  const first = await openEngine(log, { state: killable(state).state });
  await first.define({ name: 'v', text });
  await first.settled();
  const { rows } = await first.query({ view: 'v' });
  await first.close();
  const engine = await engineOf(log, text, { state, cellsMax: 1 });
  // Numbers begin higher with each start.
  const shown = (all: WindowRow[]) => all.map(({ revision, ...row }) => row);
  expect(shown((await engine.query({ view: 'v' })).rows)).toEqual(shown(rows));
});

test('a change holds the sessions that any partition has changed', async () => {
  const log = new MemoryLog();
  log.createStream('access', 2);
  // Published seldom, so that both are read before.
  const engine = await engineOf(
    log,
    '-- session: 30m by user\nSELECT "user", count(*) AS n FROM access GROUP BY "user"',
    { publishMs: 1000 },
  );
  const sent: WindowRow[] = [];
  engine.onChange(({ rows }) => sent.push(...rows));
  engine.watch('v', 30 * minute);
  log.append('access', 0, [{ _time: at(1), user: 'a' }], startMs);
  log.append('access', 1, [{ _time: at(2), user: 'b' }], startMs);
  await engine.settled();
  expect(sent.map(({ values }) => values).sort()).toEqual([
    ['a', 1],
    ['b', 1],
  ]);
});

test('a session of more than 10,000 panes is not told as one that begins later', async () => {
  const log = logOf(Array.from({ length: 10_300 }, (_, i) => ({ _time: at(i * 990), user: 'a' })));
  const engine = await engineOf(
    log,
    '-- session: 1s by user\nSELECT "user", count(*) AS n FROM access GROUP BY "user"',
  );
  const sent: (WindowRow[] | 'replaced')[] = [];
  engine.onChange(({ rows, columns }) => sent.push(columns ? 'replaced' : rows));
  engine.watch('v', 1000);
  log.append('access', 0, [{ _time: at(10_300 * 990), user: 'a' }], startMs);
  await engine.settled();
  log.append('access', 0, [{ _time: at(20_000_000), user: 'a' }], startMs);
  await engine.settled();
  expect(sent).toEqual([
    'replaced',
    [expect.objectContaining({ startUs: us(20_000_000), values: ['a', 1] })],
  ]);
  const { rows } = await engine.query({ view: 'v' });
  expect(rows).toMatchObject([{ startUs: us(0), values: ['a', 10_301] }, { values: ['a', 1] }]);
});

test('a page of sessions reads the panes that they reach and no others, whoever is there all the time', async () => {
  const panes = 400;
  const events = Array.from({ length: panes }, (_, i) => [
    { _time: at(i * 30 * minute), user: 'always' },
    { _time: at(i * 30 * minute + 15 * minute), user: 'always' },
    ...[1, 2, 3, 4, 5].map(n => ({ _time: at(i * 30 * minute + n), user: `u${i}-${n}` })),
  ]).flat();
  const engine = await engineOf(
    logOf(events),
    '-- session: 30m by user\n-- keep: forever\nSELECT "user", count(*) AS n FROM access GROUP BY "user"',
  );
  const gathered = vi.spyOn(WindowReader.prototype, 'gathered');
  try {
    let rows = 0;
    let pages = 0;
    for (let fromUs: number | undefined = us(-minute); fromUs !== undefined; pages++) {
      const page = await engine.page({
        view: 'v',
        everyMs: 30 * minute,
        fromUs,
        rowsMax: 1e6,
        windowsMax: 20,
      });
      rows += page.rows.length;
      fromUs = page.nextUs;
    }
    expect(rows).toBe(panes * 5 + 1);
    // Once for the session that lasts all the time, and once with the ends of pages for the others.
    expect(gathered.mock.calls.length).toBeLessThan(2 * panes + 4 * pages);
    gathered.mockClear();
    const { rows: some } = await engine.query({ view: 'v', fromUs: us(minute), limit: 1 });
    expect(some).toMatchObject([{ values: ['u1-1', 1] }]);
    expect(gathered.mock.calls.length).toBeLessThan(6);
  } finally {
    gathered.mockRestore();
  }
});

test('events exactly one gap apart are two sessions, and those a little closer one', async () => {
  for (const first of [0, 7 * minute, 30 * minute]) {
    const log = logOf([
      { _time: at(first), user: 'a' },
      { _time: at(first + 30 * minute), user: 'a' },
      { _time: at(first), user: 'b' },
      { _time: at(first + 30 * minute - 1), user: 'b' },
    ]);
    const engine = await engineOf(
      log,
      '-- session: 30m by user\nSELECT "user", count(*) AS n FROM access GROUP BY "user"',
    );
    const { rows } = await engine.query({ view: 'v' });
    expect(rows.map(({ startUs, values: [user, n] }) => [user, startUs, n]).sort()).toEqual([
      ['a', us(first), 1],
      ['a', us(first + 30 * minute), 1],
      ['b', us(first), 2],
    ]);
  }
});

test('sessions that begin together stand in one order, whichever was seen first', async () => {
  const users = ['c', 'a', 'd', 'b'];
  for (const order of [users, [...users].reverse()]) {
    const engine = await engineOf(
      logOf(order.map(user => ({ _time: at(0), user }))),
      '-- session: 30m by user\nSELECT "user", count(*) AS n FROM access GROUP BY "user"',
    );
    const seen: unknown[] = [];
    for (let cursor: string | undefined, pages = 0; pages < 4; pages++) {
      const page = await engine.query({ view: 'v', limit: 1, cursor });
      seen.push(page.rows[0]!.values[0]);
      cursor = page.next;
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
  }
});

test('a late event in any pane of a session raises its revision', async () => {
  const log = logOf([10, 35, 55, 70].map(minutes => ({ _time: at(minutes * minute), user: 'a' })));
  const engine = await engineOf(
    log,
    '-- session: 30m by user\nSELECT "user", count(*) AS n FROM access GROUP BY "user"',
  );
  const session = async () => (await engine.query({ view: 'v' })).rows;
  let [before] = await session();
  for (const minutes of [71, 36, 11, 37]) {
    log.append('access', 0, [{ _time: at(minutes * minute), user: 'a' }], startMs);
    await engine.settled();
    const rows = await session();
    expect(rows).toMatchObject([{ startUs: us(10 * minute) }]);
    expect(rows[0]!.revision).toBeGreaterThan(before!.revision);
    before = rows[0];
  }
});

test('a change reads the panes of the sessions that it reaches, however many follow', async () => {
  const log = logOf(Array.from({ length: 300 }, (_, i) => ({ _time: at(i * 31 * minute), user: 'a' })));
  const engine = await engineOf(
    log,
    '-- session: 30m by user\n-- keep: forever\nSELECT "user", count(*) AS n FROM access GROUP BY "user"',
  );
  const sent: WindowRow[] = [];
  engine.onChange(({ rows, columns }) => sent.push(...(columns ? [] : rows)));
  engine.watch('v', 30 * minute);
  const gathered = vi.spyOn(WindowReader.prototype, 'gathered');
  try {
    log.append('access', 0, [{ _time: at(10 * 31 * minute + 1), user: 'a' }], startMs);
    await engine.settled();
    expect(sent).toMatchObject([{ startUs: us(10 * 31 * minute), values: ['a', 2] }]);
    expect(gathered.mock.calls.length).toBeLessThan(20);
  } finally {
    gathered.mockRestore();
  }
});
