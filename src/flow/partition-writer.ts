// The one writer of a partition: a queue of appends, written in groups and made durable together. Invariants:
// offsets are given in the order of append; a group is acknowledged only after a sync that began after it was
// written; after a failed write or sync nothing is written again before a restart has verified the files.
import { codeOf, MillraceError, toError } from '../core/errors.ts';
import { ActiveSegment, type SegmentRoom } from './active-segment.ts';
import { formGroup, type Group, isFullFor } from './append-group.ts';
import { AppendQueue, type Backlog, type Waiting, wrongBatch } from './append-queue.ts';
import type { Clock } from './clock.ts';
import type { DiskSpace } from './disk-space.ts';
import type { FileSystem } from './file-system.ts';
import type { AppendResult, Batch } from './log.ts';
import { diskFull, logClosed, logOverloaded, partitionClosed } from './log-errors.ts';
import { type Answer, type ProducerWindow, producerHash, type WindowLimits } from './producer-window.ts';
import { loadWindow } from './producer-window-loading.ts';
import { createSegment, removeSegment } from './segment.ts';
import type { TailBoard } from './tail-board.ts';

/** Places where a fault test may stop or kill the process; the log calls it only where one is handed in. */
export type Failpoint = (
  name:
    | 'before-write'
    | 'after-write'
    | 'before-fsync'
    | 'after-fsync'
    | 'before-ack'
    | 'after-ack'
    | 'before-roll'
    | 'after-roll'
    | 'before-unlink'
    | 'after-unlink',
) => void;

export interface WriterLimits extends SegmentRoom {
  maxBatchBytes: number;
  segmentBytes: number;
  /** Index records a segment; bounds its index and the reading at an opening. */
  segmentRecords: number;
  /** Written together at most; twice that may be on its way to the disk. */
  groupBytes: number;
  /** While a sync is under way the next group is written beside it once so much is waiting; less waits for it. */
  overlapBytes: number;
  /** Bytes not yet answered in the whole log, beyond which `log-overloaded` is the answer. */
  queueBytes: number;
  /** Batches waiting in one partition, likewise. */
  queueBatches: number;
  /** Adjacent batches without a producer in one group become one on disk, up to so many bytes. */
  mergeBytes: number;
}

export interface WriterContext {
  fs: FileSystem;
  clock: Clock;
  board: TailBoard;
  disk: DiskSpace;
  backlog: Backlog;
  limits: WriterLimits;
  window: WindowLimits;
  /** Undefined: acknowledge after the sync. A number: acknowledge after the write, sync so much later; Infinity: never. */
  syncDelayMs: number | undefined;
  failpoint: Failpoint | undefined;
  /** Called in append order after the appends' promises resolved. */
  appended(results: AppendResult[]): void;
}

export interface WriterState {
  stream: string;
  partition: number;
  directory: string;
  slot: number;
  /** Ascending base offsets; the last one is written to. */
  segments: number[];
  segment: ActiveSegment | undefined;
  /** Offset after the last written event. */
  end: number;
  bytes: number;
  lastAppendMs: number;
}

/** A group up to this, with no sync beside it, is written without leaving the thread. */
const inThreadBytes = 512 * 1024;
/** After so long without an append a seal is written, so that a restart after a crash need not doubt the tail. */
const idleSealMs = 1000;

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

export class PartitionWriter {
  readonly state: WriterState;
  /** A sentence, once the partition accepts nothing any more. */
  failure: string | undefined;
  private readonly context: WriterContext;
  private readonly queue: AppendQueue;
  private writing: Promise<void> | undefined;
  private syncing: Promise<void> | undefined;
  /** Groups that are written and not yet synced. */
  private written: Group[] = [];
  private writtenBytes = 0;
  private window: ProducerWindow<Waiting> | undefined;
  private isClosing = false;
  private cancelDelayedSync: (() => void) | undefined;
  private cancelIdleSeal: (() => void) | undefined;
  private bytesPerMs = 50_000;
  /** Work that must have the files to itself, between groups. */
  private alone: { work(): Promise<void>; reject(error: Error): void }[] = [];

  constructor(context: WriterContext, state: WriterState) {
    this.context = context;
    this.state = state;
    this.queue = new AppendQueue(context.backlog);
  }

  append(batch: Batch): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const refusal = this.refusal(batch);
      if (refusal) return reject(refusal);
      this.queue.push({ batch, resolve, reject });
      this.start();
    });
  }

  private refusal(batch: Batch): MillraceError | undefined {
    const { limits, disk, backlog } = this.context;
    if (this.isClosing) return logClosed();
    if (this.failure !== undefined) return this.closedError();
    const wrong = wrongBatch(batch, limits.maxBatchBytes);
    if (wrong) return wrong;
    if (disk.isFull) return diskFull(disk.freeBytes, disk.reserveBytes);
    const isOver = backlog.bytes > 0 && backlog.bytes + batch.bytes.length > limits.queueBytes;
    if (!isOver && this.queue.length < limits.queueBatches) return undefined;
    return logOverloaded(Math.min(5000, Math.max(20, Math.ceil(backlog.bytes / this.bytesPerMs))));
  }

  private closedError(): MillraceError {
    return partitionClosed(this.state.stream, this.state.partition, this.failure!);
  }

  private start(): void {
    if (this.writing) return;
    this.writing = this.writeLoop().then(
      () => {
        this.writing = undefined;
        if (this.hasWork) this.start();
      },
      thrown => {
        this.writing = undefined;
        this.fail(toError(thrown));
      },
    );
  }

  private get hasWork(): boolean {
    return this.failure === undefined && (this.queue.length > 0 || this.alone.length > 0);
  }

  private async writeLoop(): Promise<void> {
    // Appends made in the same turn of the event loop go together.
    await turn();
    while (this.hasWork) {
      if (this.alone.length > 0) {
        await this.syncing;
        if (this.failure === undefined) await this.alone.shift()!.work();
      } else if (this.syncing && this.mustWaitForSync()) {
        await this.syncing;
        await turn();
      } else {
        await this.writeGroup();
      }
    }
  }

  private mustWaitForSync(): boolean {
    const { syncDelayMs, limits } = this.context;
    if (syncDelayMs !== undefined) return false;
    return this.queue.bytes < limits.overlapBytes || this.writtenBytes >= limits.groupBytes;
  }

  private async writeGroup(): Promise<void> {
    const { context, state, queue } = this;
    if (queue.hasProducers && !this.window && !(await this.openWindow())) return;
    const segment = await this.segmentFor(queue.first.batch.bytes.length);
    if (!segment) return;
    const group = formGroup(queue, {
      segment,
      end: state.end,
      appendTimeMs: Math.max(0, Math.floor(context.clock.nowMs())),
      limits: context.limits,
      window: this.window,
      repeat: (waiting, answer) => queue.answer(waiting, this.resultOf(answer, true)),
    });
    if (group.records.length === 0) return;
    this.writtenBytes += group.bytes;
    context.failpoint?.('before-write');
    try {
      const inThread = !this.syncing && group.bytes <= inThreadBytes;
      await segment.write(group, { inThread, syncsNext: context.syncDelayMs === undefined });
    } catch (thrown) {
      return this.undo(group, segment, toError(thrown));
    }
    context.failpoint?.('after-write');
    group.chunks = [];
    // The sync of the group before may have failed meanwhile.
    if (this.failure !== undefined) return this.refuseGroup(group, this.closedError());
    state.end = group.end;
    state.bytes += group.bytes;
    state.lastAppendMs = group.appendTimeMs;
    this.written.push(group);
    if (context.syncDelayMs !== undefined) this.settle(group);
    this.startSync();
    context.disk.wrote(group.bytes);
  }

  /** The segment to write so many bytes to, a new one where need be; undefined where that cannot be had. */
  private async segmentFor(bytes: number): Promise<ActiveSegment | undefined> {
    const { state, context } = this;
    const { segment } = state;
    if (segment && !isFullFor(context.limits, bytes, segment.position, segment.slots)) return segment;
    await this.syncing;
    if (this.failure !== undefined) return undefined;
    return (await this.roll()) ? state.segment : undefined;
  }

  /** Reads the window back before the first batch that needs it. */
  private async openWindow(): Promise<boolean> {
    const { state, context } = this;
    await this.syncing;
    if (this.failure !== undefined) return false;
    const slots = state.segment?.slots ?? 0;
    this.window = await loadWindow(context.fs, state.directory, state.segments, slots, context.window);
    return true;
  }

  private resultOf(answer: Answer<Waiting>, duplicate: boolean): AppendResult {
    const { stream, partition } = this.state;
    const { offset, count, appendTimeMs } = answer;
    return { stream, partition, offset, count, duplicate, appendTimeMs };
  }

  /** After a write that failed: for want of space it is taken back; for any other reason the partition closes. */
  private async undo(group: Group, segment: ActiveSegment, error: Error): Promise<void> {
    if (codeOf(error) !== 'ENOSPC') {
      this.refuseGroup(group, this.fail(error));
      return;
    }
    await this.syncing;
    this.writtenBytes -= group.bytes;
    if (this.failure === undefined) await segment.undo().catch(thrown => this.fail(toError(thrown)));
    // The window knows batches that are not there now; it is read again from the index when next needed.
    this.window = undefined;
    const full = await this.context.disk.noteFull();
    this.refuseGroup(group, full);
    this.queue.refuseAll(full);
  }

  private refuseGroup(group: Group, error: Error): void {
    for (const { waiting, answer } of group.settled) {
      this.queue.refuse(waiting, error);
      for (const repeat of answer.waiting ?? []) this.queue.refuse(repeat, error);
    }
    group.settled = [];
  }

  private startSync(): void {
    const { syncDelayMs, clock } = this.context;
    if (this.syncing || this.cancelDelayedSync) return;
    if (syncDelayMs === undefined) {
      this.runSync();
    } else if (syncDelayMs === Number.POSITIVE_INFINITY) {
      this.written = [];
      this.writtenBytes = 0;
    } else {
      this.cancelDelayedSync = clock.after(syncDelayMs, () => {
        this.cancelDelayedSync = undefined;
        if (!this.syncing) this.runSync();
      });
    }
  }

  private runSync(): void {
    this.syncing = this.syncLoop().then(
      () => {
        this.syncing = undefined;
      },
      thrown => {
        this.syncing = undefined;
        this.fail(toError(thrown));
      },
    );
  }

  private async syncLoop(): Promise<void> {
    const { context, state } = this;
    while (this.written.length > 0 && this.failure === undefined) {
      const groups = this.written;
      this.written = [];
      const startedMs = context.clock.elapsedMs();
      context.failpoint?.('before-fsync');
      try {
        await state.segment!.sync();
      } catch (thrown) {
        this.written = [...groups, ...this.written];
        throw thrown;
      }
      context.failpoint?.('after-fsync');
      const bytes = groups.reduce((sum, group) => sum + group.bytes, 0);
      this.writtenBytes -= bytes;
      const tookMs = Math.max(0.05, context.clock.elapsedMs() - startedMs);
      this.bytesPerMs = Math.max(1, this.bytesPerMs * 0.8 + (bytes / tookMs) * 0.2);
      if (context.syncDelayMs === undefined) for (const group of groups) this.settle(group);
    }
    this.sealWhenIdle();
  }

  private sealWhenIdle(): void {
    const { segment } = this.state;
    if (this.cancelIdleSeal || !segment || segment.isSealed || this.isClosing) return;
    const { slots } = segment;
    this.cancelIdleSeal = this.context.clock.after(idleSealMs, () => {
      this.cancelIdleSeal = undefined;
      if (this.state.segment !== segment || segment.slots !== slots) return this.sealWhenIdle();
      if (this.failure !== undefined || this.isClosing) return;
      void this.runAlone(async () => {
        const { end, lastAppendMs } = this.state;
        if (this.state.segment === segment && segment.durableSlots === segment.slots) {
          await segment.seal(end, lastAppendMs);
        }
      }).catch(thrown => this.failUnlessFull(toError(thrown)));
    });
  }

  /** Publishes the new end, then answers everyone who waited for the group. */
  private settle(group: Group): void {
    const { context, state, queue } = this;
    context.failpoint?.('before-ack');
    context.board.update(state.slot, {
      end: group.end,
      bytes: state.bytes,
      lastAppendMs: group.appendTimeMs,
    });
    const results: AppendResult[] = [];
    for (const { waiting, answer } of group.settled) {
      const result = this.resultOf(answer, false);
      results.push(result);
      queue.answer(waiting, result);
      for (const repeat of answer.waiting!) queue.answer(repeat, this.resultOf(answer, true));
      answer.waiting = undefined;
    }
    group.settled = [];
    context.failpoint?.('after-ack');
    queueMicrotask(() => context.appended(results));
  }

  /** Closes the partition for writing; refuses all that waits. Returns the refusal. */
  private fail(error: Error): MillraceError {
    if (this.failure === undefined) {
      this.failure = `a write or sync failed (${error.message}).`;
      this.context.board.update(this.state.slot, { closed: true });
    }
    const closed = this.closedError();
    for (const group of this.written) this.refuseGroup(group, closed);
    this.written = [];
    this.writtenBytes = 0;
    this.queue.refuseAll(closed);
    for (const { reject } of this.alone.splice(0)) reject(closed);
    return closed;
  }

  /** For seals, which only help a later opening: without space they are left out. */
  private failUnlessFull(error: Error): void {
    if (codeOf(error) !== 'ENOSPC' && !(error instanceof MillraceError)) this.fail(error);
  }

  /** Starts a new segment; the old one ends with a seal. False where there was no space for it. */
  private async roll(): Promise<boolean> {
    const { context, state } = this;
    context.failpoint?.('before-roll');
    if (context.syncDelayMs !== undefined) await this.syncNow();
    // Finished before there is a next one: only the newest segment can ever be found unfinished.
    if (state.segment) await this.finish(state.segment);
    if (this.failure !== undefined) throw new Error(this.failure);
    let segment: ActiveSegment;
    try {
      segment = new ActiveSegment(
        await createSegment(context.fs, state.directory, state.end),
        context.limits,
      );
    } catch (thrown) {
      // What was made of it must go: a later opening would take it for the newest, and give offsets out twice.
      await removeSegment(context.fs, state.directory, state.end);
      if (codeOf(thrown) !== 'ENOSPC') throw thrown;
      this.queue.refuseAll(await context.disk.noteFull());
      return false;
    }
    await state.segment?.close();
    state.segment = segment;
    state.segments.push(state.end);
    context.board.update(state.slot, { segmentsChanged: true });
    context.failpoint?.('after-roll');
    return true;
  }

  private async finish(segment: ActiveSegment): Promise<void> {
    try {
      await segment.finish(this.state.end, this.state.lastAppendMs);
    } catch (thrown) {
      this.failUnlessFull(toError(thrown));
    }
  }

  /** Syncs what is written, whatever the durability. */
  private async syncNow(): Promise<void> {
    this.cancelDelayedSync?.();
    this.cancelDelayedSync = undefined;
    await this.syncing;
    if (this.failure !== undefined || !this.state.segment) return;
    await this.state.segment.sync();
    this.written = [];
    this.writtenBytes = 0;
  }

  /** Runs `work` when no group is being written or synced; appends come before it or after, never during. */
  runAlone<Result>(work: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.isClosing) return reject(logClosed());
      if (this.failure !== undefined) return reject(this.closedError());
      this.alone.push({ work: () => work().then(resolve, reject), reject });
      this.start();
    });
  }

  /** The sequence number after a named producer's last batch. */
  producerNext(id: string): Promise<number | undefined> {
    return this.runAlone(async () => {
      if (!this.window && !(await this.openWindow())) throw this.closedError();
      return this.window!.nextOf(producerHash({ id, first: 0, next: 1 }));
    });
  }

  /** For retention, inside runAlone: a new, empty segment, so that the one before may be removed. */
  async rollForRetention(): Promise<void> {
    try {
      if (this.state.segment && this.state.segment.slots > 0) await this.roll();
    } catch (thrown) {
      throw this.fail(toError(thrown));
    }
  }

  /** Finishes what was appended, syncs, seals and closes the files. */
  async close(): Promise<void> {
    this.isClosing = true;
    this.cancelIdleSeal?.();
    while (this.writing) await this.writing;
    const { segment } = this.state;
    try {
      await this.syncNow();
      if (segment && this.failure === undefined) await this.finish(segment);
    } catch (thrown) {
      this.fail(toError(thrown));
    }
    this.state.segment = undefined;
    await segment?.close();
  }
}
