// Reading the segment log, in the thread that writes it or in any other that was handed `log.share()`. What a
// reader may see is what the shared tail board says, so no thread ever sees an event that is not yet durable.
import { MillraceError } from '../core/errors.ts';
import { diskFileSystem, type FileSystem } from './file-system.ts';
import type { LogReader, PartitionSummary, ReadResult, StreamSummary } from './log.ts';
import { logClosed, offsetRetained, partitionUnavailable, unknownStream } from './log-errors.ts';
import { PartitionReader } from './partition-reader.ts';
import { partitionPath } from './segment.ts';
import { TailBoard } from './tail-board.ts';
import { TailMemory } from './tail-memory.ts';

/** What another thread needs to read the log; survives structuredClone and postMessage. */
export interface SegmentLogHandle {
  kind: 'segment-log';
  directory: string;
  board: SharedArrayBuffer;
  tail: SharedArrayBuffer;
  maxBatchBytes: number;
}

export interface SegmentReaderOptions {
  fs?: FileSystem;
  /** Read without leaving the thread (default): right for a worker whose work is reading. */
  inThread?: boolean;
}

export class SegmentReader implements LogReader {
  readonly maxBatchBytes: number;
  protected readonly board: TailBoard;
  /** The newest bytes, where they are held; set by whoever opens the reader. */
  tail: TailMemory | undefined;
  protected readonly directory: string;
  protected readonly fs: FileSystem;
  private readonly inThread: boolean;
  private readonly readers = new Map<number, PartitionReader>();
  private isReaderClosed = false;
  private readonly sleepers = new Set<() => void>();
  /** A thread whose only work is a pending Atomics.waitAsync ends; this timer, which never fires, keeps it. */
  private keepAlive: ReturnType<typeof setInterval> | undefined;

  constructor(
    { directory, maxBatchBytes }: Pick<SegmentLogHandle, 'directory' | 'maxBatchBytes'>,
    board: TailBoard,
    options: Required<SegmentReaderOptions>,
  ) {
    this.board = board;
    this.directory = directory;
    this.maxBatchBytes = maxBatchBytes;
    this.fs = options.fs;
    this.inThread = options.inThread;
  }

  protected slotOf(stream: string, partition: number): number {
    if (this.isReaderClosed) throw logClosed();
    const slot = this.board.find(stream, partition);
    if (slot !== undefined) return slot;
    throw unknownStream(stream, this.board.find(stream, 0) === undefined ? undefined : partition);
  }

  /** The slot of a partition that can be read. */
  private readableSlotOf(stream: string, partition: number): number {
    const slot = this.slotOf(stream, partition);
    if (this.board.isUnavailable(slot)) throw partitionUnavailable(stream, partition);
    return slot;
  }

  /** Why a partition is closed for writing, where it is. */
  protected whyClosed(slot: number): string | undefined {
    if (this.board.isUnavailable(slot)) return 'it could not be opened';
    return this.board.isPartitionClosed(slot) ? 'a write or sync failed' : undefined;
  }

  async streams(): Promise<StreamSummary[]> {
    if (this.isReaderClosed) throw logClosed();
    const streams = new Map<string, PartitionSummary[]>();
    for (let slot = 0; slot < this.board.slotsUsed; slot++) {
      const name = this.board.stream(slot);
      let partitions = streams.get(name);
      if (!partitions) streams.set(name, (partitions = []));
      const summary: PartitionSummary = {
        partition: this.board.partition(slot),
        first: this.board.first(slot),
        end: this.board.end(slot),
        bytes: this.board.bytes(slot),
        lastAppendMs: this.board.lastAppendMs(slot),
      };
      const closed = this.whyClosed(slot);
      if (closed !== undefined) summary.closed = closed;
      partitions.push(summary);
    }
    return [...streams]
      .map(([name, partitions]) => ({ name, partitions }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async range(stream: string, partition: number): Promise<{ first: number; end: number }> {
    const slot = this.readableSlotOf(stream, partition);
    return { first: this.board.first(slot), end: this.board.end(slot) };
  }

  async read(stream: string, partition: number, from: number, target: Uint8Array): Promise<ReadResult> {
    const slot = this.readableSlotOf(stream, partition);
    if (!Number.isSafeInteger(from) || from < 0) {
      throw new MillraceError('offset-beyond-end', `${from} is not an offset.`, {
        status: 416,
        context: { from, end: this.board.end(slot) },
      });
    }
    return this.readerOf(slot, stream, partition).read(from, target);
  }

  protected readerOf(slot: number, stream: string, partition: number): PartitionReader {
    let reader = this.readers.get(slot);
    if (!reader) {
      reader = new PartitionReader({
        fs: this.fs,
        board: this.board,
        tail: () => this.tail,
        slot,
        stream,
        partition,
        directory: partitionPath(this.directory, stream, partition),
        inThread: this.inThread,
      });
      this.readers.set(slot, reader);
    }
    return reader;
  }

  async wait(stream: string, partition: number, offset: number, signal?: AbortSignal): Promise<void> {
    const slot = this.readableSlotOf(stream, partition);
    const { board } = this;
    await this.asleep(signal, async woken => {
      for (;;) {
        const seen = board.signal(slot);
        if (board.end(slot) > offset || signal?.aborted) return;
        if (this.isReaderClosed || board.isClosed) throw logClosed();
        const first = board.first(slot);
        if (offset < first) throw offsetRetained(stream, partition, offset, first);
        await Promise.race([board.sleep(slot, seen), woken]);
      }
    });
  }

  async waitForPartition(count: number, signal?: AbortSignal): Promise<void> {
    const { board } = this;
    await this.asleep(signal, async woken => {
      for (;;) {
        if (this.isReaderClosed || board.isClosed) throw logClosed();
        const used = board.slotsUsed;
        if (used > count || signal?.aborted) return;
        await Promise.race([board.sleepForSlot(used), woken]);
      }
    });
  }

  /** Runs a wait, whose `woken` resolves when the signal aborts or this reader closes. */
  private async asleep(
    signal: AbortSignal | undefined,
    wait: (woken: Promise<void>) => Promise<void>,
  ): Promise<void> {
    let wake = (): void => {};
    const woken = new Promise<void>(resolve => {
      wake = resolve;
    });
    signal?.addEventListener('abort', wake, { once: true });
    this.sleepers.add(wake);
    this.keepAlive ??= setInterval(() => {}, 2 ** 31 - 1);
    try {
      await wait(woken);
    } finally {
      signal?.removeEventListener('abort', wake);
      this.sleepers.delete(wake);
      if (this.sleepers.size === 0) {
        clearInterval(this.keepAlive);
        this.keepAlive = undefined;
      }
    }
  }

  async close(): Promise<void> {
    this.isReaderClosed = true;
    for (const wake of this.sleepers) wake();
    await Promise.all([...this.readers.values()].map(reader => reader.close()));
    this.readers.clear();
  }
}

/**
 * Opens the log for reading in another thread of the process that wrote `handle` (`log.share()`). New streams,
 * partitions and events become visible by themselves.
 */
export async function openSegmentReader(
  handle: SegmentLogHandle,
  options: SegmentReaderOptions = {},
): Promise<SegmentReader> {
  const { fs = diskFileSystem, inThread = true } = options;
  const reader = new SegmentReader(handle, new TailBoard(handle.board), { fs, inThread });
  reader.tail = new TailMemory(handle.tail);
  return reader;
}
