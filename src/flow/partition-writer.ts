// The one writer of a partition: a queue of appends, written in groups and made durable together. Invariants:
// offsets are given in the order of append; a group is acknowledged only after a sync that began after it was
// written; after a failed write or sync nothing is written again before a restart has verified the files.
import { crc32c } from '@node-rs/crc32';
import { codeOf, MillraceError, toError } from '../core/errors.ts';
import type { Clock } from './clock.ts';
import type { DiskSpace } from './disk-space.ts';
import { type FileSystem, writeFully, writeFullySync } from './file-system.ts';
import { decodeRecord, encodeRecord, type IndexRecord, recordBytes, recordKind } from './index-record.ts';
import type { AppendResult, Batch } from './log.ts';
import { badBatch, diskFull, logClosed, logOverloaded, partitionClosed } from './log-errors.ts';
import { type Answer, ProducerWindow, producerHash, type WindowLimits } from './producer-window.ts';
import { closeSegment, createSegment, indexPath, removeSegment, type SegmentFiles } from './segment.ts';
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

export interface WriterLimits {
  maxBatchBytes: number;
  segmentBytes: number;
  /** Index records a segment; bounds its index and the reading at an opening. */
  segmentRecords: number;
  /** Written together at most; twice that may be on its way to the disk. */
  groupBytes: number;
  /** While a sync is under way the next group is written beside it once so much is waiting; less waits for it. */
  overlapBytes: number;
  /** Waiting to be written, beyond which `log-overloaded` is answered. */
  queueBytes: number;
  queueBatches: number;
  /** Adjacent batches without a producer in one group become one on disk, up to so many bytes. */
  mergeBytes: number;
}

export interface WriterContext {
  fs: FileSystem;
  clock: Clock;
  board: TailBoard;
  disk: DiskSpace;
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
  files: SegmentFiles | undefined;
  slots: number;
  position: number;
  end: number;
  bytes: number;
  lastAppendMs: number;
}

interface Waiting {
  batch: Batch;
  producer: string;
  resolve(result: AppendResult): void;
  reject(error: Error): void;
}

interface Settled {
  waiting: Waiting;
  answer: Answer<Waiting>;
}

/** What one write wrote; positions are those after it. */
interface Group {
  settled: Settled[];
  records: IndexRecord[];
  chunks: Uint8Array[];
  bytes: number;
  end: number;
}

/** Batches below this are copied together before writing; above it the copy would cost more than the chunk. */
const copyBytes = 32 * 1024;
/** A group up to this, with no sync beside it, is written without leaving the thread. */
const inThreadBytes = 512 * 1024;
/** The index grows by so many zeros at a time, so that a sync of it seldom has to change its length. */
const indexStepRecords = 800;
/** After so long without an append a seal is written, so that a restart after a crash need not doubt the tail. */
const idleSealMs = 1000;

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

export class PartitionWriter {
  readonly state: WriterState;
  /** A sentence, once the partition accepts nothing any more. */
  failure: string | undefined;
  private readonly context: WriterContext;
  private queue: Waiting[] = [];
  private queueHead = 0;
  private queuedBytes = 0;
  private writing: Promise<void> | undefined;
  private syncing: Promise<void> | undefined;
  private written: Group[] = [];
  private writtenBytes = 0;
  private durableSlots: number;
  /** Slots the index file has room for. */
  private indexSlots: number;
  private isSealed = true;
  private cancelIdleSeal: (() => void) | undefined;
  private window: ProducerWindow<Waiting> | undefined;
  private isClosing = false;
  private cancelDelayedSync: (() => void) | undefined;
  private bytesPerMs = 50_000;
  /** Work that must have the files to itself, between groups. */
  private exclusive: { work(): Promise<void>; reject(error: Error): void }[] = [];

  constructor(context: WriterContext, state: WriterState) {
    this.context = context;
    this.state = state;
    this.durableSlots = state.slots;
    this.indexSlots = state.slots;
  }

  append(batch: Batch): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      const refusal = this.refuse(batch);
      if (refusal) return reject(refusal);
      this.queue.push({ batch, producer: '', resolve, reject });
      this.queuedBytes += batch.bytes.length;
      this.start();
    });
  }

  private refuse(batch: Batch): MillraceError | undefined {
    const { limits, disk } = this.context;
    if (this.isClosing) return logClosed();
    if (this.failure !== undefined) {
      return partitionClosed(this.state.stream, this.state.partition, this.failure);
    }
    const wrong = wrongBatch(batch, limits.maxBatchBytes);
    if (wrong) return wrong;
    if (disk.isFull) return diskFull(disk.freeBytes, disk.reserveBytes);
    const batches = this.queue.length - this.queueHead;
    if (this.queuedBytes + batch.bytes.length > limits.queueBytes || batches >= limits.queueBatches) {
      const retryAfterMs = Math.min(5000, Math.max(20, Math.ceil(this.queuedBytes / this.bytesPerMs)));
      return logOverloaded(retryAfterMs);
    }
    return undefined;
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
    return this.failure === undefined && (this.queueHead < this.queue.length || this.exclusive.length > 0);
  }

  private async writeLoop(): Promise<void> {
    // Appends made in the same turn of the event loop go together.
    await turn();
    while (this.hasWork) {
      const alone = this.exclusive[0];
      if (alone) {
        await this.syncing;
        if (this.failure !== undefined) return;
        this.exclusive.shift();
        await alone.work();
      } else if (this.syncing && this.mustWaitForSync()) {
        await this.syncing;
        await turn();
      } else {
        await this.writeGroup();
      }
    }
  }

  private mustWaitForSync(): boolean {
    const { overlapBytes, groupBytes } = this.context.limits;
    if (this.context.syncDelayMs !== undefined) return false;
    return this.queuedBytes < overlapBytes || this.writtenBytes >= groupBytes;
  }

  private async writeGroup(): Promise<void> {
    const { context, state } = this;
    if (!(await this.prepareWindow())) return;
    const next = this.queue[this.queueHead]!;
    if (!state.files || this.isFullFor(next.batch.bytes.length, state.position, state.slots)) {
      await this.syncing;
      if (this.failure !== undefined) return;
      if (!(await this.roll())) return;
    }
    const group = this.formGroup();
    if (group.records.length === 0) return;
    this.writtenBytes += group.bytes;
    context.failpoint?.('before-write');
    try {
      await this.writeFiles(group);
    } catch (thrown) {
      await this.undo(group, toError(thrown));
      return;
    }
    context.failpoint?.('after-write');
    state.position += group.bytes;
    state.slots += group.records.length;
    state.end = group.end;
    state.bytes += group.bytes;
    state.lastAppendMs = group.records[group.records.length - 1]!.appendTimeMs;
    group.chunks = [];
    this.isSealed = false;
    if (this.failure !== undefined) {
      // The sync of the group before failed meanwhile.
      rejectAll(group, partitionClosed(state.stream, state.partition, this.failure));
      return;
    }
    this.written.push(group);
    if (context.syncDelayMs !== undefined) this.settle(group);
    this.startSync();
    context.disk.wrote(group.bytes + group.records.length * recordBytes);
  }

  private async writeFiles(group: Group): Promise<void> {
    const { state } = this;
    const { data, index } = state.files!;
    const slots = state.slots + group.records.length;
    // Room for the seal is kept inside the grown part.
    const grow = slots >= this.indexSlots;
    const indexSlots = grow ? slots + indexStepRecords : this.indexSlots;
    const recordsLength = (grow ? indexSlots - state.slots : group.records.length) * recordBytes;
    const records = grow ? Buffer.alloc(recordsLength) : Buffer.allocUnsafe(recordsLength);
    for (let i = 0; i < group.records.length; i++) encodeRecord(group.records[i]!, records, i * recordBytes);
    if (!this.syncing && group.bytes <= inThreadBytes) {
      writeFullySync(data, group.chunks, state.position);
      writeFullySync(index, [records], state.slots * recordBytes);
    } else {
      // Both are awaited whatever happens to either: the files are touched again only when neither is busy.
      const outcomes = await Promise.allSettled([
        writeFully(data, group.chunks, state.position),
        writeFully(index, [records], state.slots * recordBytes),
      ]);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    }
    this.indexSlots = indexSlots;
  }

  private isFullFor(bytes: number, position: number, slots: number): boolean {
    const { segmentBytes, segmentRecords } = this.context.limits;
    return slots > 0 && (position + bytes > segmentBytes || slots >= segmentRecords);
  }

  /** Takes from the queue what is written together: assigns offsets, answers what was appended before. */
  private formGroup(): Group {
    const { limits, clock } = this.context;
    const { state } = this;
    const appendTimeMs = Math.max(0, Math.floor(clock.nowMs()));
    const group: Group = { settled: [], records: [], chunks: [], bytes: 0, end: state.end };
    let small: Uint8Array[] = [];
    let smallBytes = 0;
    const flushSmall = (): void => {
      if (small.length === 1) group.chunks.push(small[0]!);
      else if (small.length > 1) group.chunks.push(Buffer.concat(small, smallBytes));
      small = [];
      smallBytes = 0;
    };
    let mergeable: IndexRecord | undefined;
    while (this.queueHead < this.queue.length) {
      const waiting = this.queue[this.queueHead]!;
      const { bytes, count, producer } = waiting.batch;
      const { length } = bytes;
      if (group.bytes > 0 && group.bytes + length > limits.groupBytes) break;
      if (this.isFullFor(length, state.position + group.bytes, state.slots + group.records.length)) break;
      this.queueHead++;
      this.queuedBytes -= length;
      if (producer && this.isAnswered(waiting, producer)) continue;
      const answer: Answer<Waiting> = { offset: group.end, count, appendTimeMs, waiting: [] };
      if (!producer && mergeable && mergeable.length + length <= limits.mergeBytes) {
        mergeable.dataCrc = crc32c(bytes, mergeable.dataCrc);
        mergeable.length += length;
        mergeable.count += count;
      } else {
        const record: IndexRecord = {
          kind: recordKind.plain,
          position: state.position + group.bytes,
          length,
          offset: group.end,
          count,
          dataCrc: crc32c(bytes),
          appendTimeMs,
          durable: this.durableSlots,
          producer: waiting.producer,
          first: 0,
          next: 0,
        };
        if (producer) this.remember(record, waiting, producer, answer);
        else this.window?.countPlain();
        mergeable = producer ? undefined : record;
        group.records.push(record);
      }
      group.settled.push({ waiting, answer });
      group.end += count;
      group.bytes += length;
      if (length < copyBytes) {
        small.push(bytes);
        smallBytes += length;
      } else {
        flushSmall();
        group.chunks.push(bytes);
      }
    }
    flushSmall();
    if (this.queueHead > 1024 || this.queueHead === this.queue.length) {
      this.queue = this.queue.slice(this.queueHead);
      this.queueHead = 0;
    }
    return group;
  }

  /** True where the batch needs no writing: it was appended before, is on its way, or is refused. */
  private isAnswered(waiting: Waiting, producer: NonNullable<Batch['producer']>): boolean {
    let known: Answer<Waiting> | undefined;
    waiting.producer = producerHash(producer);
    try {
      known = this.window!.find(producer, waiting.producer);
    } catch (thrown) {
      waiting.reject(toError(thrown));
      return true;
    }
    if (!known) return false;
    if (known.waiting) known.waiting.push(waiting);
    else waiting.resolve(this.resultOf(known, true));
    return true;
  }

  private remember(
    record: IndexRecord,
    waiting: Waiting,
    producer: NonNullable<Batch['producer']>,
    answer: Answer<Waiting>,
  ): void {
    if ('key' in producer) {
      record.kind = recordKind.keyed;
      this.window!.rememberKey(waiting.producer, answer);
      return;
    }
    record.kind = recordKind.sequenced;
    record.first = producer.first;
    record.next = producer.next;
    this.window!.rememberSequence(waiting.producer, producer.first, producer.next, answer);
  }

  private resultOf(answer: Answer<Waiting>, duplicate: boolean): AppendResult {
    const { stream, partition } = this.state;
    const { offset, count, appendTimeMs } = answer;
    return { stream, partition, offset, count, duplicate, appendTimeMs };
  }

  /** After a write that failed: with no space both files are put back as they were; otherwise the partition closes. */
  private async undo(group: Group, error: Error): Promise<void> {
    const { state, context } = this;
    if (codeOf(error) !== 'ENOSPC') {
      this.written.push(group);
      this.fail(error);
      return;
    }
    await this.syncing;
    this.writtenBytes -= group.bytes;
    if (this.failure === undefined) {
      try {
        await state.files!.data.truncate(state.position);
        await state.files!.index.truncate(state.slots * recordBytes);
        this.indexSlots = state.slots;
      } catch (thrown) {
        this.fail(toError(thrown));
      }
    }
    // The window knows batches that are not there now; it is read again from the index when next needed.
    this.window = undefined;
    const full = await context.disk.noteFull();
    rejectAll(group, full);
    this.rejectQueue(full);
  }

  private rejectQueue(error: Error): void {
    const waiting = this.queue.slice(this.queueHead);
    this.queue = [];
    this.queueHead = 0;
    this.queuedBytes = 0;
    for (const one of waiting) one.reject(error);
  }

  private startSync(): void {
    const { syncDelayMs, clock } = this.context;
    if (this.syncing || this.cancelDelayedSync) return;
    if (syncDelayMs === undefined) {
      this.runSync();
    } else if (syncDelayMs !== Number.POSITIVE_INFINITY) {
      this.cancelDelayedSync = clock.after(syncDelayMs, () => {
        this.cancelDelayedSync = undefined;
        if (!this.syncing) this.runSync();
      });
    } else {
      this.written = [];
      this.writtenBytes = 0;
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
      const slots = state.slots;
      const files = state.files!;
      this.written = [];
      const startedMs = context.clock.elapsedMs();
      context.failpoint?.('before-fsync');
      try {
        await Promise.all([files.data.sync(), files.index.sync()]);
      } catch (thrown) {
        this.written = [...groups, ...this.written];
        throw thrown;
      }
      context.failpoint?.('after-fsync');
      this.durableSlots = slots;
      let bytes = 0;
      for (const group of groups) bytes += group.bytes;
      this.writtenBytes -= bytes;
      const tookMs = Math.max(0.05, context.clock.elapsedMs() - startedMs);
      this.bytesPerMs = this.bytesPerMs * 0.8 + (bytes / tookMs) * 0.2;
      if (context.syncDelayMs === undefined) for (const group of groups) this.settle(group);
    }
    this.sealWhenIdle();
  }

  private sealWhenIdle(): void {
    if (this.cancelIdleSeal || this.isSealed || this.isClosing) return;
    const { slots, files } = this.state;
    this.cancelIdleSeal = this.context.clock.after(idleSealMs, () => {
      this.cancelIdleSeal = undefined;
      if (this.state.slots !== slots || this.state.files !== files) return this.sealWhenIdle();
      if (this.failure !== undefined || this.isClosing) return;
      // Nothing was promised for it, so it is not synced; it reaches the disk in the system's own time.
      void this.runAlone(async () => {
        if (this.state.files && this.durableSlots === this.state.slots) await this.seal(this.state.files);
      }).catch(thrown => this.failUnlessFull(toError(thrown)));
    });
  }

  /** Publishes the new end, then answers everyone who waited for the group. */
  private settle(group: Group): void {
    const { context, state } = this;
    context.failpoint?.('before-ack');
    const { appendTimeMs } = group.records[group.records.length - 1]!;
    context.board.update(state.slot, { end: group.end, bytes: state.bytes, lastAppendMs: appendTimeMs });
    const results: AppendResult[] = [];
    for (const { waiting, answer } of group.settled) {
      const result = this.resultOf(answer, false);
      results.push(result);
      waiting.resolve(result);
      for (const repeat of answer.waiting!) repeat.resolve(this.resultOf(answer, true));
      answer.waiting = undefined;
    }
    group.settled = [];
    context.failpoint?.('after-ack');
    queueMicrotask(() => context.appended(results));
  }

  private fail(error: Error): void {
    const { stream, partition, slot } = this.state;
    if (this.failure === undefined) {
      this.failure = `a write or sync failed (${error.message}).`;
      this.context.board.update(slot, { closed: true });
    }
    const closed = partitionClosed(stream, partition, this.failure);
    for (const group of this.written) rejectAll(group, closed);
    this.written = [];
    this.writtenBytes = 0;
    this.rejectQueue(closed);
    for (const { reject } of this.exclusive.splice(0)) reject(closed);
  }

  /** For seals, which only help a later opening: without space they are left out. */
  private failUnlessFull(error: Error): void {
    if (codeOf(error) !== 'ENOSPC' && !(error instanceof MillraceError)) this.fail(error);
  }

  /** Reads the window back from the index before the first batch that needs it. */
  private async prepareWindow(): Promise<boolean> {
    if (this.window) return true;
    let isNeeded = false;
    for (let i = this.queueHead; i < this.queue.length && !isNeeded; i++) {
      isNeeded = this.queue[i]!.batch.producer !== undefined;
    }
    if (!isNeeded) return true;
    await this.syncing;
    if (this.failure !== undefined) return false;
    this.window = await this.readWindow();
    return true;
  }

  private async readWindow(): Promise<ProducerWindow<Waiting>> {
    const { state, context } = this;
    const chunks: { records: Buffer; slots: number }[] = [];
    let wanted = context.window.recordsMax;
    for (let i = state.segments.length - 1; i >= 0 && wanted > 0; i--) {
      const isActive = i === state.segments.length - 1;
      const path = indexPath(state.directory, state.segments[i]!);
      const size = isActive ? state.slots * recordBytes : ((await context.fs.sizeOf(path)) ?? 0);
      const slots = Math.floor(size / recordBytes);
      const taken = Math.min(slots, wanted);
      if (taken === 0) continue;
      const records = Buffer.allocUnsafe(taken * recordBytes);
      const file = await context.fs.open(path, 'read');
      try {
        const length = await file.read(records, (slots - taken) * recordBytes);
        chunks.push({ records: records.subarray(0, length), slots: Math.floor(length / recordBytes) });
      } finally {
        await file.close();
      }
      wanted -= taken;
    }
    const window = new ProducerWindow<Waiting>(context.window);
    for (const { records, slots } of chunks.reverse()) {
      for (let slot = 0; slot < slots; slot++) {
        const record = decodeRecord(records, slot * recordBytes);
        if (!record || record.kind === recordKind.seal) continue;
        const { offset, count, appendTimeMs, producer, first, next } = record;
        if (record.kind === recordKind.keyed) window.rememberKey(producer, { offset, count, appendTimeMs });
        else if (record.kind === recordKind.sequenced) {
          window.rememberSequence(producer, first, next, { offset, count, appendTimeMs });
        } else window.countPlain();
      }
    }
    return window;
  }

  /** Starts a new segment; the old one ends with a seal. False where there was no space for it. */
  private async roll(): Promise<boolean> {
    const { context, state } = this;
    context.failpoint?.('before-roll');
    if (context.syncDelayMs !== undefined) await this.syncNow();
    let files: SegmentFiles;
    try {
      files = await createSegment(context.fs, state.directory, state.end);
    } catch (thrown) {
      // What was made of it must go: a later opening would take it for the newest, and give offsets out twice.
      await removeSegment(context.fs, state.directory, state.end);
      if (codeOf(thrown) !== 'ENOSPC') throw thrown;
      this.rejectQueue(await context.disk.noteFull());
      return false;
    }
    const old = state.files;
    if (old) {
      await this.finishSegment(old);
      await closeSegment(old);
      if (this.failure !== undefined) throw new Error(this.failure);
    }
    state.files = files;
    state.segments.push(state.end);
    state.position = 0;
    state.slots = 0;
    this.durableSlots = 0;
    this.indexSlots = 0;
    context.board.update(state.slot, { segmentsChanged: true });
    context.failpoint?.('after-roll');
    return true;
  }

  /** The seal, durable, and the index without the room it had grown. */
  private async finishSegment(files: SegmentFiles): Promise<void> {
    try {
      await this.seal(files);
      await files.index.truncate((this.state.slots + 1) * recordBytes);
      await files.index.sync();
    } catch (thrown) {
      this.failUnlessFull(toError(thrown));
    }
  }

  private async seal(files: SegmentFiles): Promise<void> {
    const { state } = this;
    const record: IndexRecord = {
      kind: recordKind.seal,
      position: state.position,
      length: 0,
      offset: state.end,
      count: 0,
      dataCrc: 0,
      appendTimeMs: state.lastAppendMs,
      durable: state.slots,
      producer: '',
      first: 0,
      next: 0,
    };
    const buffer = Buffer.alloc(recordBytes);
    encodeRecord(record, buffer, 0);
    await writeFully(files.index, [buffer], state.slots * recordBytes);
    this.indexSlots = Math.max(this.indexSlots, state.slots + 1);
    this.isSealed = true;
  }

  /** Syncs what is written, whatever the durability; the partition fails where that fails. */
  private async syncNow(): Promise<void> {
    this.cancelDelayedSync?.();
    this.cancelDelayedSync = undefined;
    await this.syncing;
    if (this.failure !== undefined || !this.state.files) return;
    await Promise.all([this.state.files.data.sync(), this.state.files.index.sync()]);
    this.written = [];
    this.writtenBytes = 0;
    this.durableSlots = this.state.slots;
  }

  /** Runs `work` when no group is being written or synced; appends made before it come first or after, never during. */
  runAlone<Result>(work: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) {
        return reject(partitionClosed(this.state.stream, this.state.partition, this.failure));
      }
      this.exclusive.push({ work: () => work().then(resolve, reject), reject });
      this.start();
    });
  }

  /** The sequence number after a named producer's last batch, those still being written included. */
  producerNext(id: string): Promise<number | undefined> {
    return this.runAlone(async () => {
      await this.syncing;
      this.window ??= await this.readWindow();
      return this.window.nextOf(producerHash({ id, first: 0, next: 1 }));
    });
  }

  /** For retention, inside runAlone: a new, empty segment, so that the one before may be removed. */
  async rollForRetention(): Promise<void> {
    try {
      if (this.state.files && this.state.slots > 0) await this.roll();
    } catch (thrown) {
      this.fail(toError(thrown));
      throw partitionClosed(this.state.stream, this.state.partition, this.failure!);
    }
  }

  /** Finishes what was appended, syncs, seals and closes the files. */
  async close(): Promise<void> {
    this.isClosing = true;
    this.cancelIdleSeal?.();
    while (this.writing) await this.writing;
    const { files } = this.state;
    try {
      await this.syncNow();
      if (files && this.failure === undefined) {
        await this.finishSegment(files);
      }
    } catch (thrown) {
      this.fail(toError(thrown));
    }
    if (files) await closeSegment(files);
    this.state.files = undefined;
  }
}

function rejectAll(group: Group, error: Error): void {
  for (const { waiting, answer } of group.settled) {
    waiting.reject(error);
    for (const repeat of answer.waiting ?? []) repeat.reject(error);
  }
}

function wrongBatch({ bytes, count, producer }: Batch, maxBatchBytes: number): MillraceError | undefined {
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
