// When an event happened by its own fields, for the lake: the same rule as the engine's, in SQL where that is possible.
import { epochToUs } from '../core/time.ts';
import { parseTimeUs } from '../core/time-text.ts';

/** Fields of the event that may hold its time, spelled so; the first that does wins. */
export const timeFields = [
  '_time',
  '@timestamp',
  'timestamp',
  'time',
  'ts',
  'date',
  'datetime',
  'created_at',
] as const;

/** Of a parsed event, µs; undefined where none of its fields holds a time. */
export function ownTimeUs(event: Readonly<Record<string, unknown>>): number | undefined {
  for (const name of timeFields) {
    const value = Object.hasOwn(event, name) ? event[name] : undefined;
    const timeUs =
      typeof value === 'number'
        ? epochToUs(value)
        : typeof value === 'string'
          ? parseTimeUs(value)
          : undefined;
    if (timeUs !== undefined) return timeUs;
  }
  return undefined;
}
