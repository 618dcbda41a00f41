// docs/views.md says what is true: its examples plan, run and give rows; its tables name every function and aggregate.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { aggregateRules } from './bind/aggregates.ts';
import type { KnownView } from './bind/catalog.ts';
import { scalarFunctions } from './functions/registry.ts';
import { urlMacros } from './functions/url-sql.ts';
import { duckdb, planOf, query } from './plan.fixture.ts';
import { planSql } from './sql/plan-sql.ts';
import { parseViewFile } from './view-file.ts';

const guide = readFileSync(new URL('../../../docs/views.md', import.meta.url), 'utf8');
const examples = [...guide.matchAll(/```sql\n(.*?)```/gs)].map(match => match[1]!);

const events = `(SELECT TIMESTAMP '2026-01-01 10:00:00' + to_seconds(i) AS _time, (CASE WHEN i % 3 = 0 THEN 500 ELSE 200 END)::BIGINT AS status,
  i * 100 AS bytes, '10.0.0.' || i % 3 AS ip, 'GET' AS method, '/p?utm_campaign=c' || i % 2 AS path, i / 4.0::DOUBLE AS seconds,
  'Mozilla Firefox' AS agent, 'u' || i % 2 AS "user", {'host': 'h'} AS request, 'x' AS "user-agent" FROM range(40) AS t(i))`;
const types: Record<string, string> = {
  status: 'BIGINT',
  bytes: 'BIGINT',
  ip: 'VARCHAR',
  method: 'VARCHAR',
  path: 'VARCHAR',
  seconds: 'DOUBLE',
  agent: 'VARCHAR',
  user: 'VARCHAR',
  request: 'STRUCT(host VARCHAR)',
  'user-agent': 'VARCHAR',
};
const columns = Object.entries(types).map(([name, type]) => ({ name, type }));
const countries = {
  from: "(SELECT '10.0.0.1' AS ip, 'NL' AS country)",
  columns: [
    { name: 'ip', type: 'VARCHAR' },
    { name: 'country', type: 'VARCHAR' },
  ],
};

const requestsByPath: KnownView = {
  columns: [
    { name: 'path', type: 'VARCHAR', role: 'group' },
    { name: 'requests', type: 'BIGINT', role: 'value' },
  ],
  window: { kind: 'tumbling', everyMs: [60_000] },
  keepMs: [{ everyMs: 60_000, keepMs: null }],
  views: ['requests_by_path'],
};

describe("the guide's examples", () => {
  beforeAll(async () => {
    for (const macro of urlMacros) await (await duckdb()).run(macro);
  });

  it('are there', () => expect(examples.length).toBeGreaterThanOrEqual(8));

  for (const schema of [undefined, columns]) {
    it.each(examples)(
      `plan ${schema ? 'with' : 'without'} a learned schema and give rows: %s`,
      async text => {
        const plan = await planOf(text, {
          schema: () => schema,
          lookups: name => (name === 'countries' ? countries.columns : undefined),
          views: name => (name === 'requests_by_path' ? requestsByPath : undefined),
        });
        const sql = planSql(plan, { events: () => ({ from: events, columns }), lookup: () => countries });
        const rows = await query(sql);
        expect(rows.length).toBeGreaterThan(0);
        expect(rows[0]).toHaveLength(plan.outputs.length + 2);
      },
    );
  }
});

describe("the guide's tables", () => {
  /** Everything in code spans, with the table's escape of | undone. */
  const spans = [...guide.replaceAll(/```.*?```/gs, '').matchAll(/`([^`]+)`/g)]
    .map(match => match[1]!.replaceAll('\\|', '|'))
    .join(' ');
  const names = new Set(spans.toLowerCase().match(/[a-z_][a-z_0-9]*|[^\sa-z0-9_(),'"]+/g));
  const phrases = spans.toLowerCase();

  it('name every function', () => {
    const missing = scalarFunctions
      .map(({ name }) => name)
      .filter(name => !names.has(name) && !phrases.includes(name));
    expect(missing).toEqual([]);
  });

  it('name every aggregate', () => {
    expect(aggregateRules.map(({ function: name }) => name).filter(name => !names.has(name))).toEqual([]);
  });

  it('name the defaults that hold', () => {
    const row = (key: string) =>
      guide
        .split('\n')
        .find(line => line.startsWith(`| \`${key}`))!
        .split('|')[2]!
        .trim();
    const header = ['every', 'delay', 'lateness', 'ahead', 'max groups'].map(
      key => `-- ${key}: ${row(key).replaceAll('`', '')}\n`,
    );
    const { positions: _, ...said } = parseViewFile('v', `${header.join('')}SELECT 1`);
    const { positions: __, ...defaults } = parseViewFile('v', 'SELECT 1');
    expect(said).toEqual(defaults);
  });
});
