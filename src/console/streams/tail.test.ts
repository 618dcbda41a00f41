import { expect, test } from 'vitest';
import { type StreamEvent, withNewest } from './tail.ts';

function event(offset: number): StreamEvent {
  return { offset, partition: 0, time: '2026-01-01T00:00:00Z', event: {} };
}

test('the tail is newest first and lets the oldest go', () => {
  const { events, skipped } = withNewest([event(1), event(0)], [event(2), event(3)], 3);
  expect(events.map(it => it.offset)).toEqual([3, 2, 1]);
  expect(skipped).toBe(1);
});
