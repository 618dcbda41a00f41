// State on disk in LMDB. A commit is in the page cache when `transaction` returns, so kill -9 loses nothing; the sync
// to disk follows by itself (overlapping sync), and after power loss LMDB opens at the last transaction it synced whole.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { codeOf, MillraceError, toError } from '../core/errors.ts';
import type { StateEntry, StateReader, StateStore, StateTransaction } from './state.ts';

/** LMDB's own bound with 4 KB pages. */
export const stateKeyBytesMax = 1978;
const deleteStep = 4096;

/** Opens or makes the environment `<folder>/state.lmdb`. Any thread may open it too; one of them writes. */
export function openLmdbState(folder: string, options: { readOnly?: boolean } = {}): StateStore {
  mkdirSync(folder, { recursive: true });
  try {
    const database = open<Uint8Array, Uint8Array>({
      path: join(folder, 'state.lmdb'),
      noSubdir: true,
      keyEncoding: 'binary',
      encoding: 'binary',
      readOnly: options.readOnly ?? false,
      // LMDB's pages keep what a shorter value left: the state holds nothing that the log beside it does not.
      noMemInit: true,
    });
    return new LmdbState(database);
  } catch (thrown) {
    throw typed(thrown);
  }
}

class LmdbState implements StateStore, StateTransaction {
  private readonly database: RootDatabase<Uint8Array, Uint8Array>;

  constructor(database: RootDatabase<Uint8Array, Uint8Array>) {
    this.database = database;
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
  }
}

function typed(thrown: unknown): unknown {
  if (thrown instanceof MillraceError) return thrown;
  const { message } = toError(thrown);
  const isFull = codeOf(thrown) === 'ENOSPC' || /MDB_MAP_FULL|No space left/.test(message);
  // A full disk takes a part of a write first, which LMDB calls an input/output error, as one that is failing.
  if (isFull || message.includes('Input/output error')) {
    const what = isFull
      ? 'There is no space left for the state.'
      : 'The state could not be read or written: its disk is full, or failing.';
    const look = isFull ? '' : ' Where there is space, look at the disk.';
    return new MillraceError('state-full', what, {
      status: 507,
      remedy: `Free disk space; the engine then goes on by itself.${look}`,
      canRetry: true,
      cause: thrown,
    });
  }
  if (/MDB_(CORRUPTED|INVALID|PAGE_NOTFOUND|VERSION_MISMATCH|PANIC)/.test(message)) {
    return new MillraceError('state-damaged', `The state cannot be read: ${message}`, {
      remedy: 'Remove the state folder: it is rebuilt from the log and the lake.',
      cause: thrown,
    });
  }
  return thrown;
}
