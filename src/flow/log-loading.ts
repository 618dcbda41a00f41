// From folders to partitions that can be used: which streams there are, and each partition opened, sixteen at a time.
// Invariant: a partition that cannot be opened is set aside with the reason; it stops no other.
import { join } from 'node:path';
import { toError } from '../core/errors.ts';
import type { FileSystem } from './file-system.ts';
import { streamNamePattern } from './log.ts';
import { type OpenedPartition, openPartition } from './partition-opening.ts';
import { PartitionWriter } from './partition-writer.ts';
import { partitionPath, partitionsPath, readNumber, writeNumber } from './segment.ts';
import type { WriterContext } from './writer-context.ts';

export interface LoadedLog {
  directory: string;
  context: WriterContext;
  /** By the slot of the board. */
  writers: PartitionWriter[];
  /** Sentences about damage, repairs and what cannot be opened. */
  found: string[];
}

/** A stream's own limit on partitions. */
export const partitionsPerStreamMax = 1024;
/** Partitions opened side by side; more would only queue for the same few threads. */
const openingsAtOnce = 16;

/** Opens all streams of the log's folder. */
export async function loadStreams(log: LoadedLog): Promise<void> {
  const { fs } = log.context;
  const root = join(log.directory, 'streams');
  for (const name of (await fs.list(root)).sort()) {
    // A stream whose making was interrupted never got its name.
    if (name.startsWith('.new-')) await fs.removeDirectory(join(root, name));
    else if (streamNamePattern.test(name)) await loadStream(log, name, 'set aside');
  }
}

/** Opens the partitions of a stream that are not open yet. */
export async function loadStream(
  log: LoadedLog,
  stream: string,
  whatFails: 'set aside' | 'throw',
): Promise<void> {
  const { fs } = log.context;
  let numbers: number[];
  let stated: number | 'unreadable' | undefined;
  try {
    const names = await fs.list(join(log.directory, 'streams', stream));
    numbers = names.filter(name => /^\d{1,4}$/.test(name)).map(Number);
    stated = await readNumber(fs, partitionsPath(log.directory, stream));
  } catch (thrown) {
    if (whatFails === 'throw') throw thrown;
    return setAside(log, stream, 0, toError(thrown));
  }
  if (stated === 'unreadable') log.found.push(`${stream}: the file "partitions" is damaged.`);
  // The file is missing in a log of an earlier version.
  const least = typeof stated === 'number' ? Math.min(stated, partitionsPerStreamMax) : 0;
  const partitions = Math.max(least, ...numbers.map(number => number + 1));
  for (let from = 0; from < partitions; from += openingsAtOnce) {
    const range = { from, to: Math.min(from + openingsAtOnce, partitions) };
    await loadPartitions(log, stream, { ...range, numbers }, whatFails);
  }
}

async function loadPartitions(
  log: LoadedLog,
  stream: string,
  { from, to, numbers }: { from: number; to: number; numbers: number[] },
  whatFails: 'set aside' | 'throw',
): Promise<void> {
  const { fs, board, limits } = log.context;
  const wanted = Array.from({ length: to - from }, (_, i) => from + i).filter(
    partition => board.find(stream, partition) === undefined,
  );
  const openings = await Promise.allSettled(
    wanted.map(async partition => {
      // Made with all of its partitions at once, a stream lacks none by itself: a disk may not be mounted.
      if (!numbers.includes(partition)) throw new Error('its folder is missing');
      return openPartition(fs, partitionPath(log.directory, stream, partition), limits);
    }),
  );
  const failed = openings.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
  if (failed && whatFails === 'throw') {
    await Promise.all(openings.map(one => (one.status === 'fulfilled' ? one.value.segment?.close() : null)));
    throw failed.reason;
  }
  wanted.forEach((partition, i) => {
    const opening = openings[i]!;
    if (opening.status === 'fulfilled') add(log, stream, partition, opening.value);
    else setAside(log, stream, partition, toError(opening.reason));
  });
}

function add(log: LoadedLog, stream: string, partition: number, opened: OpenedPartition): void {
  const { problems, first, ...rest } = opened;
  const { end, bytes, lastAppendMs } = rest;
  const { board } = log.context;
  const slot = board.add(stream, partition);
  board.update(slot, { first, end, bytes, lastAppendMs, segmentsChanged: true });
  for (const problem of problems) log.found.push(`${stream}/${partition}: ${problem}`);
  const directory = partitionPath(log.directory, stream, partition);
  log.writers[slot] = new PartitionWriter(log.context, { stream, partition, directory, slot, ...rest });
}

/** Appends and reads are refused until a restart finds it mended. */
function setAside(log: LoadedLog, stream: string, partition: number, { message }: Error): void {
  const { board } = log.context;
  const slot = board.add(stream, partition);
  board.update(slot, { unavailable: true });
  const directory = partitionPath(log.directory, stream, partition);
  const nothing = { segments: [], segment: undefined, end: 0, bytes: 0, lastAppendMs: 0 };
  const writer = new PartitionWriter(log.context, { stream, partition, directory, slot, ...nothing });
  writer.failure = `it could not be opened (${message}).`;
  log.writers[slot] = writer;
  log.found.push(
    `${stream}/${partition} cannot be opened: ${message}. Mend the cause or restore ${directory}, then restart; ` +
      'the other partitions work.',
  );
}

/** Makes the folders of a stream; it exists, with all of its partitions, or not at all. */
export async function makeStreamFolders(
  fs: FileSystem,
  directory: string,
  stream: string,
  partitions: number,
): Promise<void> {
  const root = join(directory, 'streams');
  if (!(await fs.list(root)).includes(stream)) {
    const draft = join(root, `.new-${stream}`);
    await fs.removeDirectory(draft);
    for (let partition = 0; partition < partitions; partition++) {
      await fs.makeDirectory(join(draft, String(partition)));
    }
    await writeNumber(fs, partitionsPath(directory, `.new-${stream}`), partitions);
    // The rename is the moment at which the stream exists, with all of its partitions.
    await fs.rename(draft, join(root, stream));
  }
  await fs.syncDirectory(root);
}
