// The quick form of log-crash.fault.test.ts: every failpoint once, two random moments.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { CrashTrial, failpoints } from './log-crash.ts';

it('loses and repeats nothing when killed at every failpoint and at random moments', async () => {
  const trial = new CrashTrial(await mkdtemp(join(tmpdir(), 'millrace-crash-')));
  const rng = new Rng(11);
  try {
    await trial.prepare();
    for (const failpoint of [...failpoints, undefined, undefined]) {
      await trial.round(rng, failpoint).catch(thrown => {
        throw new Error(`seed 11, ${failpoint ?? 'random moment'}: ${(thrown as Error).message}`, {
          cause: thrown,
        });
      });
    }
    expect(trial.answered).toBeGreaterThan(100);
    expect(trial.events).toBeGreaterThan(100);
  } finally {
    await trial.dispose();
  }
});
