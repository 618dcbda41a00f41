// The one writer of a partition: a queue of appends, written in groups and made durable together. Invariants:
// offsets are given in the order of append; a group is acknowledged only after a sync that began after it was
// written; after a failed write or sync nothing is written again before a restart has verified the files.
import { codeOf, MillraceError, toError } from '../core/errors.ts';
import type { ActiveSegment } from './active-segment.ts';
import { formGroup, type Group, isFullFor } from './append-group.ts';
import { AppendQueue, type Waiting, wrongBatch } from './append-queue.ts';
import { blockBytes } from './file-system.ts';
import { GroupSync } from './group-sync.ts';
import type { AppendResult, Batch } from './log.ts';
import { diskFull, logClosed, logOverloaded, partitionClosed } from './log-errors.ts';
import { type Answer, type ProducerWindow, producerHash } from './producer-window.ts';
import { loadWindow } from './producer-window-loading.ts';
import { finishSegment, rollSegment } from './segment-rolling.ts';
import type { TailRing } from './tail-memory.ts';
import type { WriterContext, WriterState } from './writer-context.ts';

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
  private readonly sync: GroupSync;
  private writing: Promise<void> | undefined;
  private window: ProducerWindow<Waiting> | undefined;
  private isClosing = false;
  private cancelIdleSeal: (() => void) | undefined;
  /** Work that must have the files to itself, between groups. */
  private alone: { work(): Promise<void>; reject(error: Error): void }[] = [];

  constructor(context: WriterContext, state: WriterState) {
    this.context = context;
    this.state = state;
    this.queue = new AppendQueue(context.backlog);
    this.sync = new GroupSync(context, {
      segment: () => state.segment!,
      isFailed: () => this.failure !== undefined,
      synced: groups => {
        if (context.syncDelayMs === undefined) for (const group of groups) this.settle(group);
      },
      rested: () => this.sealWhenIdle(),
      failed: thrown => this.fail(toError(thrown)),
    });
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
    return logOverloaded(Math.min(5000, Math.max(20, Math.ceil(backlog.bytes / this.sync.bytesPerMs))));
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
        await this.sync.running;
        if (this.failure === undefined) await this.alone.shift()!.work();
      } else if (this.sync.running && this.mustWaitForSync()) {
        // Not for the syncs after it: the next group is written beside the next sync.
        await this.sync.current;
        await turn();
      } else {
        await this.writeGroup();
      }
    }
  }

  private mustWaitForSync(): boolean {
    const { syncDelayMs, limits } = this.context;
    if (syncDelayMs !== undefined) return false;
    return this.queue.bytes < limits.overlapBytes || this.sync.bytes >= limits.groupBytes;
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
    context.failpoint?.('before-write');
    try {
      const ring = this.ringFor(group);
      const inThread = !ring && !this.sync.running && group.bytes <= inThreadBytes;
      await segment.write(group, { inThread, syncsNext: context.syncDelayMs === undefined, ring });
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
    if (context.syncDelayMs !== undefined) this.settle(group);
    this.sync.add(group);
    context.disk.wrote(group.bytes);
  }

  /** The memory to write a large group from that waits for its sync; undefined where there is none for now. */
  private ringFor({ bytes }: Group): TailRing | undefined {
    const { context, state } = this;
    const { limits, clock } = context;
    if (context.syncDelayMs !== undefined || bytes < limits.directBytes) return undefined;
    if (bytes + blockBytes > limits.tailBytes) return undefined;
    return context.tail().claim(state.slot, state.segments[state.segments.length - 1]!, clock.elapsedMs());
  }

  /** The segment to write so many bytes to, a new one where need be; undefined where that cannot be had. */
  private async segmentFor(bytes: number): Promise<ActiveSegment | undefined> {
    const { state, context } = this;
    const { segment } = state;
    if (segment && !isFullFor(context.limits, bytes, segment.position, segment.slots)) return segment;
    await this.sync.running;
    if (this.failure !== undefined) return undefined;
    return (await this.roll()) ? state.segment : undefined;
  }

  /** Reads the window back before the first batch that needs it. */
  private async openWindow(): Promise<boolean> {
    const { state, context } = this;
    await this.sync.running;
    if (this.failure !== undefined) return false;
    const { directory, segments, end } = state;
    const place = { directory, segments, end, activeSlots: state.segment?.slots ?? 0 };
    this.window = await loadWindow(context.fs, place, context.window);
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
    await this.sync.running;
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
      }).catch(thrown => {
        // A seal only helps a later opening; and a closed partition has said so already.
        if (codeOf(thrown) !== 'ENOSPC' && !(thrown instanceof MillraceError)) this.fail(toError(thrown));
      });
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
    for (const group of this.sync.take()) this.refuseGroup(group, closed);
    this.queue.refuseAll(closed);
    for (const { reject } of this.alone.splice(0)) reject(closed);
    return closed;
  }

  /** Starts a new segment. False where there was no space for it. */
  private async roll(): Promise<boolean> {
    const { context, state } = this;
    context.failpoint?.('before-roll');
    if (context.syncDelayMs !== undefined) await this.sync.now(state.segment);
    if (this.failure !== undefined || (!this.window && !(await this.openWindow()))) throw this.closedError();
    try {
      await rollSegment(context, state, this.window!);
    } catch (thrown) {
      if (codeOf(thrown) !== 'ENOSPC') throw thrown;
      this.queue.refuseAll(await context.disk.noteFull());
      return false;
    }
    context.failpoint?.('after-roll');
    return true;
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
      await this.sync.now(segment);
      if (this.failure === undefined) await finishSegment(this.state);
    } catch (thrown) {
      this.fail(toError(thrown));
    }
    this.state.segment = undefined;
    await segment?.close();
  }
}
