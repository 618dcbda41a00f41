// 30 lives of one data folder, each ended by kill -9 under load; judged after every tenth.
import { afterAll, expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { cleanUp } from '../e2e/command.ts';
import { PipelineCrashTrial } from './pipeline-crash.ts';
import { everySeed, roundsOf } from './rounds.ts';

afterAll(cleanUp);

it('a pipeline neither loses nor repeats anything over 30 kills under load', async () => {
  const rounds = roundsOf('pipelines, kill -9', 30);
  const trial = new PipelineCrashTrial(rounds.seed);
  let events = 0;
  await everySeed(rounds, async seed => {
    await trial.life(new Rng(seed));
    if (trial.kills % 10 === 0) events = await trial.judge();
  });
  if (trial.kills % 10 !== 0) events = await trial.judge();
  console.info(`pipelines: ${trial.kills} kills, ${trial.sent} events in, ${events} out, 0 lost, 0 twice`);
  expect(events).toBeGreaterThan(0);
});
