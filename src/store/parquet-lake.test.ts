import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MillraceError } from '../core/errors.ts';
import type { Log } from '../flow/log.ts';
import { openSegmentLog } from '../flow/segment-log.ts';
import { QueryServer } from '../query/query-server.ts';
import { ParquetLake, type ParquetLakeOptions } from './parquet-lake.ts';

let dir: string;
let log: Log;
let server: QueryServer;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-lake-'));
  log = await openSegmentLog({ dir: join(dir, 'log'), reserveBytes: 0 });
  await log.createStream('s');
  server = new QueryServer({
    lakeDir: join(dir, 'lake'),
    temporaryDir: join(dir, 'tmp'),
    threads: 1,
    memoryLimitMb: 512,
  });
});

afterEach(async () => {
  await log.close();
  rmSync(dir, { recursive: true, force: true });
});

function lake(options: Partial<ParquetLakeOptions> = {}): ParquetLake {
  return new ParquetLake({
    dir: join(dir, 'lake'),
    spoolDir: join(dir, 'tmp', 'spool'),
    log,
    writer: {
      write: request => server.writeParquet(request),
      compact: request => server.compactParquet(request),
    },
    readBytes: 8 * 1024 * 1024,
    ...options,
  });
}

async function append(...events: unknown[]): Promise<void> {
  const text = events
    .map(event => (typeof event === 'string' ? event : JSON.stringify(event)) + '\n')
    .join('');
  await log.append('s', 0, { bytes: new TextEncoder().encode(text), count: events.length });
}

async function ask(from: ParquetLake, sql: string): Promise<unknown[][]> {
  const request = { format: 'json' as const, timeoutMs: 10_000, maxRows: 10_000, maxBytes: 1e7 };
  return (await server.run({ ...request, sql, tables: [{ name: 's', sql: from.selectSql('s')! }] })).rows;
}

test('events become columns, each exactly once, however often it is flushed', async () => {
  const archived = lake();
  await append(
    { _time: '2026-01-01T10:00:00.123456Z', a: 1, b: 'x' },
    { _time: '2026-01-01T11:00:00Z', a: 2 },
  );
  await archived.flush('s');
  await append({ _time: '2026-01-02T00:00:00Z', a: 3, c: true });
  await Promise.all([archived.flush('s'), archived.flush('s'), archived.flush('s')]);
  expect(await ask(archived, 'SELECT _time, _offset, a, b, c FROM s ORDER BY _offset')).toEqual([
    ['2026-01-01T10:00:00.123456Z', 0, 1, 'x', null],
    ['2026-01-01T11:00:00.000Z', 1, 2, null, null],
    ['2026-01-02T00:00:00.000Z', 2, 3, null, true],
  ]);
  expect(existsSync(join(dir, 'lake', 's', 'date=2026-01-01', 'hour=10', '0-0-1.parquet'))).toBe(true);
  expect(existsSync(join(dir, 'lake', 's', 'date=2026-01-02', 'hour=00', '0-2-2.parquet'))).toBe(true);
});

test('a chunk with nothing but null in a field says nothing about its type', async () => {
  const schemas: string[] = [];
  const archived = lake({
    onSchema: (_, { fields }) =>
      schemas.push(fields.map(({ name, type, isUntyped }) => `${name} ${isUntyped ? '?' : type}`).join()),
  });
  for (const event of [
    { k: 'a', x: 1 },
    { k: null, x: null },
    { k: 'b', x: 2 },
  ]) {
    await append(event);
    await archived.flush('s');
  }
  const reopened = lake();
  for (const one of [archived, reopened]) {
    expect(await ask(one, 'SELECT k, x, typeof(k), typeof(x) FROM s ORDER BY _offset')).toEqual([
      ['a', 1, 'VARCHAR', 'BIGINT'],
      [null, null, 'VARCHAR', 'BIGINT'],
      ['b', 2, 'VARCHAR', 'BIGINT'],
    ]);
    expect(await ask(one, "SELECT sum(x) FROM s WHERE k = 'a'")).toEqual([[1]]);
  }
  expect(schemas).toEqual(['k VARCHAR,x BIGINT']);
});

test('a field that began with null is a column of no type until it has one', async () => {
  const schemas: string[] = [];
  const archived = lake({
    compactRun: 3,
    graceMs: 0,
    onSchema: (_, { fields }) =>
      schemas.push(fields.map(({ name, type, isUntyped }) => `${name} ${isUntyped ? '?' : type}`).join()),
  });
  const time = { _time: '2026-01-01T10:00:00Z' };
  await append({ ...time, k: null, x: null, o: null });
  await archived.flush('s');
  for (const one of [archived, lake()]) {
    expect(await ask(one, "SELECT k, x, o, o ->> 'a', lower(k) FROM s WHERE k IS NULL OR k = 'a'")).toEqual([
      [null, null, null, null, null],
    ]);
    expect(
      await ask(one, "SELECT sum(x), count(*) FILTER (k = 'a'), count(k) FROM s WHERE x > 1 OR true"),
    ).toEqual([[null, 0, 0]]);
  }
  await append({ ...time, k: null, x: null, o: null });
  await archived.flush('s');
  expect(schemas).toHaveLength(1);
  const values = async (one: ParquetLake) =>
    ask(one, 'SELECT k, x, o, typeof(k), typeof(x), typeof(o) FROM s ORDER BY _offset');
  // Three files become one, whose columns still have no type.
  await append({ ...time, k: null, x: null, o: null });
  await archived.flush('s');
  expect(archived.stream('s')!.chunks).toHaveLength(1);
  expect(await values(lake())).toHaveLength(3);
  await append({ ...time, k: 'a', x: 1.5, o: { a: 1 } });
  await archived.flush('s');
  for (const one of [archived, lake()]) {
    expect(await values(one)).toEqual([
      ...Array.from({ length: 3 }, () => [null, null, null, 'VARCHAR', 'DOUBLE', 'JSON']),
      ['a', 1.5, '{"a":1}', 'VARCHAR', 'DOUBLE', 'JSON'],
    ]);
  }
  expect(schemas).toEqual(['k ?,x ?,o ?', 'k VARCHAR,x DOUBLE,o JSON']);
});

test('a chunk written with nulls as JSON is read as before', async () => {
  await append({ k: 'a' });
  await lake().flush('s');
  await append({ k: null });
  await lake().flush('s');
  const record = join(dir, 'lake', 's', '_chunks', '0-1-1.json');
  const chunk = JSON.parse(readFileSync(record, 'utf8')) as { schema: { type: string }[] };
  chunk.schema[0]!.type = 'JSON';
  writeFileSync(record, JSON.stringify(chunk));
  expect(await ask(lake(), 'SELECT k, typeof(k) FROM s ORDER BY _offset')).toEqual([
    ['"a"', 'JSON'],
    [null, 'JSON'],
  ]);
});

test('whole numbers of both signs keep all their digits', async () => {
  const archived = lake();
  await append('{"v":1}', '{"v":-9007199254740993}');
  await archived.flush('s');
  expect(await ask(archived, 'SELECT v::VARCHAR, typeof(v) FROM s ORDER BY _offset')).toEqual([
    ['1', 'BIGINT'],
    ['-9007199254740993', 'BIGINT'],
  ]);
});

test('whole numbers beyond 64 bits keep all their digits, whatever the files before and after hold', async () => {
  const archived = lake();
  const long = '184467440737095516161';
  for (const value of ['1', '18446744073709551615', long, '-9007199254740993']) {
    await append(`{"v":${value}}`);
    await archived.flush('s');
  }
  expect(await ask(archived, 'SELECT v::VARCHAR, typeof(v) FROM s ORDER BY _offset')).toEqual(
    ['1', '18446744073709551615', long, '-9007199254740993'].map(text => [text, 'DECIMAL(38,0)']),
  );
  expect(await ask(archived, 'SELECT v, sum(v) OVER () AS s FROM s ORDER BY _offset LIMIT 2')).toEqual([
    [1, '202905177611550326784'],
    ['18446744073709551615', '202905177611550326784'],
  ]);
  const beyond = '9'.repeat(60);
  await append(`{"v":${beyond}}`, '{"v":1.5}');
  await archived.flush('s');
  expect(await ask(archived, 'SELECT v::VARCHAR, typeof(v) FROM s ORDER BY _offset')).toEqual(
    ['1', '18446744073709551615', long, '-9007199254740993', beyond, '1.5'].map(text => [text, 'JSON']),
  );
});

test('merging small files keeps the digits of whole numbers beyond 64 bits', async () => {
  const archived = lake({ compactRun: 3, graceMs: 0 });
  const values = ['1', '18446744073709551615', '-184467440737095516161'];
  for (const value of values) {
    await append(`{"_time":"2026-01-01T10:00:00Z","v":${value}}`);
    await archived.flush('s');
  }
  expect(archived.stream('s')!.chunks).toHaveLength(1);
  expect(await ask(archived, 'SELECT v::VARCHAR FROM s ORDER BY _offset')).toEqual(values.map(one => [one]));
});

test('a whole number that a double would round keeps its digits among fractions', async () => {
  const archived = lake();
  await append('{"v":1.5,"w":1.5,"x":1.5}', '{"v":9007199254740993,"w":100000000000000000000,"x":2}');
  await archived.flush('s');
  await append('{"x":-9007199254740993}');
  await archived.flush('s');
  const rows = await ask(archived, 'SELECT v::VARCHAR, w, typeof(w), x::VARCHAR FROM s ORDER BY _offset');
  expect(rows).toEqual([
    ['1.5', 1.5, 'DOUBLE', '1.5'],
    ['9007199254740993', 1e20, 'DOUBLE', '2.0'],
    [null, null, 'DOUBLE', '-9007199254740993'],
  ]);
});

test('fractions take no digits from the whole numbers of files before them, also after a restart', async () => {
  await append('{"v":-9007199254740993,"w":7}');
  await lake().flush('s');
  const archived = lake();
  await append('{"v":1.5,"w":1.5}');
  await archived.flush('s');
  expect(await ask(archived, 'SELECT v::VARCHAR, w, typeof(w) FROM s ORDER BY _offset')).toEqual([
    ['-9007199254740993', 7, 'DOUBLE'],
    ['1.5', 1.5, 'DOUBLE'],
  ]);
});

test('where only some events lack a time, those have that of their append', async () => {
  const archived = lake();
  await append({ time: '2026-01-01T10:00:00Z', v: 1 }, { time: '2026-01-01T11:00:00Z', v: 2 });
  await append({ time: 'soon', v: 3 });
  const before = Date.now();
  await archived.flush('s');
  const rows = await ask(archived, 'SELECT _time, v FROM s ORDER BY _offset');
  expect(rows.slice(0, 2).map(([time]) => time)).toEqual([
    '2026-01-01T10:00:00.000Z',
    '2026-01-01T11:00:00.000Z',
  ]);
  expect(Math.abs(Date.parse(String(rows[2]![0])) - before)).toBeLessThan(60_000);
  const files = readdirSync(join(dir, 'lake', 's'), { recursive: true }).map(String);
  expect(files.filter(file => file.endsWith('.parquet'))).toHaveLength(3);
});

test('a type that drifts widens and keeps every value', async () => {
  const archived = lake();
  await append({ v: 1, w: 1 });
  await archived.flush('s');
  await append({ v: 2.5, w: 'text' }, { v: 3, w: { deep: [1] } });
  await archived.flush('s');
  expect(await ask(archived, 'SELECT v, w FROM s ORDER BY _offset')).toEqual([
    [1, '1'],
    [2.5, '"text"'],
    [3, '{"deep":[1]}'],
  ]);
});

test('an event without a time has that of its append', async () => {
  const archived = lake();
  await append({ a: 1 });
  await append({ a: 2 }, { a: 3, ts: 1767225600 });
  await archived.flush('s');
  const rows = await ask(archived, 'SELECT _time, a FROM s ORDER BY a');
  expect(Math.abs(Date.parse(String(rows[0]![0])) - Date.now())).toBeLessThan(3_600_000);
  expect(rows[2]).toEqual(['2026-01-01T00:00:00.000Z', 3]);
});

test('times in numbers are read by their size', async () => {
  const archived = lake();
  await append(
    { ts: 1767225600.5 },
    { ts: 1767225600500 },
    { ts: 1767225600500000 },
    { ts: 1767225600500000000 },
  );
  await archived.flush('s');
  expect(new Set((await ask(archived, 'SELECT _time FROM s')).flat())).toEqual(
    new Set(['2026-01-01T00:00:00.500Z']),
  );
});

test('what a crash left behind is removed and written again', async () => {
  const first = lake();
  await append({ _time: '2026-01-01T10:00:00Z', a: 1 });
  await first.flush('s');
  const folder = join(dir, 'lake', 's', 'date=2026-01-01', 'hour=10');
  writeFileSync(join(folder, '0-1-1.parquet'), 'half written');
  await append({ _time: '2026-01-01T10:00:01Z', a: 2 });
  const second = lake();
  expect(readdirSync(folder)).toEqual(['0-0-0.parquet']);
  await second.flush('s');
  expect((await ask(second, 'SELECT a FROM s ORDER BY a')).flat()).toEqual([1, 2]);
});

test('small chunks are merged and the answer stays the same, also after a restart', async () => {
  const archived = lake({ compactRun: 4 });
  for (let i = 0; i < 11; i++) {
    await append({ _time: `2026-01-01T10:00:${10 + i}Z`, a: i, [`only${i}`]: i });
    await archived.flush('s');
  }
  expect(archived.stream('s')!.chunks.length).toBeLessThan(5);
  const sql = 'SELECT count(*), sum(a), sum(only3), min(_offset), max(_offset) FROM s';
  expect(await ask(archived, sql)).toEqual([[11, 55, 3, 0, 10]]);
  expect(await ask(lake(), sql)).toEqual([[11, 55, 3, 0, 10]]);
});

test('small chunks of events from more hours than are written at once keep every event when they are merged', async () => {
  const archived = lake({ compactRun: 2, graceMs: 0 });
  const hours = Array.from({ length: 120 }, (_, hour) => new Date(Date.UTC(2026, 0, 1, hour)).toISOString());
  for (const chunk of ['a', 'b']) {
    await append(...hours.map((_time, hour) => ({ _time, chunk, hour })));
    await archived.flush('s');
  }
  for (const one of [archived, lake()]) {
    expect(one.stream('s')!.chunks).toMatchObject([{ first: 0, last: 239, rows: 240 }]);
    const sql =
      'SELECT chunk, count(*), count(DISTINCT hour), max(_offset) FROM s GROUP BY chunk ORDER BY chunk';
    expect(await ask(one, sql)).toEqual([
      ['a', 120, 120, 119],
      ['b', 120, 120, 239],
    ]);
  }
});

test('names that SQL finds difficult are columns all the same', async () => {
  const archived = lake();
  await append({ 'a b': 1, 'q"uote': 2, "it's": 3, select: 4, ID: 5 }, { id: 6, _offset: 7 });
  await archived.flush('s');
  expect(
    await ask(archived, `SELECT "a b", "q""uote", "it's", "select", id FROM s ORDER BY _offset`),
  ).toEqual([
    [1, 2, 3, 4, 5],
    [null, null, null, null, 6],
  ]);
});

test('spellings of a name are one column, whichever the files before and after have', async () => {
  const archived = lake({ compactRun: 3, graceMs: 0 });
  const time = { _time: '2026-01-01T10:00:00Z' };
  for (const event of [{ Foo: 1 }, { foo: 2.5, FOO: 3.5 }, { FOO: null, foo: 4 }]) {
    await append({ ...time, ...event });
    await archived.flush('s');
    for (const one of [archived, lake()]) {
      const foo = (await ask(one, 'SELECT foo, "Foo", FOO FROM s ORDER BY _offset')).map(row => new Set(row));
      expect(foo).toEqual([1, 3.5, 4].slice(0, foo.length).map(value => new Set([value])));
    }
  }
  expect(archived.stream('s')!.chunks).toHaveLength(1);
  expect(archived.stream('s')!.schema.fields.map(({ name }) => name)).toEqual(['Foo']);
});

test('legal JSON that DuckDB refuses is archived all the same', async () => {
  const archived = lake();
  await append('{"a":1}', '{"a":1,"a":2}', '{"a":3,"k":"\\ud800"}', '{"a":9007199254740993,"a":4}');
  await archived.flush('s');
  expect(await ask(archived, 'SELECT _offset, a, k FROM s ORDER BY _offset')).toEqual([
    [0, 1, null],
    [1, 2, null],
    [2, 3, '\ufffd'],
    [3, 4, null],
  ]);
});

test('learning of a stream archives its first events once, and the rest follows without a gap or an overlap', async () => {
  const shown: string[][] = [];
  const archived = lake({
    onSchema: (_, { fields }) => shown.push(fields.map(({ name, type }) => `${name} ${type}`)),
  });
  await archived.learn('s');
  expect(archived.stream('s')).toBeUndefined();
  const events = Array.from({ length: 3000 }, (_, i) => ({ a: i, b: 'x' }));
  await append(...events);
  await append(...events);
  await append(...events);
  await Promise.all([archived.learn('s'), archived.learn('s')]);
  await archived.learn('s');
  expect(shown).toEqual([['a BIGINT', 'b VARCHAR']]);
  // In the middle of a batch.
  expect(archived.stream('s')!.archived).toEqual([4096]);
  await Promise.all([archived.learn('s'), archived.flush('s')]);
  expect(archived.stream('s')!.archived).toEqual([9000]);
  const sum = 'SELECT count(*), count(DISTINCT _offset), count(*) FILTER (_offset % 3000 = a) FROM s';
  expect(await ask(archived, sum)).toEqual([[9000, 9000, 9000]]);
});

test('streams that are archived at the same time keep each its own events', async () => {
  const names = ['s', 't', 'u'];
  const rounds = 30;
  for (const name of names) {
    await log.createStream(name);
    for (let batch = 0; batch < rounds; batch++) {
      const line = `${JSON.stringify({ name, text: name.repeat(90_000) })}\n`;
      await log.append(name, 0, { bytes: new TextEncoder().encode(line), count: 1 });
    }
  }
  const archived = lake({ readBytes: 100_000 });
  await Promise.all(names.map(name => archived.flush(name)));
  const tables = names.map(name => ({ name, sql: archived.selectSql(name)! }));
  for (const name of names) {
    const sql = `SELECT name, count(*), count(*) FILTER (text = repeat(name, 90000)) FROM ${name} GROUP BY name`;
    const request = { format: 'json' as const, timeoutMs: 10_000, maxRows: 100, maxBytes: 1e6 };
    expect((await server.run({ ...request, sql, tables })).rows).toEqual([[name, rounds, rounds]]);
  }
});

test('nothing appended, nothing archived', async () => {
  expect(await lake().flush('s')).toBeUndefined();
  await append('{}');
  const archived = lake();
  await archived.flush('s');
  expect(await ask(archived, 'SELECT count(*) FROM s')).toEqual([[1]]);
});

test('a chunk is read while the one before is written, and stated after it', async () => {
  let writing = 0;
  let most = 0;
  const archived = lake({
    chunkBytes: 1000,
    readBytes: 1000,
    compactRun: 1000,
    writer: {
      async write(request) {
        most = Math.max(most, ++writing);
        // The first takes the longest.
        await new Promise(resolve => setTimeout(resolve, request.first === 0 ? 200 : 0));
        return server.writeParquet(request).finally(() => writing--);
      },
      compact: request => server.compactParquet(request),
    },
  });
  for (let n = 0; n < 40; n++) await append({ n, pad: 'x'.repeat(200 + (n % 7)) });
  await archived.flush('s');
  expect(most).toBe(2);
  const { chunks } = archived.stream('s')!;
  expect(chunks.length).toBeGreaterThan(3);
  for (const [at, chunk] of chunks.entries())
    expect(chunk.first).toBe(at === 0 ? 0 : chunks[at - 1]!.last + 1);
  expect(await ask(archived, 'SELECT n, _offset, length(pad) FROM s ORDER BY n')).toEqual(
    Array.from({ length: 40 }, (_, n) => [n, n, 200 + (n % 7)]),
  );
});

test('after a chunk that could not be written nothing behind it is stated, and the next flush archives all of it', async () => {
  let fails = true;
  let writing = 0;
  const archived = lake({
    chunkBytes: 1000,
    readBytes: 1000,
    writer: {
      async write(request) {
        writing++;
        try {
          if (request.first > 10 && fails) {
            fails = false;
            throw new Error('no space left');
          }
          return await server.writeParquet(request);
        } finally {
          writing--;
        }
      },
      compact: request => server.compactParquet(request),
    },
  });
  for (let n = 0; n < 40; n++) await append({ n, pad: 'x'.repeat(200) });
  await expect(archived.flush('s')).rejects.toThrow('no space left');
  expect(writing).toBe(0);
  const before = archived.stream('s')!.archived[0]!;
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(20);
  await archived.flush('s');
  expect(await ask(archived, 'SELECT count(*), count(DISTINCT n), max(n) FROM s')).toEqual([[40, 40, 39]]);
});

test('what has lost its record is archived again from the log, and a record that cannot be read stops nothing', async () => {
  const archived = lake();
  for (let a = 0; a < 3; a++) {
    await append({ _time: '2026-01-01T10:00:00Z', a });
    await archived.flush('s');
  }
  const records = join(dir, 'lake', 's', '_chunks');
  const files = join(dir, 'lake', 's', 'date=2026-01-01', 'hour=10');
  const expected = [0, 1, 2].map(a => [a, a]);
  rmSync(join(records, '0-1-1.json'));
  const reopened = lake();
  expect(existsSync(join(files, '0-1-1.parquet'))).toBe(false);
  await reopened.flush('s');
  expect(await ask(reopened, 'SELECT _offset, a FROM s ORDER BY 1')).toEqual(expected);
  writeFileSync(join(records, '0-0-0.json'), '{"partition":0,');
  const damaged = lake();
  expect(damaged.problems()).toEqual([
    expect.stringContaining('Events 0 to 0 of s/0 are missing in the history'),
  ]);
  expect(existsSync(join(files, '0-0-0.parquet'))).toBe(true);
  await damaged.flush('s');
  expect(damaged.problems()).toEqual([]);
  expect(await ask(damaged, 'SELECT _offset, a FROM s ORDER BY 1')).toEqual(expected);
});

test('a chunk whose record cannot be read is made good by as many as the log gives for it', async () => {
  const archived = lake();
  for (let a = 0; a < 4; a++) await append({ _time: '2026-01-01T10:00:00Z', a, pad: 'x'.repeat(200) });
  await archived.flush('s');
  const records = join(dir, 'lake', 's', '_chunks');
  writeFileSync(join(records, '0-0-3.json'), '');
  const smaller = lake({ chunkBytes: 100, readBytes: 300 });
  await smaller.flush('s');
  expect(smaller.stream('s')!.chunks.length).toBeGreaterThan(1);
  expect(smaller.problems()).toEqual([]);
  const reopened = lake();
  expect(reopened.problems()).toEqual([]);
  expect(existsSync(join(records, '0-0-3.json'))).toBe(false);
  expect(existsSync(join(dir, 'lake', 's', 'date=2026-01-01', 'hour=10', '0-0-3.parquet'))).toBe(false);
  expect(await ask(reopened, 'SELECT count(*), count(DISTINCT a) FROM s')).toEqual([[4, 4]]);
});

test('a full disk is told as one, by the system or by DuckDB, and what could not be archived is when there is room', async () => {
  let thrown: Error | undefined = Object.assign(new Error('ENOSPC: no space left, write'), {
    code: 'ENOSPC',
  });
  const archived = lake({
    writer: {
      write: request => (thrown ? Promise.reject(thrown) : server.writeParquet(request)),
      compact: request => server.compactParquet(request),
    },
  });
  await append({ a: 1 });
  const full = { code: 'disk-full', status: 507, canRetry: true };
  await expect(archived.flush('s')).rejects.toMatchObject(full);
  thrown = new MillraceError('internal', 'IO Error: Could not write file "x": No space left on device');
  await expect(archived.flush('s')).rejects.toMatchObject(full);
  expect(archived.problems()).toEqual([expect.stringContaining('no space left')]);
  thrown = undefined;
  await archived.flush('s');
  expect(archived.problems()).toEqual([]);
  expect(await ask(archived, 'SELECT a FROM s')).toEqual([[1]]);
});
