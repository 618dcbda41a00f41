// Reads the producer window back: the newest snapshot that is whole, then the index records behind it. Where there is no
// snapshot (the first segment, a log of an earlier version) the last records of the index alone.
import type { FileSystem } from './file-system.ts';
import { decodeRecord, recordBytes, recordKind } from './index-record.ts';
import { listSnapshots, readSnapshot } from './producer-snapshot.ts';
import { ProducerWindow, type WindowLimits } from './producer-window.ts';
import { indexPath } from './segment.ts';

/** Records read where no snapshot says what was before them: 80 MiB of index. */
const recordsMax = 1_048_576;

export interface WindowPlace {
  directory: string;
  /** Ascending base offsets. */
  segments: readonly number[];
  /** The records of the newest segment that count; the file has room for more. */
  activeSlots: number;
  /** Offset after the last event. */
  end: number;
}

export async function loadWindow<Waiting>(
  fs: FileSystem,
  place: WindowPlace,
  limits: WindowLimits,
): Promise<ProducerWindow<Waiting>> {
  const { directory, segments, end } = place;
  for (const offset of await listSnapshots(fs, directory)) {
    const window = offset <= end ? await readSnapshot<Waiting>(fs, directory, offset, limits) : undefined;
    if (!window) continue;
    const replay = new Replay(window, offset);
    // The segment that the snapshot was made for may not have come to be: its events went into the one before.
    let from = segments.length - 1;
    while (from > 0 && segments[from]! > offset) from--;
    for (let i = Math.max(0, from); i < segments.length; i++) {
      replay.add(await readRecords(fs, place, i, Number.POSITIVE_INFINITY));
    }
    replay.finish(end);
    return window;
  }
  return loadFromIndex(fs, place, limits);
}

async function loadFromIndex<Waiting>(
  fs: FileSystem,
  place: WindowPlace,
  limits: WindowLimits,
): Promise<ProducerWindow<Waiting>> {
  const chunks: Buffer[] = [];
  let wanted = recordsMax;
  for (let i = place.segments.length - 1; i >= 0 && wanted > 0; i--) {
    const records = await readRecords(fs, place, i, wanted);
    chunks.push(records);
    wanted -= records.length / recordBytes;
  }
  const window = new ProducerWindow<Waiting>(limits);
  const replay = new Replay(window, undefined);
  for (const records of chunks.reverse()) replay.add(records);
  replay.finish(place.end);
  return window;
}

/** The last records of a segment, at most so many. */
async function readRecords(
  fs: FileSystem,
  { directory, segments, activeSlots }: WindowPlace,
  i: number,
  countMax: number,
): Promise<Buffer> {
  const path = indexPath(directory, segments[i]!);
  const isActive = i === segments.length - 1;
  const slots = isActive ? activeSlots : Math.floor(((await fs.sizeOf(path)) ?? 0) / recordBytes);
  const count = Math.min(slots, countMax);
  if (count === 0) return Buffer.alloc(0);
  const records = Buffer.allocUnsafe(count * recordBytes);
  const file = await fs.open(path, 'read');
  try {
    return records.subarray(0, await file.read(records, (slots - count) * recordBytes));
  } finally {
    await file.close();
  }
}

class Replay<Waiting> {
  private readonly window: ProducerWindow<Waiting>;
  /** Offset of the next batch, where it is known. */
  private next: number | undefined;

  constructor(window: ProducerWindow<Waiting>, next: number | undefined) {
    this.window = window;
    this.next = next;
  }

  add(records: Buffer): void {
    for (let at = 0; at + recordBytes <= records.length; at += recordBytes) {
      const record = decodeRecord(records, at);
      if (!record || record.kind === recordKind.seal) continue;
      const { kind, offset, count, appendTimeMs, producer, first, next } = record;
      if (this.next !== undefined && offset < this.next) continue;
      this.finish(offset);
      this.next = offset + count;
      const answer = { offset, count, appendTimeMs };
      if (kind === recordKind.keyed) this.window.rememberKey(producer, answer);
      else if (kind === recordKind.sequenced) this.window.rememberSequence(producer, first, next, answer);
    }
  }

  /** Where records are missing before `offset`, nobody knows whose they were. */
  finish(offset: number): void {
    if (this.next !== undefined && offset > this.next) this.window.doubt();
  }
}
