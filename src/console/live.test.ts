import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LiveMessage } from '../deliver/api.ts';
import { backoffMs, LiveConnection } from './live.ts';

class FakeSource extends EventTarget {
  isClosed = false;
  readonly url: string;
  constructor(url: string) {
    super();
    this.url = url;
  }
  close(): void {
    this.isClosed = true;
  }
  send(type: string, data: unknown, lastEventId = ''): void {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data), lastEventId }));
  }
}

let sources: FakeSource[];
let messages: LiveMessage[];
let live: LiveConnection;
const last = () => sources.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  sources = [];
  messages = [];
  live = new LiveConnection(
    message => messages.push(message),
    url => {
      sources.push(new FakeSource(url));
      return last() as unknown as EventSource;
    },
  );
});

afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

test('one connection carries all subscriptions and the same again changes nothing', () => {
  live.subscribe(['b@1m', 'a@1m'], '2026-01-01T00:00:00Z');
  live.subscribe(['a@1m', 'b@1m'], '2026-01-01T00:00:00Z');
  expect(sources).toHaveLength(1);
  expect(last().url).toBe('/v1/live?s=a%401m&s=b%401m&from=2026-01-01T00%3A00%3A00Z');
  expect(live.state.value).toBe('connecting');
  last().dispatchEvent(new Event('open'));
  expect(live.state.value).toBe('live');
});

test('a broken connection goes on after the last id, later and later', () => {
  live.subscribe(['a@1m'], 'x');
  last().send('change', { subscription: 'a@1m', watermark: null, windows: [] }, '7');
  last().dispatchEvent(new Event('error'));
  expect(live.state.value).toBe('reconnecting');
  expect(sources[0]!.isClosed).toBe(true);
  expect(sources).toHaveLength(1);
  vi.advanceTimersByTime(500);
  expect(sources).toHaveLength(2);
  expect(last().url).toContain('after=7');
  last().dispatchEvent(new Event('error'));
  vi.advanceTimersByTime(499);
  expect(sources).toHaveLength(2);
  vi.advanceTimersByTime(501);
  expect(sources).toHaveLength(3);
});

test('a message named error is a message, not a broken connection', () => {
  live.subscribe(['a@1m'], 'x');
  last().send('error', { subscription: 'a@1m', problem: { title: 'no such view' } });
  expect(live.state.value).toBe('live');
  expect(messages).toMatchObject([{ type: 'error', subscription: 'a@1m' }]);
});

test('a connection that has gone silent counts as broken', () => {
  live.subscribe(['a@1m'], 'x');
  last().dispatchEvent(new Event('open'));
  vi.advanceTimersByTime(20_000);
  expect(live.state.value).toBe('reconnecting');
});

test('what is not JSON is ignored', () => {
  live.subscribe(['a@1m'], 'x');
  last().dispatchEvent(new MessageEvent('change', { data: '{' }));
  expect(messages).toEqual([]);
  expect(live.state.value).toBe('live');
});

test('other subscriptions start without the old id, and stopping closes', () => {
  live.subscribe(['a@1m'], 'x');
  last().send('change', {}, '7');
  live.subscribe(['a@1h'], 'x');
  expect(sources[0]!.isClosed).toBe(true);
  expect(last().url).not.toContain('after');
  live.stop();
  expect(last().isClosed).toBe(true);
  expect(live.state.value).toBe('off');
  vi.advanceTimersByTime(60_000);
  expect(sources).toHaveLength(2);
});

test('the wait doubles up to a bound and is spread', () => {
  expect(backoffMs(0, 1)).toBe(500);
  expect(backoffMs(3, 1)).toBe(4000);
  expect(backoffMs(50, 1)).toBe(15_000);
  expect(backoffMs(3, 0)).toBe(2000);
});
