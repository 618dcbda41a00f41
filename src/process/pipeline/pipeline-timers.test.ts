import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rejectedStream } from '../../collect/rejected.ts';
import { PipelineHarness } from './pipeline.fixture.ts';

let harness: PipelineHarness;

beforeEach(() => {
  harness = new PipelineHarness();
});

afterEach(() => harness.set.close());

const minute = 60_000;
const at = (ms: number): string => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();

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
