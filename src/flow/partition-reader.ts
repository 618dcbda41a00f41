// Reads one partition: finds the batch by its index, reads a span of whole batches straight into the caller's
// memory and verifies every one. Invariant: nothing beyond the board's end is ever returned, nothing that does
// not match its checksum, and what is damaged is named by its offsets, never skipped.
import { crc32c } from '@node-rs/crc32';
import { codeOf, MillraceError } from '../core/errors.ts';
import type { FileSystem } from './file-system.ts';
import { decodeRecord, type IndexRecord, recordBytes, recordKind } from './index-record.ts';
import type { BatchSlice, ReadResult } from './log.ts';
import { logDamaged, logIo, offsetBeyondEnd, offsetRetained } from './log-errors.ts';
import { closeSegment, listSegments, openSegment, type SegmentFiles } from './segment.ts';
import type { TailBoard } from './tail-board.ts';

/** Index records read at a time; a span of 4 MiB batches needs few, one of single events many. */
const recordsPerRead = 512;
/** Segments kept open, and read positions remembered, a partition and reader. */
const openSegmentsMax = 4;
const cursorsMax = 16;

interface OpenSegment {
  base: number;
  files: SegmentFiles;
  users: number;
  isDropped: boolean;
}

interface Cursor {
  base: number;
  slot: number;
}

export interface ReaderPlace {
  fs: FileSystem;
  board: TailBoard;
  slot: number;
  stream: string;
  partition: number;
  directory: string;
  /** Read without leaving the thread. */
  inThread: boolean;
}

export class PartitionReader {
  private readonly place: ReaderPlace;
  private bases: number[] = [];
  private generation = -1;
  private readonly open = new Map<number, OpenSegment>();
  /** Where the batch that begins at an offset has its record; spares the search when reading on. */
  private readonly cursors = new Map<number, Cursor>();
  private readonly spare: Buffer[] = [];

  constructor(place: ReaderPlace) {
    this.place = place;
  }

  async read(from: number, target: Uint8Array): Promise<ReadResult> {
    const { board, slot, stream, partition } = this.place;
    const end = board.end(slot);
    const first = board.first(slot);
    if (from < first) throw offsetRetained(stream, partition, from, first);
    if (from > end) throw offsetBeyondEnd(stream, partition, from, end);
    if (from === end) return { batches: [], length: 0, next: from, end };
    try {
      return await this.readSpan(from, target, end);
    } catch (thrown) {
      // Retention may have removed the segment under the read.
      const firstNow = board.first(slot);
      if (from < firstNow) throw offsetRetained(stream, partition, from, firstNow);
      throw logIo(thrown);
    }
  }

  private async readSpan(from: number, target: Uint8Array, end: number): Promise<ReadResult> {
    const { base, limit } = await this.segmentOf(from, end);
    const segment = await this.acquire(base, from, limit);
    try {
      let slot = await this.slotOf(segment, from);
      const batches: BatchSlice[] = [];
      const records: IndexRecord[] = [];
      let length = 0;
      let next = from;
      // Collect records until the target, the segment or damage is reached, then read their bytes at once.
      collect: for (;;) {
        const chunk = await this.recordsAt(segment, slot);
        for (const record of chunk) {
          if (record === undefined || record.offset >= limit || record.kind === recordKind.seal)
            break collect;
          const last = records[records.length - 1];
          const follows = last
            ? record.offset === next && record.position === last.position + last.length
            : record.offset <= from && record.offset + record.count > from;
          if (!follows) break collect;
          if (length + record.length > target.length) {
            if (!last) throw this.tooSmall(record.length, target.length);
            break collect;
          }
          records.push(record);
          length += record.length;
          next = record.offset + record.count;
          slot++;
        }
        if (chunk.length < recordsPerRead) break;
      }
      if (records.length === 0) {
        const gapEnd = await this.offsetAfterDamage(segment, slot, from, limit);
        throw this.damage(from, gapEnd, 'index records are damaged or missing');
      }
      const got = await this.readBytes(segment, target.subarray(0, length), records[0]!.position);
      length = 0;
      for (const record of records) {
        const position = length;
        const isWhole =
          position + record.length <= got &&
          crc32c(target.subarray(position, position + record.length)) === record.dataCrc;
        if (!isWhole) {
          if (batches.length > 0) break;
          throw this.damage(record.offset, record.offset + record.count, 'the checksum does not match');
        }
        const { offset, count, appendTimeMs } = record;
        batches.push({ position, length: record.length, offset, count, appendTimeMs });
        length += record.length;
      }
      const lastBatch = batches[batches.length - 1]!;
      next = lastBatch.offset + lastBatch.count;
      this.rememberCursor(next, base, slot - records.length + batches.length);
      return { batches, length, next, end };
    } finally {
      this.release(segment);
    }
  }

  private damage(first: number, end: number, why: string) {
    return logDamaged(this.place.stream, this.place.partition, first, end, why);
  }

  private tooSmall(batchBytes: number, targetBytes: number) {
    return new MillraceError(
      'target-too-small',
      `A batch of ${batchBytes} bytes does not fit into a target of ${targetBytes}.`,
      { remedy: 'Read into at least maxBatchBytes.', context: { batchBytes, targetBytes } },
    );
  }

  /** The segment that holds `from`, and the offset at which it ends. */
  private async segmentOf(from: number, end: number): Promise<{ base: number; limit: number }> {
    await this.refresh();
    let low = 0;
    let high = this.bases.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.bases[middle]! <= from) low = middle + 1;
      else high = middle;
    }
    const next = this.bases[low];
    const limit = next === undefined ? end : Math.min(next, end);
    if (low === 0) throw this.damage(from, limit, 'the segment is missing');
    return { base: this.bases[low - 1]!, limit };
  }

  /** Learns of segments made and removed; lets go of removed ones, so that their space is freed. */
  async refresh(): Promise<void> {
    const { board, slot, fs, directory } = this.place;
    const generation = board.generation(slot);
    if (generation === this.generation) return;
    this.bases = await listSegments(fs, directory);
    this.generation = generation;
    const first = board.first(slot);
    for (const [base, segment] of this.open) {
      if (base < first || !this.bases.includes(base)) this.drop(segment);
    }
  }

  private async acquire(base: number, from: number, limit: number): Promise<OpenSegment> {
    let segment = this.open.get(base);
    if (!segment) {
      let files: SegmentFiles;
      try {
        files = await openSegment(this.place.fs, this.place.directory, base, 'read');
      } catch (thrown) {
        if (codeOf(thrown) === 'ENOENT') throw this.damage(from, limit, 'a file of the segment is missing');
        throw thrown;
      }
      segment = this.open.get(base);
      if (segment) {
        await closeSegment(files);
      } else {
        segment = { base, files, users: 0, isDropped: false };
        this.open.set(base, segment);
        if (this.open.size > openSegmentsMax) {
          for (const other of this.open.values()) {
            if (other.users === 0 && other !== segment) {
              this.drop(other);
              break;
            }
          }
        }
      }
    }
    segment.users++;
    return segment;
  }

  private release(segment: OpenSegment): void {
    segment.users--;
    if (segment.isDropped && segment.users === 0) void closeSegment(segment.files).catch(() => {});
  }

  private drop(segment: OpenSegment): void {
    this.open.delete(segment.base);
    segment.isDropped = true;
    if (segment.users === 0) void closeSegment(segment.files).catch(() => {});
  }

  private rememberCursor(offset: number, base: number, slot: number): void {
    this.cursors.delete(offset);
    this.cursors.set(offset, { base, slot });
    if (this.cursors.size > cursorsMax) this.cursors.delete(this.cursors.keys().next().value!);
  }

  private async readIndex(
    segment: OpenSegment,
    slot: number,
    count: number,
    buffer: Buffer,
  ): Promise<number> {
    const target = buffer.subarray(0, count * recordBytes);
    const { index } = segment.files;
    const length = this.place.inThread
      ? index.readSync(target, slot * recordBytes)
      : await index.read(target, slot * recordBytes);
    return Math.floor(length / recordBytes);
  }

  /** The records from `slot` on, with undefined for the damaged ones; fewer than asked at the end of the file. */
  private async recordsAt(segment: OpenSegment, slot: number): Promise<(IndexRecord | undefined)[]> {
    const buffer = this.spare.pop() ?? Buffer.allocUnsafeSlow(recordsPerRead * recordBytes);
    const count = await this.readIndex(segment, slot, recordsPerRead, buffer);
    const records: (IndexRecord | undefined)[] = [];
    for (let i = 0; i < count; i++) {
      const record = decodeRecord(buffer, i * recordBytes);
      records.push(record);
      if (!record) break;
    }
    if (this.spare.length < 4) this.spare.push(buffer);
    return records;
  }

  private async recordAt(segment: OpenSegment, slot: number): Promise<IndexRecord | undefined> {
    const buffer = Buffer.allocUnsafe(recordBytes);
    return (await this.readIndex(segment, slot, 1, buffer)) === 1 ? decodeRecord(buffer, 0) : undefined;
  }

  /** Slots of the index without the zeros that the newest one has at its end. */
  private async slotsIn(segment: OpenSegment): Promise<number> {
    let slots = Math.floor((await segment.files.index.size()) / recordBytes);
    const buffer = Buffer.allocUnsafe(recordsPerRead * recordBytes);
    while (slots > 0) {
      const start = Math.max(0, slots - recordsPerRead);
      const count = await this.readIndex(segment, start, slots - start, buffer);
      let used = count * recordBytes;
      while (used > 0 && buffer[used - 1] === 0) used--;
      if (used > 0) return start + Math.ceil(used / recordBytes);
      slots = start;
    }
    return 0;
  }

  /** The slot of the record that holds `from`; where that is damaged, of the first one after it. */
  private async slotOf(segment: OpenSegment, from: number): Promise<number> {
    const cursor = this.cursors.get(from);
    if (cursor && cursor.base === segment.base) return cursor.slot;
    let low = 0;
    let high = await this.slotsIn(segment);
    // The first slot whose record ends beyond `from`. A damaged slot is judged by the next readable one.
    while (low < high) {
      const middle = (low + high) >>> 1;
      let probe = middle;
      let record = await this.recordAt(segment, probe);
      while (!record && probe + 1 < high) record = await this.recordAt(segment, ++probe);
      const isBeyond = !record || record.kind === recordKind.seal || record.offset + record.count > from;
      if (!isBeyond) low = probe + 1;
      else high = middle;
    }
    // Damaged slots just before it may have been stepped on; the batch is the first readable one that reaches here.
    const slots = await this.slotsIn(segment);
    for (let slot = low; slot < slots; slot++) {
      const record = await this.recordAt(segment, slot);
      if (record) return record.offset <= from ? slot : low;
    }
    return low;
  }

  /** Where readable records go on after damage at `slot`; the segment's end where none do. */
  private async offsetAfterDamage(
    segment: OpenSegment,
    from: number,
    offset: number,
    limit: number,
  ): Promise<number> {
    const slots = await this.slotsIn(segment);
    for (let slot = from; slot < slots; slot++) {
      const record = await this.recordAt(segment, slot);
      if (record && record.offset > offset) return Math.min(record.offset, limit);
    }
    return limit;
  }

  private async readBytes(segment: OpenSegment, target: Uint8Array, position: number): Promise<number> {
    const { data } = segment.files;
    return this.place.inThread ? data.readSync(target, position) : await data.read(target, position);
  }

  async close(): Promise<void> {
    for (const segment of [...this.open.values()]) this.drop(segment);
  }
}
