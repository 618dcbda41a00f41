// The proof that frequent items and Count-Min never leave their bounds, with the table that docs/sketches.md shows: `MILLRACE_ROUNDS` trials
// (1,000 by default) of n up to 10 M; below 1,000 a hundredth of them, at least one, for the 10 M.
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { proofSeed, roundsOf } from './exchange-files.ts';
import { type FrequencyErrors, frequencyEpsilons, frequencyErrors, together } from './frequency-accuracy.ts';

const rounds = roundsOf(1000);
const seed = proofSeed();
const small = [100, 1000, 10_000, 100_000, 1_000_000];
const large = 10_000_000;
/** The ten million are measured in parts, so that an hour's run shows how far it is. */
const parts = 20;
const universe = 100_000;
const percent = (share: number): string => `${(share * 100).toFixed(3)} %`;
const hourMs = 3_600_000;

function report(exponent: number, n: number, found: FrequencyErrors): void {
  const violations = found.frequentViolations + found.countMinViolations;
  process.stdout.write(
    `| ${exponent} | ${n.toLocaleString('en')} | ${found.trials} | ${percent(found.frequentError)}, ${percent(frequencyEpsilons.frequent)} | ${percent(found.countMinError)}, ${percent(frequencyEpsilons.countMin)} | ${violations} |\n`,
  );
  expect(violations, `${n}`).toBe(0);
}

describe(`frequencies over ${rounds} rounds, seed ${seed}`, () => {
  it.each([0.7, 1.1])(
    'frequent items and Count-Min never leave their bounds on Zipf %s',
    exponent => {
      const rng = new Rng(seed);
      for (const [n, found] of frequencyErrors(exponent, small, universe, rounds, rng))
        report(exponent, n, found);
      const trials = rounds >= 1000 ? rounds : Math.ceil(rounds / 100);
      let all: FrequencyErrors | undefined;
      for (let done = 0; done < trials; ) {
        const now = Math.min(trials - done, Math.ceil(trials / parts));
        done += now;
        const part = frequencyErrors(exponent, [large], universe, now, rng).get(large)!;
        all = all ? together(all, part) : part;
        report(exponent, large, all);
      }
    },
    6 * hourMs,
  );
});
