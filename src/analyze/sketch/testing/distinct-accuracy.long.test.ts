// The proof of the distinct counters' published errors, with the table that docs/sketches.md shows: `MILLRACE_ROUNDS` trials (1,000 by
// default) of n up to 10 M; below 1,000 of n up to 100,000, and the margins for chance widen.
import { describe, expect, it } from 'vitest';
import {
  type DistinctKind,
  distinctErrors,
  distinctKinds,
  mergedDenseErrors,
  publishedErrors,
  type RelativeErrors,
} from './distinct-accuracy.ts';
import { proofSeed, roundsOf } from './exchange-files.ts';

const rounds = roundsOf(1000);
const seed = proofSeed();
const percent = (share: number): string => `${(share * 100).toFixed(3)} %`;
const print = (line: string): void => void process.stdout.write(`${line}\n`);

describe(`distinct counters over ${rounds} rounds, seed ${seed}`, () => {
  const sizes =
    rounds >= 1000 ? [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000] : [100, 1000, 10_000, 100_000];
  // None for the full proof; else three standard errors of a measured error, and of a bias.
  const chance =
    rounds >= 1000 ? { rse: 0, bias: 0 } : { rse: 3 / Math.sqrt(2 * rounds), bias: 3 / Math.sqrt(rounds) };
  let errors: Map<string, RelativeErrors>;

  it('distinct counters run their trials', () => {
    errors = distinctErrors(sizes, rounds, seed);
    print('\n| sketch | n | RSE | published | bias | in 2σ bounds |\n|---|---|---|---|---|---|');
    for (const kind of distinctKinds) {
      for (const size of sizes) {
        const { rse, bias, coverage } = errors.get(`${kind} ${size}`)!;
        print(
          `| ${kind} | ${size.toLocaleString('en')} | ${percent(rse)} | ${percent(publishedErrors[kind])} | ${percent(bias)} | ${percent(coverage)} |`,
        );
      }
    }
    expect(errors.size).toBe(distinctKinds.length * sizes.length);
  });

  it.each(distinctKinds)('%s errs no more than published, without bias', (kind: DistinctKind) => {
    for (const size of sizes) {
      const { rse, bias } = errors.get(`${kind} ${size}`)!;
      expect(rse, `${size}`).toBeLessThanOrEqual(1.05 * publishedErrors[kind] * (1 + chance.rse));
      expect(Math.abs(bias), `${size}`).toBeLessThanOrEqual(publishedErrors[kind] * (0.1 + chance.bias));
    }
  });

  it('merged dense sketches of lgK 12 err by 1.62 %, over fifty times the rounds', () => {
    const trials = rounds * 50;
    print('\n| merged HLL lgK 12, n | trials | RSE | published | bias |\n|---|---|---|---|---|');
    for (const n of [100_000, 1_000_000, 10_000_000]) {
      const { rse, bias } = mergedDenseErrors(n, trials, seed);
      const published = Math.sqrt(3 * Math.LN2 - 1) / 64;
      print(
        `| ${n.toLocaleString('en')} | ${trials} | ${percent(rse)} | ${percent(published)} | ${percent(bias)} |`,
      );
      // The measured error itself errs by 1/√(2·trials): three of those.
      expect(rse, `${n}`).toBeLessThanOrEqual(published * (1 + 3 / Math.sqrt(2 * trials)));
      expect(Math.abs(bias), `${n}`).toBeLessThanOrEqual(published * (0.1 + chance.bias));
    }
  });
});
