// The SQL of a plan against the SELECT as the user wrote it, over the same table: without windows the whole table, with windows
// the rows of each window. Both run in DuckDB; what differs is that ours went through the plan.
import { beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import type { Catalog } from '../bind/catalog.ts';
import { urlMacros } from '../functions/url-sql.ts';
import { defaultView, duckdb, planOf, query } from '../plan.fixture.ts';
import type { Plan } from '../plan.ts';
import type { SqlRelation } from './column-type.ts';
import { type PlanSqlOptions, planSql } from './plan-sql.ts';

const relations: Record<string, SqlRelation> = {
  access: {
    from: 'access',
    columns: [
      { name: 'status', type: 'BIGINT' },
      { name: 'bytes', type: 'BIGINT' },
      { name: 'ip', type: 'VARCHAR' },
      { name: 'method', type: 'VARCHAR' },
      { name: 'path', type: 'VARCHAR' },
      { name: 'seconds', type: 'DOUBLE' },
      { name: 'request', type: 'STRUCT(host VARCHAR, "sent at" TIMESTAMP)' },
    ],
  },
  mail: {
    from: 'mail',
    columns: [
      { name: 'code', type: 'BIGINT' },
      { name: 'size', type: 'BIGINT' },
    ],
  },
  countries: {
    from: 'countries',
    columns: [
      { name: 'ip', type: 'VARCHAR' },
      { name: 'country', type: 'VARCHAR' },
    ],
  },
  codes: {
    from: 'codes',
    columns: [
      { name: 'id', type: 'BIGINT' },
      { name: 'word', type: 'VARCHAR' },
    ],
  },
};
const tables = ['countries', 'codes'];
const catalog: Catalog = {
  schema: stream => (tables.includes(stream) ? undefined : relations[stream]?.columns),
  lookups: table => (tables.includes(table) ? relations[table]!.columns : undefined),
};
const options: PlanSqlOptions = {
  events: stream => relations[stream]!,
  lookup: table => relations[table]!,
};

beforeAll(async () => {
  const connection = await duckdb();
  await connection.run("SET TimeZone = 'UTC'");
  for (const macro of urlMacros) await connection.run(macro);
  const rng = new Rng(7);
  const pick = <T>(values: readonly T[]): T => rng.pick(values);
  const text = (value: string | null) => (value === null ? 'NULL' : `'${value}'`);
  const rows = Array.from({ length: 400 }, () => {
    const timeUs = 1_767_225_600e6 + Math.floor(rng.float() * 7200) * 1e6 + Math.floor(rng.float() * 1e6);
    return `(make_timestamp(${timeUs}), ${pick([200, 200, 200, 304, 404, 500, 'NULL'])}, ${
      rng.float() < 0.1 ? 'NULL' : Math.floor(rng.float() * 50_000)
    }, ${text(pick(['10.0.0.1', '10.0.0.2', '10.0.0.3', '::1', null]))}, ${text(
      pick(['GET', 'GET', 'POST', 'OPTIONS', null]),
    )}, ${text(pick(['/', '/a/b?x=1&y=%C3%A9', '/a/c', 'https://H.example/p?x=2', '']))}, ${
      Math.floor(rng.float() * 1000) / 256
    }, {'host': ${text(pick(['a', 'b', null]))}, 'sent at': make_timestamp(${timeUs - 5e6})})`;
  });
  await connection.run(
    `CREATE TABLE access AS SELECT * FROM (VALUES ${rows.join(', ')}) AS t(_time, status, bytes, ip, method, path, seconds, request)`,
  );
  await connection.run('ALTER TABLE access ALTER status TYPE BIGINT');
  await connection.run('ALTER TABLE access ALTER bytes TYPE BIGINT');
  await connection.run('ALTER TABLE access ALTER seconds TYPE DOUBLE');
  await connection.run(
    'CREATE TABLE mail AS SELECT _time, (status + 50)::BIGINT AS code, bytes // 2 AS size FROM access WHERE ip IS NOT NULL',
  );
  await connection.run(
    "CREATE TABLE countries AS SELECT * FROM (VALUES ('10.0.0.1', 'NL'), ('10.0.0.2', 'DE'), ('::1', NULL)) AS t(ip, country)",
  );
  await connection.run(
    "CREATE TABLE codes AS SELECT id::BIGINT AS id, word FROM (VALUES (0, 'none'), (1, 'one'), (2, 'two'), (3, 'three')) AS t(id, word)",
  );
});

/** Views whose every value is exact, so that the SELECT itself is the oracle. */
const views = [
  "SELECT status, count(*) AS n, sum(bytes) AS bytes FROM access WHERE method <> 'OPTIONS' GROUP BY status",
  'SELECT count(*), count(bytes), min(bytes), max(bytes), avg(bytes), stddev(bytes), var_pop(seconds) FROM access',
  'SELECT status // 100 AS class, count(DISTINCT ip) AS ips FROM access GROUP BY class ORDER BY class',
  "SELECT CASE WHEN status >= 500 THEN 'error' WHEN status >= 400 THEN 'client' ELSE 'fine' END AS kind, count(*) AS n FROM access GROUP BY ALL",
  "SELECT count(*) FILTER (WHERE status >= 400) AS errors, sum(bytes) FILTER (WHERE method = 'GET') AS got, count_if(status = 200) AS ok, 100.0 * count_if(status >= 400) / count(*) AS percent FROM access",
  'SELECT bool_and(bytes > 10) AS a, bool_or(status = 500) AS o, corr(bytes, seconds) AS c, covar_samp(bytes, seconds) AS s, covar_pop(bytes, seconds) AS p FROM access WHERE bytes IS NOT NULL',
  'SELECT path, count(*) AS n FROM access GROUP BY 1 HAVING count(*) > 60 ORDER BY n DESC',
  'SELECT lower(method) AS m, max(length(path)) AS longest FROM access GROUP BY lower(method)',
  'SELECT request.host AS host, count(*) AS n FROM access GROUP BY host',
  'SELECT date_trunc(\'hour\', request."sent at") AS hour, count(*) AS n FROM access GROUP BY hour',
  "SELECT regexp_extract(path, '^/([a-z]*)', 1) AS top, sum(seconds) AS total FROM access GROUP BY top",
  'SELECT url_path(path) AS p, url_host(path) AS h, count(*) AS n FROM access GROUP BY ALL',
  "SELECT url_parameter(path, 'x') AS x, url_parameter(path, 'y') AS y, count(*) AS n FROM access GROUP BY ALL",
  'SELECT country, count(*) AS n FROM access JOIN countries ON access.ip = countries.ip GROUP BY country',
  "SELECT coalesce(c.country, 'none') AS country, count(*) AS n FROM access a LEFT JOIN countries c ON a.ip = c.ip GROUP BY 1",
  'SELECT word, count(*) AS n FROM access a LEFT JOIN codes c ON a.seconds * 4 = c.id GROUP BY word',
  'SELECT word, count(*) AS n FROM (SELECT round(seconds * 2) / 2 AS halves FROM access) x JOIN codes c ON x.halves = c.id GROUP BY word',
  'SELECT country, sum(bytes) AS b FROM access JOIN countries USING (ip) WHERE country IS NOT NULL GROUP BY country',
  'SELECT code, count(*) AS n, sum(size) AS size FROM (SELECT status AS code, bytes AS size FROM access UNION ALL SELECT code, size FROM mail) GROUP BY code',
  'SELECT v, count(*) AS n FROM (SELECT seconds AS v FROM access UNION ALL SELECT code FROM mail) GROUP BY v',
  'SELECT CAST(v AS VARCHAR) AS t, count(*) AS n FROM (SELECT seconds AS v FROM access UNION ALL SELECT code FROM mail) GROUP BY 1',
  "SELECT upper(v) AS t, count(*) AS n FROM (SELECT code AS v FROM mail UNION ALL SELECT seconds FROM access UNION ALL SELECT 'é' FROM mail) GROUP BY 1",
  'SELECT v, max(v) + 1 AS m, count(*) AS n FROM (SELECT status > 300 AS v FROM access UNION ALL SELECT code FROM mail) GROUP BY v',
  "SELECT count(v) AS n, count(DISTINCT v) AS d FROM (SELECT method AS v FROM access UNION ALL SELECT 'PUT' FROM mail)",
  'WITH slow AS (SELECT path, seconds FROM access WHERE seconds > 2) SELECT path, count(*) AS n, max(seconds) AS worst FROM slow GROUP BY path',
  'SELECT arg_max(path, seconds) AS slowest FROM access WHERE seconds > 3.8',
  'SELECT histogram(seconds, [1.0, 2.0, 3.0]) AS h FROM access',
] as const;

const text = (value: unknown): string =>
  JSON.stringify(value, (_, inner) =>
    typeof inner === 'bigint'
      ? Number(inner)
      : typeof inner === 'number'
        ? Number(inner.toPrecision(12))
        : inner,
  );
const sorted = (rows: unknown[][]) => rows.map(text).sort();

describe('the SQL of a plan', () => {
  it.each(views)('says what the SELECT says: %s', async sql => {
    const plan = await planOf(sql, catalog);
    const planned = await query(planSql(plan, { ...options, everyMs: 'total' }));
    expect(planned.length).toBeGreaterThan(0);
    expect(sorted(planned.map(row => row.slice(2)))).toEqual(sorted(await query(sql)));
  });

  it.each(views)('says it for each window: %s', async sql => {
    const plan = await planOf(sql, catalog);
    const everyMs = 1_800_000;
    const planned = await query(planSql(plan, { ...options, everyMs }));
    const hours = [0, 1, 2, 3].map(index => 1_767_225_600e6 + index * everyMs * 1000);
    for (const startUs of hours) {
      const within = `_time >= make_timestamp(${startUs}) AND _time < make_timestamp(${startUs + everyMs * 1000})`;
      await (await duckdb()).run(
        `CREATE OR REPLACE TEMP VIEW access AS SELECT * FROM memory.main.access WHERE ${within}; CREATE OR REPLACE TEMP VIEW mail AS SELECT * FROM memory.main.mail WHERE ${within}`,
      );
      const expected = await query(sql).finally(async () => {
        await (await duckdb()).run('DROP VIEW temp.access; DROP VIEW temp.mail');
      });
      const rows = planned.filter(row => (row[0] as { micros: bigint }).micros === BigInt(startUs));
      expect(sorted(rows.map(row => row.slice(2)))).toEqual(sorted(expected));
    }
  });

  it('gives columns of the types and names that the plan says', async () => {
    for (const sql of views) {
      const plan = await planOf(sql, catalog);
      const described = await query(`DESCRIBE ${planSql(plan, options)}`);
      expect(described.slice(2).map(([name, type]) => ({ name, type }))).toEqual(
        // A group by a field is of the stream's type, which the plan leaves open.
        plan.outputs.map(({ column: { name, type } }, index) => ({
          name,
          type: type === 'JSON' ? described[index + 2]![1] : type,
        })),
      );
    }
  });

  it('plans the default view, with exact values for the approximate ones', async () => {
    const plan = await planOf(defaultView, catalog);
    const rows = await query(planSql(plan, { ...options, everyMs: 'total' }));
    const exact = await query(
      "SELECT status, count(*), sum(bytes), count(DISTINCT ip), quantile_disc(bytes, [0.5, 0.95, 0.99]) FROM access WHERE method <> 'OPTIONS' GROUP BY status",
    );
    expect(sorted(rows.map(row => row.slice(2)))).toEqual(sorted(exact));
    const [everySecond, everyMinute] = await Promise.all(
      [undefined, 60_000].map(everyMs => query(planSql(plan, { ...options, everyMs }))),
    );
    expect(everySecond!.length).toBeGreaterThan(everyMinute!.length);
  });

  it('orders each window and keeps its first rows', async () => {
    const sql = 'SELECT path, count(*) AS n FROM access GROUP BY path ORDER BY n DESC, path LIMIT 2';
    const plan = await planOf(sql, catalog);
    expect(sorted(await query(planSql(plan, { ...options, everyMs: 'total' })).then(strip))).toEqual(
      sorted(await query(sql)),
    );
    const perHour = await query(planSql(plan, { ...options, everyMs: 3_600_000 }));
    expect(perHour).toHaveLength(4);
  });

  it('puts an event into every hopping window that covers it', async () => {
    const plan = await planOf('-- window: 30m every 10m\nSELECT count(*) AS n FROM access', catalog);
    const rows = await query(planSql(plan, options));
    const total = rows.reduce((sum, row) => sum + Number(row[2]), 0);
    expect(total).toBe(3 * 400);
    const [start, end] = rows[3]!.slice(0, 2).map(value => (value as { micros: bigint }).micros);
    expect(end! - start!).toBe(1_800_000_000n);
    const [[inside]] = (await query(
      `SELECT count(*) FROM access WHERE _time >= make_timestamp(${start}) AND _time < make_timestamp(${end})`,
    )) as [[bigint]];
    expect(rows[3]![2]).toBe(inside);
  });

  it('closes a session at a gap', async () => {
    await (await duckdb()).run(
      `CREATE OR REPLACE TABLE clicks AS SELECT * FROM (VALUES (TIMESTAMP '2026-01-01 10:00:00', 'a'), ('2026-01-01 10:20:00', 'a'),
       ('2026-01-01 10:50:00', 'a'), ('2026-01-01 10:10:00', 'b')) AS t(_time, "user")`,
    );
    const plan = await planOf(
      '-- session: 30m by user\nSELECT "user", count(*) AS n FROM clicks GROUP BY "user"',
    );
    const rows = await query(
      planSql(plan, { events: () => ({ from: 'clicks', columns: [{ name: 'user', type: 'VARCHAR' }] }) }),
    );
    expect(
      rows.map(row => [`${row[0]}`.slice(11, 16), `${row[1]}`.slice(11, 16), row[2], Number(row[3])]),
    ).toEqual([
      ['10:00', '10:50', 'a', 2],
      ['10:10', '10:40', 'b', 1],
      ['10:50', '11:20', 'a', 1],
    ]);
  });

  it('takes a range of time and conditions on groups', async () => {
    const plan = await planOf('SELECT status, ip, count(*) AS n FROM access GROUP BY ALL', catalog);
    const [fromUs, toUs] = [1_767_225_600e6 + 600e6, 1_767_225_600e6 + 4200e6];
    const where: PlanSqlOptions['where'] = [
      { column: 'status', op: 'in', value: [200, null] },
      { column: 'ip', op: 'like', value: '10.%' },
      { column: 'ip', op: '!=', value: '10.0.0.3' },
    ];
    const rows = await query(planSql(plan, { ...options, everyMs: 'total', fromUs, toUs, where }));
    const expected = await query(
      `SELECT status, ip, count(*) FROM access WHERE _time >= make_timestamp(${fromUs}) AND _time < make_timestamp(${toUs})
       AND (status = 200 OR status IS NULL) AND ip LIKE '10.%' AND ip <> '10.0.0.3' GROUP BY ALL`,
    );
    expect(expected.length).toBeGreaterThan(2);
    expect(sorted(strip(rows))).toEqual(sorted(expected));
    const bad = "'; DROP TABLE access; --";
    expect(
      await query(planSql(plan, { ...options, where: [{ column: 'ip', op: '=', value: bad }] })),
    ).toEqual([]);
  });

  it('finds groups of whole numbers by their digits, also where the field has drifted', async () => {
    const schema = () => [{ name: 'n', type: 'BIGINT' }];
    const plan = await planOf('SELECT abs(n) AS g, count(*) AS c FROM s GROUP BY 1', { schema });
    const values = ['9007199254740993', '9007199254740992', '2.5', '"x"', '7'];
    const rows = values.map(n => `(TIMESTAMP '2026-01-01', '${n}'::JSON)`).join(', ');
    const relation = {
      from: `(SELECT * FROM (VALUES ${rows}) AS t(_time, n))`,
      columns: [{ name: 'n', type: 'JSON' }],
    };
    for (const value of ['9007199254740993', 2.5, 7, null]) {
      const where: PlanSqlOptions['where'] = [{ column: 'g', op: '=', value }];
      expect(await query(planSql(plan, { events: () => relation, where }))).toHaveLength(1);
    }
  });

  it('gives first and last by event time whatever the order of the rows', async () => {
    const plan = await planOf(
      'SELECT first(path) AS f, last(path) AS l, arg_min(ip, bytes) AS least FROM access',
      catalog,
    );
    const rows = await query(planSql(plan, { ...options, everyMs: 'total' }));
    const [[first]] = (await query('SELECT path FROM access ORDER BY _time LIMIT 1')) as [[string]];
    const [[last]] = (await query('SELECT path FROM access ORDER BY _time DESC LIMIT 1')) as [[string]];
    const [[least]] = (await query(
      'SELECT ip FROM access WHERE bytes IS NOT NULL AND ip IS NOT NULL ORDER BY bytes, ip LIMIT 1',
    )) as [[string]];
    expect(strip(rows)).toEqual([[first, last, least]]);
  });

  it('keeps its version while nothing changes and changes it with the meaning', async () => {
    const version = async (sql: string): Promise<Plan['version']> => (await planOf(sql, catalog)).version;
    const base = await version('SELECT status, count(*) AS n FROM access GROUP BY status');
    expect(base).toMatch(/^[0-9a-f]{16}$/);
    expect(await version('-- keep: 1s for 1h\nselect STATUS, count(*) as n\nfrom access group by 1')).toBe(
      base,
    );
    expect(
      await version('SELECT status, count(*) AS n FROM access WHERE status > 1 GROUP BY status'),
    ).not.toBe(base);
    expect(await version('-- every: 1m\nSELECT status, count(*) AS n FROM access GROUP BY status')).not.toBe(
      base,
    );
  });
});

function strip(rows: unknown[][]): unknown[][] {
  return rows.map(row => row.slice(2));
}
