// A history that is read far behind the log's end must leave the windows, and say of them, what it would have event by event.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReadResult, StreamSummary } from '../flow/log.ts';
import { offsetRetained } from '../flow/log-errors.ts';
import { at, MemoryLog, openEngine, startMs } from './engine/engine.fixture.ts';
import type { HistorySource } from './engine/lane.ts';
import { parseSql } from './plan/plan.fixture.ts';
import type { WindowRow } from './view.ts';

const view = `-- every: 5s, 1m, 10m
-- keep: 5s for 1m, 1m for 5m, 10m for ever
-- delay: 0s
SELECT path, count(*) AS n, sum(bytes) AS s, approx_count_distinct(bytes) AS d FROM access GROUP BY path`;

interface Sent {
  stepMs: number;
  lateMs: number;
  path: number;
  bytes: number;
}

const sent = fc.record<Sent>({
  stepMs: fc.integer({ min: 0, max: 4000 }),
  lateMs: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 90_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(-5_000_000_000, 900_000) },
  ),
  path: fc.integer({ min: 0, max: 4 }),
  bytes: fc.integer({ min: 0, max: 1000 }),
});

/** Reads a few events at a time, so that a short log is long. */
class SlowLog extends MemoryLog {
  override read(stream: string, partition: number, from: number, target: Uint8Array): Promise<ReadResult> {
    return super.read(stream, partition, from, target.subarray(0, 2500));
  }
}

/** A log that has lost its first events to retention, and the history that has them. */
class TrimmedLog extends SlowLog {
  private readonly whole: SlowLog;
  private readonly first: number;

  constructor(whole: SlowLog, first: number) {
    super();
    this.whole = whole;
    this.first = first;
  }

  override streams(): Promise<StreamSummary[]> {
    return this.whole.streams();
  }

  override async range(stream: string, partition: number): Promise<{ first: number; end: number }> {
    const { end } = await this.whole.range(stream, partition);
    return { first: this.first, end };
  }

  override async read(
    stream: string,
    partition: number,
    from: number,
    target: Uint8Array,
  ): Promise<ReadResult> {
    if (from < this.first) throw offsetRetained(stream, partition, from, this.first);
    return this.whole.read(stream, partition, from, target);
  }

  override wait(stream: string, partition: number, offset: number, signal?: AbortSignal): Promise<void> {
    return this.whole.wait(stream, partition, offset, signal);
  }

  readonly history: HistorySource = {
    read: async (stream, partition, from, target) => {
      const read = await this.whole.read(stream, partition, from, target);
      const batches = read.batches.filter(({ offset }) => offset < this.first);
      const last = batches.at(-1);
      return {
        ...read,
        batches,
        length: last ? last.position + last.length : 0,
        next: last ? last.offset + last.count : from,
      };
    },
  };
}

/** What is said of the kept windows at each resolution; how often they were restated depends on the pace. */
async function results(log: MemoryLog, farBehind: number, history?: HistorySource): Promise<unknown> {
  // Published and committed at each turn, so that flushes come at many places.
  const engine = await openEngine(log, { farBehind, history, publishMs: 0, commitMs: 0 });
  await engine.define({ name: 'v', text: view });
  await engine.settled();
  const rows: [number, WindowRow['values']][] = [];
  for (const everyMs of [5000, 60_000, 600_000]) {
    for (const { startUs, values } of (await engine.query({ view: 'v', everyMs })).rows) {
      rows.push([startUs / 1000 - startMs, values]);
    }
  }
  const [summary] = await engine.views();
  await engine.close();
  return { rows, expired: summary!.expired, listed: summary!.recentExpired, ahead: summary!.ahead };
}

describe('a history longer than what is kept of it', () => {
  test('gives the same windows read with and without a look at its end, from the log or from the lake', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(sent, { minLength: 30, maxLength: 300 }),
        fc.integer({ min: 1, max: 20 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (events, batch, share) => {
          const log = new SlowLog();
          log.createStream('access');
          let time = 0;
          const all = events.map(({ stepMs, lateMs, path, bytes }) => {
            time += stepMs;
            return { _time: at(time - lateMs), path: `/${path}`, bytes };
          });
          for (let i = 0; i < all.length; i += batch) {
            log.append('access', 0, all.slice(i, i + batch), startMs + time);
          }
          const plain = await results(log, Number.POSITIVE_INFINITY);
          expect(await results(log, 5)).toEqual(plain);
          // Retention takes whole batches: some, or all that there are.
          const lost = Math.min(all.length, Math.round((share * all.length) / batch) * batch);
          const trimmed = new TrimmedLog(log, lost);
          expect(await results(trimmed, 5, trimmed.history)).toEqual(plain);
          const empty = new TrimmedLog(log, all.length);
          expect(await results(empty, 5, empty.history)).toEqual(plain);
        },
      ),
      { seed: 20261123, numRuns: 60 },
    );
  });
});

test('a view that waits for another to catch up, which waits for one that is being defined, leaves time for that', async () => {
  const log = new SlowLog();
  log.createStream('access');
  const append = (batches: number): void => {
    const events = Array.from({ length: 10 }, (_, i) => ({ _time: at(i), path: '/', bytes: i }));
    for (let i = 0; i < batches; i++) log.append('access', 0, events, startMs);
  };
  let release = (): void => {};
  const released = new Promise<void>(resolve => {
    release = resolve;
  });
  const engine = await openEngine(log, {
    farBehind: 50,
    parseSql: async sql => {
      if (sql.includes('slowly')) await released;
      return parseSql(sql);
    },
  });
  append(10);
  await engine.define({ name: 'first', text: view });
  await engine.settled();
  const slowly = engine.define({ name: 'slowly', text: `${view} -- slowly` });
  await engine.define({ name: 'second', text: view });
  append(100);
  // As an answer of another thread, which only comes when the loop lets go.
  setTimeout(release, 0);
  await slowly;
  await engine.settled();
  for (const name of ['first', 'second', 'slowly']) {
    const { rows } = await engine.query({ view: name, everyMs: 600_000 });
    expect(rows.map(({ values }) => values[1])).toEqual([1100]);
  }
  await engine.close();
});
