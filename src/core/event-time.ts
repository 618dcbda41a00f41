// When an event happened: `_time`; else the first of the usual names that is there and is a time; else when it was appended.
// One rule for the engine, the lake and SQL.
import { epochToUs } from './time.ts';
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
  if (typeof value === 'number') return epochToUs(value);
  return typeof value === 'string' ? parseTimeUs(value) : undefined;
}

/** The time that a parsed event itself has, µs; undefined where none of its fields holds one. */
export function ownTimeUs(event: Readonly<Record<string, unknown>>): number | undefined {
  for (const name of eventTimeFields) {
    if (!Object.hasOwn(event, name)) continue;
    const timeUs = timeOf(event[name]);
    if (timeUs !== undefined) return timeUs;
  }
  return undefined;
}

/** The time of a parsed event, µs. */
export const eventTimeUs = (event: Readonly<Record<string, unknown>>, appendTimeUs: number): number =>
  ownTimeUs(event) ?? appendTimeUs;
