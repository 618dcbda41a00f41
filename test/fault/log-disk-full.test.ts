// A full disk: appends are refused with 507, reads go on, and writing resumes by itself once there is room; on a
// small tmpfs where mounting is permitted, and on the simulated disk, whose clock shows how long it took.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import type { Log } from '../../src/flow/log.ts';
import { openSegmentLog } from '../../src/flow/segment-log.ts';
import { batchOf, idsIn } from '../contract/log.contract.ts';
import { FakeClock } from './fake-clock.ts';
import { openOn } from './log-power-loss.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve));
};

/** Appends until refused; the ids that were accepted. */
async function fill(
  log: Log,
  ids: number[],
  paddingBytes: number,
): Promise<{ code: string; status: number }> {
  for (let id = ids.length; id < 100_000; id++) {
    try {
      await log.append('s', 0, batchOf([id], { key: `k${id}` }, paddingBytes));
      ids.push(id);
    } catch (thrown) {
      return thrown as { code: string; status: number };
    }
  }
  throw new Error('the disk never filled');
}

it.each([0, 20_000])(
  'refuses below a reserve of %d bytes and resumes within five seconds',
  async reserveBytes => {
    const disk = new SimulatedDisk(new Rng(1));
    disk.free = 200_000;
    const clock = new FakeClock();
    const log = await openOn(disk, { clock, reserveBytes, segmentBytes: 30_000 });
    await log.createStream('s');
    const ids: number[] = [];
    expect(await fill(log, ids, 1000)).toMatchObject({ code: 'disk-full', status: 507, canRetry: true });
    if (reserveBytes > 0) expect(disk.free).toBeGreaterThan(reserveBytes / 2);
    expect(log.problems().join()).toContain('appends are refused');
    expect(await idsIn(log, 's')).toEqual(ids);
    // Still full: time alone changes nothing.
    clock.advance(10_000);
    await turns();
    await expect(log.append('s', 0, batchOf([ids.length]))).rejects.toMatchObject({ code: 'disk-full' });
    disk.free += 2_000_000;
    clock.advance(5000);
    await turns();
    await log.append('s', 0, batchOf([ids.length], { key: `k${ids.length}` }));
    ids.push(ids.length);
    expect(await idsIn(log, 's')).toEqual(ids);
    expect(log.problems()).toEqual([]);
    await log.close();
    const again = await openOn(disk.afterPowerLoss(new Rng(2)));
    expect(await idsIn(again, 's')).toEqual(ids);
  },
);

it('takes nothing back when only part of a group fits', async () => {
  const disk = new SimulatedDisk(new Rng(3));
  const log = await openOn(disk, { segmentBytes: 100_000 });
  await log.createStream('s');
  await log.append('s', 0, batchOf([0]));
  disk.free = 1500;
  const settled = await Promise.allSettled(
    Array.from({ length: 6 }, (_, i) => log.append('s', 0, batchOf([i + 1], { key: `${i}` }, 1000))),
  );
  expect(settled.some(({ status }) => status === 'rejected')).toBe(true);
  const accepted = settled.flatMap((one, i) => (one.status === 'fulfilled' ? [i + 1] : []));
  expect(await idsIn(log, 's')).toEqual([0, ...accepted]);
  const killed = await openOn(disk.afterKill(new Rng(4)));
  expect(await idsIn(killed, 's')).toEqual([0, ...accepted]);
});

it('fills a small tmpfs, reads on, and resumes after space is freed', async ({ skip }) => {
  const mount = await mkdtemp(join(tmpdir(), 'millrace-tmpfs-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount], { encoding: 'utf8' });
  if (mounted.error || mounted.status !== 0) {
    await rm(mount, { recursive: true });
    return skip(`a tmpfs cannot be mounted here: ${mounted.error?.message ?? mounted.stderr.trim()}`);
  }
  try {
    const ballast = join(mount, 'ballast');
    await writeFile(ballast, Buffer.alloc(1_000_000));
    const dir = join(mount, 'log');
    // As if to be written past the cache, which this file system may not have.
    let log = await openSegmentLog({ dir, reserveBytes: 0, segmentBytes: 200_000, directBytes: 1 });
    await log.createStream('s');
    const ids: number[] = [];
    expect(await fill(log, ids, 5000)).toMatchObject({ code: 'disk-full', status: 507 });
    expect(ids.length).toBeGreaterThan(100);
    expect(await idsIn(log, 's')).toEqual(ids);
    await unlink(ballast);
    let tries = 0;
    for (; tries < 50; tries++) {
      try {
        await log.append('s', 0, batchOf([ids.length], { key: `k${ids.length}` }));
        ids.push(ids.length);
        break;
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'disk-full' });
        await new Promise(resolve => setTimeout(resolve, 100));
      }
    }
    expect(tries).toBeLessThan(50);
    await log.close();
    log = await openSegmentLog({ dir, reserveBytes: 0 });
    expect(await idsIn(log, 's')).toEqual(ids);
    expect(log.problems()).toEqual([]);
    await log.close();
  } finally {
    spawnSync('umount', [mount]);
    await rm(mount, { recursive: true, force: true });
  }
});
