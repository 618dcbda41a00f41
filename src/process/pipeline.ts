// Pipelines: a user's TypeScript function from one stream to others, with keyed state and timers. This file is the contract: what
// a file `pipelines/NAME.ts` exports, what its functions may do, and what the rest of the system sees of it.
//
// Who calls: the pipeline's own thread calls `key`, `process` and `onTimer`, one at a time, for the events of a partition in the
// order of their offsets. Partitions are independent: each has its own state, timers and watermark. A call succeeds when it returns
// (or its promise resolves); only then do its emitted events, state and timers count. A call that throws, or runs longer than
// `timeout`, leaves nothing behind and is made again; after `attempts` tries its event goes to `_rejected` and the next one follows.
//
// What a promise means: position, state, timers and the events emitted are one transaction, and the events are appended afterwards
// with a producer and sequence that are part of it. So each input event acts exactly once on state and output streams, over any
// crash. What a function does elsewhere (a request to another system) happens at least once.
//
// Times given to functions are milliseconds since 1970; their fraction holds the microseconds.
import { MillraceError } from '../core/errors.ts';

/** Types of one pipeline, for `pipeline<{ event: Click; output: Visit; state: { last: number } }>(…)`; all are optional. */
export interface PipelineTypes {
  event?: object;
  output?: object;
  /** Values of keyed state by name. */
  state?: object;
  /** Events of the side outputs by stream. */
  sides?: object;
}

// biome-ignore lint/suspicious/noExplicitAny: an event of unknown shape can be read without a cast
export type PipelineEvent = Record<string, any>;

type Of<Types, Name extends string, Default> = Types extends { [N in Name]: infer Found } ? Found : Default;
type EventOf<Types> = Of<Types, 'event', PipelineEvent>;
type OutputOf<Types> = Of<Types, 'output', object>;
// biome-ignore lint/suspicious/noExplicitAny: undeclared state holds any JSON value
type StateOf<Types> = Of<Types, 'state', Record<string, any>>;
type SidesOf<Types> = Of<Types, 'sides', Record<string, object>>;
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing, and one that calls emit(), are both right
type Emitted<Types> = OutputOf<Types> | readonly OutputOf<Types>[] | undefined | null | void;

export interface PipelineDefinition<Types extends PipelineTypes = PipelineTypes> {
  /** The stream to read. */
  from: string;
  /** The stream that returned and emitted events go to; made where it is missing. */
  to: string;
  /** More streams, for `context.emitTo`; at most 16. */
  sides?: readonly (keyof SidesOf<Types> & string)[];
  /** Whose state and timers an event works with; without it a partition has one key, ''. At most 512 bytes as text. */
  key?(event: EventOf<Types>): string | number | boolean;
  /** Where a pipeline that was never here begins: with the oldest event in the log (default) or the next to come. */
  start?: 'beginning' | 'now';
  /** Another number begins anew: state and timers are freed, reading begins at `start`. Default 1. */
  version?: number;
  /** The watermark is the highest event time less this: how far events may be out of order. "30s"; default "0s". */
  delay?: string;
  /** An event further ahead of its append time moves no watermark. Default "1h". */
  ahead?: string;
  /** Tries of a call before its event is rejected, 1 to 10; default 3. */
  attempts?: number;
  /** What one call may take, 100 ms to 1 min; default "5s". */
  timeout?: string;
  /** Returns what to emit: an event, several, or nothing. */
  process(event: EventOf<Types>, context: PipelineContext<Types>): Emitted<Types> | Promise<Emitted<Types>>;
  /** Called for each timer that is due; returns what to emit. */
  onTimer?(timer: PipelineTimer, context: PipelineContext<Types>): Emitted<Types> | Promise<Emitted<Types>>;
}

export interface PipelineTimer {
  name: string;
  clock: TimerClock;
  /** What it was set for. */
  timeMs: number;
}

/** `event`: due when the watermark reaches it; `wall`: when the wall clock does. */
export type TimerClock = 'event' | 'wall';

export interface PipelineContext<Types extends PipelineTypes = PipelineTypes> {
  /** The event's time; in `onTimer` what the timer was set for. */
  readonly timeMs: number;
  /** The wall clock. */
  readonly nowMs: number;
  /** Event time up to which the partition is believed complete; null before any event. */
  readonly watermarkMs: number | null;
  readonly stream: string;
  readonly partition: number;
  /** The event's offset; in `onTimer` that of the next event. */
  readonly offset: number;
  readonly key: string;
  /** 1 for the first try of this call. */
  readonly attempt: number;
  readonly state: PipelineState<StateOf<Types>>;
  readonly timers: PipelineTimers;
  readonly log: PipelineLogger;
  /** To the stream `to`. Without a time field of its own an event gets `_time` from this call. */
  emit(event: OutputOf<Types>): void;
  /** To a stream of `sides`. */
  emitTo<Side extends keyof SidesOf<Types> & string>(side: Side, event: SidesOf<Types>[Side]): void;
}

/** Values of the key: JSON, copied in and out, so that a change counts when it is set. */
export interface PipelineState<Values> {
  get<Name extends keyof Values & string>(name: Name): Values[Name] | undefined;
  set<Name extends keyof Values & string>(name: Name, value: Values[Name]): void;
  delete(name: keyof Values & string): void;
}

/** Timers of the key by name; setting one again moves it. */
export interface PipelineTimers {
  /**
   * Calls `onTimer` once when the clock (default `event`) has come to `timeMs`. One that is due already fires right after this
   * call; from within `onTimer` it must be later than the timer that fires.
   */
  set(name: string, timeMs: number | Date, clock?: TimerClock): void;
  get(name: string): PipelineTimer | undefined;
  delete(name: string): void;
}

export interface PipelineLogger {
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** What holds for every pipeline; docs/pipelines.md says what happens at each bound. */
export const pipelineLimits = {
  pipelinesMax: 64,
  sidesMax: 16,
  keyBytesMax: 512,
  /** A name of state or of a timer. */
  nameBytesMax: 100,
  valuesPerKeyMax: 64,
  valueBytesMax: 64 * 1024,
  valuesBytesPerKeyMax: 256 * 1024,
  timersPerKeyMax: 64,
  emittedPerCallMax: 1000,
  /** Of one call, all streams together; and half of the log's largest batch where that is less. */
  emittedBytesPerCallMax: 1024 * 1024,
  /** Events and due timers that one transaction takes in. */
  callsPerBatchMax: 1000,
  /** After so long a batch ends with the call under way. */
  batchMs: 1000,
  /** State that one batch loads. */
  batchStateBytesMax: 16 * 1024 * 1024,
  logLinesPerBatchMax: 100,
  heapMb: 256,
  /** Outside of the heap: buffers, typed arrays, WASM. Measured between calls. */
  buffersMb: 512,
} as const;

/** The file's place, handed from `pipeline()` to who reads it. */
export const definedAt = Symbol.for('millrace.pipeline.definedAt');

/**
 * Declares a pipeline: `export default pipeline({ from, to, process })` in `pipelines/NAME.ts`. What the options mean is said at
 * `PipelineDefinition`; they are checked when the file is loaded, so that the error names this call.
 *
 * @example
 * export default pipeline({
 *   from: 'access',
 *   to: 'errors',
 *   process: event => (event.status >= 500 ? event : undefined),
 * });
 */
export function pipeline<Types extends PipelineTypes = PipelineTypes>(
  definition: PipelineDefinition<Types>,
): PipelineDefinition<Types> {
  if (typeof definition !== 'object' || definition === null) {
    throw new MillraceError('bad-pipeline', 'pipeline() takes an object.', {
      status: 400,
      remedy: 'Write pipeline({ from, to, process(event, context) { … } }).',
    });
  }
  const marked = { ...definition };
  Object.defineProperty(marked, definedAt, { value: new Error().stack ?? '' });
  return marked;
}

/** A file of the folder pipelines/; `name` is its name without the ending. */
export interface PipelineFile {
  name: string;
  /** Absolute. */
  path: string;
}

/** `waiting`: its input stream is not there yet; `failed`: it stands still, `error` says why. */
export type PipelineRunState = 'running' | 'waiting' | 'failed';

export interface PipelineSummary {
  name: string;
  from: string;
  to: string;
  sides: string[];
  state: PipelineRunState;
  /** Also there while the version before a broken change keeps running. */
  error?: string;
  /** Since the start of the process, as are the other counts. */
  eventsIn: number;
  eventsOut: number;
  timersFired: number;
  /** Calls that failed, and those of them that were made again. */
  failures: number;
  retries: number;
  /** Events and timers given up on. */
  rejected: number;
  /** Events that were not there any more, or damaged, when their turn came. */
  skipped: number;
  /** Times that the pipeline's thread had to be replaced. */
  restarts: number;
  /** Events between the position and the end of its stream. */
  lag: number;
  /** The lowest of its partitions. */
  watermarkUs: number | null;
}

export interface PipelineLogLine {
  pipeline: string;
  level: 'info' | 'warn' | 'error';
  message: string;
  fields?: object;
}

/** All pipelines of a project, running. */
export interface Pipelines {
  /**
   * Brings the files into force and resolves when they are: new ones start, changed ones take over between two batches with their
   * state, missing ones stop. What is wrong with a file is in its summary (state `failed`, or its old version keeps running), and
   * is returned; a file that was refused is tried again when it, or any local file it imports, has changed.
   */
  define(files: readonly PipelineFile[], views: readonly string[]): Promise<MillraceError[]>;
  list(): Promise<PipelineSummary[]>;
  /** Finishes the batches under way. */
  close(): Promise<void>;
}
