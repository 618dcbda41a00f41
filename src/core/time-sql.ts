// The SQL by which DuckDB reads an instant as time.ts does: texts by the rule of `parseIsoUs`, numbers by that of `epochToUs`. DuckDB's
// own cast would drop an offset from UTC, take 24:00 for an hour and refuse a time without seconds.

const space = '[\\s\\x0b\\p{Z}\\x{feff}]';
const iso =
  '([+-]?[0-9]{4,6})-([0-9][0-9])-([0-9][0-9])(?:[T ]([0-9][0-9]):([0-9][0-9])(?::([0-9][0-9])(?:[.,]([0-9]{1,9}))?)?)?' +
  `${space}?(Z|z|UTC|[+-][0-9][0-9](?::?[0-9][0-9])?)?`;
const parts = ['year', 'month', 'day', 'hour', 'minute', 'second', 'fraction', 'zone'];

/** What DuckDB's casts read right: years 1700–2199, seconds, an offset with a colon or none. */
const usual =
  '(1[7-9]|2[01])[0-9]{2}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-5][0-9])?';

/** A whole number of microseconds is held in a double. */
const usMax = Number.MAX_SAFE_INTEGER;

/** SQL: TIMESTAMP of a VARCHAR expression, NULL where it is not an instant. The expression is repeated. */
export function textTimeSql(text: string): string {
  // Nearly all texts are of shapes in which a cast is right, and many times as quick.
  const isPlain =
    `${text} LIKE '____-__-__T__:__:__%Z' AND ${text} BETWEEN '1700' AND '2255' ` +
    `AND length(${text}) <= 30 AND substr(${text}, 12, 2) < '24'`;
  const isZoned = `substr(${text}, -6, 1) IN ('+', '-')`;
  const casts = [
    `WHEN ${isPlain} THEN TRY_CAST(${text} AS TIMESTAMP)`,
    `WHEN NOT regexp_matches(${text}, '^${usual}$') THEN NULL`,
    `WHEN ${isZoned} THEN TRY_CAST(${text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'`,
    `ELSE TRY_CAST(${text} AS TIMESTAMP)`,
  ];
  return `COALESCE(CASE ${casts.join(' ')} END, ${anyTextTimeSql(text)})`;
}

function anyTextTimeSql(text: string): string {
  const found = `regexp_extract(${text}, '^${iso}$', [${parts.map(part => `'${part}'`).join(', ')}])`;
  const number = (of: string): string => `COALESCE(TRY_CAST(${of} AS BIGINT), 0)`;
  const part = (name: string): string => `(${found}).${name}`;
  const zone = `replace(${part('zone')}, ':', '')`;
  const zoneHours = number(`substr(${zone}, 2, 2)`);
  const zoneMinutes = number(`substr(${zone}, 4)`);
  const sign = `CASE left(${zone}, 1) WHEN '+' THEN 1 WHEN '-' THEN -1 ELSE 0 END`;
  const [hour, minute, second] = ['hour', 'minute', 'second'].map(name => number(part(name)));
  const date = `TRY(make_date(${number(part('year'))}, ${number(part('month'))}, ${number(part('day'))}))`;
  const minutes = `${hour} * 60 + ${minute} - ${sign} * (${zoneHours} * 60 + ${zoneMinutes})`;
  const fractionUs = `CAST(rpad(left(${part('fraction')}, 6), 6, '0') AS BIGINT)`;
  const us = `epoch_us(${date}) + ((${minutes}) * 60 + ${second}) * 1000000 + ${fractionUs}`;
  const isInRange = [
    `${number(part('year'))} BETWEEN 1600 AND 2300`,
    `${hour} <= 23`,
    `${minute} <= 59`,
    `${second} <= 60`,
    `${zoneHours} <= 23`,
    `${zoneMinutes} <= 59`,
  ].join(' AND ');
  return (
    `CASE WHEN regexp_matches(${text}, '^${iso}$') ` +
    `THEN CASE WHEN ${isInRange} THEN CASE WHEN abs(${us}) <= ${usMax} THEN make_timestamp(${us}) END END END`
  );
}

/** SQL: TIMESTAMP of a numeric expression that counts s, ms, µs or ns since 1970 by its size. The expression is repeated. */
export function epochTimeSql(value: string): string {
  const us = [
    `WHEN ${value} < 0 THEN NULL`,
    `WHEN ${value} < 1e11 THEN round(${value}::DOUBLE * 1e6)`,
    `WHEN ${value} < 1e14 THEN round(${value}::DOUBLE * 1e3)`,
    `WHEN ${value} < 1e17 THEN floor(${value}::DOUBLE)`,
    `WHEN ${value} < 1e19 THEN floor(${value}::DOUBLE / 1e3)`,
  ].join(' ');
  return `make_timestamp(CAST(CASE WHEN CASE ${us} END <= 9e15 THEN CASE ${us} END END AS BIGINT))`;
}
