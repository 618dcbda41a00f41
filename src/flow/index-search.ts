// Finding records in a segment's index, whose records may be damaged: the one that holds an offset, and where the readable
// ones go on. Cost: the logarithm of the index in reads of one record, no more than 512 records in memory.
import type { OpenFile } from './file-system.ts';
import { decodeRecord, type IndexRecord, recordBytes, recordKind } from './index-record.ts';

/** Index records read at a time; a span of 4 MiB batches needs few, one of single events many. */
export const recordsPerRead = 512;

export class IndexSearch {
  private readonly inThread: boolean;
  private readonly spare: Buffer[] = [];

  /** `inThread`: read without leaving the thread. */
  constructor(inThread: boolean) {
    this.inThread = inThread;
  }

  private async readIndex(index: OpenFile, slot: number, count: number, buffer: Buffer): Promise<number> {
    const target = buffer.subarray(0, count * recordBytes);
    const length = this.inThread
      ? index.readSync(target, slot * recordBytes)
      : await index.read(target, slot * recordBytes);
    return Math.floor(length / recordBytes);
  }

  /** The records from `slot` on, with undefined for the damaged ones; fewer than asked at the end of the file. */
  async recordsAt(index: OpenFile, slot: number): Promise<(IndexRecord | undefined)[]> {
    const buffer = this.spare.pop() ?? Buffer.allocUnsafeSlow(recordsPerRead * recordBytes);
    const count = await this.readIndex(index, slot, recordsPerRead, buffer);
    const records: (IndexRecord | undefined)[] = [];
    for (let i = 0; i < count; i++) {
      const record = decodeRecord(buffer, i * recordBytes);
      records.push(record);
      if (!record) break;
    }
    if (this.spare.length < 4) this.spare.push(buffer);
    return records;
  }

  private async recordAt(index: OpenFile, slot: number): Promise<IndexRecord | undefined> {
    const buffer = Buffer.allocUnsafe(recordBytes);
    return (await this.readIndex(index, slot, 1, buffer)) === 1 ? decodeRecord(buffer, 0) : undefined;
  }

  /** Slots of the index without the zeros that the newest one has at its end. */
  private async slotsIn(index: OpenFile): Promise<number> {
    let slots = Math.floor((await index.size()) / recordBytes);
    const buffer = Buffer.allocUnsafe(recordsPerRead * recordBytes);
    while (slots > 0) {
      const start = Math.max(0, slots - recordsPerRead);
      const count = await this.readIndex(index, start, slots - start, buffer);
      let used = count * recordBytes;
      while (used > 0 && buffer[used - 1] === 0) used--;
      if (used > 0) return start + Math.ceil(used / recordBytes);
      slots = start;
    }
    return 0;
  }

  /** The slot of the record that holds `from`; where that is damaged, of the first one after it. */
  async slotOf(index: OpenFile, from: number): Promise<number> {
    let low = 0;
    let high = await this.slotsIn(index);
    // The first slot whose record ends beyond `from`. A damaged slot is judged by the next readable one.
    while (low < high) {
      const middle = (low + high) >>> 1;
      let probe = middle;
      let record = await this.recordAt(index, probe);
      while (!record && probe + 1 < high) record = await this.recordAt(index, ++probe);
      const isBeyond = !record || record.kind === recordKind.seal || record.offset + record.count > from;
      if (!isBeyond) low = probe + 1;
      else high = middle;
    }
    // Damaged slots just before it may have been stepped on; the batch is the first readable one that reaches here.
    const slots = await this.slotsIn(index);
    for (let slot = low; slot < slots; slot++) {
      const record = await this.recordAt(index, slot);
      if (record) return record.offset <= from ? slot : low;
    }
    return low;
  }

  /** Where readable records go on after damage at `slot`; the segment's end where none do. */
  async offsetAfter(index: OpenFile, from: number, offset: number, limit: number): Promise<number> {
    const slots = await this.slotsIn(index);
    for (let slot = from; slot < slots; slot++) {
      const record = await this.recordAt(index, slot);
      if (record && record.offset > offset) return Math.min(record.offset, limit);
    }
    return limit;
  }
}
