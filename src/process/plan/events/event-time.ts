// When an event happened: `_time`; else the first of the usual names that is there and is a time; else when it was appended.
// One rule for the engine, the lake and SQL.
import { epochToUs } from '../../../core/time.ts';
import { parseTimeUs } from '../../../core/time-text.ts';

/** Fields that may hold the time of an event, in order of precedence. */
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

/** The time of a parsed event, µs. */
export function eventTimeUs(event: Readonly<Record<string, unknown>>, appendTimeUs: number): number {
  for (const name of eventTimeFields) {
    if (!Object.hasOwn(event, name)) continue;
    const timeUs = timeOf(event[name]);
    if (timeUs !== undefined) return timeUs;
  }
  return appendTimeUs;
}
