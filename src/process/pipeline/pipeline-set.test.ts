import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rejectedStream } from '../../collect/rejected.ts';
import { pipelineLimits } from '../pipeline.ts';
import { crash, Deadly, PipelineHarness } from './pipeline.fixture.ts';
import { keptMs } from './pipeline-set.ts';

let harness: PipelineHarness;

beforeEach(() => {
  harness = new PipelineHarness();
});

afterEach(() => harness.set.close());

const minute = 60_000;
const at = (ms: number): string => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
const summary = async (name: string) => (await harness.set.list()).find(one => one.name === name)!;

describe('what is returned', () => {
  test('an object, an array and emitted events go to the output in order, undefined goes nowhere', async () => {
    await harness.append('clicks', [{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process(event, context) {
          if (event.n === 0) return undefined;
          if (event.n === 1) return { one: event.n };
          if (event.n === 2) return [{ many: 1 }, { many: 2 }];
          context.emit({ emitted: true });
          return { returned: true };
        },
      },
    });
    await harness.settled();
    const events = (await harness.events('out')).map(({ _time, ...rest }) => rest);
    expect(events).toEqual([{ one: 1 }, { many: 1 }, { many: 2 }, { emitted: true }, { returned: true }]);
  });

  test('an event without a time of its own gets that of the event it was made from', async () => {
    await harness.append('clicks', [{ _time: at(5), n: 1 }]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process: () => [{}, { a: 1 }, { ts: 1_700_000_000 }, { _time: at(9) }, { time: new Date(0) }],
      },
    });
    await harness.settled();
    expect(await harness.events('out')).toEqual([
      { _time: at(5) },
      { _time: at(5), a: 1 },
      { ts: 1_700_000_000 },
      { _time: at(9) },
      { time: '1970-01-01T00:00:00.000Z' },
    ]);
  });

  test('promises are awaited before the next event is taken', async () => {
    await harness.append('clicks', [{ n: 1 }, { n: 2 }]);
    const order: string[] = [];
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        async process(event) {
          order.push(`begin ${event.n}`);
          await new Promise(resolve => setImmediate(resolve));
          order.push(`end ${event.n}`);
          return { n: event.n };
        },
      },
    });
    await harness.settled();
    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
    expect((await harness.events('out')).map(event => event.n)).toEqual([1, 2]);
  });

  test('side outputs go to the streams declared, and to no other', async () => {
    await harness.append('clicks', [{ n: 1 }]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        sides: ['late'],
        process(_event, context) {
          context.emitTo('late', { side: true });
          return { main: true };
        },
      },
      q: { from: 'clicks', to: 'other', process: (_event, context) => context.emitTo('late', {}) },
    });
    await harness.settled();
    expect(await harness.events('late')).toMatchObject([{ side: true }]);
    expect(await harness.events('out')).toMatchObject([{ main: true }]);
    expect(await harness.events(rejectedStream)).toMatchObject([
      { source: 'pipeline:q', reason: expect.stringContaining("Declare it: sides: ['late']") },
    ]);
  });

  test('pipelines feed each other', async () => {
    await harness.define({
      b: { from: 'middle', to: 'end', process: event => ({ n: event.n + 1 }) },
      a: { from: 'clicks', to: 'middle', process: event => ({ n: event.n * 10 }) },
    });
    expect((await summary('a')).state).toBe('waiting');
    await harness.append('clicks', [{ n: 1 }, { n: 2 }]);
    harness.clock.advance(1000);
    await harness.settled();
    harness.clock.advance(1000);
    await harness.settled();
    expect((await harness.events('end')).map(event => event.n)).toEqual([11, 21]);
  });
});

describe('a function that fails', () => {
  test('sends its event to _rejected with bytes, place and stack after three tries, and the stream goes on', async () => {
    const text = '{"n":2,  "big":12345678901234567890}\n';
    await harness.append('clicks', [{ n: 1 }]);
    await harness.log.append('clicks', 0, { bytes: Buffer.from(text), count: 1 });
    await harness.append('clicks', [{ n: 3 }]);
    const attempts: number[] = [];
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process(event, context) {
          if (event.n !== 2) return { n: event.n };
          attempts.push(context.attempt);
          throw new TypeError('no such thing');
        },
      },
    });
    await harness.settled();
    expect(attempts).toEqual([1, 2, 3]);
    expect((await harness.events('out')).map(event => event.n)).toEqual([1, 3]);
    const [rejected, ...more] = await harness.events(rejectedStream);
    expect(more).toEqual([]);
    expect(rejected).toMatchObject({
      stream: 'clicks',
      source: 'pipeline:p',
      partition: 0,
      offset: 2,
      reason: 'TypeError: no such thing',
      raw: text.trimEnd(),
    });
    expect(rejected!.stack).toContain('TypeError: no such thing');
    expect(await summary('p')).toMatchObject({ failures: 3, retries: 2, rejected: 1, eventsIn: 3 });
  });

  test('leaves nothing of a failed try behind', async () => {
    await harness.append('clicks', [{ n: 1 }]);
    const seen: unknown[] = [];
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        sides: ['side'],
        process(event, context) {
          seen.push([context.state.get('total'), event.n, context.timers.get('t')]);
          const total = (context.state.get('total') ?? 0) + 1;
          context.state.set('total', total);
          context.timers.set('t', context.timeMs + minute);
          context.emitTo('side', { total });
          event.n = 'changed';
          if (context.attempt < 3) throw new Error('again');
          return { total };
        },
      },
    });
    await harness.settled();
    expect(seen).toEqual([
      [undefined, 1, undefined],
      [undefined, 1, undefined],
      [undefined, 1, undefined],
    ]);
    expect(await harness.events('side')).toMatchObject([{ total: 1 }]);
    expect(harness.keys('p')).toEqual({ '': { total: 1 } });
    expect(await harness.events(rejectedStream)).toEqual([]);
  });

  test('a context is dead after its call', async () => {
    await harness.append('clicks', [{}]);
    let late: unknown;
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process(_event, context) {
          setImmediate(() => {
            try {
              context.state.set('x', 1);
            } catch (thrown) {
              late = thrown;
            }
          });
        },
      },
    });
    await harness.settled();
    await harness.settled();
    expect(late).toMatchObject({ code: 'call-over' });
    expect(harness.keys('p')).toEqual({});
  });

  test.each([
    ['an array within an array', () => [[{}]], 'an array within an array'],
    ['a number', () => 5, 'a number'],
    ['a BigInt within', () => ({ n: 1n }), 'BigInt'],
    [
      'a circle',
      () => {
        const a: Record<string, unknown> = {};
        a.a = a;
        return a;
      },
      'circular',
    ],
  ])('%s cannot be emitted', async (_name, process, reason) => {
    await harness.append('clicks', [{}]);
    await harness.define({ p: { from: 'clicks', to: 'out', process: process as never } });
    await harness.settled();
    expect(await harness.events(rejectedStream)).toMatchObject([{ reason: expect.stringContaining(reason) }]);
  });

  test('a key that is none rejects its event', async () => {
    await harness.append('clicks', [{ user: 'a' }, {}, { user: 'b'.repeat(600) }]);
    await harness.define({
      p: { from: 'clicks', to: 'out', key: event => event.user, process: (_event, { key }) => ({ key }) },
    });
    await harness.settled();
    expect(await harness.events('out')).toMatchObject([{ key: 'a' }]);
    expect((await harness.events(rejectedStream)).map(({ offset, reason }) => [offset, reason])).toEqual([
      [1, expect.stringContaining('The key is undefined.')],
      [2, expect.stringContaining('more than 512 bytes')],
    ]);
  });

  test('an event that takes the thread down three times is rejected, its neighbours are not', async () => {
    await harness.append('clicks', [{ n: 1 }, { n: 2 }, { n: 3 }]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process(event, context) {
          context.state.set('count', (context.state.get('count') ?? 0) + 1);
          if (event.n === 2) throw new Deadly('it took longer than 5000 ms');
          return { n: event.n };
        },
      },
    });
    await harness.settled();
    expect((await harness.events('out')).map(event => event.n)).toEqual([1, 3]);
    expect(await harness.events(rejectedStream)).toMatchObject([
      { offset: 1, reason: 'it took longer than 5000 ms', raw: '{"n":2}' },
    ]);
    expect(harness.keys('p')).toEqual({ '': { count: 2 } });
    expect(await summary('p')).toMatchObject({ restarts: 4, failures: 3, retries: 2, rejected: 1 });
  });

  test('a timer that fails is rejected with its key', async () => {
    await harness.append('clicks', [
      { _time: at(0), user: 'a' },
      { _time: at(minute), user: 'b' },
    ]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        key: event => event.user,
        process(_event, context) {
          context.timers.set('t', context.timeMs + 1000);
        },
        onTimer() {
          throw new Error('broken');
        },
      },
    });
    await harness.settled();
    expect(await harness.events(rejectedStream)).toMatchObject([
      { reason: 'Error: broken', raw: expect.stringContaining('"key":"a"') },
    ]);
    expect(harness.timers()).toHaveLength(1);
  });
});

describe('state', () => {
  test('is kept by key and partition', async () => {
    await harness.append('clicks', [{ user: 'a' }, { user: 'b' }, { user: 'a' }], 0, 2);
    await harness.append('clicks', [{ user: 'a' }], 1);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        key: event => event.user,
        process(event, { state }) {
          const count = (state.get('count') ?? 0) + 1;
          state.set('count', count);
          return { user: event.user, count };
        },
      },
    });
    await harness.settled();
    expect(harness.keys('p', 0)).toEqual({ a: { count: 2 }, b: { count: 1 } });
    expect(harness.keys('p', 1)).toEqual({ a: { count: 1 } });
    expect((await harness.events('out', 1)).map(({ count }) => count)).toEqual([1]);
  });

  test('what get returns is a copy', async () => {
    await harness.append('clicks', [{}, {}]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process(_event, { state }) {
          const list = state.get('list') ?? [];
          list.push(1);
          if (list.length === 1) state.set('list', list);
          list.push(2);
          return { seen: state.get('list') };
        },
      },
    });
    await harness.settled();
    expect((await harness.events('out')).map(({ seen }) => seen)).toEqual([[1], [1]]);
  });

  test('delete removes, and a key without anything leaves no row', async () => {
    await harness.append('clicks', [{ set: true }, { set: false }]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process(event, { state }) {
          if (event.set) state.set('x', null);
          else state.delete('x');
          return { has: state.get('x') !== undefined };
        },
      },
    });
    await harness.settled();
    expect((await harness.events('out')).map(({ has }) => has)).toEqual([true, false]);
    expect(harness.keys('p')).toEqual({});
  });

  test.each([
    ['a value too large', 'x', 'y'.repeat(pipelineLimits.valueBytesMax), 'bytes, where 65536 are kept'],
    ['no JSON', 'x', () => 1, 'a function cannot be kept'],
    ['a name too long', 'n'.repeat(101), 1, '1 to 100 bytes'],
  ])('%s is refused', async (_name, name, value, reason) => {
    await harness.append('clicks', [{}]);
    await harness.define({
      p: { from: 'clicks', to: 'out', process: (_event, { state }) => state.set(name, value) as undefined },
    });
    await harness.settled();
    expect(await harness.events(rejectedStream)).toMatchObject([{ reason: expect.stringContaining(reason) }]);
  });

  test('more values than a key keeps are refused', async () => {
    await harness.append('clicks', [{}]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process(_event, { state }) {
          for (let i = 0; i <= pipelineLimits.valuesPerKeyMax; i++) state.set(`v${i}`, i);
        },
      },
    });
    await harness.settled();
    expect(await harness.events(rejectedStream)).toMatchObject([
      { reason: expect.stringContaining('a key keeps 64 values') },
    ]);
    expect(harness.keys('p')).toEqual({});
  });
});

describe('timers', () => {
  test('of event time fire in order when the watermark passes, whatever the order of events', async () => {
    const minutes = [0, 3, 1, 2, 8, 5, 20];
    await harness.append(
      'clicks',
      minutes.map(m => ({ _time: at(m * minute), m })),
    );
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        delay: '2m',
        key: event => event.m,
        process(event, { timers, timeMs }) {
          timers.set('end', timeMs + minute);
          return { m: event.m };
        },
        onTimer: (timer, { key, watermarkMs }) => ({
          fired: Number(key),
          isDue: watermarkMs! >= timer.timeMs,
        }),
      },
    });
    await harness.settled();
    const out = await harness.events('out');
    expect(out.map(({ m, fired }) => m ?? -1 - Number(fired))).toEqual(expectedOrder(minutes));
    expect(out.filter(({ fired }) => fired !== undefined).every(({ isDue }) => isDue)).toBe(true);
    expect(out.find(({ fired }) => fired === 0)!._time).toBe(at(minute));
  });

  /** By hand: after each event, every timer that the highest time less two minutes has reached, in order of time. */
  function expectedOrder(minutes: number[]): number[] {
    const order: number[] = [];
    const timers: number[] = [];
    let high = 0;
    for (const m of minutes) {
      order.push(m);
      timers.push(m);
      high = Math.max(high, m);
      for (const timer of timers.toSorted((a, b) => a - b)) {
        if (timer + 1 > high - 2) continue;
        order.push(-1 - timer);
        timers.splice(timers.indexOf(timer), 1);
      }
    }
    return order;
  }

  test('an event far ahead of its append time moves no watermark', async () => {
    await harness.append('clicks', [{ _time: at(0) }, { _time: '2199-01-01T00:00:00Z' }]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process(_event, { timers, offset, timeMs }) {
          if (offset === 0) timers.set('t', timeMs + minute);
        },
        onTimer: () => ({ fired: true }),
      },
    });
    await harness.settled();
    expect(await harness.events('out')).toEqual([]);
  });

  test('setting a timer again moves it, deleting removes it', async () => {
    await harness.append('clicks', [
      { _time: at(0), do: 'set', name: 'a', at: 2 },
      { _time: at(0), do: 'set', name: 'b', at: 2 },
      { _time: at(1), do: 'set', name: 'a', at: 5 },
      { _time: at(1), do: 'delete', name: 'b' },
      { _time: at(4) },
      { _time: at(6) },
    ]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process(event, { timers, timeMs }) {
          if (event.do === 'set') timers.set(event.name, Date.UTC(2026, 0, 1) + event.at);
          if (event.do === 'delete') timers.delete(event.name);
          return { ms: timeMs - Date.UTC(2026, 0, 1), b: timers.get('b') !== undefined };
        },
        onTimer: timer => ({ fired: timer.name, ms: timer.timeMs - Date.UTC(2026, 0, 1) }),
      },
    });
    await harness.settled();
    const fired = (await harness.events('out')).filter(event => event.fired);
    expect(fired).toMatchObject([{ fired: 'a', ms: 5 }]);
    expect(harness.timers()).toEqual([]);
  });

  test('of the wall clock fire when it has come', async () => {
    await harness.append('clicks', [{ user: 'a' }, { user: 'b' }]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        key: event => event.user,
        process(_event, { timers, nowMs, key }) {
          timers.set('wait', nowMs + (key === 'a' ? 60_000 : 30_000), 'wall');
        },
        onTimer: (timer, { key, nowMs }) => ({ key, lateMs: nowMs - timer.timeMs, clock: timer.clock }),
      },
    });
    await harness.settled();
    harness.clock.advance(29_999);
    await harness.settled();
    expect(await harness.events('out')).toEqual([]);
    harness.clock.advance(1);
    await harness.settled();
    expect(await harness.events('out')).toMatchObject([{ key: 'b', lateMs: 0, clock: 'wall' }]);
    harness.clock.advance(40_000);
    await harness.settled();
    expect((await harness.events('out')).map(({ key, lateMs }) => [key, lateMs])).toEqual([
      ['b', 0],
      ['a', 10_000],
    ]);
  });

  test('of event time fire by the wall clock once the partition is idle', async () => {
    await harness.append('clicks', [{ _time: at(0) }]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process(_event, { timers, timeMs }) {
          timers.set('end', timeMs + 30_000);
        },
        onTimer: () => ({ ended: true }),
      },
    });
    await harness.settled();
    harness.clock.advance(39_999);
    await harness.settled();
    expect(await harness.events('out')).toEqual([]);
    harness.clock.advance(1);
    await harness.settled();
    expect(await harness.events('out')).toEqual([{ _time: at(30_000), ended: true }]);
  });

  test('a timer may set the next one, but not for its own moment', async () => {
    await harness.append('clicks', [{ _time: at(0) }, { _time: at(10) }]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process(_event, { timers, offset, timeMs }) {
          if (offset === 0) timers.set('tick', timeMs + 1);
        },
        onTimer(timer, { timers }) {
          const tick = timer.timeMs - Date.UTC(2026, 0, 1);
          timers.set('tick', timer.timeMs + (tick < 3 ? 1 : 0));
          return { tick };
        },
      },
    });
    await harness.settled();
    expect((await harness.events('out')).map(({ tick }) => tick)).toEqual([1, 2]);
    expect(await harness.events(rejectedStream)).toMatchObject([
      { reason: expect.stringContaining('not later than the one that fires') },
    ]);
  });

  test('more than one batch of them fires in order, before the next event', async () => {
    const keys = Array.from({ length: 2500 }, (_, i) => ({ _time: at(i % 7), key: `k${(i * 7919) % 2500}` }));
    await harness.append('clicks', [
      ...keys,
      { _time: at(minute), key: 'last' },
      { _time: at(minute), key: 'after' },
    ]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        key: event => event.key,
        process(_event, { timers, timeMs, key }) {
          timers.set('t', timeMs + 1000);
          return key === 'after' || key === 'last' ? { key } : undefined;
        },
        onTimer: (timer, { key }) => ({ key, at: timer.timeMs }),
      },
    });
    await harness.settled();
    const out = await harness.events('out');
    expect(out).toHaveLength(2502);
    expect(out[0]).toMatchObject({ key: 'last' });
    expect(out[2501]).toMatchObject({ key: 'after' });
    const fired = out.slice(1, -1).map(({ at, key }) => `${at} ${key}`);
    expect(fired).toEqual(fired.toSorted());
  });
});

describe('across changes', () => {
  const counting = (label: string, more: object = {}) => ({
    from: 'clicks',
    to: 'out',
    process(
      _event: object,
      { state }: { state: { get(name: string): unknown; set(name: string, value: unknown): void } },
    ) {
      const count = Number(state.get('count') ?? 0) + 1;
      state.set('count', count);
      return { label, count };
    },
    ...more,
  });
  const out = async () => (await harness.events('out')).map(({ label, count }) => `${label}${count}`);

  test('a changed file takes over with the state as it is', async () => {
    await harness.append('clicks', [{}, {}]);
    await harness.define({ p: counting('a') });
    await harness.settled();
    await harness.define({ p: counting('b') });
    await harness.append('clicks', [{}]);
    await harness.settled();
    expect(await out()).toEqual(['a1', 'a2', 'b3']);
  });

  test('a broken change leaves the old version running and says why', async () => {
    await harness.define({ p: counting('a') });
    await harness.append('clicks', [{}]);
    harness.clock.advance(1000);
    await harness.settled();
    const errors = await harness.define({
      p: () => {
        throw new Error('pipelines/p.ts:7:3: Unexpected token');
      },
    });
    expect(errors[0]).toContain('pipelines/p.ts:7:3: Unexpected token');
    await harness.append('clicks', [{}]);
    await harness.settled();
    expect(await out()).toEqual(['a1', 'a2']);
    expect(await summary('p')).toMatchObject({ state: 'running', error: expect.stringContaining('7:3') });
    await harness.define({ p: counting('c') });
    await harness.append('clicks', [{}]);
    await harness.settled();
    expect(await out()).toEqual(['a1', 'a2', 'c3']);
    expect((await summary('p')).error).toBeUndefined();
  });

  test('another version begins anew', async () => {
    await harness.append('clicks', [{}, {}]);
    await harness.define({ p: counting('a') });
    await harness.settled();
    await harness.define({ p: counting('b', { version: 2 }) });
    await harness.settled();
    expect(await out()).toEqual(['a1', 'a2', 'b1', 'b2']);
  });

  test('start: now leaves out what was there before', async () => {
    await harness.append('clicks', [{}, {}]);
    await harness.define({ p: counting('a', { start: 'now' }) });
    await harness.settled();
    await harness.append('clicks', [{}]);
    await harness.settled();
    await harness.restart();
    await harness.settled();
    expect(await out()).toEqual(['a1']);
  });

  test('a removed file stops the pipeline; it goes on where it stood when it comes back', async () => {
    await harness.append('clicks', [{}]);
    await harness.define({ p: counting('a') });
    await harness.settled();
    await harness.define({});
    await harness.append('clicks', [{}]);
    await harness.settled();
    expect(await out()).toEqual(['a1']);
    expect(await harness.set.list()).toEqual([]);
    await harness.define({ p: counting('a') });
    await harness.settled();
    expect(await out()).toEqual(['a1', 'a2']);
  });

  test('the state of a removed file is freed after a week', async () => {
    await harness.append('clicks', [{}]);
    await harness.define({ p: counting('a') });
    await harness.settled();
    await harness.define({});
    harness.clock.advance(keptMs);
    await harness.define({});
    expect(harness.keys('p')).not.toEqual({});
    harness.clock.advance(1);
    await harness.define({});
    expect(harness.keys('p')).toEqual({});
    expect(harness.state.sizeBytes()).toBe(0);
  });

  test('output committed before a crash is appended even when the file is gone', async () => {
    await harness.append('clicks', [{}]);
    harness.failpoint = name => name === 'before-append' && crash();
    await harness.define({ p: counting('a') });
    await new Promise(resolve => setTimeout(resolve, 20));
    harness.failpoint = undefined;
    expect(await out()).toEqual([]);
    harness.definitions = {};
    await harness.restart();
    expect(await out()).toEqual(['a1']);
    expect(harness.state.sizeBytes()).toBeGreaterThan(0);
  });
});

describe('refused', () => {
  const one = (from: string, to: string, more: object = {}) => ({
    from,
    to,
    process: () => undefined,
    ...more,
  });

  test('a pipeline that feeds itself, with the circle', async () => {
    const errors = await harness.define({ p: one('a', 'a') });
    expect(errors[0]).toContain('pipelines/p.ts:3:16: its output comes back to it: a → (p) → a.');
    expect(await summary('p')).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('a → (p) → a'),
    });
  });

  test('pipelines that feed each other in a circle, over side outputs too; the others run', async () => {
    const errors = await harness.define({
      p: one('a', 'b'),
      q: one('b', 'c', { sides: ['d'] }),
      r: one('d', 'a'),
      s: one('d', 'z'),
    });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('d → (r) → a → (p) → b → (q) → d');
    expect((await summary('s')).state).toBe('waiting');
  });

  test('a circle that a change of both files opens again is none', async () => {
    await harness.define({ p: one('a', 'b'), q: one('c', 'd') });
    expect(await harness.define({ p: one('d', 'c2'), q: one('b2', 'd') })).toEqual([]);
    expect(await harness.define({ p: one('d', 'b2'), q: one('x', 'y') })).toEqual([]);
  });

  test('an output with the name of a view', async () => {
    const errors = await harness.define({ p: one('a', 'hits') }, ['hits']);
    expect(errors[0]).toContain('there is a view named "hits"');
  });

  test.each([
    ['an unknown option', { form: 'a' }, 'there is no option "form". The options are from, to,'],
    ['no from', { from: undefined }, '"from" is missing. Name a stream'],
    ['no process', { process: undefined }, '"process" is missing.'],
    ['a stream that cannot be named so', { from: 'a b' }, 'from: "a b" cannot name a stream.'],
    ['an output named twice', { sides: ['b'] }, 'the output "b" is named twice.'],
    ['a stream of the system', { to: '_rejected' }, 'streams such as "_rejected" are the system\'s own.'],
    ['reading _rejected', { from: '_rejected' }, 'a pipeline cannot read _rejected'],
    ['a key that is no function', { key: 'user' }, 'key is no function.'],
    ['a delay that is none', { delay: 'soon' }, 'delay: "soon" is not a duration.'],
    ['a timeout beyond a minute', { timeout: '2m' }, 'timeout: "2m" is out of range. Give 100ms to 60s.'],
    ['too many attempts', { attempts: 11 }, 'attempts: 11. Give a whole number from 1 to 10.'],
    ['an unknown start', { start: 'end' }, 'start: "end".'],
  ])('%s', async (_name, change, message) => {
    const errors = await harness.define({ p: { ...one('a', 'b'), ...(change as object) } as never });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`pipelines/p.ts:3:16: ${message}`);
  });

  test('more pipelines than a project has', async () => {
    const many = Array.from({ length: 65 }, (_, i) => [`p${String(i).padStart(2, '0')}`, one('a', 'b')]);
    const errors = await harness.define(Object.fromEntries(many));
    expect(errors).toEqual([
      expect.stringContaining('pipelines/p64.ts: a project has at most 64 pipelines.'),
    ]);
  });
});

test('events that retention removed before their turn are counted, and reading goes on', async () => {
  await harness.append('clicks', [{ n: 1 }]);
  const definition = { from: 'clicks', to: 'out', process: (event: object) => event };
  await harness.define({ p: definition });
  await harness.settled();
  await harness.define({});
  await harness.append('clicks', [{ n: 2 }]);
  await harness.append('clicks', [{ n: 3 }]);
  await harness.log.retain({ maxBytes: 10 }, 'clicks');
  await harness.define({ p: definition });
  await harness.settled();
  expect((await harness.events('out')).map(({ n }) => n)).toEqual([1, 3]);
  expect(await summary('p')).toMatchObject({ skipped: 1, state: 'running' });
});

test('what a function logs comes out with its name, and no more than is kept of a batch', async () => {
  await harness.append(
    'clicks',
    Array.from({ length: 150 }, (_, n) => ({ n })),
  );
  await harness.define({
    p: { from: 'clicks', to: 'out', process: (event, { log }) => log.warn(`saw ${event.n}`) as undefined },
  });
  await harness.settled();
  expect(harness.logged[0]).toBe('p warn: saw 0');
  expect(harness.logged.at(-1)).toBe('p warn: 50 more lines were not kept');
  expect(harness.logged).toHaveLength(101);
});
