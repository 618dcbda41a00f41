// The proof of the published errors, with the table that docs/sketches.md shows. `MILLRACE_ROUNDS` trials (1,000 by default) for the distinct
// counters and KLL, a hundredth of it for the streams of ten million; below 1,000 the margins for chance widen.
import { describe, expect, it } from 'vitest';
import {
  type DistinctKind,
  distinctErrors,
  distinctKinds,
  frequencyErrors,
  mergedDenseErrors,
  percentile,
  publishedErrors,
  quantileInputs,
  type RelativeErrors,
  rankErrors,
} from './accuracy.ts';
import { proofSeed, roundsOf } from './exchange-files.ts';

const rounds = roundsOf(1000);
const seed = proofSeed();
const percent = (share: number): string => `${(share * 100).toFixed(3)} %`;
const print = (line: string): void => void process.stdout.write(`${line}\n`);

describe(`accuracy over ${rounds} rounds, seed ${seed}`, () => {
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

  it.each(quantileInputs)('KLL K 200 keeps a rank error of 0.0133 in 99 of 100 cases on %s input', input => {
    const plan: [n: number, trials: number][] = [
      [1000, rounds],
      [10_000, rounds],
      [100_000, rounds],
      [1_000_000, Math.ceil(rounds / 10)],
      ...(rounds >= 1000 ? ([[10_000_000, Math.ceil(rounds / 50)]] as [number, number][]) : []),
    ];
    print(
      '\n| KLL K 200 | n | trials | 99 % of queries within | largest of a trial, 99 % within |\n|---|---|---|---|---|',
    );
    for (const [n, trials] of plan) {
      const { queries, largest } = rankErrors(input, n, trials, seed);
      const ofQueries = percentile(queries, 0.99);
      print(
        `| ${input} | ${n.toLocaleString('en')} | ${trials} | ${percent(ofQueries)} | ${percent(percentile(largest, 0.99))} |`,
      );
      expect(ofQueries, `${n}`).toBeLessThanOrEqual(0.0133);
      expect(percentile(largest, 0.99), `${n}`).toBeLessThanOrEqual(0.0133);
    }
  });

  it.each([0.7, 1.1])(
    'frequent items and Count-Min never leave their bounds on Zipf %s, 10 M items',
    exponent => {
      print(
        '\n| Zipf | seed | frequent items: error/n, bound | Count-Min: error/n, bound | violations |\n|---|---|---|---|---|',
      );
      for (let round = 0; round < Math.max(1, Math.ceil(rounds / 200)); round++) {
        const found = frequencyErrors(exponent, 10_000_000, 1_000_000, seed + round);
        const violations = found.frequentViolations + found.countMinViolations;
        print(
          `| ${exponent} | ${seed + round} | ${percent(found.frequentError)}, ${percent(found.epsilons.frequent)} | ${percent(found.countMinError)}, ${percent(found.epsilons.countMin)} | ${violations} |`,
        );
        expect(violations).toBe(0);
      }
    },
  );
});
