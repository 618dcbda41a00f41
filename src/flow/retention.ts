// Removes whole segments from the old end of a partition. The new first offset is made durable before anything
// is unlinked, so that a crash in between leaves neither a hole nor a segment that comes back.
import type { RetentionPolicy } from './log.ts';
import type { PartitionWriter } from './partition-writer.ts';
import { dataPath, lastAppendMsOf, removeSegment, startPath, writeNumber } from './segment.ts';
import type { WriterContext } from './writer-context.ts';

/** Inside `writer.runAlone`. Returns the number of events removed. */
export async function retainPartition(
  context: WriterContext,
  writer: PartitionWriter,
  { maxAgeMs, maxBytes, before }: RetentionPolicy,
  nowMs: number,
): Promise<number> {
  const { fs, board, failpoint } = context;
  const { state } = writer;
  const { directory, slot, partition } = state;
  const removable = before === undefined ? Number.POSITIVE_INFINITY : (before[partition] ?? 0);
  const isOld = (appendedMs: number | undefined): boolean =>
    maxAgeMs !== undefined && appendedMs !== undefined && nowMs - appendedMs > maxAgeMs;
  if (state.segment && state.segment.slots > 0 && isOld(state.lastAppendMs)) await writer.rollForRetention();
  let count = 0;
  let bytes = state.bytes;
  while (count < state.segments.length - 1) {
    const base = state.segments[count]!;
    if (state.segments[count + 1]! > removable) break;
    const isTooMuch = maxBytes !== undefined && bytes > maxBytes;
    if (!isTooMuch && !isOld(await lastAppendMsOf(fs, directory, base))) break;
    bytes -= (await fs.sizeOf(dataPath(directory, base))) ?? 0;
    count++;
  }
  if (count === 0) return 0;
  const firstBefore = board.first(slot);
  const first = state.segments[count]!;
  await writeNumber(fs, startPath(directory), first);
  const removed = state.segments.splice(0, count);
  state.bytes = bytes;
  board.update(slot, { first, bytes, segmentsChanged: true });
  for (const base of removed) {
    failpoint?.('before-unlink');
    await removeSegment(fs, directory, base);
    failpoint?.('after-unlink');
  }
  return first - firstBefore;
}
