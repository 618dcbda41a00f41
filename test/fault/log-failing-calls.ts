// One run of the failing-call proof: the N-th system call of a workload fails, the log must say so with a typed
// error, keep what it acknowledged through a restart and a loss of power, and take the rest afterwards.
import { Rng } from '../../src/core/rng.ts';
import type { SegmentLog } from '../../src/flow/segment-log.ts';
import { FakeClock } from './fake-clock.ts';
import { openOn } from './log-power-loss.ts';
import { ignoreRefusal, Ledger, runWorkload } from './log-workload.ts';
import { type Fault, SimulatedDisk } from './simulated-disk.ts';

/** Codes that an append may be refused with after a failed call. */
const expectedRefusals = new Set(['partition-closed', 'disk-full', 'unknown-stream', 'log-io']);

export interface FailingCall {
  fault?: { at: number; how: Fault };
  /** Of the log. */
  options?: object;
}

/** Returns the number of calls made; without `fault` none fails. */
export async function failingCallRound(
  seed: number,
  { fault, options = {} }: FailingCall = {},
): Promise<number> {
  const rng = new Rng(seed);
  const disk = new SimulatedDisk(rng.fork());
  const clock = new FakeClock();
  const ledger = new Ledger();
  ledger.mayBeRetained = true;
  disk.fault = fault;
  let log: SegmentLog | undefined;
  try {
    log = await openOn(disk, { clock, ...options });
  } catch (thrown) {
    ignoreRefusal(thrown);
  }
  if (log) {
    await runWorkload(log, ledger, rng.fork(), 6, () => true);
    if (fault?.how === 'ENOSPC') {
      // There is room after all: within five seconds writing goes on by itself, where no sync had failed.
      for (let second = 0; second < 5; second++) {
        clock.advance(1000);
        for (let turn = 0; turn < 8; turn++) await new Promise(resolve => setImmediate(resolve));
      }
      if (disk.faultHit?.name === 'write') {
        for (const sent of ledger.unanswered().filter(({ batch }) => 'key' in batch.producer!)) {
          // Where the making of the stream itself had failed, its sender makes it again.
          await log.createStream(sent.stream, { partitions: 2 });
          if (!(await ledger.send(log, sent, () => true))) throw new Error('writing did not resume');
        }
      }
    }
    await log.close().catch(ignoreRefusal);
  }
  const { calls } = disk;
  for (const code of ledger.refusals.keys()) {
    if (!expectedRefusals.has(code)) throw new Error(`refused with ${code}`);
  }
  // A restart of the process, then a loss of power, then all that is left is sent.
  const restarted = disk.afterKill(rng.fork());
  const second = await openOn(restarted, options);
  await ledger.verify(second, { allAnsweredPresent: true });
  for (const sent of ledger.unanswered()) {
    if (second.problems().length > 0) throw new Error(second.problems().join(' '));
    const partitions = (await second.createStream(sent.stream, { partitions: 2 })).partitions.length;
    if (sent.partition < partitions) await ledger.send(second, sent, () => true);
  }
  const third = await openOn(restarted.afterPowerLoss(rng.fork()));
  await ledger.verify(third, { allAnsweredPresent: true });
  if (ledger.unanswered().length > 0) throw new Error(`${ledger.unanswered().length} never answered`);
  await third.close();
  return calls;
}
