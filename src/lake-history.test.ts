// A view that is defined after retention has removed the beginning of the log: its history comes from the lake, and every event
// counts once where the two meet.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSegmentLog } from './flow/segment-log.ts';
import { createReferenceKernel } from './kernel/kernel-reference.ts';
import { createEngine } from './process/engine/engine-core.ts';
import { parseSql } from './process/plan/plan.fixture.ts';
import { QueryServer } from './query/query-server.ts';
import { LakeHistory } from './store/lake-history.ts';
import { ParquetLake } from './store/parquet-lake.ts';
import { createMemoryState } from './store/state-memory.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-history-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const startMs = Date.UTC(2026, 0, 1);

test('a new view is complete from the lake and the log, each event once', async () => {
  const log = await openSegmentLog({ dir: join(dir, 'log'), reserveBytes: 0, segmentBytes: 2000 });
  await log.createStream('s', { partitions: 2 });
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
  const perPartition = 400;
  const expected = new Map<string, number>();
  for (let first = 0; first < perPartition; first += 10) {
    for (const partition of [0, 1]) {
      const events = Array.from({ length: 10 }, (_, index) => {
        const number = first + index;
        // Types drift on the way, and some events have no time of their own.
        const kind = number % 5 === 0 ? null : number % 7 === 0 ? number : `k${number % 3}`;
        const key = JSON.stringify(kind);
        expected.set(key, (expected.get(key) ?? 0) + 1);
        return {
          ...(number % 11 === 0 ? {} : { _time: new Date(startMs + number * 1000).toISOString() }),
          kind,
          'odd "name"': `é\n${number}`,
          nested: { number },
          big: number % 50 === 0 ? 'beyond' : number + 0.5,
        };
      });
      const bytes = new TextEncoder().encode(
        events.map(event => `${JSON.stringify(event).replace('"beyond"', '1e400')}\n`).join(''),
      );
      await log.append('s', partition, { bytes, count: events.length });
    }
    // Chunks of several schemas; the end is in the log alone.
    if (first === 100 || first === 250) await lake.flush('s');
  }
  await log.retain({ maxBytes: 20_000 }, 's');
  const ranges = await Promise.all([0, 1].map(partition => log.range('s', partition)));
  for (const { first } of ranges) {
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(250);
  }
  const reader = new LakeHistory({
    dir: join(dir, 'lake'),
    lake,
    rows: 64,
    sql: request => server.run({ ...request, format: 'json', timeoutMs: 10_000, tables: [] }),
  });
  const engine = await createEngine({
    log,
    state: createMemoryState(),
    kernel: createReferenceKernel(),
    parseSql,
    readBytes: 8 * 1024 * 1024,
    history: {
      async read(stream, partition, from, target, keys) {
        const { first, end } = await log.range(stream, partition);
        const { bytes, batches, next } = await reader.read({
          stream,
          partition,
          from,
          until: first,
          maxBytes: target.length,
          keys,
        });
        target.set(bytes);
        return { batches, length: bytes.length, next, end };
      },
    },
  });
  const text = `-- every: 1d
-- keep: forever
SELECT kind, count(*) AS n, count("odd ""name""") AS odd, sum(nested.number) AS total, max(big) AS big FROM s GROUP BY kind`;
  await engine.define({ name: 'v', text });
  await engine.settled();
  const { rows } = await engine.query({ view: 'v', everyMs: 'total' });
  const found = new Map(rows.map(({ values }) => [JSON.stringify(values[0]), values[1]]));
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  expect(rows.reduce((sum, { values }) => sum + Number(values[2]), 0)).toBe(2 * perPartition);
  expect(rows.reduce((sum, { values }) => sum + Number(values[3]), 0)).toBe(
    perPartition * (perPartition - 1),
  );
  expect(Math.max(...rows.map(({ values }) => Number(values[4])))).toBe(perPartition - 0.5);
  expect((await engine.views())[0]).toMatchObject({ state: 'live', ahead: 0 });
  await engine.close();
  await lake.close();
  await log.close();
});
