// A pipeline's rows in the state store. Invariant: `commit` is one transaction of position, state, timers and output, so that the
// store always holds the outcome of the events before the position, and the output of the last batch as it is to be appended.
//
//   ['pipeline', name]                                          what it is, since when, its producer's epoch
//   ['pipeline-at', name, partition]                            offset, watermark, sequences, output under way
//   ['pipeline-key', name, partition, key]                      state and timers of the key
//   ['pipeline-timer', name, partition, clock, timeUs, key, timer]   timers in the order in which they fire
//   ['pipeline-output', name, partition, stream]                the output under way
//
// Partitions are not merged as those of views are: each is read alone, and its timers by time, so it comes before the rest.
import { MillraceError } from '../../core/errors.ts';
import type { StateReader, StateStore, StateTransaction } from '../../store/state.ts';
import { afterPrefix, decodeKey, encodeKey, type KeyPart } from '../../store/state-key.ts';
import type { TimerClock } from '../pipeline.ts';
import type { BatchResult, KeyTimer, TimerPlace } from './batch.ts';

export interface PipelineRecord {
  from: string;
  version: number;
  /** Part of the producer's id: a pipeline that begins anew is another producer. */
  epoch: string;
  /** Where each partition that was there begins; others begin at their first event. */
  begins: Record<string, number>;
  /** When its file was found missing. */
  removedMs?: number;
}

export interface PipelinePosition {
  /** Of the next event. */
  offset: number;
  highUs: number | null;
  watermarkUs: number | null;
  /** The producer's next sequence number by output stream. */
  sequences: Record<string, number>;
  /** Output in the store that may not have been appended yet. */
  pending: PendingOutput[];
}

export interface PendingOutput {
  stream: string;
  sequence: number;
  count: number;
}

/** Pending output with its bytes. */
export interface StoredOutput extends PendingOutput {
  bytes: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const toBytes = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));

function fromBytes<Value>(bytes: Uint8Array): Value {
  try {
    return JSON.parse(decoder.decode(bytes)) as Value;
  } catch (cause) {
    throw new MillraceError('state-damaged', 'The position of a pipeline cannot be read.', { cause });
  }
}

/** Everything below a tuple. */
function below(...parts: KeyPart[]): [start: Uint8Array, end: Uint8Array] {
  const prefix = encodeKey(parts);
  return [prefix, afterPrefix(prefix)];
}

/** The pipelines that the store knows. */
export function readPipelineRecords(state: StateReader): { name: string; record: PipelineRecord }[] {
  return [...state.range(...below('pipeline'))].map(({ key, value }) => {
    return { name: decodeKey(key)[1] as string, record: fromBytes<PipelineRecord>(value) };
  });
}

export class PipelineRows {
  readonly name: string;
  private readonly state: StateStore;

  constructor(state: StateStore, name: string) {
    this.state = state;
    this.name = name;
  }

  record(): PipelineRecord | undefined {
    const value = this.state.get(encodeKey(['pipeline', this.name]));
    return value && fromBytes<PipelineRecord>(value);
  }

  /** Sets the record; where `anew` everything kept before is freed in the same transaction. */
  define(record: PipelineRecord, anew: boolean): void {
    this.state.transaction(transaction => {
      if (anew) this.free(transaction);
      transaction.put(encodeKey(['pipeline', this.name]), toBytes(record));
    });
  }

  remove(): void {
    this.state.transaction(transaction => {
      this.free(transaction);
      transaction.delete(encodeKey(['pipeline', this.name]));
    });
  }

  private free(transaction: StateTransaction): void {
    for (const kind of ['pipeline-at', 'pipeline-key', 'pipeline-timer', 'pipeline-output']) {
      transaction.deleteRange(...below(kind, this.name));
    }
  }

  /** Partitions with a position. */
  partitions(): number[] {
    return [...this.state.range(...below('pipeline-at', this.name))].map(
      ({ key }) => decodeKey(key)[2] as number,
    );
  }

  position(partition: number): PipelinePosition | undefined {
    const value = this.state.get(encodeKey(['pipeline-at', this.name, partition]));
    return value && fromBytes<PipelinePosition>(value);
  }

  keyRow(partition: number, key: string): string | null {
    const value = this.state.get(encodeKey(['pipeline-key', this.name, partition, key]));
    return value ? decoder.decode(value) : null;
  }

  /** Timers of a clock up to a time, in order, at most `limit`; and the first one beyond the limit. */
  dueTimers(
    partition: number,
    clock: TimerClock,
    toUs: number,
    limit: number,
  ): { timers: KeyTimer[]; more: TimerPlace | null } {
    const [start] = below('pipeline-timer', this.name, partition, clock);
    const [, end] = below('pipeline-timer', this.name, partition, clock, toUs);
    const timers: KeyTimer[] = [];
    for (const entry of this.state.range(start, end, { limit: limit + 1 })) {
      const [, , , , timeUs, key, name] = decodeKey(entry.key) as [0, 0, 0, 0, number, string, string];
      if (timers.length === limit) return { timers, more: { timeUs, key, name } };
      timers.push({ clock, timeUs, key, name });
    }
    return { timers, more: null };
  }

  /** When the next timer of a clock is due. */
  nextTimerUs(partition: number, clock: TimerClock): number | undefined {
    const range = below('pipeline-timer', this.name, partition, clock);
    for (const { key } of this.state.range(...range, { limit: 1 })) return decodeKey(key)[4] as number;
    return undefined;
  }

  /** The output under way with its bytes. */
  output(partition: number, pending: readonly PendingOutput[]): StoredOutput[] {
    return pending.map(one => {
      const bytes = this.state.get(encodeKey(['pipeline-output', this.name, partition, one.stream]));
      if (bytes) return { ...one, bytes };
      throw new MillraceError('state-damaged', `The output of pipeline ${this.name} is missing.`);
    });
  }

  /** Takes a batch's outcome in; `before` is the position it started from, whose output has been appended. */
  commit(partition: number, before: PipelinePosition, result: BatchResult): PipelinePosition {
    const { offset, highUs, watermarkUs, outputs } = result;
    const sequences = { ...before.sequences };
    const pending = outputs.map(({ stream, count }): PendingOutput => {
      const sequence = sequences[stream] ?? 0;
      sequences[stream] = sequence + 1;
      return { stream, sequence, count };
    });
    const position: PipelinePosition = { offset, highUs, watermarkUs, sequences, pending };
    const { name } = this;
    this.state.transaction(transaction => {
      for (const [key, row] of result.rows) {
        const at = encodeKey(['pipeline-key', name, partition, key]);
        if (row === null) transaction.delete(at);
        else transaction.put(at, encoder.encode(row));
      }
      const timerKey = ({ clock, timeUs, key, name: timer }: KeyTimer): Uint8Array =>
        encodeKey(['pipeline-timer', name, partition, clock, timeUs, key, timer]);
      for (const timer of result.timersRemoved) transaction.delete(timerKey(timer));
      for (const timer of result.timersSet) transaction.put(timerKey(timer), Uint8Array.of(1));
      this.putPosition(transaction, partition, before, position);
      for (const { stream, bytes } of outputs) {
        transaction.put(encodeKey(['pipeline-output', name, partition, stream]), bytes);
      }
    });
    return position;
  }

  /** Moves the position alone, its output having been appended. */
  settle(partition: number, before: PipelinePosition, change: Partial<PipelinePosition>): PipelinePosition {
    const position = { ...before, pending: [], ...change };
    this.state.transaction(transaction => this.putPosition(transaction, partition, before, position));
    return position;
  }

  private putPosition(
    transaction: StateTransaction,
    partition: number,
    before: PipelinePosition,
    position: PipelinePosition,
  ): void {
    for (const { stream } of before.pending) {
      transaction.delete(encodeKey(['pipeline-output', this.name, partition, stream]));
    }
    transaction.put(encodeKey(['pipeline-at', this.name, partition]), toBytes(position));
  }
}
