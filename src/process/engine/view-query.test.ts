// Queries and pages over windows that are given, mostly without an engine: what is kept, ordered, cut and gone on with.
import { expect, test } from 'vitest';
import { planOf } from '../plan/plan.fixture.ts';
import type { ViewQuery, ViewValue, WindowRow } from '../view.ts';
import { at, MemoryLog, openEngine, startMs } from './engine.fixture.ts';
import { pageOf } from './view-page.ts';
import { likeMatcher, type QueriedView, type QueriedWindows, queryView } from './view-query.ts';

const secondUs = 1e6;
const minuteUs = 60 * secondUs;
const text = '-- every: 1s, 1m\n-- keep: for ever\nSELECT k, count(*) AS n FROM s GROUP BY k';
const plan = await planOf(text, {}, 'v');

type Rows = readonly [k: ViewValue, n: number][];

/** Windows of a second and those of a minute, by their start in seconds. */
function windows(seconds: Record<number, Rows>, minutes: Record<number, Rows> = {}): QueriedWindows {
  const levels = [seconds, minutes];
  const sizes = [secondUs, minuteUs];
  const rowsOf = (index: number, startUs: number): WindowRow[] =>
    levels[index]![startUs / secondUs]!.map(values => ({
      startUs,
      endUs: startUs + sizes[index]!,
      revision: 1,
      final: false,
      values: [...values],
    }));
  return {
    starts: (index, fromUs, toUs) =>
      Object.keys(levels[index]!)
        .map(second => Number(second) * secondUs)
        .filter(startUs => startUs >= fromUs && startUs < toUs),
    window: (index, startUs) => ({ rows: rowsOf(index, startUs) }) as never,
    // For tests: which windows, and the span that they are said to have.
    total: (chosen, low, high) =>
      ({
        rows: [
          {
            startUs: low,
            endUs: high,
            revision: 1,
            final: true,
            values: [
              chosen.map(({ index, startUs }) => `${index}:${startUs / secondUs}`).join(' '),
              chosen.length,
            ],
          },
        ],
      }) as never,
  };
}

const view = (cutUs = Number.NEGATIVE_INFINITY): QueriedView => ({
  plan,
  columns: plan.outputs.map(({ column }) => column),
  watermarkUs: null,
  cutUs: () => cutUs,
});

function all(reader: QueriedWindows, query: Omit<ViewQuery, 'view'>): ViewValue[][] {
  const found: ViewValue[][] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 100; pages++) {
    const answer = queryView(view(), reader, {
      view: 'v',
      ...query,
      ...(cursor === undefined ? {} : { cursor }),
    });
    expect(answer.rows.length).toBeGreaterThan(0);
    expect(answer.rows.length).toBeLessThanOrEqual(query.limit ?? 10_000);
    found.push(...answer.rows.map(({ values }) => values));
    cursor = answer.next;
    if (cursor === undefined) return found;
  }
  throw new Error('There is no end of pages.');
}

const some = windows({
  0: [
    ['a', 1],
    [null, 2],
    ['b', 3],
  ],
  1: [
    ['b', 4],
    ['a', 5],
  ],
  2: [['7', 6]],
  3: [[7, 7]],
});
const ns = (rows: ViewValue[][]): ViewValue[] => rows.map(([, n]) => n!);

test('pages of any size give every row once, in the order of windows and in one of their own', () => {
  for (let limit = 1; limit <= 8; limit++) {
    expect(ns(all(some, { everyMs: 1000, limit }))).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(ns(all(some, { everyMs: 1000, limit, fromUs: secondUs, toUs: 3 * secondUs }))).toEqual([4, 5, 6]);
    const order = [{ column: 'k', descending: true }];
    expect(ns(all(some, { everyMs: 1000, limit, order }))).toEqual([3, 4, 1, 5, 6, 7, 2]);
    expect(ns(all(some, { everyMs: 1000, limit, order: [{ column: 'start', descending: true }] }))).toEqual([
      7, 6, 4, 5, 1, 2, 3,
    ]);
    const where: ViewQuery['where'] = [{ column: 'k', op: '!=', value: 'a' }];
    expect(ns(all(some, { everyMs: 1000, limit, where }))).toEqual([2, 3, 4, 6, 7]);
    expect(ns(all(some, { everyMs: 1000, limit, where, order }))).toEqual([3, 4, 6, 7, 2]);
  }
});

test('a page ends behind 32 Mi characters of texts, and the next one begins there', () => {
  const long = 'x'.repeat(20 * 1024 * 1024);
  const large = windows({ 0: [1, 2, 3].map(n => [long, n]), 1: [[long, 4]] });
  for (const order of [[], [{ column: 'n', descending: false }]]) {
    const first = queryView(view(), large, { view: 'v', everyMs: 1000, order });
    expect(ns(first.rows.map(({ values }) => values))).toEqual([1, 2]);
    expect(ns(all(large, { everyMs: 1000, order }))).toEqual([1, 2, 3, 4]);
  }
});

test('conditions are on what is shown, where NULL equals NULL alone', () => {
  const found = (op: '=' | '!=' | 'in' | 'like', value: unknown): ViewValue[] =>
    ns(
      queryView(view(), some, {
        view: 'v',
        everyMs: 1000,
        where: [{ column: 'k', op, value } as never],
      }).rows.map(({ values }) => values),
    );
  expect(found('=', 'a')).toEqual([1, 5]);
  expect(found('=', 7)).toEqual([6, 7]);
  expect(found('=', null)).toEqual([2]);
  expect(found('=', 'null')).toEqual([]);
  expect(found('!=', null)).toEqual([1, 3, 4, 5, 6, 7]);
  expect(found('in', ['b', null])).toEqual([2, 3, 4]);
  expect(found('like', '%')).toEqual([1, 3, 4, 5, 6, 7]);
  expect(() => found('in', 'a')).toThrow(/list/);
});

test.each([
  [{ limit: 0 }, /limit is 0/],
  [{ limit: 100_001 }, /limit is 100001/],
  [{ fromUs: 2, toUs: 1 }, /ends before/],
  [{ everyMs: 5000 }, /no resolution of 5s/],
  [{ cursor: 'x' }, /cursor/],
  [{ cursor: Buffer.from('{"skip":-1}').toString('base64url') }, /cursor/],
  [{ cursor: Buffer.from('{"skip":0,"startUs":"x"}').toString('base64url') }, /cursor/],
  [{ order: [{ column: 'x', descending: false }] }, /no column "x"/],
  [{ where: [{ column: 'n', op: '=', value: 1 }] }, /no group column/],
  [{ where: [{ column: 'k', op: '<', value: 1 }] }, /no condition/],
])('refused: %j', (query, message) => {
  expect(() => queryView(view(), some, { view: 'v', ...query } as never)).toThrow(
    expect.objectContaining({ code: 'bad-query', message: expect.stringMatching(message) }),
  );
  expect(queryView(view(), some, { view: 'v', limit: 100_000, fromUs: 1, toUs: 1 }).rows).toEqual([]);
});

test('without a resolution it is the finest that hides nothing and has at most 2,000 windows', () => {
  const every = (reader: QueriedWindows): unknown =>
    queryView(view(), reader, { view: 'v', limit: 1 }).everyMs;
  const many = (count: number, from = 0): Record<number, Rows> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [from + i, [['a', 1]] as Rows]));
  expect(every(windows(many(2000), many(1)))).toBe(1000);
  expect(every(windows(many(2001), many(1)))).toBe(60_000);
  expect(every(windows(many(1, 59), many(1)))).toBe(1000);
  expect(every(windows(many(1, 60), many(1)))).toBe(60_000);
  expect(every(windows({}, many(1)))).toBe(60_000);
});

test('a total is made of whole minutes, of seconds at its ends, and of minutes where seconds are no longer kept', () => {
  const seconds = Object.fromEntries([10, 59, 60, 100, 119, 120, 150].map(s => [s, [['a', 1]] as Rows]));
  const minutes = Object.fromEntries([0, 60, 120].map(s => [s, [['a', 1]] as Rows]));
  const reader = windows(seconds, minutes);
  const total = (from: number, to: number, cutUs?: number): unknown => {
    const range = { fromUs: from * secondUs, toUs: to * secondUs };
    const { rows } = queryView(view(cutUs), reader, { view: 'v', everyMs: 'total', ...range });
    const [row] = rows;
    return row && [row.values[0], row.startUs / secondUs, row.endUs / secondUs];
  };
  expect(total(0, 180)).toEqual(['1:0 1:60 1:120', 0, 180]);
  expect(total(30, 130)).toEqual(['0:59 1:60 0:120', 59, 121]);
  expect(total(100, 119)).toEqual(['0:100', 100, 101]);
  expect(total(59.5, 60)).toEqual(['0:59', 59, 60]);
  expect(total(30, 130, 60 * secondUs)).toEqual(['1:0 1:60 0:120', 0, 121]);
  expect(total(70, 130, 60 * secondUs)).toEqual(['0:100 0:119 0:120', 100, 121]);
  expect(total(100, 119, 70 * secondUs)).toEqual(['0:100', 100, 101]);
  expect(total(200, 300)).toBeUndefined();
});

test('a page has whole windows, as many as are asked for or until it has so many rows', () => {
  const page = (windowsMax: number, rowsMax: number, cutUs?: number) => {
    const { rows, ...rest } = pageOf(view(cutUs), some, { view: 'v', everyMs: 1000, windowsMax, rowsMax });
    return { ns: ns(rows.map(({ values }) => values)), ...rest };
  };
  const known = { keptFromUs: null, lastUs: 3 * secondUs };
  expect(page(1, 100)).toEqual({ ns: [1, 2, 3], ...known, nextUs: secondUs });
  expect(page(2, 100)).toEqual({ ns: [1, 2, 3, 4, 5], ...known, nextUs: 2 * secondUs });
  expect(page(100, 1)).toEqual({ ns: [1, 2, 3], ...known, nextUs: secondUs });
  expect(page(100, 3)).toEqual({ ns: [1, 2, 3], ...known, nextUs: secondUs });
  expect(page(100, 4)).toEqual({ ns: [1, 2, 3, 4, 5], ...known, nextUs: 2 * secondUs });
  expect(page(100, 100, 5)).toEqual({ ns: [1, 2, 3, 4, 5, 6, 7], ...known, keptFromUs: 5 });
});

test('LIKE is what the regular expression of the pattern says', () => {
  const patterns = ['', 'a', '_', '%', 'a%', '%a', 'a%a', '%a%', '_%b', '%ab%ab%', 'a%b%a', '%_', 'ab%ba'];
  const texts = [
    '',
    'a',
    'b',
    'ab',
    'aa',
    'aba',
    'abab',
    'aab',
    'bab',
    'abba',
    'babab',
    'aabab',
    '\u{1f600}',
  ];
  for (const pattern of patterns) {
    const regular = new RegExp(`^${pattern.replaceAll('%', '.*').replaceAll('_', '.')}$`, 'su');
    const matches = likeMatcher(pattern);
    for (const one of texts)
      expect({ pattern, one, is: matches(one) }).toEqual({ pattern, one, is: regular.test(one) });
  }
});

test('where the first column of an order has NULL twice the second one decides', () => {
  const reader = windows({
    0: [
      [null, 2],
      ['a', 9],
      [null, 1],
      [null, 3],
    ],
  });
  const order = [
    { column: 'k', descending: false },
    { column: 'n', descending: false },
  ];
  expect(ns(all(reader, { everyMs: 1000, order }))).toEqual([9, 1, 2, 3]);
});

test('windows that overlap have no total', async () => {
  const hopping = await planOf('-- window: 1m every 1s\nSELECT k, count(*) AS n FROM s GROUP BY k', {}, 'v');
  const ask = () => queryView({ ...view(), plan: hopping }, some, { view: 'v', everyMs: 'total' });
  expect(ask).toThrow(/no total/);
});

test('sessions are asked for by conditions, in an order and in pages as windows are', async () => {
  const log = new MemoryLog();
  log.createStream('s');
  const users = ['a', 'b', 'c', 'a', 'b', 'c', 'a'];
  // Two users begin in each of the seconds.
  log.append(
    's',
    0,
    users.map((k, i) => ({ _time: at(Math.floor(i / 2) * 60_000), k })),
    startMs,
  );
  const engine = await openEngine(log);
  try {
    await engine.define({
      name: 'v',
      text: '-- session: 5s by k\nSELECT k, count(*) AS n FROM s GROUP BY k',
    });
    await engine.settled();
    const ask = async (query: Omit<ViewQuery, 'view'>): Promise<ViewValue[]> => {
      const found: ViewValue[] = [];
      let cursor: string | undefined;
      do {
        const answer = await engine.query({
          view: 'v',
          ...query,
          ...(cursor === undefined ? {} : { cursor }),
        });
        found.push(
          ...answer.rows.map(({ startUs, values }) => `${values[0]}${startUs / minuteUs - startMs / 60_000}`),
        );
        cursor = answer.next;
      } while (cursor !== undefined);
      return found;
    };
    const where: ViewQuery['where'] = [{ column: 'k', op: 'in', value: ['a', 'c'] }];
    for (let limit = 1; limit < 9; limit++) {
      expect(await ask({ limit })).toEqual(['a0', 'b0', 'a1', 'c1', 'b2', 'c2', 'a3']);
      expect(await ask({ limit, where })).toEqual(['a0', 'a1', 'c1', 'c2', 'a3']);
      const order = [{ column: 'k', descending: true }];
      expect(await ask({ limit, where, order })).toEqual(['c1', 'c2', 'a0', 'a1', 'a3']);
    }
    expect(await ask({ everyMs: 5000, limit: 9 })).toHaveLength(7);
    await expect(ask({ everyMs: 1000 })).rejects.toThrow(/gap of 5s/);
  } finally {
    await engine.close();
  }
});
