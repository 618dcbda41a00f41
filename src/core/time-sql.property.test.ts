// DuckDB reads instants by the generated SQL as time.ts does: texts near ISO 8601 and access-log times, mutated ones, and numbers of every size.
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { epochToUs } from './time.ts';
import { epochTimeSql, jsonTimeSql, textTimeSql } from './time-sql.ts';
import { parseTimeUs } from './time-text.ts';

const seed = 20261123;
let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  await connection.run("SET TimeZone = 'Asia/Seoul'");
});

/** µs of each value, by a column of a table as in the lake. */
async function read(
  type: 'VARCHAR' | 'DOUBLE' | 'BIGINT' | 'JSON',
  values: readonly (string | number | bigint)[],
  sql: string,
) {
  await connection.run(`CREATE OR REPLACE TEMP TABLE given (place INTEGER, v ${type})`);
  const appender = await connection.createAppender('given');
  values.forEach((value, place) => {
    appender.appendInteger(place);
    if (typeof value === 'string') appender.appendVarchar(value);
    else if (typeof value === 'bigint') appender.appendBigInt(value);
    else appender.appendDouble(value);
    appender.endRow();
  });
  appender.closeSync();
  const reader = await connection.runAndReadAll(`SELECT epoch_us(${sql}) FROM given ORDER BY place`);
  return reader.getRows().map(([us]) => (us === null ? undefined : Number(us)));
}

const two = (most: number) => fc.integer({ min: 0, max: most }).map(value => String(value).padStart(2, '0'));
const instant = fc
  .record({
    year: fc.oneof(
      fc.integer({ min: 1960, max: 2040 }).map(String),
      fc.constantFrom(
        '0000',
        '0044',
        '-0044',
        '+2026',
        '002026',
        '1684',
        '1686',
        '2255',
        '2256',
        '9999',
        '12026',
      ),
    ),
    month: two(13),
    day: two(32),
    join: fc.constantFrom('T', 'T', 'T', ' ', 't', ''),
    hour: two(25),
    minute: two(60),
    second: fc.oneof(two(61), fc.constant('')),
    fraction: fc.oneof(fc.constant(''), fc.stringMatching(/^[.,][0-9]{0,11}$/)),
    zone: fc.constantFrom(
      'Z',
      'Z',
      'Z',
      '',
      'z',
      ' Z',
      'UTC',
      ' UTC',
      '+09:00',
      '-0330',
      '+23:59',
      '+24',
      '-05',
      '+9',
      '\u00a0Z',
    ),
    hasTime: fc.boolean(),
  })
  .map(({ year, month, day, join, hour, minute, second, fraction, zone, hasTime }) => {
    const clock = `${join}${hour}:${minute}${second === '' ? '' : `:${second}${fraction}`}`;
    return `${year}-${month}-${day}${hasTime ? clock : ''}${zone}`;
  });
const basic = instant.map(text =>
  text.replace(/^(\d{4})-(\d\d)-/, '$1$2').replace(/([Tt ]\d\d):(\d\d)(?::(?=\d))?/, '$1$2'),
);
const access = fc
  .tuple(
    two(32),
    fc.constantFrom('Jan', 'Feb', 'May', 'Sep', 'Dec', 'dec', 'Foo', 'anF'),
    fc.constantFrom('1999', '2026', '1600', '2255', '2256', '0001'),
    two(25),
    two(60),
    two(61),
    fc.constantFrom(' +0000', ' +0900', ' -0330', ' +2400', ' +0060', '+0000', ' Z', ''),
  )
  .map(
    ([day, month, year, hour, minute, second, zone]) =>
      `${day}/${month}/${year}:${hour}:${minute}:${second}${zone}`,
  );
const midnight = fc
  .tuple(
    fc.constantFrom('2026-02-28', '20261231', '2024-02-29'),
    fc.constantFrom('T24:00', 'T2400', ' 24:00:00', 't240000', 'T24:00:01', 'T240060', 'T24:01'),
    fc.constantFrom('', '.0', '.0000009', '.5', ',000'),
    fc.constantFrom('Z', '', '+09:00', '-01'),
  )
  .map(parts => parts.join(''));
const mutated = fc
  .tuple(
    fc.oneof(instant, basic, access, midnight),
    fc.nat(30),
    fc.constantFrom('', ' ', 'Z', '0', '9', ':', '-', '+', 'x', '.', '\n', '٣'),
    fc.boolean(),
  )
  .map(([text, place, inserted, isReplaced]) => {
    const at = Math.min(place, text.length);
    return text.slice(0, at) + inserted + text.slice(at + (isReplaced ? 1 : 0));
  });

test(`texts are the instants that the engine reads (seed ${seed})`, async () => {
  const texts = [
    '',
    'infinity',
    'epoch',
    '1767225600',
    '2026-1-1',
    '05/Jan/2026:10:00:00 +0900',
    '2026-01-02t03:04:05z',
    '20260102T030405Z',
    '20260102',
    '2026-W01-5',
    '2026002',
    '2026-01-01T24:00:00Z',
    '2026-12-31T23:59:60Z',
    '2026-01-01T00:00:00 Europe/Berlin',
    '  2026-01-01T00:00:00Z  ',
    '2255-06-05T23:47:34.740991Z',
    '2255-06-05T23:47:34.740992Z',
    ...fc.sample(fc.oneof(instant, basic, access, midnight, mutated, mutated), { numRuns: 12_000, seed }),
  ];
  const found = await read('VARCHAR', texts, textTimeSql('v'));
  const wrong = texts.flatMap((text, place) =>
    parseTimeUs(text) === found[place] ? [] : [{ text, engine: parseTimeUs(text), sql: found[place] }],
  );
  expect(wrong).toEqual([]);
  expect(found.filter(us => us !== undefined).length).toBeGreaterThan(2000);
});

test(`numbers are the instants that the engine reads (seed ${seed})`, async () => {
  const numbers = [
    ...[0, -0, -1, 0.5, 1e11, 99_999_999_999, 1e14, 1e17, 9e15, 9.1e15, 9e18, 9.1e18, 1e300],
    ...fc.sample(
      fc
        .tuple(fc.double({ min: 0, max: 10, noNaN: true }), fc.integer({ min: 0, max: 19 }))
        .map(([a, b]) => a * 10 ** b),
      { numRuns: 3000, seed },
    ),
    ...fc.sample(fc.integer({ min: 0, max: 2_000_000_000 }), { numRuns: 500, seed }),
  ];
  const found = await read('DOUBLE', numbers, epochTimeSql('v'));
  const wrong = numbers.flatMap((number, place) =>
    epochToUs(number) === found[place] ? [] : [{ number, engine: epochToUs(number), sql: found[place] }],
  );
  expect(wrong).toEqual([]);
});

test(`whole numbers are so with all their digits (seed ${seed})`, async () => {
  const numbers = [
    ...[0n, 99_999_999_999_999_999n, 10n ** 17n, 1_770_000_000_250_000_000n, 2n ** 63n - 1n],
    ...fc.sample(fc.bigInt({ min: 9n * 10n ** 16n, max: 9_000_000_000_000_002_000n }), {
      numRuns: 1000,
      seed,
    }),
  ];
  const wanted = numbers.map(epochToUs);
  expect(await read('BIGINT', numbers, epochTimeSql('v'))).toEqual(wanted);
  const ofJson = jsonTimeSql('json_type(v)', "json_extract_string(v, '$')");
  expect(await read('JSON', numbers.map(String), ofJson)).toEqual(wanted);
  const texts = ['1.770000000123456999e18', '1770000000123456999.0', '"1770000000123456999"', '1e300', '-5'];
  expect(await read('JSON', texts, ofJson)).toEqual([
    ...texts.slice(0, 2).map(text => epochToUs(Number(text))),
    undefined,
    undefined,
    undefined,
  ]);
});
