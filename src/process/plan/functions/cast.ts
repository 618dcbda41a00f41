// Casts. CAST means TRY_CAST here: a value that cannot be converted is NULL, for one event must not stop a view. Text is
// read and written as DuckDB does.

import { epochToUs, formatUs } from '../../../core/time.ts';
import { epochTimeSql, jsonTimeSql, textTimeSql } from '../../../core/time-sql.ts';
import { parseTimeUs } from '../../../core/time-text.ts';
import type { ScalarType } from '../plan.ts';
import { anyAsJson, anyText, numberText } from '../sql/any-sql.ts';
import { dayUs } from './calendar.ts';
import type { Scalar, ScalarFunction, Signature } from './function.ts';
import { fromBigInt, literalOf, microseconds, microsecondsSql, namedSql } from './function.ts';

/** Inclusive bounds of DuckDB's whole-number types that fit 64 bits; larger ones are kept to 64 bits. */
const integerTypes: Record<string, readonly [bigint, bigint]> = {
  TINYINT: [-(2n ** 7n), 2n ** 7n - 1n],
  SMALLINT: [-(2n ** 15n), 2n ** 15n - 1n],
  INTEGER: [-(2n ** 31n), 2n ** 31n - 1n],
  BIGINT: [-(2n ** 63n), 2n ** 63n - 1n],
  HUGEINT: [-(2n ** 63n), 2n ** 63n - 1n],
  UTINYINT: [0n, 2n ** 8n - 1n],
  USMALLINT: [0n, 2n ** 16n - 1n],
  UINTEGER: [0n, 2n ** 32n - 1n],
  UBIGINT: [0n, 2n ** 63n - 1n],
  UHUGEINT: [0n, 2n ** 63n - 1n],
};

const otherTypes: Record<string, ScalarType> = {
  BOOLEAN: 'boolean',
  FLOAT: 'number',
  DOUBLE: 'number',
  VARCHAR: 'text',
  TIMESTAMP: 'time',
  'TIMESTAMP WITH TIME ZONE': 'time',
  TIMESTAMP_S: 'time',
  TIMESTAMP_MS: 'time',
  TIMESTAMP_NS: 'time',
  DATE: 'date',
  INTERVAL: 'interval',
};

/** The engine's type for one of DuckDB's, by name (`DECIMAL(10,2)` included); undefined for those it does not compute with. */
export function scalarTypeOf(sqlType: string): ScalarType | undefined {
  if (sqlType in integerTypes) return 'integer';
  if (/^DECIMAL/.test(sqlType)) return 'number';
  return otherTypes[sqlType];
}

/** DuckDB's name of the engine's type. `any` is a JSON scalar. */
export function sqlTypeOf(type: ScalarType): string {
  switch (type) {
    case 'boolean':
      return 'BOOLEAN';
    case 'integer':
      return 'BIGINT';
    case 'number':
      return 'DOUBLE';
    case 'text':
      return 'VARCHAR';
    case 'time':
      return 'TIMESTAMP';
    case 'date':
      return 'DATE';
    case 'interval':
      return 'INTERVAL';
    case 'any':
      return 'JSON';
  }
}

/** A text without the blanks around it that DuckDB's casts to numbers pass over: those of ASCII alone. */
function withoutBlanks(text: string): string {
  const isBlank = (at: number): boolean => {
    const code = text.charCodeAt(at);
    return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  };
  let [start, end] = [0, text.length];
  while (start < end && isBlank(start)) start++;
  while (end > start && isBlank(end - 1)) end--;
  return text.slice(start, end);
}

/** The number that a text spells, or null: blanks around it, a sign, a fraction, an exponent. */
export function numberFromText(text: string): number | null {
  const trimmed = withoutBlanks(text);
  if (/^[+-]?(\d+(_\d+)*(\.(\d+(_\d+)*)?)?|\.\d+(_\d+)*)([eE][+-]?\d+)?$/.test(trimmed)) {
    const value = Number(trimmed.replaceAll('_', ''));
    return Number.isFinite(value) ? value : null;
  }
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(trimmed);
  if (!special) return null;
  if (special[2]!.toLowerCase() === 'nan') return Number.NaN;
  return special[1] === '-' ? -Infinity : Infinity;
}

/** With blanks around it a text spells none. */
export function booleanFromText(text: string): boolean | null {
  const lower = text.toLowerCase();
  if (['true', 't', '1', 'yes', 'y'].includes(lower)) return true;
  return ['false', 'f', '0', 'no', 'n'].includes(lower) ? false : null;
}

/** A double as DuckDB writes it: 200.0, 1e+20, 1e-05. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (Object.is(value, -0)) return '-0.0';
  const [mantissa, exponentText] = value.toExponential().split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const plain = String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}

/** A time as DuckDB writes it: 2020-01-01 10:11:12.5 */
export function timeText(timeUs: number): string {
  const text = formatUs(timeUs).replace('T', ' ').replace('Z', '');
  return text.replace(/\.?0+$/, match => (match.startsWith('.') ? '' : text.includes('.') ? '' : match));
}

/** An interval as DuckDB writes the difference of two times: 1 day 02:03:04.5 */
export function intervalText(lengthUs: number): string {
  const days = Math.trunc(lengthUs / dayUs) + 0;
  const ofDay = Math.abs(lengthUs - days * dayUs);
  const clock = timeText(ofDay).slice(11);
  const dayText = days === 0 ? '' : `${days} day${Math.abs(days) === 1 ? '' : 's'}`;
  if (ofDay === 0 && days !== 0) return dayText;
  return `${dayText}${days === 0 ? '' : ' '}${lengthUs < 0 ? '-' : ''}${clock}`;
}

/** DuckDB's spelling of any value as VARCHAR. */
export function textOf(value: Exclude<Scalar, null>, type: ScalarType): string {
  if (typeof value === 'number') {
    if (type === 'time') return timeText(value);
    if (type === 'date') return formatUs(value).slice(0, 10);
    if (type === 'number') return doubleText(value);
    if (type === 'interval') return intervalText(value);
  }
  return String(value);
}

/** DuckDB's types of at most 64 bits take whole numbers in bases 16 and 2, without a sign and blanks behind. */
const otherBase = /^[ \t-\r]*0(?:[xX][\da-fA-F]+(?:_[\da-fA-F]+)*|[bB][01]+(?:_[01]+)*)$/;

function toInteger(value: Exclude<Scalar, null>, name: string): Scalar {
  const [least, most] = integerTypes[name]!;
  let whole: bigint;
  if (typeof value === 'boolean') whole = value ? 1n : 0n;
  else if (typeof value === 'bigint') whole = value;
  else if (typeof value === 'number') {
    if (!Number.isFinite(value) || (least === 0n && value < 0)) return null;
    whole = BigInt(roundHalfEven(value));
  } else {
    const trimmed = withoutBlanks(value);
    if (otherBase.test(value)) {
      if (name.endsWith('HUGEINT')) return null;
      whole = BigInt(value.replaceAll('_', ''));
    } else if (/^[+-]?\d+$/.test(trimmed)) whole = BigInt(trimmed.replace('+', ''));
    // To DuckDB a sign before blanks is 0.
    else if (/^[ \t-\r]*[+-][ \t-\r]+$/.test(value) && (least < 0n || value.includes('+'))) whole = 0n;
    else {
      const number = numberFromText(value);
      if (number === null || !Number.isFinite(number)) return null;
      whole = BigInt(number < 0 ? -Math.floor(0.5 - number) : Math.floor(number + 0.5));
    }
  }
  return whole < least || whole > most ? null : fromBigInt(whole);
}

export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

const isTimed = (type: ScalarType): boolean => type === 'time' || type === 'date' || type === 'interval';

/** Casts to DuckDB's type `name`; null where TRY_CAST gives NULL. `type` is what the value is now. */
export function castScalar(value: Scalar, type: ScalarType, name: string): Scalar {
  if (value === null) return null;
  // A value of any type is read by its text, as a field's is, and no text of a boolean spells a number.
  const isAnyBoolean = type === 'any' && typeof value === 'boolean';
  if (isAnyBoolean && !['boolean', 'text'].includes(scalarTypeOf(name)!)) return null;
  if (name in integerTypes) {
    return isTimed(type) ? null : toInteger(value, name);
  }
  if (isTimed(type) && ['boolean', 'number'].includes(scalarTypeOf(name)!)) return null;
  switch (otherTypes[name]) {
    case 'boolean':
      if (typeof value === 'string') return booleanFromText(value);
      return typeof value === 'boolean' ? value : Number(value) !== 0;
    case 'text':
      return textOf(value, type);
    case 'time':
    case 'date': {
      if (typeof value === 'boolean' || type === 'interval') return null;
      const isTime = type === 'time' || type === 'date';
      const number = isTime || typeof value === 'string' ? Number(value) : epochToUs(value);
      const timeUs = typeof value === 'string' ? parseTimeUs(value) : number;
      if (timeUs === undefined) return null;
      return microseconds(otherTypes[name] === 'date' ? Math.floor(timeUs / dayUs) * dayUs : timeUs);
    }
    case 'interval':
      if (typeof value === 'string') return intervalFromText(value);
      return type === 'interval' ? value : null;
    case 'number': {
      const number = typeof value === 'string' ? numberFromText(value) : Number(value);
      if (number === null || name !== 'FLOAT') return number;
      const float = Math.fround(number);
      return Number.isFinite(number) && !Number.isFinite(float) ? null : float;
    }
  }
  const decimal = /^DECIMAL\((\d+), ?(\d+)\)$/.exec(name);
  if (!decimal) return null;
  const number = typeof value === 'string' ? numberFromText(value) : Number(value);
  if (number === null || !Number.isFinite(number)) return null;
  const scale = Number(decimal[2]);
  const rounded = Number((Math.sign(number) * Math.round(Math.abs(number) * 10 ** scale)) / 10 ** scale);
  return Math.abs(rounded) < 10 ** (Number(decimal[1]) - scale) ? rounded : null;
}

const intervalUnits: Record<string, number> = {
  us: 1,
  microsecond: 1,
  ms: 1000,
  millisecond: 1000,
  s: 1e6,
  sec: 1e6,
  second: 1e6,
  m: 60e6,
  min: 60e6,
  minute: 60e6,
  h: 3600e6,
  hour: 3600e6,
  d: dayUs,
  day: dayUs,
  w: 7 * dayUs,
  week: 7 * dayUs,
};

/** '5 minutes', '1 hour 30 min', '01:30:00', '90' (seconds) in µs; null for months and years, whose length is not fixed. */
export function intervalFromText(text: string): number | null {
  const lengthUs = intervalLengthUs(text);
  return lengthUs === null ? null : microseconds(lengthUs);
}

/** The length of an interval, however long. */
export function intervalLengthUs(text: string): number | null {
  const inner = (part: string): string => part.replace(/^[ \t\n]+|[ \t\n]+$/g, '');
  let [rest, totalUs] = [inner(text).toLowerCase(), 0];
  const clock = /(-?)(\d+):(\d\d)(?::(\d\d(?:\.\d{1,6})?))?$/.exec(rest);
  if (clock) {
    const lengthUs =
      Number(clock[2]) * 3600e6 + Number(clock[3]) * 60e6 + Math.round(Number(clock[4] ?? 0) * 1e6);
    totalUs += clock[1] ? -lengthUs : lengthUs;
    rest = inner(rest.slice(0, clock.index));
    if (rest === '') return totalUs;
  } else if (/^-?\d+(\.\d*)?$/.test(rest)) return Math.round(Number(rest) * 1e6);
  if (!/^(-?\d+(\.\d+)?[ \t\n]*[a-z]+[ \t\n]*)+$/.test(rest)) return null;
  for (const [, amount, unit] of rest.matchAll(/(-?\d+(?:\.\d+)?)[ \t\n]*([a-z]+)/g)) {
    const lengthUs = intervalUnits[unit!] ?? intervalUnits[unit!.replace(/s$/, '')];
    if (lengthUs === undefined) return null;
    totalUs += Math.round(Number(amount) * lengthUs);
  }
  return totalUs;
}

/** SQL of a cast to a time or date, which means what it means for an event's own time, whatever is known of the field's type. */
function timeSql(value: string, from: ScalarType): string {
  if (from === 'text') return textTimeSql(value);
  if (from === 'integer' || from === 'number') return epochTimeSql(value);
  if (from !== 'any') return `TRY_CAST(${value} AS TIMESTAMP)`;
  const json = anyAsJson(value);
  return jsonTimeSql(`json_type(${json})`, `(${json} ->> '$')`);
}

/** A text as a double; NULL where digits spell more than one holds. */
const doubleSql = (text: string): string =>
  namedSql(
    [text],
    own =>
      `CASE WHEN NOT isinf(TRY_CAST(${own} AS DOUBLE)) OR NOT regexp_matches(${own}, '[0-9]') THEN TRY_CAST(${own} AS DOUBLE) END`,
  );

/** An interval as the text of a difference of two times. */
const intervalTextSql = (interval: string): string =>
  namedSql(
    [`epoch_us(${interval})`],
    us => `CAST(to_days((${us} // ${dayUs})::INTEGER) + to_microseconds(${us} % ${dayUs}) AS VARCHAR)`,
  );

/** A text as an interval; NULL with months and years in it, whose length is not fixed. */
const intervalSql = (text: string): string =>
  microsecondsSql(
    namedSql(
      [`TRY_CAST(${text} AS INTERVAL)`],
      own => `CASE WHEN datepart('year', ${own}) = 0 AND datepart('month', ${own}) = 0 THEN ${own} END`,
    ),
  );

function castSql(value: string, from: ScalarType, name: string): string {
  const target = otherTypes[name];
  if (from === 'text' && (name === 'DOUBLE' || name === 'FLOAT')) {
    return name === 'DOUBLE' ? doubleSql(value) : `TRY_CAST(${doubleSql(value)} AS FLOAT)::DOUBLE`;
  }
  if (from === 'text' && target === 'interval') return intervalSql(value);
  if (from === 'interval' && target === 'text') return intervalTextSql(value);
  // What is no number has a sign to DuckDB, which depends on the processor.
  if (from === 'number' && target === 'text')
    return namedSql([value], own => `CASE WHEN isnan(${own}) THEN 'nan' ELSE CAST(${own} AS VARCHAR) END`);
  // A field of whole numbers may be one of doubles by now.
  if (target === 'text' && from === 'integer') return namedSql([value], numberText);
  if (target === 'time') return timeSql(value, from);
  if (target === 'date') return microsecondsSql(`CAST(${timeSql(value, from)} AS DATE)`);
  if (from === 'any' && name in integerTypes) {
    // Numbers round as doubles do, and texts as texts.
    const json = anyAsJson(value);
    const double = `TRY_CAST(${json} ->> '$' AS DOUBLE)`;
    return `CASE WHEN json_type(${json}) = 'DOUBLE' THEN ${castSql(double, 'number', name)} ELSE ${castSql(anyText(value), 'text', name)} END`;
  }
  if (from === 'any') return castSql(anyText(value), 'text', name);
  const cast = `TRY_CAST(${value} AS ${name})`;
  if (/^DECIMAL|^FLOAT$/.test(name)) return `${cast}::DOUBLE`;
  return name in integerTypes && name !== 'BIGINT' ? `TRY_CAST(${cast} AS BIGINT)` : cast;
}

const castable: readonly ScalarType[] = [
  'any',
  'integer',
  'number',
  'text',
  'time',
  'date',
  'boolean',
  'interval',
];

/** `cast(value, 'TYPE')` in a plan; CAST, TRY_CAST and `::` in SQL. */
export const castFunctions: readonly ScalarFunction[] = [
  {
    name: 'cast',
    signatures: castable.map(type => ({
      parameters: [type, 'text'],
      constant: [1],
      result: args => scalarTypeOf(String(literalOf(args[1]))) ?? 'any',
      scalar: ((value: Scalar, name: string) => castScalar(value, type, name)) as Signature['scalar'],
      sql: (args, expressions) => castSql(args[0]!, type, String(literalOf(expressions[1]))),
    })),
  },
];
