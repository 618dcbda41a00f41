// 1,000 seeds of power loss: sectors dropped, reordered and torn, names missing, several lives a seed.
import { expect, it } from 'vitest';
import { pastCache, powerLossRound } from './log-power-loss.ts';
import { everySeed, roundsOf } from './rounds.ts';

it('loses nothing acknowledged, repeats nothing, keeps offsets dense over 1,000 seeds', async () => {
  let events = 0;
  let blocksPastCache = 0;
  await everySeed(roundsOf('power loss', 1000), async seed => {
    events += (await powerLossRound(1000 + seed)).events;
    const direct = await powerLossRound(1000 + seed, pastCache);
    events += direct.events;
    blocksPastCache += direct.blocksPastCache;
  });
  console.info(`power loss: ${events} events judged, ${blocksPastCache} blocks written past the cache`);
  expect(events).toBeGreaterThan(0);
  expect(blocksPastCache).toBeGreaterThan(0);
});
