// What passes between a pipeline's partition loop and the thread that runs its functions. A batch takes two steps, so that the
// thread needs no way to the store: `prepare` tells the keys its events have, `run` is given their state and the timers due.
import type { PipelineLogLine, TimerClock } from '../pipeline.ts';

/** Events of one partition as the log gave them. */
export interface PipelineBatch {
  stream: string;
  partition: number;
  /** The offset to go on with where the batch brings none. */
  offset: number;
  /** NDJSON of all slices, back to back. */
  bytes: Uint8Array;
  slices: { offset: number; count: number; appendTimeMs: number }[];
  /** Highest event time that counts, and watermark, before the batch; null before any event. */
  highUs: number | null;
  watermarkUs: number | null;
  nowMs: number;
  /** Calls that took the thread down before. */
  deaths: CallDeath[];
  /** Tell of each call before it is made, so that one that takes the thread down is known. */
  careful: boolean;
  /** Events and timers that it takes in. */
  callsMax: number;
  /** Bytes that one call may emit, and after which the batch ends. */
  emittedBytesMax: number;
}

/** A call, by a text that is the same when it is made again. */
export interface CallDeath {
  call: string;
  times: number;
  reason: string;
}

export interface PreparedBatch {
  /** In the order in which events have them. */
  keys: string[];
  /** The watermark after all events. */
  watermarkUs: number | null;
}

/** A timer as the store orders them: by time, key, name. */
export interface TimerPlace {
  timeUs: number;
  key: string;
  name: string;
}

export interface KeyTimer extends TimerPlace {
  clock: TimerClock;
}

export interface BatchState {
  /** State of keys as `encodeKeyRow` wrote it; null where there is none. Events of a key that is not here end the batch. */
  rows: [key: string, row: string | null][];
  /** Timers of the wall clock that are due, then those of event time up to the prepared watermark; each in order. */
  timers: KeyTimer[];
  /** The first timer of event time that is due but not among `timers`: the batch ends where its turn comes. */
  more: TimerPlace | null;
}

export interface BatchOutput {
  stream: string;
  bytes: Uint8Array;
  count: number;
}

export interface BatchResult {
  /** Offset after the last event that was taken in. */
  offset: number;
  highUs: number | null;
  watermarkUs: number | null;
  outputs: BatchOutput[];
  rows: [key: string, row: string | null][];
  timersRemoved: KeyTimer[];
  timersSet: KeyTimer[];
  eventsIn: number;
  eventsOut: number;
  timersFired: number;
  failures: number;
  retries: number;
  rejected: number;
  log: Omit<PipelineLogLine, 'pipeline'>[];
}

/** Runs batches, one at a time: `prepare`, then `run`. */
export interface PipelineExecutor {
  prepare(batch: PipelineBatch): Promise<PreparedBatch>;
  /** Rejects with a `ThreadDeath` where the functions took their thread down; the next `prepare` has a new one. */
  run(state: BatchState): Promise<BatchResult>;
  close(): Promise<void>;
}

/** The thread of a pipeline ended: a call that did not return, memory, process.exit, an error outside of calls. */
export class ThreadDeath extends Error {
  /** The call under way, where it is known. */
  readonly call: string | undefined;

  constructor(reason: string, call: string | undefined) {
    super(reason);
    this.name = 'ThreadDeath';
    this.call = call;
  }
}
