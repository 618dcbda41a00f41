// Opens a partition's folder: which segments there are, where the log begins and ends, and the newest segment's
// files ready to be appended to. Reads only that segment's tail.
import { ActiveSegment } from './active-segment.ts';
import type { FileSystem } from './file-system.ts';
import { removeSnapshotsBeyond } from './producer-snapshot.ts';
import {
  closeSegment,
  createSegment,
  dataPath,
  indexPath,
  lastAppendMsOf,
  listSegments,
  openSegment,
  readNumber,
  removeSegment,
  startPath,
} from './segment.ts';
import { recoverSegment } from './segment-recovery.ts';
import type { WriterLimits } from './writer-limits.ts';

export interface OpenedPartition {
  segments: number[];
  first: number;
  end: number;
  bytes: number;
  lastAppendMs: number;
  /** The newest segment, where there is one. */
  segment: ActiveSegment | undefined;
  /** Sentences about damage and repairs. */
  problems: string[];
}

/** Lines in a segment file whose index is lost: no more events than that can have been in it. */
async function countLines(fs: FileSystem, path: string): Promise<number> {
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  const file = await fs.open(path, 'read');
  let lines = 0;
  try {
    for (let position = 0; ; ) {
      const length = await file.read(buffer, position);
      for (let at = buffer.indexOf(10); at !== -1 && at < length; at = buffer.indexOf(10, at + 1)) lines++;
      if (length < buffer.length) return lines;
      position += length;
    }
  } finally {
    await file.close();
  }
}

export async function openPartition(
  fs: FileSystem,
  directory: string,
  limits: WriterLimits,
): Promise<OpenedPartition> {
  const problems: string[] = [];
  if ((await fs.list(directory)).length === 0) await fs.makeDirectory(directory);
  let segments = await listSegments(fs, directory);
  const marked = await readNumber(fs, startPath(directory));
  if (marked === 'unreadable')
    problems.push('the file "start" is damaged; the oldest segment counts as the first.');
  const start = marked === 'unreadable' ? undefined : marked;
  if (start !== undefined && segments.includes(start)) {
    // A removal that was interrupted is finished: the start had been moved first.
    for (const base of segments.filter(base => base < start)) await removeSegment(fs, directory, base);
    segments = segments.filter(base => base >= start);
  } else if (start !== undefined) {
    problems.push(`the segment at ${start}, where the log should begin, is missing.`);
  }
  const newest = segments[segments.length - 1];
  if (newest === undefined) {
    const first = start ?? 0;
    const empty = { bytes: 0, lastAppendMs: 0, segment: undefined };
    return { ...empty, segments, first, end: first, problems };
  }
  const first = start !== undefined && start < segments[0]! ? start : segments[0]!;
  let bytes = 0;
  for (const base of segments.slice(0, -1)) {
    const size = await fs.sizeOf(dataPath(directory, base));
    if (size === undefined || (await fs.sizeOf(indexPath(directory, base))) === undefined) {
      problems.push(`a file of the segment at ${base} is missing; its events are lost.`);
    }
    bytes += size ?? 0;
  }
  const dataBytes = (await fs.sizeOf(dataPath(directory, newest))) ?? 0;
  const indexBytes = await fs.sizeOf(indexPath(directory, newest));
  // Both names are durable before anything is written: a crash can leave an empty index beside a write or two, but none without index.
  const leftMax = indexBytes === undefined ? 0 : 2 * limits.groupBytes + limits.maxBatchBytes;
  const isLost = (indexBytes ?? 0) === 0 && dataBytes > leftMax;
  const lines = isLost ? await countLines(fs, dataPath(directory, newest)) : 0;
  if (lines > 0) {
    // The file stays, its offsets are not reused.
    problems.push(`the index of the segment at ${newest} is lost, with up to ${lines} events.`);
    const end = newest + lines;
    const segment = new ActiveSegment(await createSegment(fs, directory, end));
    segments.push(end);
    bytes += dataBytes;
    return { segments, first, end, bytes, lastAppendMs: 0, segment, problems };
  }
  const files = await openSegment(fs, directory, newest, 'create');
  try {
    const tail = await recoverSegment(files, newest);
    await fs.syncDirectory(directory);
    await removeSnapshotsBeyond(fs, directory, tail.end);
    if (tail.damage) problems.push(tail.damage + '.');
    const { end, slots, position } = tail;
    const before = segments[segments.length - 2];
    const lastAppendMs =
      slots > 0 || before === undefined
        ? tail.lastAppendMs
        : ((await lastAppendMsOf(fs, directory, before)) ?? 0);
    const segment = new ActiveSegment(files, position, slots);
    return { segments, first, end, bytes: bytes + position, lastAppendMs, segment, problems };
  } catch (thrown) {
    await closeSegment(files).catch(() => {});
    throw thrown;
  }
}
