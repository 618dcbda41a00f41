// Names and files of a segment: `<base offset, 20 digits>.ndjson` with the events and `.index` with one record a
// batch, inside `<log>/streams/<stream>/<partition>/`. The file `start` there holds the first offset that
// retention has left.
import { join } from 'node:path';
import type { FileSystem, OpenFile } from './file-system.ts';
import { decodeRecord, recordBytes } from './index-record.ts';

export const partitionPath = (directory: string, stream: string, partition: number): string =>
  join(directory, 'streams', stream, String(partition));

const baseName = (base: number): string => String(base).padStart(20, '0');

export const dataPath = (directory: string, base: number): string =>
  join(directory, baseName(base) + '.ndjson');
export const indexPath = (directory: string, base: number): string =>
  join(directory, baseName(base) + '.index');
export const startPath = (directory: string): string => join(directory, 'start');

/** Base offsets of the segments in a partition's folder, ascending. */
export async function listSegments(fs: FileSystem, directory: string): Promise<number[]> {
  const bases = new Set<number>();
  for (const name of await fs.list(directory)) {
    const match = /^(\d{20})\.(ndjson|index)$/.exec(name);
    if (match) bases.add(Number(match[1]));
  }
  return [...bases].sort((a, b) => a - b);
}

/** The content of `start`, or undefined where there is none or it is not readable as a number. */
export async function readStart(fs: FileSystem, directory: string): Promise<number | undefined> {
  if ((await fs.sizeOf(startPath(directory))) === undefined) return undefined;
  const file = await fs.open(startPath(directory), 'read');
  try {
    const text = Buffer.alloc(21);
    const length = await file.read(text, 0);
    return length === 21 && /^\d{20}\n$/.test(text.toString('latin1'))
      ? Number(text.toString('latin1', 0, 20))
      : undefined;
  } finally {
    await file.close();
  }
}

/** Replaces `start` durably: written aside, synced, renamed, directory synced. */
export async function writeStart(fs: FileSystem, directory: string, first: number): Promise<void> {
  const draft = startPath(directory) + '.draft';
  const file = await fs.open(draft, 'create');
  try {
    await file.write([Buffer.from(baseName(first) + '\n')], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await fs.rename(draft, startPath(directory));
  await fs.syncDirectory(directory);
}

export interface SegmentFiles {
  data: OpenFile;
  index: OpenFile;
}

/** Opens both files, or neither. */
export async function openSegment(
  fs: FileSystem,
  directory: string,
  base: number,
  how: 'read' | 'create',
): Promise<SegmentFiles> {
  const index = await fs.open(indexPath(directory, base), how);
  try {
    return { data: await fs.open(dataPath(directory, base), how), index };
  } catch (thrown) {
    await index.close();
    throw thrown;
  }
}

export async function closeSegment(files: SegmentFiles): Promise<void> {
  await Promise.all([files.data.close(), files.index.close()]);
}

/** Makes an empty segment whose name is durable when this resolves. */
export async function createSegment(fs: FileSystem, directory: string, base: number): Promise<SegmentFiles> {
  const files = await openSegment(fs, directory, base, 'create');
  try {
    await Promise.all([files.data.truncate(0), files.index.truncate(0)]);
    await Promise.all([files.data.sync(), files.index.sync()]);
    await fs.syncDirectory(directory);
    return files;
  } catch (thrown) {
    await closeSegment(files).catch(() => {});
    throw thrown;
  }
}

/** Unlinks both files; the index first, so that what is left is never taken for readable. */
export async function removeSegment(fs: FileSystem, directory: string, base: number): Promise<void> {
  for (const path of [indexPath(directory, base), dataPath(directory, base)]) {
    if ((await fs.sizeOf(path)) !== undefined) await fs.unlink(path);
  }
  await fs.syncDirectory(directory);
}

/** When the segment's last batch was appended; undefined where its index does not say. */
export async function lastAppendMsOf(
  fs: FileSystem,
  directory: string,
  base: number,
): Promise<number | undefined> {
  const path = indexPath(directory, base);
  const slots = Math.floor(((await fs.sizeOf(path)) ?? 0) / recordBytes);
  if (slots === 0) return undefined;
  const file = await fs.open(path, 'read');
  try {
    const records = Buffer.alloc(Math.min(slots, 2) * recordBytes);
    await file.read(records, Math.max(0, slots - 2) * recordBytes);
    for (let at = records.length - recordBytes; at >= 0; at -= recordBytes) {
      const record = decodeRecord(records, at);
      if (record) return record.appendTimeMs;
    }
    return undefined;
  } finally {
    await file.close();
  }
}
