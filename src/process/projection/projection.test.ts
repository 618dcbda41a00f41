import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import { kernels } from '../../kernel/testing/kernels.ts';
import type { Catalog } from '../plan/bind/catalog.ts';
import type { LookupTable } from '../plan/expression/evaluate.ts';
import { parsedLines, planned, project } from './projection.fixture.ts';

const kernel = kernels[1]!.create();
const catalog: Catalog = {
  schema: stream =>
    stream === 'typed'
      ? [
          { name: 'Status', type: 'BIGINT' },
          { name: 'path', type: 'VARCHAR' },
        ]
      : undefined,
  lookups: table =>
    table === 'countries'
      ? [
          { name: 'code', type: 'VARCHAR' },
          { name: 'country', type: 'VARCHAR' },
        ]
      : undefined,
};
const names = new Map([
  ['DE', 'Germany'],
  ['FR', 'France'],
]);
const countries: LookupTable = {
  generation: 1,
  find: (_, [code]) => [...names.keys()].indexOf(String(code)),
  value: (row, column) => [...names][row]![column === 'code' ? 0 : 1]!,
};

const output = async (text: string, events: readonly object[], appendTimeUs = 0): Promise<unknown[]> => {
  const plan = await planned(text, catalog);
  const lines = events.map(event => JSON.stringify(event));
  return parsedLines(project(plan, kernel, lines, { table: () => countries, appendTimeUs }).text);
};

describe('a projection', () => {
  it('takes each event by itself, in order, where its WHERE is true', async () => {
    const events = [{ a: 1 }, { a: 'x' }, { a: null }, {}, { a: 5 }];
    expect(await output('SELECT a, a > 2 AS big FROM s WHERE a > 2 OR a IS NULL', events)).toEqual([
      { a: null, big: null },
      { a: null, big: null },
      { a: 5, big: true },
    ]);
  });

  it('passes a field on with its own digits, and computes whole numbers exactly', async () => {
    const plan = await planned('SELECT n, n + 1 AS next, 1.0 * n AS rough FROM s');
    const lines = ['{"n":9223372036854775806}', '{"n":1.50}', '{"n":1e3}'];
    expect(project(plan, kernel, lines).text).toBe(
      '{"n":9223372036854775806,"next":9223372036854776000,"rough":9223372036854776000}\n{"n":1.50,"next":2.5,"rough":1.5}\n{"n":1e3,"next":1001,"rough":1000}\n',
    );
    const typed = await planned('SELECT "Status" + 1 AS next FROM typed', catalog);
    expect(project(typed, kernel, ['{"Status":9223372036854775806}']).text).toBe(
      '{"next":9223372036854775807}\n',
    );
  });

  it('spells a bare column as the stream knows it, and says the types', async () => {
    const { columns, keepsTime, hasAll } = await planned(
      'SELECT status, other, lower(path), status AS s, _time FROM typed',
      catalog,
    );
    expect(columns).toEqual([
      { name: 'Status', type: 'BIGINT' },
      { name: 'other', type: 'JSON' },
      { name: 'lower(path)', type: 'VARCHAR' },
      { name: 's', type: 'BIGINT' },
      { name: '_time', type: 'TIMESTAMP' },
    ]);
    expect({ keepsTime, hasAll }).toEqual({ keepsTime: true, hasAll: false });
    expect((await planned('SELECT * FROM s')).keepsTime).toBe(true);
    expect((await planned('SELECT a AS _time FROM s')).keepsTime).toBe(false);
    expect((await planned('SELECT _time AS at FROM s')).keepsTime).toBe(false);
  });

  it('gives the time of an event wherever it is, or of its append', async () => {
    const events = [{ ts: 1_790_000_000 }, { _time: '2026-01-01T01:00:00.000250+01:00' }, { x: 1 }];
    expect(await output('SELECT _time, CAST(_time AS DATE) AS day FROM s', events, 1e15)).toEqual([
      { _time: '2026-09-21T14:13:20.000Z', day: '2026-09-21' },
      { _time: '2026-01-01T00:00:00.000250Z', day: '2026-01-01' },
      { _time: '2001-09-09T01:46:40.000Z', day: '2001-09-09' },
    ]);
  });

  it('uses aliases, subqueries and common table expressions', async () => {
    const events = [
      { price: 10, path: '/A' },
      { price: 30, path: '/B' },
    ];
    expect(
      await output('SELECT price * 2 AS twice, twice + 1 AS more FROM s WHERE twice > 30', events),
    ).toEqual([{ twice: 60, more: 61 }]);
    expect(
      await output(
        'WITH low AS (SELECT lower(path) AS p, price FROM s WHERE price < 20) SELECT *, price + 1 AS next FROM low',
        events,
      ),
    ).toEqual([{ p: '/a', price: 10, next: 11 }]);
    expect(await output('SELECT p FROM (SELECT CAST(price AS VARCHAR) AS p FROM s)', events)).toEqual([
      { p: '10' },
      { p: '30' },
    ]);
  });

  it('joins a lookup table', async () => {
    const events = [{ c: 'DE' }, { c: 'XX' }, { c: null }, { c: 'FR' }];
    const join = 'JOIN countries ON s.c = countries.code';
    expect(await output(`SELECT c, country FROM s ${join}`, events)).toEqual([
      { c: 'DE', country: 'Germany' },
      { c: 'FR', country: 'France' },
    ]);
    expect(await output(`SELECT *, country FROM s LEFT ${join} WHERE c <> 'FR'`, events)).toEqual([
      { c: 'DE', country: 'Germany' },
      { c: 'XX', country: null },
    ]);
  });

  it('reads every stream of a UNION ALL by its own part', async () => {
    const plan = await planned(
      "SELECT kind, n * 2 AS twice FROM (SELECT 'a' AS kind, x AS n FROM a WHERE x > 1 UNION ALL SELECT 'b', y FROM b)",
    );
    expect(plan.sources.map(({ stream }) => stream)).toEqual(['a', 'b']);
    expect(project(plan, kernel, ['{"x":1}', '{"x":2}'], { source: 0 }).text).toBe(
      '{"kind":"a","twice":4}\n',
    );
    expect(project(plan, kernel, ['{"y":1}'], { source: 1 }).text).toBe('{"kind":"b","twice":2}\n');
  });

  it('escapes what JSON escapes, in names and in values', async () => {
    const events = [{ t: 'a"\\\n\u0001é😀\ud800' }, { t: '' }];
    expect(await output('SELECT t, concat(t, t) AS "tw""ice\\" FROM s', events)).toEqual(
      events.map(({ t }) => ({ t, 'tw"ice\\': t + t })),
    );
  });

  it('counts values that are not of the wanted type', async () => {
    const plan = await planned('SELECT a + 1 AS next FROM s');
    expect(project(plan, kernel, ['{"a":"x"}', '{"a":"4"}', '{"a":{}}']).text).toBe(
      '{"next":null}\n{"next":5}\n{"next":null}\n',
    );
  });

  it('keeps texts apart over many spans', async () => {
    const plan = await planned("SELECT upper(t) AS t FROM s WHERE t <> 'x3'");
    const lines = Array.from({ length: 5000 }, (_, i) => `{"t":"x${i % 700}"}`);
    const wanted = lines
      .map(line => line.toUpperCase().replace('"T"', '"t"'))
      .filter(line => !/X3"/.test(line));
    expect(project(plan, kernel, lines, { spanLines: 300 }).text).toBe(
      wanted.map(line => `${line}\n`).join(''),
    );
  });

  it('has a version that changes with its meaning and not with its layout', async () => {
    const version = async (text: string): Promise<string> => (await planned(text)).version;
    expect(await version('SELECT a FROM s')).toBe(await version('-- into: t\nselect  a  from s'));
    expect(await version('SELECT a FROM s')).not.toBe(await version('SELECT a AS b FROM s'));
    expect(await version('SELECT a FROM s')).not.toBe(await version('SELECT a FROM s WHERE a > 1'));
  });
});

describe('what a projection cannot be is refused', () => {
  it.each([
    ['SELECT ¶count(*) FROM s', /aggregate/],
    ['SELECT a, ¶sum(b) FROM s', /aggregate/],
    ['SELECT ¶a FROM s GROUP BY a', /put events together/],
    ['SELECT DISTINCT ¶a FROM s', /other events/],
    ['SELECT ¶a FROM s ORDER BY a', /other events/],
    ['SELECT ¶a FROM s LIMIT 5', /other events/],
    ['SELECT ¶row_number() OVER () FROM s', /other rows/],
    ['SELECT a, ¶b AS A FROM s', /Two columns/],
    ['SELECT ¶a FROM s UNION ALL SELECT a FROM t', /whole queries/],
    ['SELECT a FROM (SELECT ¶a FROM s UNION SELECT a FROM t)', /whole streams|compares/],
    ["SELECT INTERVAL ¶'1 hour' AS i FROM s", /interval/i],
    ['SELECT ¶* EXCLUDE (a) FROM s', /EXCLUDE/],
    ['SELECT ¶1', /reads no stream/],
    ['SELECT a FROM ¶countries', /lookup table/],
    ['SELECT a FROM s JOIN ¶t ON s.a = t.a', /two streams/],
    ['SELECT ¶now() FROM s', /./],
    ['SELECT ¶random() FROM s', /./],
    ['¶INSERT INTO x VALUES (1)', /one SELECT/],
  ])('%s', async (marked, reason) => {
    const position = marked.indexOf('¶');
    const thrown = await planned(marked.replace('¶', ''), catalog).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(MillraceError);
    const { code, context } = thrown as MillraceError;
    expect(code).toBe('view-refused');
    expect(String(context['reason'])).toMatch(reason);
    expect(context['position']).toBe(position);
  });
});
