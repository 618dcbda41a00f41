// 120 deaths of the whole server under load: half of them of the real command at random moments, half at the named
// failpoints of the log in turn. Every answered event is in the log once, and the view is the log's count each time.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { AppCrashTrial, appFailpoints } from './app-crash.ts';
import { everySeed, roundsOf } from './rounds.ts';

it('keeps every answered event once, in the log and in the view, over 120 deaths of the server', async () => {
  const trial = new AppCrashTrial(await mkdtemp(join(tmpdir(), 'millrace-app-crash-')));
  try {
    await trial.prepare();
    await everySeed(roundsOf('kill -9 of the server', 120), seed =>
      trial.round(
        new Rng(seed),
        seed % 2 === 0 ? appFailpoints[(seed / 2) % appFailpoints.length] : undefined,
      ),
    );
    await trial.finish();
    const { deaths, events, answers, views, rows } = trial.tally;
    console.info(
      `kill -9 of the server: ${deaths} deaths, ${answers} requests answered and found, ${events} events counted, ` +
        `${views} times the view (${rows} rows) was equal to the count`,
    );
    expect(events).toBeGreaterThan(0);
    expect(views).toBeGreaterThan(0);
  } finally {
    await trial.dispose();
  }
});
