import { expect, test } from 'vitest';
import { groupByReason, splitAt } from './rejected.ts';
import type { StreamEvent } from './tail.ts';

function event(offset: number, fields: Record<string, unknown> = {}): StreamEvent {
  return { offset, partition: 0, time: '2026-01-01T00:00:00Z', event: fields };
}

test('rejected events are grouped by reason, the most frequent first', () => {
  const page = [
    event(3, { reason: 'a' }),
    event(2, { reason: 'b', line: 7 }),
    event(1, { reason: 'b', line: 5 }),
  ];
  expect(groupByReason(page).map(group => [group.reason, group.events.map(it => it.line)])).toEqual([
    ['b', [7, 5]],
    ['a', [undefined]],
  ]);
});

test('a raw line is cut at a byte, not at a character', () => {
  expect(splitAt('한글 x', 7)).toEqual(['한글 ', 'x']);
  expect(splitAt('a\ufeffb', 1)).toEqual(['a', '\ufeffb']);
  expect(splitAt('abc', undefined)).toEqual(['abc', '']);
  expect(splitAt('abc', 99)).toEqual(['abc', '']);
});
