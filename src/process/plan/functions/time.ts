// Functions of time. A time is UTC; an interval is a fixed length (no months or years, whose length depends on the date).

import {
  boundaries,
  civilFromDays,
  datePart,
  dayNames,
  daysFromCivil,
  dayUs,
  monthNames,
  truncate,
  truncUnits,
  unitName,
} from './calendar.ts';
import { roundHalfEven } from './cast.ts';
import type { Scalar, ScalarFunction, Signature } from './function.ts';
import { fromBigInt, literalOf, microseconds, microsecondsSql, namedSql, safeSql } from './function.ts';

type Apply = (...values: never[]) => Scalar;

function part(name: string, unit: string, result: 'integer' | 'number' = 'integer'): ScalarFunction {
  return {
    name,
    signatures: [
      {
        parameters: ['time'],
        result,
        scalar: ((timeUs: number) => datePart(unit, timeUs)) as Apply,
        emit: emitted(unit),
        sql: args => `"${name}"(${args[0]})`,
      },
    ],
  };
}

/** The parts that are one division, inline. */
function emitted(unit: string): Signature['emit'] {
  const floorMod = (length: number, by: number) => (args: readonly string[]) =>
    `Math.floor((${args[0]} - Math.floor(${args[0]} / ${length}) * ${length}) / ${by})`;
  if (unit === 'hour') return floorMod(86_400_000_000, 3_600_000_000);
  if (unit === 'minute') return floorMod(3_600_000_000, 60_000_000);
  if (unit === 'second') return floorMod(60_000_000, 1_000_000);
  return undefined;
}

/** SQL of a time or an interval by its µs, NULL where they are beyond 2^53. */
const madeSql = (make: 'make_timestamp' | 'to_microseconds', us: string): string =>
  namedSql([us], own => `CASE WHEN ${own} BETWEEN ${safeSql} THEN ${make}(${own}::BIGINT) END`);

const scaled = (value: number | bigint, by: number): number | null =>
  microseconds(roundHalfEven(Number(value) * by));

const scaledSql = (value: string, by: number): string => `TRY_CAST(${value}::DOUBLE * ${by} AS BIGINT)`;

function timeFunction(
  name: string,
  parameters: Signature['parameters'],
  result: Signature['result'],
  scalar: Apply,
  extra: Partial<Signature> & { aliases?: readonly string[] } = {},
): ScalarFunction {
  const { aliases, ...signature } = extra;
  return { name, aliases, signatures: [{ parameters, result, scalar, ...signature }] };
}

const intervals: ScalarFunction[] = [
  ['to_microseconds', 1],
  ['to_milliseconds', 1000],
  ['to_seconds', 1e6],
  ['to_minutes', 60e6],
  ['to_hours', 3600e6],
  ['to_days', dayUs],
  ['to_weeks', 7 * dayUs],
].map(([name, lengthUs]) => ({
  name: name as string,
  signatures: [
    {
      parameters: ['number'] as const,
      result: 'interval' as const,
      scalar: ((count: number | bigint) => scaled(count, lengthUs as number)) as Apply,
      sql: (args: readonly string[]) => madeSql('to_microseconds', scaledSql(args[0]!, lengthUs as number)),
    },
  ],
}));

/** strftime's common conversions; DuckDB has more, which the binder refuses. */
const conversions: Record<string, (timeUs: number) => string> = {
  Y: timeUs => String(datePart('year', timeUs)).padStart(4, '0'),
  m: timeUs => two(datePart('month', timeUs)),
  d: timeUs => two(datePart('day', timeUs)),
  H: timeUs => two(datePart('hour', timeUs)),
  I: timeUs => two(((datePart('hour', timeUs) + 11) % 12) + 1),
  M: timeUs => two(datePart('minute', timeUs)),
  S: timeUs => two(datePart('second', timeUs)),
  f: timeUs => String(timeUs - Math.floor(timeUs / 1e6) * 1e6).padStart(6, '0'),
  p: timeUs => (datePart('hour', timeUs) < 12 ? 'AM' : 'PM'),
  j: timeUs => String(datePart('dayofyear', timeUs)).padStart(3, '0'),
  A: timeUs => dayNames[datePart('dayofweek', timeUs)]!,
  a: timeUs => dayNames[datePart('dayofweek', timeUs)]!.slice(0, 3),
  B: timeUs => monthNames[datePart('month', timeUs) - 1]!,
  b: timeUs => monthNames[datePart('month', timeUs) - 1]!.slice(0, 3),
  y: timeUs => two(datePart('year', timeUs) % 100),
  u: timeUs => String(datePart('isodow', timeUs)),
  w: timeUs => String(datePart('dayofweek', timeUs)),
  V: timeUs => two(datePart('week', timeUs)),
  G: timeUs => String(datePart('isoyear', timeUs)).padStart(4, '0'),
  '%': () => '%',
};

const two = (value: number) => String(value).padStart(2, '0');

/** The first conversion of a format that views do not have, or undefined. */
export function unknownConversion(format: string): string | undefined {
  for (const [, letter] of format.matchAll(/%(.?)/gs)) if (!conversions[letter!]) return `%${letter}`;
  return undefined;
}

/** µs over which a conversion gives the same text; a day where none is said. */
const spansUs: Record<string, number> = { f: 1, S: 1e6, M: 60e6, H: 3600e6, I: 3600e6, p: 3600e6 };

/** A format's last text and the span of time that it holds for: events come nearly in order of time. */
interface Formatted {
  spanUs: number;
  span: number;
  text: string;
}

const formatted = new Map<string, Formatted>();
const formatsMax = 64;

function strftime(timeUs: number, format: string): string {
  let last = formatted.get(format);
  if (last === undefined) {
    const letters = [...format.matchAll(/%(.)/gs)].map(([, letter]) => letter!);
    const spanUs = Math.min(dayUs, ...letters.map(letter => spansUs[letter] ?? dayUs));
    last = { spanUs, span: Number.NaN, text: '' };
    if (formatted.size >= formatsMax) formatted.clear();
    formatted.set(format, last);
  }
  const span = Math.floor(timeUs / last.spanUs);
  if (span !== last.span) {
    last.text = format.replace(/%(.)/gs, (_, letter: string) => conversions[letter]!(timeUs));
    last.span = span;
  }
  return last.text;
}

export const timeFunctions: readonly ScalarFunction[] = [
  {
    name: 'date_part',
    aliases: ['datepart', 'extract'],
    signatures: [
      {
        parameters: ['text', 'time'],
        constant: [0],
        result: args => (unitName(String(literalOf(args[0]))) === 'epoch' ? 'number' : 'integer'),
        scalar: ((unit: string, timeUs: number) => datePart(unitName(unit)!, timeUs)) as Apply,
      },
      {
        parameters: ['text', 'interval'],
        constant: [0],
        result: 'number',
        scalar: ((_unit: string, lengthUs: number) => lengthUs / 1e6) as Apply,
      },
    ],
  },
  {
    name: 'date_trunc',
    aliases: ['datetrunc'],
    signatures: [
      {
        parameters: ['text', 'time'],
        constant: [0],
        result: 'time',
        scalar: ((unit: string, timeUs: number) => microseconds(truncate(unitName(unit)!, timeUs))) as Apply,
        sql: args => microsecondsSql(`date_trunc(${args[0]}, ${args[1]})::TIMESTAMP`),
      },
    ],
  },
  ...['year', 'month', 'day', 'hour', 'minute', 'second', 'quarter', 'week'].map(unit => part(unit, unit)),
  part('millisecond', 'millisecond'),
  part('microsecond', 'microsecond'),
  part('dayofweek', 'dayofweek'),
  part('weekday', 'dayofweek'),
  part('isodow', 'isodow'),
  part('isoyear', 'isoyear'),
  part('yearweek', 'yearweek'),
  part('dayofmonth', 'day'),
  part('dayofyear', 'dayofyear'),
  part('weekofyear', 'week'),
  {
    name: 'epoch',
    signatures: [
      {
        parameters: ['time'],
        result: 'number',
        scalar: ((timeUs: number) => timeUs / 1e6) as Apply,
        emit: args => `(${args[0]} / 1000000)`,
      },
      {
        parameters: ['interval'],
        result: 'number',
        scalar: ((lengthUs: number) => lengthUs / 1e6) as Apply,
        emit: args => `(${args[0]} / 1000000)`,
      },
    ],
  },
  {
    name: 'epoch_ms',
    signatures: [
      {
        parameters: ['time'],
        result: 'integer',
        scalar: ((timeUs: number) => Math.trunc(timeUs / 1000) + 0) as Apply,
      },
      {
        parameters: ['number'],
        result: 'time',
        scalar: ((epochMs: number | bigint) => scaled(epochMs, 1000)) as Apply,
        sql: args => madeSql('make_timestamp', scaledSql(args[0]!, 1000)),
      },
    ],
  },
  timeFunction('epoch_us', ['time'], 'integer', ((timeUs: number) =>
    Number.isSafeInteger(timeUs) ? timeUs : fromBigInt(BigInt(timeUs))) as Apply),
  timeFunction('epoch_ns', ['time'], 'integer', ((timeUs: number) =>
    fromBigInt(BigInt(timeUs) * 1000n)) as Apply),
  timeFunction(
    'to_timestamp',
    ['number'],
    'time',
    ((epoch: number | bigint) => scaled(epoch, 1e6)) as Apply,
    { sql: args => madeSql('make_timestamp', scaledSql(args[0]!, 1e6)) },
  ),
  timeFunction(
    'make_timestamp',
    ['integer'],
    'time',
    ((timeUs: number | bigint) => microseconds(roundHalfEven(Number(timeUs)))) as Apply,
    { sql: args => madeSql('make_timestamp', args[0]!) },
  ),
  timeFunction(
    'date_diff',
    ['text', 'time', 'time'],
    'integer',
    ((unit: string, fromUs: number, toUs: number) => {
      const count = boundaries(unitName(unit)!, fromUs, toUs);
      return Number.isSafeInteger(count) ? count + 0 : fromBigInt(BigInt(toUs) - BigInt(fromUs));
    }) as Apply,
    { constant: [0], aliases: ['datediff'] },
  ),
  timeFunction(
    'time_bucket',
    ['interval', 'time'],
    'time',
    // Buckets of DuckDB count from Monday 2000-01-03, so that weeks start on Mondays.
    ((lengthUs: number, timeUs: number) => {
      if (lengthUs <= 0) return null;
      // Each part is below the length, so that nothing is rounded.
      const into = mod(timeUs, lengthUs) - (originUs % lengthUs);
      return microseconds(timeUs - (into < 0 ? into + lengthUs : into));
    }) as Apply,
    {
      sql: args =>
        microsecondsSql(
          namedSql(
            args,
            (length, time) => `CASE WHEN epoch_us(${length}) > 0 THEN time_bucket(${length}, ${time}) END`,
          ),
        ),
    },
  ),
  timeFunction(
    'dayname',
    ['time'],
    'text',
    ((timeUs: number) => dayNames[datePart('dayofweek', timeUs)]!) as Apply,
  ),
  timeFunction(
    'monthname',
    ['time'],
    'text',
    ((timeUs: number) => monthNames[datePart('month', timeUs) - 1]!) as Apply,
  ),
  timeFunction(
    'last_day',
    ['time'],
    'date',
    ((timeUs: number) => {
      const { year, month } = civilFromDays(Math.floor(timeUs / dayUs));
      const next = month === 12 ? daysFromCivil(year + 1, 1, 1) : daysFromCivil(year, month + 1, 1);
      return microseconds(next * dayUs - dayUs);
    }) as Apply,
    { sql: args => microsecondsSql(`last_day(${args[0]})`) },
  ),
  timeFunction('strftime', ['time', 'text'], 'text', strftime as Apply, { constant: [1] }),
  ...intervals,
];

const mod = (value: number, by: number): number => (value % by) + (value % by < 0 ? by : 0);

const originUs = daysFromCivil(2000, 1, 3) * dayUs;

export const partUnits = [
  ...truncUnits,
  'century',
  'millennium',
  'dayofweek',
  'isodow',
  'dayofyear',
  'isoyear',
  'yearweek',
  'epoch',
];
