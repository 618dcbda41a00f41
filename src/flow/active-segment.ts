// The segment that is written to. Invariant: `position` and `slots` count what was written whole; whatever lies
// behind them in the files is zeros, a seal, or an interrupted write that the next one covers.
import { type Group, sumGroup } from './append-group.ts';
import { blockBytes, writeFully, writeFullySync } from './file-system.ts';
import { encodeRecord, recordBytes, recordKind } from './index-record.ts';
import { closeSegment, type SegmentFiles } from './segment.ts';
import type { TailRing } from './tail-memory.ts';

/** The index grows by so many zeros at a time, so that a sync of it seldom has to change its length. */
const indexStepRecords = 800;

export class ActiveSegment {
  position: number;
  slots: number;
  /** Records known to be on disk, with their batches. */
  durableSlots: number;
  isSealed = true;
  private readonly files: SegmentFiles;
  /** Slots the index file has room for. */
  private indexSlots: number;
  /** A sync of the batches that began with their writing and covers all of them. */
  private dataSync: Promise<void> | undefined;

  constructor(files: SegmentFiles, position = 0, slots = 0) {
    this.files = files;
    this.position = position;
    this.slots = slots;
    this.durableSlots = slots;
    this.indexSlots = slots;
  }

  /**
   * Writes batches and their records; on an error nothing counts as written, see `undo`. `inThread`: without leaving the
   * thread, and with `syncsNext` the sync of the batches begins while their checksums are made. `ring`: through the
   * shared memory of the newest bytes and past the system's cache, where that can be.
   */
  async write(group: Group, how: { inThread: boolean; syncsNext: boolean; ring?: TailRing }): Promise<void> {
    const { data, index } = this.files;
    const at = this.slots * recordBytes;
    // Room for the seal is kept inside the grown part, so that a full disk never hinders it.
    const slots = this.slots + group.records.length;
    const indexSlots = slots >= this.indexSlots ? slots + indexStepRecords : this.indexSlots;
    if (how.inThread) {
      writeFullySync(data, group.chunks, this.position);
      if (how.syncsNext) this.beginDataSync();
      sumGroup(group);
      writeFullySync(index, [this.encode(group, indexSlots)], at);
    } else {
      const writing = how.ring
        ? this.writePastCache(group.chunks, how.ring)
        : writeFully(data, group.chunks, this.position);
      sumGroup(group);
      const writings = [writing, writeFully(index, [this.encode(group, indexSlots)], at)];
      // Both are awaited whatever happens to either: the files are touched again only when neither is busy.
      const outcomes = await Promise.allSettled(writings);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    }
    this.isSealed = false;
    this.indexSlots = indexSlots;
    this.position += group.bytes;
    this.slots = slots;
  }

  /** The last block, which is seldom whole, goes through the cache; the next write has it again, then whole. */
  private async writePastCache(chunks: readonly Uint8Array[], ring: TailRing): Promise<void> {
    const { data } = this.files;
    const { position } = this;
    let at = position - (position % blockBytes);
    ring.isBusy = true;
    try {
      if (!ring.endsWith(at, position)) {
        const before = new Uint8Array(position - at);
        await data.read(before, at);
        ring.clear(at);
        ring.put([before]);
      }
      const end = ring.put(chunks);
      for (const whole = end - (end % blockBytes); at < whole; ) {
        const written = await data.writeBlocks(ring.view(at, whole), at);
        if (written % blockBytes !== 0 || written === 0) break;
        at += written;
      }
      if (at < end) await writeFully(data, ring.view(at, end), at);
    } catch (thrown) {
      ring.clear(position);
      throw thrown;
    } finally {
      ring.isBusy = false;
    }
  }

  /** The records, with the zeros by which the index grows where it has to. */
  private encode({ records }: Group, indexSlots: number): Buffer {
    const grows = indexSlots > this.indexSlots;
    const length = (grows ? indexSlots - this.slots : records.length) * recordBytes;
    const encoded = grows ? Buffer.alloc(length) : Buffer.allocUnsafe(length);
    for (let i = 0; i < records.length; i++) encodeRecord(records[i]!, encoded, i * recordBytes);
    return encoded;
  }

  private beginDataSync(): void {
    this.dataSync = this.files.data.sync();
    // Its error is met where it is awaited.
    this.dataSync.catch(() => {});
  }

  /** After a write that failed for want of space: takes the part that was written back. */
  async undo(): Promise<void> {
    const begun = this.dataSync;
    this.dataSync = undefined;
    await begun;
    await this.files.data.truncate(this.position);
    await this.files.index.truncate(this.slots * recordBytes);
    this.indexSlots = this.slots;
  }

  /** Makes durable what is written at the call. */
  async sync(): Promise<void> {
    const { slots, dataSync } = this;
    this.dataSync = undefined;
    await Promise.all([dataSync ?? this.files.data.sync(), this.files.index.sync()]);
    this.durableSlots = slots;
  }

  /** In a pause: the index says that all of it is durable. Not synced: nothing was promised for it. */
  async seal(end: number, lastAppendMs: number): Promise<void> {
    const record = Buffer.alloc(recordBytes);
    encodeRecord(
      {
        kind: recordKind.seal,
        position: this.position,
        length: 0,
        offset: end,
        count: 0,
        dataCrc: 0,
        appendTimeMs: lastAppendMs,
        durable: this.slots,
        producer: '',
        first: 0,
        next: 0,
      },
      record,
      0,
    );
    await writeFully(this.files.index, [record], this.slots * recordBytes);
    this.indexSlots = Math.max(this.indexSlots, this.slots + 1);
    this.isSealed = true;
  }

  /** The seal, and the index without room, durable. Everything must have been synced. */
  async finish(end: number, lastAppendMs: number): Promise<void> {
    await this.seal(end, lastAppendMs);
    await this.files.index.truncate((this.slots + 1) * recordBytes);
    this.indexSlots = this.slots + 1;
    await Promise.all([this.files.data.sync(), this.files.index.sync()]);
  }

  close(): Promise<void> {
    return closeSegment(this.files);
  }
}
