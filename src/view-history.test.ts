// How long windows are kept decides how fast an answer is, not what it says: what the history answers where windows are no longer kept
// is what a view that keeps them for ever says.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from './core/rng.ts';
import { needsHistory } from './deliver/view-source.ts';
import { openSegmentLog } from './flow/segment-log.ts';
import { createReferenceKernel } from './kernel/kernel-reference.ts';
import { createEngine } from './process/engine/engine-core.ts';
import type { Engine } from './process/engine.ts';
import { parseSql } from './process/plan/plan.fixture.ts';
import type { ViewQuery, WindowRow } from './process/view.ts';
import { QueryServer } from './query/query-server.ts';
import { ParquetLake } from './store/parquet-lake.ts';
import { createMemoryState } from './store/state-memory.ts';
import { ViewHistory } from './view-history.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? 3);
const startMs = Date.UTC(2026, 0, 1);
const minute = 60_000;

let dir: string;
let engine: Engine;
let history: ViewHistory;
let close: () => Promise<void>;

const select = (rest = '') =>
  `SELECT who, count(*) AS n, sum(bytes) AS s, first(bytes) AS f FROM s GROUP BY who${rest}`;
const views: Record<string, (keep: string) => string> = {
  tumbling: keep => `-- every: 1m\n-- keep: 1m ${keep}\n${select()}`,
  hopping: keep => `-- window: 5m every 1m\n-- keep: 1m ${keep}\n${select(' HAVING count(*) > 1')}`,
  session: keep => `-- session: 1m by who\n-- keep: 1m ${keep}\n${select()}`,
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-view-history-'));
  const log = await openSegmentLog({ dir: join(dir, 'log'), reserveBytes: 0 });
  await log.createStream('s', { partitions: 1 });
  const server = new QueryServer({
    lakeDir: join(dir, 'lake'),
    temporaryDir: join(dir, 'tmp'),
    threads: 1,
    memoryLimitMb: 512,
  });
  const lake = new ParquetLake({
    dir: join(dir, 'lake'),
    spoolDir: join(dir, 'tmp', 'spool'),
    log,
    writer: {
      write: request => server.writeParquet(request),
      compact: request => server.compactParquet(request),
    },
    readBytes: 8 * 1024 * 1024,
  });
  const rng = new Rng(seed);
  const events = Array.from({ length: 1500 }, (_, i) => {
    // Some stay for long, with an event just within each gap.
    const stays = i % 11 < 4 && i % 700 > 50;
    return {
      _time: new Date(startMs + i * 5000 + (stays ? 0 : rng.below(20_000))).toISOString(),
      who: stays ? `stays${i % 11}` : `u${rng.below(25)}`,
      bytes: i,
    };
  });
  const bytes = new TextEncoder().encode(events.map(event => `${JSON.stringify(event)}\n`).join(''));
  await log.append('s', 0, { bytes, count: events.length });
  engine = await createEngine({
    log,
    state: createMemoryState(),
    kernel: createReferenceKernel(),
    parseSql,
    readBytes: 8 * 1024 * 1024,
  });
  for (const [name, text] of Object.entries(views)) {
    await engine.define({ name, text: text('for 30m') });
    await engine.define({ name: `${name}_all`, text: text('for ever') });
  }
  await engine.settled();
  history = new ViewHistory({
    engine,
    lake,
    lookups: { copyOf: () => undefined },
    sql: request => server.run(request),
  });
  close = async () => {
    await engine.close();
    await lake.close();
    await log.close();
  };
});
afterAll(async () => {
  await close();
  rmSync(dir, { recursive: true, force: true });
});

const shown = (rows: readonly WindowRow[]): unknown[] =>
  rows.map(({ startUs, endUs, values }) => [startUs, endUs, ...values.map(value => String(value))]);

test.each(Object.keys(views))(`%s windows in any range are the same (seed ${seed})`, async name => {
  const rng = new Rng(seed);
  const view = (await engine.views()).find(one => one.name === name)!;
  let asked = 0;
  for (let i = 0; i < 25; i++) {
    const at = () => (startMs + rng.below(140 * minute)) * 1000;
    const [fromUs, toUs] = [at(), at()].sort((a, b) => a - b) as [number, number];
    const query: ViewQuery = { view: name, everyMs: minute, limit: 100_000 };
    if (i % 5 > 0) query.fromUs = fromUs;
    // Just after what is no longer kept, where sessions may have lost their beginning.
    if (i % 4 === 0) query.fromUs = view.resolutions[0]!.keptFromUs! + rng.below(15_000_000);
    if (i % 3 > 0) query.toUs = Math.max(toUs, query.fromUs ?? toUs);
    const needs = needsHistory(view, query);
    if (needs) asked++;
    const { rows } = needs ? await history.query(query, []) : await engine.query(query);
    const all = await engine.query({ ...query, view: `${name}_all` });
    expect(shown(rows)).toEqual(shown(all.rows));
  }
  expect(asked).toBeGreaterThan(10);
  expect(asked).toBeLessThan(25);
});

test('a total of all events is the same, from the first window to the last', async () => {
  const view = (await engine.views()).find(({ name }) => name === 'tumbling')!;
  const query: ViewQuery = { view: 'tumbling', everyMs: 'total', limit: 100_000 };
  expect(needsHistory(view, query)).toBe(true);
  const all = await engine.query({ ...query, view: 'tumbling_all' });
  expect(all.rows[0]!.startUs).toBe(startMs * 1000);
  expect(shown((await history.query(query, [])).rows)).toEqual(shown(all.rows));
  const since = { ...query, fromUs: (startMs + 5 * minute) * 1000 };
  expect(shown((await history.query(since, [])).rows)).toEqual(
    shown((await engine.query({ ...since, view: 'tumbling_all' })).rows),
  );
});
