// The lake gives every event the time and the values that the engine gives it, whichever way the spool is read.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventTimeUs } from '../core/event-time.ts';
import { emptySchema } from '../store/schema.ts';
import { writeParquet } from './parquet-copy.ts';

const seed = 20261123;
const appendTimeMs = Date.UTC(2026, 10, 23);
let dir: string;
let instance: DuckDBInstance;
let round = 0;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-parquet-'));
  instance = await DuckDBInstance.create(':memory:', { threads: '1' });
});

afterAll(() => {
  instance.closeSync();
  rmSync(dir, { recursive: true, force: true });
});

async function inLake(lines: readonly string[], select: string, where = 'true'): Promise<unknown[]> {
  // DuckDB remembers files by their name and time, so that every round has names of its own.
  const directory = join(dir, `lake-${round++}`);
  const spoolFile = `${directory}.ndjson`;
  mkdirSync(directory);
  writeFileSync(spoolFile, lines.map(line => `${line}\n`).join(''));
  const { files } = await writeParquet(instance, {
    spoolFile,
    directory,
    partition: 0,
    first: 0,
    last: lines.length - 1,
    batches: [{ offset: 0, appendTimeMs }],
    schema: emptySchema,
  });
  const list = files.map(({ path }) => `'${join(directory, path)}'`).join(', ');
  const connection = await instance.connect();
  try {
    const sql = `SELECT ${select} FROM read_parquet([${list}], union_by_name = true) WHERE ${where} ORDER BY _offset`;
    return (await connection.runAndReadAll(sql)).getRows().map(([value]) => value);
  } finally {
    connection.closeSync();
  }
}

async function timesInLake(lines: readonly string[]): Promise<number[]> {
  return (await inLake(lines, 'epoch_us(_time)')).map(Number);
}

const plain = fc
  .date({ min: new Date('1995-01-01'), max: new Date('2040-01-01'), noInvalidDate: true })
  .map(date => date.toISOString());
const odd = fc.constantFrom<unknown>(
  '2026-01-01T00:00:00+09:00',
  '2026-01-01T00:00:00.5-0330',
  '2026-01-01T00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T24:00:01Z',
  '2026-01-01t10:00:00z',
  '20260101',
  '20260101T100000.25+0900',
  '01/Jan/2026:10:00:00 +0900',
  '01/Foo/2026:10:00:00 +0900',
  '2026-01-01T10:00:00.1234567891Z',
  '1767225600',
  'soon',
  '',
  1767225600,
  1767225600.25,
  -5,
  null,
  true,
  { nested: 1 },
);
const name = fc.constantFrom('_time', '_time', 'timestamp', 'ts', '_Time', 'Timestamp', 'TS');
const eventOf = (value: fc.Arbitrary<unknown>) => fc.dictionary(name, value, { maxKeys: 3 });

test.each([
  ['plain ones', plain],
  [
    'plain ones and a few odd ones',
    fc.oneof({ weight: 30, arbitrary: plain }, { weight: 1, arbitrary: odd }),
  ],
  ['odd ones', fc.oneof(plain, odd)],
])(`times are the engine's: %s (seed ${seed})`, async (_, value) => {
  const events = fc.array(
    eventOf(value).map(event => ({ n: 1, ...event })),
    { minLength: 1, maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(events, async given => {
      const lines = given.map(event => JSON.stringify(event));
      const wanted = lines.map((line, i) => eventTimeUs(given[i]!, () => line, appendTimeMs * 1000));
      expect(await timesInLake(lines)).toEqual(wanted);
    }),
    { seed, numRuns: 15 },
  );
});

test.each([
  ['a column of 64 bits', []],
  ['one of wider numbers', ['{"ts":18446744073709551615}']],
  ['one of fractions too', ['{"ts":1770000000.5}']],
  ['one of texts too', ['{"ts":"soon"}']],
  ['one with two spellings', ['{"Ts":1}']],
])('nanoseconds keep all their digits: %s', async (_, others) => {
  const lines = [
    '{"ts":1770000000123456789}',
    '{"ts":1770000000123456999}',
    '{"n":{"ts":1},"ts":1770000000250000000}',
  ];
  const times = await timesInLake([...lines, ...others]);
  expect(times.slice(0, 3)).toEqual([1_770_000_000_123_456, 1_770_000_000_123_456, 1_770_000_000_250_000]);
});

test('a name spelled with an escape is the same name', async () => {
  const lines = ['{"\\u005ftime":"2026-01-01T00:00:00+09:00"}', '{"_time":"2026-01-01T00:00:00Z"}'];
  expect(await timesInLake(lines)).toEqual([Date.UTC(2025, 11, 31, 15) * 1000, Date.UTC(2026, 0, 1) * 1000]);
});

test('of a repeated key inside an event the last value is kept, however many kinds of lines there are', async () => {
  const repeated = ['{"a":{"b":1,"b":2}}', '{"a":{"b":3}}', '{"a":[{"c":{"b":4}, "c":{"b":5}}]}'];
  expect(await inLake(repeated, 'CAST(a AS VARCHAR)')).toEqual(['{"b":2}', '{"b":3}', '[{"c":{"b":5}}]']);
  const long = 'x'.repeat(1_100_000);
  const manyKinds = Array.from({ length: 5 }, (_, i) => `{"a":{"b":0},"k${i}":"${long}"}`);
  expect(await inLake([...manyKinds, '{"a":{"b":1,"b":2}}'], "a ->> '$.b'")).toEqual([...'00000', '2']);
});

test('names that differ only in case are one field, of which the last in an event counts', async () => {
  const lines = [
    '{"Foo":1,"foo_1":"own","\u00e9":1}',
    '{"foo":2}',
    '{"FOO":3,"foo":4,"Foo":5.5,"n":{"a":1,"a":2}}',
    '{"foo":6,"Foo":null}',
    '{"Foo":null,"foo":7}',
    '{"\\u0046OO":8,"\u00c9":2}',
    '{"n":{"B":1,"b":2},"foo":9}',
  ];
  expect(await inLake(lines, 'foo')).toEqual([1, 2, 5.5, null, 7, 8, 9]);
  expect(await inLake(lines, 'foo_1')).toEqual(['own', ...Array(6).fill(null)]);
  expect(await inLake(lines, '"\u00e9"')).toEqual([1n, ...Array(6).fill(null)]);
  expect(await inLake(lines, '"\u00c9"')).toEqual([...Array(5).fill(null), 2n, null]);
  expect(await inLake(lines, 'n::VARCHAR')).toEqual([
    null,
    null,
    '{"a":2}',
    null,
    null,
    null,
    '{"B":1,"b":2}',
  ]);
  const long = 'x'.repeat(1_100_000);
  const manyKinds = Array.from({ length: 5 }, (_, i) => `{"Foo":${i},"k${i}":"${long}"}`);
  expect(await inLake([...manyKinds, '{"foo":5}'], 'foo')).toEqual([0n, 1n, 2n, 3n, 4n, 5n]);
});

test('keys inside of an event that differ only in case are as they came, however many kinds of lines there are', async () => {
  const lines = [
    '{"a":{"B":1,"b":2},"o":{"C":[{"D":1,"d":2}]},"n":null,"x":1}',
    '{"a":[{"B":1},{"b":[{"c":1,"C":"}"}]}],"x":"y"}',
  ];
  expect(await inLake(lines, 'a::VARCHAR')).toEqual(['{"B":1,"b":2}', '[{"B":1},{"b":[{"c":1,"C":"}"}]}]']);
  expect(await inLake(lines, 'o::VARCHAR')).toEqual(['{"C":[{"D":1,"d":2}]}', null]);
  expect(await inLake(lines, 'x::VARCHAR')).toEqual(['1', '"y"']);
  const long = 'x'.repeat(1_100_000);
  const manyKinds = Array.from({ length: 5 }, (_, i) => `{"a":${i},"k${i}":"${long}"}`);
  expect(await inLake([...manyKinds, '{"a":{"B":1,"b":2},"o":{"B":1,"b":2}}'], 'a::VARCHAR')).toEqual([
    ...'01234',
    '{"B":1,"b":2}',
  ]);
});

test('a line ends at a newline alone, also where the spool must be mended', async () => {
  // U+0085, U+2028 and U+2029 end lines elsewhere; a carriage return is a blank between tokens.
  const lines = [
    '{"_time":1,"n":{"a":1,"a":2},"text":"one"}',
    '{"_time":2,"n":{"a":3},"text":"a\u2028b\u2029c\u0085d"}',
    '{"_time":3,\r"n":{"a":4},\r"text":"x"\r}',
    '{"_time":4,"n":{"a":5},"text":"\\r\\u2028"}',
  ];
  const found = await inLake(lines, `concat(_offset, ' ', json_extract(n, '$.a')::INTEGER, ' ', text)`);
  expect(found).toEqual(['0 2 one', '1 3 a\u2028b\u2029c\u0085d', '2 4 x', '3 5 \r\u2028']);
});

test('keys that no column can be named with get names, whichever way the spool is read', async () => {
  const many = Array.from({ length: 60 }, (_, i) => `{"x${i}":"${'y'.repeat(80_000)}"}`);
  for (const rest of [[], many]) {
    const lines = ['{"a":3,"\\u0000":1,"b\\u0000c":"x"}', '{"":1,"C0":5}', '{"":2,"\\\\u0000":4}', ...rest];
    const row = `[a, "\ufffd", "C0", "\\u0000"]::VARCHAR || coalesce("b\ufffdc", '')`;
    expect((await inLake(lines, row)).slice(0, 3)).toEqual([
      '[3, 1, NULL, NULL]x',
      '[NULL, 1, 5, NULL]',
      '[NULL, 2, NULL, 4]',
    ]);
  }
  // Alone it does not stand in the way of others either, and a column of DuckDB's name for it stays what it is.
  expect(await inLake(['{"":1}', '{"C0":2}'], '["\ufffd", "C0"]::VARCHAR')).toEqual([
    '[1, NULL]',
    '[NULL, 2]',
  ]);
  expect(await inLake(['{"C0":2,"C1":3}'], '"C0" + "C1"')).toEqual([5n]);
});

test('zero is found, whatever its sign', async () => {
  const lines = Array.from(
    { length: 2000 },
    (_, i) => `{"d":${i < 4 ? '-0.0' : ['0', '-0.0', '1.5', '2.5'][i % 4]}}`,
  );
  expect((await inLake(lines, 'count(*) FILTER (d = 0) OVER ()'))[0]).toBe(1002n);
  const found = await inLake(lines, '1', 'd = 0');
  expect(found).toHaveLength(1002);
});
