// Names of fields that differ only in case are one field: to live views, views filled later, SQL and audits.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { cleanUp, eventually, folder, run, serve } from './command.ts';

afterAll(cleanUp);

const time = '2026-01-01T00:00:00Z';
const spellings = ['foo', '"Foo"', 'fOO'];

test('every spelling of a field is read by every spelling in a view and in SQL', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  const define = (when: string): void =>
    spellings.forEach((name, index) => {
      const sql = `SELECT ${name} AS f, count(*) AS n, sum(${name}) AS s FROM a GROUP BY 1`;
      writeFileSync(join(dir, 'views', `${when}_${index}.sql`), `-- every: 1d\n${sql}\n`);
    });
  define('before');
  const server = await serve(dir, ['up']);
  const post = async (...events: object[]): Promise<void> => {
    const body = events.map(event => `${JSON.stringify({ _time: time, ...event })}\n`).join('');
    await server.json('/v1/streams/a/events', { method: 'POST', body });
  };
  await post({ Foo: 1 }, { foo: 2 }, { FOO: 3 });
  expect(await server.sql('SELECT count(foo) FROM a')).toEqual([[3]]);
  await post({ Foo: 1 }, { foo: 2 }, { FOO: 4, foo: 5 }, { Foo: 5, foo: null });
  define('after');
  const defined = (name: string): boolean => /^(before|after)_/.test(name);
  await eventually(
    async () => (await server.json<{ views: { name: string }[] }>('/v1/views')).views,
    views => views.filter(({ name }) => defined(name)).length === 6,
  );
  const wanted = [
    [1, 2, 2],
    [2, 2, 4],
    [3, 1, 3],
    [5, 1, 5],
    [null, 1, null],
  ];
  for (const [index, name] of spellings.entries()) {
    const sql = `SELECT ${name} AS f, count(*) AS n, sum(${name}) AS s FROM a GROUP BY 1 ORDER BY 1`;
    expect(await server.sql(sql)).toEqual(wanted);
    for (const when of ['before', 'after']) {
      const ask = () => server.sql(`SELECT f, n, s FROM ${when}_${index} ORDER BY 1`);
      await eventually(ask, rows => JSON.stringify(rows) === JSON.stringify(wanted));
    }
  }
  for (const name of ['foo', 'Foo', 'fOO']) {
    const { events } = await server.json(`/v1/streams/a/events?where=${name}=2`);
    expect(events).toHaveLength(2);
  }
  const audit = await (await fetch(`${server.url}/v1/audit`, { method: 'POST' })).text();
  const { reports, failed } = JSON.parse(audit.trim().split('\n').at(-1)!) as {
    reports: { view: string; differences: unknown[] }[];
    failed: unknown[];
  };
  expect(failed).toEqual([]);
  const own = reports.filter(({ view }) => defined(view));
  expect(own).toHaveLength(6);
  for (const { differences } of own) expect(differences).toEqual([]);
});

test('the time of an event is in names as they are spelled, and other spellings are fields beside it', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  const sql = 'SELECT count(*) AS n, count(Timestamp) AS s, max(TIMESTAMP) AS m FROM a';
  writeFileSync(join(dir, 'views', 'days.sql'), `-- every: 1d\n${sql}\n`);
  const server = await serve(dir, ['up']);
  const post = (...lines: string[]) =>
    server.json('/v1/streams/a/events', { method: 'POST', body: lines.join('\n') });
  const day = (number: number): string => `2026-01-0${number}T00:00:00.000Z`;
  await post(`{"timestamp":"${day(1)}"}`);
  expect(await server.sql('SELECT count(*) FROM a')).toEqual([[1]]);
  await post(`{"Timestamp":"${day(1)}","time":"${day(2)}"}`);
  expect(await server.sql('SELECT count(*) FROM a')).toEqual([[2]]);
  await post(
    `{"timestamp":"${day(3)}","TIMESTAMP":"${day(9)}"}`,
    `{"Timestamp":"${day(8)}","_TIME":1,"ts":"${day(4)}"}`,
  );
  const wanted = [
    [day(1), 1, 1, day(1)],
    [day(2), 1, 1, day(1)],
    [day(3), 1, 1, day(9)],
    [day(4), 1, 1, day(8)],
  ];
  const grouped = `SELECT date_trunc('day', _time), count(*), count(timestamp), max(timestamp) FROM a GROUP BY 1 ORDER BY 1`;
  expect(await server.sql(grouped)).toEqual(wanted);
  await eventually(
    () => server.sql('SELECT window_start, n, s, m FROM days ORDER BY 1'),
    rows => JSON.stringify(rows) === JSON.stringify(wanted),
  );
});

test('rows are asked for by columns in any case, and come in one order from kept windows and from the history', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  const sql = 'SELECT host AS "Host", max(v) AS "M" FROM a GROUP BY 1';
  writeFileSync(join(dir, 'views', 'hosts.sql'), `-- every: 1h\n${sql}\n`);
  const server = await serve(dir, ['up']);
  const event = (hour: number, host: string | null, v: number | null): string =>
    `${JSON.stringify({ _time: `2026-01-01T0${hour}:00:00Z`, host, v, all: 1 })}\n`;
  const events = [
    event(1, 'a', 3),
    event(1, 'b', null),
    event(1, null, 5),
    event(2, 'a', 3),
    event(2, 'b', 7),
  ];
  await server.json('/v1/streams/a/events', { method: 'POST', body: events.join('') });
  const values = async (parameters: string, source: string): Promise<unknown[]> => {
    const asked = `/v1/views/hosts?every=1h&${parameters}`;
    const answer = await eventually(
      () => server.json<{ windows: { values: unknown[] }[]; source: string }>(asked),
      ({ windows }) => windows?.length > 0,
    );
    expect(answer.source).toBe(source);
    return answer.windows.map(({ values }) => values);
  };
  const byHighest = [
    ['b', 7],
    [null, 5],
    ['a', 3],
    ['a', 3],
    ['b', null],
  ];
  for (const name of ['M', 'm']) {
    expect(await values(`order=-${name}`, 'view')).toEqual(byHighest);
    expect(await values(`order=-${name}&where=all=1`, 'history')).toEqual(byHighest);
  }
  const latest = [
    ['b', 7],
    ['a', 3],
    [null, 5],
    ['a', 3],
    ['b', null],
  ];
  for (const start of ['start', 'window_start']) {
    expect(await values(`order=-${start}&order=-m`, 'view')).toEqual(latest);
    expect(await values(`order=-${start}&order=-m&where=all=1`, 'history')).toEqual(latest);
  }
  expect(await values('where=HOST=b&order=start', 'view')).toEqual([
    ['b', null],
    ['b', 7],
  ]);
  const refused = await fetch(`${server.url}/v1/views/hosts?order=none`);
  expect(refused.status).toBe(400);
  expect(await refused.text()).toMatch(/no column \\"none\\".*Host, M, and start/);
});

test('a field may have the name of what JavaScript objects have, or one that is given by Millrace', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'views'));
  const server = await serve(dir, ['up']);
  const post = (stream: string, body: string) =>
    server.json(`/v1/streams/${stream}/events`, { method: 'POST', body });
  await post('p', `{"_time":"${time}","__proto__":5,"constructor":1}\n{"_time":"${time}","__proto__":6}\n`);
  const { events } = await server.json<{ events: { event: object }[] }>('/v1/streams/p/events');
  expect(events.map(({ event }) => JSON.stringify(event)).sort()).toEqual([
    `{"_time":"2026-01-01T00:00:00.000Z","__proto__":5,"constructor":1}`,
    `{"_time":"2026-01-01T00:00:00.000Z","__proto__":6}`,
  ]);
  const view = `SELECT "__proto__", count(*) AS n FROM p GROUP BY 1`;
  writeFileSync(join(dir, 'views', 'protos.sql'), `-- every: 1d\n${view}\n`);
  const wanted = [
    [5, 1],
    [6, 1],
  ];
  await eventually(
    () => server.sql('SELECT "__proto__", n FROM protos ORDER BY 1').catch(() => []),
    rows => JSON.stringify(rows) === JSON.stringify(wanted),
  );
});

test('default views leave out fields that no view can have', async () => {
  const server = await serve(folder(), ['up']);
  const fields = {
    _partition: 1,
    _offset: 2,
    _start: 'q',
    window_start: 'x',
    Final: 'f',
    events: 'e',
    ['k'.repeat(50_000)]: 1,
    '': 'n',
    'a\u0000': 3,
  };
  const lines = Array.from({ length: 50 }, () => JSON.stringify({ ...fields, kind: 'a', size: 3 }));
  await server.json('/v1/streams/ev/events', { method: 'POST', body: lines.join('\n') });
  const { views } = await eventually(
    () => server.json<{ views: { name: string }[] }>('/v1/views'),
    ({ views }) => views.length >= 2,
  );
  expect(views.map(({ name }) => name).sort()).toEqual(['ev_by_kind', 'ev_events']);
  expect(await server.sql('SELECT "\ufffd", "a\ufffd", size FROM ev LIMIT 1')).toEqual([['n', 3, 3]]);
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
});

test('streams, views and lookup tables are found in whatever case their names are written, by views as by SQL', async () => {
  const dir = folder();
  for (const name of ['views', 'lookups']) mkdirSync(join(dir, name));
  writeFileSync(join(dir, 'lookups', 'Names.csv'), 'k,title\n1,one\n2,two\n');
  const views = {
    above: 'SELECT title, sum(n) AS n FROM "BELOW@1m" GROUP BY 1',
    Below: 'SELECT title, count(*) AS n FROM ORDERS JOIN names ON names.k = Orders.k GROUP BY 1',
  };
  for (const [name, sql] of Object.entries(views))
    writeFileSync(join(dir, 'views', `${name}.sql`), `-- every: 1m\n${sql}\n`);
  expect(await run(dir, ['check'])).toMatchObject({ code: 0 });
  const server = await serve(dir, ['up']);
  const body = [1, 2, 2].map(k => `{"_time":"${time}","k":${k}}\n`).join('');
  await server.json('/v1/streams/orders/events', { method: 'POST', body });
  const wanted = [
    ['one', 1],
    ['two', 2],
  ];
  for (const view of ['"below@1m"', 'ABOVE']) {
    const ask = () => server.sql(`SELECT title, n FROM ${view} ORDER BY 1`);
    await eventually(ask, rows => JSON.stringify(rows) === JSON.stringify(wanted));
  }
  const sql = 'SELECT title, count(*) FROM ORDERS o JOIN NAMES n ON n.k = o.k GROUP BY 1 ORDER BY 1';
  expect(await server.sql(sql)).toEqual(wanted);
  server.kill('SIGTERM');
  await server.ended;
  expect(await run(dir, ['audit'])).toMatchObject({ code: 0 });
});
