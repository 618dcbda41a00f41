import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rejectedStream } from '../../collect/rejected.ts';
import { PipelineHarness } from './pipeline.fixture.ts';

let harness: PipelineHarness;

beforeEach(() => {
  harness = new PipelineHarness();
});

afterEach(() => harness.set.close());

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
