// A partition that cannot be opened: it says why, and all others work as if it were not there.
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import type { Log, LogReader } from '../../src/flow/log.ts';
import { openSegmentLog } from '../../src/flow/segment-log.ts';
import { openSegmentReader } from '../../src/flow/segment-reader.ts';
import { batchOf } from '../contract/log.contract.ts';
import { openOn } from './log-power-loss.ts';
import { SimulatedDisk } from './simulated-disk.ts';

async function threePartitions(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(new Rng(1));
  const log = await openOn(disk);
  await log.createStream('s', { partitions: 3 });
  for (let i = 0; i < 3; i++) await log.append('s', i, batchOf([i], { key: 'k' }));
  await log.close();
  return disk;
}

/** Opening a file of partition 1 fails. */
function withoutPartition1(disk: SimulatedDisk): SimulatedDisk {
  const { open } = disk;
  disk.open = (path, how) =>
    path.includes('/s/1/')
      ? Promise.reject(Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }))
      : open.call(disk, path, how);
  return disk;
}

async function expectUnavailable(log: LogReader): Promise<void> {
  const unavailable = { code: 'partition-unavailable', status: 503 };
  await expect(log.range('s', 1)).rejects.toMatchObject(unavailable);
  await expect(log.read('s', 1, 1, new Uint8Array(50_000))).rejects.toMatchObject(unavailable);
  await expect(log.wait('s', 1, 0)).rejects.toMatchObject(unavailable);
  expect((await log.streams())[0]!.partitions.map(({ closed }) => closed)).toEqual([
    undefined,
    expect.stringContaining('could not be opened'),
    undefined,
  ]);
}

async function expectOthersWork(log: Log): Promise<void> {
  for (const partition of [0, 2]) {
    const answer = await log.append('s', partition, batchOf([5]));
    expect(answer).toMatchObject({ offset: 1, duplicate: false });
    const read = await log.read('s', partition, 0, new Uint8Array(50_000));
    expect(read.end).toBe(2);
  }
  await log.createStream('other');
  expect(await log.append('other', 0, batchOf([1]))).toMatchObject({ offset: 0 });
  expect(await log.retain({ maxBytes: 1e9 })).toBe(0);
}

it('refuses one partition with the reason and opens all others', async () => {
  const disk = await threePartitions();
  const log = await openOn(withoutPartition1(disk.copy(new Rng(2))));
  expect(log.problems()).toEqual([
    expect.stringMatching(/^s\/1 cannot be opened: EACCES: permission denied\. .*restart/),
  ]);
  await expect(log.append('s', 1, batchOf([9]))).rejects.toMatchObject({
    code: 'partition-closed',
    message: expect.stringContaining('EACCES'),
  });
  await expect(log.producerNext('s', 1, 'p')).rejects.toMatchObject({ code: 'partition-closed' });
  await expectUnavailable(log);
  await expectUnavailable(await openSegmentReader(structuredClone(log.share())));
  await expectOthersWork(log);
  await log.close();
});

it('takes the partition back with all it had at the next start', async () => {
  const disk = (await threePartitions()).copy(new Rng(3));
  const { open } = disk;
  await (await openOn(withoutPartition1(disk))).close();
  disk.open = open;
  const log = await openOn(disk);
  expect(log.problems()).toEqual([]);
  expect(await log.append('s', 1, batchOf([1], { key: 'k' }))).toMatchObject({ offset: 0, duplicate: true });
});

it('never starts a partition anew whose folder is missing', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-unavailable-'));
  try {
    const options = { dir, reserveBytes: 0 };
    const log = await openSegmentLog(options);
    await log.createStream('s', { partitions: 3 });
    for (let i = 0; i < 3; i++) await log.append('s', i, batchOf([i]));
    await log.close();
    const folder = join(dir, 'streams', 's', '1');
    await rename(folder, join(dir, 'elsewhere'));
    const without = await openSegmentLog(options);
    expect(without.problems()).toEqual([
      expect.stringContaining('s/1 cannot be opened: its folder is missing'),
    ]);
    await expectUnavailable(without);
    await expectOthersWork(without);
    await without.close();
    await writeFile(folder, 'a file where the folder should be');
    const blocked = await openSegmentLog(options);
    expect(blocked.problems()).toEqual([expect.stringMatching(/s\/1 cannot be opened: .*ENOTDIR/)]);
    await blocked.close();
    await rm(folder);
    await rename(join(dir, 'elsewhere'), folder);
    const whole = await openSegmentLog(options);
    expect(whole.problems()).toEqual([]);
    expect(await whole.range('s', 1)).toEqual({ first: 0, end: 1 });
    await whole.close();
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

it('misses the last partition too', async () => {
  const disk = await threePartitions();
  const bare = disk.copy(new Rng(6));
  await bare.removeDirectory('/log/streams/s/2');
  const without = await openOn(bare);
  expect(without.problems()).toEqual([
    expect.stringContaining('s/2 cannot be opened: its folder is missing'),
  ]);
  // A log of an earlier version does not state their number.
  await bare.unlink('/log/streams/s/partitions');
  const older = await openOn(bare.afterKill(new Rng(7)));
  expect(older.problems()).toEqual([]);
});

it('makes no stream whose partitions cannot be opened', async () => {
  const disk = new SimulatedDisk(new Rng(4));
  const log = await openOn(disk);
  const { list } = disk;
  disk.list = path =>
    path.endsWith('/s/1')
      ? Promise.reject(Object.assign(new Error('EIO: simulated'), { code: 'EIO' }))
      : list.call(disk, path);
  await expect(log.createStream('s', { partitions: 2 })).rejects.toMatchObject({ code: 'log-io' });
  disk.list = list;
  expect((await log.createStream('s', { partitions: 2 })).partitions).toHaveLength(2);
  expect(await log.append('s', 1, batchOf([1]))).toMatchObject({ offset: 0 });
});
