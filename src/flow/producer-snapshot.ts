// `<offset, 20 digits>.producers`: the producer window as it was when everything before that offset, and nothing else, was
// in the partition. Written at every roll, so that who was quiet for long is remembered all the same, and reading the
// window back costs one snapshot and the index records behind it. Invariant: it knows only what was durable before it.
// The layout is documented in docs/log-format.md.
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { codeOf } from '../core/errors.ts';
import { type FileSystem, writeFully } from './file-system.ts';
import { type Answer, type Numbered, ProducerWindow, type WindowLimits } from './producer-window.ts';

const formatVersion = 1;
const magic = 'MRPW';
const headerBytes = 32;
const producerBytes = 32;
const batchBytes = 48;
const crcBytes = 4;
/** One in use, and the one before it in case that one is damaged. */
const snapshotsKept = 2;

const snapshotPath = (directory: string, offset: number): string =>
  join(directory, `${String(offset).padStart(20, '0')}.producers`);

/** Offsets of the snapshots in a partition's folder, newest first. */
export async function listSnapshots(fs: FileSystem, directory: string): Promise<number[]> {
  const offsets: number[] = [];
  for (const name of await fs.list(directory)) {
    const match = /^(\d{20})\.producers$/.exec(name);
    if (match) offsets.push(Number(match[1]));
  }
  return offsets.sort((a, b) => b - a);
}

function writeU64(target: Buffer, value: number, at: number): void {
  target.writeBigUInt64LE(BigInt(value), at);
}

const readU64 = (source: Buffer, at: number): number => Number(source.readBigUInt64LE(at));

function encodeAnswer(target: Buffer, { offset, appendTimeMs, count }: Answer<unknown>, at: number): void {
  writeU64(target, offset, at);
  writeU64(target, appendTimeMs, at + 8);
  target.writeUInt32LE(count, at + 16);
}

function decodeAnswer(source: Buffer, at: number): Answer<never> {
  return {
    offset: readU64(source, at),
    appendTimeMs: readU64(source, at + 8),
    count: source.readUInt32LE(at + 16),
  };
}

export function encodeSnapshot(window: ProducerWindow<unknown>, offset: number): Buffer {
  const keys = window.keysByAge();
  const producers = window.producersByAge();
  const batches = producers.reduce((sum, [, { recent }]) => sum + recent.length, 0);
  const bytes =
    headerBytes + (keys.length + batches) * batchBytes + producers.length * producerBytes + crcBytes;
  const target = Buffer.alloc(bytes);
  target.write(magic, 0, 'latin1');
  target.writeUInt32LE(formatVersion, 4);
  writeU64(target, offset, 8);
  target.writeUInt32LE(keys.length, 16);
  target.writeUInt32LE(producers.length, 20);
  target.writeUInt32LE(batches, 24);
  let at = headerBytes;
  for (const { name, answer } of keys) {
    target.write(name, at, 16, 'latin1');
    encodeAnswer(target, answer, at + 16);
    at += batchBytes;
  }
  for (const [name, { next, recent, isDoubtful }] of producers) {
    target.write(name, at, 16, 'latin1');
    writeU64(target, next, at + 16);
    target.writeUInt32LE(recent.length, at + 24);
    target.writeUInt32LE(isDoubtful ? 1 : 0, at + 28);
    at += producerBytes;
    for (const batch of recent) {
      writeU64(target, batch.first, at);
      writeU64(target, batch.next, at + 8);
      encodeAnswer(target, batch.answer, at + 16);
      at += batchBytes;
    }
  }
  target.writeUInt32LE(crc32c(target.subarray(0, at)), at);
  return target;
}

/** The window, or undefined where the bytes are not a snapshot of that offset. */
export function decodeSnapshot<Waiting>(
  source: Buffer,
  offset: number,
  limits: WindowLimits,
): ProducerWindow<Waiting> | undefined {
  const end = source.length - crcBytes;
  if (end < headerBytes || crc32c(source.subarray(0, end)) !== source.readUInt32LE(end)) return undefined;
  if (source.toString('latin1', 0, 4) !== magic || source.readUInt32LE(4) !== formatVersion) return undefined;
  if (readU64(source, 8) !== offset) return undefined;
  const window = new ProducerWindow<Waiting>(limits);
  let at = headerBytes;
  for (let keys = source.readUInt32LE(16); keys > 0; keys--) {
    window.rememberKey(source.toString('latin1', at, at + 16), decodeAnswer(source, at + 16));
    at += batchBytes;
  }
  for (let producers = source.readUInt32LE(20); producers > 0; producers--) {
    const name = source.toString('latin1', at, at + 16);
    const next = readU64(source, at + 16);
    const isDoubtful = source.readUInt32LE(at + 28) === 1;
    const recent: Numbered<Waiting>[] = [];
    let left = source.readUInt32LE(at + 24);
    at += producerBytes;
    for (; left > 0; left--) {
      const [first, after] = [readU64(source, at), readU64(source, at + 8)];
      recent.push({ first, next: after, answer: decodeAnswer(source, at + 16) });
      at += batchBytes;
    }
    window.rememberProducer(name, { next, recent, isDoubtful });
  }
  return window;
}

/** Durable when the folder is synced next: written aside, synced, renamed. */
export async function writeSnapshot(
  fs: FileSystem,
  directory: string,
  offset: number,
  window: ProducerWindow<unknown>,
): Promise<void> {
  const draft = join(directory, 'producers.draft');
  const file = await fs.open(draft, 'create');
  try {
    await file.truncate(0);
    await writeFully(file, [encodeSnapshot(window, offset)], 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await fs.rename(draft, snapshotPath(directory, offset));
}

/** The snapshot of that offset; undefined where it cannot be read as one. */
export async function readSnapshot<Waiting>(
  fs: FileSystem,
  directory: string,
  offset: number,
  limits: WindowLimits,
): Promise<ProducerWindow<Waiting> | undefined> {
  const path = snapshotPath(directory, offset);
  const size = await fs.sizeOf(path);
  if (size === undefined) return undefined;
  const file = await fs.open(path, 'read');
  try {
    const bytes = Buffer.allocUnsafe(size);
    const length = await file.read(bytes, 0);
    return decodeSnapshot(bytes.subarray(0, length), offset, limits);
  } finally {
    await file.close();
  }
}

/** Removes all but the newest ones. */
export async function removeOldSnapshots(fs: FileSystem, directory: string): Promise<void> {
  const offsets = await listSnapshots(fs, directory);
  for (const offset of offsets.slice(snapshotsKept)) await removeSnapshot(fs, directory, offset);
}

/** Removes those that know of more than there is: what came back after damage is less than they were made of. */
export async function removeSnapshotsBeyond(fs: FileSystem, directory: string, end: number): Promise<void> {
  const beyond = (await listSnapshots(fs, directory)).filter(offset => offset > end);
  for (const offset of beyond) await removeSnapshot(fs, directory, offset);
  if (beyond.length > 0) await fs.syncDirectory(directory);
}

async function removeSnapshot(fs: FileSystem, directory: string, offset: number): Promise<void> {
  try {
    await fs.unlink(snapshotPath(directory, offset));
  } catch (thrown) {
    if (codeOf(thrown) !== 'ENOENT') throw thrown;
  }
}
