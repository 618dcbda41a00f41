// The quick form of log-power-loss.fault.test.ts.
import { expect, it } from 'vitest';
import { pastCache, powerLossRound } from './log-power-loss.ts';
import { everySeed, roundsOf } from './rounds.ts';

it('loses nothing acknowledged when power goes at a random system call', async () => {
  let events = 0;
  let blocksPastCache = 0;
  await everySeed(roundsOf('power loss', 60), async seed => {
    events += (await powerLossRound(seed)).events;
    const direct = await powerLossRound(seed, pastCache);
    events += direct.events;
    blocksPastCache += direct.blocksPastCache;
  });
  expect(events).toBeGreaterThan(0);
  expect(blocksPastCache).toBeGreaterThan(0);
});
