// Names and files of a segment: `<base offset, 20 digits>.ndjson` with the events and `.index` with one record a
// batch, inside `<log>/streams/<stream>/<partition>/`. The file `start` there holds the first offset that
// retention has left, `partitions` beside the folders how many of them the stream was made with.
import { dirname, join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { type FileSystem, type OpenFile, writeFully } from './file-system.ts';
import { decodeRecord, recordBytes } from './index-record.ts';

export const partitionPath = (directory: string, stream: string, partition: number): string =>
  join(directory, 'streams', stream, String(partition));

const baseName = (base: number): string => String(base).padStart(20, '0');

export const dataPath = (directory: string, base: number): string =>
  join(directory, baseName(base) + '.ndjson');
export const indexPath = (directory: string, base: number): string =>
  join(directory, baseName(base) + '.index');
export const partitionsPath = (directory: string, stream: string): string =>
  join(directory, 'streams', stream, 'partitions');
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

/** A file of one number: 20 digits, a space, the CRC32C of the digits as 8 hexadecimal digits, a newline. */
function numberText(value: number): string {
  const digits = baseName(value);
  return `${digits} ${crc32c(digits).toString(16).padStart(8, '0')}\n`;
}

/** The number in `start` or `partitions`; undefined where there is none, 'unreadable' where it is not what was written. */
export async function readNumber(fs: FileSystem, path: string): Promise<number | 'unreadable' | undefined> {
  if ((await fs.sizeOf(path)) === undefined) return undefined;
  const file = await fs.open(path, 'read');
  try {
    const bytes = Buffer.alloc(64);
    const text = bytes.toString('latin1', 0, await file.read(bytes, 0));
    const value = Number(text.slice(0, 20));
    return Number.isSafeInteger(value) && text === numberText(value) ? value : 'unreadable';
  } finally {
    await file.close();
  }
}

/** Replaces the file durably: written aside, synced, renamed, directory synced. */
export async function writeNumber(fs: FileSystem, path: string, value: number): Promise<void> {
  const draft = path + '.draft';
  const file = await fs.open(draft, 'create');
  try {
    await writeFully(file, [Buffer.from(numberText(value))], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await fs.rename(draft, path);
  await fs.syncDirectory(dirname(path));
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
