// Every refusal, with the text at its position. The `¶` in a view marks where the error must point.
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import type { WindowSpec } from '../view.ts';
import type { Catalog, KnownView } from './bind/catalog.ts';
import { planOf } from './plan.fixture.ts';
import { Source } from './refusal.ts';

const known = (name: string, window: WindowSpec, keepMs: number | null = null): KnownView => ({
  columns: [{ name: 'requests', type: 'BIGINT', role: 'value' }],
  window,
  keepMs: (window.kind === 'tumbling' ? window.everyMs : [60_000]).map(everyMs => ({ everyMs, keepMs })),
  views: [name],
});
const knownViews: Record<string, KnownView> = {
  other: known('other', { kind: 'tumbling', everyMs: [60_000, 3_600_000] }),
  short: known('short', { kind: 'tumbling', everyMs: [60_000] }, 86_400_000),
  visits: known('visits', { kind: 'session', gapMs: 60_000, by: ['requests'] }),
  around: { ...known('around', { kind: 'tumbling', everyMs: [60_000] }), views: ['around', 'view'] },
};
const catalog: Catalog = {
  schema: stream =>
    stream === 'typed'
      ? [
          { name: 'n', type: 'BIGINT' },
          { name: 's', type: 'VARCHAR' },
          { name: 'stamp', type: 'TIMESTAMP' },
          { name: 'code', type: 'VARCHAR' },
          { name: 'typed', type: 'STRUCT("inner" BIGINT, n BIGINT)' },
        ]
      : undefined,
  lookups: table =>
    table === 'countries'
      ? [
          { name: 'code', type: 'VARCHAR' },
          { name: 'country', type: 'VARCHAR' },
        ]
      : undefined,
  views: view => knownViews[view],
};

/** [view with ¶, a word of the reason] */
const refused: [string, RegExp][] = [
  [
    'SELECT count(*) FROM s JOIN countries c ON c.code ¶= CASE WHEN c.country > s.a THEN s.b END',
    /joined on equality/,
  ],
  ["SELECT count(*) FROM ¶'/etc/passwd'", /cannot be the name of a stream/],
  ['SELECT user FROM s WHERE ¶count(*) > 1 GROUP BY user', /^View "view", .*: count\(\*\) is an aggregate/],
  ['SELECT count(*) FROM s WHERE bytes > ¶$1', /no parameters/],
  ['SELECT count(*) FROM s WHERE bytes < ¶1e400', /beyond those that doubles hold/],
  // what has no place of its own
  ['-- every: 1m\n¶FROM s', /keeps every event/],
  ['-- every: 1m\n\nSELECT ¶histogram(v, []) FROM s', /growing list/],
  ['-- every: 1m\nSELECT ¶approx_quantile(v, []) FROM s', /fractions/],
  ['-- every: 1m\n¶SELECT count(*) FROM (VALUES (1)) v', /expression list/],
  [
    '-- every: 1m\nWITH ¶RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a) SELECT count(*) FROM a',
    /reads its own result/,
  ],
  ['-- every: 1m\nWITH RECURSIVE a AS (SELECT ¶1) SELECT count(*) FROM a', /reads a stream/],
  ['SELECT code, count(*) FROM typed GROUP BY ¶codes', /GROUP BY codes: the SELECT has "code"/],
  // names of a view's own columns
  ['SELECT ¶count(*) AS window_start FROM s', /column "window_start" of their own/],
  ['SELECT ¶a AS Window_End, count(*) FROM s GROUP BY a', /of their own/],
  ['SELECT ¶_time, count(*) FROM s GROUP BY ALL', /column "_time" of their own/],
  ['SELECT ¶count(*) AS final FROM s', /of their own/],
  ['SELECT ¶max(v) AS revision FROM s', /of their own/],
  // the statement
  ['¶INSERT INTO x VALUES (1)', /one SELECT/],
  ['SELECT count(*) FROM s; SELECT ¶count(*) FROM s', /second statement/],
  ['SELECT ¶a FROM s UNION ALL SELECT b FROM s', /two rows/],
  ['SELECT ¶a FROM s EXCEPT SELECT b FROM s', /EXCEPT/],
  ['SELECT DISTINCT ¶a FROM s', /DISTINCT/],
  ['SELECT ¶a FROM s', /keeps every event/],
  ['SELECT count(*) FROM s GROUP BY ROLLUP (¶a, b)', /ROLLUP/],
  ['SELECT a, count(*) FROM s GROUP BY a QUALIFY row_number() OVER () ¶= 1', /QUALIFY|other rows/],
  ['SELECT a, count(*) FROM s GROUP BY a ORDER BY a LIMIT 5 OFFSET ¶2', /OFFSET/],
  ['SELECT a, count(*) FROM s GROUP BY a LIMIT ¶5', /ORDER BY/],
  ['SELECT a, count(*) FROM s GROUP BY a ORDER BY a LIMIT ¶10%', /percent/],
  ['SELECT a, count(*) FROM s GROUP BY ¶3', /there are 2/],
  ['SELECT a, count(*) FROM s GROUP BY ¶2', /aggregate/],
  ['SELECT a, count(*) FROM s GROUP BY a ORDER BY ¶3', /there are 2/],
  ['SELECT count(*), ¶count(*) FROM s', /Two columns/],
  ['SELECT a, count(*) FROM s GROUP BY a ORDER BY a LIMIT ¶1.5', /whole number of rows/],
  ['SELECT a, count(*) FROM s GROUP BY a ORDER BY a LIMIT ¶3.0', /whole number of rows/],
  ["SELECT a, count(*) FROM s GROUP BY a ORDER BY a LIMIT ¶'3'", /whole number of rows/],
  ['SELECT a, count(*) FROM s GROUP BY a ORDER BY ¶0.1', /ORDER BY 0\.1: there are 2/],
  ['SELECT a, count(*) FROM s GROUP BY ¶0.1', /GROUP BY 0\.1: this is the same for every event/],
  ["SELECT a, count(*) AS n FROM s GROUP BY a, ¶'n'", /GROUP BY 'n': this is the same for every event/],
  ['SELECT ¶approx_quantile(a, [0.5, 0.9])[0.1] FROM s', /by its number/],
  // FROM
  ['SELECT count(*) FROM ¶s AS t(p, q)', /Column names after a table alias/],
  ['SELECT count(*) FROM ¶s AT (VERSION => 1)', /earlier state/],
  ['WITH ¶c(p, q) AS (SELECT a, b FROM s) SELECT p, count(*) FROM c GROUP BY p', /after the name of a CTE/],
  ['WITH s AS (SELECT a FROM t) SELECT count(*) FROM ¶main.s', /schema/],
  ['SELECT count(*) FROM s JOIN ¶countries AS c(p, q) ON s.a = c.p', /Column names after a table alias/],
  ['SELECT count(*) FROM s JOIN ¶countries TABLESAMPLE 10% ON s.a = countries.code', /sample/],
  ['SELECT count(*) FROM s JOIN ¶main.countries ON s.a = countries.code', /no schema/],
  ['SELECT b, count(*) FROM (SELECT ¶* RENAME (a AS b) FROM s) GROUP BY b', /RENAME/],
  ["SELECT count(*) FROM (SELECT ¶COLUMNS('x') FROM s)", /EXCLUDE/],
  ['SELECT count(*) FROM (SELECT ¶b.* FROM s)', /not all that stands/],
  ['SELECT ¶count(*)', /reads a stream/],
  ['SELECT count(*) FROM ¶view', /itself/],
  ['SELECT count(*) FROM ¶main.s', /schema/],
  ['SELECT count(*) FROM ¶countries', /lookup table/],
  ['SELECT count(*) FROM ¶range(5)', /function/],
  ['SELECT count(*) FROM ¶s TABLESAMPLE 10%', /sample/],
  ['SELECT count(*) FROM s JOIN ¶t ON s.a = t.a', /two streams/],
  ['SELECT count(*) FROM s ¶RIGHT JOIN countries ON s.c = countries.code', /Rows of countries that no event/],
  ['SELECT count(*) FROM countries ¶LEFT JOIN s ON s.c = countries.code', /Rows of countries that no event/],
  ['SELECT count(*) FROM (SELECT ¶a FROM s UNION BY NAME SELECT b FROM s)', /UNION BY NAME compares/],
  ['SELECT count(*) FROM s, ¶countries', /CROSS/],
  ['SELECT count(*) FROM s JOIN countries ON s.c ¶> countries.code', /equality/],
  ['SELECT ¶countries.name, count(*) FROM s JOIN countries ON s.c = countries.code GROUP BY 1', /no column/],
  [
    'SELECT ¶code, count(*) FROM typed JOIN countries ON typed.code = countries.code GROUP BY 1',
    /column of typed/,
  ],
  ['SELECT count(*) FROM (SELECT ¶a, count(*) FROM s GROUP BY a)', /rename, compute and filter/],
  ['SELECT count(*) FROM (SELECT ¶a FROM s LIMIT 3)', /rename, compute and filter/],
  ['SELECT count(*) FROM (SELECT ¶a FROM s UNION SELECT a FROM t)', /UNION/],
  ['SELECT count(*) FROM (SELECT ¶a FROM s UNION ALL SELECT a, b FROM t)', /different columns/],
  [
    'SELECT count(*) FROM (SELECT ¶n AS a FROM typed UNION ALL SELECT _time FROM s)',
    /different types in "a": integer, time/,
  ],
  ['SELECT count(*) FROM (SELECT ¶* EXCLUDE (a) FROM s)', /EXCLUDE/],
  ['SELECT b, count(*) FROM (SELECT a FROM s) GROUP BY ¶b', /no column "b"/],
  ['SELECT ¶_offset, count(*) FROM s GROUP BY 1', /where an event lies/],
  ['SELECT max(¶s._Partition) FROM s', /where an event lies/],
  ['SELECT count(*) FROM (SELECT ¶_offset AS o FROM s)', /where an event lies/],
  ['SELECT ¶typed.inner, count(*) FROM typed GROUP BY 1', /field "typed" has one inside/],
  ['SELECT n // 2 AS half, count(*) FROM typed WHERE ¶half > 1 GROUP BY 1', /no event had a field "half"/],
  ["SELECT ¶s LIKE 'x%' AS n, count(*) FROM typed GROUP BY n ORDER BY n + 1", /neither grouped/],
  // expressions
  ['SELECT ¶a, count(*) FROM s', /neither grouped/],
  ['SELECT a, count(*) FROM s GROUP BY a HAVING ¶b > 1', /neither grouped/],
  ['SELECT count(*) FROM s WHERE ¶sum(a) > 1', /aggregate/],
  ['SELECT sum(¶sum(a)) FROM s', /aggregate/],
  ['SELECT count(*) FROM s WHERE a > ¶now()', /time of asking/],
  ['SELECT count(*) FROM s WHERE a > ¶current_date', /time of asking/],
  ['SELECT count(*) FROM s WHERE ¶random() < 0.5', /another value/],
  ['SELECT count(*) FROM s WHERE a = ¶(SELECT 1)', /subquery/],
  ['SELECT count(*) FROM s WHERE a ¶IN (SELECT 1)', /subquery/],
  ['SELECT ¶(SELECT max(v) FROM s) AS m, count(*) FROM s', /subquery/],
  ['SELECT a, count(*) FROM s GROUP BY a HAVING count(*) > ¶(SELECT 3)', /subquery/],
  ['SELECT a, count(*) FROM s GROUP BY a ORDER BY ¶(SELECT 1) LIMIT 2', /subquery/],
  ['SELECT count(*) > ¶(SELECT 3) AS x FROM s', /subquery/],
  ['SELECT ¶*, count(*) FROM s GROUP BY a', /not a value/],
  ['SELECT ¶sum(a) OVER () FROM s', /other rows/],
  ['SELECT count(*) FROM s WHERE ¶soundex(a) = 1', /not available/],
  ['SELECT count(*) FROM s WHERE list_filter(a, x ¶-> x > 1)', /lambda|not available/],
  ["SELECT count(*) FROM typed WHERE ¶lower(n) = 'a'", /lower\(integer\)/],
  ["SELECT count(*) FROM typed WHERE n ¶= 'abc'", /does not exist/],
  ['SELECT count(*) FROM typed WHERE ¶n', /takes a boolean/],
  ['SELECT sum(¶s) FROM typed', /takes a number/],
  ["SELECT count(*) FROM s WHERE regexp_matches(a, ¶'(?=x)')", /regular expression/],
  ["SELECT count(*) FROM s WHERE regexp_matches(a, ¶'(a')", /regular expression/],
  ["SELECT count(*) FROM s WHERE regexp_matches(a, 'x', ¶'q')", /options/],
  ['SELECT count(*) FROM s WHERE regexp_matches(a, ¶b)', /literal/],
  ["SELECT count(*) FROM s WHERE regexp_matches(a, ¶'price: $5')", /behind \$/],
  ["SELECT count(*) FROM s WHERE regexp_matches(a, ¶'(?i)a[$]|b^c')", /before \^/],
  ["SELECT count(*) FROM s WHERE regexp_matches(a, ¶'[(?<]|\\\\(?P<n>x)(?<m>y)')", /\(\?<name>…\)/],
  ["SELECT regexp_extract(a, '(x)', ¶10) AS e, count(*) FROM s GROUP BY 1", /from 0 to 9/],
  ["SELECT regexp_extract(a, '(x)', ¶-1) AS e, count(*) FROM s GROUP BY 1", /from 0 to 9/],
  ["SELECT strftime(stamp, ¶'') AS p, count(*) FROM typed GROUP BY 1", /empty/],
  ["SELECT count(*) FROM s WHERE a LIKE ¶'x!!!' ESCAPE '!'", /ends in its escape character !/],
  ["SELECT count(*) FROM s WHERE a NOT ILIKE ¶'xA' ESCAPE 'a'", /ends in its escape character a/],
  ["SELECT date_part(¶'fortnight', stamp) AS p, count(*) FROM typed GROUP BY 1", /not a unit/],
  ["SELECT strftime(stamp, ¶'%c') AS p, count(*) FROM typed GROUP BY 1", /%c/],
  ["SELECT count(*) FROM s WHERE a - INTERVAL ¶'1 month' > b", /fixed length/],
  ["SELECT count(*) FROM s WHERE a - INTERVAL ¶'200000 days' > b", /longer than the intervals/],
  ["SELECT stamp ¶- TIMESTAMP '2026-01-01' AS age, count(*) FROM typed GROUP BY 1", /interval/i],
  ['SELECT count(*) FROM s WHERE a = [¶1, 2]', /list_value/],
  ['SELECT count(*) FROM s WHERE a = {¶x: 1}', /struct_pack/],
  ['SELECT count(*) FROM s WHERE ¶CAST(a AS UUID) = 1', /cast to UUID/],
  ["SELECT count(*) FROM typed WHERE n = CAST(¶'x' AS BIGINT)", /no BIGINT/],
  ['SELECT ¶a[1] AS f, count(*) FROM s GROUP BY 1', /key of a nested/],
  ["SELECT ¶CASE WHEN a THEN 'x' ELSE 1 END AS v, count(*) FROM s GROUP BY 1", /different types/],
  ["SELECT count(*) FROM s WHERE a LIKE 'x' ESCAPE ¶'xx'", /one character/],
  ["SELECT count(*) FROM s WHERE a NOT ILIKE 'x' ESCAPE ¶'é'", /one character/],
  ['SELECT ¶nosuch(a) FROM s', /nosuch is not available/],
  ['SELECT ¶nosuch(a), count(*) FROM s', /nosuch is not available/],
  ['SELECT ¶nosuch(sum(a)) FROM s', /nosuch is not available/],
  ['SELECT a, count(*) FROM s GROUP BY a HAVING ¶nosuch(b) > 1', /nosuch is not available/],
  [
    'SELECT ¶lower(a) FILTER (WHERE b) AS l, count(*) FROM s GROUP BY 1',
    /lower is no aggregate and takes no FILTER/,
  ],
  ['SELECT count(*) FROM s WHERE ¶lower(DISTINCT a) = b', /takes no DISTINCT/],
  ['SELECT ¶lower(a ORDER BY b) AS l, count(*) FROM s GROUP BY 1', /takes no ORDER BY/],
  ["SELECT ¶a.concat('x') AS c, count(*) FROM s GROUP BY 1", /behind no value/],
  ['SELECT ¶a.count() AS n FROM s', /behind no value/],
  ['SELECT ¶nosuch.lower(a) AS l, count(*) FROM s GROUP BY 1', /no schema/],
  ['SELECT ¶round(a, digits := 2) AS r, count(*) FROM s GROUP BY 1', /have no names/],
  ["SELECT n ¶/ 'abc' AS q, count(*) FROM typed GROUP BY 1", /BIGINT \/ VARCHAR does not exist/],
  ['SELECT sum(sqrt(n) ¶// n) FROM typed', /DOUBLE \/\/ BIGINT does not exist/],
  ["SELECT count(*) FROM s WHERE n ¶// '2.5' > 1", /BIGINT \/\/ DOUBLE does not exist/],
  ["SELECT count(*) FROM typed WHERE n ¶IN ('abc', 2)", /BIGINT IN \(VARCHAR, BIGINT\) does not exist/],
  // aggregates
  ['SELECT ¶sum(a) EXPORT_STATE AS s FROM s', /inside of an aggregate/],
  ['SELECT sum(a ORDER BY ¶nosuch(b)) FROM s', /nosuch is not available/],
  ['SELECT arg_max(a, b ORDER BY ¶c) FROM s', /ordered by its second argument/],
  ['SELECT first(a ORDER BY ¶b NULLS FIRST) FROM s', /without a value to order by/],
  ['SELECT last(a ORDER BY ¶b NULLS LAST) FROM s', /without a value to order by/],
  ['SELECT ¶median(a) FROM s', /incrementally/],
  ['SELECT ¶mode(a) FROM s', /incrementally/],
  ["SELECT ¶string_agg(a, ',') FROM s", /incrementally/],
  ['SELECT ¶list(a) FROM s', /incrementally/],
  ['SELECT ¶array_agg(a) FROM s', /incrementally/],
  ['SELECT ¶quantile_cont(a, 0.5) FROM s', /incrementally/],
  ['SELECT ¶percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM s', /incrementally/],
  ['SELECT ¶product(a) FROM s', /incrementally/],
  ['SELECT ¶kurtosis(a) FROM s', /incrementally/],
  ['SELECT ¶regr_slope(a, b) FROM s', /incrementally/],
  ['SELECT ¶bit_and(a) FROM s', /incrementally/],
  ['SELECT ¶sum(DISTINCT a) FROM s', /every value/],
  ['SELECT ¶count(DISTINCT a, b) FROM s', /arguments/],
  ['SELECT ¶sum() FROM s', /arguments/],
  ['SELECT ¶constructor(a) AS x, count(*) FROM s GROUP BY 1', /not available/],
  ["SELECT count(*) FROM s WHERE date_trunc(¶'constructor', _time) > a", /not a unit/],
  ['SELECT a¶::constructor AS x, count(*) FROM s GROUP BY 1', /./],
  ['SELECT max(n) FROM (SELECT ¶count(*) AS n FROM s)', /only rename/],
  ['SELECT approx_quantile(a, ¶1.5) FROM s', /fractions/],
  ['SELECT approx_quantile(a, ¶b) FROM s', /literal/],
  ['SELECT approx_top_k(a, ¶0) FROM s', /1 to 10,000/],
  ['SELECT histogram(a, [¶3, 2]) FROM s', /growing list/],
  ['SELECT ¶histogram(a) FROM s', /given 1 argument\./],
  ['SELECT ¶max(a, 3) FROM s', /arguments/],
  ['SELECT ¶approx_quantile(a, 0.5 ORDER BY b) FROM s', /no order/],
  ['SELECT first(a ORDER BY b, ¶c) FROM s', /two things/],
  ["SELECT max(stamp ¶- TIMESTAMP '2026-01-01') FROM typed", /interval/i],
  ['SELECT approx_quantile(a, [0.5, 0.9])[¶3] FROM s', /2 items/],
  ['SELECT ¶approx_top_k(a, 3)[1] FROM s', /approx_quantile/],
  // lists and maps are no values to compute with
  ['SELECT ¶approx_quantile(n, [0.5]) // 2 AS h FROM s', /this is DOUBLE\[\]/],
  ['SELECT upper(¶sample(n, 3)) AS u FROM s', /this is JSON\[\]/],
  ['SELECT count(*) FROM s HAVING ¶histogram(n, [3]) + 1 > 2', /this is MAP/],
  ['SELECT count(*) FROM s ORDER BY approx_top_k(n, 3)¶::VARCHAR', /this is STRUCT/],
  // views over views
  [
    '-- every: 1m\nSELECT sum(requests) FROM (SELECT requests FROM other UNION ALL SELECT a FROM ¶s)',
    /not both/,
  ],
  ['-- every: ¶30s\nSELECT sum(requests) FROM other', /30s cannot be made/],
  ['-- every: 2m\nSELECT sum(requests) FROM ¶"other@5m"', /no resolution of 5m/],
  ['-- every: 1m\nSELECT sum(¶request) FROM other', /no column "request"/],
  ['-- every: 1m\n-- keep: ¶30d\nSELECT sum(requests) FROM short', /kept for 1d/],
  ['-- every: 1m\nSELECT sum(requests) FROM ¶visits', /sessions/],
  ['-- session: ¶30m by requests\nSELECT requests, count(*) FROM other GROUP BY 1', /Sessions are made/],
  ['-- every: 1m\nSELECT sum(requests) FROM ¶around', /never end/],
  [
    '-- every: 1m\nSELECT sum(requests) FROM ¶other o JOIN countries c ON o.requests = c.code',
    /joined to events/,
  ],
  // sessions
  ['-- session: ¶30m by user\nSELECT count(*) FROM s', /need it in GROUP BY/],
];

const syntax: [string, RegExp][] = [
  ['SELECT é FROM ¶', /end of input/],
  ['SELECT "é", x ¶over FROM s', /over/],
  ['-- every: ¶1s, 90\nSELECT count(*) FROM s', /not a duration/],
  ['-- every: ¶2s, 3s\nSELECT count(*) FROM s', /multiple/],
  ['-- ¶evry: 1s\nSELECT count(*) FROM s', /no key/],
  ['-- keep: ¶5m for 1h\nSELECT count(*) FROM s', /not a resolution/],
  ['-- keep: ¶1d for 1h\nSELECT count(*) FROM s', /before it is full/],
  ['-- every: 1m\n-- window: ¶5m every 1m\nSELECT count(*) FROM s', /exclude each other/],
  ['-- every: 1m\n-- ¶every: 1h\nSELECT count(*) FROM s', /twice/],
  ['-- window: ¶5m every 2m\nSELECT count(*) FROM s', /multiple/],
  ['-- window: ¶5m\nSELECT count(*) FROM s', /no window/],
  ['-- window: ¶7d every 1m\nSELECT count(*) FROM s', /1,440/],
  ['-- session: ¶30m\nSELECT count(*) FROM s', /no session/],
  ['-- max groups: ¶none\nSELECT count(*) FROM s', /number of groups/],
  ['-- only a comment¶', /no SELECT/],
];

async function errorOf(text: string): Promise<MillraceError> {
  try {
    await planOf(text, catalog);
  } catch (thrown) {
    if (thrown instanceof MillraceError) return thrown;
    throw thrown;
  }
  throw new Error(`planned: ${text}`);
}

async function expectError(marked: string, code: string, reason: RegExp): Promise<void> {
  const position = marked.indexOf('¶');
  const text = marked.replace('¶', '');
  const error = await errorOf(text);
  expect(error.code).toBe(code);
  expect(error.status).toBe(400);
  expect(error.message).toMatch(reason);
  expect(error.remedy).toMatch(/\S/);
  const place = new Source('view', text).place(position);
  const { line, column } = error.context;
  expect({ position: error.context['position'], line, column }).toEqual(place);
}

describe('a view that cannot be kept', () => {
  it.each(refused)('%s', async (marked, reason) => {
    await expectError(marked, 'view-refused', reason);
  });
});

describe('a function that is not known', () => {
  it.each([
    ['lowr(a)', 'Did you mean lower?'],
    ['uppper(a)', 'Did you mean upper?'],
    ['cuont(*)', 'Did you mean count?'],
    ['smu(a) FILTER (WHERE b)', undefined],
    ['mux(a)', 'Did you mean max?'],
    ['atan(a)', undefined],
    ['translate(a, b, c)', undefined],
  ])('%s is told what it is nearly, where that is one', async (call, suggestion) => {
    const { message, remedy } = await errorOf(`SELECT ${call} AS x, count(*) FROM s GROUP BY ALL`);
    expect(message).toContain(call.slice(0, call.indexOf('(')));
    expect(/Did you mean [^?]*\?/.exec(remedy ?? '')?.[0]).toBe(suggestion);
  });
});

describe('a view that does not parse', () => {
  it.each(syntax)('%s', async (marked, reason) => {
    await expectError(marked, 'view-syntax', reason);
  });
});

describe('positions', () => {
  it('count characters where DuckDB counts bytes', async () => {
    await expectError("-- öäü 😀\nSELECT 'é' AS x, ¶median(a) FROM s", 'view-refused', /incrementally/);
  });

  it('are right for views that start with a header', async () => {
    const error = await errorOf('-- every: 1m\n\nSELECT max(a),\n  median(b) FROM s');
    expect(error.context).toMatchObject({ line: 4, column: 3 });
    expect(error.message).toContain('line 4, column 3');
  });
});

describe('size', () => {
  it('is bounded: a text of more than 100,000 characters is refused', async () => {
    const error = await errorOf(`SELECT count(*) FROM s WHERE a = '${'x'.repeat(100_000)}'`);
    expect(error.code).toBe('view-refused');
  });

  it('is bounded: an expression nested beyond 200 levels is refused', async () => {
    const error = await errorOf(`SELECT count(*) FROM s WHERE a = ${'abs('.repeat(300)}1${')'.repeat(300)}`);
    expect(error.code).toBe('view-refused');
    expect(error.message).toMatch(/deeply/);
  });

  const chain = (steps: number, next: string): string => {
    const ctes = Array.from({ length: steps }, (_, i) => `t${i} AS (SELECT ${next} AS n FROM t${i - 1})`);
    return `WITH ${ctes.join(', ').replace('t-1', 'typed')} SELECT sum(n) AS n FROM t${steps - 1}`;
  };

  it.each([
    ['subqueries', chain(40, 'n + n')],
    [
      'BETWEEN',
      `SELECT count(*) FROM s WHERE ${'('.repeat(40)}a${' BETWEEN 0 AND 1)::BIGINT'.repeat(40)} > 0`,
    ],
    [
      'aliases',
      `SELECT n + n AS a0, ${Array.from({ length: 40 }, (_, i) => `a${i} + a${i} AS a${i + 1}`).join(', ')}, count(*) FROM typed GROUP BY ALL`,
    ],
    [
      'columns',
      `SELECT ${Array.from({ length: 100 }, (_, i) => `sum(n + ${i})`).join(', ')} FROM (${chain(13, 'n + n').replace('sum(n)', 'n')})`,
    ],
  ])('is bounded: what %s stand for counts wherever they are named', async (_, text) => {
    const error = await errorOf(text);
    expect(error.code).toBe('view-refused');
    expect(error.message).toMatch(/more than 250000 parts/);
  });

  it('is bounded: columns made of columns beyond 400 levels are refused', async () => {
    expect((await errorOf(chain(500, 'n + 1'))).message).toMatch(/deeply: it is made of columns/);
    expect((await planOf(chain(300, 'n + 1'), catalog)).outputs).toHaveLength(1);
  });
});

it('where fractions are divided by //, it says what to write instead', async () => {
  const error = await errorOf('SELECT max(avg_ // 2) FROM (SELECT sqrt(n) AS avg_ FROM typed)');
  expect(error.remedy).toBe(
    'It takes whole numbers: write floor(avg_ / 2), or avg_ / 2, which is what // of fractions gives in DuckDB.',
  );
});

it.each([
  ['5m', 'Write: every: 5m.'],
  ['tumbling 5m', 'Write: every: 5m.'],
  ['session 30m by user', 'Write: session: 30m by user.'],
  ['sessions, 10m', 'Write: session: 30m by user.'],
  ['hopping', 'Write: window: 5m every 1m.'],
])('where the window is "%s", it says: %s', async (window, remedy) => {
  const error = await errorOf(`-- window: ${window}\nSELECT user, count(*) FROM s GROUP BY user`);
  expect(error.remedy).toBe(remedy);
});

/** [view, what the remedy says]: followed, it makes a view that is accepted. */
it.each<[string, string | RegExp]>([
  ['SELECT sum(n) FROM "typed@1m"', 'Write FROM "typed", and "-- every: 1m" above the SELECT.'],
  ['SELECT sum(n) FROM "gone@1m"', /name of a view with @/],
  ['SELECT group, count(*) FROM s GROUP BY 1', /write it in double quotes: "group"\.$/],
  ['SELECT desc IS NULL AS a, count(*) FROM s GROUP BY 1', /"desc"/],
  ['SELECT count(*) FORM s', /^Mend the SQL; the workbench/],
  ['SELECT lower(a, b) AS x, count(*) FROM s GROUP BY 1', 'It takes (text).'],
  ['SELECT codes, count(*) FROM typed GROUP BY code', /^Did you mean code\?/],
  ['SELECT code, count(*) AS hits FROM typed GROUP BY 1 ORDER BY hit DESC', /^Did you mean hits\?/],
  ['SELECT count(*) FROM s WHERE _time > stamp + INTERVAL 1 MONTH', /INTERVAL '30 days'/],
  ["SELECT count(*) FROM s WHERE a GLOB 'x*'", 'Write LIKE, or regexp_matches.'],
  ['SELECT (a, b) AS k, count(*) FROM s GROUP BY 1', /concat_ws/],
  [
    "SELECT strftime(_time AT TIME ZONE 'Asia/Seoul', '%H') AS h, count(*) FROM s GROUP BY 1",
    /INTERVAL '9 hours'/,
  ],
  ['SELECT toStartOfHour(_time) AS h, count(*) FROM s GROUP BY 1', /date_trunc/],
  ['SELECT uniqExact(a) AS n FROM s', /count\(DISTINCT x\)/],
  ["SELECT TUMBLE_START(_time, INTERVAL '1' HOUR) AS t, count(*) FROM s GROUP BY 1", /"-- every: 1m"/],
  [
    'SELECT count(*) FROM s ANTI JOIN countries c ON c.code = s.a',
    /LEFT JOIN countries ON …, and WHERE its key IS NULL/,
  ],
  [
    'SELECT count(*) FROM s SEMI JOIN countries c ON c.code = s.a',
    /JOIN countries ON …: of a key the first row counts/,
  ],
  [
    'SELECT c.country, count(*) FROM s LEFT JOIN countries c ON c.code = s.a AND s.b > 1 GROUP BY 1',
    /CASE WHEN … THEN c\.column END/,
  ],
  ['SELECT count(*) FROM s WHERE a BETWEEN SYMMETRIC 5 AND 1', /plainer SQL/],
])('%s is told: %s', async (text, remedy) => {
  expect((await errorOf(text)).remedy).toEqual(
    typeof remedy === 'string' ? remedy : expect.stringMatching(remedy),
  );
});
