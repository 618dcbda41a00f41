import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ViewWindow } from '../../deliver/api.ts';
import type { ViewColumn } from '../../process/view.ts';
import { rowsMax, WindowSet } from './window-set.ts';

const columns: ViewColumn[] = [
  { name: 'status', type: 'BIGINT', role: 'group' },
  { name: 'requests', type: 'BIGINT', role: 'value' },
];

function row(minute: number, status: number | null, requests: number, revision = 0): ViewWindow {
  const start = Date.UTC(2026, 0, 1) + minute * 60_000;
  return {
    start: new Date(start).toISOString(),
    end: new Date(start + 60_000).toISOString(),
    revision,
    final: false,
    values: [status, requests],
  };
}

test('a change replaces the row with the same start and group and adds the others', () => {
  const set = new WindowSet(columns, [row(0, 200, 5), row(0, 404, 1), row(0, null, 2)]);
  expect(set.apply([row(0, 200, 6, 1), row(1, 200, 1)])).toBe(true);
  expect(set.list().map(it => it.values)).toEqual([
    [200, 6],
    [404, 1],
    [null, 2],
    [200, 1],
  ]);
});

test('the groups beyond the cap are one row beside the group without a value', () => {
  const others: ViewWindow = { ...row(0, null, 40), overflow: true };
  const set = new WindowSet(columns, [row(0, null, 2), others]);
  set.apply([{ ...others, revision: 1, values: [null, 41] }]);
  expect(set.list().map(it => [it.values[1], it.overflow])).toEqual([
    [2, undefined],
    [41, true],
  ]);
});

test('of sessions the groups beyond the cap are a row for each time, which replaces no other', () => {
  const others = (minute: number, count: number): ViewWindow => ({
    ...row(minute, null, count, count),
    overflow: true,
  });
  const set = new WindowSet(columns, [others(0, 40), others(1, 50), row(0, null, 2)]);
  set.apply([others(1, 51)], [], true);
  expect(set.list().map(it => [it.values[1], it.overflow])).toEqual([
    [40, true],
    [51, true],
    [2, undefined],
  ]);
});

test('a message that comes late does not undo a restatement', () => {
  const set = new WindowSet(columns, [row(0, 200, 9, 3)]);
  expect(set.apply([row(0, 200, 5, 2)])).toBe(false);
  expect(set.list()[0]!.values).toEqual([200, 9]);
});

test('changes in any order and any number of times give the same set', () => {
  const change = fc
    .tuple(fc.nat(3), fc.constantFrom(200, 404), fc.nat(5))
    .map(([minute, status, revision]) => row(minute, status, revision * 10, revision));
  const sorted = (set: WindowSet) =>
    set
      .list()
      .map(it => JSON.stringify(it))
      .sort();
  const applied = (changes: ViewWindow[]): WindowSet => {
    const set = new WindowSet(columns);
    set.apply(changes);
    return set;
  };
  fc.assert(
    fc.property(fc.array(change), fc.infiniteStream(fc.nat()), (changes, random) => {
      const shuffled = [...changes, ...changes]
        .map(it => ({ it, key: random.next().value as number }))
        .sort((a, b) => a.key - b.key)
        .map(({ it }) => it);
      expect(sorted(applied(shuffled))).toEqual(sorted(applied(changes)));
    }),
    { seed: 2 },
  );
});

test('windows that have left the range are let go', () => {
  const set = new WindowSet(columns, [row(0, 200, 1), row(1, 200, 1), row(2, 200, 1)]);
  expect(set.prune(Date.UTC(2026, 0, 1) + 60_000)).toBe(true);
  expect(set.size).toBe(2);
  expect(set.prune(0)).toBe(false);
});

test('beyond the bound the oldest windows go', () => {
  const set = new WindowSet(
    columns,
    Array.from({ length: rowsMax + 2 }, (_, minute) => row(minute, 200, 1)),
  );
  expect(set.size).toBe(rowsMax);
  expect(set.list()[0]!.start).toBe(row(2, 200, 1).start);
});

test('a window sent whole loses the rows that are not in it, and no other window does', () => {
  const set = new WindowSet(columns, [row(0, 200, 5), row(0, 404, 1), row(1, 404, 2)]);
  expect(set.apply([row(0, 200, 6, 1)], [row(0, 200, 0).start])).toBe(true);
  expect(set.list().map(it => it.values)).toEqual([
    [404, 2],
    [200, 6],
  ]);
  expect(set.apply([], [row(1, 200, 0).start])).toBe(true);
  expect(set.list().map(it => it.values)).toEqual([[200, 6]]);
});

test('a session that has grown together takes the place of those that it overlaps', () => {
  const session = (from: number, to: number, status: number, requests: number): ViewWindow => ({
    ...row(from, status, requests),
    end: row(to, status, 0).start,
  });
  const set = new WindowSet(columns, [session(0, 5, 1, 3), session(7, 9, 1, 2), session(7, 9, 2, 1)]);
  expect(set.apply([session(0, 9, 1, 6)], [], true)).toBe(true);
  expect(
    set
      .list()
      .map(it => it.values)
      .sort(),
  ).toEqual([
    [1, 6],
    [2, 1],
  ]);
  expect(set.apply([{ ...session(0, 12, 1, 7), gone: true }], [], true)).toBe(true);
  expect(set.list().map(it => it.values)).toEqual([[2, 1]]);
});

test('rows of a snapshot and of a window told whole are all held, also those that look the same', () => {
  const set = new WindowSet(columns, [row(0, 200, 1), row(0, 200, 1), row(1, 200, 3)]);
  const counts = (): unknown[] => set.list().map(it => it.values[1]);
  expect(counts()).toEqual([1, 1, 3]);
  expect(set.apply([row(0, 200, 2, 1), row(0, 200, 1, 1), row(0, 200, 1, 1)], [row(0, 200, 0).start])).toBe(
    true,
  );
  expect(counts().sort()).toEqual([1, 1, 2, 3]);
  expect(set.size).toBe(4);
  set.replace([row(1, 200, 3), row(1, 200, 4)]);
  expect(counts()).toEqual([3, 4]);
  expect(set.prune(Date.UTC(2026, 0, 1) + 120_000)).toBe(true);
  expect(set.size).toBe(0);
});

test('all rows of a session take the place of those of its key, whatever other groups they have', () => {
  const grouped: ViewColumn[] = [{ name: 'who', type: 'VARCHAR', role: 'group' }, ...columns];
  const session = (from: number, to: number, who: string, status: number, requests: number): ViewWindow => ({
    ...row(from, status, requests, requests),
    end: row(to, status, 0).start,
    values: [who, status, requests],
  });
  const set = new WindowSet(grouped, [
    session(0, 5, 'a', 1, 3),
    session(0, 5, 'a', 1, 2),
    session(7, 9, 'a', 2, 1),
    session(7, 9, 'b', 2, 1),
  ]);
  const held = (): unknown[] =>
    set
      .list()
      .map(it => it.values)
      .sort();
  set.apply([session(0, 9, 'a', 1, 4), session(0, 9, 'a', 1, 5), session(0, 9, 'a', 2, 6)], [], true, [
    'who',
  ]);
  const grown = [
    ['a', 1, 4],
    ['a', 1, 5],
    ['a', 2, 6],
    ['b', 2, 1],
  ];
  expect(held()).toEqual(grown);
  expect(set.apply([session(0, 8, 'a', 1, 1)], [], true, ['who'])).toBe(false);
  expect(held()).toEqual(grown);
});

test('sessions less than a millisecond apart leave each other alone', () => {
  const at = (from: string, to: string, requests: number): ViewWindow => ({
    ...row(0, 1, requests),
    start: `2026-01-01T00:00:${from}Z`,
    end: `2026-01-01T00:00:${to}Z`,
  });
  const set = new WindowSet(columns, [at('00.000', '10.000', 1)]);
  set.apply([at('10.000500', '20.000', 2)], [], true, ['status']);
  expect(set.size).toBe(2);
});
