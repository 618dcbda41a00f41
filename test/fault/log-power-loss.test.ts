// The quick form of log-power-loss.fault.test.ts.
import { expect, it } from 'vitest';
import { powerLossRound } from './log-power-loss.ts';

const seeds = Array.from({ length: 60 }, (_, i) => 1 + i);

it('loses nothing acknowledged when power goes at a random system call', async () => {
  let events = 0;
  for (const seed of seeds) {
    events += await powerLossRound(seed).catch(thrown => {
      throw new Error(`seed ${seed}: ${(thrown as Error).message}`, { cause: thrown });
    });
  }
  expect(events).toBeGreaterThan(60 * 20);
});
