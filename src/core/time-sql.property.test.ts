// DuckDB reads instants by the generated SQL as time.ts does: texts near ISO 8601, mutated ones, and numbers of every size.
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { epochToUs, parseIsoUs } from './time.ts';
import { epochTimeSql, textTimeSql } from './time-sql.ts';

const seed = 20261123;
let connection: DuckDBConnection;

beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  await connection.run("SET TimeZone = 'Asia/Seoul'");
});

/** µs of each value, by a column of a table as in the lake. */
async function read(type: 'VARCHAR' | 'DOUBLE', values: readonly (string | number)[], sql: string) {
  await connection.run(`CREATE OR REPLACE TEMP TABLE given (place INTEGER, v ${type})`);
  const appender = await connection.createAppender('given');
  values.forEach((value, place) => {
    appender.appendInteger(place);
    if (typeof value === 'string') appender.appendVarchar(value);
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
const mutated = fc
  .tuple(
    instant,
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
    '2026-01-01T24:00:00Z',
    '2026-12-31T23:59:60Z',
    '2026-01-01T00:00:00 Europe/Berlin',
    '  2026-01-01T00:00:00Z  ',
    '2255-06-05T23:47:34.740991Z',
    '2255-06-05T23:47:34.740992Z',
    ...fc.sample(fc.oneof(instant, mutated), { numRuns: 6000, seed }),
  ];
  const found = await read('VARCHAR', texts, textTimeSql('v'));
  const wrong = texts.flatMap((text, place) =>
    parseIsoUs(text) === found[place] ? [] : [{ text, engine: parseIsoUs(text), sql: found[place] }],
  );
  expect(wrong).toEqual([]);
  expect(found.filter(us => us !== undefined).length).toBeGreaterThan(1000);
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
