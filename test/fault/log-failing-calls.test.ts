// The quick form of log-failing-calls.fault.test.ts: a sample of the calls, every kind of failure.
import { describe, expect, it } from 'vitest';
import { failingCallRound } from './log-failing-calls.ts';
import { pastCache } from './log-power-loss.ts';

describe.each([
  ['through the cache', {}],
  ['past the cache', pastCache],
])('%s', (_, options) => {
  it.each(['EIO', 'ENOSPC', 'short'] as const)('survives %s at sampled system calls', async how => {
    const calls = await failingCallRound(7, { options });
    expect(calls).toBeGreaterThan(150);
    for (let at = 1; at <= calls; at += 5) {
      await failingCallRound(7, { fault: { at, how }, options }).catch(thrown => {
        throw new Error(`seed 7, call ${at}, ${how}: ${(thrown as Error).message}`, { cause: thrown });
      });
    }
  });
});
