// What would take memory without end is taken in smaller pieces, or counted in overflow rows, and stays right.
import { afterEach, expect, test } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import { createWasmKernel } from '../../kernel/testing/kernels.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import type { Engine } from '../engine.ts';
import type { ViewSummary, WindowRow } from '../view.ts';
import { at, killable, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

test('very long groups fill a window before there are many, leave memory, and are answered in pages', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const long = 'x'.repeat(900_000);
  const perHour = [60, 20, 20];
  for (const [hour, count] of perHour.entries()) {
    for (let i = 0; i < count; i += 4) {
      const keys = Array.from({ length: 4 }, (_, j) => `${hour} ${i + j} ${long}`);
      log.append(
        'access',
        0,
        keys.map(k => ({ _time: at(hour * 3_600_000), k })),
        startMs,
      );
    }
  }
  const engine = await openEngine(log, { commitMs: 0 });
  engines.push(engine);
  await engine.define({
    name: 'v',
    text: '-- every: 1h\n-- keep: for ever\nSELECT k, count(*) AS n FROM access GROUP BY k',
  });
  await engine.settled();
  const pages: WindowRow[][] = [];
  let cursor: string | undefined;
  do {
    const { rows, next } = await engine.query({ view: 'v', ...(cursor === undefined ? {} : { cursor }) });
    pages.push(rows);
    cursor = next;
  } while (cursor !== undefined);
  const textOf = (rows: readonly WindowRow[]): number =>
    rows.reduce((sum, { values }) => sum + String(values[0] ?? '').length, 0);
  for (const rows of pages) expect(textOf(rows)).toBeLessThan(40_000_000);
  const rows = pages.flat();
  const counts = perHour.map((_, hour) =>
    rows
      .filter(row => row.startUs === (startMs + hour * 3_600_000) * 1000)
      .reduce((sum, { values }) => sum + Number(values[1]), 0),
  );
  expect(counts).toEqual(perHour);
  expect(rows.filter(({ overflow }) => overflow)).toHaveLength(1);
  const [{ memoryBytes }] = (await engine.views()) as [ViewSummary];
  expect(memoryBytes).toBeLessThan(600_000_000);
});

test('windows that overlap very much are filled in small steps, and are right', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const minute = 60_000;
  const events = Array.from({ length: 1500 }, (_, i) => ({ _time: at(i * 7000), k: `k${i % 3}` }));
  log.append('access', 0, events.slice(0, 700), startMs);
  log.append('access', 0, events.slice(700), startMs);
  const engine = await openEngine(log, { cellsMax: 2000 });
  engines.push(engine);
  await engine.define({
    name: 'v',
    text: '-- window: 12h every 1m\n-- keep: for ever\nSELECT k, count(*) AS n FROM access GROUP BY k',
  });
  await engine.settled();
  const counts = new Map<string, number>();
  for (const { _time, k } of events) {
    const last = Math.floor(Date.parse(_time) / minute) * minute;
    for (let start = last - 719 * minute; start <= last; start += minute) {
      const key = `${start * 1000} ${k}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  const { rows } = await engine.query({ view: 'v', limit: 100_000 });
  const found = rows.map(({ startUs, values }): [string, unknown] => [`${startUs} ${values[0]}`, values[1]]);
  expect(new Map(found)).toEqual(counts);
  expect(rows).toHaveLength(counts.size);
});

test('events without a time have that of their batch, also where a step began within one', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const events = (count: number) => Array.from({ length: count }, () => ({ k: 1 }));
  const engine = await openEngine(log);
  engines.push(engine);
  // A step takes in 910 events where each is in so many windows.
  await engine.define({ name: 'many', text: '-- window: 1d every 1m\nSELECT count(*) AS n FROM access' });
  await engine.define({ name: 'hours', text: '-- every: 1h\nSELECT count(*) AS n FROM access' });
  log.append('access', 0, events(1000), startMs);
  log.append('access', 0, events(10), startMs + 3_600_000);
  await engine.settled();
  const { rows } = await engine.query({ view: 'hours' });
  expect(rows.map(({ values }) => values)).toEqual([[1000], [10]]);
});

test('a field of more values than its dictionary holds starts it anew, and no count goes to another value', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const [batches, perBatch] = [53, 20_000];
  for (let batch = 0; batch < batches; batch++) {
    const keys = Array.from({ length: perBatch }, (_, i) =>
      i % 100 === 0 ? 'often' : `k${batch * perBatch + i}`,
    );
    log.append(
      'access',
      0,
      keys.map(k => `{"k":"${k}"}`),
      startMs,
    );
  }
  const engine = await openEngine(log, { kernel: createWasmKernel() });
  engines.push(engine);
  await engine.define({
    name: 'v',
    text: '-- every: 1d\n-- max groups: 100\nSELECT k, count(*) AS n FROM access GROUP BY k ORDER BY n DESC',
  });
  await engine.settled();
  const { rows } = await engine.query({ view: 'v' });
  expect(rows[0]!.values).toEqual(['often', (batches * perBatch) / 100]);
  expect(rows.reduce((sum, { values }) => sum + Number(values[1]), 0)).toBe(batches * perBatch);
});

test('the window written to last leaves memory too once nothing is written to it any more', async () => {
  const memory: number[] = [];
  for (const cellsMax of [600_000, 500]) {
    const log = new MemoryLog();
    const engine = await openEngine(log, { cellsMax, commitMs: 0 });
    engines.push(engine);
    const streams = ['a', 'b'];
    const events = Array.from({ length: 5000 }, (_, k) => ({ _time: at(0), k: `k${k}` }));
    for (const stream of streams) {
      log.createStream(stream);
      log.append(stream, 0, events, startMs);
      const text = `-- every: 1d\nSELECT k, count(*) AS n FROM ${stream} GROUP BY k`;
      await engine.define({ name: `v_${stream}`, text });
    }
    await engine.settled();
    for (let round = 0; round < 3; round++) {
      log.append('a', 0, events, startMs);
      await engine.settled();
    }
    const idle = async () => (await engine.views()).find(({ name }) => name === 'v_b')!.memoryBytes;
    if (memory.length > 0) await expect.poll(idle, { timeout: 3000 }).toBeLessThan(memory[0]! * 0.9);
    memory.push(await idle());
    const { rows } = await engine.query({ view: 'v_a', limit: 10_000 });
    expect(rows.every(({ values }) => values[1] === 4)).toBe(true);
    expect(rows).toHaveLength(events.length);
  }
});

test('lanes give memory of the kernel back where there are many, or their texts are', async () => {
  const log = new MemoryLog();
  const streams = Array.from({ length: 30 }, (_, i) => `s${i}`);
  for (const stream of streams) log.createStream(stream);
  const engine = await openEngine(log, {
    kernel: createWasmKernel({ maxMemoryBytes: 32 * 1024 * 1024 }),
    readBytes: 1024 * 1024,
  });
  engines.push(engine);
  for (const stream of streams) {
    await engine.define({
      name: `v_${stream}`,
      text: `-- every: 1d\nSELECT max(a::VARCHAR), max(b::VARCHAR), max(c::VARCHAR), max(d::VARCHAR), count(*) AS n FROM ${stream} GROUP BY e`,
    });
  }
  for (let round = 0; round < 3; round++) {
    for (const stream of streams) {
      // Of the last stream many long ones.
      const count = stream === streams.at(-1) ? 2000 : 10;
      const events = Array.from({ length: count }, (_, i) => {
        const text = `${round} ${i} `.padEnd(count, 'x');
        return { _time: at(0), a: `a${text}`, b: `b${text}`, c: `c${text}`, d: `d${text}`, e: 1 };
      });
      for (let i = 0; i < count; i += 100) log.append(stream, 0, events.slice(i, i + 100), startMs);
    }
    await engine.settled();
  }
  for (const stream of streams) {
    const { rows } = await engine.query({ view: `v_${stream}` });
    expect(rows.map(({ values }) => values[4])).toEqual([stream === streams.at(-1) ? 6000 : 30]);
  }
});

test('a step that fails behind its first rows goes on with the others, and counts none twice', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  // More than are decoded at once.
  const count = 20_000;
  log.append('access', 0, Array<string>(count).fill('{"k":1}'), startMs);
  const kernel = createWasmKernel();
  let failures = 0;
  const { decoder } = kernel;
  kernel.decoder = (fields, options) => {
    const made = decoder(fields, options);
    const decode = made.decode.bind(made);
    made.decode = (position, length) => {
      if (position > 0 && failures++ === 0) throw new Error('no memory');
      return decode(position, length);
    };
    return made;
  };
  const engine = await openEngine(log, { kernel });
  engines.push(engine);
  await engine.define({ name: 'v', text: '-- every: 1d\nSELECT count(*) AS n FROM access' });
  await engine.settled();
  // It is tried again when asked for, or after a second.
  const counts = async () => (await engine.query({ view: 'v' })).rows.map(({ values }) => values);
  await expect.poll(counts, { timeout: 5000 }).toEqual([[count]]);
  expect(failures).toBeGreaterThan(0);
});

test('long texts start dictionaries anew, of fields and of what is made of them, and no count goes to another value', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  const [batches, perBatch] = [18, 250];
  const long = 'x'.repeat(8000);
  const values: string[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const events = Array.from({ length: perBatch }, (_, i) => {
      return { _time: at(batch * 60_000), k: `K${batch * perBatch + i}${long}` };
    });
    for (const { k } of events) values.push(k);
    log.append('access', 0, events, startMs);
  }
  // All is gathered before anything is flushed.
  const engine = await openEngine(log, { publishMs: 100_000, commitMs: 100_000 });
  engines.push(engine);
  const text =
    '-- every: 1m\n-- keep: for ever\nSELECT lower(k) || k AS g, count(*) AS n FROM access GROUP BY g';
  await engine.define({ name: 'v', text });
  await engine.settled();
  const groups: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await engine.query({ view: 'v', ...(cursor === undefined ? {} : { cursor }) });
    for (const { values } of page.rows) groups.push(values[0]);
    cursor = page.next;
  } while (cursor !== undefined);
  expect(new Set(groups)).toEqual(new Set(values.map(k => k.toLowerCase() + k)));
  expect(groups).toHaveLength(values.length);
});

/** Events of 30 minutes, 20 groups and 40 values each in order; then one more of each group in the first minute. */
function valuesByMinute(): MemoryLog {
  const log = new MemoryLog();
  log.createStream('access');
  for (let minute = 0; minute < 30; minute++) {
    const events = Array.from({ length: 800 }, (_, i) => ({
      _time: at(minute * 60_000 + i),
      k: `k${i % 20}`,
      v: `${minute} ${i}`,
    }));
    log.append('access', 0, events, startMs);
  }
  const late = Array.from({ length: 20 }, (_, i) => ({ _time: at(1000), k: `k${i}`, v: 'late' }));
  log.append('access', 0, late, startMs);
  return log;
}

test('windows leave memory by what their sketches and texts take, and are right when they come back', async () => {
  const memory: number[] = [];
  const results: WindowRow[][] = [];
  for (const cellsMax of [600_000, 700]) {
    const engine = await openEngine(valuesByMinute(), { cellsMax, commitMs: 0, readBytes: 64 * 1024 });
    engines.push(engine);
    await engine.define({
      name: 'v',
      text: "-- every: 1m\n-- keep: for ever\nSELECT k, count(*) AS n, approx_top_k(v, 3) AS top, max(v || repeat('x', 500)) AS m FROM access GROUP BY k",
    });
    await engine.settled();
    const memoryBytes = async (): Promise<number> => (await engine.views())[0]!.memoryBytes;
    // All 600 cells are fewer than the bound; by their rows in the store they are several times as many. They leave with a commit.
    if (memory.length > 0) await expect.poll(memoryBytes, { timeout: 5000 }).toBeLessThan(memory[0]! / 4);
    memory.push(await memoryBytes());
    const { rows } = await engine.query({ view: 'v', limit: 100_000 });
    results.push(rows);
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[0]).toHaveLength(600);
  expect(
    results[0]!.filter(({ startUs }) => startUs === startMs * 1000).map(({ values }) => values[1]),
  ).toEqual(Array(20).fill(41));
});

test('events are not read on while what cannot be committed fills the memory, and are when there is room', async () => {
  const state = createMemoryState();
  let isFull = false;
  const log = new MemoryLog();
  log.createStream('access');
  const engine = await openEngine(log, {
    cellsMax: 2000,
    commitMs: 10,
    readBytes: 65_536,
    state: {
      ...killable(state).state,
      transaction: work =>
        state.transaction(transaction => {
          if (isFull)
            throw new MillraceError('state-full', 'The disk is full.', { status: 507, canRetry: true });
          return work(transaction);
        }),
    },
  });
  engines.push(engine);
  await engine.define({ name: 'v', text: '-- every: 1s\nSELECT k, count(*) AS n FROM access GROUP BY k' });
  isFull = true;
  const [batches, perBatch] = [100, 500];
  for (let batch = 0; batch < batches; batch++) {
    const events = Array.from({ length: perBatch }, (_, i) => ({ _time: at(batch * 1000), k: `k${i}` }));
    log.append('access', 0, events, startMs);
    // Nobody waits for events that are not read.
    await engine.settled();
  }
  const held = await engine.status();
  expect(held.problem).toBe(
    'The disk is full. Until it is, no more events are read, for it fills the memory.',
  );
  expect(held.eventsRead).toBeGreaterThan(1000);
  expect(held.eventsRead).toBeLessThan(10_000);
  isFull = false;
  await expect.poll(() => engine.status()).toMatchObject({ eventsRead: batches * perBatch });
  await engine.settled();
  expect((await engine.status()).problem).toBeUndefined();
  const { rows } = await engine.query({ view: 'v', limit: 100_000 });
  expect(rows).toHaveLength(batches * perBatch);
  expect(rows.every(({ values }) => values[1] === 1)).toBe(true);
});

test('a view whose texts grow beyond what a batch may make fails alone, with what to do; longer ones are NULL', async () => {
  const log = new MemoryLog();
  log.createStream('access');
  log.append(
    'access',
    0,
    Array.from({ length: 16_000 }, (_, i) => ({ _time: at(0), s: `${i} ${'x'.repeat(60)}` })),
    startMs,
  );
  const engine = await openEngine(log);
  engines.push(engine);
  const eightfold = Array(8).fill('s').join(' || ');
  const grown = (times: number): string => {
    const steps = Array.from(
      { length: times },
      (_, i) => `t${i + 1} AS (SELECT ${eightfold} AS s FROM ${i === 0 ? 'access' : `t${i}`})`,
    );
    return `-- every: 1h\nWITH ${steps.join(', ')} SELECT max(s) AS longest, count(*) AS n FROM t${times}`;
  };
  await engine.define({ name: 'grows', text: grown(4) });
  await engine.define({ name: 'grows_faster', text: grown(5) });
  const longer = "repeat('x', 1000001) || s";
  await engine.define({
    name: 'null',
    text: `-- every: 1h\nSELECT max(${longer}) AS longest, count(*) AS n FROM access`,
  });
  await engine.define({ name: 'counts', text: '-- every: 1h\nSELECT count(*) AS n FROM access' });
  // A constant is made once, and the rows above the aggregation are not there before they are asked for.
  await engine.define({
    name: 'rows',
    text: "-- every: 1h\nSELECT s, repeat('x', 1000000 - length(s)) || s AS long FROM access GROUP BY s",
  });
  await engine.settled();
  const errors = Object.fromEntries((await engine.views()).map(({ name, error }) => [name, error]));
  for (const name of ['grows', 'grows_faster']) {
    expect(errors[name]).toMatch(/more than 268435456 characters.*left\(x, 1000\)/);
  }
  expect([errors['null'], errors['counts']]).toEqual([undefined, undefined]);
  const rowsOf = async (view: string) => (await engine.query({ view })).rows.map(({ values }) => values);
  expect(await rowsOf('null')).toEqual([[null, 16_000]]);
  expect(await rowsOf('counts')).toEqual([[16_000]]);
  await expect(rowsOf('rows')).rejects.toThrow(/more than 268435456 characters/);
  expect(await rowsOf('counts')).toEqual([[16_000]]);
});
