// What stands above the aggregation is of any type where the stream has not shown its own: every call still has a meaning.
import { describe, expect, it } from 'vitest';
import { resultRows } from '../expression/evaluate.ts';
import { planOf } from '../plan.fixture.ts';
import type { SqlColumn } from '../sql/column-type.ts';

const lookups = (table: string): SqlColumn[] | undefined =>
  table === 'names' ? [{ name: 'k', type: 'VARCHAR' }] : undefined;

const schemas: [string, SqlColumn[]][] = [
  ['not shown', []],
  ['of whole numbers', [{ name: 'n', type: 'BIGINT' }]],
  ['mixed', [{ name: 'n', type: 'JSON' }]],
];

/** [SELECT, its row where every group and aggregate is 17] */
const answered: [string, unknown[]][] = [
  ['SELECT n, n // 10 AS t, count(*) AS c FROM s GROUP BY n', [17, 1, 17]],
  ['SELECT last(n) // 2 AS t FROM s', [8]],
  ['SELECT count(*) AS c FROM s HAVING last(n) // 2 > 1', [17]],
  ['SELECT n, count(*) AS c FROM s GROUP BY n ORDER BY n // 10', [17, 17]],
  ["SELECT n, substr('abcdefghijklmnopqrstuvwxyz', n, 1) AS t FROM s GROUP BY n", [17, 'q']],
  ["SELECT repeat('a', last(n)) AS t FROM s", ['a'.repeat(17)]],
  ['SELECT make_timestamp(last(n)) AS t FROM s', ['1970-01-01T00:00:00.000017Z']],
  ['SELECT arg_max(n, _time) // 2 AS t FROM s', [8]],
  ['SELECT greatest(first(n), last(n)) // 2 AS t FROM s', [8]],
  ['SELECT CASE WHEN count(*) > 1 THEN first(n) ELSE last(n) END // 2 AS t FROM s', [8]],
  ['SELECT coalesce(last(n), first(n)) // 2 AS t FROM s JOIN names ON s.k = names.k', [8]],
];

describe.each(schemas)('over a field that is %s', (_, columns) => {
  it.each(answered)('%s', async (text, row) => {
    const plan = await planOf(text, { schema: () => columns, lookups });
    const [result] = resultRows(plan)([{ groups: [17], aggregates: [17, 17, 17] }]);
    expect(result?.values).toEqual(row);
  });
});

it('a fraction stays one where CASE gives it beside whole numbers', async () => {
  const plan = await planOf('SELECT CASE WHEN count(*) > 1 THEN last(n) ELSE 0 END AS t FROM s');
  const [result] = resultRows(plan)([{ groups: [], aggregates: [2, 2.5] }]);
  expect(result?.values).toEqual([2.5]);
  expect(plan.outputs[0]!.column.type).toBe('DOUBLE');
});
