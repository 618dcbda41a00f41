// Removes whole segments from the old end of a partition. The new first offset is made durable before anything
// is unlinked, so that a crash in between leaves neither a hole nor a segment that comes back.
import type { FileSystem } from './file-system.ts';
import { decodeRecord, recordBytes, recordKind } from './index-record.ts';
import type { RetentionPolicy } from './log.ts';
import { removeSegment } from './partition-opening.ts';
import type { PartitionWriter, WriterContext } from './partition-writer.ts';
import { dataPath, indexPath, writeStart } from './segment.ts';

/** When the segment's last batch was appended; undefined where its index does not say. */
async function lastAppendMsOf(fs: FileSystem, directory: string, base: number): Promise<number | undefined> {
  const path = indexPath(directory, base);
  const slots = Math.floor(((await fs.sizeOf(path)) ?? 0) / recordBytes);
  if (slots === 0) return undefined;
  const file = await fs.open(path, 'read');
  try {
    const records = Buffer.alloc(Math.min(slots, 2) * recordBytes);
    await file.read(records, Math.max(0, slots - 2) * recordBytes);
    for (let at = records.length - recordBytes; at >= 0; at -= recordBytes) {
      const record = decodeRecord(records, at);
      if (record && record.kind <= recordKind.seal) return record.appendTimeMs;
    }
    return undefined;
  } finally {
    await file.close();
  }
}

/** Inside `writer.runAlone`. Returns the number of events removed. */
export async function retainPartition(
  context: WriterContext,
  writer: PartitionWriter,
  { maxAgeMs, maxBytes }: RetentionPolicy,
  nowMs: number,
): Promise<number> {
  const { fs, board, failpoint } = context;
  const { state } = writer;
  const { directory, slot } = state;
  const isOld = (appendedMs: number | undefined): boolean =>
    maxAgeMs !== undefined && appendedMs !== undefined && nowMs - appendedMs > maxAgeMs;
  if (state.slots > 0 && isOld(state.lastAppendMs)) await writer.rollForRetention();
  let count = 0;
  let bytes = state.bytes;
  while (count < state.segments.length - 1) {
    const base = state.segments[count]!;
    const isTooMuch = maxBytes !== undefined && bytes > maxBytes;
    if (!isTooMuch && !isOld(await lastAppendMsOf(fs, directory, base))) break;
    bytes -= (await fs.sizeOf(dataPath(directory, base))) ?? 0;
    count++;
  }
  if (count === 0) return 0;
  const removed = state.segments.splice(0, count);
  const before = board.first(slot);
  const first = state.segments[0]!;
  state.bytes = bytes;
  await writeStart(fs, directory, first);
  board.update(slot, { first, bytes, segmentsChanged: true });
  for (const base of removed) {
    failpoint?.('before-unlink');
    await removeSegment(fs, directory, base);
    failpoint?.('after-unlink');
  }
  return first - before;
}
