import { describe, expect, it } from 'vitest';
import { columnsOf, planOf } from '../plan.fixture.ts';
import type { Expression } from '../plan.ts';
import { type ColumnSource, GrowingDictionary, scalarAt, type Vector } from '../vector.ts';
import { benchmark } from './compile.bench.ts';
import { compileColumn, compileFilter, compileSource, vectorOf } from './compile.ts';
import type { LookupTable } from './evaluate.ts';
import { resultRows } from './evaluate.ts';

const columns = [
  { name: 's', type: 'VARCHAR' },
  { name: 'n', type: 'BIGINT' },
];

async function expressionOf(text: string): Promise<Expression> {
  const plan = await planOf(`SELECT first(${text}) AS v FROM stream`, { schema: () => columns });
  return plan.sources[0]!.aggregates[0]!.args[0]!;
}

function sourceOf(vectors: Record<string, Vector>): ColumnSource {
  const first = Object.values(vectors)[0]!;
  const get = (path: readonly string[]) => vectors[path[0]!]!;
  return { rows: first.rows, field: get, hash: get, presence: get, eventTime: () => first };
}

const valuesOf = (vector: Vector) => Array.from({ length: vector.rows }, (_, row) => scalarAt(vector, row));

describe('compiled columns', () => {
  it('compute a text function once for each code of a dictionary', async () => {
    let dictionary = new GrowingDictionary();
    let generation = 0;
    let reads = 0;
    const counted = {
      get generation() {
        return generation;
      },
      size: () => dictionary.size(),
      value: (code: number) => {
        reads++;
        return dictionary.value(code);
      },
    };
    const column = compileColumn(await expressionOf('upper(s)'));
    const batch = (values: string[]): ColumnSource => {
      const vector = vectorOf(values, 'text', dictionary);
      return sourceOf({ s: { ...vector, dictionary: counted } as Vector });
    };
    expect(valuesOf(column(batch(['a', 'b', 'a', 'a'])))).toEqual(['A', 'B', 'A', 'A']);
    expect(reads).toBe(2);
    expect(valuesOf(column(batch(['b', 'c', 'c'])))).toEqual(['B', 'C', 'C']);
    expect(reads).toBe(3);
    dictionary = new GrowingDictionary();
    generation++;
    expect(valuesOf(column(batch(['z'])))).toEqual(['Z']);
    expect(reads).toBe(4);
  });

  it('go on exactly where whole numbers leave 53 bits', async () => {
    const column = compileColumn(await expressionOf('n * n - 1'));
    const source = (values: (number | bigint)[]) => sourceOf({ n: vectorOf(values, 'integer') });
    expect(column(source([2, 3])).kind).toBe('number');
    expect(valuesOf(column(source([2, 3_000_000_001])))).toEqual([3, 9_000_000_006_000_000_000n]);
    // Beyond 64 bits DuckDB stops with an error; here the value is NULL.
    expect(valuesOf(column(source([2, 9_007_199_254_740_993n])))).toEqual([3, null]);
  });

  it('compute exactly with whole numbers beyond 2^53 that the text has', async () => {
    const source = sourceOf({ n: vectorOf([1, null, 2], 'integer'), s: vectorOf(['a', 'b', 'c'], 'text') });
    const column = async (text: string) => valuesOf(compileColumn(await expressionOf(text))(source));
    const big = 9_007_199_254_740_993n;
    expect(await column('n + 9007199254740993')).toEqual([big + 1n, null, big + 2n]);
    expect(await column('9007199254740993')).toEqual([big, big, big]);
    expect(await column('CASE WHEN n = 1 THEN 9007199254740993 ELSE 5 END')).toEqual([big, 5, 5]);
    expect(await column('n < 9007199254740993')).toEqual([true, null, true]);
    expect(await column('length(s || 9007199254740993) + n')).toEqual([18, null, 19]);
  });

  it('take whole numbers beyond 2^53 that the text has as whole numbers in aggregates', async () => {
    const plan = await planOf(
      'SELECT sum(9007199254740993) AS s, min(9007199254740993) AS m, avg(9007199254740993) AS a FROM s',
    );
    expect(plan.outputs.map(({ column }) => column.type)).toEqual(['HUGEINT', 'BIGINT', 'DOUBLE']);
    const columns = columnsOf([plan], ['{}', '{}']);
    for (const { args } of compileSource(plan.sources[0]!).aggregates) {
      expect(valuesOf(args[0]!(columns))).toEqual([9_007_199_254_740_993n, 9_007_199_254_740_993n]);
    }
  });

  it('never put literals of the user into generated text', async () => {
    const evil = "');process.exit(1);('";
    const text = `s || '${evil.replaceAll("'", "''")}' || n::VARCHAR`;
    const column = compileColumn(await expressionOf(text));
    const source = sourceOf({ s: vectorOf(['a'], 'text'), n: vectorOf([1], 'integer') });
    expect(valuesOf(column(source))).toEqual([`a${evil}1`]);
  });

  it('treat NULL in a condition as not taken', async () => {
    const mask = compileFilter(await expressionOf("n > 1 OR s = 'x'"));
    const source = sourceOf({
      n: vectorOf([2, 1, null, null], 'integer'),
      s: vectorOf([null, null, 'x', 'y'], 'text'),
    });
    expect([...mask(source)]).toEqual([1, 0, 1, 0]);
  });
});

describe('the benchmark of expressions', () => {
  it('runs in its tiny form', async () => {
    const cases = await benchmark.run({ tiny: true, seed: 1 });
    expect(cases).toHaveLength(12);
    expect(cases.every(({ value }) => value > 0)).toBe(true);
  });
});

describe('lookups', () => {
  const known = [
    { name: 'ip', type: 'VARCHAR' },
    { name: 'country', type: 'VARCHAR' },
  ];
  const catalog = { lookups: (name: string) => (name === 't' ? known : undefined) };
  const lines = ['{"ip":"a","x":1}', '{"ip":"b","x":1}', '{"ip":"c","x":2}', '{"x":2}'];

  function table(rows: Record<string, string | null>): LookupTable & { generation: number } {
    const keys = Object.keys(rows);
    return {
      generation: 0,
      find: (_, [key]) => keys.indexOf(String(key)),
      value: (row, column) => (column === 'ip' ? keys[row]! : rows[keys[row]!]!),
    };
  }

  it('drop events without a match in an inner join and keep them in a left join', async () => {
    const rows = table({ a: 'NL', b: null });
    for (const [join, mask, countries] of [
      ['JOIN', [1, 1, 0, 0], ['NL', null]],
      ['LEFT JOIN', [1, 1, 1, 1], ['NL', null, null, null]],
    ] as const) {
      const plan = await planOf(
        `SELECT country, count(*) AS n FROM s ${join} t ON s.ip = t.ip GROUP BY country`,
        catalog,
      );
      const columns = columnsOf([plan], lines);
      const compiled = compileSource(plan.sources[0]!, () => rows);
      expect(compiled.filter ? [...compiled.filter(columns)] : [1, 1, 1, 1]).toEqual(mask);
      expect(valuesOf(compiled.groups[0]!(columns)).slice(0, countries.length)).toEqual(countries);
    }
  });

  it('follow a table that is loaded anew', async () => {
    const plan = await planOf(
      'SELECT country, count(*) AS n FROM s LEFT JOIN t USING (ip) GROUP BY country',
      catalog,
    );
    const columns = columnsOf([plan], lines);
    let rows = table({ a: 'NL' });
    const compiled = compileSource(plan.sources[0]!, () => rows);
    expect(valuesOf(compiled.groups[0]!(columns))).toEqual(['NL', null, null, null]);
    rows = { ...table({ c: 'FR' }), generation: 1 };
    expect(valuesOf(compiled.groups[0]!(columns))).toEqual([null, null, 'FR', null]);
  });

  it('match on several keys', async () => {
    const plan = await planOf(
      'SELECT country, count(*) AS n FROM s LEFT JOIN t ON s.ip = t.ip AND s.x = t.x GROUP BY 1',
      {
        lookups: name => (name === 't' ? [...known, { name: 'x', type: 'BIGINT' }] : undefined),
      },
    );
    const rows: LookupTable = {
      generation: 0,
      find: (on, keys) => (on.join() === 'ip,x' && keys.join() === 'c,2' ? 0 : -1),
      value: () => 'FR',
    };
    const columns = columnsOf([plan], lines);
    const compiled = compileSource(plan.sources[0]!, () => rows);
    expect(valuesOf(compiled.groups[0]!(columns))).toEqual([null, null, 'FR', null]);
  });
});

describe('the rows of a window', () => {
  it('are filtered, ordered and cut as the SELECT says', async () => {
    const plan = await planOf(
      'SELECT path, count(*) AS n, sum(b) / count(*) AS mean FROM s GROUP BY path HAVING n > 1 ORDER BY n DESC, path LIMIT 3',
    );
    const rows = resultRows(plan)(
      [
        ['/a', 2, 10],
        ['/b', 1, 3],
        ['/d', 5, null],
        ['/c', 2, 6],
        [null, 9, 9],
      ].map(([path, n, sum]) => ({
        groups: [path!],
        aggregates: order(plan.sources[0]!.aggregates, n!, sum!),
      })),
    );
    expect(rows.map(({ values }) => values)).toEqual([
      [null, 9, 1],
      ['/d', 5, null],
      ['/a', 2, 5],
    ]);
  });

  it('carry times as ISO 8601, big numbers as text and what JSON has not as it is', async () => {
    const plan = await planOf(
      'SELECT max(t_at) AS t, max(t_at)::DATE AS d, sum(i) AS s, sum(i) / 0 AS z FROM s',
      {
        schema: () => [{ name: 'i', type: 'BIGINT' }],
      },
    );
    const aggregates = plan.sources[0]!.aggregates.map(({ function: name }) =>
      name === 'max' ? 1_767_225_600_000_001 : 2n ** 60n,
    );
    expect(resultRows(plan)([{ groups: [], aggregates }])[0]!.values).toEqual([
      '2026-01-01T00:00:00.000001Z',
      '2026-01-01',
      '1152921504606846976',
      Number.POSITIVE_INFINITY,
    ]);
  });
});

function order(aggregates: readonly { function: string }[], count: unknown, sum: unknown) {
  return aggregates.map(({ function: name }) => (name === 'count' ? count : sum)) as never[];
}
