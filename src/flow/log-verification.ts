// Reads all of a log and says in sentences and numbers what is not as it was written: checksums, the chain of
// offsets, and that every batch holds as many lines as it says. For `millrace doctor --verify`.
import { MillraceError } from '../core/errors.ts';
import { diskFileSystem, type FileSystem } from './file-system.ts';
import type { Log, LogReader, StreamSummary } from './log.ts';
import { listSnapshots, readSnapshot } from './producer-snapshot.ts';
import { windowLimits } from './producer-window.ts';
import { partitionPath } from './segment.ts';
import { openSegmentLog, type SegmentLogOptions } from './segment-log.ts';

export interface LogDamage {
  stream: string;
  partition: number;
  /** The offsets [first, end) that cannot be read. */
  first: number;
  end: number;
  sentence: string;
}

export interface LogVerification {
  streams: number;
  partitions: number;
  batches: number;
  events: number;
  bytes: number;
  /** Events inside damaged spans. */
  eventsLost: number;
  /** At most `damageMax` spans; the numbers above count all. */
  damage: LogDamage[];
  /** What the opening said, and a sentence a damage; empty when all is well. */
  problems: string[];
}

const damageMax = 1000;

export interface VerifyOptions {
  /** Called now and then with the bytes read so far. */
  progress?: (bytes: number) => void;
}

function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}

async function verifyPartition(
  log: LogReader,
  place: { stream: string; partition: number; first: number; end: number },
  target: Uint8Array,
  found: LogVerification,
  progress: ((bytes: number) => void) | undefined,
): Promise<void> {
  const { stream, partition, end } = place;
  const report = (first: number, last: number, sentence: string): void => {
    found.eventsLost += last - first;
    if (found.damage.length >= damageMax) return;
    found.damage.push({ stream, partition, first, end: last, sentence });
    found.problems.push(sentence);
  };
  for (let at = place.first; at < end; ) {
    try {
      const { batches, next, length } = await log.read(stream, partition, at, target);
      for (const { position, length: size, offset, count } of batches) {
        const lines = countLines(target.subarray(position, position + size));
        if (lines !== count) {
          const what = `${lines} lines where ${count} events were appended`;
          report(
            offset,
            offset + count,
            `Offsets ${offset} to ${offset + count - 1} of ${stream}/${partition} hold ${what}.`,
          );
        } else found.events += count;
        found.batches++;
      }
      found.bytes += length;
      progress?.(found.bytes);
      at = next;
    } catch (thrown) {
      if (!(thrown instanceof MillraceError) || thrown.code !== 'log-damaged') throw thrown;
      const { first, end: last } = thrown.context as { first: number; end: number };
      report(first, last, thrown.message);
      at = last;
    }
  }
}

/** Verifies a log that is open; what is appended meanwhile is not looked at. Cost: reads everything once. */
export async function verifyLog(log: Log, options: VerifyOptions = {}): Promise<LogVerification> {
  const streams = await log.streams();
  const found: LogVerification = {
    streams: streams.length,
    partitions: 0,
    batches: 0,
    events: 0,
    bytes: 0,
    eventsLost: 0,
    damage: [],
    problems: log.problems(),
  };
  const target = new Uint8Array(Math.max(log.maxBatchBytes, 4 * 1024 * 1024));
  for (const { name: stream, partitions } of streams) {
    for (const { partition, first, end } of partitions) {
      found.partitions++;
      await verifyPartition(log, { stream, partition, first, end }, target, found, options.progress);
    }
  }
  return found;
}

/** A sentence for each snapshot of producers that is not as it was written. */
async function damagedSnapshots(
  fs: FileSystem,
  dir: string,
  streams: readonly StreamSummary[],
): Promise<string[]> {
  const sentences: string[] = [];
  for (const { name, partitions } of streams) {
    for (const { partition, closed } of partitions) {
      if (closed !== undefined) continue;
      const directory = partitionPath(dir, name, partition);
      for (const offset of await listSnapshots(fs, directory)) {
        if (await readSnapshot(fs, directory, offset, windowLimits)) continue;
        sentences.push(
          `The snapshot of producers at ${offset} of ${name}/${partition} is damaged; the one before it, or the index, is read instead.`,
        );
      }
    }
  }
  return sentences;
}

/**
 * Verifies the log in a folder that no process has open (`log-locked` otherwise). As at any start, an interrupted
 * append at the end is cut off first; it had not been acknowledged.
 */
export async function verify(
  dir: string,
  options: VerifyOptions & Omit<SegmentLogOptions, 'dir'> = {},
): Promise<LogVerification> {
  const fs = options.fs ?? diskFileSystem;
  if (!(await fs.list(dir)).includes('streams')) {
    throw new MillraceError('no-log', `There is no log in ${dir}.`, { status: 404, context: { dir } });
  }
  const log = await openSegmentLog({ ...options, dir });
  try {
    const found = await verifyLog(log, options);
    found.problems.push(...(await damagedSnapshots(fs, dir, await log.streams())));
    return found;
  } finally {
    await log.close();
  }
}
