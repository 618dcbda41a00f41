// Values of DuckDB as the API has them, over the whole range of DuckDB's times.
import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { jsonValue } from './query-rows.ts';

async function shown(...sql: string[]): Promise<unknown[]> {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  const reader = await connection.runAndReadAll(`SELECT ${sql.join(', ')}`);
  return (reader.getRows()[0] as DuckDBValue[]).map(jsonValue);
}

const times: [sql: string, text: string][] = [
  ["TIMESTAMP '9999-12-31'", '9999-12-31T00:00:00.000Z'],
  ["TIMESTAMP '1600-01-01'", '1600-01-01T00:00:00.000Z'],
  ["TIMESTAMP '2300-01-01 00:00:00.000001'", '2300-01-01T00:00:00.000001Z'],
  ["TIMESTAMP '9999-12-31 23:59:59.999999'", '9999-12-31T23:59:59.999999Z'],
  ["TIMESTAMP '1969-12-31 23:59:59.999999'", '1969-12-31T23:59:59.999999Z'],
  ["TIMESTAMP '10000-01-01'", '+010000-01-01T00:00:00.000Z'],
  ["TIMESTAMP '294247-01-10 04:00:54.775806'", '+294247-01-10T04:00:54.775806Z'],
  ["TIMESTAMP '0044-03-15 (BC) 12:00:00.000001'", '-000043-03-15T12:00:00.000001Z'],
  ["TIMESTAMP '0001-01-01 (BC)'", '0000-01-01T00:00:00.000Z'],
  ["TIMESTAMP '290308-12-22 (BC)'", '-290307-12-22T00:00:00.000Z'],
  ["TIMESTAMP 'infinity'", 'infinity'],
  ["TIMESTAMP '-infinity'", '-infinity'],
  ["TIMESTAMPTZ '9999-12-31 00:00:00+00'", '9999-12-31T00:00:00.000Z'],
  ["TIMESTAMPTZ 'infinity'", 'infinity'],
  ["TIMESTAMP_S '9999-12-31'", '9999-12-31T00:00:00.000Z'],
  ["TIMESTAMP_MS '1600-01-01'", '1600-01-01T00:00:00.000Z'],
  ["TIMESTAMP_NS '1969-12-31 23:59:59.999999999'", '1969-12-31T23:59:59.999999Z'],
  ["'infinity'::TIMESTAMP_S", 'infinity'],
  ["'-infinity'::TIMESTAMP_MS", '-infinity'],
  ["'infinity'::TIMESTAMP_NS", 'infinity'],
  ["DATE '9999-12-31'", '9999-12-31'],
  ["DATE '12345-01-02'", '+012345-01-02'],
  ["DATE '0044-03-15 (BC)'", '-000043-03-15'],
  ["DATE 'infinity'", 'infinity'],
  ["DATE '-infinity'", '-infinity'],
];

test('times are ISO 8601 over the whole range that DuckDB has', async () => {
  const values = await shown(...times.map(([sql]) => sql));
  expect(times.map(([sql], at) => [sql, values[at]])).toEqual(times);
});
