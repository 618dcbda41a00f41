// Views that are wrong are found, however small the difference.
import { expect, test } from 'vitest';
import { type Audited, auditOf, useFolder } from './audit.fixture.ts';

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
