import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import type { AuditReport } from '../audit-report.ts';
import { at, MemoryLog, openEngine, startMs } from '../engine/engine.fixture.ts';
import type { Engine, ViewPage, ViewPageQuery } from '../engine.ts';
import { duckdb, planOf } from '../plan/plan.fixture.ts';
import type { ViewValue } from '../view.ts';
import { auditView } from './audit-view.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-audit-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const columns = [
  { name: '_time', type: 'TIMESTAMP' },
  { name: 'status', type: 'BIGINT' },
  { name: 'bytes', type: 'BIGINT' },
  { name: 'ip', type: 'VARCHAR' },
];
const schema = () => columns;

const text = `-- every: 10s, 1m
SELECT status, count(*) AS n, sum(bytes) AS bytes, avg(bytes) AS mean, approx_count_distinct(ip) AS ips,
  approx_quantile(bytes, [0.5, 0.95]) AS size, approx_top_k(ip, 3) AS top, max(_time) AS latest,
  histogram(bytes, [100, 5000, 50000]) AS sizes, approx_frequency(ip, '10.0.0.7') AS seven, sample(bytes, 5) AS some_
FROM access WHERE bytes > 10 GROUP BY status`;

function randomEvents(): object[] {
  const rng = new Rng(7);
  return Array.from({ length: 2700 }, (_, i) => ({
    _time: at(i * 21 - rng.below(5000)),
    status: rng.pick([200, 404, null]),
    bytes: rng.below(100_000),
    ip: `10.0.0.${Math.floor(rng.float() ** 2 * 2000)}`,
  }));
}

async function audit(
  engine: Pick<Engine, 'page' | 'settled'>,
  events: object[],
  definition = text,
): Promise<AuditReport> {
  const file = join(folder, 'events.ndjson');
  writeFileSync(file, events.map(event => `${JSON.stringify(event)}\n`).join(''));
  const types = `{${columns.map(({ name, type }) => `"${name}": '${type}'`).join(', ')}}`;
  const from = `(SELECT * FROM read_json('${file}', format = 'newline_delimited', columns = ${types}))`;
  const runSql = async (sql: string) =>
    (await (await duckdb()).runAndReadAll(sql)).getRowsJson() as ViewValue[][];
  const plan = await planOf(definition, { schema }, 'v');
  return auditView({ engine, plan, history: async () => ({ events: () => ({ from, columns }) }), runSql });
}

async function engineWith(events: object[]): Promise<Engine> {
  const log = new MemoryLog();
  log.createStream('access');
  for (let i = 0; i < events.length; i += 997)
    log.append('access', 0, events.slice(i, i + 997), startMs + i * 21);
  const engine = await openEngine(log, { schema });
  await engine.define({ name: 'v', text });
  return engine;
}

test('a right view has no differences, sketches included', async () => {
  const events = randomEvents();
  const engine = await engineWith(events);
  const report = await audit(engine, events);
  expect(report.differences).toEqual([]);
  expect(report.windows).toBe(9);
  expect(report.values).toBe(report.rows * 10);
  await engine.close();
});

test('an event too many, a wrong sum and a wrong sketch are found and named', async () => {
  const events = randomEvents();
  const engine = await engineWith(events);
  const extra = { _time: at(1000), status: 200, bytes: 50, ip: 'x' };
  const more = await audit(engine, [...events, extra]);
  expect(new Set(more.differences.map(({ column }) => column))).toEqual(
    new Set(['n', 'bytes', 'mean', 'sizes']),
  );

  const wrong = (index: number, value: ViewValue) => ({
    settled: () => engine.settled(),
    page: async (query: ViewPageQuery): Promise<ViewPage> => {
      const result = await engine.page(query);
      result.rows[3]!.values[index] = value;
      return result;
    },
  });
  expect((await audit(wrong(4, 1), events)).differences).toMatchObject([
    { column: 'ips', reason: 'beyond its bound' },
    { column: 'ips', reason: 'beyond its bound' },
  ]);
  expect((await audit(wrong(5, [1, 2]), events)).differences[0]).toMatchObject({ column: 'size' });
  expect((await audit(wrong(8, { 100: 1 }), events)).differences[0]).toMatchObject({ column: 'sizes' });
  expect((await audit(wrong(9, 1_000_000), events)).differences[0]).toMatchObject({ column: 'seven' });
  expect((await audit(wrong(10, [-1, 20, 30, 40, 50]), events)).differences[0]).toMatchObject({
    column: 'some_',
  });
  const missing = {
    settled: () => engine.settled(),
    page: async (query: ViewPageQuery): Promise<ViewPage> => {
      const result = await engine.page(query);
      return { ...result, rows: result.rows.filter((_, i) => i !== 4) };
    },
  };
  expect((await audit(missing, events)).differences[0]).toMatchObject({ reason: 'missing in the view' });
  await engine.close();
});

test('of windows with an overflow group the totals are compared', async () => {
  const events = randomEvents();
  const log = new MemoryLog();
  log.createStream('access');
  log.append('access', 0, events, startMs);
  const engine = await openEngine(log, { schema });
  const capped = `-- every: 1m
-- max groups: 20
SELECT ip, count(*) AS n, sum(bytes) AS bytes FROM access GROUP BY ip`;
  await engine.define({ name: 'v', text: capped });
  const right = await audit(engine, events, capped);
  expect(right).toMatchObject({ rows: 0, differenceCount: 0 });
  expect(right.skipped).toBeGreaterThan(20);
  expect(right.values).toBe(right.windows * 2);
  const wrong = await audit(engine, events.slice(1), capped);
  expect(wrong.differences).toMatchObject([{ column: 'n' }, { column: 'bytes' }]);
  await engine.close();
});

test('of sessions that an overflow group may hold a part of the totals are compared, of others each', async () => {
  const rng = new Rng(5);
  // Every few minutes a rush of more addresses than the cap.
  const events = Array.from({ length: 3000 }, (_, i) => ({
    _time: at(i * 400 - rng.below(20_000)),
    status: 200,
    bytes: rng.below(1000),
    ip: i % 600 < 150 ? `10.0.1.${rng.below(90)}` : `10.0.0.${rng.below(12)}`,
  }));
  const log = new MemoryLog();
  log.createStream('access');
  for (let i = 0; i < events.length; i += 97) log.append('access', 0, events.slice(i, i + 97), startMs);
  const engine = await openEngine(log, { schema });
  const sessions = (having: string) => `-- session: 10s by ip
-- keep: forever
-- max groups: 15
SELECT ip, count(*) AS n, sum(bytes) AS bytes FROM access GROUP BY ip ${having}`;
  await engine.define({ name: 'v', text: sessions('') });
  const right = await audit(engine, events, sessions(''));
  expect(right.differences).toEqual([]);
  expect(right.rows).toBeGreaterThan(20);
  expect(right.skipped).toBeGreaterThan(20);
  expect(right.values).toBe(right.rows * 2 + 2);

  const rush = events.findIndex(({ ip }) => ip.startsWith('10.0.1'));
  const more = await audit(engine, [...events, { ...events[rush]! }], sessions(''));
  expect(more.differences).toMatchObject([
    { group: ['all sessions together'], column: 'n', reason: 'not equal' },
    { group: ['all sessions together'], column: 'bytes' },
  ]);
  const quiet = await audit(engine, events.toSpliced(400, 1), sessions(''));
  expect(quiet.differences.length).toBeGreaterThan(2);

  await engine.define({ name: 'v', text: sessions('HAVING count(*) BETWEEN 2 AND 9') });
  expect((await audit(engine, events, sessions('HAVING count(*) BETWEEN 2 AND 9'))).differences).toEqual([]);
  await engine.close();
});

test('windows that the view has lost at the beginning, in the middle, at the end or altogether are found', async () => {
  const events = randomEvents();
  const engine = await engineWith(events);
  await engine.settled();
  const { rows } = await engine.query({ view: 'v', everyMs: 10_000 });
  const starts = [...new Set(rows.map(({ startUs }) => startUs))];
  const without = (lost: (startUs: number, everyMs: number) => boolean) => ({
    settled: () => engine.settled(),
    page: async (query: ViewPageQuery): Promise<ViewPage> => {
      const result = await engine.page(query);
      return { ...result, rows: result.rows.filter(({ startUs }) => !lost(startUs, query.everyMs)) };
    },
  });
  for (const lost of [starts[0]!, starts[3]!, starts.at(-1)!]) {
    const report = await audit(
      without((start, everyMs) => start === lost && everyMs === 10_000),
      events,
    );
    expect(new Set(report.differences.map(one => one.startUs))).toEqual(new Set([lost]));
    expect(report.differences[0]).toMatchObject({ reason: 'missing in the view' });
  }
  const all = await audit(
    without(() => true),
    events,
  );
  expect(rows.length).toBeGreaterThan(0);
  expect(all.differenceCount).toBe((await audit(engine, events)).rows);
  await engine.close();
});

test.each([
  ['hopping windows', '-- window: 10s every 1s\n-- keep: forever'],
  ['sessions that overlap', '-- session: 1s by ip\n-- keep: forever'],
])('more %s than are compared at once have no differences', async (_, header) => {
  const rng = new Rng(11);
  const events = Array.from({ length: 4000 }, () => ({
    _time: at(rng.below(1_500_000)),
    status: 200,
    bytes: rng.below(1000),
    ip: `10.0.0.${rng.below(3)}`,
  }));
  const log = new MemoryLog();
  log.createStream('access');
  for (let i = 0; i < events.length; i += 997) log.append('access', 0, events.slice(i, i + 997), startMs);
  const engine = await openEngine(log, { schema });
  const definition = `${header}\nSELECT ip, count(*) AS n, sum(bytes) AS bytes FROM access GROUP BY ip`;
  await engine.define({ name: 'v', text: definition });
  const report = await audit(engine, events, definition);
  expect(report.differences).toEqual([]);
  expect(report.windows).toBeGreaterThan(1000);
  await engine.close();
});

test.each(['settled', 'page', 'history', 'runSql'] as const)(
  'an audit that is stopped ends, though %s never does',
  async waiting => {
    const events = [{ _time: at(1), status: null, bytes: 50 }];
    const engine = await engineWith(events);
    const stop = new AbortController();
    const reason = new Error('nobody waits');
    const never = async (): Promise<never> => {
      stop.abort(reason);
      return new Promise(() => {});
    };
    const runSql = async (): Promise<never> => never();
    const options = {
      engine: { settled: () => engine.settled(), page: (query: ViewPageQuery) => engine.page(query) },
      history: async () => ({ events: () => ({ from: 'access', columns }) }),
      runSql,
      plan: await planOf(text, { schema }, 'v'),
      signal: stop.signal,
    };
    if (waiting === 'history') options.history = never;
    else if (waiting !== 'runSql') options.engine[waiting] = never;
    await expect(auditView(options)).rejects.toBe(reason);
    await engine.close();
  },
);

test('a condition that is never known counts 0 on both sides', async () => {
  const events = [{ _time: at(1), status: null, bytes: 5 }];
  const log = new MemoryLog();
  log.createStream('access');
  log.append('access', 0, events, startMs);
  const engine = await openEngine(log, { schema });
  const definition = '-- every: 1m\nSELECT count_if(status > 400) AS bad FROM access';
  await engine.define({ name: 'v', text: definition });
  expect(await audit(engine, events, definition)).toMatchObject({ rows: 1, differences: [] });
  await engine.close();
});
