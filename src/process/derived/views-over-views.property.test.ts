// A view over a view says what DuckDB says of the nested SELECT, whatever the order of the events, the batching and the crashes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import { at, killable, MemoryLog, openEngine, startMs } from '../engine/engine.fixture.ts';
import type { Engine } from '../engine.ts';
import { parseSql, query } from '../plan/plan.fixture.ts';
import type { ViewChange, WindowRow } from '../view.ts';

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 6);
const seed = Number(process.env['MILLRACE_SEED'] ?? 20260401);
const minuteUs = 60_000_000;

const requests = `-- every: 10s, 1m
-- keep: forever
SELECT path, status, count(*) AS requests, sum(bytes) AS bytes, max(latency) AS slowest
FROM access WHERE latency > 0.5 GROUP BY path, status`;
const peaks = `-- every: 1m, 5m
-- keep: forever
SELECT path, max(requests) AS peak, sum(requests) AS requests, avg(slowest) AS slow, count(DISTINCT status) AS kinds,
  sum(bytes) FILTER (WHERE status >= 400) AS lost, min(window_start) AS first
FROM "requests@10s" WHERE requests > 1 GROUP BY path HAVING sum(requests) > 2`;
const busy = `-- every: 5m
-- keep: forever
SELECT count(*) AS paths, sum(requests) AS requests, max(peak) AS peak FROM peaks`;

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

function randomEvents(rng: Rng, count: number): object[] {
  return Array.from({ length: count }, () => ({
    _time: at(rng.below(1_800_000)),
    path: rng.pick(['/', '/a', '/b', '/c']),
    status: rng.pick([200, 200, 404, 500, null]),
    bytes: rng.below(10_000),
    latency: rng.below(1000) / 100,
  }));
}

const numbers = (value: unknown): unknown =>
  typeof value === 'bigint'
    ? Number(value)
    : typeof value === 'string' && /^\d{4}-/.test(value)
      ? Date.parse(value) * 1000
      : value;

async function rowsOf(engine: Engine, view: string, everyMs: number): Promise<unknown[][]> {
  const { rows } = await engine.query({ view, everyMs, limit: 100_000 });
  return rows.map(({ startUs, values }) => [startUs, ...values.map(numbers)]);
}

const sorted = (rows: unknown[][]): string[] =>
  rows
    .map(row =>
      JSON.stringify(
        row.map(value => {
          const plain = numbers(value);
          return typeof plain === 'number' && !Number.isInteger(plain)
            ? Number(plain.toPrecision(12))
            : plain;
        }),
      ),
    )
    .sort();

describe('views over views', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-over-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  for (let round = 0; round < rounds; round++) {
    test(`equal the nested SELECT in DuckDB (seed ${seed + round})`, async () => {
      const rng = new Rng(seed + round);
      const events = randomEvents(rng, 100 + rng.below(1500));
      const partitions = 1 + rng.below(3);
      const log = new MemoryLog();
      log.createStream('access', partitions);
      const kept = createMemoryState();
      let life = killable(kept);
      const open = () => openEngine(log, { state: life.state, cellsMax: rng.pick([30, 100_000]) });
      let engine = await open();
      await engine.define({ name: 'requests', text: requests });
      const late = rng.boolean(0.5);
      if (!late) await engine.define({ name: 'peaks', text: peaks });
      if (!late) await engine.define({ name: 'busy', text: busy });
      for (let sent = 0; sent < events.length; ) {
        const count = 1 + rng.below(rng.pick([3, 50, 700]));
        log.append('access', rng.below(partitions), events.slice(sent, sent + count), startMs);
        sent += count;
        if (rng.boolean(0.5)) await engine.settled();
        // Remembers windows that later events restate.
        if (!late) await engine.query({ view: 'busy', everyMs: 300_000 });
        if (rng.boolean(0.1)) {
          life.kill();
          await engine.close().catch(() => {});
          life = killable(kept);
          engine = await open();
        }
      }
      engines.push(engine);
      if (late) await engine.define({ name: 'peaks', text: peaks });
      if (late) await engine.define({ name: 'busy', text: busy });
      await engine.settled();
      const file = join(folder, `${round}.ndjson`);
      writeFileSync(file, events.map(event => `${JSON.stringify(event)}\n`).join(''));
      const inner = `SELECT epoch_us(_time) // 10000000 * 10000000 AS w, path, status, count(*) AS requests, sum(bytes) AS bytes, max(latency) AS slowest
        FROM read_json('${file}', format = 'newline_delimited', columns = {_time: 'TIMESTAMP', path: 'VARCHAR', status: 'BIGINT', bytes: 'BIGINT', latency: 'DOUBLE'})
        WHERE latency > 0.5 GROUP BY ALL`;
      const middle = (
        everyUs: number,
      ) => `SELECT w // ${everyUs} * ${everyUs} AS v, path, max(requests) AS peak, sum(requests) AS requests, avg(slowest) AS slow,
        count(DISTINCT status) AS kinds, sum(bytes) FILTER (WHERE status >= 400) AS lost, min(w) AS first
        FROM (${inner}) WHERE requests > 1 GROUP BY ALL HAVING sum(requests) > 2`;
      for (const minutes of [1, 5]) {
        const found = await rowsOf(engine, 'peaks', minutes * 60_000);
        expect(sorted(found)).toEqual(sorted(await query(middle(minutes * minuteUs))));
      }
      // Its input are the windows of the coarsest resolution that fits: five minutes.
      const outer = `SELECT v, count(*), sum(requests), max(peak) FROM (${middle(5 * minuteUs)}) GROUP BY v`;
      const found = await rowsOf(engine, 'busy', 300_000);
      expect(sorted(found.filter(row => row[1] !== 0))).toEqual(sorted(await query(outer)));
    });
  }

  async function pair(): Promise<{ log: MemoryLog; engine: Engine }> {
    const log = new MemoryLog();
    log.createStream('access');
    const engine = await openEngine(log);
    engines.push(engine);
    await engine.define({
      name: 'low',
      text: '-- every: 1m\nSELECT path, count(*) AS n FROM access GROUP BY path',
    });
    await engine.define({
      name: 'high',
      text: '-- every: 1m, 1h\nSELECT count(*) AS paths, sum(n) AS n FROM low',
    });
    return { log, engine };
  }

  test('send what a late event changes, with a higher revision', async () => {
    const { log, engine } = await pair();
    const changes: ViewChange[] = [];
    engine.onChange(change => changes.push(change));
    engine.watch('high', 3_600_000);
    log.append('access', 0, [{ _time: at(0), path: '/' }], startMs);
    await engine.settled();
    log.append('access', 0, [{ _time: at(600_000), path: '/b' }], startMs);
    await engine.settled();
    log.append('access', 0, [{ _time: at(1), path: '/late' }], startMs);
    await engine.settled();
    expect(
      changes.map(({ view, everyMs, wholeStartUs, rows }) => [
        view,
        everyMs,
        wholeStartUs === rows[0]!.startUs,
      ]),
    ).toEqual(changes.map(() => ['high', 3_600_000, true]));
    const revisions = changes.map(({ rows }) => rows[0]!.revision);
    expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
    expect(new Set(revisions).size).toBe(revisions.length);
    expect(changes.at(-1)!.rows[0]!.values).toEqual([3, 3]);
    expect(await rowsOf(engine, 'high', 60_000)).toEqual([
      [startMs * 1000, 2, 2],
      [(startMs + 600_000) * 1000, 1, 1],
    ]);
    const total = await engine.query({ view: 'high', everyMs: 'total' });
    expect(total.rows[0]!.values).toEqual([3, 3]);
  });

  test('follow another definition of the view under them, and say when they no longer can', async () => {
    const { log, engine } = await pair();
    log.append('access', 0, [{ _time: at(0), path: '/' }], startMs);
    await engine.settled();
    const version = async () => (await engine.views()).find(({ name }) => name === 'high')!;
    const before = await version();
    const text = '-- every: 1m\nSELECT path, count(*) * 10 AS n FROM access GROUP BY path';
    await engine.define({ name: 'low', text });
    await engine.settled();
    await expect.poll(async () => (await version()).version).not.toBe(before.version);
    expect((await rowsOf(engine, 'high', 60_000))[0]!.slice(1)).toEqual([1, 10]);
    await engine.define({ name: 'low', text: '-- every: 1m\nSELECT count(*) AS m FROM access' });
    await engine.settled();
    await expect
      .poll(version)
      .toMatchObject({ state: 'failed', error: expect.stringMatching(/no column "n"/) });
    await expect(rowsOf(engine, 'high', 60_000)).rejects.toMatchObject({ code: 'view-failed' });
    await engine.define({ name: 'low', text });
    await engine.settled();
    await expect.poll(version).toMatchObject({ state: 'live' });
    await engine.drop('low');
    expect(await version()).toMatchObject({ state: 'failed', error: 'The view "low" under it is gone.' });
    const failed = { code: 'view-failed', message: expect.stringMatching(/"low" under it is gone/) };
    await expect(rowsOf(engine, 'high', 60_000)).rejects.toMatchObject(failed);
    const page = { view: 'high', everyMs: 60_000, windowsMax: 1, rowsMax: 1 };
    await expect(engine.page(page)).rejects.toMatchObject(failed);
    await engine.drop('high');
    expect(await engine.views()).toEqual([]);
  });

  test('fail with a view at any depth under them, say which and why, and live again with it', async () => {
    const { log, engine } = await pair();
    const over = (name: string): string => `-- every: 1h\nSELECT sum(${name}) AS n FROM`;
    await engine.define({ name: 'higher', text: `${over('paths')} high` });
    await engine.define({ name: 'highest', text: `${over('n')} higher` });
    log.append('access', 0, [{ _time: at(0), path: '/' }], startMs);
    await engine.settled();
    const states = async () =>
      Object.fromEntries((await engine.views()).map(({ name, state, error }) => [name, error ?? state]));
    expect(await states()).toEqual({ low: 'live', high: 'live', higher: 'live', highest: 'live' });
    const low = (await engine.views()).find(({ name }) => name === 'low')!.sql;
    await engine.drop('low');
    const reason = 'The view "high" under it has failed: The view "low" under it is gone.';
    expect(await states()).toEqual({
      high: 'The view "low" under it is gone.',
      higher: reason,
      highest: reason,
    });
    expect((await engine.views()).map(({ state }) => state)).toEqual(['failed', 'failed', 'failed']);
    await engine.define({ name: 'low', text: low });
    await engine.settled();
    expect(await states()).toEqual({ low: 'live', high: 'live', higher: 'live', highest: 'live' });
    expect((await rowsOf(engine, 'highest', 3_600_000)).map(row => row.slice(1))).toEqual([[1]]);
  });

  test('are planned again later where the parser is busy when one under them changes', async () => {
    let isBusy = false;
    const log = new MemoryLog();
    log.createStream('access');
    const engine = await openEngine(log, {
      parseSql: async sql => {
        const isOver = sql.includes('FROM low');
        if (isBusy && isOver)
          throw new MillraceError('query-overloaded', 'busy', { status: 429, canRetry: true });
        return parseSql(sql);
      },
    });
    engines.push(engine);
    const low = (n: string) => ({ name: 'low', text: `-- every: 1m\nSELECT ${n} AS n FROM access` });
    await engine.define(low('count(*)'));
    await engine.define({ name: 'high', text: '-- every: 1m\nSELECT max(n) AS n FROM low' });
    log.append('access', 0, [{ _time: at(0) }], startMs);
    await engine.settled();
    const high = async () => (await engine.views()).find(({ name }) => name === 'high')!;
    const { version } = await high();
    isBusy = true;
    await engine.define(low('count(*) * 10'));
    await engine.settled();
    expect(await high()).toMatchObject({ version, state: 'live' });
    isBusy = false;
    await expect.poll(async () => (await high()).version).not.toBe(version);
    expect((await high()).state).toBe('live');
    expect((await rowsOf(engine, 'high', 60_000)).map(row => row[1])).toEqual([10]);
  });

  test('may not read each other in a circle', async () => {
    const { engine } = await pair();
    await expect(
      engine.define({ name: 'low', text: '-- every: 1m\nSELECT sum(paths) AS n FROM high' }),
    ).rejects.toMatchObject({ code: 'view-refused', context: { line: 2 } });
  });

  test('hold no more groups than their cap, and all rows', async () => {
    const { log, engine } = await pair();
    const capped = '-- every: 1h\n-- max groups: 10\nSELECT path, sum(n) AS n FROM low GROUP BY path';
    await engine.define({ name: 'capped', text: capped });
    const paths = Array.from({ length: 200 }, (_, index) => ({ _time: at(index * 1000), path: `/${index}` }));
    log.append('access', 0, paths, startMs);
    await engine.settled();
    const { rows } = await engine.query({ view: 'capped', everyMs: 3_600_000 });
    expect(rows).toHaveLength(11);
    expect(rows.reduce((sum, { values }) => sum + Number(values[1]), 0)).toBe(200);
    expect(rows.filter(({ overflow }) => overflow)).toHaveLength(1);
  });

  test('say in every resolution that a row under them stood for several groups', async () => {
    const log = new MemoryLog();
    log.createStream('access');
    const engine = await openEngine(log);
    engines.push(engine);
    const low = '-- every: 1s\n-- max groups: 2\nSELECT path, count(*) AS n FROM access GROUP BY path';
    await engine.define({ name: 'low', text: low });
    await engine.define({
      name: 'high',
      text: '-- every: 1s, 1m\nSELECT path, sum(n) AS n FROM low GROUP BY path',
    });
    log.append(
      'access',
      0,
      [...'aabbcde'].map(path => ({ _time: at(0), path })),
      startMs,
    );
    await engine.settled();
    for (const everyMs of [1000, 60_000]) {
      const { rows } = await engine.query({ view: 'high', everyMs });
      expect(rows.length).toBeGreaterThan(1);
      expect(rows.every(({ incomplete }) => incomplete)).toBe(true);
    }
  });

  test('show no window of which the beginning is no longer kept, at any depth', async () => {
    const log = new MemoryLog();
    log.createStream('access');
    const engine = await openEngine(log);
    engines.push(engine);
    await engine.define({
      name: 'ten',
      text: '-- every: 10s\n-- keep: 10s for 10m\nSELECT count(*) AS n FROM access',
    });
    await engine.define({ name: 'one', text: '-- every: 1m\nSELECT sum(n) AS n FROM "ten@10s"' });
    await engine.define({ name: 'five', text: '-- every: 5m\nSELECT sum(n) AS n FROM one' });
    log.append(
      'access',
      0,
      Array.from({ length: 65 }, (_, i) => ({ _time: at(5000 + i * 10_000) })),
      startMs,
    );
    log.append('access', 0, [{ _time: at(649_000) }], startMs);
    await engine.settled();
    // The first minute has lost its first ten seconds.
    expect((await rowsOf(engine, 'one', 60_000))[0]).toEqual([(startMs + 60_000) * 1000, 6]);
    expect(await rowsOf(engine, 'five', 300_000)).toEqual([
      [(startMs + 300_000) * 1000, 30],
      [(startMs + 600_000) * 1000, 6],
    ]);
    const keptFromUs = Object.fromEntries(
      (await engine.views()).map(view => [view.name, view.resolutions[0]!.keptFromUs]),
    );
    expect(keptFromUs).toEqual({
      ten: (startMs + 39_000) * 1000,
      one: (startMs + 60_000) * 1000,
      five: (startMs + 300_000) * 1000,
    });
  });

  test('keep a coarse window that their own finer ones have left', async () => {
    const log = new MemoryLog();
    log.createStream('access');
    const engine = await openEngine(log);
    engines.push(engine);
    await engine.define({ name: 'low', text: '-- every: 1s\n-- keep: 1d\nSELECT count(*) AS n FROM access' });
    await engine.define({
      name: 'high',
      text: '-- every: 1s, 1m\n-- keep: 1s for 10s, 1m for 1d\nSELECT sum(n) AS n FROM low',
    });
    for (const time of [1000, 2000, 600_000]) {
      log.append('access', 0, [{ _time: at(time) }], startMs);
      await engine.settled();
    }
    expect(await rowsOf(engine, 'high', 60_000)).toEqual([
      [startMs * 1000, 2],
      [(startMs + 600_000) * 1000, 1],
    ]);
  });

  for (let round = 0; round < rounds; round++) {
    test(`are whole or not there, and who watches holds what a query says (seed ${seed + round})`, async () => {
      const rng = new Rng(seed + round);
      const log = new MemoryLog();
      const partitions = 1 + rng.below(2);
      log.createStream('access', partitions);
      const engine = await openEngine(log, {
        cellsMax: rng.pick([20, 100_000]),
        publishMs: rng.pick([0, 1]),
      });
      engines.push(engine);
      const keep = rng.pick([60, 100, 250]);
      const texts = [
        `-- every: 10s\n-- keep: ${keep}s\n-- delay: 1s\nSELECT k, count(*) AS n FROM access GROUP BY k`,
        '-- every: 20s, 1m\nSELECT sum(n) AS n FROM "v0@10s" GROUP BY k',
        '-- every: 1m\nSELECT k, sum(n) AS n FROM "v0@10s" GROUP BY k',
        '-- window: 1m every 20s\nSELECT sum(n) AS n FROM "v0@10s"',
        '-- every: 2m\nSELECT sum(n) AS n FROM "v1@20s"',
        '-- every: 1m, 5m\nSELECT sum(n) AS n FROM v2 GROUP BY k',
        '-- every: 4m\nSELECT sum(n) AS n FROM v4',
      ];
      const held = new Map<string, Map<number, WindowRow[]>>();
      const asked: { view: string; everyMs: number; sizeUs: number; groups: boolean }[] = [];
      for (const [index, text] of texts.entries()) {
        const view = `v${index}`;
        const { resolutions, window } = await engine.define({ name: view, text });
        for (const { everyMs } of resolutions) {
          const sizeUs = (window.kind === 'hopping' ? window.sizeMs : everyMs) * 1000;
          asked.push({ view, everyMs, sizeUs, groups: text.includes('BY k') });
          engine.watch(view, everyMs);
          held.set(`${view} ${everyMs}`, new Map());
        }
      }
      const told: { view: string; everyMs: number; startUs: number }[] = [];
      engine.onChange(({ view, everyMs, rows, wholeStartUs, columns }) => {
        const windows = held.get(`${view} ${everyMs}`)!;
        if (columns) windows.clear();
        if (wholeStartUs !== undefined) told.push({ view, everyMs, startUs: wholeStartUs });
        if (wholeStartUs !== undefined) windows.set(wholeStartUs, rows);
        else {
          for (const row of rows) {
            const others = (windows.get(row.startUs) ?? []).filter(one => one.values[0] !== row.values[0]);
            windows.set(row.startUs, [...others, row]);
          }
        }
      });
      const events: { timeUs: number; k: string }[] = [];
      let time = 0;
      let gone = 0;
      for (let step = 0; step < 40; step++) {
        const partition = rng.below(partitions);
        const some = Array.from({ length: 1 + rng.below(10) }, () => {
          time += rng.below(5000);
          const late = rng.boolean(0.3) ? rng.below(keep * 700) : 0;
          return { ms: Math.max(0, time - late), k: rng.pick(['a', 'b']) };
        });
        log.append(
          'access',
          partition,
          some.map(({ ms, k }) => ({ _time: at(ms), k })),
          startMs + 1e9,
        );
        events.push(...some.map(({ ms, k }) => ({ timeUs: (startMs + ms) * 1000, k })));
        await engine.settled();
        const now = told.splice(0);
        for (const { view, everyMs, sizeUs, groups } of asked) {
          const { rows } = await engine.query({ view, everyMs, limit: 100_000 });
          const byStart = new Map<number, WindowRow[]>();
          for (const row of rows) byStart.set(row.startUs, [...(byStart.get(row.startUs) ?? []), row]);
          const { resolutions } = (await engine.views()).find(({ name }) => name === view)!;
          const cutUs = resolutions.find(one => one.everyMs === everyMs)!.keptFromUs ?? 0;
          if (cutUs > startMs * 1000) gone++;
          for (const one of now) {
            if (one.view !== view || one.everyMs !== everyMs) continue;
            expect(byStart.has(one.startUs), `${view}@${everyMs} ${one.startUs}`).toBe(true);
          }
          for (const { timeUs } of sizeUs === everyMs * 1000 ? events : []) {
            const startUs = timeUs - (timeUs % sizeUs);
            if (startUs + sizeUs > cutUs)
              expect(byStart.has(startUs), `${view}@${everyMs} ${startUs}`).toBe(true);
          }
          for (const [startUs, own] of byStart) {
            const inside = events.filter(({ timeUs }) => timeUs >= startUs && timeUs < startUs + sizeUs);
            const counts = ['a', 'b'].map(k => inside.filter(one => one.k === k).length).filter(n => n > 0);
            const all = groups ? counts : [inside.length];
            const place = `${view}@${everyMs} ${startUs / 1e6 - startMs / 1000}`;
            expect(own.map(({ values }) => Number(values.at(-1))).sort(), place).toEqual(all.sort());
            expect(startUs + sizeUs, place).toBeGreaterThan(cutUs);
            const shown = (one: readonly WindowRow[]) =>
              one.map(({ values }) => JSON.stringify(values)).sort();
            expect(shown(held.get(`${view} ${everyMs}`)!.get(startUs) ?? []), place).toEqual(shown(own));
          }
        }
      }
      expect(gone).toBeGreaterThan(0);
    });
  }
});
