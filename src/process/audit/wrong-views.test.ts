// Views that are wrong are found, however small the difference.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import type { ViewValue } from '../view.ts';
import { type Audited, auditOf, onSteps, useFolder } from './audit.fixture.ts';

useFolder();

const wrong = async (audited: Audited, columns: readonly string[]): Promise<void> => {
  const report = await auditOf({ ...audited, history: audited.events });
  expect(report.differences).toEqual([]);
  const { differences } = await auditOf(audited);
  expect(differences.map(({ column }) => column)).toEqual(columns);
};

test('a whole number that differs is another, however large it is', () => {
  const fields = { big: 'BIGINT', t: 'VARCHAR' };
  const at = (i: number, more = 0): string =>
    `{"big":${1_000_000_000_000_000n + BigInt(i + more)},"t":"${i}"}`;
  const events = Array.from({ length: 100 }, (_, i) => at(i));
  return wrong(
    {
      view: 'SELECT max(big) AS m, last(big) AS l, arg_max(big, t::BIGINT) AS a, sum(big) AS s, count(*) AS n, min(big) AS lo FROM s',
      fields,
      events,
      history: [...events.slice(0, 99), at(99, 900_000)],
    },
    ['m', 'l', 'a', 's'],
  );
});

test('a sum of whole numbers beyond 2^53 is exact to the last digit', () =>
  wrong(
    {
      view: 'SELECT sum(v) AS s, max(v) AS m FROM s',
      fields: { v: 'BIGINT' },
      events: ['9007199254740993', '9007199254740993'].map(v => `{"v":${v}}`),
      history: ['9007199254740993', '9007199254740994'].map(v => `{"v":${v}}`),
    },
    ['s', 'm'],
  ));

test('small numbers differ by their own size', () => {
  const events = Array.from({ length: 100 }, (_, i) => ({ tiny: 1e-12 * (i + 1) }));
  return wrong(
    {
      view: 'SELECT max(tiny) AS m, sum(tiny) AS s, avg(tiny) AS a, stddev_pop(tiny) AS d, min(tiny) + max(tiny) AS e, sum(tiny) / count(*) AS q, count(*) AS n FROM s',
      fields: { tiny: 'DOUBLE' },
      events,
      history: events.map(({ tiny }) => ({ tiny: tiny * 5 })),
    },
    ['m', 's', 'a', 'd', 'e', 'q'],
  );
});

test('a little more in a sum of fractions is found', () => {
  const events = Array.from({ length: 1000 }, (_, i) => ({ v: i * 1000 + 0.25 }));
  return wrong(
    {
      view: 'SELECT sum(v) AS s, sum(v) / 2 AS h, avg(v) AS a FROM s',
      fields: { v: 'DOUBLE' },
      events,
      history: [...events.slice(1), { v: 0.25001 }],
    },
    ['s', 'h', 'a'],
  );
});

test('a whole number is not NULL, and no number is none', async () => {
  const audited = { view: 'SELECT sum(v) AS s, max(t) AS t FROM s', fields: { v: 'BIGINT', t: 'VARCHAR' } };
  const events = [{ v: 0, t: '' }];
  for (const value of [null, 1, '0x', Number.NaN]) {
    const tamper: Audited['tamper'] = row => {
      row.values[0] = value;
    };
    expect((await auditOf({ ...audited, events, tamper })).differences).toMatchObject([{ column: 's' }]);
  }
  for (const value of [null, ' ', 0]) {
    const tamper: Audited['tamper'] = row => {
      row.values[1] = value;
    };
    expect((await auditOf({ ...audited, events, tamper })).differences).toMatchObject([{ column: 't' }]);
  }
});

test('a list of quantiles without its values is found', async () => {
  const audited = {
    view: 'SELECT approx_quantile(v, [0.5, 0.9]) AS q FROM s',
    fields: { v: 'DOUBLE' },
    events: [1, 2, 3].map(v => ({ v })),
  };
  expect((await auditOf(audited)).differences).toEqual([]);
  for (const value of [[], [2], [2, 3, 3], null, [2, null], [2, 3.1]]) {
    const tamper: Audited['tamper'] = row => {
      row.values[0] = value;
    };
    expect((await auditOf({ ...audited, tamper })).differences).toMatchObject([{ column: 'q' }]);
  }
});

describe('steps, comparisons and branches of sums of fractions', () => {
  const rng = new Rng(41);
  const groups = 1000;
  const { events, fields } = onSteps(groups, rng);
  const more = (by: number) => (value: ViewValue) => (value === null ? 0 : Number(value) + by);
  const other = (a: ViewValue, b: ViewValue) => (value: ViewValue) => (value === a ? b : a);
  const times = (by: number) => (value: ViewValue) => (value === null ? 0 : Number(value) * by + 1e-9);

  test.each<[string, (value: ViewValue) => ViewValue]>([
    ['round(avg(x), 2)', more(0.01)],
    ['round(sum(x), 1)', more(-0.1)],
    ['round(avg(x), 2)', more(1e-9)],
    ['floor(sum(x) * 10)', more(1)],
    ['CAST(sum(x) * 1e12 AS BIGINT)', more(100)],
    ["CASE WHEN avg(x) < 0.3 THEN 'low' ELSE 'high' END", other('low', 'high')],
    ['CASE WHEN sum(x) >= 1 THEN avg(x) ELSE -avg(y) END', times(1 + 1e-12)],
    ['sum(x) >= 0.9', other(true, false)],
    ['avg(x) BETWEEN 0.2 AND 0.3', other(true, false)],
    ['sum(y) = 0', other(true, false)],
    ['sum(x) / nullif(sum(y), 0)', times(1 + 1e-12)],
    ['coalesce(sum(y) / count(*), 0) * 2', times(1 + 1e-12)],
    ["avg(x) || ' ms'", value => String(value).replace(/^[\d.]+/, number => String(Number(number) + 1e-12))],
    ["avg(x) || ' ms'", value => String(value).replace('ms', 's')],
    ['greatest(sum(x), sum(y)) - 1', more(1e-12)],
    ['sqrt(var_pop(x))', times(1 + 1e-6)],
    ['ln(avg(x) + 0.7)', more(1e-12)],
    ['CASE WHEN approx_quantile(x, 0.5) > 0.02 THEN 1 ELSE 0 END', other(1, 0)],
  ])('are found where they are wrong: %s', async (value, wrongly) => {
    const view = `SELECT k, ${value} AS v FROM s GROUP BY k`;
    const tamper: Audited['tamper'] = row => {
      row.values[1] = wrongly(row.values[1]!);
    };
    const report = await auditOf({ view, fields, events, tamper });
    // But where the right value is in doubt.
    expect(report.differenceCount).toBeGreaterThan(groups * 0.85);
  });

  test('are found where HAVING lets through another row, or none', async () => {
    const view = 'SELECT k, count(*) AS n FROM s GROUP BY k HAVING sum(x) >= 0.9';
    for (const by of [1e-12, -1e-12]) {
      // Another by its last digits, in groups of which the sum is 0.9.
      const near = Array.from({ length: 20 }, (_, k) =>
        [0.4, 0.3, 0.2 + (by < 0 ? 1e-13 : -1e-13)].map(x => ({ k, x })),
      ).flat();
      const history = near.map(({ k, x }) => ({ k, x: x + by }));
      expect((await auditOf({ view, fields, events: near })).differences).toEqual([]);
      const report = await auditOf({ view, fields, events: near, history });
      expect(report.differences.map(({ reason }) => reason)).toEqual(
        Array(20).fill(by < 0 ? 'not in the batch' : 'missing in the view'),
      );
    }
  });
});
