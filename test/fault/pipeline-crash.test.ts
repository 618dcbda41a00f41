// The quick form of pipeline-crash.fault.test.ts: two lives.
import { afterAll, expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { cleanUp } from '../e2e/command.ts';
import { PipelineCrashTrial } from './pipeline-crash.ts';

afterAll(cleanUp);

it('a pipeline neither loses nor repeats anything when the process is killed', async () => {
  const trial = new PipelineCrashTrial(7);
  const rng = new Rng(7);
  for (let i = 0; i < 2; i++) await trial.life(rng);
  expect(await trial.judge()).toBeGreaterThan(200);
}, 60_000);
