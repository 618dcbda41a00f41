// A named reader over any log: waits, reads, moves on, and lets its lag be seen.
import { MillraceError } from '../core/errors.ts';
import type { Consumer, ConsumerLag, LogReader, ReadResult } from './log.ts';
import { logClosed } from './log-errors.ts';

export class LogConsumer implements Consumer {
  readonly name: string;
  readonly stream: string;
  readonly partition: number;
  private at: number;
  private isClosed = false;
  private readonly log: LogReader;
  private readonly closed: (consumer: LogConsumer) => void;
  private readonly stop = new AbortController();

  constructor(
    log: LogReader,
    place: { name: string; stream: string; partition: number; from: number },
    closed: (consumer: LogConsumer) => void,
  ) {
    this.log = log;
    this.name = place.name;
    this.stream = place.stream;
    this.partition = place.partition;
    this.at = place.from;
    this.closed = closed;
  }

  get position(): number {
    return this.at;
  }

  async next(target: Uint8Array, signal?: AbortSignal): Promise<ReadResult | undefined> {
    const both = signal ? AbortSignal.any([signal, this.stop.signal]) : this.stop.signal;
    for (;;) {
      if (this.isClosed) throw logClosed();
      if (signal?.aborted) return undefined;
      const from = this.at;
      const result = await this.log.read(this.stream, this.partition, from, target);
      // A seek during the read decides where to go on.
      if (result.batches.length > 0 && this.at === from) {
        this.at = result.next;
        return result;
      }
      if (this.at === from) await this.log.wait(this.stream, this.partition, from, both);
    }
  }

  seek(offset: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new MillraceError('offset-beyond-end', `${offset} is not an offset.`, { status: 416 });
    }
    this.at = offset;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.stop.abort();
    this.closed(this);
  }

  lag(end: number): ConsumerLag {
    const { name, stream, partition, at: position } = this;
    return { name, stream, partition, position, lag: Math.max(0, end - position) };
  }
}
