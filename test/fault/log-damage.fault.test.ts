// The tail cut at every byte of the last three batches, with zeros and noise behind; 10,000 single bit flips.
import { expect, it } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { bitFlipRound, tailRound, writeLog } from './log-damage.ts';
import { everySeed, roundsOf } from './rounds.ts';

it.each([false, true])('every cut of the last three batches (closed before: %s)', async isClosed => {
  const { count, seed } = roundsOf('tail cuts, logs', 5);
  let cuts = 0;
  for (let log = 0; log < count; log++) {
    const rng = new Rng(seed + log);
    const written = await writeLog(seed + log, 10, isClosed, { segmentBytes: 1e6 });
    const [first] = written.batches[written.batches.length - 3]!;
    const lastThree = Buffer.byteLength(written.lines.slice(first).join('\n')) + 1;
    for (const extension of ['ndjson', 'index', 'both'] as const) {
      const bytes = extension === 'ndjson' ? lastThree : Math.min(lastThree, 4 * 80);
      for (let cutBytes = 0; cutBytes <= bytes; cutBytes++, cuts++) {
        const length = rng.below(700);
        const noise = Uint8Array.from({ length }, () => rng.below(256));
        for (const junk of [new Uint8Array(), new Uint8Array(length), noise]) {
          if (extension !== 'both' && cutBytes > 0 && junk.length > 0) continue;
          await tailRound(written, { extension, cutBytes, junk }, rng).catch(thrown => {
            throw new Error(
              `seed ${seed + log}, ${extension} cut by ${cutBytes}: ${(thrown as Error).message}`,
            );
          });
        }
      }
    }
  }
  console.info(`tail: ${cuts} cuts`);
  expect(cuts).toBeGreaterThan(0);
});

it('10,000 single bit flips: never a wrong answer, what is lost is named', async () => {
  const written = await writeLog(5, 120, true);
  let reported = 0;
  await everySeed(roundsOf('bit flips', 10_000), async seed => {
    reported += (await bitFlipRound(written, new Rng(seed))).gaps.length;
  });
  console.info(`bit flips: ${reported} gaps reported`);
  expect(reported).toBeGreaterThan(0);
});
