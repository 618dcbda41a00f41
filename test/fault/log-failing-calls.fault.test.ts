// Every system call of several workloads fails once, in each of three ways.
import { expect, it } from 'vitest';
import { failingCallRound } from './log-failing-calls.ts';
import { pastCache } from './log-power-loss.ts';
import { everySeed, roundsOf } from './rounds.ts';

it.each(['EIO', 'ENOSPC', 'short'] as const)('survives %s at every system call', async how => {
  let runs = 0;
  await everySeed(roundsOf(`failing calls, ${how}`, 10), async seed => {
    for (const options of [{}, pastCache]) {
      const calls = await failingCallRound(seed, { options });
      for (let at = 1; at <= calls; at++, runs++) {
        await failingCallRound(seed, { fault: { at, how }, options }).catch(thrown => {
          const way = options === pastCache ? ', past the cache' : '';
          throw new Error(`call ${at}, ${how}${way}: ${(thrown as Error).message}`, { cause: thrown });
        });
      }
    }
  });
  console.info(`failing calls: ${runs} runs with ${how}`);
  expect(runs).toBeGreaterThan(0);
});
