// The proof that frequent items and Count-Min never leave their bounds, with the table that docs/sketches.md shows: `MILLRACE_ROUNDS` trials
// (1,000 by default) of n up to 10 M; below 1,000 a hundredth of them, at least one, for the 10 M.
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { proofSeed, roundsOf } from './exchange-files.ts';
import { frequencyEpsilons, frequencyErrors } from './frequency-accuracy.ts';

const rounds = roundsOf(1000);
const seed = proofSeed();
const small = [100, 1000, 10_000, 100_000, 1_000_000];
const percent = (share: number): string => `${(share * 100).toFixed(3)} %`;
const hourMs = 3_600_000;

describe(`frequencies over ${rounds} rounds, seed ${seed}`, () => {
  it.each([0.7, 1.1])(
    'frequent items and Count-Min never leave their bounds on Zipf %s',
    exponent => {
      const rng = new Rng(seed);
      const parts =
        rounds >= 1000
          ? [frequencyErrors(exponent, [...small, 10_000_000], 100_000, rounds, rng)]
          : [
              frequencyErrors(exponent, small, 100_000, rounds, rng),
              frequencyErrors(exponent, [10_000_000], 100_000, Math.ceil(rounds / 100), rng),
            ];
      for (const [n, found] of parts.flatMap(part => [...part])) {
        process.stdout.write(
          `| ${exponent} | ${n.toLocaleString('en')} | ${found.trials} | ${percent(found.frequentError)}, ${percent(frequencyEpsilons.frequent)} | ${percent(found.countMinError)}, ${percent(frequencyEpsilons.countMin)} | ${found.frequentViolations + found.countMinViolations} |\n`,
        );
        expect([found.frequentViolations, found.countMinViolations], `${n}`).toEqual([0, 0]);
      }
    },
    2 * hourMs,
  );
});
