// Finds where the newest segment really ends, reading no more than what may not have been durable: every index
// record and seal says how many records before it were on disk, so what lies before is trusted (damage there is
// reported as a gap when read) and what lies after is verified and cut at the first batch that is not whole.
import { crc32c } from '@node-rs/crc32';
import { writeFully } from './file-system.ts';
import { decodeRecord, type IndexRecord, recordBytes, recordKind } from './index-record.ts';
import type { SegmentFiles } from './segment.ts';

export interface RecoveredTail {
  /** Whole batches in the segment. */
  slots: number;
  /** Bytes of them. */
  position: number;
  /** Offset after the last of them. */
  end: number;
  lastAppendMs: number;
  /** Bytes cut from the segment file. */
  bytesCut: number;
  /** Set where damage, not an interrupted append, was found; a sentence. */
  damage?: string;
}

const scanRecords = 4096;

/** The last valid record at or before `slots`, searched from the end. */
async function findLastRecord(
  files: SegmentFiles,
  slots: number,
): Promise<{ slot: number; record: IndexRecord } | undefined> {
  const buffer = Buffer.allocUnsafe(scanRecords * recordBytes);
  for (let end = slots; end > 0; ) {
    const start = Math.max(0, end - scanRecords);
    const chunk = buffer.subarray(0, (end - start) * recordBytes);
    await files.index.read(chunk, start * recordBytes);
    for (let slot = end - 1; slot >= start; slot--) {
      const record = decodeRecord(chunk, (slot - start) * recordBytes);
      if (record) return { slot, record };
    }
    end = start;
  }
  return undefined;
}

async function recordAt(files: SegmentFiles, slot: number): Promise<IndexRecord | undefined> {
  const buffer = Buffer.alloc(recordBytes);
  const length = await files.index.read(buffer, slot * recordBytes);
  return length === recordBytes ? decodeRecord(buffer, 0) : undefined;
}

/** Whether the bytes of a batch are there and are the ones its record was made for. */
async function isWhole(files: SegmentFiles, record: IndexRecord, dataBytes: number): Promise<boolean> {
  if (record.position + record.length > dataBytes) return false;
  const bytes = Buffer.allocUnsafe(record.length);
  const length = await files.data.read(bytes, record.position);
  return length === record.length && crc32c(bytes) === record.dataCrc;
}

async function findTail(files: SegmentFiles, base: number, dataBytes: number, indexBytes: number) {
  const last = await findLastRecord(files, Math.floor(indexBytes / recordBytes));
  if (!last) return { slots: 0, position: 0, end: base, lastAppendMs: 0, trusted: 0, sealed: false };
  const { record, slot } = last;
  const { appendTimeMs: lastAppendMs } = record;
  if (record.kind === recordKind.seal) {
    const { position, offset: end } = record;
    return { slots: slot, position, end, lastAppendMs, trusted: slot, sealed: true };
  }
  const trusted = Math.min(record.durable, slot);
  const before = trusted > 0 ? await recordAt(files, trusted - 1) : undefined;
  const after = await recordAt(files, trusted);
  if (trusted > 0 && !before && !after) {
    // Where the part to verify begins is itself unreadable: keep all, so that no offset is given out twice.
    const position = record.position + record.length;
    return {
      slots: slot + 1,
      position,
      end: record.offset + record.count,
      lastAppendMs,
      trusted,
      sealed: false,
    };
  }
  let position = before ? before.position + before.length : trusted > 0 ? after!.position : 0;
  let end = before ? before.offset + before.count : trusted > 0 ? after!.offset : base;
  let appendedMs = before?.appendTimeMs ?? 0;
  for (let at = trusted; at <= slot; at++) {
    const next = await recordAt(files, at);
    const follows =
      next && next.kind !== recordKind.seal && next.position === position && next.offset === end;
    if (!follows || !(await isWhole(files, next, dataBytes))) {
      return { slots: at, position, end, lastAppendMs: appendedMs, trusted, sealed: false };
    }
    position += next.length;
    end += next.count;
    appendedMs = next.appendTimeMs;
  }
  return { slots: slot + 1, position, end, lastAppendMs: appendedMs, trusted, sealed: false };
}

/**
 * After a failed or missing sync the page cache may hold what the disk does not, marked clean. What was verified
 * is therefore written again before it is synced.
 */
async function rewrite(files: SegmentFiles, trusted: number, slots: number): Promise<void> {
  for (let slot = trusted; slot < slots; slot++) {
    const record = await recordAt(files, slot);
    if (!record) continue;
    const bytes = Buffer.allocUnsafe(record.length);
    const length = await files.data.read(bytes, record.position);
    await writeFully(files.data, [bytes.subarray(0, length)], record.position);
  }
  if (slots > trusted) {
    const records = Buffer.allocUnsafe((slots - trusted) * recordBytes);
    await files.index.read(records, trusted * recordBytes);
    await writeFully(files.index, [records], trusted * recordBytes);
  }
}

/**
 * Recovers the newest segment of a partition: afterwards both files end with the last whole batch and are synced.
 * Reads the unverified tail only; at most the whole segment where no record in it was ever synced.
 */
export async function recoverSegment(files: SegmentFiles, base: number): Promise<RecoveredTail> {
  const [dataBytes, indexBytes] = await Promise.all([files.data.size(), files.index.size()]);
  const tail = await findTail(files, base, dataBytes, indexBytes);
  const { slots, position, end, lastAppendMs } = tail;
  const keptIndexBytes = slots * recordBytes;
  const bytesCut = Math.max(0, dataBytes - position);
  const clean = tail.sealed && dataBytes === position && indexBytes === keptIndexBytes + recordBytes;
  if (!clean) {
    if (bytesCut > 0) await files.data.truncate(position);
    if (indexBytes > keptIndexBytes) await files.index.truncate(keptIndexBytes);
    await rewrite(files, tail.trusted, slots);
    await Promise.all([files.data.sync(), files.index.sync()]);
  }
  const damage =
    dataBytes < position
      ? `the segment file of ${base} is ${position - dataBytes} bytes shorter than what was durable`
      : undefined;
  return { slots, position, end, lastAppendMs, bytesCut, damage };
}
