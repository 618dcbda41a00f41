// Writing and syncing as a pipeline, over a file system whose syncs end when the test says so: while one group is made durable the
// next is written, and no more than two groups are under way.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { diskFileSystem, type FileSystem } from './file-system.ts';
import { openSegmentLog } from './segment-log.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-overlap-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Counts the writes to segments; each of their syncs waits for `release` once `isHeld` is set. */
class HeldDisk {
  writes = 0;
  isHeld = false;
  readonly waiting: (() => void)[] = [];
  readonly fs: FileSystem = {
    ...diskFileSystem,
    open: async (path, how) => {
      const file = await diskFileSystem.open(path, how);
      if (!path.endsWith('.ndjson')) return file;
      const { write, writeSync, sync } = file;
      file.write = (...all) => {
        this.writes++;
        return write.apply(file, all);
      };
      file.writeSync = (...all) => {
        this.writes++;
        return writeSync.apply(file, all);
      };
      file.sync = async () => {
        if (this.isHeld) await new Promise<void>(resolve => this.waiting.push(resolve));
        return sync.call(file);
      };
      return file;
    },
  };

  release(): void {
    this.waiting.shift()!();
  }
}

it('each group is written beside the sync of the one before, and never a third', async () => {
  const disk = new HeldDisk();
  const limits = { groupBytes: 1000, overlapBytes: 100, reserveBytes: 0 };
  const log = await openSegmentLog({ dir, fs: disk.fs, ...limits });
  await log.createStream('s');
  const append = (n: number) =>
    log.append('s', 0, { bytes: Buffer.from(`{"n":${n},"pad":"${'x'.repeat(880)}"}\n`), count: 1 });
  await append(0);
  disk.isHeld = true;
  const before = disk.writes;
  const appends = [1, 2, 3, 4, 5].map(append);
  let acknowledged = 0;
  for (const one of appends) void one.then(() => acknowledged++);
  for (let synced = 0; synced < 4; synced++) {
    // The sync of group `synced + 1` is under way, and the group after it is written meanwhile.
    await vi.waitFor(() => expect([disk.waiting.length, disk.writes - before]).toEqual([1, synced + 2]));
    await sleep(20);
    expect([disk.waiting.length, disk.writes - before, acknowledged]).toEqual([1, synced + 2, synced]);
    disk.release();
  }
  await vi.waitFor(() => expect(disk.waiting).toHaveLength(1));
  disk.isHeld = false;
  disk.release();
  const results = await Promise.all(appends);
  expect(results.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);
  await log.close();
});
