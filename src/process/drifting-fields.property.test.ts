// A field whose values are of several types means the same to the engine and to a batch run, whatever the batches: its
// column in the history is JSON, and an audit over it finds no difference.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { auditView } from './audit/audit-view.ts';
import type { AuditReport } from './audit-report.ts';
import { at, MemoryLog, openEngine, startMs } from './engine/engine.fixture.ts';
import { duckdb, planOf } from './plan/plan.fixture.ts';
import type { ViewValue } from './view.ts';

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 4);
const seed = Number(process.env['MILLRACE_SEED'] ?? 20261123);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-mixed-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const columns = [
  { name: '_time', type: 'TIMESTAMP' },
  { name: 'v', type: 'JSON' },
  { name: 'w', type: 'JSON' },
  { name: 'n', type: 'BIGINT' },
];

const views = [
  'SELECT v, count(*) AS c, sum(n) AS s, count(v) AS there FROM s GROUP BY v',
  'SELECT first(v) AS f, last(v) AS l, min(v) AS lo, max(v) AS hi, arg_min(v, n) AS a, arg_max(n, v) AS b FROM s',
  'SELECT n % 3 AS g, min(v) AS lo, max(v) AS hi, last(v) AS l, count(DISTINCT v) AS d FROM s GROUP BY 1',
  'SELECT v, max(n) AS hi FROM s GROUP BY v HAVING count(*) > 1 ORDER BY count(*) DESC, v LIMIT 4',
  'SELECT lower(v) AS t, count(*) AS c FROM s WHERE v IS NOT NULL GROUP BY 1',
  'SELECT approx_top_k(v, 3) AS top, sample(v, 4) AS some_, approx_count_distinct(v) AS d FROM s',
  // Sums of numbers that cancel each other out are exact in the engine alone.
  'SELECT sum(v) AS s, avg(v) AS m FROM s WHERE abs(v) < 1e6',
  "SELECT count_if(v > 2) AS more, count_if(v = 'a') AS a, bool_or(v) AS any_ FROM s",
  'SELECT greatest(v, w) AS g, least(v, w) AS l, count(*) AS c FROM s GROUP BY 1, 2',
  'SELECT count_if(v < w) AS a, count_if(v = w) AS b, count_if(v IS DISTINCT FROM w) AS c, last(nullif(v, w)) AS d FROM s',
  'SELECT coalesce(v, w) AS x, count(*) AS c FROM s GROUP BY 1',
  "SELECT v || '!' AS t, count(*) AS c FROM s GROUP BY 1",
  'SELECT v, CAST(v AS DOUBLE) AS d, count(*) AS c FROM s GROUP BY v, d',
];

const values = [
  '1',
  '1.0',
  '"1"',
  '2.5',
  '"2.5"',
  '-7',
  '0',
  '1e3',
  '1e16',
  '-1.5e20',
  '1e21',
  '9007199254740994.0',
  '1.25e-5',
  '-1e-7',
  '9007199254740993',
  '9007199254740992',
  '"9007199254740993"',
  '-9223372036854775809',
  '18446744073709551616',
  '123456789012345678901234567890',
  '"a"',
  '"A"',
  '""',
  '"é😀"',
  '"\\u0041"',
  '"true"',
  'true',
  'false',
  'null',
  '{"a":1}',
  '[1,"x"]',
];

function randomEvents(rng: Rng): string[] {
  const some = values.filter(() => rng.boolean(0.6));
  return Array.from({ length: 200 }, (_, i) => {
    const v = some.length === 0 || rng.boolean(0.1) ? '' : `"v":${rng.pick(some)},`;
    const w = some.length === 0 || rng.boolean(0.3) ? '' : `"w":${rng.pick(some)},`;
    return `{"_time":"${at(i * 900 - rng.below(3000))}",${v}${w}"n":${rng.below(50)}}`;
  });
}

async function audit(rng: Rng, view: string, events: readonly string[]): Promise<AuditReport> {
  const log = new MemoryLog();
  log.createStream('s');
  for (let i = 0; i < events.length; ) {
    const next = i + 1 + rng.below(60);
    log.append('s', 0, events.slice(i, next), startMs + i);
    i = next;
  }
  const text = `-- every: 10s, 1m\n${view}`;
  const engine = await openEngine(log, { schema: () => columns });
  try {
    await engine.define({ name: 'v', text });
    const file = join(folder, `${rng.below(2 ** 31)}.ndjson`);
    writeFileSync(file, events.map(event => `${event}\n`).join(''));
    const types = `{${columns.map(({ name, type }) => `"${name}": '${type}'`).join(', ')}}`;
    const from = `(SELECT * FROM read_json('${file}', format = 'newline_delimited', columns = ${types}))`;
    return await auditView({
      engine,
      plan: await planOf(text, { schema: () => columns }, 'v'),
      history: async () => ({ events: () => ({ from, columns }) }),
      runSql: async sql => (await (await duckdb()).runAndReadAll(sql)).getRowsJson() as ViewValue[][],
    });
  } finally {
    await engine.close();
  }
}

test.each(views)('%s', async view => {
  for (let round = 0; round < rounds; round++) {
    const rng = new Rng(seed + round);
    const report = await audit(rng, view, randomEvents(rng));
    expect(report.differences, `seed ${seed + round}`).toEqual([]);
    expect(report.rows).toBeGreaterThan(0);
  }
});
