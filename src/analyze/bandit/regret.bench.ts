// What a decision costs: choosing an arm and learning its reward, in nanoseconds a round. There is no bandit on npm to
// compare with; the peer is a plain loop that keeps counts and sums in arrays and plays the best mean so far.
import { Rng } from '../../core/rng.ts';
import {
  BernoulliThompson,
  EpsilonGreedy,
  Exp3,
  GaussianThompson,
  KlUcb,
  LinearThompson,
  LinUcb,
  type Policy,
  Softmax,
  simulateRegret,
  Ucb1,
} from './index.ts';

interface Case {
  name: string;
  peer: boolean;
  unit: string;
  value: number;
  note?: string;
  question?: string;
}

const rates = [0.1, 0.05, 0.05, 0.05, 0.02, 0.02, 0.02, 0.01, 0.01, 0.01];

const policies: [string, () => Policy][] = [
  ['UCB1', () => new Ucb1(10)],
  ['KL-UCB', () => new KlUcb(10)],
  ['Thompson', () => new BernoulliThompson(10)],
  ['Gaussian Thompson', () => new GaussianThompson(10, { priorDeviation: 0.5, noiseDeviation: 0.25 })],
  ['ε-greedy', () => new EpsilonGreedy(10)],
  ['softmax', () => new Softmax(10, { temperature: 0.02 })],
  ['EXP3', () => new Exp3(10)],
];

function nanosecondsEach(rounds: number, body: () => void): number {
  const start = process.hrtime.bigint();
  body();
  return Number(process.hrtime.bigint() - start) / rounds;
}

/** The least that any of them must do: one look at ten means, one comparison each, two additions. */
function plainLoop(rng: Rng, horizon: number): number {
  const [counts, sums] = [new Float64Array(10).fill(1), new Float64Array(10).fill(1)];
  let earned = 0;
  for (let t = 0; t < horizon; t++) {
    let best = 0;
    for (let arm = 1; arm < 10; arm++)
      if (sums[arm]! / counts[arm]! > sums[best]! / counts[best]!) best = arm;
    const reward = rng.float() < rates[best]! ? 1 : 0;
    counts[best]! += 1;
    sums[best]! += reward;
    earned += reward;
  }
  return earned;
}

export const benchmark = {
  name: 'bandits',
  title: 'Bandits: a round with ten arms, and its regret',
  async run({ tiny, seed }: { tiny: boolean; seed: number }): Promise<Case[]> {
    const [horizon, runs] = tiny ? [100, 2] : [20_000, 20];
    const rounds = horizon * runs;
    const question = 'ten arms';
    const cases: Case[] = policies.map(([name, create]) => {
      let note = '';
      const value = nanosecondsEach(rounds, () => {
        const { mean, standardError } = simulateRegret(create, rates, horizon, runs, new Rng(seed));
        note = `regret ${mean.toFixed(1)} ± ${standardError.toFixed(1)} over ${runs} runs of ${horizon}`;
      });
      return { name, peer: false, unit: 'ns/round', value, note, question };
    });
    const contexts = Array.from({ length: 64 }, (_, i) =>
      Array.from({ length: 8 }, (_, j) => ((i + j) % 9) - 4),
    );
    for (const [name, policy] of [
      ['LinUCB, context of 8', new LinUcb(10, 8)],
      ['linear Thompson, context of 8', new LinearThompson(10, 8)],
    ] as const) {
      const rng = new Rng(seed);
      const value = nanosecondsEach(rounds / 10, () => {
        for (let t = 0; t < rounds / 10; t++) {
          const context = contexts[t % 64]!;
          const arm = policy.pick(context, rng);
          policy.update(arm, context, rng.float() < rates[arm]! ? 1 : 0);
        }
      });
      cases.push({ name, peer: false, unit: 'ns/round', value, question: name });
    }
    let earned = 0;
    const rng = new Rng(seed);
    const value = nanosecondsEach(rounds, () => {
      for (let run = 0; run < runs; run++) earned += plainLoop(rng, horizon);
    });
    const note = `no policy: never explores; ${earned} rewards in ${rounds} rounds`;
    return [...cases, { name: 'plain loop', peer: true, unit: 'ns/round', value, note, question }];
  },
};
