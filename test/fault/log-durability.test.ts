// What each durability keeps, what a failed sync does, and that damage is said by the verification.
import { expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { verify } from '../../src/flow/log-verification.ts';
import type { Durability } from '../../src/flow/segment-log.ts';
import { batchOf, idsIn } from '../contract/log.contract.ts';
import { FakeClock } from './fake-clock.ts';
import { openOn } from './log-power-loss.ts';
import { everySeed } from './rounds.ts';
import { SimulatedDisk } from './simulated-disk.ts';

const turns = async (count = 30): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve));
};

it.each<[string, Durability]>([
  ['interval', { intervalMs: 50 }],
  ['os', 'os'],
])('with %s, keeps all through a kill and a prefix through a power loss', async (name, durability) => {
  let lostSome = 0;
  await everySeed({ count: 60, seed: 1 }, async seed => {
    const rng = new Rng(seed);
    const disk = new SimulatedDisk(rng.fork());
    const clock = new FakeClock();
    const log = await openOn(disk, { clock, durability });
    await log.createStream('s');
    for (let i = 0; i < 30; i++) await log.append('s', 0, batchOf([i], { key: `${i}` }, rng.below(100)));
    clock.advance(50);
    await turns();
    for (let i = 30; i < 40; i++) await log.append('s', 0, batchOf([i], { key: `${i}` }, rng.below(100)));
    const isKilled = seed % 3 === 0;
    const after = await openOn(isKilled ? disk.afterKill(rng) : disk.afterPowerLoss(rng));
    const ids = await idsIn(after, 's');
    expect(ids).toEqual(Array.from({ length: ids.length }, (_, i) => i));
    if (isKilled) expect(ids.length).toBe(40);
    else if (name === 'interval') expect(ids.length).toBeGreaterThanOrEqual(30);
    if (ids.length < 40) lostSome++;
    // What was taken back may be sent again.
    for (let i = 0; i < 40; i++) await after.append('s', 0, batchOf([i], { key: `${i}` }));
    expect(await idsIn(after, 's')).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });
  // The test would prove nothing if the simulated power loss took nothing.
  expect(lostSome).toBeGreaterThan(5);
});

it('closes the partition after a failed sync, says so, and verifies at the restart', async () => {
  const disk = new SimulatedDisk(new Rng(5));
  const log = await openOn(disk);
  await log.createStream('s', { partitions: 2 });
  await log.append('s', 0, batchOf([0], { key: '0' }));
  await log.append('s', 1, batchOf([0]));
  disk.onCall = ({ name, path }) => {
    if (name !== 'sync' || !path.endsWith('.ndjson') || !path.includes('/s/0/')) return;
    disk.fault = { at: disk.calls, how: 'EIO' };
    disk.onCall = undefined;
  };
  const closed = { code: 'partition-closed', status: 503 };
  await expect(log.append('s', 0, batchOf([1], { key: '1' }))).rejects.toMatchObject(closed);
  await expect(log.append('s', 0, batchOf([2], { key: '2' }))).rejects.toMatchObject(closed);
  expect(log.problems().join()).toContain('s/0 accepts no appends');
  expect((await log.streams())[0]!.partitions[0]!.closed).toContain('EIO');
  // What was durable is still read, the other partition still accepts, retention leaves the closed one alone.
  expect(await idsIn(log, 's', 0)).toEqual([0]);
  await log.append('s', 1, batchOf([1]));
  await log.retain({ maxBytes: 0 });
  await log.close();
  // The cache still shows what the disk does not have; the restart must make it durable before it shows it.
  const restarted = disk.afterKill(new Rng(6));
  const second = await openOn(restarted);
  expect(second.problems()).toEqual([]);
  const repeat = await second.append('s', 0, batchOf([1], { key: '1' }));
  expect(repeat).toMatchObject({ duplicate: true, offset: 1 });
  for (let seed = 0; seed < 20; seed++) {
    const third = await openOn(restarted.copyDurable(new Rng(seed)));
    expect(await idsIn(third, 's', 0)).toEqual([0, 1]);
  }
});

it('trusts an idle log: a second without appends leaves a seal that a restart relies on', async () => {
  const disk = new SimulatedDisk(new Rng(8));
  const clock = new FakeClock();
  const log = await openOn(disk, { clock });
  await log.createStream('s');
  await log.append('s', 0, batchOf([0]));
  await turns();
  clock.advance(1000);
  await turns();
  // A bit of the last batch flips while nobody looks: with the seal it is damage, without it a torn append.
  const path = disk.files().find(name => name.endsWith('.ndjson'))!;
  const bytes = disk.contentOf(path);
  bytes[3]! ^= 1;
  disk.damage(path, bytes);
  const again = await openOn(disk.afterKill(new Rng(9)));
  expect(await again.range('s', 0)).toEqual({ first: 0, end: 1 });
  await expect(again.read('s', 0, 0, new Uint8Array(1000))).rejects.toMatchObject({
    code: 'log-damaged',
    context: { first: 0, end: 1 },
  });
});

it('verifies a whole log: numbers where all is well, sentences with offsets where it is not', async () => {
  const disk = new SimulatedDisk(new Rng(7));
  const log = await openOn(disk);
  await log.createStream('s');
  let bytes = 0;
  for (let i = 0; i < 60; i++) {
    const batch = batchOf([2 * i, 2 * i + 1], { key: `${i}` }, 100);
    bytes += batch.bytes.length;
    await log.append('s', 0, batch);
  }
  await log.close();
  const options = { fs: disk, segmentBytes: 4000, maxBatchBytes: 20_000, reserveBytes: 0 };
  expect(await verify('/log', options)).toEqual({
    streams: 1,
    partitions: 1,
    batches: 60,
    events: 120,
    bytes,
    eventsLost: 0,
    damage: [],
    problems: [],
  });
  const path = disk.files().find(name => name.endsWith('0000.ndjson'))!;
  const content = disk.contentOf(path);
  content[content.indexOf('"id":6')]! ^= 4;
  disk.damage(path, content);
  const middle = disk
    .files()
    .filter(name => name.endsWith('.index'))
    .sort()[2]!;
  await disk.unlink(middle);
  const first = Number(/(\d{20})/.exec(middle)![1]);
  const found = await verify('/log', options);
  expect(found.damage.map(damage => [damage.first, damage.end])).toEqual([
    [6, 8],
    [first, expect.any(Number)],
  ]);
  expect(found.events + found.eventsLost).toBe(120);
  expect(found.problems.join(' ')).toContain('Offsets 6 to 7 of s/0 are damaged on disk');
  await expect(verify('/nothing', options)).rejects.toMatchObject({ code: 'no-log' });
});
