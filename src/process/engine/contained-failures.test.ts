// A view whose rows cannot be computed is that view's failure: the others are flushed, committed, listed and read.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createWasmKernel } from '../../kernel/testing/kernels.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import type { Engine } from '../engine.ts';
import type { Signature } from '../plan/functions/function.ts';
import { scalarFunction } from '../plan/functions/registry.ts';
import type { Plan } from '../plan/plan.ts';
import { readRecords, writeRecord } from '../state/view-record.ts';
import type { ViewChange } from '../view.ts';
import { at, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

/** Functions that throw above the aggregation, as a defect of theirs would. */
const broken = new Set<string>();

/** Of the functions that can be broken. */
const originals = ['degrees', 'radians'].map(name => {
  const [signature] = scalarFunction(name)!.signatures as [Signature];
  return { name, signature, scalar: signature.scalar };
});

beforeAll(() => {
  for (const { name, signature, scalar } of originals) {
    signature.scalar = (value: never) => {
      if (broken.has(name)) throw new Error('injected');
      return scalar(value);
    };
  }
});
afterAll(() => {
  for (const { signature, scalar } of originals) signature.scalar = scalar;
});

const engines: Engine[] = [];
afterEach(async () => {
  broken.clear();
  for (const engine of engines.splice(0)) await engine.close();
});

const good = '-- every: 1s\nSELECT status, count(*) AS n FROM access GROUP BY status';
const bad = `${good} HAVING degrees(count(*)) > 0`;
const over = (name: string): string => `-- every: 1s\nSELECT sum(n) AS n FROM ${name}`;

/** `bad`, `good` and a view over each. */
async function defineAll(engine: Engine): Promise<void> {
  await engine.define({ name: 'bad', text: bad });
  await engine.define({ name: 'good', text: good });
  await engine.define({ name: 'over_bad', text: `${over('bad')} HAVING radians(sum(n)) > 0` });
  await engine.define({ name: 'over_good', text: over('good') });
}

function logWith(): MemoryLog {
  const log = new MemoryLog();
  log.createStream('access');
  log.append('access', 0, [{ _time: at(0), status: 200 }], startMs);
  return log;
}

async function engineWith(log: MemoryLog, state = createMemoryState()): Promise<Engine> {
  const engine = await openEngine(log, { state });
  engines.push(engine);
  return engine;
}

const rowsOf = async (engine: Engine, view: string): Promise<unknown[]> =>
  (await engine.query({ view, everyMs: 1000 })).rows.map(({ values }) => values);

describe('a view whose rows cannot be computed', () => {
  test('is failed by itself where it is asked, and the others go on', async () => {
    const log = logWith();
    const engine = await engineWith(log);
    broken.add('degrees');
    await defineAll(engine);
    await engine.settled();
    await expect(engine.query({ view: 'bad' })).rejects.toMatchObject({
      code: 'view-failed',
      message: 'The rows of the view "bad" cannot be computed: injected',
    });
    await expect(engine.query({ view: 'over_bad' })).rejects.toMatchObject({ code: 'view-failed' });
    log.append('access', 0, [{ _time: at(1), status: 200 }], startMs);
    await engine.settled();
    expect(await rowsOf(engine, 'good')).toEqual([[200, 2]]);
    expect(await rowsOf(engine, 'over_good')).toEqual([[2]]);
    const states = (await engine.views()).map(({ name, state, error }) => [name, state, error]);
    const error = 'The rows of the view "bad" cannot be computed: injected';
    expect(states).toEqual([
      ['bad', 'failed', error],
      ['good', 'live', undefined],
      ['over_bad', 'failed', `The view "bad" under it has failed: ${error}`],
      ['over_good', 'live', undefined],
    ]);
    await expect(
      engine.page({ view: 'bad', everyMs: 1000, windowsMax: 9, rowsMax: 9 }),
    ).rejects.toMatchObject({
      code: 'view-failed',
    });
  });

  test.each([
    ['bad', 'degrees'],
    ['over_bad', 'radians'],
  ])('%s: is failed by itself where it is watched', async (failing, name) => {
    const log = logWith();
    const engine = await engineWith(log);
    const changes: ViewChange[] = [];
    engine.onChange(change => changes.push(change));
    await defineAll(engine);
    for (const view of ['bad', 'good', 'over_bad', 'over_good']) engine.watch(view, 1000);
    await engine.settled();
    broken.add(name);
    changes.length = 0;
    log.append('access', 0, [{ _time: at(1), status: 200 }], startMs);
    await engine.settled();
    const told = new Map(changes.map(({ view, rows }) => [view, rows.map(({ values }) => values)]));
    expect(told.get('good')).toEqual([[200, 2]]);
    expect(told.get('over_good')).toEqual([[2]]);
    expect(told.get(failing)).toBeUndefined();
    const failed = (await engine.views()).filter(({ state }) => state === 'failed').map(({ name }) => name);
    expect(failed).toEqual(failing === 'bad' ? ['bad', 'over_bad'] : ['over_bad']);
  });

  test('goes on where it stopped when that is mended, also with another definition', async () => {
    const log = logWith();
    const state = createMemoryState();
    const first = await engineWith(log, state);
    broken.add('degrees');
    for (const name of ['bad', 'changed']) await first.define({ name, text: bad });
    for (const name of ['bad', 'changed']) await first.query({ view: name }).catch(() => {});
    await first.settled();
    await first.define({ name: 'changed', text: '-- every: 1s\nSELECT count(*) AS n FROM access' });
    log.append('access', 0, [{ _time: at(1), status: 200 }], startMs);
    await first.settled();
    expect(await rowsOf(first, 'changed')).toEqual([[2]]);
    await first.close();
    broken.clear();
    const engine = await engineWith(log, state);
    await engine.settled();
    expect(await rowsOf(engine, 'bad')).toEqual([[200, 2]]);
    expect((await engine.views()).map(({ state }) => state)).toEqual(['live', 'live']);
  });
});

test.each([
  ['above the aggregation', (plan: Plan) => plan.outputs[0]!],
  ['below it', (plan: Plan) => ({ expression: plan.sources[0]!.groups[0]! })],
])('a stored plan with a function that is no more, %s, stops no engine', async (_, place) => {
  const log = logWith();
  const state = createMemoryState();
  const first = await engineWith(log, state);
  for (const name of ['old', 'good']) await first.define({ name, text: good });
  await first.define({ name: 'over_good', text: '-- every: 1s\nSELECT n, sum(n) AS s FROM good GROUP BY n' });
  await first.settled();
  await first.close();
  for (const record of readRecords(state)) {
    if (record.name === 'good') continue;
    const { expression } = place(record.current);
    const call = { kind: 'call', function: 'gone', args: [{ ...expression }], type: 'any' };
    for (const key of Object.keys(expression)) delete (expression as Record<string, unknown>)[key];
    Object.assign(expression, call);
    record.current.version = 'before';
    state.transaction(transaction => writeRecord(transaction, record));
  }
  const engine = await engineWith(log, state);
  log.append('access', 0, [{ _time: at(1), status: 200 }], startMs);
  await engine.settled();
  expect(await rowsOf(engine, 'good')).toEqual([[200, 2]]);
  for (const view of ['old', 'over_good']) {
    await expect(engine.query({ view })).rejects.toMatchObject({ code: 'view-failed' });
  }
  const failed = (await engine.views()).filter(({ state }) => state === 'failed').map(({ name }) => name);
  expect(failed.toSorted()).toEqual(['old', 'over_good']);
  // Its next definition plans it anew.
  await engine.define({ name: 'old', text: good });
  await engine.define({ name: 'over_good', text: over('good') });
  await engine.settled();
  expect(await rowsOf(engine, 'old')).toEqual([[200, 2]]);
  expect(await rowsOf(engine, 'over_good')).toEqual([[2]]);
});

test('windows that cannot be read back while memory is given back fail their view alone', async () => {
  const log = logWith();
  log.append('access', 0, [{ _time: at(60_000), status: 200 }], startMs);
  const state = createMemoryState();
  const before = await openEngine(log, { state });
  await before.define({ name: 'bad', text: `-- keep: for ever\n${good}` });
  await before.define({ name: 'beside', text: '-- every: 1d\nSELECT count(*) AS n FROM access' });
  await before.settled();
  await before.close();
  const kernel = createWasmKernel();
  const engine = await openEngine(log, { state, kernel, publishMs: 100_000 });
  engines.push(engine);
  log.append('access', 0, [{ _time: at(60_000), status: 200 }], startMs);
  await engine.settled();
  // From now on lanes give memory back after each step, and an older window is looked for in the store.
  kernel.fill = () => 1;
  state.get = () => {
    throw new Error('injected');
  };
  for (let late = 0; late < 2; late++) {
    log.append('access', 0, [{ _time: at(30_000), status: 200 }], startMs);
    await engine.settled();
  }
  const failed = (await engine.views()).filter(view => view.state === 'failed');
  expect(failed.map(({ name }) => name)).toEqual(['bad']);
  const { rows } = await engine.query({ view: 'beside' });
  expect(rows.map(({ values }) => values)).toEqual([[5]]);
});
