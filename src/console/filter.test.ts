import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ViewColumn } from '../process/view.ts';
import { filterText, isOnGroups, parseFilter, passes, withFilter } from './filter.ts';

const columns: ViewColumn[] = [
  { name: 'status', type: 'BIGINT', role: 'group' },
  { name: 'requests', type: 'BIGINT', role: 'value' },
];

test('a filter survives its text, whatever the value', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z_]{1,12}$/), fc.string(), fc.boolean(), (field, value, negated) => {
      expect(parseFilter(filterText({ field, value, negated }))).toEqual({ field, value, negated });
    }),
    { seed: 1 },
  );
});

test('what is no filter is refused', () => {
  expect(parseFilter('status')).toBeUndefined();
  expect(parseFilter('=200')).toBeUndefined();
  expect(parseFilter('path=/a=b')).toEqual({ field: 'path', value: '/a=b', negated: false });
});

test('the opposite of a filter takes its place', () => {
  const is = { field: 'status', value: '404', negated: false };
  expect(withFilter([is], { ...is, negated: true })).toEqual([{ ...is, negated: true }]);
});

test('live rows are judged by their group values, and NULL passes nothing, as in SQL', () => {
  const is = { field: 'status', value: '404', negated: false };
  const not = { ...is, negated: true };
  expect(passes([is], columns, [404, 3])).toBe(true);
  expect(passes([not], columns, [404, 3])).toBe(false);
  expect(passes([not], columns, [200, 3])).toBe(true);
  expect(passes([not], columns, [null, 3])).toBe(false);
});

test('only filters on group columns can be judged here', () => {
  expect(isOnGroups([{ field: 'status', value: '1', negated: false }], columns)).toBe(true);
  expect(isOnGroups([{ field: 'requests', value: '1', negated: false }], columns)).toBe(false);
});
