// Values at the edges of what a field can hold, through the planner and the engine.
import { afterEach, describe, expect, test } from 'vitest';
import type { Engine, LookupContent } from '../engine.ts';
import type { ViewValue } from '../view.ts';
import { at, MemoryLog, openEngine, startMs } from './engine.fixture.ts';

const engines: Engine[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.close();
});

async function rowsOf(
  lines: readonly string[],
  select: string,
  schema: { name: string; type: string }[] = [],
  lookups: readonly LookupContent[] = [],
): Promise<ViewValue[][]> {
  const log = new MemoryLog();
  log.createStream('access');
  log.append(
    'access',
    0,
    lines.map((line, index) => line.replace('{', `{"_time":"${at(index)}",`)),
    startMs,
  );
  const engine = await openEngine(log, { schema: () => schema, lookups });
  engines.push(engine);
  await engine.define({ name: 'v', text: `-- every: 1d\n-- keep: forever\n${select}` });
  await engine.settled();
  return (await engine.query({ view: 'v' })).rows.map(({ values }) => values);
}

describe('whole numbers beyond 2^53', () => {
  const ids = ['9007199254740993', '9007199254740993', '9007199254740995', '-9223372036854775808', '7'];
  const lines = ids.map(id => `{"id":${id}}`);
  const known = [{ name: 'id', type: 'BIGINT' }];

  test.each([
    ['known', known],
    ['unknown', []],
  ])('are told apart by =, IN and <> where the type of the field is %s', async (_, schema) => {
    const select = `SELECT count_if(id = 9007199254740993) AS a, count_if(id IN (9007199254740993, 7)) AS b,
      count_if(id <> 9007199254740995) AS c, approx_frequency(id, 9007199254740993) AS d FROM access`;
    expect(await rowsOf(lines, select, schema)).toEqual([[2, 3, 4, 2]]);
  });

  test('are doubles beside a field of doubles, as in DuckDB', async () => {
    const select =
      'SELECT count_if(id = 9007199254740993) AS a, count_if(id > 9007199254740993) AS b FROM access';
    expect(await rowsOf(lines, select, [{ name: 'id', type: 'DOUBLE' }])).toEqual([[2, 1]]);
  });

  test('are exact in sums and extremes', async () => {
    const select = 'SELECT sum(id) AS s, min(id) AS lo, max(id) AS hi, first(id) AS f FROM access';
    expect(await rowsOf(lines, select, known)).toEqual([
      ['-9196350439090552820', '-9223372036854775808', '9007199254740995', '9007199254740993'],
    ]);
  });

  test('keep the fractions beside them in sums, where the field has drifted', async () => {
    const select = 'SELECT sum(id) AS s, max(id) AS hi FROM access';
    expect(await rowsOf(['{"id":1}', '{"id":"5"}', '{"id":2.5}'], select, known)).toEqual([[8.5, 5]]);
    const [row] = await rowsOf(['{"id":9007199254740993}', '{"id":1.5}'], select, known);
    expect(row).toEqual([9007199254740994, '9007199254740993']);
  });

  test('are exact where the text has them', async () => {
    const events = Array.from({ length: 39 }, () => '{"x":1}');
    const select = `SELECT x + 9007199254740993 AS g, count(*) AS n, sum(9007199254740993) AS s,
      min(9007199254740993) AS m FROM access GROUP BY 1`;
    expect(await rowsOf(events, select, [{ name: 'x', type: 'BIGINT' }])).toEqual([
      ['9007199254740994', 39, '351280770934898727', '9007199254740993'],
    ]);
  });

  test('divide by fractions, where the field has drifted', async () => {
    const select = 'SELECT sum(id // d) AS q, sum(id % d) AS r FROM access';
    const schema = [...known, { name: 'd', type: 'BIGINT' }];
    expect(await rowsOf(['{"id":9007199254740993,"d":0.5}', '{"id":7,"d":2}'], select, schema)).toEqual([
      ['18014398509481987', 1],
    ]);
  });

  test('are text inside lists, as everywhere in results', async () => {
    const select = 'SELECT approx_top_k(id, 1) AS top, sample(id, 5) AS some_ FROM access';
    const [row] = await rowsOf(lines, select, known);
    expect(row![0]).toEqual([{ value: '9007199254740993', count: 2 }]);
    expect((row![1] as ViewValue[]).toSorted()).toEqual(ids.map(id => (id === '7' ? 7 : id)).toSorted());
  });
});

test('the frequency of a boolean is that of the boolean', async () => {
  const lines = ['{"ok":true}', '{"ok":true}', '{"ok":false}', '{"ok":null}'];
  const select = 'SELECT approx_frequency(ok, true) AS yes, approx_frequency(ok, false) AS no FROM access';
  for (const schema of [[], [{ name: 'ok', type: 'BOOLEAN' }]]) {
    expect(await rowsOf(lines, select, schema)).toEqual([[2, 1]]);
  }
});

test('an alias of an aggregate hides no field of its name, be the field known or not', async () => {
  const lines = ['{"k":"a","n":2}', '{"k":"a","n":5}', '{"k":"b","n":1}'];
  const select = 'SELECT k, count(*) AS n, sum(n) AS total FROM access WHERE n > 1 GROUP BY k ORDER BY n';
  for (const schema of [[], [{ name: 'n', type: 'BIGINT' }]]) {
    expect(await rowsOf(lines, select, schema)).toEqual([['a', 2, 7]]);
  }
});

test.each([
  [
    "SELECT path LIKE '/x%' AS ms, max(ms) AS worst FROM access GROUP BY ALL",
    [
      [false, 30],
      [true, 10],
    ],
  ],
  [
    'SELECT ms // 10 AS path, max(lower(path)) AS p FROM access GROUP BY 1',
    [
      [1, '/x'],
      [2, '/y'],
      [3, '/y'],
    ],
  ],
  [
    'SELECT ms AS n, min(n) AS ms FROM access GROUP BY ALL HAVING ms > 1',
    [
      [20, 3],
      [30, 2],
    ],
  ],
  [
    'SELECT path, min(n) AS n FROM access GROUP BY path HAVING n > 1',
    [
      ['/Y', 2],
      ['/y', 3],
    ],
  ],
  ["SELECT path LIKE '/x%' AS n, sum(ms) AS s FROM access WHERE n > 1 GROUP BY ALL", [[false, 50]]],
])('a field is told from an alias of its name, known or not: %s', async (select, rows) => {
  const lines = ['{"path":"/x","ms":10,"n":1}', '{"path":"/Y","ms":30,"n":2}', '{"path":"/y","ms":20,"n":3}'];
  const known = [
    { name: 'path', type: 'VARCHAR' },
    { name: 'ms', type: 'BIGINT' },
    { name: 'n', type: 'BIGINT' },
  ];
  for (const schema of [[], known]) expect(await rowsOf(lines, select, schema)).toEqual(rows);
});

test('a time beyond the calendar is NULL', async () => {
  const lines = ['{"days":1e300}', '{"days":-1e12}', '{"days":1}'];
  const select = `SELECT count(epoch_us(_time + to_days(days))) AS n, max(strftime(_time + to_days(days), '%d')) AS day,
    count(epoch_ns(_time - to_days(days))) AS m FROM access`;
  expect(await rowsOf(lines, select, [{ name: 'days', type: 'DOUBLE' }])).toEqual([[1, '02', 1]]);
});

test('a number matches a key of whole numbers where it is that number', async () => {
  const lines = ['{"k":1}', '{"k":2}', '{"k":1.5}', '{"k":0}', '{"k":9007199254740992}', '{"k":1e300}', '{}'];
  const names = {
    name: 'names',
    version: '1',
    columns: [
      { name: 'id', type: 'BIGINT' },
      { name: 'w', type: 'VARCHAR' },
    ],
  };
  const lookups = [
    {
      ...names,
      values: [
        [1, 2, 3, 9007199254740994n],
        ['one', 'two', 'three', 'far'],
      ],
    },
  ];
  const select = `SELECT c.w AS w, count(*) AS n FROM (SELECT k + 1 AS kk FROM access) x LEFT JOIN names c ON x.kk = c.id
    GROUP BY 1 ORDER BY 1`;
  for (const schema of [[], [{ name: 'k', type: 'DOUBLE' }]]) {
    expect(await rowsOf(lines, select, schema, lookups)).toEqual([
      ['one', 1],
      ['three', 1],
      ['two', 1],
      [null, 4],
    ]);
  }
});

test('a field behind the name of its stream is that of the stream, though an object of it has that name too', async () => {
  const line = '{"x":1,"request":{"host":"h1"},"access":{"x":"field","request":{"host":"inner"}}}';
  const select = `SELECT access.x AS x, access.request.host AS host, access.access.x AS own, count(access._time) AS n
    FROM access GROUP BY 1, 2, 3`;
  const inner = { name: 'access', type: 'STRUCT(x VARCHAR, request STRUCT(host VARCHAR))' };
  const outer = [
    { name: 'x', type: 'BIGINT' },
    { name: 'request', type: 'STRUCT(host VARCHAR)' },
  ];
  for (const schema of [[], outer, [inner, ...outer]]) {
    expect(await rowsOf([line], select, schema)).toEqual([[1, 'h1', 'field', 1]]);
  }
});

test('a field cast to text keeps texts that came after whole numbers, and every digit', async () => {
  const lines = [
    '{"k":1}',
    '{"k":"x"}',
    '{"k":9007199254740993}',
    '{"k":-0}',
    '{"k":2.50}',
    '{"k":true}',
    '{"k":null}',
  ];
  for (const schema of [[], [{ name: 'k', type: 'BIGINT' }]]) {
    const texts = await rowsOf(
      lines,
      'SELECT k::VARCHAR AS t, count(*) AS n FROM access GROUP BY 1 ORDER BY 1',
      schema,
    );
    expect(texts.map(([text]) => text)).toEqual(['0', '1', '2.5', '9007199254740993', 'true', 'x', null]);
  }
});

test('what a cast makes NULL is not counted, and no distinct value, whether the type of its field is known or not', async () => {
  const lines = [
    '{"x":"1","o":{"x":"1"}}',
    '{"x":"1.0","o":{"x":1}}',
    '{"x":"-","o":{"x":"-"}}',
    '{"x":true,"o":{}}',
  ];
  const select = `SELECT count(x::DOUBLE) AS a, count(TRY_CAST(o.x AS DOUBLE)) AS b, count(DISTINCT x::DOUBLE) AS c,
    count(DISTINCT o.x::VARCHAR) AS d, approx_count_distinct(o.x::DOUBLE) AS e, count(x::BOOLEAN) AS f, count(x) AS g FROM access`;
  for (const type of ['VARCHAR', 'BOOLEAN', undefined]) {
    const schema = type === undefined ? [] : [{ name: 'x', type }];
    expect(await rowsOf(lines, select, schema)).toEqual([[2, 2, 1, 2, 1, 2, 4]]);
  }
});

test.each([
  [
    'max(a.b)',
    '"x"',
    'max takes numbers or times, and "a.b" has had neither, so that it is NULL. Where texts are meant, write a.b::VARCHAR in max.',
  ],
  [
    'arg_min(n, a.b)',
    '"x"',
    'arg_min takes numbers or times, and "a.b" has had neither, so that it is NULL. Where texts are meant, write a.b::VARCHAR in arg_min.',
  ],
  ['max(a.b::VARCHAR)', '"x"', undefined],
  ['max(a.b)', '7', undefined],
  ['max(a.b)', 'null', undefined],
  ['max(a.at)', '"x"', undefined],
])(
  'of an order inside of an object that has no value that could be read the view says so: %s of %s',
  async (call, value, said) => {
    const lines = [`{"n":1,"a":{"b":${value},"at":"2026-01-01T00:00:00Z"}}`, '{"n":2}'];
    await rowsOf(lines, `SELECT ${call} AS m FROM access`);
    const [view] = await engines.at(-1)!.views();
    expect(view!.notice).toBe(said && `View v: ${said}`);
  },
);
