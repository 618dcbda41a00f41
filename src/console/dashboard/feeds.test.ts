import { beforeEach, describe, expect, test } from 'vitest';
import type { ViewAnswer, ViewWindow } from '../../deliver/api.ts';
import { ApiError, type ViewRequest } from '../api-client.ts';
import type { Span } from '../time-range.ts';
import { Feeds } from './feeds.ts';

const start = Date.UTC(2026, 0, 1);
const span = { fromMs: start, toMs: start + 3_600_000 };

function row(minute: number, status: number, requests: number, revision = 0): ViewWindow {
  return {
    start: new Date(start + minute * 60_000).toISOString(),
    end: new Date(start + (minute + 1) * 60_000).toISOString(),
    revision,
    final: false,
    values: [status, requests],
  };
}

function answerOf(request: ViewRequest, windows: ViewWindow[]): ViewAnswer {
  return {
    view: request.view,
    every: request.every ?? '1m',
    columns: [
      { name: 'status', type: 'BIGINT', role: 'group' },
      { name: 'requests', type: 'BIGINT', role: 'value' },
    ],
    windows,
    watermark: null,
    source: 'view',
  };
}

const settle = () => new Promise(resolve => setTimeout(resolve));

describe('feeds', () => {
  let asked: ViewRequest[];
  let frames: (() => void)[];
  let subscriptions: string[];
  let spans: Span[];
  let nowMs: number;
  let reply: (request: ViewRequest) => Promise<ViewAnswer>;
  let feeds: Feeds;
  const drawFrame = () => {
    for (const run of frames.splice(0)) run();
  };
  const open = (filters: { field: string; value: string; negated: boolean }[] = []) =>
    feeds.setScope({ span, previous: null, filters });

  beforeEach(() => {
    asked = [];
    frames = [];
    subscriptions = [];
    spans = [];
    nowMs = 0;
    reply = async request => answerOf(request, [row(0, 200, 5)]);
    feeds = new Feeds({
      ask: request => {
        asked.push(request);
        return reply(request);
      },
      frame: run => frames.push(run),
      nowMs: () => nowMs,
      onSubscriptions: next => (subscriptions = next),
      onSpan: next => spans.push(next),
    });
  });

  test('panels that ask the same share one question', async () => {
    open();
    const feed = feeds.feed({ kind: 'series', view: 'v' });
    expect(feeds.feed({ kind: 'series', view: 'v' })).toBe(feed);
    const releaseFirst = feeds.retain(feed);
    const releaseSecond = feeds.retain(feed);
    await settle();
    expect(asked).toHaveLength(1);
    expect(feed.state.value).toMatchObject({ phase: 'ready', every: '1m' });
    expect(subscriptions).toEqual(['v@1m']);
    expect(spans).toEqual([{ fromMs: start, toMs: start + 60_000 }]);
    releaseFirst();
    expect(subscriptions).toEqual(['v@1m']);
    releaseSecond();
    expect(subscriptions).toEqual([]);
  });

  test('live changes are merged and shown once a frame', async () => {
    open();
    const feed = feeds.feed({ kind: 'series', view: 'v' });
    feeds.retain(feed);
    await settle();
    const shown = feed.state.value;
    feeds.receive({ type: 'change', subscription: 'v@1m', watermark: null, windows: [row(0, 200, 6, 1)] });
    feeds.receive({ type: 'change', subscription: 'v@1m', watermark: null, windows: [row(1, 200, 1)] });
    feeds.receive({ type: 'change', subscription: 'other@1m', watermark: null, windows: [row(9, 200, 1)] });
    expect(feed.state.value).toBe(shown);
    expect(frames).toHaveLength(1);
    drawFrame();
    expect(feed.state.value.windows.map(it => it.values)).toEqual([
      [200, 6],
      [200, 1],
    ]);
  });

  test('a snapshot stands for all that is held', async () => {
    open();
    const feed = feeds.feed({ kind: 'series', view: 'v' });
    feeds.retain(feed);
    await settle();
    const answer = answerOf({ view: 'v', ...span, where: [] }, [row(2, 404, 1)]);
    feeds.receive({ type: 'snapshot', subscription: 'v@1m', answer });
    drawFrame();
    expect(feed.state.value.windows.map(it => it.values)).toEqual([[404, 1]]);
  });

  test('a snapshot with other columns has the feed asked again', async () => {
    open();
    const feed = feeds.feed({ kind: 'series', view: 'v' });
    feeds.retain(feed);
    await settle();
    const columns: ViewAnswer['columns'] = [{ name: 'total', type: 'BIGINT', role: 'value' }];
    const changed = (request: ViewRequest) => ({
      ...answerOf(request, [{ ...row(2, 0, 0), values: [7] }]),
      columns,
    });
    reply = async request => changed(request);
    const answer = changed({ view: 'v', ...span, where: [] });
    feeds.receive({ type: 'snapshot', subscription: 'v@1m', answer });
    await settle();
    drawFrame();
    expect(asked).toHaveLength(2);
    expect(feed.state.value).toMatchObject({ columns, windows: [{ values: [7] }] });
  });

  test('live changes pass the filters on groups', async () => {
    open([{ field: 'status', value: '404', negated: false }]);
    const feed = feeds.feed({ kind: 'series', view: 'v' });
    feeds.retain(feed);
    reply = async request => answerOf(request, []);
    await settle();
    expect(asked[0]!.where).toEqual(['status=404']);
    const windows = [row(3, 404, 2), row(3, 200, 9)];
    feeds.receive({ type: 'change', subscription: 'v@1m', watermark: null, windows });
    drawFrame();
    expect(feed.state.value.windows.map(it => it.values)).toContainEqual([404, 2]);
    expect(feed.state.value.windows.map(it => it.values)).not.toContainEqual([200, 9]);
  });

  test('with a filter that only history can answer, news is heard and asks again', async () => {
    open([{ field: 'path', value: '/', negated: false }]);
    const feed = feeds.feed({ kind: 'series', view: 'v' });
    feeds.retain(feed);
    await settle();
    expect(subscriptions).toEqual(['v@1m']);
    feeds.receive({ type: 'change', subscription: 'v@1m', watermark: null, windows: [row(0, 200, 99, 9)] });
    drawFrame();
    expect(feed.state.value.windows.map(it => it.values)).toEqual([[200, 5]]);
    feeds.receive({ type: 'status', events: 1, rate: 1, sources: [], problems: [] });
    await settle();
    expect(asked).toHaveLength(2);
  });

  test('totals are asked for again when events arrived, at a bounded pace', async () => {
    open();
    feeds.retain(feeds.feed({ kind: 'total', view: 'v' }));
    await settle();
    const status = (events: number) => {
      feeds.receive({ type: 'status', events, rate: 1, sources: [], problems: [] });
      return settle();
    };
    await status(1);
    expect(asked).toHaveLength(1);
    await status(2);
    expect(asked).toHaveLength(2);
    await status(3);
    expect(asked).toHaveLength(2);
    nowMs = 2000;
    await status(3);
    expect(asked).toHaveLength(3);
    nowMs = 9000;
    await status(3);
    expect(asked).toHaveLength(3);
  });

  test('the old answer stays, marked, while the next is on its way', async () => {
    open();
    const feed = feeds.feed({ kind: 'series', view: 'v' });
    feeds.retain(feed);
    await settle();
    let finish = (_answer: ViewAnswer) => {};
    reply = () => new Promise(resolve => (finish = resolve));
    open([{ field: 'status', value: '404', negated: false }]);
    expect(feed.state.value).toMatchObject({ phase: 'ready', stale: true });
    expect(feed.state.value.windows).toHaveLength(1);
    finish(answerOf({ view: 'v', ...span, where: [] }, []));
    await settle();
    expect(feed.state.value).toMatchObject({ phase: 'ready', stale: false, windows: [] });
  });

  test('an answer that was overtaken is ignored', async () => {
    open();
    const feed = feeds.feed({ kind: 'series', view: 'v' });
    const finish: ((answer: ViewAnswer) => void)[] = [];
    reply = () => new Promise(resolve => finish.push(resolve));
    feeds.retain(feed);
    open();
    finish[1]!(answerOf({ view: 'v', ...span, where: [] }, [row(1, 200, 2)]));
    await settle();
    finish[0]!(answerOf({ view: 'v', ...span, where: [] }, [row(0, 200, 1)]));
    await settle();
    expect(feed.state.value.windows.map(it => it.values)).toEqual([[200, 2]]);
  });

  test('a failure is shown and can be tried again', async () => {
    open();
    const feed = feeds.feed({ kind: 'series', view: 'v' });
    reply = async () => {
      throw new ApiError({ type: '', title: 'Down', status: 503, detail: '', code: 'down' });
    };
    feeds.retain(feed);
    await settle();
    expect(feed.state.value).toMatchObject({ phase: 'failed', error: { problem: { code: 'down' } } });
    reply = async request => answerOf(request, []);
    feeds.retry(feed);
    await settle();
    expect(feed.state.value.phase).toBe('ready');
  });

  test('the span before is not asked for where there is none', async () => {
    open();
    const feed = feeds.feed({ kind: 'total', view: 'v', previous: true });
    feeds.retain(feed);
    await settle();
    expect(asked).toEqual([]);
    expect(feed.state.value.phase).toBe('ready');
  });
});
