// The hole that a busy segment has behind it: only while it is filled, and gone whenever somebody may look.
import { expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import type { SegmentLog } from '../../src/flow/segment-log.ts';
import { batchOf } from '../contract/log.contract.ts';
import { FakeClock } from './fake-clock.ts';
import { newest } from './log-damage.ts';
import { openOn } from './log-power-loss.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const limits = { segmentBytes: 20_000, segmentRecords: 1000, roomBytes: 3000, busyBytes: 600 };

interface Filled {
  disk: SimulatedDisk;
  log: SegmentLog;
  clock: FakeClock;
  /** Bytes of events that were appended. */
  bytes: number;
}

async function fill(seed: number, batches: number): Promise<Filled> {
  const disk = new SimulatedDisk(new Rng(seed));
  const clock = new FakeClock();
  const log = await openOn(disk, { ...limits, clock });
  await log.createStream('s');
  let bytes = 0;
  for (let i = 0; i < batches; i++) {
    const batch = batchOf([i], undefined, 100);
    await log.append('s', 0, batch);
    bytes += batch.bytes.length;
  }
  return { disk, log, clock, bytes };
}

const dataOf = (disk: SimulatedDisk): Buffer => disk.contentOf(newest(disk, 'ndjson'));

const turns = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await new Promise(resolve => setImmediate(resolve));
};

it('is not there while little is written', async () => {
  const { disk, bytes } = await fill(1, 3);
  expect(dataOf(disk).length).toBe(bytes);
});

it('is zeros behind the events while a segment is filled', async () => {
  const { disk, bytes } = await fill(2, 20);
  const data = dataOf(disk);
  expect(data.length).toBeGreaterThan(bytes);
  expect(data.length).toBeLessThanOrEqual(bytes + limits.roomBytes);
  expect(data.subarray(bytes).every(byte => byte === 0)).toBe(true);
});

it('is gone after a pause, and comes back only with the next rush', async () => {
  const { disk, log, clock, bytes } = await fill(3, 20);
  for (let second = 0; second < 2; second++) {
    clock.advance(1000);
    await turns();
  }
  expect(dataOf(disk).length).toBe(bytes);
  const batch = batchOf([20], undefined, 100);
  await log.append('s', 0, batch);
  expect(dataOf(disk).length).toBe(bytes + batch.bytes.length);
  for (let i = 21; i < 30; i++) await log.append('s', 0, batchOf([i], undefined, 100));
  expect(dataOf(disk).at(-1)).toBe(0);
  await log.close();
  expect(dataOf(disk).at(-1)).toBe(0x0a);
});

it('is gone when the next segment begins, and after a crash or a loss of power', async () => {
  const { disk, bytes } = await fill(4, 20);
  const killed = disk.copy(new Rng(5));
  await openOn(killed, limits);
  expect(dataOf(killed).length).toBe(bytes);
  const lost = disk.afterPowerLoss(new Rng(6));
  await openOn(lost, limits);
  expect(dataOf(lost).length).toBe(bytes);
  const many = await fill(7, 300);
  const segments = many.disk.files().filter(path => path.endsWith('.ndjson'));
  expect(segments.length).toBeGreaterThan(1);
  for (const path of segments.sort().slice(0, -1)) expect(many.disk.contentOf(path).at(-1)).toBe(0x0a);
});
