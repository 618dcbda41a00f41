// The quick form of log-damage.fault.test.ts.
import { expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { batchOf } from '../contract/log.contract.ts';
import { bitFlipRound, newest, survey, tailRound, writeLog } from './log-damage.ts';
import { openOn } from './log-power-loss.ts';
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

it('begins where retention left it, whichever bit of the file that says so flips', async () => {
  const written = await writeLog(6, 80, true, {}, 6000);
  expect(written.first).toBeGreaterThan(20);
  await everySeed(roundsOf('bit flips in start', 100), seed =>
    bitFlipRound(written, new Rng(seed), /start$/),
  );
});

it('keeps a segment whose index is missing, however short, and gives its offsets to nothing else', async () => {
  const written = await writeLog(7, 12, true, { segmentBytes: 1e6 });
  const disk = written.disk.copy(new Rng(7));
  const data = newest(disk, 'ndjson');
  const bytes = disk.contentOf(data);
  await disk.unlink(newest(disk, 'index'));
  for (const missing of [/the index of the segment at 0 is lost/, /a file of the segment at 0 is missing/]) {
    const log = await openOn(disk);
    expect(log.problems()).toEqual([expect.stringMatching(missing)]);
    expect(disk.contentOf(data)).toEqual(bytes);
    const end = written.lines.length;
    expect((await survey(log, written.lines)).gaps).toEqual([[0, end]]);
    await log.close();
  }
  const log = await openOn(disk);
  expect(await log.append('s', 0, batchOf([1]))).toMatchObject({ offset: written.lines.length });
});
