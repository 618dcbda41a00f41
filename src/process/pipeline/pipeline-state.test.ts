import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rejectedStream } from '../../collect/rejected.ts';
import { pipelineLimits } from '../pipeline.ts';
import { PipelineHarness } from './pipeline.fixture.ts';

let harness: PipelineHarness;

beforeEach(() => {
  harness = new PipelineHarness();
});

afterEach(() => harness.set.close());

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
