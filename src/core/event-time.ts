// When an event happened: `_time`; else the first of the usual names that is there and is a time; else when it was appended.
// One rule for the engine, the lake and SQL.
import { lastTextOf } from './repeated-keys.ts';
import { epochLiteral, epochToUs } from './time.ts';
import { parseTimeUs } from './time-text.ts';

/** Fields that may hold the time of an event, spelled so, in order of precedence. */
export const eventTimeFields = [
  '_time',
  '@timestamp',
  'timestamp',
  'time',
  'ts',
  'date',
  'datetime',
  'created_at',
] as const;

/** µs of a value as an event's time: ISO 8601 or access-log text, or a number of s, ms, µs or ns since 1970 by its size. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return epochToUs(value);
  return typeof value === 'string' ? parseTimeUs(value) : undefined;
}

/** The time that an event itself has, µs; undefined where none of its fields holds one. `event` is `line` parsed. */
export function ownTimeUs(event: Readonly<Record<string, unknown>>, line: () => string): number | undefined {
  for (const name of eventTimeFields) {
    if (!Object.hasOwn(event, name)) continue;
    const value = event[name];
    // Nanoseconds have more digits than JSON.parse keeps.
    const isRounded = typeof value === 'number' && value > Number.MAX_SAFE_INTEGER;
    const timeUs = timeOf(isRounded ? epochLiteral(lastTextOf(line(), name)!) : value);
    if (timeUs !== undefined) return timeUs;
  }
  return undefined;
}

/** The time of a parsed event, µs. */
export const eventTimeUs = (
  event: Readonly<Record<string, unknown>>,
  line: () => string,
  appendTimeUs: number,
): number => ownTimeUs(event, line) ?? appendTimeUs;
