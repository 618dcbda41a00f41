// The file system as the log sees it: every call the log makes goes through this interface, so that a test can
// stand a failing or power-losing one under it. Invariant of the callers: nothing is called durable before
// `sync` of the file, and of its directory where a name was made, changed or removed, has resolved.
import * as fs from 'node:fs';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { codeOf } from '../core/errors.ts';
import { lockFolder } from './folder-lock.ts';

/** What writes past the cache are made of: no device of today asks for more, and a page of memory is no less. */
export const blockBytes = 4096;

export interface OpenFile {
  /** Reads up to target.length bytes; resolves with the number read, less only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** The same without leaving the thread: for worker threads, whose only work this is. */
  readSync(target: Uint8Array, position: number): number;
  /** Writes the chunks back to back; may write less than all of them and resolves with the bytes written. */
  write(chunks: readonly Uint8Array[], position: number): Promise<number>;
  /** The same without leaving the thread: for what is small, where going to another would take longer. */
  writeSync(chunks: readonly Uint8Array[], position: number): number;
  /**
   * Writes whole blocks past the system's cache: position, memory and length of every chunk are multiples of
   * `blockBytes`. May write less and resolves with the bytes written: 0 where this file system cannot.
   */
  writeBlocks(chunks: readonly Uint8Array[], position: number): Promise<number>;
  /** fdatasync: the bytes, and the length where it changed, are on the device afterwards. */
  sync(): Promise<void>;
  /** Cuts the file. */
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface FileSystem {
  /** Errors carry the system's code: ENOENT without `create` and without the file. */
  open(path: string, how: 'read' | 'write' | 'create'): Promise<OpenFile>;
  /** Names in the directory; empty where it does not exist. */
  list(directory: string): Promise<string[]>;
  /** Bytes in the file, or undefined where it does not exist. */
  sizeOf(path: string): Promise<number | undefined>;
  /** Makes the directory and its missing parents, each name synced; no error where it exists. */
  makeDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Removes a directory and all in it. */
  removeDirectory(path: string): Promise<void>;
  /** Makes creations, renames and removals inside the directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes an unprivileged process may still write. */
  freeBytes(path: string): Promise<number>;
  /** Takes the folder for this process; throws `log-locked`. Resolves with the release. */
  lock(directory: string): Promise<() => Promise<void>>;
}

const open = promisify(fs.open);
const close = promisify(fs.close);
const fstat = promisify(fs.fstat);
const ftruncate = promisify(fs.ftruncate);

/** Linux only; elsewhere files are written through the cache. */
const directFlag: number | undefined = fs.constants.O_DIRECT;

class DiskFile implements OpenFile {
  private readonly fd: number;
  private readonly path: string;
  /** The same file past the cache, once it was asked for; undefined in it where that cannot be. */
  private direct: { fd: number | undefined } | undefined;
  constructor(fd: number, path: string) {
    this.fd = fd;
    this.path = path;
  }
  read(target: Uint8Array, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      let done = 0;
      const step = (): void => {
        fs.read(this.fd, target, done, target.length - done, position + done, (error, count) => {
          if (error) return reject(error);
          done += count;
          if (count === 0 || done === target.length) resolve(done);
          else step();
        });
      };
      step();
    });
  }
  readSync(target: Uint8Array, position: number): number {
    let done = 0;
    while (done < target.length) {
      const count = fs.readSync(this.fd, target, done, target.length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }
  write(chunks: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, written: number): void => (error ? reject(error) : resolve(written));
      if (chunks.length === 1) fs.write(this.fd, chunks[0]!, 0, chunks[0]!.length, position, done);
      else fs.writev(this.fd, chunks as Uint8Array[], position, done);
    });
  }
  writeSync(chunks: readonly Uint8Array[], position: number): number {
    if (chunks.length === 1) return fs.writeSync(this.fd, chunks[0]!, 0, chunks[0]!.length, position);
    return fs.writevSync(this.fd, chunks as Uint8Array[], position);
  }
  async writeBlocks(chunks: readonly Uint8Array[], position: number): Promise<number> {
    this.direct ??= { fd: await openPastCache(this.path) };
    const { fd } = this.direct;
    if (fd === undefined) return 0;
    try {
      return await writev(fd, chunks, position);
    } catch (thrown) {
      // Some file systems open such files and refuse the write.
      if (!isUnsupported(thrown)) throw thrown;
      this.direct.fd = undefined;
      await close(fd);
      return 0;
    }
  }
  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.fd, error => (error ? reject(error) : resolve()));
    });
  }
  truncate(length: number): Promise<void> {
    return ftruncate(this.fd, length);
  }
  async size(): Promise<number> {
    return (await fstat(this.fd)).size;
  }
  async close(): Promise<void> {
    if (this.direct?.fd !== undefined) await close(this.direct.fd);
    await close(this.fd);
  }
}

const isUnsupported = (thrown: unknown): boolean =>
  ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(thrown)!);

async function openPastCache(path: string): Promise<number | undefined> {
  if (directFlag === undefined) return undefined;
  try {
    return await open(path, fs.constants.O_WRONLY | directFlag);
  } catch (thrown) {
    if (isUnsupported(thrown)) return undefined;
    throw thrown;
  }
}

const writev = (fd: number, chunks: readonly Uint8Array[], position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    fs.writev(fd, chunks as Uint8Array[], position, (error, written) =>
      error ? reject(error) : resolve(written),
    );
  });

const flags = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
};

/** The machine's own file system. */
export const diskFileSystem: FileSystem = {
  async open(path, how) {
    return new DiskFile(await open(path, flags[how], 0o640), path);
  },
  async list(directory) {
    try {
      return await fs.promises.readdir(directory);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw thrown;
    }
  },
  async sizeOf(path) {
    try {
      return (await fs.promises.stat(path)).size;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw thrown;
    }
  },
  async makeDirectory(path) {
    const made = await fs.promises.mkdir(path, { recursive: true, mode: 0o750 });
    if (made === undefined) return;
    for (let at = resolve(path); ; at = dirname(at)) {
      await this.syncDirectory(dirname(at));
      if (at === resolve(made)) return;
    }
  },
  rename: (from, to) => fs.promises.rename(from, to),
  unlink: path => fs.promises.unlink(path),
  removeDirectory: path => fs.promises.rm(path, { recursive: true, force: true }),
  async syncDirectory(path) {
    const handle = await fs.promises.open(path, fs.constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async freeBytes(path) {
    const { bavail, bsize } = await fs.promises.statfs(path);
    return bavail * bsize;
  },
  lock: lockFolder,
};

/** What is left of the chunks after `written` bytes of them. */
function restOf(chunks: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  if (written === 0) throw Object.assign(new Error('EIO: a write wrote nothing'), { code: 'EIO' });
  let whole = 0;
  while (whole < chunks.length && written >= chunks[whole]!.length) written -= chunks[whole++]!.length;
  const rest = chunks.slice(whole);
  if (written > 0) rest[0] = rest[0]!.subarray(written);
  return rest;
}

/** Linux takes at most so many chunks a call (IOV_MAX). */
const chunksMax = 1024;
const atMost = (chunks: readonly Uint8Array[]): readonly Uint8Array[] =>
  chunks.length > chunksMax ? chunks.slice(0, chunksMax) : chunks;

/** Writes all of the chunks, none of them empty, continuing after short writes. */
export async function writeFully(
  file: OpenFile,
  chunks: readonly Uint8Array[],
  position: number,
): Promise<void> {
  for (let at = position; chunks.length > 0; ) {
    const written = await file.write(atMost(chunks), at);
    chunks = restOf(chunks, written);
    at += written;
  }
}

/** The same without leaving the thread. */
export function writeFullySync(file: OpenFile, chunks: readonly Uint8Array[], position: number): void {
  for (let at = position; chunks.length > 0; ) {
    const written = file.writeSync(atMost(chunks), at);
    chunks = restOf(chunks, written);
    at += written;
  }
}
