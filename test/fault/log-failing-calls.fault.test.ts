// Every system call of several workloads fails once, in each of three ways.
import { expect, it } from 'vitest';
import { failingCallRound } from './log-failing-calls.ts';
import { everySeed, roundsOf } from './rounds.ts';

it.each(['EIO', 'ENOSPC', 'short'] as const)('survives %s at every system call', async how => {
  let runs = 0;
  await everySeed(roundsOf(`failing calls, ${how}`, 10), async seed => {
    const calls = await failingCallRound(seed);
    for (let at = 1; at <= calls; at++, runs++) {
      await failingCallRound(seed, { at, how }).catch(thrown => {
        throw new Error(`call ${at}, ${how}: ${(thrown as Error).message}`, { cause: thrown });
      });
    }
  });
  console.info(`failing calls: ${runs} runs with ${how}`);
  expect(runs).toBeGreaterThan(0);
});
