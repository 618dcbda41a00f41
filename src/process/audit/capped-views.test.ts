// Windows with an overflow group, audited: all groups are compared in total, also those that HAVING and LIMIT leave out, and where that
// cannot be, the rows are said not to be compared.
import { expect, test } from 'vitest';
import { at } from '../engine/engine.fixture.ts';
import { auditOf, useFolder } from './audit.fixture.ts';
import { nothingAddsUp } from './not-compared.ts';

useFolder();

const fields = { k: 'VARCHAR', v: 'BIGINT' };
/** In the first minute more groups than the cap, in the second few. */
const events = Array.from({ length: 400 }, (_, i) => ({
  _time: at(i < 300 ? i * 100 : 60_000 + i),
  k: i < 300 ? `k${i % 90}` : `k${i % 7}`,
  v: i,
}));
const select = 'SELECT k, count(*) AS n, sum(v) AS s, max(v) AS m FROM s GROUP BY k';

test.each([
  ['-- every: 1m', 'HAVING count(*) > 3'],
  ['-- every: 10s, 1m', 'ORDER BY n DESC, k LIMIT 3'],
  ['-- window: 1m every 20s', 'HAVING sum(v) > 5000'],
  ['-- every: 1m', 'HAVING count(*) > 1000'],
])(
  'windows of %s with %s are compared in total where they have an overflow group',
  async (header, clause) => {
    const view = `${header}\n-- max groups: 20\n${select} ${clause}`;
    const right = await auditOf({ view, fields, events });
    expect(right.differences).toEqual([]);
    expect(right.notCompared).toEqual([]);
    expect(right.skipped).toBeGreaterThan(0);
    const { differences } = await auditOf({ view, fields, events, history: events.toSpliced(100, 1) });
    expect(new Set(differences.map(({ column }) => column))).toEqual(new Set(['n', 's']));
    expect(new Set(differences.map(({ group }) => group[0]))).toEqual(new Set(['all groups together']));
  },
);

test('rows of windows with an overflow group and nothing that adds up are not compared, others are', async () => {
  const view = '-- every: 1m\n-- max groups: 20\nSELECT k, max(v) AS m FROM s GROUP BY k';
  const report = await auditOf({ view, fields, events });
  expect(report).toMatchObject({ windows: 2, rows: 7, values: 7, skipped: 0, differences: [] });
  expect(report.notCompared).toEqual([{ rows: expect.any(Number), reason: nothingAddsUp }]);
});
