// One seed of the power-loss proof: work, lose power at a random system call, open what the disk kept, judge,
// repeat; in the end every batch that may be repeated is, and every event must be there exactly once.
import { Rng } from '../../src/core/rng.ts';
import { openSegmentLog, type SegmentLog } from '../../src/flow/segment-log.ts';
import { FakeClock } from './fake-clock.ts';
import { Ledger, runWorkload } from './log-workload.ts';
import { SimulatedDisk } from './simulated-disk.ts';

export const openOn = (disk: SimulatedDisk, extra: object = {}): Promise<SegmentLog> =>
  openSegmentLog({
    dir: '/log',
    fs: disk,
    clock: new FakeClock(),
    segmentBytes: 4000,
    segmentRecords: 24,
    groupBytes: 3000,
    overlapBytes: 400,
    maxBatchBytes: 20_000,
    mergeBytes: 500,
    reserveBytes: 0,
    ...extra,
  });

/** Every group that can be is written past the cache, and the segments have room for some blocks. */
export const pastCache = {
  directBytes: 1,
  tailBytes: 64 * 1024,
  segmentBytes: 16_000,
  groupBytes: 12_000,
  overlapBytes: 4000,
};

/** Returns the events that were there in the end. Throws where a promise is broken. */
export async function powerLossRound(
  seed: number,
  options: object = {},
): Promise<{ events: number; blocksPastCache: number }> {
  let blocksPastCache = 0;
  const rng = new Rng(seed);
  let disk = new SimulatedDisk(rng.fork());
  const ledger = new Ledger();
  ledger.mayBeRetained = rng.boolean(0.4);
  for (let life = 0; life < 4; life++) {
    const isLast = life === 3;
    const current = disk;
    if (!isLast) current.dieAt = 1 + rng.below(life === 0 ? 700 : 300);
    const work = (async () => {
      const log = await openOn(current, options);
      await ledger.verify(log, { allAnsweredPresent: true });
      const counts = (): boolean => !current.isDead;
      for (const sent of ledger.unanswered()) await ledger.send(log, sent, counts);
      await runWorkload(log, ledger, rng.fork(), isLast ? 2 : 12, counts);
      if (isLast || rng.boolean(0.3)) await log.close();
    })();
    await Promise.race([work, current.died]);
    // After the death the work can only hang; before it, its error is the finding.
    if (!current.isDead) await work;
    work.catch(() => {});
    blocksPastCache += current.blocks;
    disk = rng.boolean(0.75) ? current.afterPowerLoss(rng.fork()) : current.afterKill(rng.fork());
  }
  const log = await openOn(disk, options);
  await ledger.repeatAll(log);
  const events = await ledger.verify(log, { allAnsweredPresent: true });
  const unanswered = ledger.unanswered().length;
  if (unanswered > 0) throw new Error(`${unanswered} batches were never answered`);
  await log.close();
  return { events, blocksPastCache };
}
