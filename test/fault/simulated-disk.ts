// A file system in memory that loses power as real ones may: whatever was not synced is dropped, reordered or
// torn by 512-byte sectors, names that were not synced with their directory go missing, a failed sync leaves the
// bytes in the cache marked clean. System calls can be made to fail by number. Deterministic from its seed.
import { basename, dirname } from 'node:path';
import type { Rng } from '../../src/core/rng.ts';
import { blockBytes, type FileSystem, type OpenFile } from '../../src/flow/file-system.ts';

const sectorBytes = 512;

type Pending = { kind: 'write'; position: number; bytes: Buffer } | { kind: 'truncate'; length: number };

/** Content that grows; reads as zeros where nothing was written. */
class Content {
  bytes = Buffer.alloc(4096);
  length = 0;
  write(position: number, chunk: Uint8Array): void {
    const end = position + chunk.length;
    if (end > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(end, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    this.bytes.set(chunk, position);
    this.length = Math.max(this.length, end);
  }
  truncate(length: number): void {
    if (length < this.length) this.bytes.fill(0, length, this.length);
    else if (length > this.length) this.write(length - 1, Buffer.alloc(1));
    this.length = length;
  }
  copy(): Content {
    const copy = new Content();
    copy.write(0, this.bytes.subarray(0, this.length));
    copy.length = this.length;
    return copy;
  }
}

class Inode {
  live = new Content();
  durable = new Content();
  pending: Pending[] = [];
  /** Sectors that take space; the others are holes. */
  readonly sectors = new Set<number>();

  /** How many of the bytes have space when so many more may be taken. */
  fit(position: number, length: number, free: number): number {
    let fits = 0;
    while (fits < length) {
      const sector = Math.floor((position + fits) / sectorBytes);
      if (!this.sectors.has(sector)) {
        if (free < sectorBytes) return fits;
        free -= sectorBytes;
      }
      fits = Math.min(length, (sector + 1) * sectorBytes - position);
    }
    return fits;
  }

  /** Bytes of space that are taken by writing there. */
  take(position: number, length: number): number {
    const before = this.sectors.size;
    for (let at = position; at < position + length; at = (Math.floor(at / sectorBytes) + 1) * sectorBytes) {
      this.sectors.add(Math.floor(at / sectorBytes));
    }
    return (this.sectors.size - before) * sectorBytes;
  }

  /** Bytes of space that are given back by cutting the file. */
  release(length: number): number {
    let released = 0;
    for (const sector of this.sectors) {
      if (sector * sectorBytes >= length && this.sectors.delete(sector)) released += sectorBytes;
    }
    return released;
  }
}

class Directory {
  readonly live = new Map<string, Inode | Directory>();
  readonly durable = new Map<string, Inode | Directory>();
  /** Each changes names of this directory all at once. */
  pending: ((names: Map<string, Inode | Directory>) => void)[] = [];
  change(apply: (names: Map<string, Inode | Directory>) => void): void {
    apply(this.live);
    this.pending.push(apply);
  }
}

export type Fault = 'EIO' | 'ENOSPC' | 'short';

export interface Call {
  name: string;
  path: string;
}

const failure = (code: string, name: string): Error =>
  Object.assign(new Error(`${code}: simulated, ${name}`), { code });

export class SimulatedDisk implements FileSystem {
  /** System calls so far. */
  calls = 0;
  isDead = false;
  /** Blocks written past the cache. */
  blocks = 0;
  free = 1e12;
  /** The call with this number, counted from 1, fails so. */
  fault: { at: number; how: Fault } | undefined;
  faultHit: Call | undefined;
  /** Power is lost at the call with this number. */
  dieAt = Number.POSITIVE_INFINITY;
  onCall: ((call: Call) => void) | undefined;
  /** Resolves when power is lost. */
  readonly died: Promise<void>;
  private readonly root: Directory;
  private readonly rng: Rng;
  private locked = false;
  private tellDeath = (): void => {};

  constructor(rng: Rng, root = new Directory()) {
    this.rng = rng;
    this.root = root;
    this.died = new Promise(resolve => {
      this.tellDeath = resolve;
    });
  }

  private count(name: string, path: string): Fault | undefined {
    if (this.isDead) return undefined;
    this.calls++;
    this.onCall?.({ name, path });
    if (this.calls >= this.dieAt) this.die();
    if (this.fault?.at !== this.calls) return undefined;
    this.faultHit = { name, path };
    return this.fault.how;
  }

  die(): void {
    this.isDead = true;
    this.tellDeath();
  }

  /** Passes time as a device does, then lets the call happen, fail, or never return. */
  private async call(name: string, path: string): Promise<Fault | undefined> {
    const fault = this.count(name, path);
    if (this.isDead) await new Promise(() => {});
    // Syncs are slow, so that more is written meanwhile.
    for (let turns = this.rng.below(name === 'sync' ? 5 : 2); turns > 0; turns--) {
      await new Promise(resolve => setImmediate(resolve));
    }
    if (this.isDead) await new Promise(() => {});
    // Only writes can be short; for the other calls the fault is an error.
    if (fault && (fault !== 'short' || name !== 'write'))
      throw failure(fault === 'short' ? 'EIO' : fault, name);
    return fault;
  }

  private callSync(name: string, path: string): Fault | undefined {
    const fault = this.count(name, path);
    if (this.isDead) throw failure('EIO', 'no power');
    if (fault && (fault !== 'short' || name !== 'write'))
      throw failure(fault === 'short' ? 'EIO' : fault, name);
    return fault;
  }

  private find(path: string): Inode | Directory | undefined {
    let at: Inode | Directory | undefined = this.root;
    for (const part of path.split('/').filter(Boolean)) {
      at = at instanceof Directory ? at.live.get(part) : undefined;
    }
    return at;
  }

  private directoryOf(path: string): Directory {
    const found = this.find(dirname(path));
    if (!(found instanceof Directory)) throw failure('ENOENT', path);
    return found;
  }

  async open(path: string, how: 'read' | 'write' | 'create'): Promise<OpenFile> {
    await this.call('open', path);
    const directory = this.directoryOf(path);
    const found = directory.live.get(basename(path));
    if (found instanceof Directory) throw failure('EISDIR', path);
    if (found) return this.fileOf(found, path);
    if (how !== 'create') throw failure('ENOENT', path);
    const inode = new Inode();
    directory.change(names => names.set(basename(path), inode));
    return this.fileOf(inode, path);
  }

  private fileOf(inode: Inode, path: string): OpenFile {
    const readNow = (target: Uint8Array, position: number): number => {
      const end = Math.min(inode.live.length, position + target.length);
      if (end <= position) return 0;
      target.set(inode.live.bytes.subarray(position, end));
      return end - position;
    };
    const writeNow = (chunks: readonly Uint8Array[], position: number, fault: Fault | undefined): number => {
      let bytes = Buffer.concat(chunks);
      if (fault === 'short') bytes = bytes.subarray(0, Math.max(1, bytes.length >> 1));
      // Like a real disk: part of it may fit.
      bytes = bytes.subarray(0, inode.fit(position, bytes.length, this.free));
      if (bytes.length === 0) throw failure('ENOSPC', 'write');
      inode.live.write(position, bytes);
      this.free -= inode.take(position, bytes.length);
      inode.pending.push({ kind: 'write', position, bytes });
      return bytes.length;
    };
    const truncateNow = (length: number): void => {
      this.free += inode.release(length);
      inode.live.truncate(length);
      inode.pending.push({ kind: 'truncate', length });
    };
    return {
      read: async (target, position) => {
        await this.call('read', path);
        return readNow(target, position);
      },
      readSync: (target, position) => {
        this.callSync('read', path);
        return readNow(target, position);
      },
      write: async (chunks, position) => writeNow(chunks, position, await this.call('write', path)),
      writeBlocks: async (chunks, position) => {
        const isWhole = (bytes: number): boolean => bytes % blockBytes === 0;
        if (
          !isWhole(position) ||
          !chunks.every(chunk => isWhole(chunk.length) && isWhole(chunk.byteOffset))
        ) {
          throw failure('EINVAL', 'writing past the cache');
        }
        const written = writeNow(chunks, position, await this.call('write', path));
        this.blocks += Math.floor(written / blockBytes);
        return written;
      },
      writeSync: (chunks, position) => writeNow(chunks, position, this.callSync('write', path)),
      sync: async () => {
        // Only what was written before the call is promised; what comes during it may not make it.
        const covered = inode.pending.length;
        try {
          await this.call('sync', path);
        } catch (thrown) {
          // The cache marks the pages clean although they never reached the disk.
          inode.pending.splice(0, covered);
          throw thrown;
        }
        for (const change of inode.pending.splice(0, covered)) apply(inode.durable, change);
      },
      truncate: async length => {
        await this.call('truncate', path);
        truncateNow(length);
      },
      size: async () => {
        await this.call('size', path);
        return inode.live.length;
      },
      close: async () => {},
    };
  }

  async list(path: string): Promise<string[]> {
    await this.call('list', path);
    const found = this.find(path);
    return found instanceof Directory ? [...found.live.keys()] : [];
  }

  async sizeOf(path: string): Promise<number | undefined> {
    await this.call('stat', path);
    const found = this.find(path);
    return found instanceof Inode ? found.live.length : undefined;
  }

  async makeDirectory(path: string): Promise<void> {
    await this.call('mkdir', path);
    let at = this.root;
    for (const part of path.split('/').filter(Boolean)) {
      let next = at.live.get(part);
      if (!next) {
        const made = new Directory();
        at.change(names => names.set(part, made));
        // The contract of makeDirectory: each name is synced.
        for (const change of at.pending.splice(0)) change(at.durable);
        next = made;
      }
      if (!(next instanceof Directory)) throw failure('ENOTDIR', path);
      at = next;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.call('rename', from);
    const directory = this.directoryOf(from);
    const moved = directory.live.get(basename(from));
    if (directory.live.get(basename(to)) instanceof Directory) throw failure('ENOTEMPTY', to);
    if (!moved || this.directoryOf(to) !== directory) throw failure('ENOENT', from);
    directory.change(names => {
      names.delete(basename(from));
      names.set(basename(to), moved);
    });
  }

  async unlink(path: string): Promise<void> {
    await this.call('unlink', path);
    const directory = this.directoryOf(path);
    const found = directory.live.get(basename(path));
    if (!(found instanceof Inode)) throw failure('ENOENT', path);
    this.free += found.release(0);
    directory.change(names => names.delete(basename(path)));
  }

  async removeDirectory(path: string): Promise<void> {
    await this.call('rmdir', path);
    this.directoryOf(path).change(names => names.delete(basename(path)));
  }

  async syncDirectory(path: string): Promise<void> {
    const found = this.find(path);
    if (!(found instanceof Directory)) throw failure('ENOENT', path);
    const covered = found.pending.length;
    await this.call('syncDirectory', path);
    for (const change of found.pending.splice(0, covered)) change(found.durable);
  }

  async freeBytes(path: string): Promise<number> {
    await this.call('statfs', path);
    return this.free;
  }

  async lock(): Promise<() => Promise<void>> {
    if (this.locked) throw new Error('locked twice');
    this.locked = true;
    return async () => {
      this.locked = false;
    };
  }

  /** The bytes of a file as the process sees them. */
  contentOf(path: string): Buffer {
    const found = this.find(path);
    if (!(found instanceof Inode)) throw failure('ENOENT', path);
    return Buffer.from(found.live.bytes.subarray(0, found.live.length));
  }

  /** Replaces a file's bytes for good, as damage to the medium does. */
  damage(path: string, bytes: Uint8Array): void {
    const found = this.find(path);
    if (!(found instanceof Inode)) throw failure('ENOENT', path);
    found.live = new Content();
    found.live.write(0, bytes);
    found.durable = found.live.copy();
    found.pending = [];
  }

  /** Every file, by path. */
  files(): string[] {
    const paths: string[] = [];
    const walk = (directory: Directory, path: string): void => {
      for (const [name, entry] of directory.live) {
        if (entry instanceof Directory) walk(entry, `${path}/${name}`);
        else paths.push(`${path}/${name}`);
      }
    };
    walk(this.root, '');
    return paths;
  }

  /** A copy with everything durable, for many damages of one state. */
  copy(rng: Rng): SimulatedDisk {
    return new SimulatedDisk(rng, copyDirectory(this.root, 'live'));
  }

  /** What is durable now and nothing else. */
  copyDurable(rng: Rng): SimulatedDisk {
    return new SimulatedDisk(rng, copyDirectory(this.root, 'durable'));
  }

  /** The process is gone, the machine runs on: what was written is all there. */
  afterKill(rng: Rng): SimulatedDisk {
    this.die();
    const next = new SimulatedDisk(rng, this.root);
    next.free = this.free;
    return next;
  }

  /** What a machine without power finds when it is started again. */
  afterPowerLoss(rng: Rng): SimulatedDisk {
    this.die();
    // Losses are of a kind for a whole disk, so that each seed explores one: much kept, little kept, a mixture.
    const keep = rng.pick([0, 0.1, 0.5, 0.9, 1]);
    const fillsWithNoise = rng.boolean(0.3);
    const revive = (directory: Directory): Directory => {
      const names = new Map(directory.durable);
      for (const change of directory.pending) if (rng.boolean(keep)) change(names);
      const next = new Directory();
      for (const [name, entry] of names) {
        const survivor = entry instanceof Directory ? revive(entry) : reviveFile(entry);
        next.live.set(name, survivor);
        next.durable.set(name, survivor);
      }
      return next;
    };
    const reviveFile = (inode: Inode): Inode => {
      const content = inode.durable.copy();
      for (const change of inode.pending) tear(content, change, rng, keep, fillsWithNoise);
      const next = new Inode();
      next.durable = content;
      next.live = content.copy();
      return next;
    };
    return new SimulatedDisk(rng, revive(this.root));
  }
}

function apply(content: Content, change: Pending): void {
  if (change.kind === 'write') content.write(change.position, change.bytes);
  else content.truncate(change.length);
}

/** Applies some sectors of a change; the length may grow without the bytes, leaving zeros or noise. */
function tear(content: Content, change: Pending, rng: Rng, keep: number, fillsWithNoise: boolean): void {
  if (change.kind === 'truncate') {
    if (rng.boolean(keep)) content.truncate(change.length);
    return;
  }
  const end = change.position + change.bytes.length;
  if (end > content.length && rng.boolean(keep)) {
    const from = content.length;
    content.truncate(end);
    if (fillsWithNoise) for (let at = from; at < end; at++) content.bytes[at] = rng.below(256);
  }
  for (let at = change.position; at < end; ) {
    const next = Math.min(end, (Math.floor(at / sectorBytes) + 1) * sectorBytes);
    if (rng.boolean(keep)) {
      content.write(at, change.bytes.subarray(at - change.position, next - change.position));
    }
    at = next;
  }
}

function copyDirectory(directory: Directory, which: 'live' | 'durable'): Directory {
  const next = new Directory();
  for (const [name, entry] of directory[which]) {
    let copy: Inode | Directory;
    if (entry instanceof Directory) {
      copy = copyDirectory(entry, which);
    } else {
      copy = new Inode();
      copy.live = entry[which].copy();
      copy.durable = entry[which].copy();
    }
    next.live.set(name, copy);
    next.durable.set(name, copy);
  }
  return next;
}
