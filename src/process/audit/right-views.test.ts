// Views that are right have no difference, whatever their values look like.
import { describe, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { mendLine } from '../../query/mend-line.ts';
import { type Audited, auditOf, onSteps, useFolder } from './audit.fixture.ts';
import { closeBelow } from './not-compared.ts';

useFolder();

const right = async (audited: Audited, rows: number): Promise<void> => {
  const report = await auditOf(audited);
  expect(report.differences).toEqual([]);
  expect(report.rows).toBe(rows);
};

const counted = (field: string): string => `SELECT ${field}, count(*) AS n FROM s GROUP BY 1`;

test('texts that spell numbers are groups of their own', () =>
  right(
    {
      view: counted('zip'),
      fields: { zip: 'VARCHAR' },
      events: ['01', '1', '001', '1', '-0', '0'].map(zip => ({ zip })),
    },
    5,
  ));

test.each([
  ['ORDER BY c LIMIT 1', 1],
  ['ORDER BY c DESC LIMIT 2', 2],
  ['ORDER BY g LIMIT 2', 2],
  ['ORDER BY g DESC NULLS LAST LIMIT 3', 3],
])('whole numbers beyond 2^53 are in one order: %s', (order, rows) =>
  right(
    {
      view: `SELECT b AS g, count(*) AS c FROM s GROUP BY 1 ${order}`,
      fields: { b: 'BIGINT' },
      events: ['-9007199254740993', '2147483648', '-9223372036854775808', '7', 'null'].map(b => `{"b":${b}}`),
    },
    rows,
  ),
);

test('times, and the time between two, are NULL beyond 2^53 µs', () =>
  right(
    {
      view:
        "SELECT n, max(t::TIMESTAMP + INTERVAL '100000 days') AS late, max(t::TIMESTAMP + to_hours(n)) AS later, " +
        'max(make_timestamp(n)) AS made, max(to_timestamp(n)::VARCHAR) AS text, ' +
        '(max(t::TIMESTAMP) - min(to_timestamp(n)))::VARCHAR AS between_ FROM s GROUP BY n',
      fields: { n: 'BIGINT', t: 'VARCHAR' },
      events: ['9007199254740993', '2147483647', '-9223372036854775808', '-3', '30'].map(
        n => `{"n":${n},"t":"2026-01-02T03:04:05.5Z"}`,
      ),
    },
    5,
  ));

test.each(['BIGINT', 'JSON'])('nanoseconds are cut alike: a column of %s', ns =>
  right(
    {
      view: 'SELECT ns::TIMESTAMP AS at, count(*) AS n FROM s GROUP BY 1',
      fields: { ns },
      events: ['1770000000123456789', '1770000000123456999', '1770000000250000000'].map(n => `{"ns":${n}}`),
    },
    2,
  ),
);

test('texts that spell one time in two ways are two groups', () =>
  right(
    {
      view: counted('text'),
      fields: { text: 'VARCHAR' },
      events: ['2020-01-01 10:00:00', '2020-01-01T10:00:00', '2020-01-01T10:00:00Z'].map(text => ({ text })),
    },
    3,
  ));

test.each(['any', 'text'])('texts that spell numbers are %s values of their own', type =>
  right(
    {
      view: 'SELECT approx_top_k(zip, 5) AS top, sample(zip, 5) AS some_, min(zip) AS lo, last(zip) AS l FROM s',
      fields: type === 'any' ? {} : { zip: 'VARCHAR' },
      drifted: { zip: 'VARCHAR' },
      events: ['01', '1', '001', '1'].map(zip => ({ zip })),
    },
    1,
  ),
);

test.each(['BIGINT', 'any'])('groups of a field that was %s are whole numbers where those are taken', type =>
  right(
    {
      view: `SELECT v, v // 2 AS half, v::BIGINT AS whole, substr('abcdefgh', v, 1) AS letter,
        CASE WHEN count(*) > 0 THEN v ELSE 0 END AS same${type === 'any' ? ', last(v) // 2 AS l' : ''} FROM s GROUP BY v`,
      fields: type === 'any' ? {} : { v: type },
      drifted: { v: 'JSON' },
      events: ['7', '17', '-7', '2.5', '-3.5', '"7"', '"2.5"', '"x"', 'true', 'null', '9007199254740993'].map(
        v => `{"v":${v}}`,
      ),
    },
    11,
  ),
);

test('sums beyond 64 bits, what passes them on, and NULL where more is computed of them', () =>
  right(
    {
      view: `SELECT k, sum(b) AS s, nullif(sum(b), 1) AS n, CASE WHEN count(*) > 0 THEN sum(b) ELSE min(k) END AS c,
        coalesce(sum(b), 0) AS o, sum(b) + 1 AS plus, (sum(b) - 1) * 2 AS twice, sum(b) // 2 AS half, -sum(b) AS minus,
        CASE WHEN sum(b) + 1 > 0 THEN 'some' ELSE 'none' END AS t, count_if(b > 0) * 9000000000000000000 AS i
        FROM s GROUP BY k HAVING sum(b) + 1 IS NULL OR sum(b) < 9`,
      fields: { k: 'BIGINT', b: 'BIGINT' },
      events: [1, 1, 1, 2, 2].map(k => `{"k":${k},"b":${k === 1 ? '9223372036854775807' : '2'}}`),
    },
    2,
  ));

test('sums beyond 64 bits as doubles are the nearest ones', () =>
  right(
    {
      view: 'SELECT sum(b) / count(*) AS a, CAST(sum(b) AS DOUBLE) AS d, sqrt(sum(b)) AS r, coalesce(sum(b), 0) * 1.0 AS o FROM s',
      fields: { b: 'BIGINT' },
      events: ['9223372036854775807', '9223372036854775807', '9223372036854515807'].map(b => `{"b":${b}}`),
    },
    1,
  ));

test.each([
  ['SELECT n, count(*) AS c FROM (SELECT n FROM s UNION ALL SELECT f FROM s) GROUP BY n', undefined, 6],
  [
    'SELECT greatest(n, 1) AS g, g + 1 AS h, g / 2 AS r, count(*) AS c FROM s GROUP BY 1 HAVING g > 0 ORDER BY h DESC, 1 LIMIT 9',
    undefined,
    6,
  ],
  [
    'SELECT g, max(g) AS h, sum(c) AS c FROM below GROUP BY g',
    'SELECT abs(n) AS g, count(*) AS c FROM s GROUP BY 1',
    6,
  ],
])('whole numbers keep their digits in groups of fields that have drifted: %s', (view, below, rows) =>
  right(
    {
      ...(below === undefined ? { view } : { view, below }),
      fields: { n: 'BIGINT', f: 'BIGINT' },
      drifted: { n: 'JSON', f: 'BIGINT' },
      events: ['9007199254740993', '9007199254740992', '2.5', '3', '"x"', '1e19'].map(
        n => `{"n":${n},"f":9007199254740993}`,
      ),
    },
    rows,
  ),
);

test('fractions in a sum of whole numbers stay in what is computed of it', () =>
  right(
    {
      view: 'SELECT sum(b) + 1 AS plus, abs(sum(b)) AS size FROM s',
      fields: { b: 'BIGINT' },
      drifted: { b: 'DOUBLE' },
      events: [{ b: 2 }, { b: 0.5 }],
    },
    1,
  ));

test('whole numbers beyond 64 bits in a field of whole numbers are computed with as doubles', () =>
  right(
    {
      view: 'SELECT sum(b * 10) AS s, max(b + 1) AS p, min(-b) AS m, max(abs(b)) AS a, max(b // 3) AS q, max(b % 7) AS r, max(b // c) AS f FROM s',
      fields: { b: 'BIGINT', c: 'BIGINT' },
      drifted: { b: 'DOUBLE', c: 'BIGINT' },
      events: ['7', '1e19', '18446744073709551616', '-1e19'].map(b => `{"b":${b},"c":9007199254740993}`),
    },
    1,
  ));

test('numbers of events that no double holds are none', () =>
  right(
    {
      view: 'SELECT k, sum(x) AS s, max(x) AS m, avg(x) > 1 AS g, count_if(x > 1) AS c, count(x) AS n, sum(i) AS t FROM s GROUP BY k',
      fields: { k: 'BIGINT', x: 'DOUBLE', i: 'BIGINT' },
      drifted: { k: 'BIGINT', x: 'DOUBLE', i: 'DOUBLE' },
      events: ['1e400', '-1e400', '1.5', 'null'].map((x, k) => `{"k":${k},"x":${x},"i":${x}}`),
    },
    4,
  ));

test('whole numbers beyond 2^53 are compared with fractions as doubles', () =>
  right(
    {
      view: `SELECT count_if(l = x) AS e, count_if(l > x) AS g, count_if(l IN (x, 0)) AS i, count_if(l IS DISTINCT FROM x) AS d,
        count_if(greatest(l, y) = 9007199254740993) AS h, count(nullif(l, x)) AS n, max(l) > max(x) AS m FROM s`,
      fields: { l: 'BIGINT', x: 'DOUBLE', y: 'DOUBLE' },
      events: ['{"x":9007199254740992.0,"y":0.5,"l":9007199254740993}', '{"x":0.5,"y":1.5,"l":3}'],
    },
    1,
  ));

test('nested groups are told apart as they are spelled', () =>
  right(
    {
      view: counted('v'),
      fields: { v: 'JSON' },
      events: ['[0]', '[0.0]', '[ 0 ]', '{"a":"b"}', '{"a" : "b"}', '"[0]"', '{"a":1.50}'].map(
        v => `{"v":${v}}`,
      ),
    },
    4,
  ));

test('groups and values that are infinite or no number are no NULL', async () => {
  const events = [
    { v: 1, w: 0 },
    { v: -1, w: 0 },
    { v: 0, w: 0 },
    { v: null, w: 0 },
    { v: 3, w: 2 },
  ];
  const fields = { v: 'DOUBLE', w: 'DOUBLE' };
  for (const group of [
    'v / w',
    '(v / w)::VARCHAR',
    "'is ' || v / w",
    "concat(v / w, '!')",
    '(v / w)::FLOAT::VARCHAR',
  ])
    await right({ view: counted(`${group} AS q`), fields, events }, 5);
  const values = 'SELECT sum(v / w) AS s, avg(v / w) AS a, max(v / w) AS m, min(v / w) AS l FROM s';
  await right({ view: values, fields, events }, 1);
  await right({ view: values, fields, events: events.slice(0, 1) }, 1);
  const group = await auditOf({
    view: counted('v / w AS q'),
    fields,
    events,
    tamper: row => {
      if (row.values[0] === Number.POSITIVE_INFINITY) row.values[0] = null;
    },
  });
  expect(group.differenceCount).toBeGreaterThan(0);
  const value = await auditOf({
    view: 'SELECT max(v / w) AS m FROM s',
    fields,
    events,
    tamper: row => {
      row.values[0] = null;
    },
  });
  expect(value.differences).toMatchObject([{ column: 'm' }]);
});

test('aggregates of values that are infinite, no number or near the end of doubles are right', async () => {
  const fields = { k: 'BIGINT', v: 'DOUBLE', w: 'DOUBLE' };
  const view = `SELECT k, approx_quantile(v / w, [0, 0.2, 0.5, 1]) AS qs, approx_quantile(v / w, 0.5) AS q,
    approx_top_k(v / w, 4) AS top, histogram(v / w, [0, 2]) AS h, sample(v / w, 99) AS some_,
    count(DISTINCT v / w) AS d, approx_frequency(v / w, 2) AS f, sum(v) AS s, avg(v) AS a FROM s GROUP BY k`;
  const few = [1, -1, 0, 3, 4].map(v => ({ v, w: 0 }));
  const many = [1, 3, 5, 3, 3, -1, 8, 1.5].flatMap((v, i) => [
    { v, w: 2 },
    { v: 0, w: 0 },
    { v, w: i % 2 },
  ]);
  const large = [1e308, 1.5e308, -1e308, -1.5e308, 7].map(v => ({ v, w: 1 }));
  const groups = [few, few.slice(0, 2), few.slice(2, 3), many, large];
  const events = groups.flatMap((group, k) => group.map(event => ({ ...event, k })));
  await right({ view, fields, events }, groups.length);
});

test('moments are NULL where values are infinite, no number or too large to square', async () => {
  const moments =
    'var_pop(x) AS vp, var_samp(x) AS vs, stddev_pop(x) AS sp, stddev_samp(x) AS ss, corr(x, y) AS r';
  const view = `SELECT k, ${moments}, covar_pop(x, y) AS c, covar_samp(x, y) * 2 AS cs, round(var_pop(x), 2) AS rounded
    FROM (SELECT k, v / w AS x, w AS y FROM s) GROUP BY k`;
  const pairs = [
    [1, 0],
    [0, 0],
    [1e200, 1],
    [-1e300, 2],
    [1e160, 2],
  ];
  const events = pairs.flatMap(([v, w], k) => [
    { k, v: 1, w: 2 },
    { k, v: 3, w: 5 },
    { k, v, w },
  ]);
  const fields = { k: 'BIGINT', v: 'DOUBLE', w: 'DOUBLE' };
  const seen: unknown[][] = [];
  const report = await auditOf({
    view,
    fields,
    events,
    tamper: row => void seen.push(row.values.slice(1, 6)),
  });
  expect(report).toMatchObject({ differences: [], rows: pairs.length });
  expect(seen).toEqual(pairs.map(() => [null, null, null, null, null]));
});

test('a field of whole numbers that has drifted to fractions is the same text', () =>
  right(
    {
      view: "SELECT zip || '-' || v AS k, concat(v + 1, '!') AS c, count(*) AS n FROM s GROUP BY ALL",
      fields: { zip: 'VARCHAR', v: 'BIGINT' },
      drifted: { zip: 'VARCHAR', v: 'DOUBLE' },
      events: [1, 2, 3.5, -4, 0, 1234567890123456].map(v => ({ zip: 'a', v })),
    },
    6,
  ));

test('a field of whole numbers that has drifted to anything keeps its digits as text', () =>
  right(
    {
      view: "SELECT zip || '-' || v AS k, count(*) AS n FROM s GROUP BY ALL",
      fields: { zip: 'VARCHAR', v: 'BIGINT' },
      drifted: { zip: 'VARCHAR', v: 'JSON' },
      events: ['1', '2.5', '9007199254740993', '"12"', '"abc"', '-9223372036854775808', '3.0'].map(
        v => `{"zip":"a","v":${v}}`,
      ),
    },
    7,
  ));

describe('a field of whole numbers that has drifted', () => {
  const fields = { k: 'VARCHAR', v: 'BIGINT' };
  const events = ['1', '7', '7.5', '"12"', '"abc"', 'true', '9007199254740993'].map(
    (v, i) => `{"k":"${i % 3}","v":${v}}`,
  );
  const computed = `last(v) // 2 AS h, max(v) + 1 AS m, coalesce(min(v), 0) AS c, min(v)::VARCHAR AS t,
    CASE WHEN count(*) > 2 THEN max(v) END AS w, sum(v) // 2 AS s`;

  test.each(['DOUBLE', 'JSON'])('to %s is computed with as what it is', async type => {
    const all = type === 'JSON' ? events : events.slice(0, 3);
    const audited = { fields, drifted: { k: 'VARCHAR', v: type }, events: all };
    await right(
      { ...audited, view: `SELECT k, ${computed} FROM s GROUP BY k HAVING max(v) > 0 ORDER BY max(v) * 2` },
      3,
    );
    await right(
      { ...audited, view: 'SELECT v // 2 AS h, count(*) AS n FROM s GROUP BY 1' },
      type === 'JSON' ? 6 : 3,
    );
  });

  test('is computed with by events with all its digits', () =>
    right(
      {
        view: 'SELECT v % 3 AS g, max(abs(v)) AS m, last(v + 2) AS l, sum(v % 5) AS s, count(*) AS n FROM s WHERE v % 2 <> 0 GROUP BY 1',
        fields,
        drifted: { k: 'VARCHAR', v: 'JSON' },
        events: [...events, '{"v":9007199254740995}'],
      },
      4,
    ));

  test('to JSON is read by a view over a view', () =>
    right(
      {
        view: 'SELECT sum(m) AS a, max(m) // 2 AS b, max(l) AS c, sum(s) AS d FROM below',
        below: 'SELECT k, max(v) AS m, last(v) + 1 AS l, sum(v) // 2 AS s FROM s GROUP BY k',
        fields,
        drifted: { k: 'VARCHAR', v: 'JSON' },
        events,
      },
      1,
    ));
});

test('a view over a view reads values of other types as it reads those of events', async () => {
  const events = ['true', '"2.5"', '"inf"', '3', '18446744073709551615', '"x"'].map(v => `{"v":${v}}`);
  const below = 'SELECT v AS m, count(*) AS n FROM s GROUP BY v';
  const view = 'SELECT sum(m) AS s, max(m) AS t, count(*) AS n FROM below';
  for (const fields of [{}, { v: 'BIGINT' }] as Record<string, string>[])
    await right({ view, below, fields, drifted: { v: 'JSON' }, events }, 1);
});

test('a view over a view computes with its groups of numbers beside values of several types', () =>
  right(
    {
      view: 'SELECT max(n) * 0.5 - min(g) AS d, max(g) + 1 AS e, sum(g) AS s FROM below',
      below: 'SELECT g, last(v) AS l, count(*) AS n FROM s GROUP BY g',
      fields: { g: 'BIGINT', v: 'JSON' },
      events: ['1', '"x"', 'true'].map((v, g) => `{"g":${g},"v":${v}}`),
    },
    1,
  ));

test('whole numbers beyond 2^53 stay several groups of a view over a view', () =>
  right(
    {
      view: 'SELECT m, count(*) AS n FROM below GROUP BY m',
      below: 'SELECT v AS m, count(*) AS n FROM s GROUP BY v',
      fields: { v: 'BIGINT' },
      events: ['9007199254740992', '9007199254740993'].map(v => `{"v":${v}}`),
    },
    2,
  ));

test('parts of a UNION ALL have one type', async () => {
  const fields = { i: 'BIGINT', x: 'DOUBLE', t: 'VARCHAR', b: 'BOOLEAN' };
  const events = [
    { i: 1, x: 1, t: '1', b: true },
    { i: 2, x: 2.5, t: 'a', b: false },
    { i: 12, t: null },
  ];
  const of = (...parts: string[]) =>
    `(${parts.map((part, i) => `SELECT ${part}${i === 0 ? ' AS v' : ''} FROM s`).join(' UNION ALL ')})`;
  const groups = (from: string) =>
    `SELECT v, count(*) AS n, count(v) AS c, last(v) AS l FROM ${from} GROUP BY v ORDER BY v LIMIT 9`;
  await right({ view: groups(of('i', 't')), fields, events }, 5);
  await right({ view: groups(of('b', 'i')), fields, events }, 5);
  await right({ view: groups(of("'1'", 'x', 'b')), fields, events }, 6);
});

test('a constant orders nothing', () =>
  right(
    {
      view: "SELECT k, 'é' AS c, count(*) AS n FROM s GROUP BY ALL ORDER BY c, n DESC LIMIT 1",
      fields: { k: 'BIGINT' },
      events: [{ k: 1 }, { k: 2 }, { k: 2 }],
    },
    1,
  ));

test('a view over rounded numbers may differ by their last digits', async () => {
  const rng = new Rng(31);
  const events = Array.from({ length: 300 }, () => ({ k: rng.below(60), x: rng.below(2000) / 100 }));
  const fields = { k: 'BIGINT', x: 'DOUBLE' };
  const below = 'SELECT k, avg(x) AS a, stddev_samp(x) AS d, max(cbrt(x)) AS c FROM s GROUP BY k';
  await right({ view: 'SELECT a, count(*) AS n FROM below GROUP BY a', below, fields, events }, 59);
  const view = 'SELECT max(d) AS d, min(d) AS e, arg_max(c, k) AS c, first(a) AS a FROM below';
  await right({ view, below, fields, events }, 1);
  const moved = await auditOf({
    ...{ view, below, fields, events },
    tamper: row => {
      row.values[0] = Number(row.values[0]) * (1 + 1e-8);
    },
  });
  expect(moved.differences.map(({ column }) => column)).toEqual(['d']);
});

test('rounded numbers of a view below that are one to the one and two to the other are not compared', async () => {
  const below = 'SELECT k, avg(x) AS a FROM s GROUP BY k';
  const fields = { k: 'BIGINT', x: 'DOUBLE' };
  const of = (...xs: number[]) => xs.map((x, k) => ({ k, x }));
  const audited = (view: string, ...more: number[]) =>
    auditOf({
      ...{ view, below, fields },
      events: of(0.3, 0.3, 7, 0.3),
      history: of(0.3, 0.3, 7, 0.30000000000000004, ...more),
    });
  const notCompared = [{ rows: 2, reason: closeBelow }];
  const grouped = 'SELECT a, count(*) AS n FROM below GROUP BY a';
  expect(await audited(grouped)).toMatchObject({ differences: [], values: 1, notCompared });
  expect((await audited(grouped, 8)).differences).toMatchObject([
    { group: [8], reason: 'missing in the view' },
  ]);
  const distinct = 'SELECT count(DISTINCT a) AS d, count(*) AS n FROM below';
  expect(await audited(distinct)).toMatchObject({
    ...{ differences: [], values: 1 },
    notCompared: [{ rows: 1, reason: closeBelow }],
  });
});

test('sums of whole numbers beyond 2^53 and fractions are as close as doubles are', async () => {
  const fields = { v: 'BIGINT' };
  const drifted = { v: 'DOUBLE' };
  const view = 'SELECT sum(v) AS s, avg(v) AS a FROM s';
  const events = ['9007199254740993', '9007199254740993', '28.5', '0.5'].map(v => `{"v":${v}}`);
  await right({ view, fields, drifted, events }, 1);
  const rng = new Rng(3);
  const many = Array.from({ length: 500 }, () => ({
    v: rng.float() * 10 ** rng.below(18) * (rng.boolean() ? 1 : -1),
  }));
  await right({ view, fields, drifted, events: many }, 1);
});

test('groups by a function that every library rounds its own way are matched by the nearest', async () => {
  const rng = new Rng(5);
  const events = Array.from({ length: 300 }, () => ({ x: rng.float() * 1000, k: rng.below(3) }));
  const fields = { x: 'DOUBLE', k: 'BIGINT' };
  const view =
    'SELECT k, cbrt(x) AS c, sin(x) AS s, ln(x) AS l, exp(x / 100) AS e, pow(x, 0.3) AS p, count(*) AS n, max(tan(x)) AS t, sum(cos(x)) AS u, max(log2(x) - 3) AS w FROM s GROUP BY ALL';
  await right({ view, fields, events }, 300);
  const moved = await auditOf({
    view: 'SELECT cbrt(x) AS c, count(*) AS n FROM s GROUP BY 1',
    fields,
    events,
    tamper: row => {
      row.values[0] = Number(row.values[0]) * (1 + 1e-13);
    },
  });
  expect(moved.differenceCount).toBe(600);
});

test('the root of an exact cube is exact, also where it is rounded and compared', () => {
  const roots = Array.from({ length: 256 }, (_, i) => (i - 128) / 16);
  return right(
    {
      view: 'SELECT round(cbrt(x)) AS r, floor(cbrt(x)) AS f, cbrt(x) = y AS e, count(*) AS n FROM s GROUP BY ALL',
      fields: { x: 'DOUBLE', y: 'DOUBLE' },
      events: roots.map(y => ({ x: y ** 3, y })),
    },
    32,
  );
});

test('sums that cancel, and moments of values far from zero, are right', async () => {
  const rng = new Rng(11);
  const fields = { x: 'DOUBLE', y: 'DOUBLE' };
  const view =
    'SELECT sum(x) AS s, avg(x) AS a, sum(x) - sum(y) AS d, sum(x) / count(*) AS q, var_pop(x) AS vp, var_samp(x) AS vs, stddev_pop(x) AS sp, stddev_samp(y) AS ss, covar_pop(x, y) AS c, corr(x, y) AS r FROM s';
  for (const offset of [0, 0.1, 1e6, -1e9]) {
    for (const spread of [1e-9, 1, 1e6]) {
      const events = Array.from({ length: 400 }, () => {
        const x = (rng.float() - 0.5) * spread;
        return { x: offset + x, y: (rng.float() - 0.5) * spread - offset };
      });
      const both = events.flatMap(({ x, y }) => [
        { x, y },
        { x: -x, y },
      ]);
      await right({ view, fields, events }, 1);
      await right({ view, fields, events: both }, 1);
    }
  }
});

test('moments of what is no finite number are NULL', async () => {
  const fields = { k: 'BIGINT', x: 'DOUBLE', y: 'DOUBLE' };
  const rows = [
    [1, 2],
    [3, 0],
    [0, 0],
    [1e200, 1],
    [-1e200, 1],
    [4, 5],
  ];
  const events = [1, 3, 6].flatMap(size => rows.slice(0, size).map(([x, y]) => ({ k: size, x, y })));
  const moments =
    'stddev_samp(x / y) AS d, var_pop(x / y) AS v, corr(x / y, x) AS c, covar_pop(x / y, x) AS p';
  const { differences, rows: compared } = await auditOf({
    view: `SELECT k, ${moments}, coalesce(var_samp(x / y), -1) AS s FROM s GROUP BY k`,
    fields,
    events,
  });
  expect({ differences, compared }).toEqual({ differences: [], compared: 3 });
});

test('a constant correlates with nothing, and has no variance', async () => {
  const rng = new Rng(29);
  const views = ['x, y', 'y, x'].map(
    args =>
      `SELECT corr(${args}) AS r, covar_pop(${args}) AS c, var_pop(x) AS v, stddev_samp(x) AS d, count(*) AS n FROM s`,
  );
  for (const x of [3.3, 99.99, 0.1, -1e9 - 0.1]) {
    const events = Array.from({ length: 1000 }, () => ({ x, y: rng.float() * 100 }));
    for (const view of views) {
      const audited = { view, fields: { x: 'DOUBLE', y: 'DOUBLE' }, events };
      await right(audited, 1);
      const { differences } = await auditOf({
        ...audited,
        tamper: row => {
          row.values[0] = 0;
          row.values[2] = 1e-31;
        },
      });
      expect(differences.map(({ column }) => column)).toContain('r');
    }
  }
});

test('the spread of equal values is zero', () =>
  right(
    {
      view: 'SELECT k, var_pop(x) AS v, stddev_samp(x) AS d, corr(x, y) AS r, covar_pop(x, y) AS c FROM s GROUP BY k',
      fields: { k: 'BIGINT', x: 'DOUBLE', y: 'DOUBLE' },
      events: [0.1, 1e9 + 0.1, -3.3, 5].flatMap((x, k) => [1, 2, 3, 4, 7].map(y => ({ k, x, y: y * 0.7 }))),
    },
    4,
  ));

test('variances of values whose fourth power is no double are right', async () => {
  const rng = new Rng(23);
  const view =
    'SELECT var_pop(x) AS vp, var_samp(x) AS vs, stddev_pop(x) AS sp, stddev_samp(x) AS ss, covar_pop(x, y) AS c, corr(x, y) AS r FROM s';
  for (const size of [1e60, 1e78, 1e100, 1e139]) {
    const events = Array.from({ length: 300 }, () => ({
      x: (rng.float() - 0.2) * size,
      y: rng.float() * size,
    }));
    await right({ view, fields: { x: 'DOUBLE', y: 'DOUBLE' }, events }, 1);
  }
});

test('control characters in nested values, and halves of surrogate pairs anywhere, are what the history has', async () => {
  const events = [
    '{"v":{"a":{"foo\\u000bar":42}}}',
    '{"v":["\\ud800"]}',
    '{"v":["\\udbff"]}',
    '{"v":"\\ud800"}',
    '{"v":"\\udbff"}',
    '{"v":"a\\u000b"}',
  ];
  const history = events.map(mendLine);
  for (const type of ['JSON', 'VARCHAR']) {
    const some = type === 'JSON' ? [0, 6] : [3, 6];
    const audited = { fields: { v: type }, events: events.slice(...some), history: history.slice(...some) };
    await right({ ...audited, view: counted('v') }, type === 'JSON' ? 4 : 2);
    await right(
      {
        ...audited,
        view: 'SELECT min(v) AS lo, max(v) AS hi, first(v) AS f, last(v) AS l, count(DISTINCT v) AS d, approx_top_k(v, 5) AS top, sample(v, 9) AS some_, approx_count_distinct(v) AS ad FROM s',
      },
      1,
    );
  }
});

test.each(['JSON', 'DECIMAL(38,0)', 'DOUBLE'])(
  'whole numbers that double precision would make one stay several in a field that has drifted to %s',
  type => {
    const numbers = ['0', '1', '2', '1152921504606846976', '1152921504606846977', '1152921504606846977'];
    const more = type === 'JSON' ? ['0.5', '1e300', '"x"'] : type === 'DOUBLE' ? ['0.5'] : [`${2n ** 64n}`];
    const isLossy = type === 'DOUBLE';
    return right(
      {
        view: `SELECT approx_top_k(y, 5) AS top, sample(y, 20) AS some_, approx_frequency(y, 1152921504606846977) AS f,
          approx_frequency(y, 2) AS g FROM s`,
        fields: { y: 'BIGINT' },
        drifted: { y: type },
        events: [...(isLossy ? numbers.slice(0, 3) : numbers), ...more].map(y => `{"y":${y}}`),
      },
      1,
    );
  },
);

test('zeros of events have no sign, as in the history', () => {
  const zeros = ['-0.0', '0.0', '-0', '-1e-400', '"-0"'];
  const events = (texts: readonly string[]) => texts.map((y, k) => `{"k":${k},"y":${y}}`);
  return right(
    {
      view: 'SELECT k, max(1.5 / y) AS m, min(least(0, 1.5 / y)) AS l, max(y::VARCHAR) AS t FROM s GROUP BY k',
      fields: { k: 'BIGINT', y: 'DOUBLE' },
      events: events(zeros),
      history: events(zeros.map(() => '0.0')),
    },
    zeros.length,
  );
});

test('whole doubles beyond 2^53 keep their value in lists', () =>
  right(
    {
      view: 'SELECT approx_top_k(x, 5) AS top, sample(x, 20) AS some_, approx_frequency(x, 1152921504606846976) AS f FROM s',
      fields: { x: 'DOUBLE' },
      events: ['1152921504606846976', '1152921504606846976', '1e20', '-1e18', '1e22', '0.5'].map(
        x => `{"x":${x}}`,
      ),
    },
    1,
  ));

test('a field whose type was not known and that holds 2^53 beside fractions is the same number', async () => {
  const numbers = [
    '9007199254740992',
    '0.5',
    '-9007199254740992',
    '9007199254740994',
    '1e20',
    '9007199254740991',
    '-0.0',
    '1e300',
  ];
  const events = numbers.map((x, y) => `{"x":${x},"y":${y},"k":${x}}`);
  const view =
    'SELECT first(x ORDER BY y) AS f, last(x ORDER BY y) AS l, min(x) AS lo, max(x) AS hi, arg_max(x, y) AS a, approx_top_k(x, 9) AS top, sample(x, 9) AS some_, count(DISTINCT x) AS d, first(k ORDER BY y) AS k FROM s';
  for (const type of ['DOUBLE', 'JSON']) {
    // Where another field is of several types, values come with what they are.
    for (const other of ['DOUBLE', 'JSON']) {
      const drifted = { x: type, y: 'BIGINT', k: other };
      for (let i = 0; i < events.length; i++) {
        const turned = [...events.slice(i), ...events.slice(0, i)];
        await right({ view, fields: {}, drifted, events: turned }, 1);
      }
      const groups = 'SELECT x, k, count(*) AS n FROM s GROUP BY ALL';
      await right({ view: groups, fields: {}, drifted, events }, events.length);
    }
  }
});

test('texts that begin with U+FEFF keep it, as groups and as values', () =>
  right(
    {
      view: 'SELECT s, length(s) AS l, min(s) AS lo, last(s) AS la, approx_top_k(s, 3) AS top, sample(s, 9) AS some_, count(*) AS n FROM s GROUP BY ALL',
      fields: { s: 'VARCHAR' },
      events: ['\ufeffabc', 'abc', '\ufeff\ufeffabc', '\ufeff'].map(s => ({ s })),
    },
    4,
  ));

test('quantiles of more decades than a sketch spans are no farther from zero than is promised', async () => {
  const rng = new Rng(31);
  const list = '[0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1]';
  const quantiles = [0.1, 0.25, 0.5, 0.9].map((q, i) => `approx_quantile(x, ${q}) AS q${i}`).join(', ');
  const view = `SELECT approx_quantile(x, ${list}) AS qs, ${quantiles} FROM s`;
  const fields = { x: 'DOUBLE' };
  const far = [...Array(6).fill(1e-60), 1, 1, 1, 1e60, 1e60];
  const random = (decades: number) =>
    Array.from({ length: 200 }, () => (rng.float() - 0.4) * 10 ** ((rng.float() - 0.5) * decades));
  for (const values of [far, far.map(x => -x), [...far, 0, 0, -1e-70, -1e9, -5], random(40), random(17)]) {
    await right({ view, fields, events: values.map(x => ({ x })) }, 1);
  }
  // What is less than the span of the greatest is told to be that: another value is wrong, and so is one within the span that is 2 % off.
  const tamper =
    (median: number): Audited['tamper'] =>
    row => {
      (row.values[0] as number[])[3] = row.values[3] = median;
    };
  const audited = { view, fields, events: far.map(x => ({ x })) };
  const wrong = async (more: Partial<Audited>) =>
    (await auditOf({ ...audited, ...more })).differences.map(({ column }) => column);
  expect(await wrong({ tamper: tamper(1e44) })).toEqual(['qs', 'q2']);
  const near = [...Array(6).fill(1e44), 1, 1, 1, 1e60, 1e60].map(x => ({ x }));
  expect(await wrong({ events: near, tamper: tamper(1.02e44) })).toEqual(['qs', 'q2']);
  expect(await wrong({ events: near, tamper: tamper(1.005e44) })).toEqual([]);
});

describe('steps, comparisons and branches of sums of fractions', () => {
  const rng = new Rng(37);
  const groups = 1000;
  const { events, fields } = onSteps(groups, rng);

  test.each([
    'round(avg(x), 2)',
    'round(sum(x), 1)',
    'round(avg(x) * 100)',
    'floor(sum(x) * 10)',
    'ceil(sum(x) * 10)',
    'trunc(avg(x) * 10)',
    'sign(sum(y))',
    'CAST(sum(x) * 10 AS BIGINT)',
    'sum(x) * 10 % 1',
    "CASE WHEN avg(x) < 0.3 THEN 'low' ELSE 'high' END",
    "CASE WHEN avg(x) = 0.3 THEN 'mid' WHEN avg(x) < 0.3 THEN 'low' ELSE 'high' END",
    'CASE WHEN sum(x) >= 1 THEN avg(x) ELSE -avg(y) END',
    'sum(x) >= 0.9',
    'sum(y) = 0',
    'sum(y) <> 0 AND avg(x) > 0.2',
    'avg(x) IN (0.1, 0.2, 0.3)',
    'avg(x) BETWEEN 0.2 AND 0.3',
    'sum(x) / nullif(sum(y), 0)',
    'sum(x) / sum(y)',
    'round(sum(x) / sum(y), 2)',
    'sum(x) / (sum(y) - avg(y)) > 2',
    'coalesce(sum(y) / count(*), 0) * 2',
    "round(avg(x), 2) || ' ms'",
    "avg(x) || ' ms'",
    'greatest(sum(x), sum(y)) - 1',
    'round(100 * sum(x) / sum(x + y * y), 1)',
    'round(stddev_pop(x), 2)',
    'sqrt(var_pop(x))',
    'ln(avg(x) + 0.7)',
    'ln(sum(y))',
    'sqrt(sum(y))',
    'sqrt(abs(sum(y)))',
    'abs(stddev_pop(x) / sum(y)) * floor(sum(y) - 3)',
    'ln(coalesce(avg(x), 1) + 1)',
    'abs(coalesce(sum(y), 1))',
    'abs(sum(x) / sum(y))',
    'abs(round(sum(x) / sum(y), 2))',
    'sum(x) / abs(coalesce(sum(y), 1))',
    'floor(sum(x) / sum(y) % 3)',
    'sign(sum(y)) * (sum(x) / sum(y))',
    'abs(ln(sum(x)))',
    'ceil(sum(y) * 10) * stddev_pop(x) / coalesce(avg(x), sum(y))',
    'pow(sum(x), avg(y))',
    'round(ln(sum(x) + 1) * 10)',
    'CASE WHEN corr(x, y) > 0.5 THEN 1 ELSE 0 END',
    'approx_quantile(x, 0.5) > 0.3',
    "CASE WHEN approx_count_distinct(x) > 2 THEN 'many' ELSE 'few' END",
  ])('are right: %s', value =>
    right({ view: `SELECT k, ${value} AS v FROM s GROUP BY k`, fields, events }, groups),
  );

  test.each([
    'sum(x) >= 1',
    'avg(x) > 0.3',
    'sum(y) = 0',
    'sum(y) <> 0',
    'round(avg(x), 1) = 0.3 OR sum(y) < -1',
    'NOT (sum(x) < 0.9)',
    "CASE WHEN avg(x) < 0.3 THEN 'low' ELSE 'high' END = 'low'",
  ])('are right in HAVING %s', async condition => {
    const view = `SELECT k, sum(x) AS s, count(*) AS n FROM s GROUP BY k HAVING ${condition}`;
    const report = await auditOf({ view, fields, events });
    expect(report.differences).toEqual([]);
    expect(report.rows).toBeGreaterThan(groups / 150);
    expect(report.rows + report.skipped).toBeLessThanOrEqual(groups);
    expect(report.skipped).toBeLessThan(groups / 4);
  });
});
