// The quick form of log-failing-calls.fault.test.ts: a sample of the calls, every kind of failure.
import { expect, it } from 'vitest';
import { failingCallRound } from './log-failing-calls.ts';

it.each(['EIO', 'ENOSPC', 'short'] as const)('survives %s at sampled system calls', async how => {
  const calls = await failingCallRound(7);
  expect(calls).toBeGreaterThan(200);
  for (let at = 1; at <= calls; at += 5) {
    await failingCallRound(7, { at, how }).catch(thrown => {
      throw new Error(`seed 7, call ${at}, ${how}: ${(thrown as Error).message}`, { cause: thrown });
    });
  }
});
