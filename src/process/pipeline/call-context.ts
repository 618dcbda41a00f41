// What one call of a pipeline's function sees and does. Invariant: nothing that it does is visible outside until `effects` is taken
// after its success; after its end, whatever its end, it does nothing any more.
import { MillraceError, textOf } from '../../core/errors.ts';
import { eventTimeFields, timeOf } from '../../core/event-time.ts';
import { nestingOf } from '../../core/json-nesting.ts';
import { formatUs } from '../../core/time.ts';
import { maxDepth } from '../../kernel/line-reasons.ts';
import {
  pipelineLimits as limits,
  type PipelineContext,
  type PipelineLogger,
  type PipelineLogLine,
  type PipelineState,
  type PipelineTimer,
  type PipelineTimers,
  type TimerClock,
} from '../pipeline.ts';
import type { KeyRow, KeyTimerEntry } from './key-row.ts';

export interface CallPlace {
  timeUs: number;
  nowMs: number;
  watermarkUs: number | null;
  stream: string;
  partition: number;
  offset: number;
  key: string;
  attempt: number;
  to: string;
  sides: readonly string[];
  emittedBytesMax: number;
  /** The timer that fires. */
  timer?: { clock: TimerClock; timeUs: number };
}

export interface CallEffects {
  /** JSON texts by name; null deletes. */
  values: Map<string, string | null>;
  timers: Map<string, KeyTimerEntry | null>;
  emitted: { stream: string; line: string; bytes: number }[];
}

type AnyContext = PipelineContext<{ state: Record<string, unknown>; sides: Record<string, object> }>;

export class CallContext implements AnyContext {
  readonly timeMs: number;
  readonly nowMs: number;
  readonly watermarkMs: number | null;
  readonly stream: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly attempt: number;
  readonly state: PipelineState<Record<string, unknown>>;
  readonly timers: PipelineTimers;
  readonly log: PipelineLogger;
  readonly #effects: CallEffects = { values: new Map(), timers: new Map(), emitted: [] };
  readonly #place: CallPlace;
  #emittedBytes = 0;
  #isOver = false;

  constructor(place: CallPlace, row: KeyRow, log: (line: Omit<PipelineLogLine, 'pipeline'>) => void) {
    this.#place = place;
    this.timeMs = place.timeUs / 1000;
    this.nowMs = place.nowMs;
    this.watermarkMs = place.watermarkUs === null ? null : place.watermarkUs / 1000;
    this.stream = place.stream;
    this.partition = place.partition;
    this.offset = place.offset;
    this.key = place.key;
    this.attempt = place.attempt;
    const check = (): void => this.#check();
    this.state = stateOf(row, this.#effects.values, check);
    this.timers = timersOf(row, this.#effects.timers, place.timer, check);
    const write = (level: PipelineLogLine['level']) => (message: string, fields?: object) =>
      log({ level, message: textOf(message).slice(0, 2000), ...(fields ? { fields: plain(fields) } : {}) });
    this.log = { info: write('info'), warn: write('warn'), error: write('error') };
  }

  #check(): void {
    if (!this.#isOver) return;
    throw new MillraceError('call-over', 'This call is over: what it does now counts no more.', {
      status: 409,
      remedy: 'Await everything before process or onTimer returns.',
    });
  }

  emit(event: object): void {
    this.#emit(this.#place.to, event);
  }

  emitTo(side: string, event: object): void {
    if (!this.#place.sides.includes(side)) {
      throw new MillraceError('unknown-side', `"${textOf(side)}" is no side output of this pipeline.`, {
        status: 400,
        remedy: `Declare it: sides: [${[...this.#place.sides, side].map(name => `'${textOf(name)}'`).join(', ')}].`,
      });
    }
    this.#emit(side, event);
  }

  #emit(stream: string, event: object): void {
    this.#check();
    const { emitted } = this.#effects;
    if (emitted.length >= limits.emittedPerCallMax) {
      throw tooMuch(
        `more than ${limits.emittedPerCallMax} events`,
        'Spread them over several calls with a timer.',
      );
    }
    const line = eventLine(event, this.#place.timeUs);
    const bytes = Buffer.byteLength(line);
    this.#emittedBytes += bytes;
    if (this.#emittedBytes > this.#place.emittedBytesMax) {
      throw tooMuch(`more than ${this.#place.emittedBytesMax} bytes`, 'Emit smaller events, or fewer.');
    }
    emitted.push({ stream, line, bytes });
  }

  /** Emits what the function returned. */
  emitReturned(returned: unknown): void {
    if (returned === undefined || returned === null) return;
    if (Array.isArray(returned)) for (const event of returned) this.emit(event);
    else this.emit(returned as object);
  }

  end(): CallEffects {
    this.#isOver = true;
    return this.#effects;
  }
}

/** The event as a line of NDJSON. One without a time field of its own gets that of the call. */
function eventLine(event: unknown, timeUs: number): string {
  const text =
    typeof event === 'object' && event !== null && !Array.isArray(event) ? JSON.stringify(event) : undefined;
  if (text === undefined || text[0] !== '{') {
    throw new MillraceError('bad-event', `What is emitted is no object but ${describe(event)}.`, {
      status: 400,
      remedy: 'Return an object, an array of objects, or undefined for nothing.',
    });
  }
  // A shorter text has no room for more levels.
  if (text.length > 2 * maxDepth && nestingOf(text).deepest > maxDepth) {
    throw new MillraceError('bad-event', `What is emitted is nested deeper than ${maxDepth}.`, {
      status: 400,
      remedy: 'Emit flatter events, or put the inner part into a text with JSON.stringify.',
    });
  }
  if (hasTime(event as Record<string, unknown>)) return `${text}\n`;
  return `{"_time":"${formatUs(timeUs)}"${text === '{}' ? '' : ','}${text.slice(1)}\n`;
}

function hasTime(event: Record<string, unknown>): boolean {
  if (event['_time'] !== undefined) return true;
  return eventTimeFields.some(field => {
    const value = event[field];
    return value !== undefined && (value instanceof Date || timeOf(value) !== undefined);
  });
}

const describe = (value: unknown): string =>
  Array.isArray(value)
    ? 'an array within an array'
    : value === null
      ? 'null'
      : typeof value === 'object'
        ? 'an object that toJSON makes something else'
        : `a ${typeof value}`;

const tooMuch = (what: string, remedy: string): MillraceError =>
  new MillraceError('emitted-too-much', `One call emits ${what}.`, { status: 400, remedy });

function checkName(name: unknown, what: string): asserts name is string {
  if (typeof name === 'string' && name !== '' && Buffer.byteLength(name) <= limits.nameBytesMax) return;
  throw new MillraceError('bad-name', `The name of ${what} has 1 to ${limits.nameBytesMax} bytes.`, {
    status: 400,
  });
}

function stateOf(
  row: KeyRow,
  changes: Map<string, string | null>,
  check: () => void,
): PipelineState<Record<string, unknown>> {
  const textOf = (name: string): string | undefined =>
    changes.has(name) ? (changes.get(name) ?? undefined) : row.values.get(name);
  return {
    get(name) {
      check();
      const text = textOf(name);
      return text === undefined ? undefined : JSON.parse(text);
    },
    set(name, value) {
      check();
      checkName(name, 'a value');
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) {
        throw new MillraceError('bad-state', `state.${name}: ${describe(value)} cannot be kept.`, {
          status: 400,
          remedy: 'Keep JSON: objects, arrays, text, numbers, booleans, null; state.delete() removes.',
        });
      }
      checkRoom(name, text, row, changes);
      changes.set(name, text);
    },
    delete(name) {
      check();
      checkName(name, 'a value');
      changes.set(name, null);
    },
  };
}

function checkRoom(name: string, text: string, row: KeyRow, changes: Map<string, string | null>): void {
  const refuse = (what: string): never => {
    throw new MillraceError('state-too-large', `state.${name}: ${what}.`, {
      status: 400,
      remedy: 'Keep less under one key: totals instead of events, or a finer key.',
    });
  };
  const size = Buffer.byteLength(text);
  if (size > limits.valueBytesMax) refuse(`${size} bytes, where ${limits.valueBytesMax} are kept`);
  let count = 1;
  let bytes = size;
  const names = new Set([...row.values.keys(), ...changes.keys()]);
  for (const other of names) {
    const kept = other === name ? undefined : changes.has(other) ? changes.get(other) : row.values.get(other);
    if (kept === undefined || kept === null) continue;
    count++;
    bytes += Buffer.byteLength(kept);
  }
  if (count > limits.valuesPerKeyMax) refuse(`a key keeps ${limits.valuesPerKeyMax} values`);
  if (bytes > limits.valuesBytesPerKeyMax) refuse(`a key keeps ${limits.valuesBytesPerKeyMax} bytes`);
}

function timersOf(
  row: KeyRow,
  changes: Map<string, KeyTimerEntry | null>,
  firing: CallPlace['timer'],
  check: () => void,
): PipelineTimers {
  const entryOf = (name: string): KeyTimerEntry | undefined =>
    changes.has(name) ? (changes.get(name) ?? undefined) : row.timers.get(name);
  const count = (): number => {
    let total = row.timers.size;
    for (const [name, entry] of changes) total += Number(entry !== null) - Number(row.timers.has(name));
    return total;
  };
  return {
    set(name, timeMs, clock = 'event') {
      check();
      checkName(name, 'a timer');
      const timeUs = Math.round(Number(timeMs) * 1000);
      if (!Number.isSafeInteger(timeUs) || timeUs < 0) {
        throw new MillraceError('bad-timer', `Timer "${name}": ${textOf(timeMs)} is no time.`, {
          status: 400,
          remedy: 'Give milliseconds since 1970 or a Date: context.timeMs + 60_000.',
        });
      }
      if (clock !== 'event' && clock !== 'wall') {
        throw new MillraceError('bad-timer', `Timer "${name}": there is no clock "${textOf(clock)}".`, {
          status: 400,
          remedy: "The clocks are 'event' and 'wall'.",
        });
      }
      // Else a timer that sets itself again would fire for ever at one moment.
      if (firing?.clock === clock && timeUs <= firing.timeUs) {
        throw new MillraceError('bad-timer', `Timer "${name}" is not later than the one that fires.`, {
          status: 400,
          remedy: 'Set it to a later time than timer.timeMs.',
        });
      }
      if (!entryOf(name) && count() >= limits.timersPerKeyMax) {
        throw new MillraceError('too-many-timers', `A key has at most ${limits.timersPerKeyMax} timers.`, {
          status: 400,
          remedy: 'Use one timer a key, and set it again when it fires.',
        });
      }
      changes.set(name, { clock, timeUs });
    },
    get(name): PipelineTimer | undefined {
      check();
      const entry = entryOf(name);
      return entry && { name, clock: entry.clock, timeMs: entry.timeUs / 1000 };
    },
    delete(name) {
      check();
      changes.set(name, null);
    },
  };
}

/** A copy that can cross a thread border; at most 8 KiB of JSON. */
function plain(fields: object): object {
  try {
    const text = JSON.stringify(fields);
    if (text.length > 8192) return { cut: text.slice(0, 8192) };
    return JSON.parse(text) as object;
  } catch {
    return { unreadable: true };
  }
}
