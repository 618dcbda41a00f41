// Which files have been read how far. A file is recognised by a fingerprint of its beginning and by its inode, so that a
// rotated, renamed or copied file goes on where it was left and a new file under an old name starts anew.
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { MillraceError, toError } from '../../core/errors.ts';

export interface FileRecord {
  /** Producer id in the log: its sequence numbers are byte positions of the file. */
  id: string;
  path: string;
  stream: string;
  dev: number;
  ino: number;
  /** SHA-256 of the first `headLength` bytes. */
  headLength: number;
  headHash: string;
  position: number;
  /** Lines before the position. */
  line: number;
  format?: string;
  formatState?: string;
  seenMs: number;
}

export interface FileLook {
  path: string;
  dev: number;
  ino: number;
  size: number;
  /** The first bytes, at most `headBytes`. */
  head: Uint8Array;
}

/** Bytes of a file's beginning that identify it. */
export const headBytes = 4096;

/** A shorter beginning alone does not make two files the same. */
const tellingBytes = 256;

/**
 * Records kept. Beyond it those are forgotten, the oldest first, whose file is no longer where it was: a record of one that is there is
 * all that keeps its lines from coming twice.
 */
export const recordsMax = 20_000;

export function headHash(head: Uint8Array, length: number): string {
  return createHash('sha256').update(head.subarray(0, length)).digest('hex');
}

export class FileRegistry {
  private readonly file: string;
  private records: FileRecord[];
  private timer: NodeJS.Timeout | undefined;

  /** `file` is where the records are kept, as JSON. */
  constructor(file: string) {
    this.file = file;
    this.records = existsSync(file) ? readRecords(file) : [];
  }

  /** The record of a file that was read before, if this is one. */
  find(stream: string, look: FileLook): FileRecord | undefined {
    // Of thousands of records most have one of few lengths: each is hashed once.
    const hashes = new Map<number, string>();
    const hashOf = (length: number): string => {
      let hash = hashes.get(length);
      if (hash === undefined) hashes.set(length, (hash = headHash(look.head, length)));
      return hash;
    };
    const matching = this.records.filter(record => record.stream === stream && isOf(record, look, hashOf));
    const same = matching.findLast(record => record.ino === look.ino && record.dev === look.dev);
    return (
      same ?? matching.findLast(record => record.headLength >= tellingBytes || record.path === look.path)
    );
  }

  /** Whether this is still the file of the record, grown or not. */
  isSame(record: FileRecord, look: FileLook): boolean {
    return isOf(record, look, length => headHash(look.head, length));
  }

  /** The record last read under a path, to finish a file that was renamed while nobody looked. */
  lastAt(stream: string, path: string, except: FileRecord): FileRecord | undefined {
    return this.records.findLast(
      record => record !== except && record.stream === stream && record.path === path,
    );
  }

  /** Throws `too-many-files` where there is no room for so many more records. */
  makeRoom(count: number): void {
    const known = this.records.length;
    let surplus = known + count - recordsMax;
    if (surplus <= 0) return;
    // Each look costs, so they serve many files.
    surplus = Math.max(surplus, recordsMax / 20);
    this.records = this.records.filter(record => surplus <= 0 || isInPlace(record) || surplus-- <= 0);
    if (this.records.length + count <= recordsMax) return;
    throw new MillraceError(
      'too-many-files',
      `Of ${known} files it is known how far they were read, and with ${count} more there would be more than ${recordsMax}.`,
      {
        status: 400,
        remedy:
          'Give fewer files, such as one for each day; move away those that are read to the end; or use "cat … | millrace produce STREAM".',
      },
    );
  }

  create(stream: string, look: FileLook, nowMs: number): FileRecord {
    this.makeRoom(1);
    const record: FileRecord = {
      id: `file:${randomUUID()}`,
      path: look.path,
      stream,
      dev: look.dev,
      ino: look.ino,
      headLength: look.head.length,
      headHash: headHash(look.head, look.head.length),
      position: 0,
      line: 0,
      seenMs: nowMs,
    };
    this.records.push(record);
    return record;
  }

  /** Follows a file that grew (a longer head tells more) or was renamed. */
  refresh(record: FileRecord, look: FileLook, nowMs: number): void {
    record.path = look.path;
    record.dev = look.dev;
    record.ino = look.ino;
    record.seenMs = nowMs;
    if (look.head.length > record.headLength) {
      record.headLength = look.head.length;
      record.headHash = headHash(look.head, look.head.length);
    }
    // The one seen last stands last, so that searches from the end find it first.
    this.records = [...this.records.filter(other => other !== record), record];
  }

  /** Writes soon, and where that fails, as on a full disk, again then; several calls share one write. */
  saveSoon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      try {
        this.save();
      } catch {
        this.saveSoon();
      }
    }, 500);
    this.timer.unref();
  }

  /** Writes now: a new file beside the old one, synced, then renamed over it. */
  save(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const part = `${this.file}.part`;
    const handle = openSync(part, 'w');
    try {
      writeFileSync(handle, JSON.stringify({ files: this.records }));
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(part, this.file);
  }
}

function isInPlace({ path, dev, ino }: FileRecord): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.dev === dev && stat.ino === ino;
}

function isOf(record: FileRecord, look: FileLook, hashOf: (length: number) => string): boolean {
  return (
    record.headLength > 0 &&
    look.head.length >= record.headLength &&
    look.size >= record.position &&
    hashOf(record.headLength) === record.headHash
  );
}

function readRecords(file: string): FileRecord[] {
  const text = readFileSync(file, 'utf8');
  try {
    return (JSON.parse(text) as { files: FileRecord[] }).files;
  } catch (cause) {
    throw new MillraceError('sources-damaged', `${file} cannot be read: ${toError(cause).message}.`, {
      remedy:
        'Restore it; or remove it, and files that are given again are read from their beginning, so that their lines come twice.',
      cause,
    });
  }
}
