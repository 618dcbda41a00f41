// Appends that wait to be written, in the order in which they were made. Bounded by the bytes that the whole log
// holds unanswered and by the batches of one partition; beyond either the sender is told to come again.
import type { MillraceError } from '../core/errors.ts';
import type { AppendResult, Batch } from './log.ts';
import { badBatch } from './log-errors.ts';

/** Bytes of batches that are not yet answered, over all partitions of a log. */
export interface Backlog {
  bytes: number;
}

/** One append under way. */
export interface Waiting {
  batch: Batch;
  resolve(result: AppendResult): void;
  reject(error: Error): void;
}

export class AppendQueue {
  /** Bytes waiting here. */
  bytes = 0;
  private readonly backlog: Backlog;
  private items: Waiting[] = [];
  private head = 0;
  private producers = 0;

  constructor(backlog: Backlog) {
    this.backlog = backlog;
  }

  get length(): number {
    return this.items.length - this.head;
  }
  /** Whether any batch that waits names its producer. */
  get hasProducers(): boolean {
    return this.producers > 0;
  }
  get first(): Waiting {
    return this.items[this.head]!;
  }

  push(waiting: Waiting): void {
    this.items.push(waiting);
    this.bytes += waiting.batch.bytes.length;
    this.backlog.bytes += waiting.batch.bytes.length;
    if (waiting.batch.producer) this.producers++;
  }

  /** Removes the first; it stays in the backlog until it is answered or refused. */
  take(): Waiting {
    const waiting = this.items[this.head++]!;
    this.bytes -= waiting.batch.bytes.length;
    if (waiting.batch.producer) this.producers--;
    if (this.head === this.items.length || this.head > 4096) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return waiting;
  }

  answer(waiting: Waiting, result: AppendResult): void {
    this.backlog.bytes -= waiting.batch.bytes.length;
    waiting.resolve(result);
  }
  refuse(waiting: Waiting, error: Error): void {
    this.backlog.bytes -= waiting.batch.bytes.length;
    waiting.reject(error);
  }
  refuseAll(error: Error): void {
    while (this.length > 0) this.refuse(this.take(), error);
  }
}

/** Why a batch cannot be appended whatever the state of the log, or undefined. */
export function wrongBatch(
  { bytes, count, producer }: Batch,
  maxBatchBytes: number,
): MillraceError | undefined {
  if (bytes.length === 0) return badBatch('A batch may not be empty.');
  if (bytes.length > maxBatchBytes) {
    return badBatch(`A batch of ${bytes.length} bytes is larger than the limit of ${maxBatchBytes}.`, {
      bytes: bytes.length,
      maxBatchBytes,
    });
  }
  if (!Number.isInteger(count) || count < 1 || count > bytes.length) {
    return badBatch(`A batch of ${bytes.length} bytes cannot hold ${count} events.`, { count });
  }
  if (bytes[bytes.length - 1] !== 0x0a) return badBatch('A batch must end with a newline.');
  if (producer === undefined) return undefined;
  if ('key' in producer) {
    if (producer.key.length >= 1 && producer.key.length <= 255) return undefined;
    return badBatch('A batch key has 1 to 255 characters.');
  }
  const { id, first, next } = producer;
  if (id.length < 1 || id.length > 255) return badBatch('A producer id has 1 to 255 characters.');
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(next) || first < 0 || next <= first) {
    return badBatch(`Sequence numbers [${first}, ${next}) are not a range.`, { first, next });
  }
  return undefined;
}
