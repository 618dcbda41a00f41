// Load that the log must bear: repeats from many producers at once, a slow reader, retention under readers,
// clocks that leap, a queue that is full.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MillraceError } from '../../src/core/errors.ts';
import { Rng } from '../../src/core/rng.ts';
import { openSegmentLog, type SegmentLog } from '../../src/flow/segment-log.ts';
import { batchOf, idsIn } from '../contract/log.contract.ts';
import { FakeClock } from './fake-clock.ts';
import { openOn } from './log-power-loss.ts';
import { SimulatedDisk } from './simulated-disk.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-load-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

it('appends once what 64 producers send three times each, with a restart in between', async () => {
  const rng = new Rng(64);
  const options = { dir, segmentBytes: 50_000, reserveBytes: 0 };
  let log = await openSegmentLog(options);
  await log.createStream('s', { partitions: 2 });
  const offsets = new Map<number, number>();
  for (let half = 0; half < 2; half++) {
    const current: SegmentLog = log;
    await Promise.all(
      Array.from({ length: 64 }, async (_, producer) => {
        for (let n = half * 8; n < half * 8 + 8; n++) {
          const id = producer * 1000 + n;
          const by = producer % 2 === 0 ? { key: `${id}` } : { id: `p${producer}`, first: n, next: n + 1 };
          const send = () => current.append('s', producer % 2, batchOf([id], by, rng.below(200)));
          // Twice at the same time, then a third time.
          const results = [...(await Promise.all([send(), send()])), await send()];
          expect(results.map(({ duplicate }) => duplicate)).toEqual([false, true, true]);
          expect(new Set(results.map(({ offset }) => offset)).size).toBe(1);
          offsets.set(id, results[0]!.offset);
        }
      }),
    );
    await log.close();
    log = await openSegmentLog(options);
  }
  // After the restart the very first batches are still known.
  expect(await log.append('s', 0, batchOf([0], { key: '0' }))).toMatchObject({
    duplicate: true,
    offset: offsets.get(0),
  });
  for (const partition of [0, 1]) {
    const ids = await idsIn(log, 's', partition);
    expect(ids).toHaveLength(32 * 16);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [at, id] of ids.entries()) expect(offsets.get(id)).toBe(at);
  }
  await log.close();
});

it('keeps a reader at a hundredth of the write rate right', async () => {
  const log = await openSegmentLog({ dir, segmentBytes: 100_000, reserveBytes: 0 });
  await log.createStream('s');
  const consumer = log.openConsumer('slow', 's', 0, 0);
  const seen: number[] = [];
  const take = async (targetBytes: number): Promise<void> => {
    const target = new Uint8Array(targetBytes);
    const { length } = (await consumer.next(target))!;
    const text = Buffer.from(target.subarray(0, length)).toString();
    seen.push(
      ...text
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line).id),
    );
  };
  for (let i = 0; i < 2000; i++) {
    const appended = log.append('s', 0, batchOf([i], { key: `${i}` }, 1000));
    if (i % 50 === 49) await appended;
    // Two batches fit: two are read for every two hundred written.
    if (i % 200 === 199) await take(3000);
  }
  expect(consumer.position).toBe(20);
  expect(log.consumers()).toMatchObject([{ name: 'slow', position: 20, lag: 1980 }]);
  while (seen.length < 2000) await take(log.maxBatchBytes);
  expect(seen).toEqual(Array.from({ length: 2000 }, (_, i) => i));
  await log.close();
});

it('tells readers that retention overtakes where to go on, and never reads them anything wrong', async () => {
  const log = await openSegmentLog({ dir, segmentBytes: 10_000, reserveBytes: 0 });
  await log.createStream('s');
  let isWriting = true;
  let overtaken = 0;
  const read = async (pauseMs: number): Promise<number> => {
    const target = new Uint8Array(log.maxBatchBytes).subarray(0, 6000);
    let at = 0;
    let events = 0;
    while (isWriting || at < (await log.range('s', 0)).end) {
      try {
        const { batches, next } = await log.read('s', 0, at, target);
        for (const { position, length, offset } of batches) {
          const text = Buffer.from(target.subarray(position, position + length)).toString();
          text
            .split('\n')
            .slice(0, -1)
            .forEach((line, i) => {
              if (JSON.parse(line).id !== offset + i) throw new Error(`offset ${offset + i} holds ${line}`);
              events++;
            });
        }
        at = next;
      } catch (thrown) {
        if (!(thrown instanceof MillraceError) || thrown.code !== 'offset-retained') throw thrown;
        overtaken++;
        const first = thrown.context['first'] as number;
        expect(first).toBeGreaterThan(at);
        at = first;
      }
      await new Promise(resolve => setTimeout(resolve, pauseMs));
    }
    return events;
  };
  const readers = [read(0), read(3), read(10)];
  let removed = 0;
  for (let i = 0; i < 1500; i++) {
    const appended = log.append('s', 0, batchOf([i], { key: `${i}` }, 500));
    if (i % 20 === 19) {
      await appended;
      removed += await log.retain({ maxBytes: 40_000 });
    }
  }
  const { first } = await log.range('s', 0);
  // What nothing is taken from any more, every reader sees, however often it was overtaken before.
  for (let i = 1500; i < 1520; i++) await log.append('s', 0, batchOf([i], { key: `${i}` }, 500));
  isWriting = false;
  const events = await Promise.all(readers);
  expect(removed).toBe(first);
  expect(overtaken).toBeGreaterThan(0);
  expect(Math.min(...events)).toBeGreaterThanOrEqual(20);
  await log.close();
});

it.each([3_600_000, -3_600_000, 31_536_000_000, -31_536_000_000])(
  'loses nothing when the clock leaps by %d ms',
  async leapMs => {
    const clock = new FakeClock();
    const disk = new SimulatedDisk(new Rng(9));
    const log = await openOn(disk, { clock });
    await log.createStream('s');
    const day = 86_400_000;
    for (let i = 0; i < 40; i++) await log.append('s', 0, batchOf([i], { key: `k${i}` }, 200));
    clock.leap(leapMs);
    for (let i = 40; i < 80; i++) await log.append('s', 0, batchOf([i], { key: `k${i}` }, 200));
    // Nothing is a day old, whatever the clock on the wall says now.
    expect(await log.retain({ maxAgeMs: day })).toBe(0);
    expect(await log.append('s', 0, batchOf([0], { key: 'k0' }))).toMatchObject({
      duplicate: true,
      offset: 0,
    });
    clock.leap(-leapMs);
    expect(await log.retain({ maxAgeMs: day })).toBe(0);
    expect(await idsIn(log, 's')).toEqual(Array.from({ length: 80 }, (_, i) => i));
    // Two days later by every clock, what was appended before the leap goes.
    clock.advance(2 * day);
    await log.append('s', 0, batchOf([80]));
    expect(await log.retain({ maxAgeMs: day })).toBeGreaterThanOrEqual(leapMs > 2 * day ? 36 : 60);
    await log.close();
  },
);

it('pushes back when the queue is full and says when to come again', async () => {
  const disk = new SimulatedDisk(new Rng(2));
  const log = await openOn(disk, { queueBytes: 3000, queueBatches: 1000 });
  await log.createStream('s');
  const settled = await Promise.allSettled(
    Array.from({ length: 100 }, (_, i) => log.append('s', 0, batchOf([i], undefined, 100))),
  );
  const refused = settled.flatMap(one => (one.status === 'rejected' ? [one.reason] : []));
  expect(refused.length).toBeGreaterThan(50);
  for (const reason of refused)
    expect(reason).toMatchObject({ code: 'log-overloaded', status: 429, canRetry: true });
  expect(refused[0].context.retryAfterMs).toBeGreaterThan(0);
  const accepted = settled.flatMap((one, i) => (one.status === 'fulfilled' ? [i] : []));
  expect(await idsIn(log, 's')).toEqual(accepted);
  await log.append('s', 0, batchOf([100]));
  await log.close();
});
