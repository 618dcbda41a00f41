import { describe, expect, it } from 'vitest';
import { duckdb, parseSql, planOf, query } from '../plan.fixture.ts';
import { columnName } from './column-name.ts';
import { keywords } from './keywords.ts';

const items = [
  'count(*)',
  'count()',
  'COUNT(a)',
  'Sum(A)',
  'count(DISTINCT a)',
  'sum(a) FILTER (WHERE b)',
  'a + 1',
  '-a',
  '(a + 1) * 2 - 3 % a',
  'a // 2',
  'a ^ 2',
  'a::INTEGER',
  'TRY_CAST(a AS BIGINT)',
  'CAST(a AS DECIMAL(10, 2))',
  'ts::DATE',
  "CASE WHEN a = 1 THEN 'x' ELSE s END",
  'CASE a WHEN 1 THEN 2 WHEN 3 THEN 4 END',
  'IF(b, 1, 2)',
  'a BETWEEN 1 AND 2',
  'a NOT BETWEEN 1 AND 2',
  'a IN (1, 2)',
  'a NOT IN (1, 2)',
  "s LIKE 'x%'",
  "s NOT LIKE 'x%'",
  "s ILIKE 'it''s'",
  "s ~ 'x'",
  'a IS NULL',
  'a IS NOT NULL',
  'NOT b',
  'b AND b OR b',
  'a > 1 AND a < 5 AND b',
  'coalesce(a, 1)',
  'ifnull(a, 1)',
  'nullif(a, 1)',
  'extract(hour FROM ts)',
  "date_trunc('hour', ts)",
  'hour(ts)',
  "s || 'x'",
  'st.c.d',
  't.a',
  'approx_quantile(a, [0.5, 0.9])',
  'lower(s)',
  'first(a ORDER BY ts DESC)',
  'a <> 1',
  'a IS DISTINCT FROM 1',
  'round(avg(a), 2)',
  'avg(a) * 100.50',
  'substring(s FROM 1 FOR 2)',
  'trim(s)',
  "position('b' IN s)",
  '1.5',
  '-5',
  '-0.5',
  '1e3',
  "'x'",
  'NULL',
  'true',
  'b IS TRUE',
  '"Odd name"',
  '"Odd name" + 1',
  '"end" + "Upper"',
  "ts - INTERVAL '5 minutes'",
  'ts - INTERVAL 5 MINUTE',
];

describe('the default name of a column', () => {
  it("is DuckDB's", async () => {
    await (await duckdb()).run(
      `CREATE OR REPLACE TEMP TABLE t AS SELECT 1 AS a, 'x' AS s, {'c': {'d': 1}} AS st, TIMESTAMP '2026-01-01' AS ts, true AS b,
       1 AS "Odd name", 1 AS "end", 1 AS "Upper"`,
    );
    const wrong: unknown[] = [];
    for (const item of items) {
      const sql = `SELECT ${item} FROM t`;
      const node = (await parseSql(sql)).statements![0]!.node.select_list![0]!;
      const reader = await (await duckdb()).runAndReadAll(sql);
      const expected = reader.columnNames()[0]!;
      // A bare column is named as the table has it; the planner does that, see below.
      if (columnName(node).toLowerCase() !== expected.toLowerCase())
        wrong.push([item, columnName(node), expected]);
    }
    expect(wrong).toEqual([]);
  });

  it('is spelled as the stream knows the field', async () => {
    const plan = await planOf('SELECT STATUS, count(*) FROM s GROUP BY Status', {
      schema: () => [{ name: 'status', type: 'BIGINT' }],
    });
    expect(plan.outputs.map(({ name }) => name)).toEqual(['status', 'count_star()']);
  });

  it('quotes exactly the words that DuckDB has as keywords', async () => {
    const rows = await query('SELECT DISTINCT keyword_name FROM duckdb_keywords() ORDER BY 1');
    expect([...keywords].sort()).toEqual(rows.map(([word]) => word as string).sort());
  });
});
