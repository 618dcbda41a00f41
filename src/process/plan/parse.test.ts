import { describe, expect, it } from 'vitest';
import type { KnownView } from './bind/catalog.ts';
import { compileSource } from './expression/compile.ts';
import { columnsOf, defaultView, planOf } from './plan.fixture.ts';
import { scalarAt } from './vector.ts';

describe('the plan of a view', () => {
  it('has the columns, groups and aggregates of its SELECT', async () => {
    const plan = await planOf(defaultView);
    expect(plan.window).toEqual({ kind: 'tumbling', everyMs: [1000, 60_000, 3_600_000, 86_400_000] });
    expect(plan.outputs.map(output => output.column)).toMatchObject([
      { name: 'status', type: 'JSON', role: 'group' },
      { name: 'requests', type: 'BIGINT', role: 'value' },
      { name: 'bytes', type: 'DOUBLE', role: 'value' },
      { name: 'visitors', type: 'BIGINT', role: 'value', approximate: '±3.3 % (95 %)' },
      { name: 'size', type: 'DOUBLE[]', role: 'value' },
    ]);
    expect(plan.sources).toEqual([
      {
        stream: 'access',
        view: false,
        lookups: [],
        filter: {
          kind: 'call',
          function: '<>',
          args: [
            { kind: 'field', path: ['method'], type: 'text' },
            { kind: 'literal', type: 'text', value: 'OPTIONS' },
          ],
          type: 'boolean',
        },
        groups: [{ kind: 'field', path: ['status'], type: 'any' }],
        aggregates: [
          { function: 'count', args: [], parameters: [] },
          { function: 'sum', args: [{ kind: 'field', path: ['bytes'], type: 'number' }], parameters: [] },
          {
            function: 'approx_count_distinct',
            args: [{ kind: 'field', path: ['ip'], type: 'any' }],
            parameters: [],
          },
          {
            function: 'approx_quantile',
            args: [{ kind: 'field', path: ['bytes'], type: 'number' }],
            parameters: [[0.5, 0.95, 0.99]],
          },
        ],
      },
    ]);
  });

  it('keeps its version from release to release, but where states have another form', async () => {
    expect((await planOf(defaultView)).version).toBe('54e94c61c09aba3e');
    // In its first form a state knew nothing of values that are all the same.
    const moments = await planOf('-- every: 1m\nSELECT var_pop(x) AS v FROM s');
    expect(moments.version).not.toBe('837df9b3bc778ba7');
  });

  it('compiles to column functions over decoded events', async () => {
    const plan = await planOf(defaultView);
    const columns = columnsOf(
      [plan],
      [
        '{"_time":"2026-01-01T00:00:00Z","status":200,"method":"GET","bytes":10,"ip":"a"}',
        '{"_time":"2026-01-01T00:00:01Z","status":"x","method":"OPTIONS","bytes":20,"ip":"b"}',
        '{"_time":"2026-01-01T00:00:02Z","status":404,"method":null,"bytes":"30","ip":"b"}',
        '{"timestamp":1767225603,"status":404,"method":"PUT","bytes":{},"ip":"b"}',
      ],
    );
    const { filter, groups, aggregates } = compileSource(plan.sources[0]!);
    expect([...filter!(columns)]).toEqual([1, 0, 0, 1]);
    const status = groups[0]!(columns);
    expect([0, 1, 2, 3].map(row => scalarAt(status, row))).toEqual([200, 'x', 404, 404]);
    const bytes = aggregates[1]!.args[0]!(columns);
    expect([0, 1, 2, 3].map(row => scalarAt(bytes, row))).toEqual([10, 20, 30, null]);
    expect(aggregates[2]!.args[0]!(columns)).toMatchObject({ kind: 'hash', rows: 4 });
    expect(columns.mismatched).toBe(1);
    const time = columns.eventTime();
    expect([0, 1, 2, 3].map(row => (scalarAt(time, row) as number) / 1e6)).toEqual([
      1767225600, 1767225601, 1767225602, 1767225603,
    ]);
  });
});

describe('names', () => {
  const groupOf = async (sql: string, catalog = {}) => (await planOf(sql, catalog)).sources[0]!.groups;
  const field = (name: string, type = 'any') => ({ kind: 'field', path: [name], type });

  it('of the SELECT list can be grouped, filtered, ordered and computed with', async () => {
    const plan = await planOf(
      'SELECT floor(seconds) AS bucket, count(*) AS n, n * 2 AS twice FROM s GROUP BY bucket HAVING n > 3 ORDER BY twice DESC NULLS FIRST, bucket LIMIT 5',
    );
    expect(plan.sources[0]!.groups).toMatchObject([{ function: 'floor' }]);
    expect(plan.having).toMatchObject({
      function: '>',
      args: [{ kind: 'aggregate', index: 0 }, { value: 3 }],
    });
    expect(plan.order).toMatchObject([
      { expression: { function: '*' }, descending: true, nullsFirst: true },
      { expression: { kind: 'group', index: 0 }, descending: false, nullsFirst: false },
    ]);
    expect(plan.limit).toBe(5);
    expect(plan.aliases).toEqual(['bucket', 'n']);
  });

  it('of results have the type of a sum that they pass on', async () => {
    const schema = () => [{ name: 'b', type: 'BIGINT' }];
    const sql = `SELECT nullif(sum(b), 1) AS n, CASE WHEN count(*) > 0 THEN sum(b) ELSE min(b) END AS c,
      greatest(sum(b), 0) AS g, round(sum(b)) AS r, sum(b) + 1 AS p, coalesce(min(b), 0) AS m FROM s`;
    const { outputs } = await planOf(sql, { schema });
    const types = outputs.map(({ column }) => column.type);
    expect(types).toEqual(['HUGEINT', 'HUGEINT', 'HUGEINT', 'HUGEINT', 'BIGINT', 'BIGINT']);
  });

  it('of the SELECT list are none in arguments of aggregates and, of a stream, in WHERE', async () => {
    const sql = 'SELECT a + 1 AS b, max(b) FILTER (WHERE b > 1) AS m FROM s WHERE b > 2 GROUP BY ALL';
    const { sources } = await planOf(sql);
    expect(sources[0]!.aggregates[0]!.args).toEqual([field('b', 'number')]);
    expect(sources[0]!.filter).toMatchObject({ function: '>', args: [field('b', 'number'), { value: 2 }] });
    // A subquery has no other columns than it names.
    const inner = 'SELECT a + 1 AS b, count(*) AS n FROM (SELECT a FROM s) WHERE b > 2 GROUP BY ALL';
    expect((await planOf(inner)).sources[0]!.filter).toMatchObject({
      args: [{ function: '+' }, { value: 2 }],
    });
  });

  it('that were taken as aliases stay that where the same text is planned again', async () => {
    const sql = 'SELECT a + 1 AS b, b * 2 AS c, c AS a, max(b) AS m FROM s GROUP BY ALL';
    const { aliases, sources } = await planOf(sql);
    expect(aliases).toEqual(['b', 'c']);
    const schema = () => ['a', 'b', 'c'].map(name => ({ name, type: 'BIGINT' }));
    const again = await planOf(sql, { schema, aliases });
    expect(again.sources[0]!.groups).toMatchObject([
      {},
      { args: [{ function: '+' }, {}] },
      { function: '*' },
    ]);
    expect(again.sources[0]!.groups.length).toBe(sources[0]!.groups.length);
    expect((await planOf(sql, { schema })).sources[0]!.groups).toMatchObject([
      {},
      { args: [field('b', 'integer'), {}] },
      field('c'),
    ]);
  });

  it('of fields come before those of the SELECT list, where the stream has them or the item uses them', async () => {
    expect(await groupOf('SELECT lower(path) AS path, count(*) AS n FROM s GROUP BY path')).toEqual([
      field('path'),
    ]);
    const schema = () => [{ name: 'kind', type: 'VARCHAR' }];
    const sql = 'SELECT kind, max(length(method)) AS n FROM s GROUP BY kind';
    expect(await groupOf(sql, { schema })).toEqual([field('kind')]);
    const aliased = 'SELECT lower(method) AS kind, count(*) AS n FROM s GROUP BY 1, kind';
    expect(await groupOf(aliased, { schema })).toMatchObject([{ function: 'lower' }, field('kind')]);
  });

  it('may be qualified by the stream or its alias, and reach into nested fields', async () => {
    expect(await groupOf('SELECT s.a.b, count(*) AS n FROM s GROUP BY 1')).toEqual([
      { kind: 'field', path: ['a', 'b'], type: 'any' },
    ]);
    expect(await groupOf('SELECT e.a, count(*) AS n FROM s AS e GROUP BY ALL')).toEqual([field('a')]);
    expect(
      await groupOf("SELECT a['b'] AS x, a ->> '$.c.d' AS y, count(*) AS n FROM s GROUP BY ALL"),
    ).toEqual([
      { kind: 'field', path: ['a', 'b'], type: 'any' },
      { kind: 'field', path: ['a', 'c', 'd'], type: 'text' },
    ]);
  });

  it('_time is the time of the event', async () => {
    expect(await groupOf('SELECT hour(_time) AS h, count(*) AS n FROM s GROUP BY h')).toMatchObject([
      { function: 'hour', args: [{ kind: 'event-time', type: 'time' }] },
    ]);
  });
});

describe('types', () => {
  const typeOf = async (expression: string) =>
    (await planOf(`SELECT ${expression} AS v FROM s`)).outputs[0]!.column.type;

  it('of fields without a schema follow from their use', async () => {
    const plan = await planOf(
      "SELECT a, count(*) AS n FROM s WHERE b > 1 AND c = 'x' AND d AND e > TIMESTAMP '2026-01-01' AND f IN (1, 2) GROUP BY a",
    );
    const types: Record<string, string> = {};
    JSON.stringify(plan.sources, (_, value) => {
      if (value?.kind === 'field') types[value.path[0]] = value.type;
      return value;
    });
    expect(types).toEqual({ a: 'any', b: 'number', c: 'text', d: 'boolean', e: 'time', f: 'number' });
  });

  it('of aggregates are those of DuckDB', async () => {
    expect(await typeOf('sum(1)')).toBe('HUGEINT');
    expect(await typeOf('sum(x)')).toBe('DOUBLE');
    expect(await typeOf('count_if(x)')).toBe('HUGEINT');
    expect(await typeOf('max(created_at)')).toBe('TIMESTAMP');
    expect(await typeOf('max(created_at)::DATE')).toBe('DATE');
    expect(await typeOf('bool_and(x)')).toBe('BOOLEAN');
    expect(await typeOf('approx_quantile(x, 0.5)')).toBe('DOUBLE');
    expect(await typeOf('approx_top_k(lower(x), 3)')).toBe('STRUCT("value" VARCHAR, count BIGINT)[]');
    expect(await typeOf('sample(upper(x), 3)')).toBe('VARCHAR[]');
    expect(await typeOf('length(max(x::VARCHAR))')).toBe('BIGINT');
  });

  it('of whole numbers beyond 2^53 lose no digit', async () => {
    const plan = await planOf('SELECT count(*) AS n FROM s WHERE id::BIGINT = 9007199254740993');
    expect(plan.sources[0]!.filter).toMatchObject({
      args: [{ function: 'cast' }, { kind: 'literal', type: 'integer', value: '9007199254740993' }],
    });
  });
});

describe('aggregates', () => {
  it('that are written twice are kept once', async () => {
    const plan = await planOf(
      'SELECT sum(a) AS s, sum(a) / count(*) AS m, count(*) FROM s HAVING sum(a) > 0',
    );
    expect(plan.sources[0]!.aggregates.map(aggregate => aggregate.function)).toEqual(['sum', 'count']);
  });

  it('have the spellings of DuckDB', async () => {
    const plan = await planOf(
      'SELECT mean(a), variance(a), stddev(a), any_value(a), first(a ORDER BY _time DESC), first(a ORDER BY b), min_by(a, b), countif(c), approx_quantile(a, [0.1, 0.9])[2] FROM s',
    );
    expect(plan.outputs.map(({ expression }) => expression)).toMatchObject(
      [0, 1, 2, 3, 4, 5, 5, 6, 8].map(index => ({ kind: 'aggregate', index })),
    );
    expect(plan.sources[0]!.aggregates.map(aggregate => aggregate.function)).toEqual([
      'avg',
      'var_samp',
      'stddev_samp',
      'first',
      'last',
      'arg_min',
      'count_if',
      'approx_quantile',
      'approx_quantile',
    ]);
  });
});

describe('inputs', () => {
  it('of a UNION ALL are one source each, with one meaning of every column', async () => {
    const plan = await planOf(
      "SELECT x, sum(y) AS y FROM (SELECT status AS x, bytes AS y FROM a WHERE ok UNION ALL SELECT 'z', size FROM b) WHERE y > 0 GROUP BY x",
    );
    expect(plan.sources).toMatchObject([
      {
        stream: 'a',
        filter: { function: 'and', args: [{ path: ['ok'] }, { args: [{ path: ['bytes'] }, { value: 0 }] }] },
        groups: [{ path: ['status'], type: 'text' }],
      },
      { stream: 'b', filter: { args: [{ path: ['size'] }, { value: 0 }] }, groups: [{ value: 'z' }] },
    ]);
  });

  it('may be another view, whose columns have their types', async () => {
    const column = { name: 'requests', type: 'BIGINT', role: 'value' } as const;
    const views = (name: string): KnownView | undefined =>
      name === 'by_path'
        ? {
            columns: [column],
            window: { kind: 'tumbling', everyMs: [60_000] },
            keepMs: [{ everyMs: 60_000, keepMs: null }],
            views: ['by_path'],
          }
        : undefined;
    const plan = await planOf('-- every: 1m\nSELECT sum(requests) AS requests FROM by_path', { views });
    expect(plan.sources).toMatchObject([{ stream: 'by_path', view: true, everyMs: 60_000 }]);
    expect(plan.outputs[0]!.column.type).toBe('HUGEINT');
  });

  it.each([
    [[1000, 60_000], [1000, 60_000, 3_600_000, 86_400_000], undefined],
    [[60_000, 3_600_000], [60_000, 3_600_000, 86_400_000], undefined],
    [[3_600_000], [3_600_000, 86_400_000], undefined],
    [[1000, 60_000], [60_000, 3_600_000, 86_400_000], '@1m'],
    [[420_000], [420_000], undefined],
  ])('views of %j give the windows %j where none are written', async (below, above, at = '') => {
    const views = (name: string): KnownView | undefined =>
      name === 'v'
        ? {
            columns: [{ name: 'n', type: 'BIGINT', role: 'value' }],
            window: { kind: 'tumbling', everyMs: below },
            keepMs: below.map(everyMs => ({ everyMs, keepMs: null })),
            views: ['v'],
          }
        : undefined;
    const plan = await planOf(`SELECT sum(n) AS n FROM "v${at}"`, { views });
    expect(plan.window).toEqual({ kind: 'tumbling', everyMs: above });
    expect(plan.keepMs.map(({ everyMs }) => everyMs)).toEqual(above);
  });

  it('take the spellings of a field that has not been shown for one field', async () => {
    const plan = await planOf(
      'SELECT lower(Path) AS p, max("PATH") AS m, count(*) AS n FROM s GROUP BY lower(path)',
    );
    expect(plan.sources[0]!.groups).toMatchObject([{ args: [{ path: ['path'] }] }]);
    expect(plan.sources[0]!.aggregates).toMatchObject([{ args: [{ path: ['path'] }] }, {}]);
    await expect(planOf('SELECT É, count(*) AS n FROM s GROUP BY é')).rejects.toThrow('neither grouped by');
  });

  it('make a plan that is plain data', async () => {
    const plan = await planOf(defaultView);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });
});

describe('the same SELECT in other words', () => {
  const catalog = {
    lookups: (name: string) =>
      name === 'names' ? ['code', 'country'].map(column => ({ name: column, type: 'VARCHAR' })) : undefined,
  };
  it.each([
    [
      'SELECT country, count(*) AS n FROM names t JOIN s ON t.code = s.a GROUP BY 1',
      'SELECT country, count(*) AS n FROM s JOIN names t ON t.code = s.a GROUP BY 1',
    ],
    [
      'SELECT country, count(*) AS n FROM names t RIGHT JOIN s ON t.code = s.a GROUP BY 1',
      'SELECT country, count(*) AS n FROM s LEFT JOIN names t ON t.code = s.a GROUP BY 1',
    ],
    [
      'SELECT x, y, z, count(*) AS n FROM (SELECT a AS x, lower(b) AS y FROM s UNION ALL BY NAME SELECT a AS z, a AS Y FROM t) GROUP BY ALL',
      'SELECT x, y, z, count(*) AS n FROM (SELECT a AS x, lower(b) AS y, NULL AS z FROM s UNION ALL SELECT NULL, a, a FROM t) GROUP BY ALL',
    ],
    [
      'SELECT x, count(*) AS n FROM (SELECT * FROM s UNION ALL BY NAME SELECT * FROM t) GROUP BY x',
      'SELECT x, count(*) AS n FROM (SELECT * FROM s UNION ALL SELECT * FROM t) GROUP BY x',
    ],
    [
      'SELECT a, count(*) AS n FROM s GROUP BY a ORDER BY ALL DESC LIMIT 3',
      'SELECT a, count(*) AS n FROM s GROUP BY a ORDER BY a DESC, n DESC LIMIT 3',
    ],
  ])('%s is as %s', async (one, other) => {
    expect((await planOf(one, catalog)).version).toBe((await planOf(other, catalog)).version);
  });
});
