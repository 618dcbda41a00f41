// Reads one partition: finds the batch by its index, reads a span of whole batches straight into the caller's
// memory and verifies every one. Invariant: nothing beyond the board's end is ever returned, nothing that does
// not match its checksum, and what is damaged is named by its offsets, never skipped.
import { crc32c } from '@node-rs/crc32';
import { codeOf, MillraceError } from '../core/errors.ts';
import type { FileSystem } from './file-system.ts';
import { type IndexRecord, recordKind } from './index-record.ts';
import { IndexSearch, recordsPerRead } from './index-search.ts';
import type { BatchSlice, ReadResult } from './log.ts';
import { logDamaged, logIo, offsetBeyondEnd, offsetRetained } from './log-errors.ts';
import { type OpenSegment, OpenSegments } from './open-segments.ts';
import { listSegments } from './segment.ts';
import type { TailBoard } from './tail-board.ts';
import type { TailMemory } from './tail-memory.ts';

/** Read positions remembered, a partition and reader. */
const cursorsMax = 16;

/** Those of adjacent records' batches, from the first on, that are what was written. */
function wholeBatches(records: readonly IndexRecord[], bytes: Uint8Array): BatchSlice[] {
  const batches: BatchSlice[] = [];
  let position = 0;
  for (const { length, dataCrc, offset, count, appendTimeMs } of records) {
    const end = position + length;
    if (end > bytes.length || crc32c(bytes.subarray(position, end)) !== dataCrc) break;
    batches.push({ position, length, offset, count, appendTimeMs });
    position = end;
  }
  return batches;
}

interface Cursor {
  base: number;
  slot: number;
}

export interface ReaderPlace {
  fs: FileSystem;
  board: TailBoard;
  /** Undefined while nothing has been written through it. */
  tail(): TailMemory | undefined;
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
  private readonly open: OpenSegments;
  private readonly index: IndexSearch;
  /** Where the batch that begins at an offset has its record; spares the search when reading on. */
  private readonly cursors = new Map<number, Cursor>();

  constructor(place: ReaderPlace) {
    this.place = place;
    this.open = new OpenSegments(place.fs, place.directory);
    this.index = new IndexSearch(place.inThread);
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
      const { index } = segment.files;
      let slot = await this.slotOf(segment, from);
      const records: IndexRecord[] = [];
      let length = 0;
      let next = from;
      // Collect records until the target, the segment or damage is reached, then read their bytes at once.
      collect: for (;;) {
        const chunk = await this.index.recordsAt(index, slot);
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
        const gapEnd = await this.index.offsetAfter(index, slot, from, limit);
        throw this.damage(from, gapEnd, 'index records are damaged or missing');
      }
      const batches = await this.readBatches(segment, records, target.subarray(0, length));
      if (batches.length === 0) {
        const { offset, count } = records[0]!;
        throw this.damage(offset, offset + count, 'the checksum does not match');
      }
      const lastBatch = batches[batches.length - 1]!;
      next = lastBatch.offset + lastBatch.count;
      this.rememberCursor(next, base, slot - records.length + batches.length);
      return { batches, length: lastBatch.position + lastBatch.length, next, end };
    } finally {
      this.open.release(segment);
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
    this.open.dropWhere(base => base < first || !this.bases.includes(base));
  }

  private async acquire(base: number, from: number, limit: number): Promise<OpenSegment> {
    try {
      return await this.open.acquire(base);
    } catch (thrown) {
      if (codeOf(thrown) === 'ENOENT') throw this.damage(from, limit, 'a file of the segment is missing');
      throw thrown;
    }
  }

  private async slotOf({ base, files }: OpenSegment, from: number): Promise<number> {
    const cursor = this.cursors.get(from);
    return cursor?.base === base ? cursor.slot : this.index.slotOf(files.index, from);
  }

  private rememberCursor(offset: number, base: number, slot: number): void {
    this.cursors.delete(offset);
    this.cursors.set(offset, { base, slot });
    if (this.cursors.size > cursorsMax) this.cursors.delete(this.cursors.keys().next().value!);
  }

  /** The batches up to the first that is damaged. */
  private async readBatches(
    segment: OpenSegment,
    records: readonly IndexRecord[],
    target: Uint8Array,
  ): Promise<BatchSlice[]> {
    const { tail, slot } = this.place;
    const { position } = records[0]!;
    if (tail()?.read(slot, segment.base, position, target)) {
      const batches = wholeBatches(records, target);
      if (batches.length === records.length) return batches;
    }
    const got = await this.readBytes(segment, target, position);
    return wholeBatches(records, target.subarray(0, got));
  }

  private async readBytes(segment: OpenSegment, target: Uint8Array, position: number): Promise<number> {
    const { data } = segment.files;
    return this.place.inThread ? data.readSync(target, position) : await data.read(target, position);
  }

  async close(): Promise<void> {
    this.open.dropWhere(() => true);
  }
}
