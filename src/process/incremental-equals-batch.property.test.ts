// The master law: whatever the order, batching, partitioning and crashes, a view's windows equal DuckDB running the same
// SELECT over the same events grouped by window.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { createMemoryState } from '../store/state-memory.ts';
import { killable, MemoryLog, openEngine, startMs } from './engine/engine.fixture.ts';
import type { Engine } from './engine.ts';
import { planOf, query } from './plan/plan.fixture.ts';
import { planSql } from './plan/sql/plan-sql.ts';

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 6);
const seed = Number(process.env['MILLRACE_SEED'] ?? 20260101);

interface Event {
  _time: string;
  status?: number | null;
  path: string;
  bytes?: number | null;
  latency: number;
  ok?: boolean | null;
  user?: string | null;
}

const columnTypes = [
  { name: '_time', type: 'TIMESTAMP' },
  { name: 'status', type: 'BIGINT' },
  { name: 'path', type: 'VARCHAR' },
  { name: 'bytes', type: 'BIGINT' },
  { name: 'latency', type: 'DOUBLE' },
  { name: 'ok', type: 'BOOLEAN' },
  { name: 'user', type: 'VARCHAR' },
];
const columns = `{${columnTypes.map(({ name, type }) => `"${name}": '${type}'`).join(', ')}}`;

/** Views by their parts, so that the oracle's SQL is put together without the engine's planner. */
const views = [
  {
    group: 'status, path',
    select: `count(*) AS n, count(bytes) AS c, sum(bytes) AS s, min(latency) AS lo, max(latency) AS hi,
      avg(latency) AS mean, bool_and(ok) AS every, bool_or(ok) AS some_, count_if(latency > 5) AS slow,
      count(DISTINCT "user") AS users, max("user") AS last_user, min("user") AS first_user`,
    where: "path <> '/skipped'",
  },
  {
    group: '',
    select: `count(*) AS n, stddev_samp(latency) AS sd, var_pop(latency) AS vp, corr(bytes, latency) AS co,
      covar_pop(bytes, latency) AS cp, covar_samp(bytes, latency) AS cs, arg_max(path, latency) AS worst,
      arg_min(path, latency) AS best, sum(bytes) FILTER (WHERE status >= 400) AS lost, sum(latency * 2 + 1) AS t`,
    where: '',
  },
  {
    group: `lower(path), CASE WHEN status >= 500 THEN 'bad' WHEN status IS NULL THEN 'none' ELSE 'good' END`,
    select: 'count(*) AS n, max(bytes) - min(bytes) AS spread, avg(bytes) AS mean, max(_time) AS at',
    where: 'status IS NOT NULL OR bytes > 100',
  },
  { group: 'ok', select: 'count(*) AS n, sum(bytes + 1) AS s', where: 'latency < 8', having: 'count(*) > 1' },
  // A single text is told by its code in the field's dictionary.
  { group: 'path', select: 'count(*) AS n, max(latency) AS hi', where: '' },
  { group: '"user"', select: 'count(*) AS n, sum(bytes) AS s', where: '' },
];

/** Views whose windows SQL has no short words for: the planner's own SQL is the oracle. */
const planned = [
  `-- session: 7s by who
   SELECT "user" AS who, path, count(*) AS n, sum(bytes) AS s, first(latency) AS f FROM access GROUP BY ALL`,
  `-- session: 20s by ok
   SELECT ok, count(*) AS n, max(latency) AS hi, last(path) AS p FROM access WHERE latency > 1 GROUP BY ok`,
  `-- window: 1m every 20s
   SELECT status, count(*) AS n, sum(bytes) AS s, first(path) AS f, last(path) AS l FROM access GROUP BY status`,
];

const everyMs = [5000, 60_000];
const groupColumns = (group: string): string[] =>
  group === '' ? [] : group.split(/,(?![^(]*\))/).map((part, i) => `${part.trim()} AS g${i}`);

function viewText(view: (typeof views)[number]): string {
  return `-- every: 5s, 1m\n-- keep: 5s for 100y, 1m for 100y\nSELECT ${[...groupColumns(view.group), view.select].join(', ')} FROM access
    ${view.where ? `WHERE ${view.where}` : ''} ${view.group ? 'GROUP BY ALL' : ''}
    ${'having' in view ? `HAVING ${view.having}` : ''}`;
}

/** With a cap: nothing is lost, and a row that does not say otherwise is exact. */
const cappedText = `-- every: 1m
-- keep: 1m for 100y
-- max groups: 12
SELECT path, "user" AS who, count(*) AS n, sum(bytes) AS s FROM access GROUP BY ALL`;

const keepLong = (text: string): string => {
  const length = /(?:session: |every )(\d+s)/.exec(text)![1];
  return text.replace('\n', `\n-- keep: ${length} for 100y\n`);
};

function oracleText(view: (typeof views)[number], file: string, every: number): string {
  const window = `epoch_us(_time) // ${every * 1000} * ${every * 1000}`;
  return `SELECT ${[`${window} AS w`, ...groupColumns(view.group), view.select].join(', ')}
    FROM read_json('${file}', format = 'newline_delimited', columns = ${columns})
    ${view.where ? `WHERE ${view.where}` : ''} GROUP BY ALL ${'having' in view ? `HAVING ${view.having}` : ''}`;
}

function randomEvents(rng: Rng, count: number): Event[] {
  let time = startMs;
  return Array.from({ length: count }, (_, i) => {
    time += rng.below(800);
    // Mostly in order, some late by up to minutes.
    const late = rng.boolean(0.2) ? rng.below(120_000) : 0;
    const event: Event = {
      _time: new Date(time - late).toISOString(),
      path: rng.pick(['/', '/A', '/a', '/b c', '/ü', '/skipped', '/"q"', '/\u{1f600}']),
      // Unique, so that arg_min and arg_max have no ties to break.
      latency: Math.round(rng.float() * 1000) / 100 + i * 1e-7,
    };
    if (rng.boolean(0.9)) event.status = rng.pick([200, 200, 200, 404, 500, null]);
    if (rng.boolean(0.9)) event.bytes = rng.boolean(0.1) ? null : rng.below(1_000_000);
    if (rng.boolean(0.8)) event.ok = rng.pick([true, false, null]);
    if (rng.boolean(0.9)) event.user = rng.boolean(0.1) ? null : `u${rng.below(30)}`;
    return event;
  });
}

const plain = (value: unknown): unknown => {
  if (typeof value === 'bigint') return Number(value);
  if (value !== null && typeof value === 'object' && 'micros' in value) return Number(value.micros) / 1000;
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return Date.parse(value);
  return value;
};

const keyOf = (row: unknown[], groups: number): string => JSON.stringify(row.slice(0, groups + 1));

function expectSame(actual: unknown[][], expected: unknown[][], groups: number): void {
  const wanted = new Map(expected.map(row => [keyOf(row, groups), row]));
  expect(actual.map(row => keyOf(row, groups)).sort()).toEqual([...wanted.keys()].sort());
  for (const row of actual) {
    const other = wanted.get(keyOf(row, groups))!;
    row.forEach((value, i) => {
      const want = other[i];
      if (
        typeof value === 'number' &&
        typeof want === 'number' &&
        !(Number.isInteger(value) && Number.isInteger(want))
      ) {
        expect(Math.abs(value - want)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(want)));
      } else if (typeof want === 'number' && Number.isNaN(want)) expect(value).toBeNull();
      else expect(value, `column ${i} of ${JSON.stringify(row)}`).toEqual(want);
    });
  }
}

describe('incremental equals batch', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-batch-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  for (let round = 0; round < rounds; round++) {
    test(`seed ${seed + round}`, async () => {
      const rng = new Rng(seed + round);
      const events = randomEvents(rng, 50 + rng.below(900));
      const partitions = 1 + rng.below(3);
      const log = new MemoryLog();
      log.createStream('access', partitions);
      const kept = createMemoryState();
      // Where a read takes few of the events that wait, commits come between the reads.
      const [batchMax, readBytes] = rng.pick([
        [10, 3000],
        [700, 4_000_000],
      ] as const);
      const settings = () => ({
        publishMs: rng.pick([0, 1, 5]),
        commitMs: rng.pick([0, 2, 1e9]),
        readBytes,
        cellsMax: rng.pick([20, 200, 100_000]),
      });
      let life = killable(kept);
      const schema = () => columnTypes;
      let engine: Engine = await openEngine(log, { state: life.state, schema, ...settings() });
      for (const [i, view] of views.entries()) await engine.define({ name: `v${i}`, text: viewText(view) });
      for (const [i, text] of planned.entries()) await engine.define({ name: `p${i}`, text: keepLong(text) });
      await engine.define({ name: 'capped', text: cappedText });
      const changing = (select: string) => ({
        name: 'changing',
        text: `-- every: 1m\n-- keep: 1m for 100y\nSELECT ${select} FROM access`,
      });
      await engine.define(changing('count(*) AS n'));
      const changeAt = rng.below(events.length);
      let isChanged = false;
      for (let sent = 0; sent < events.length; ) {
        const count = 1 + rng.below(rng.pick([3, 50, 700]));
        const partition = rng.below(partitions);
        for (const end = Math.min(events.length, sent + count); sent < end; ) {
          const batch = events.slice(sent, Math.min(end, sent + batchMax));
          log.append('access', partition, batch, startMs);
          sent += batch.length;
        }
        if (rng.boolean(0.3)) await engine.settled();
        else if (rng.below(3) === 0) await new Promise(resolve => setTimeout(resolve, rng.below(4)));
        if (sent > changeAt && !isChanged) {
          await engine.define(changing('sum(bytes) AS s, max(latency) AS m'));
          isChanged = true;
        }
        if (rng.boolean(0.15)) {
          await new Promise(resolve => setTimeout(resolve, rng.below(10)));
          // Or an ordinary end, which leaves everything committed.
          if (rng.boolean()) life.kill();
          await engine.close().catch(() => {});
          life = killable(kept);
          engine = await openEngine(log, { state: life.state, schema, ...settings() });
        }
      }
      await engine.settled();
      const file = join(folder, `${round}.ndjson`);
      writeFileSync(file, events.map(event => `${JSON.stringify(event)}\n`).join(''));
      for (const [i, view] of views.entries()) {
        for (const every of everyMs) {
          const { rows } = await engine.query({ view: `v${i}`, everyMs: every });
          const actual = rows.map(({ startUs, values }) => [startUs, ...values].map(plain));
          const expected = (await query(oracleText(view, file, every))).map(row => row.map(plain));
          expectSame(actual, expected, groupColumns(view.group).length);
        }
      }
      for (const [i, text] of planned.entries()) {
        const plan = await planOf(keepLong(text), { schema });
        const from = `(SELECT * FROM read_json('${file}', format = 'newline_delimited', columns = ${columns}))`;
        const sql = planSql(plan, { events: () => ({ from, columns: columnTypes }) });
        const expected = (await query(sql)).map(row => row.map(plain));
        const { rows } = await engine.query({ view: `p${i}`, limit: 100_000 });
        expect(expected.length).toBeGreaterThan(0);
        const actual = rows.map(({ startUs, endUs, values }) => [startUs / 1000, endUs / 1000, ...values]);
        expectSame(actual, expected, 1 + plan.sources[0]!.groups.length);
      }
      if (isChanged) {
        const sums = await query(`SELECT epoch_us(_time) // 60000000 * 60000000 AS w, sum(bytes), max(latency)
          FROM read_json('${file}', format = 'newline_delimited', columns = ${columns}) GROUP BY w ORDER BY w`);
        const changed = await engine.query({ view: 'changing' });
        const found = changed.rows.map(({ startUs, values }) => [startUs, ...values]);
        expect(found).toEqual(sums.map(row => row.map(plain)));
        expect((await engine.views()).find(({ name }) => name === 'changing')!.state).toBe('live');
      }
      const exact = `SELECT epoch_us(_time) // 60000000 * 60000000 AS w, path, "user" AS who, count(*), sum(bytes)
        FROM read_json('${file}', format = 'newline_delimited', columns = ${columns}) GROUP BY ALL`;
      const wanted = (await query(exact)).map(row => row.map(plain));
      const { rows } = await engine.query({ view: 'capped' });
      const counted = (startUs: unknown, all: unknown[][]): number =>
        all.reduce((sum, row) => sum + (row[0] === startUs ? (row[3] as number) : 0), 0);
      const shown = rows.map(({ startUs, values }) => [startUs, ...values]);
      for (const startUs of new Set(wanted.map(row => row[0]))) {
        expect(counted(startUs, shown)).toBe(counted(startUs, wanted));
      }
      const unflagged = shown.filter((_, i) => !rows[i]!.overflow && !rows[i]!.incomplete);
      const keys = new Map(wanted.map(row => [keyOf(row, 2), row]));
      for (const row of unflagged) expect(row).toEqual(keys.get(keyOf(row, 2)));
      await engine.close();
    });
  }
});
