// What would take memory without end is taken in smaller pieces, or counted in overflow rows, and stays right.
import { afterEach, expect, test } from 'vitest';
import { createWasmKernel } from '../../kernel/testing/kernels.ts';
import type { Engine } from '../engine.ts';
import type { ViewSummary, WindowRow } from '../view.ts';
import { at, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

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
    const [view] = (await engine.views()) as [ViewSummary];
    memory.push(view.memoryBytes);
    const { rows } = await engine.query({ view: 'v', limit: 100_000 });
    results.push(rows);
  }
  // All 600 cells are fewer than the bound; by their rows in the store they are several times as many.
  expect(memory[1]).toBeLessThan(memory[0]! / 4);
  expect(results[1]).toEqual(results[0]);
  expect(results[0]).toHaveLength(600);
  expect(
    results[0]!.filter(({ startUs }) => startUs === startMs * 1000).map(({ values }) => values[1]),
  ).toEqual(Array(20).fill(41));
});
