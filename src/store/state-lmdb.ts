// State on disk in LMDB. A commit is in the page cache when `transaction` returns, so kill -9 loses nothing; the sync
// to disk follows by itself (overlapping sync), and after power loss LMDB opens at the last transaction it synced whole.
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ABORT, open, type RootDatabase } from 'lmdb';
import { codeOf, MillraceError, toError } from '../core/errors.ts';
import type { StateEntry, StateReader, StateStore, StateTransaction } from './state.ts';

/** LMDB's own bound with 4 KB pages. */
export const stateKeyBytesMax = 1978;
const deleteStep = 4096;
const walkedAtOnce = 1000;
/**
 * Below this much free space nothing is written. Where a write fails, lmdb formats what it tells of it into too small a piece of memory,
 * which ends the process: so it must not come to that.
 */
const reserveBytes = 64 * 1024 * 1024;

/** A process that has lived so long with a state was not ended by it: the next start need not read all of it. */
const provenMs = 60_000;

/** There from when a state is opened until it is closed, or proven: it tells the next start that the process ended in between. */
const openMark = (folder: string): string => join(folder, 'open');

/** Whether the last process that opened the state ended soon, without closing it. */
export const wasLeftOpen = (folder: string): boolean => existsSync(openMark(folder));

/** Opens or makes the environment `<folder>/state.lmdb`. Any thread may open it too; one of them writes. */
export function openLmdbState(folder: string, options: { readOnly?: boolean } = {}): StateStore {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'state.lmdb');
  const readOnly = options.readOnly ?? false;
  checkHeader(path);
  try {
    if (!readOnly) mark(folder);
    const state = new LmdbState(openDatabase(path, readOnly), folder);
    if (!readOnly) state.unmarkLater();
    return state;
  } catch (thrown) {
    throw typed(thrown);
  }
}

function openDatabase(path: string, readOnly: boolean): RootDatabase<Uint8Array, Uint8Array> {
  return open<Uint8Array, Uint8Array>({
    path,
    noSubdir: true,
    keyEncoding: 'binary',
    encoding: 'binary',
    readOnly,
    // LMDB's pages keep what a shorter value left: the state holds nothing that the log beside it does not.
    noMemInit: true,
  });
}

/** Where it cannot be written, on a full disk, a damaged state is noticed a start later. */
function mark(folder: string): void {
  try {
    writeFileSync(openMark(folder), '');
  } catch {
    // What keeps the state from being opened is told by LMDB.
  }
}

/** Where it cannot be removed, the next start reads the state first. */
function unmark(folder: string): void {
  try {
    rmSync(openMark(folder), { force: true });
  } catch {
    // Nothing else depends on it.
  }
}

/**
 * Reads and rewrites every page, changing nothing. Throws where what is there is no state, or ends the process: LMDB trusts the pages
 * of its file. So this is for a process of its own (`app-state-check.ts`).
 */
export async function walkState(folder: string): Promise<void> {
  const database = openDatabase(join(folder, 'state.lmdb'), false);
  const rewrite = (work: () => void): void => {
    database.transactionSync(() => {
      work();
      return ABORT;
    });
  };
  const { entryCount } = database.getStats() as { entryCount: number };
  let count = 0;
  let batch: StateEntry[] = [];
  const rewriteBatch = (): void => {
    rewrite(() => {
      for (const { key } of batch) database.removeSync(key);
      for (const { key, value } of batch) database.putSync(key, value);
    });
    batch = [];
  };
  let last: Buffer | undefined;
  for (const entry of database.getRange({ snapshot: true })) {
    // A page that leads back to one above it would be read for ever.
    const key = Buffer.from(entry.key);
    if (++count > entryCount || (last && key.compare(last) <= 0)) throw new Error('keys are out of order');
    last = key;
    batch.push({ key, value: Buffer.from(entry.value) });
    if (batch.length === walkedAtOnce) rewriteBatch();
  }
  rewriteBatch();
  if (count < entryCount) throw new Error('entries are missing');
  // A value that fits nowhere makes LMDB read the whole list of its free pages.
  rewrite(() => database.putSync(Buffer.from([255]), Buffer.alloc(reserveBytes)));
  await database.close();
}

/** LMDB ends the process where a file that is there is none of its own. An empty one it makes anew. */
function checkHeader(path: string): void {
  if (!existsSync(path)) return;
  const header = new Uint32Array(13);
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size === 0) return;
    readSync(file, header, 0, header.byteLength, 0);
    const [magic, pageBytes] = [header[6], header[12]!];
    if (magic === 0xbeefc0de && size >= 2 * pageBytes) return;
  } finally {
    closeSync(file);
  }
  throw damaged(`${path} has not the header that was written`, dirname(path));
}

class LmdbState implements StateStore, StateTransaction {
  private readonly database: RootDatabase<Uint8Array, Uint8Array>;
  private readonly folder: string;
  /** What the transaction under way may still write, beside the reserve. */
  private roomBytes = 0;

  private proving: NodeJS.Timeout | undefined;

  constructor(database: RootDatabase<Uint8Array, Uint8Array>, folder: string) {
    this.database = database;
    this.folder = folder;
  }

  unmarkLater(): void {
    this.proving = setTimeout(() => unmark(this.folder), provenMs).unref();
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.database.get(key);
  }

  range(
    start: Uint8Array,
    end: Uint8Array,
    { limit, reverse = false }: Parameters<StateReader['range']>[2] = {},
  ): Iterable<StateEntry> {
    if (!reverse) return this.database.getRange({ start, end, limit, snapshot: true });
    // lmdb-js walks a reversed range from `start` down to but without `end`; the contract's ends are the other way round.
    const options = { start: end, end: start, exclusiveStart: true, inclusiveEnd: true, reverse: true };
    return this.database.getRange({ ...options, limit, snapshot: true });
  }

  put(key: Uint8Array, value: Uint8Array): void {
    // Half-full pages take twice as much.
    this.roomBytes -= 2 * (key.length + value.length);
    if (this.roomBytes < 0) throw full();
    this.database.putSync(key, value);
  }

  delete(key: Uint8Array): void {
    this.database.removeSync(key);
  }

  deleteRange(start: Uint8Array, end: Uint8Array): number {
    let count = 0;
    for (;;) {
      const keys = [...this.database.getKeys({ start, end, limit: deleteStep, snapshot: false })];
      for (const key of keys) this.database.removeSync(key);
      count += keys.length;
      if (keys.length < deleteStep) return count;
    }
  }

  transaction<T>(work: (transaction: StateTransaction) => T): T {
    this.roomBytes = freeBytes(this.folder) - reserveBytes;
    if (this.roomBytes < 0) throw full();
    try {
      return this.database.transactionSync(() => work(this));
    } catch (thrown) {
      throw typed(thrown);
    }
  }

  async flush(): Promise<void> {
    await this.database.flushed;
  }

  sizeBytes(): number {
    const stats = this.database.getStats() as Record<string, number>;
    const pages = (stats.treeBranchPageCount ?? 0) + (stats.treeLeafPageCount ?? 0);
    return (pages + (stats.overflowPages ?? 0)) * (stats.pageSize ?? 4096);
  }

  async close(): Promise<void> {
    await this.database.flushed;
    await this.database.close();
    if (this.proving === undefined) return;
    clearTimeout(this.proving);
    unmark(this.folder);
  }
}

/** Where the system does not tell, there is room. */
function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function typed(thrown: unknown): unknown {
  if (thrown instanceof MillraceError) return thrown;
  const { message } = toError(thrown);
  if (codeOf(thrown) === 'ENOSPC' || /MDB_MAP_FULL|No space left/.test(message)) return full(thrown);
  // A full disk takes a part of a write first, which LMDB calls an input/output error, as one that is failing.
  if (message.includes('Input/output error')) {
    return stateFull(
      'The state could not be read or written: its disk is full, or failing.',
      ' Where there is space, look at the disk.',
      thrown,
    );
  }
  if (/MDB_(CORRUPTED|INVALID|PAGE_NOTFOUND|VERSION_MISMATCH|PANIC)/.test(message)) {
    return damaged(message, 'the state folder', thrown);
  }
  return thrown;
}

const full = (cause?: unknown): MillraceError =>
  stateFull(
    'There is no space left for the state: less than 64 MiB beside what is to be written.',
    '',
    cause,
  );

function stateFull(what: string, look: string, cause: unknown): MillraceError {
  const remedy = `Free disk space; the engine then goes on by itself.${look}`;
  return new MillraceError('state-full', what, { status: 507, remedy, canRetry: true, cause });
}

/** Exit code of the process that has read a state and found it damaged: no other end of a process has it. */
export const damagedCode = 65;

/** The system, and not the file, keeps a state from being read. */
export const isOfSystem = (thrown: unknown): boolean =>
  /No space left|MDB_MAP_FULL|Permission denied|Read-only file system|Too many open files/.test(
    toError(thrown).message,
  );

/** All in the message, which is what is left of an error that ends a thread. */
export function damaged(why: string, folder: string, cause?: unknown): MillraceError {
  const message = `The state cannot be read: ${why}. Remove ${folder}: it is made again from the log and the lake.`;
  return new MillraceError('state-damaged', message, { cause });
}
