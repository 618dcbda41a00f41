import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crash, PipelineHarness } from './pipeline.fixture.ts';
import { keptMs } from './pipeline-set.ts';

let harness: PipelineHarness;

beforeEach(() => {
  harness = new PipelineHarness();
});

afterEach(() => harness.set.close());

const summary = async (name: string) => (await harness.set.list()).find(one => one.name === name)!;

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

  test('a file that comes back after more than a week begins anew', async () => {
    await harness.append('clicks', [{}]);
    await harness.define({ p: counting('a') });
    await harness.settled();
    await harness.define({});
    harness.clock.advance(keptMs + 1);
    await harness.define({ p: counting('b') });
    await harness.settled();
    expect(await out()).toEqual(['a1', 'b1']);
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

  test.each([
    ['the file is gone', {}],
    ['another version begins anew', { p: counting('b', { start: 'now', version: 2 }) }],
  ])('output committed before a crash is appended even when %s', async (_, definitions) => {
    await harness.append('clicks', [{}]);
    let crashes = 0;
    harness.failpoint = name => {
      if (name !== 'before-append') return;
      crashes++;
      crash();
    };
    await harness.define({ p: counting('a') });
    await expect.poll(() => crashes).toBeGreaterThan(0);
    harness.failpoint = undefined;
    expect(await out()).toEqual([]);
    harness.definitions = definitions;
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
