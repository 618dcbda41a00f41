// What is known of producers outlives everything but their number: any distance in the log, retention, restarts, and
// damage to the newest snapshot.
import { expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { verify } from '../../src/flow/log-verification.ts';
import type { SegmentLog } from '../../src/flow/segment-log.ts';
import { batchOf } from '../contract/log.contract.ts';
import { openOn } from './log-power-loss.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const quiet = { id: 'quiet', first: 10, next: 12 };

/** A log in which two producers spoke once and have been quiet over many segments since. */
async function quietLog(seed: number, retains: boolean): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(new Rng(seed));
  const log = await openOn(disk);
  await log.createStream('s');
  await log.append('s', 0, batchOf([0, 1], quiet));
  await log.append('s', 0, batchOf([2], { key: 'once' }));
  for (let i = 3; i < 200; i++) await log.append('s', 0, batchOf([i], undefined, 100));
  if (retains) expect(await log.retain({ maxBytes: 5000 })).toBeGreaterThan(100);
  await log.close();
  return disk;
}

const snapshotsOf = (disk: SimulatedDisk): string[] =>
  disk
    .files()
    .filter(path => path.endsWith('.producers'))
    .sort();

async function expectRemembered(log: SegmentLog): Promise<void> {
  const repeat = await log.append('s', 0, batchOf([0, 1], quiet));
  expect(repeat).toMatchObject({ offset: 0, count: 2, duplicate: true });
  const key = await log.append('s', 0, batchOf([2], { key: 'once' }));
  expect(key).toMatchObject({ offset: 2, duplicate: true });
  expect(await log.producerNext('s', 0, 'quiet')).toBe(12);
  const gap = { id: 'quiet', first: 13, next: 14 };
  await expect(log.append('s', 0, batchOf([1], gap))).rejects.toMatchObject({ code: 'sequence-gap' });
}

it.each([false, true])('remembers who was quiet over many segments (removed since: %s)', async retains => {
  const disk = await quietLog(1, retains);
  // Two snapshots are kept, whatever the number of segments.
  expect(snapshotsOf(disk)).toHaveLength(2);
  for (const revived of [disk.copy(new Rng(2)), disk.afterPowerLoss(new Rng(3))]) {
    const log = await openOn(revived);
    await expectRemembered(log);
    for (let i = 0; i < 100; i++) await log.append('s', 0, batchOf([i], undefined, 100));
    await expectRemembered(log);
    await log.close();
  }
});

it('falls back to the snapshot before where the newest is damaged', async () => {
  const disk = await quietLog(4, false);
  const [, newest] = snapshotsOf(disk);
  disk.damage(newest!, disk.contentOf(newest!).fill(7, 40, 41));
  const { problems, eventsLost } = await verify('/log', { fs: disk.copy(new Rng(8)), reserveBytes: 0 });
  expect(problems).toEqual([expect.stringMatching(/^The snapshot of producers at \d+ of s\/0 is damaged/)]);
  expect(eventsLost).toBe(0);
  await expectRemembered(await openOn(disk));
});

it('reads the index alone where there is no snapshot', async () => {
  const disk = await quietLog(5, false);
  for (const path of snapshotsOf(disk)) await disk.unlink(path);
  await expectRemembered(await openOn(disk));
});

it('lets a producer go on where the records of its last batches are damaged', async () => {
  const disk = new SimulatedDisk(new Rng(6));
  const log = await openOn(disk);
  await log.createStream('s');
  const send = (to: SegmentLog, n: number) =>
    to.append('s', 0, batchOf([n], { id: 'p', first: n, next: n + 1 }));
  for (let n = 0; n < 3; n++) await send(log, n);
  await log.append('s', 0, batchOf([9]));
  await log.close();
  const [index] = disk.files().filter(path => path.endsWith('.index'));
  disk.damage(index!, disk.contentOf(index!).fill(0xff, 2 * 80, 2 * 80 + 10));
  const again = await openOn(disk);
  // Number 2 was on record there. That 3 is next cannot be seen any more, nor that it is not.
  expect(await send(again, 3)).toMatchObject({ duplicate: false });
  await expect(send(again, 6)).rejects.toMatchObject({ code: 'sequence-gap' });
});

it('forgets what damage took from the end, also in a snapshot', async () => {
  const disk = new SimulatedDisk(new Rng(7));
  const log = await openOn(disk);
  await log.createStream('s');
  for (let i = 0; i < 60; i++) await log.append('s', 0, batchOf([i], { key: `k${i}` }, 100));
  const { end } = await log.range('s', 0);
  await log.close();
  // Both files of the two newest segments are gone: their offsets are given out again.
  const gone = disk.files().filter(path => /\.(ndjson|index)$/.test(path));
  for (const path of gone.sort().slice(-4)) await disk.unlink(path);
  const again = await openOn(disk);
  const { end: left } = await again.range('s', 0);
  expect(left).toBeLessThan(end);
  const lost = await again.append('s', 0, batchOf([59], { key: 'k59' }));
  expect(lost).toMatchObject({ offset: left, duplicate: false });
  expect(await again.append('s', 0, batchOf([0], { key: 'k0' }))).toMatchObject({ duplicate: true });
});
