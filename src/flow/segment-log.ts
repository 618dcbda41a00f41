// The log on local disk: opens the folder for this process alone, recovers every partition's tail, and hands
// appends to its partition's writer, reads to its reader. See log.ts for what it promises, docs/log-format.md
// for what is on disk.
import { join } from 'node:path';
import { codeOf, MillraceError } from '../core/errors.ts';
import { type Clock, systemClock } from './clock.ts';
import { LogConsumer } from './consumer.ts';
import { DiskSpace } from './disk-space.ts';
import { diskFileSystem, type FileSystem } from './file-system.ts';
import type {
  AppendResult,
  Batch,
  Consumer,
  ConsumerLag,
  Log,
  RetentionPolicy,
  StreamSummary,
} from './log.ts';
import { streamNamePattern } from './log.ts';
import { badStreamName, logClosed, logIo, unknownStream } from './log-errors.ts';
import {
  type LoadedLog,
  loadStream,
  loadStreams,
  makeStreamFolders,
  partitionsPerStreamMax,
} from './log-loading.ts';
import type { PartitionWriter } from './partition-writer.ts';
import { type WindowLimits, windowLimits } from './producer-window.ts';
import { retainPartition } from './retention.ts';
import { type SegmentLogHandle, SegmentReader } from './segment-reader.ts';
import { TailBoard } from './tail-board.ts';
import { TailMemory } from './tail-memory.ts';
import type { WriterContext } from './writer-context.ts';
import type { Failpoint, WriterLimits } from './writer-limits.ts';

/**
 * When an append is answered. `fsync`: after it is on disk (group commit); nothing answered is lost, whatever
 * stops. `interval`: after it is written, synced every `intervalMs`; a power loss takes up to that much back.
 * `os`: after it is written, synced when the system likes; a power loss takes back what it had not yet written
 * (commonly 30 s). In none of them does a crash of the process alone lose anything answered.
 */
export type Durability = 'fsync' | { intervalMs: number } | 'os';

export interface SegmentLogOptions extends Partial<WriterLimits> {
  /** The log's folder; made where missing. */
  dir: string;
  durability?: Durability;
  /** Appends are refused while the disk has less free. Default 256 MiB. */
  reserveBytes?: number;
  /** Partitions of all streams together; default 4,096. */
  partitionsMax?: number;
  window?: Partial<WindowLimits>;
  clock?: Clock;
  fs?: FileSystem;
  failpoint?: Failpoint;
}

export const writerLimits: WriterLimits = {
  maxBatchBytes: 4 * 1024 * 1024,
  segmentBytes: 128 * 1024 * 1024,
  segmentRecords: 262_144,
  groupBytes: 4 * 1024 * 1024,
  overlapBytes: 1024 * 1024,
  directBytes: 512 * 1024,
  tailBytes: 16 * 1024 * 1024,
  queueBytes: 64 * 1024 * 1024,
  queueBatches: 65_536,
  mergeBytes: 64 * 1024,
};

/** Partitions that have their newest bytes in memory at a time. */
const tailRings = 4;

export class SegmentLog extends SegmentReader implements Log {
  private readonly context: WriterContext;
  private readonly writers: PartitionWriter[] = [];
  private readonly found: string[] = [];
  private readonly loaded: LoadedLog;
  private readonly openConsumers = new Set<LogConsumer>();
  private readonly listeners = new Set<(result: AppendResult) => void>();
  private readonly creating = new Map<string, Promise<StreamSummary>>();
  private readonly unlock: () => Promise<void>;
  private closing: Promise<void> | undefined;
  /** Wall and monotonic time at the opening, so that a leap of the wall clock removes nothing. */
  private readonly openedAt: { nowMs: number; elapsedMs: number };

  constructor(
    handle: Pick<SegmentLogHandle, 'directory' | 'maxBatchBytes'>,
    board: TailBoard,
    context: Omit<WriterContext, 'appended' | 'backlog' | 'board' | 'tail'>,
    unlock: () => Promise<void>,
  ) {
    super(handle, board, { fs: context.fs, inThread: false });
    this.context = {
      ...context,
      board,
      tail: () => this.tailMemory(),
      backlog: { bytes: 0 },
      appended: results => this.announce(results),
    };
    const { directory, writers, found } = this;
    this.loaded = { directory, context: this.context, writers, found };
    this.unlock = unlock;
    this.openedAt = { nowMs: context.clock.nowMs(), elapsedMs: context.clock.elapsedMs() };
  }

  /** Opens what is in the folder. Called once, before anything else. */
  async load(): Promise<void> {
    await loadStreams(this.loaded);
    await this.context.disk.check();
  }

  /** After a load that failed: lets go of what it had opened, without writing. */
  async abandon(): Promise<void> {
    this.context.disk.close();
    await Promise.all(this.writers.map(writer => writer.state.segment?.close()));
    await super.close();
  }

  /** What another thread needs to read this log with `openSegmentReader`. */
  share(): SegmentLogHandle {
    const { directory, maxBatchBytes } = this;
    const tail = this.tailMemory().memory;
    return { kind: 'segment-log', directory, board: this.board.memory, tail, maxBatchBytes };
  }

  private tailMemory(): TailMemory {
    this.tail ??= TailMemory.create(tailRings, this.context.limits.tailBytes);
    return this.tail;
  }

  async createStream(stream: string, options: { partitions?: number } = {}): Promise<StreamSummary> {
    if (this.closing) throw logClosed();
    if (!streamNamePattern.test(stream)) throw badStreamName(stream);
    let making = this.creating.get(stream);
    if (!making && this.board.find(stream, 0) === undefined) {
      making = this.makeStream(stream, options.partitions ?? 1).finally(() => this.creating.delete(stream));
      this.creating.set(stream, making);
    }
    return making ?? this.summaryOf(stream);
  }

  private async summaryOf(stream: string): Promise<StreamSummary> {
    return (await this.streams()).find(summary => summary.name === stream)!;
  }

  private async makeStream(stream: string, partitions: number): Promise<StreamSummary> {
    if (!Number.isInteger(partitions) || partitions < 1 || partitions > partitionsPerStreamMax) {
      throw new MillraceError('bad-partitions', `A stream cannot have ${partitions} partitions.`, {
        status: 400,
        remedy: `Use 1 to ${partitionsPerStreamMax}.`,
        context: { partitions },
      });
    }
    const { board } = this.context;
    if (board.slotsUsed + partitions > board.slotsMax) {
      throw new MillraceError('too-many-partitions', `The log holds at most ${board.slotsMax} partitions.`, {
        status: 507,
        remedy: 'Use fewer partitions or streams, or raise partitionsMax.',
      });
    }
    try {
      await makeStreamFolders(this.context.fs, this.directory, stream, partitions);
      // An earlier attempt may have come as far as some of the partitions.
      await loadStream(this.loaded, stream, 'throw');
    } catch (thrown) {
      throw codeOf(thrown) === 'ENOSPC' ? await this.context.disk.noteFull() : logIo(thrown);
    }
    const appendTimeMs = this.context.clock.nowMs();
    queueMicrotask(() => {
      this.announce([{ stream, partition: 0, offset: 0, count: 0, duplicate: false, appendTimeMs }]);
    });
    return this.summaryOf(stream);
  }

  append(stream: string, partition: number, batch: Batch): Promise<AppendResult> {
    if (this.closing) return Promise.reject(logClosed());
    const slot = this.board.find(stream, partition);
    if (slot === undefined) {
      const hasStream = this.board.find(stream, 0) !== undefined;
      return Promise.reject(unknownStream(stream, hasStream ? partition : undefined));
    }
    return this.writers[slot]!.append(batch);
  }

  async producerNext(stream: string, partition: number, id: string): Promise<number | undefined> {
    if (this.closing) throw logClosed();
    return this.writers[this.slotOf(stream, partition)]!.producerNext(id);
  }

  openConsumer(name: string, stream: string, partition: number, from: number): Consumer {
    this.slotOf(stream, partition);
    const place = { name, stream, partition, from };
    const consumer = new LogConsumer(this, place, closed => this.openConsumers.delete(closed));
    this.openConsumers.add(consumer);
    return consumer;
  }

  consumers(): ConsumerLag[] {
    return [...this.openConsumers].map(consumer => {
      const slot = this.board.find(consumer.stream, consumer.partition)!;
      return consumer.lag(this.board.end(slot));
    });
  }

  onAppend(listener: (result: AppendResult) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private announce(results: AppendResult[]): void {
    for (const result of results) for (const listener of this.listeners) listener(result);
  }

  async retain(policy: RetentionPolicy, stream?: string): Promise<number> {
    if (this.closing) throw logClosed();
    if (stream !== undefined && this.board.find(stream, 0) === undefined) throw unknownStream(stream);
    const { clock } = this.context;
    const steadyMs = this.openedAt.nowMs + clock.elapsedMs() - this.openedAt.elapsedMs;
    const nowMs = Math.min(clock.nowMs(), steadyMs);
    let removed = 0;
    for (const writer of this.writers) {
      const { state } = writer;
      if (stream !== undefined && state.stream !== stream) continue;
      if (writer.failure !== undefined) continue;
      try {
        removed += await writer.runAlone(() => retainPartition(this.context, writer, policy, nowMs));
        await this.readerOf(state.slot, state.stream, state.partition).refresh();
      } catch (thrown) {
        throw codeOf(thrown) === 'ENOSPC' ? await this.context.disk.noteFull() : logIo(thrown);
      }
    }
    return removed;
  }

  problems(): string[] {
    const { disk } = this.context;
    const problems = [...this.found];
    for (const { failure, state } of this.writers) {
      // Of those that cannot be opened the loading has told.
      if (failure !== undefined && !this.board.isUnavailable(state.slot)) {
        problems.push(
          `${state.stream}/${state.partition} accepts no appends: ${failure} Restart to verify it.`,
        );
      }
    }
    if (disk.isFull) {
      problems.push(
        `The disk of the log has ${disk.freeBytes} bytes left (reserve ${disk.reserveBytes}); appends are refused.`,
      );
    }
    return problems;
  }

  protected override whyClosed(slot: number): string | undefined {
    return this.writers[slot]?.failure;
  }

  override close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private async finish(): Promise<void> {
    await Promise.allSettled(this.creating.values());
    for (const consumer of [...this.openConsumers]) consumer.close();
    try {
      await Promise.all(this.writers.map(writer => writer.close()));
    } finally {
      this.context.disk.close();
      this.board.close();
      await super.close();
      await this.unlock();
    }
  }
}

/**
 * Opens the log in `dir`, alone: `log-locked` names the process that has it. Reads the tail of every partition,
 * not the log. Cost: a few file opens a partition, plus the verification of what may not have been durable.
 */
export async function openSegmentLog(options: SegmentLogOptions): Promise<SegmentLog> {
  const { dir: directory, durability = 'fsync', partitionsMax = 4096 } = options;
  const fs = options.fs ?? diskFileSystem;
  const clock = options.clock ?? systemClock;
  const limits = { ...writerLimits };
  for (const key of Object.keys(limits) as (keyof WriterLimits)[]) limits[key] = options[key] ?? limits[key];
  await fs.makeDirectory(join(directory, 'streams'));
  const unlock = await fs.lock(directory);
  try {
    const board = TailBoard.create(partitionsMax);
    const { maxBatchBytes } = limits;
    const disk = new DiskSpace(fs, clock, directory, options.reserveBytes ?? 256 * 1024 * 1024);
    const syncDelayMs =
      durability === 'fsync'
        ? undefined
        : durability === 'os'
          ? Number.POSITIVE_INFINITY
          : durability.intervalMs;
    const window = { ...windowLimits, ...options.window };
    const { failpoint } = options;
    const log = new SegmentLog(
      { directory, maxBatchBytes },
      board,
      { fs, clock, disk, limits, window, syncDelayMs, failpoint },
      unlock,
    );
    try {
      await log.load();
    } catch (thrown) {
      await log.abandon();
      throw thrown;
    }
    return log;
  } catch (thrown) {
    await unlock();
    throw thrown;
  }
}
