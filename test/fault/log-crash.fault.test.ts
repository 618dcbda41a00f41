// 200 rounds of kill -9 on one log: half of them at the named failpoints in turn, half at random moments.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { CrashTrial, failpoints } from './log-crash.ts';
import { everySeed, roundsOf } from './rounds.ts';

it('loses and repeats nothing over 200 kills under load', async () => {
  const trial = new CrashTrial(await mkdtemp(join(tmpdir(), 'millrace-crash-')));
  try {
    await trial.prepare();
    await everySeed(roundsOf('kill -9', 200), seed =>
      trial.round(new Rng(seed), seed % 2 === 0 ? failpoints[(seed / 2) % failpoints.length] : undefined),
    );
    console.info(
      `kill -9: ${trial.answered} batches answered, ${trial.events} events judged, 0 lost, 0 twice`,
    );
    expect(trial.events).toBeGreaterThan(0);
  } finally {
    await trial.dispose();
  }
});
