// The SQL by which DuckDB reads an instant as the engine does: texts by the rule of `parseTimeUs`, numbers by that of `epochToUs`. DuckDB's
// own cast would drop an offset from UTC, take 24:30 for a time and refuse one without seconds, the basic format and access-log times.

const zone = '[\\s\\x0b\\p{Z}\\x{feff}]?(Z|z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)?';
const extended =
  '^([+-]?[0-9]{4,6})-([0-9]{2})-([0-9]{2})' +
  `(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?${zone}$`;
const basic =
  '^([0-9]{4})([0-9]{2})([0-9]{2})' +
  `(?:[Tt ]([0-9]{2})([0-9]{2})(?:([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?${zone}$`;
const parts = ['year', 'month', 'day', 'hour', 'minute', 'second', 'fraction', 'zone'];
const months = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const access =
  '^[0-9]{2}/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/[0-9]{4}' +
  ':([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2} [+-][0-9]{4}$';
/** What strptime reads right. */
const usualAccess =
  '^[0-9]{2}/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/(1[7-9]|2[01])[0-9]{2}' +
  ':([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] [+-]([01][0-9]|2[0-3])[0-5][0-9]$';

/** What DuckDB's casts read right: years 1700–2199, seconds, an offset with a colon or none. */
const usual =
  '(1[7-9]|2[01])[0-9]{2}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?';

/** A whole number of microseconds is held in a double. */
const usMax = Number.MAX_SAFE_INTEGER;

/** SQL: TIMESTAMP of a VARCHAR expression, NULL where it is not an instant. The expression is repeated. */
export function textTimeSql(text: string): string {
  // Nearly all texts are of shapes in which a cast is right, and many times as quick.
  const isPlain = [
    `(${text} LIKE '____-__-__T__:__:__Z' OR ${text} LIKE '____-__-__T__:__:__.%Z')`,
    `NOT suffix(${text}, '.Z')`,
    `${text} BETWEEN '1700' AND '2255'`,
    `length(${text}) <= 30`,
    `substr(${text}, 12, 2) BETWEEN '00' AND '23'`,
  ].join(' AND ');
  const isZoned = `substr(${text}, -6, 1) IN ('+', '-')`;
  const zoneMinutes = `substr(${text}, 22, 3)::INTEGER * 60 + concat(substr(${text}, 22, 1), right(${text}, 2))::INTEGER`;
  const accessTime = `try_strptime(left(${text}, 20), '%d/%b/%Y:%H:%M:%S') - to_minutes(${zoneMinutes})`;
  const casts = [
    `WHEN ${isPlain} THEN TRY_CAST(${text} AS TIMESTAMP)`,
    `WHEN ${text} LIKE '__/%' THEN CASE WHEN regexp_matches(${text}, '${usualAccess}') THEN ${accessTime} END`,
    `WHEN NOT regexp_matches(${text}, '^${usual}$') THEN NULL`,
    `WHEN ${isZoned} THEN TRY_CAST(${text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'`,
    `ELSE TRY_CAST(${text} AS TIMESTAMP)`,
  ];
  // Whatever begins like no time is told at once.
  return `CASE WHEN ${text} BETWEEN '+' AND ':' THEN COALESCE(CASE ${casts.join(' ')} END, ${anyTextTimeSql(text)}) END`;
}

function anyTextTimeSql(text: string): string {
  const of = (from: string, pattern: string): string =>
    `regexp_extract(${from}, '${pattern}', [${parts.map(part => `'${part}'`).join(', ')}])`;
  const month = `lpad(((strpos('${months}', substr(${text}, 4, 3)) + 2) // 3)::VARCHAR, 2, '0')`;
  const accessAsIso =
    `concat(substr(${text}, 8, 4), '-', ${month}, '-', left(${text}, 2), ` +
    `'T', substr(${text}, 13, 8), right(${text}, 5))`;
  const found = [
    `WHEN regexp_matches(${text}, '${extended}') THEN ${of(text, extended)}`,
    `WHEN regexp_matches(${text}, '${basic}') THEN ${of(text, basic)}`,
    `WHEN regexp_matches(${text}, '${access}') THEN ${of(accessAsIso, extended)}`,
  ].join(' ');
  // A list of one element, so that what was found has a name and is not repeated.
  return `list_transform([CASE ${found} END], lambda found: ${foundTimeSql('found')})[1]`;
}

/** SQL: TIMESTAMP of the parts of a text, NULL where they are none or beyond their range. */
function foundTimeSql(found: string): string {
  const number = (of: string): string => `COALESCE(TRY_CAST(${of} AS BIGINT), 0)`;
  const part = (name: string): string => `${found}.${name}`;
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
    `(${hour} <= 23 OR (${hour} = 24 AND ${minute} = 0 AND ${second} = 0 AND ${fractionUs} = 0))`,
    `${minute} <= 59`,
    `${second} <= 60`,
    `${zoneHours} <= 23`,
    `${zoneMinutes} <= 59`,
  ].join(' AND ');
  return `CASE WHEN ${isInRange} THEN CASE WHEN abs(${us}) <= ${usMax} THEN make_timestamp(${us}) END END`;
}

/**
 * SQL: TIMESTAMP of a numeric expression that counts s, ms, µs or ns since 1970 by its size. `whole` is the same number where it has more
 * digits than a double. The expressions are repeated.
 */
export function epochTimeSql(value: string, whole = value): string {
  const us = [
    `WHEN ${value} < 0 THEN NULL`,
    `WHEN ${value} < 1e11 THEN round(${value}::DOUBLE * 1e6)`,
    `WHEN ${value} < 1e14 THEN round(${value}::DOUBLE * 1e3)`,
    `WHEN ${value} < 1e17 THEN floor(${value}::DOUBLE)`,
    `WHEN ${value} < 1e19 THEN TRY_CAST(${whole} AS BIGINT) // 1000`,
  ].join(' ');
  return `make_timestamp(CAST(CASE WHEN CASE ${us} END <= 9e15 THEN CASE ${us} END END AS BIGINT))`;
}

/** The same of a value in JSON, and of texts: `type` is what `json_type` says of it, `text` its text. The expressions are repeated. */
export function jsonTimeSql(type: string, text: string): string {
  const number = `TRY_CAST(${text} AS DOUBLE)`;
  const whole = `CASE ${type} WHEN 'UBIGINT' THEN TRY_CAST(${text} AS BIGINT) ELSE TRY_CAST(${number} AS BIGINT) END`;
  const isNumber = `${type} IN ('UBIGINT', 'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE')`;
  return `CASE WHEN ${isNumber} THEN ${epochTimeSql(number, whole)} ELSE ${textTimeSql(text)} END`;
}
