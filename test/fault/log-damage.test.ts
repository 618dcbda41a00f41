// The quick form of log-damage.fault.test.ts.
import { expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { bitFlipRound, newest, tailRound, writeLog } from './log-damage.ts';
import { everySeed, roundsOf } from './rounds.ts';

const extensions = ['ndjson', 'index', 'both'] as const;

it.each(extensions)('brings back the valid prefix wherever the tail of %s is cut', async extension => {
  const written = await writeLog(3, 12, false, { segmentBytes: 1e6 });
  const rng = new Rng(3);
  const size = written.disk.contentOf(
    newest(written.disk, extension === 'index' ? 'index' : 'ndjson'),
  ).length;
  for (let cutBytes = 0; cutBytes < Math.min(size, 500); cutBytes += 7) {
    await tailRound(written, { extension, cutBytes, junk: new Uint8Array() }, rng);
  }
});

it('cuts zeros and noise behind the last batch, of a crashed and of a closed log', async () => {
  const rng = new Rng(4);
  for (const isClosed of [false, true]) {
    const written = await writeLog(4, 12, isClosed, { segmentBytes: 1e6 });
    for (const extension of extensions) {
      for (const length of [1, 79, 80, 81, 512, 5000]) {
        for (const isNoise of [false, true]) {
          const junk = Uint8Array.from({ length }, () => (isNoise ? rng.below(256) : 0));
          await tailRound(written, { extension, cutBytes: 0, junk }, rng);
        }
      }
    }
  }
});

it('answers right or reports the damage after single bit flips anywhere', async () => {
  const written = await writeLog(5, 120, true);
  let reported = 0;
  await everySeed(roundsOf('bit flips', 300), async seed => {
    reported += (await bitFlipRound(written, new Rng(seed))).gaps.length;
  });
  expect(reported).toBeGreaterThan(0);
});
