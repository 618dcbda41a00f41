// State and timers of one key as one value of the store: JSON, with each value of state as the JSON text that was set.
import { MillraceError } from '../../core/errors.ts';
import type { TimerClock } from '../pipeline.ts';

export interface KeyTimerEntry {
  clock: TimerClock;
  timeUs: number;
}

export interface KeyRow {
  /** JSON texts by name. */
  values: Map<string, string>;
  timers: Map<string, KeyTimerEntry>;
}

interface StoredRow {
  values: [name: string, text: string][];
  timers: [name: string, clock: TimerClock, timeUs: number][];
}

/** Null where nothing is left to keep. */
export function encodeKeyRow({ values, timers }: KeyRow): string | null {
  if (values.size === 0 && timers.size === 0) return null;
  const stored: StoredRow = {
    values: [...values],
    timers: [...timers].map(([name, { clock, timeUs }]) => [name, clock, timeUs]),
  };
  return JSON.stringify(stored);
}

export function decodeKeyRow(text: string | null): KeyRow {
  if (text === null) return { values: new Map(), timers: new Map() };
  try {
    const stored = JSON.parse(text) as StoredRow;
    return {
      values: new Map(stored.values),
      timers: new Map(stored.timers.map(([name, clock, timeUs]) => [name, { clock, timeUs }])),
    };
  } catch (cause) {
    throw new MillraceError('state-damaged', 'The state of a pipeline cannot be read.', { cause });
  }
}
