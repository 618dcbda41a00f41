// The segment that is written to. Invariant: `position` and `slots` count what was written whole; whatever lies
// behind them in the files is zeros, a seal, or an interrupted write that the next one covers.
import { writeFully, writeFullySync } from './file-system.ts';
import { encodeRecord, type IndexRecord, recordBytes, recordKind } from './index-record.ts';
import { closeSegment, type SegmentFiles } from './segment.ts';

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

  constructor(files: SegmentFiles, position = 0, slots = 0) {
    this.files = files;
    this.position = position;
    this.slots = slots;
    this.durableSlots = slots;
    this.indexSlots = slots;
  }

  /** Writes batches and their records; on an error nothing counts as written, see `undo`. */
  async write(
    records: readonly IndexRecord[],
    chunks: readonly Uint8Array[],
    bytes: number,
    inThread: boolean,
  ): Promise<void> {
    const { data, index } = this.files;
    const slots = this.slots + records.length;
    // Room for the seal is kept inside the grown part, so that a full disk never hinders it.
    const grows = slots >= this.indexSlots;
    const indexSlots = grows ? slots + indexStepRecords : this.indexSlots;
    const length = (grows ? indexSlots - this.slots : records.length) * recordBytes;
    const encoded = grows ? Buffer.alloc(length) : Buffer.allocUnsafe(length);
    for (let i = 0; i < records.length; i++) encodeRecord(records[i]!, encoded, i * recordBytes);
    if (inThread) {
      writeFullySync(data, chunks, this.position);
      writeFullySync(index, [encoded], this.slots * recordBytes);
    } else {
      // Both are awaited whatever happens to either: the files are touched again only when neither is busy.
      const outcomes = await Promise.allSettled([
        writeFully(data, chunks, this.position),
        writeFully(index, [encoded], this.slots * recordBytes),
      ]);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    }
    this.isSealed = false;
    this.indexSlots = indexSlots;
    this.position += bytes;
    this.slots = slots;
  }

  /** After a write that failed for want of space: takes the part that was written back. */
  async undo(): Promise<void> {
    await this.files.data.truncate(this.position);
    await this.files.index.truncate(this.slots * recordBytes);
    this.indexSlots = this.slots;
  }

  /** Makes durable what is written at the call. */
  async sync(): Promise<void> {
    const { slots } = this;
    await Promise.all([this.files.data.sync(), this.files.index.sync()]);
    this.durableSlots = slots;
  }

  /** Says in the index that all of it is durable. Not synced: nothing was promised for it. */
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

  /** The seal, durable, and the index without the room it had grown. Everything must have been synced. */
  async finish(end: number, lastAppendMs: number): Promise<void> {
    await this.seal(end, lastAppendMs);
    await this.files.index.truncate((this.slots + 1) * recordBytes);
    await this.files.index.sync();
  }

  close(): Promise<void> {
    return closeSegment(this.files);
  }
}
