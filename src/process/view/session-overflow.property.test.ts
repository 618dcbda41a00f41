// Sessions beyond the cap of groups: whatever the order, partitions and crashes, each event is in one row, a row that says nothing else
// is what DuckDB says of the same events, ranges make up the whole, and live changes lead to what a query says.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import { at, killable, MemoryLog, openEngine, startMs } from '../engine/engine.fixture.ts';
import type { Engine } from '../engine.ts';
import { planOf, query } from '../plan/plan.fixture.ts';
import { planSql } from '../plan/sql/plan-sql.ts';
import type { ViewChange, WindowRow } from '../view.ts';

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 8);
const seed = Number(process.env['MILLRACE_SEED'] ?? 20260301);

const columns = [
  { name: '_time', type: 'TIMESTAMP' },
  { name: 'who', type: 'VARCHAR' },
  { name: 'page', type: 'VARCHAR' },
  { name: 'bytes', type: 'BIGINT' },
];
const schema = () => columns;
const gapMs = 10_000;

const texts = [
  'SELECT who, count(*) AS n, sum(bytes) AS s, first(page) AS f FROM access GROUP BY who',
  'SELECT who, page, count(*) AS n, sum(bytes) AS s FROM access GROUP BY ALL',
].map(select => `-- session: 10s by who\n-- keep: forever\n-- max groups: 12\n${select}`);

/** As `texts`, views that leave sessions out, and some that do not show all of their groups. */
const watched = [
  ...texts,
  `${texts[0]!} HAVING count(*) < 3`,
  `${texts[1]!} ORDER BY n DESC LIMIT 1`,
  ...['', ' HAVING count(*) < 3'].map(having => texts[0]!.replace(/BY who$/, `BY who, page${having}`)),
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-sessions-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Some users come all the time; in rushes there are many more than the cap, and between them it is quiet. */
function randomEvents(rng: Rng, count: number): object[] {
  let time = 0;
  return Array.from({ length: count }, () => {
    const isRush = Math.floor(time / 60_000) % 2 === 1;
    time += rng.below(isRush ? 300 : 4000);
    const late = rng.boolean(0.2) ? rng.below(40_000) : 0;
    const user = isRush && rng.boolean(0.7) ? `r${rng.below(60)}` : `u${rng.below(4)}`;
    return {
      _time: at(time - late),
      who: rng.boolean(0.05) ? null : user,
      page: rng.pick(['/', '/a', '/b']),
      bytes: rng.below(1000),
    };
  });
}

const shown = (row: WindowRow): string =>
  JSON.stringify([row.startUs, row.endUs, row.values, row.overflow ?? false, row.incomplete ?? false]);

/** Rows as one who watches holds them. */
class Watcher {
  readonly changes: ViewChange[] = [];
  private rows: WindowRow[] = [];

  /** Who is the first column of all. */
  private keyOf({ overflow, values }: WindowRow): string {
    return overflow ? 'overflow' : JSON.stringify(values[0]);
  }

  /** Takes in what was sent; `all` is asked where it says so. */
  async held(all: () => Promise<WindowRow[]>): Promise<WindowRow[]> {
    for (const change of this.changes.splice(0)) {
      if (change.columns) {
        this.rows = await all();
        continue;
      }
      expect(change).toMatchObject({ overlapping: true, by: ['who'] });
      for (const row of change.rows) {
        this.rows = this.rows.filter(
          held =>
            this.keyOf(held) !== this.keyOf(row) || held.endUs <= row.startUs || row.endUs <= held.startUs,
        );
      }
      this.rows.push(...change.rows.filter(({ gone }) => !gone));
    }
    return this.rows;
  }
}

const totals = (rows: readonly (readonly unknown[])[], at: number): number =>
  rows.reduce((sum, row) => sum + Number(row[at]), 0);

test(`nothing is lost or counted twice, and what is not exact says so (seed ${seed})`, async () => {
  let [exact, overflowing, incomplete] = [0, 0, 0];
  for (let round = 0; round < rounds; round++) {
    const rng = new Rng(seed + round);
    const events = randomEvents(rng, 200 + rng.below(700));
    const partitions = 1 + rng.below(2);
    const log = new MemoryLog();
    log.createStream('access', partitions);
    const kept = createMemoryState();
    let life = killable(kept);
    const settings = () => ({
      publishMs: rng.pick([0, 1]),
      commitMs: rng.pick([0, 2, 1e9]),
      cellsMax: rng.pick([20, 100_000]),
    });
    let engine: Engine = await openEngine(log, { state: life.state, schema, ...settings() });
    for (const [i, text] of texts.entries()) await engine.define({ name: `v${i}`, text });
    for (let sent = 0; sent < events.length; ) {
      const count = 1 + rng.below(rng.pick([3, 50, 300]));
      log.append('access', rng.below(partitions), events.slice(sent, sent + count), startMs);
      sent += count;
      if (rng.boolean(0.3)) await engine.settled();
      if (rng.boolean(0.2)) {
        life.kill();
        await engine.close().catch(() => {});
        life = killable(kept);
        engine = await openEngine(log, { state: life.state, schema, ...settings() });
      }
    }
    await engine.settled();
    const file = join(folder, `${round}.ndjson`);
    writeFileSync(file, events.map(event => `${JSON.stringify(event)}\n`).join(''));
    const types = `{${columns.map(({ name, type }) => `"${name}": '${type}'`).join(', ')}}`;
    const from = `(SELECT * FROM read_json('${file}', format = 'newline_delimited', columns = ${types}))`;
    for (const [i, text] of texts.entries()) {
      const groups = i + 1;
      const sql = planSql(await planOf(text, { schema }), { events: () => ({ from, columns }) });
      const batch = (await query(sql)).map(row =>
        row.map(value => (typeof value === 'bigint' ? Number(value) : value)),
      );
      const { rows } = await engine.query({ view: `v${i}`, limit: 100_000 });
      const values = rows.map(row => row.values);
      expect(totals(values, groups)).toBe(events.length);
      expect(totals(values, groups + 1)).toBe(totals(batch, groups + 3));
      const wanted = new Set(
        batch.map(([start, end, ...rest]) => JSON.stringify([timeUs(start), timeUs(end), ...rest])),
      );
      for (const row of rows) {
        if (row.overflow) overflowing++;
        else if (row.incomplete) incomplete++;
        else {
          exact++;
          expect(wanted).toContain(JSON.stringify([row.startUs, row.endUs, ...row.values]));
        }
      }
      expect(rows.every(row => !row.overflow || row.values.slice(0, groups).every(one => one === null))).toBe(
        true,
      );
      // Cut anywhere, also within a session or a pane.
      const parts: WindowRow[] = [];
      let fromUs = Number.NEGATIVE_INFINITY;
      for (let cut = -60_000; cut < 1_000_000; cut += 1 + rng.below(50_000)) {
        const toUs = (startMs + cut) * 1000 + rng.below(3);
        parts.push(...(await engine.query({ view: `v${i}`, fromUs, toUs, limit: 100_000 })).rows);
        fromUs = toUs;
      }
      parts.push(...(await engine.query({ view: `v${i}`, fromUs, limit: 100_000 })).rows);
      expect(parts).toEqual(rows);
      expect(await paged(engine, `v${i}`, 1 + rng.below(30))).toEqual(rows);
      expect(await listed(engine, `v${i}`, 1 + rng.below(30))).toEqual(rows);
    }
    await engine.close();
  }
  expect(exact).toBeGreaterThan(rounds * 10);
  expect(overflowing).toBeGreaterThan(rounds);
  expect(incomplete).toBeGreaterThan(rounds);
});

/** All rows, page by page of so many starts. */
async function paged(engine: Engine, view: string, windowsMax: number): Promise<WindowRow[]> {
  const rows: WindowRow[] = [];
  for (let fromUs: number | undefined = Number.NEGATIVE_INFINITY; fromUs !== undefined; ) {
    const page = await engine.page({ view, everyMs: gapMs, fromUs, rowsMax: 20, windowsMax });
    expect(page.lastUs).toBeGreaterThanOrEqual(page.nextUs ?? page.rows.at(-1)!.startUs);
    rows.push(...page.rows);
    fromUs = page.nextUs;
  }
  return rows;
}

/** All rows, so many at a time. */
async function listed(engine: Engine, view: string, limit: number): Promise<WindowRow[]> {
  const rows: WindowRow[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page = await engine.query({ view, limit, ...(cursor === '' ? {} : { cursor }) });
    rows.push(...page.rows);
    cursor = page.next;
  }
  return rows;
}

const timeUs = (value: unknown): number =>
  Number((value as { micros?: bigint }).micros ?? Date.parse(String(value)) * 1000);

test(`who watches holds what a query says, over partitions too (seed ${seed})`, async () => {
  let replaced = 0;
  for (let round = 0; round < rounds; round++) {
    const rng = new Rng(seed + round);
    const events = randomEvents(rng, 300);
    const partitions = 1 + rng.below(2);
    const log = new MemoryLog();
    log.createStream('access', partitions);
    // Where it is published seldom, a flush holds events of every partition.
    const options = { publishMs: rng.pick([1, 500]), cellsMax: rng.pick([20, 100_000]) };
    const engine = await openEngine(log, { schema, ...options });
    const watchers = watched.map(() => new Watcher());
    for (const [i, text] of watched.entries()) {
      await engine.define({ name: `v${i}`, text });
      engine.watch(`v${i}`, gapMs);
    }
    engine.onChange(change => {
      watchers[Number(change.view.slice(1))]!.changes.push(change);
      if (change.columns) replaced++;
    });
    for (let sent = 0; sent < events.length; ) {
      const count = 1 + rng.below(40);
      const some = events.slice(sent, sent + count);
      for (let p = 0; p < partitions; p++) {
        const mine = some.filter((_, i) => i % partitions === p);
        if (mine.length > 0) log.append('access', p, mine, startMs);
      }
      sent += count;
      await engine.settled();
      for (const [i, watcher] of watchers.entries()) {
        const all = async () => (await engine.query({ view: `v${i}`, limit: 100_000 })).rows;
        const held = await watcher.held(all);
        expect(held.map(shown).sort()).toEqual((await all()).map(shown).sort());
      }
    }
    await engine.close();
  }
  expect(replaced).toBeGreaterThan(0);
});
