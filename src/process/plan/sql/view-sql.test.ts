import { expect, test } from 'vitest';
import { planOf, query } from '../plan.fixture.ts';
import { viewRelation } from './view-sql.ts';

const text = '-- every: 1m\nSELECT k, sum(v) AS s, max(v) AS m FROM e GROUP BY k';
const schema = () => [
  { name: 'k', type: 'VARCHAR' },
  { name: 'v', type: 'BIGINT' },
];

test('a sum of whole numbers that have drifted keeps its fractions for the view that reads it', async () => {
  const below = await planOf(text, { schema }, 'below');
  for (const [type, wanted] of [
    ['BIGINT', 'HUGEINT'],
    ['DOUBLE', 'DOUBLE'],
  ] as const) {
    const from = `(SELECT * FROM (VALUES (TIMESTAMP '2026-01-01', 'a', 1.25::${type}), (TIMESTAMP '2026-01-01', 'a', 2.5::${type})) t(_time, k, v))`;
    const columns = [
      { name: 'k', type: 'VARCHAR' },
      { name: 'v', type },
    ];
    const relation = viewRelation(below, { events: () => ({ from, columns }) });
    expect(relation.columns.find(({ name }) => name === 's')!.type).toBe(wanted);
    expect(await query(`SELECT typeof(s) FROM ${relation.from}`)).toEqual([[wanted]]);
  }
});
