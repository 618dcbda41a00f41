import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { rejectedStream } from '../../collect/rejected.ts';
import { MillraceError } from '../../core/errors.ts';
import { Deadly, PipelineHarness } from './pipeline.fixture.ts';

let harness: PipelineHarness;

beforeEach(() => {
  harness = new PipelineHarness();
});

afterEach(() => harness.set.close());

const minute = 60_000;
const at = (ms: number): string => new Date(Date.UTC(2026, 0, 1) + ms).toISOString();
const summary = async (name: string) => (await harness.set.list()).find(one => one.name === name)!;

/** Of so many levels, itself included. */
function nested(levels: number): object {
  let value = {};
  for (let level = 1; level < levels; level++) value = { inner: value };
  return value;
}

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

  const trap = (): never => {
    throw new Error('a trap');
  };
  test.each<[string, () => unknown, string]>([
    ['an object without text', () => Object.create(null), 'Error: a value of type object'],
    ['a symbol', () => Symbol('sign'), 'Error: Symbol(sign)'],
    ['an object whose toString throws', () => ({ toString: trap }), 'Error: a value of type object'],
    ['an object whose toPrimitive throws', () => ({ [Symbol.toPrimitive]: trap }), 'Error: a value of'],
    [
      'a proxy that throws',
      () => new Proxy({}, { get: trap, getPrototypeOf: trap, has: trap }),
      'Error: a value of',
    ],
    [
      'an error whose stack is a number',
      () => Object.assign(new RangeError('far'), { stack: 5 }),
      'RangeError: far',
    ],
    [
      'an error whose message is none',
      () => Object.assign(new Error(), { message: Object.create(null) }),
      'Error: ',
    ],
    ...['stack', 'name', 'message'].map((part): [string, () => unknown, string] => [
      `an error whose ${part} throws`,
      () => Object.defineProperty(new Error('far'), part, { get: trap }),
      part === 'stack' ? 'Error: far' : `(its ${part} cannot be read)`,
    ]),
    [
      'an error that can be read but once',
      () => {
        let times = 0;
        return Object.defineProperty(new Error(), 'message', {
          get: () => (times++ === 0 ? 'once' : trap()),
        });
      },
      'Error: ',
    ],
    [
      'one of ours with a strange remedy',
      () => new MillraceError('c', 'Far.', { remedy: Symbol('x') as never }),
      'Far. Symbol(x)',
    ],
    ['an error with a message of megabytes', () => new Error('x'.repeat(4_000_000)), 'Error: xxx'],
  ])('that throws %s is rejected, and the stream goes on', async (_name, make, reason) => {
    await harness.append('clicks', [{ n: 1 }, { n: 2, isBad: true }, { n: 3 }]);
    await harness.define({
      p: {
        from: 'clicks',
        to: 'out',
        process(event) {
          if (event.isBad) throw make();
          return { n: event.n };
        },
      },
      q: {
        from: 'clicks',
        to: 'of_keys',
        key(event) {
          if (event.isBad) throw make();
          return event.n;
        },
        process: async event => ({ n: event.n }),
      },
    });
    await harness.settled();
    for (const stream of ['out', 'of_keys']) {
      expect((await harness.events(stream)).map(event => event.n)).toEqual([1, 3]);
    }
    const rejected = await harness.events(rejectedStream);
    expect(rejected).toMatchObject([{ offset: 1 }, { offset: 1 }]);
    for (const event of rejected) {
      expect(event.reason).toContain(reason);
      expect(JSON.stringify(event).length).toBeLessThan(6000);
    }
    expect(await summary('p')).toMatchObject({ failures: 3, retries: 2, rejected: 1 });
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
    ['what toJSON makes none', () => ({ toJSON: () => 5 }), 'an object that toJSON makes something else'],
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
    ['an object 65 levels deep', () => nested(65), 'nested deeper than 64'],
    ['an object 1,000 levels deep', () => [nested(1000)], 'nested deeper than 64'],
    // Whether V8 writes it as JSON before it is looked at depends on the version.
    ['an object 100,000 levels deep', () => nested(100_000), /RangeError|nested deeper than 64/],
  ])('%s cannot be emitted', async (_name, process, reason) => {
    await harness.append('clicks', [{}]);
    await harness.define({ p: { from: 'clicks', to: 'out', process: process as never } });
    await harness.settled();
    expect(await harness.events(rejectedStream)).toMatchObject([{ reason: expect.stringMatching(reason) }]);
  });

  test('an object 64 levels deep can be emitted, whatever brackets its strings have', async () => {
    await harness.append('clicks', [{}]);
    const text = '{'.repeat(100);
    await harness.define({
      p: { from: 'clicks', to: 'out', process: () => [{ text }, { ...nested(64), text }] },
    });
    await harness.settled();
    expect(await harness.events('out')).toMatchObject([{ text }, { text, inner: { inner: {} } }]);
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
