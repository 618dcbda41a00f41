// Every part of the SQL subset that views promise, each as a view through the planner and the engine, against DuckDB running the very
// same SELECT over the same events.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Rng } from '../core/rng.ts';
import { at, MemoryLog, openEngine, startMs } from './engine/engine.fixture.ts';
import type { Engine } from './engine.ts';
import { duckdb, query } from './plan/plan.fixture.ts';

const columns = {
  _time: 'TIMESTAMP',
  path: 'VARCHAR',
  url: 'VARCHAR',
  status: 'BIGINT',
  bytes: 'BIGINT',
  latency: 'DOUBLE',
  ok: 'BOOLEAN',
  who: 'VARCHAR',
};

/** SELECT lists and what follows FROM access; compared row by row, floats to twelve digits. */
const exact: [what: string, select: string, rest?: string][] = [
  [
    'arithmetic',
    'sum(bytes + 1) AS a, sum(bytes - status) AS b, sum(latency * 2) AS c, sum(bytes % 7) AS d, sum(latency / 4) AS e, sum(-bytes) AS f',
  ],
  [
    'comparison',
    'count_if(bytes > 500) AS a, count_if(bytes >= 500) AS b, count_if(bytes < 500) AS c, count_if(bytes <= 500) AS d, count_if(bytes = 500) AS e, count_if(bytes <> 500) AS f, count_if(bytes BETWEEN 100 AND 200) AS g',
  ],
  [
    'boolean',
    'count_if(ok AND bytes > 5) AS a, count_if(ok OR bytes > 5) AS b, count_if(NOT ok) AS c, count_if(ok IS NULL) AS d, count_if(who IS NOT DISTINCT FROM NULL) AS e',
  ],
  [
    'sums of conditions',
    'sum(ok) AS a, sum(status >= 500) AS b, sum(ok AND bytes > 5) FILTER (WHERE status = 404) AS c, sum(ok) / count(*) AS d',
  ],
  ['IN', "count_if(path IN ('/a', '/b')) AS a, count_if(status NOT IN (200, 404)) AS b"],
  [
    'CASE',
    "CASE WHEN status >= 500 THEN 'bad' WHEN status >= 400 THEN 'poor' ELSE 'good' END AS kind, count(*) AS n",
    'GROUP BY kind',
  ],
  [
    'CASE with an operand',
    "CASE status WHEN 200 THEN 'yes' ELSE 'no' END AS kind, count(*) AS n",
    'GROUP BY 1',
  ],
  [
    'COALESCE and NULLIF',
    "COALESCE(who, 'nobody') AS who_, sum(COALESCE(bytes, 0)) AS s, count(NULLIF(status, 200)) AS n",
    'GROUP BY ALL',
  ],
  [
    'LIKE',
    "count_if(path LIKE '/a%') AS a, count_if(path ILIKE '%B_') AS b, count_if(path NOT LIKE '%c%') AS c",
  ],
  [
    'regular expressions',
    "count_if(regexp_matches(path, '^/[ab]')) AS a, count_if(path ~ '/.*') AS b, count_if(regexp_full_match(path, '/[a-z]+')) AS c",
  ],
  ['regexp_extract', "regexp_extract(url, '[?&]q=([^&]*)', 1) AS q, count(*) AS n", 'GROUP BY q'],
  ['regexp_replace', "regexp_replace(path, '[aeiou]', '_') AS p, count(*) AS n", 'GROUP BY p'],
  ['lower and upper', 'lower(who) AS l, upper(who) AS u, count(*) AS n', 'GROUP BY ALL'],
  ['split_part', "split_part(path, '/', 2) AS p, count(*) AS n", 'GROUP BY p'],
  [
    'substr and length',
    'substr(path, 2, 1) AS p, substring(path, 1, 2) AS q, length(path) AS l, count(*) AS n',
    'GROUP BY ALL',
  ],
  [
    'trim, replace and concat',
    "trim(who) AS t, replace(path, '/', '-') AS r, path || '!' AS c, concat(path, '?') AS d, count(*) AS n",
    'GROUP BY ALL',
  ],
  [
    'starts_with, contains, left and right',
    "starts_with(path, '/a') AS s, contains(url, 'q=') AS c, left(path, 2) AS l, right(path, 1) AS r, count(*) AS n",
    'GROUP BY ALL',
  ],
  [
    'date_part',
    "date_part('hour', _time) AS h, date_part('minute', _time) AS m, count(*) AS n",
    'GROUP BY ALL',
  ],
  [
    'date functions',
    "hour(_time) AS h, dayofweek(_time) AS d, date_trunc('hour', _time) AS t, strftime(_time, '%H:%M') AS f, count(*) AS n",
    'GROUP BY ALL',
  ],
  [
    'rounding',
    'sum(round(latency, 1)) AS a, sum(floor(latency)) AS b, sum(ceil(latency)) AS c, sum(abs(bytes - 500)) AS d',
  ],
  ['casts', 'sum(status::DOUBLE) AS a, status::VARCHAR AS s, count(*) AS n', 'GROUP BY s'],
  ['WHERE', 'count(*) AS n', "WHERE status >= 400 AND path <> '/a'"],
  ['GROUP BY names', 'path, status, count(*) AS n', 'GROUP BY path, status'],
  ['GROUP BY positions', 'path, count(*) AS n, status', 'GROUP BY 1, 3'],
  ['GROUP BY ALL', 'path, count(*) AS n, status', 'GROUP BY ALL'],
  [
    'an expression over aggregates',
    'path, 100.0 * count_if(ok) / count(*) AS share, max(bytes) - min(bytes) AS spread',
    'GROUP BY path',
  ],
  ['DISTINCT', 'count(DISTINCT who) AS a, count(DISTINCT path) AS b, count(DISTINCT status) AS c'],
  [
    'FILTER',
    'count(*) FILTER (WHERE ok) AS a, sum(bytes) FILTER (WHERE status >= 400) AS b, count(DISTINCT who) FILTER (WHERE ok) AS c, avg(latency) FILTER (WHERE bytes < 0) AS d',
  ],
  ['HAVING', 'path, count(*) AS n', 'GROUP BY path HAVING count(*) > 60 AND sum(bytes) > 0'],
  ['ORDER BY and LIMIT', 'path, count(*) AS n', 'GROUP BY path ORDER BY n DESC, path LIMIT 3'],
  ['ORDER BY a position', 'path, sum(bytes) AS n', 'GROUP BY path ORDER BY 2 ASC LIMIT 2'],
  [
    'count, sum, min, max and avg',
    'count(*) AS a, count(bytes) AS b, sum(bytes) AS c, sum(latency) AS d, min(bytes) AS e, max(latency) AS f, avg(bytes) AS g, min(path) AS h, max(_time) AS i',
  ],
  [
    'deviation and variance',
    'stddev(latency) AS a, stddev_samp(latency) AS b, stddev_pop(latency) AS c, variance(latency) AS d, var_samp(latency) AS e, var_pop(bytes) AS f',
  ],
  [
    'corr and covar',
    'corr(bytes, latency) AS a, covar_pop(bytes, latency) AS b, covar_samp(bytes, latency) AS c',
  ],
  ['bool_and and bool_or', 'path, bool_and(ok) AS a, bool_or(ok) AS b', 'GROUP BY path'],
  ['count_if', 'count_if(ok) AS a, countif(bytes > 10) AS b'],
  [
    'arg_min and arg_max',
    'arg_min(path, latency) AS a, arg_max(path, latency) AS b, min_by(bytes, latency) AS c, max_by(bytes, latency) AS d',
  ],
  ['histogram', 'histogram(latency, [1, 2, 5]) AS h'],
  [
    'lists without a value',
    'histogram(latency, [1, 2]) FILTER (WHERE latency < 0) AS h, approx_top_k(path, 3) FILTER (WHERE latency < 0) AS t',
  ],
];

/** Engine's names, and an exact SELECT to compare with. */
const ordered: [what: string, select: string, oracle: string][] = [
  [
    'first and last by event time',
    'first(latency) AS a, last(latency) AS b',
    'arg_min(latency, _time), arg_max(latency, _time)',
  ],
  [
    'host and path of a URL',
    'url_host(url) AS h, url_path(url) AS p, count(*) AS n',
    "regexp_extract(url, '^[a-z]+://([^/?#:]+)', 1), regexp_extract(url, '^[a-z]+://[^/?#]+([^?#]*)', 1), count(*)",
  ],
];

describe('the SQL subset', () => {
  let folder: string;
  let engine: Engine;
  let count = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-subset-'));
    const rng = new Rng(20260501);
    const events = Array.from({ length: 700 }, (_, index) => ({
      // Times differ, so that first and last are one event each.
      _time: at(((index * 7919) % 700) * 120_000),
      path: rng.pick(['/a', '/b', '/c', '/a/b', '/abc']),
      url: `https://${rng.pick(['example.com', 'shop.example.org'])}${rng.pick(['/x', '/y/z'])}?q=${rng.pick(['tea', 'cup'])}`,
      status: rng.pick([200, 200, 404, 500, null]),
      bytes: rng.pick([null, rng.below(1000)]),
      latency: 1 + rng.below(1_000_000) / 100_000,
      ok: rng.pick([true, false, null]),
      who: rng.pick(['Ann', ' bob ', 'Zoë', null]),
    }));
    const file = join(folder, 'access.ndjson');
    writeFileSync(file, events.map(event => `${JSON.stringify(event)}\n`).join(''));
    const types = Object.entries(columns).map(([name, type]) => `${name}: '${type}'`);
    await (await duckdb()).run(
      `CREATE OR REPLACE TEMP TABLE access AS SELECT * FROM read_json('${file}', format = 'newline_delimited', columns = {${types.join(', ')}})`,
    );
    const log = new MemoryLog();
    log.createStream('access', 2);
    for (let from = 0; from < events.length; from += 100) {
      log.append('access', (from / 100) % 2, events.slice(from, from + 100), startMs);
    }
    engine = await openEngine(log, {
      schema: () =>
        Object.entries(columns)
          .filter(([name]) => name !== '_time')
          .map(([name, type]) => ({ name, type })),
    });
  });
  afterAll(async () => {
    await engine.close();
    await (await duckdb()).run('DROP TABLE IF EXISTS temp.access');
    rmSync(folder, { recursive: true, force: true });
  });

  async function rowsOf(select: string, rest = ''): Promise<unknown[][]> {
    const name = `v${count++}`;
    await engine.define({
      name,
      text: `-- every: 1d\n-- keep: forever\nSELECT ${select} FROM access ${rest}`,
    });
    await engine.settled();
    const { rows } = await engine.query({ view: name, limit: 100_000 });
    await engine.drop(name);
    return rows.map(({ values }) => values);
  }

  const sorted = (rows: unknown[][]): string[] => rows.map(row => JSON.stringify(row.map(plain))).sort();

  test.each(exact)('%s', async (_, select, rest = '') => {
    const expected = await query(`SELECT ${select} FROM access ${rest}`);
    expect(expected.length).toBeGreaterThan(0);
    expect(sorted(await rowsOf(select, rest))).toEqual(sorted(expected));
  });

  test.each(ordered)('%s', async (_, select, oracle) => {
    const rest = select.includes('count(*)') ? 'GROUP BY ALL' : '';
    expect(sorted(await rowsOf(select, rest))).toEqual(
      sorted(await query(`SELECT ${oracle} FROM access ${rest}`)),
    );
  });

  test('approximate aggregates stay within their bounds', async () => {
    const [row] = await rowsOf(
      "approx_count_distinct(latency) AS a, approx_quantile(latency, [0.5, 0.9]) AS b, approx_top_k(path, 2) AS c, approx_frequency(path, '/a') AS d, sample(path, 10) AS e",
    );
    const [a, b, c, d, e] = row as [number, number[], { value: string; count: number }[], number, string[]];
    const [wanted] = await query(
      `SELECT count(DISTINCT latency), quantile_disc(latency, [0.5, 0.9]), count_if(path = '/a') FROM access`,
    );
    const [distinct, quantiles, frequency] = wanted as [bigint, { items: number[] }, bigint];
    expect(Math.abs(a - Number(distinct)) / Number(distinct)).toBeLessThan(0.07);
    b.forEach((value, index) => {
      expect(Math.abs(value / quantiles.items[index]! - 1)).toBeLessThan(0.011);
    });
    const top = await query('SELECT path, count(*) AS n FROM access GROUP BY 1 ORDER BY n DESC LIMIT 2');
    expect(c.map(({ value, count }) => [value, count])).toEqual(top.map(([path, n]) => [path, Number(n)]));
    expect(d).toBe(Number(frequency));
    expect(e).toHaveLength(10);
    expect(e.every(path => path.startsWith('/'))).toBe(true);
  });
});

/** Values of either side as one spelling. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toPrecision(12));
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) * 1000 : value;
  if (value === null || typeof value !== 'object') return value;
  if ('micros' in value) return Number(value.micros);
  // A map: entries in DuckDB's client, an object or a list of pairs in ours.
  if ('entries' in value) {
    return (value.entries as { key: unknown; value: unknown }[]).map(entry => [
      bound(entry.key),
      Number(entry.value),
    ]);
  }
  if (Array.isArray(value))
    return value.map(entry => [bound(entry.key ?? entry[0]), Number(entry.value ?? entry[1])]);
  return Object.entries(value).map(([key, entry]) => [bound(key), Number(entry)]);
}

const bound = (key: unknown): string => String(Number(key));
