// What a decision costs: choosing an arm and learning its reward, in nanoseconds a round. No peer is installed.
import { Rng } from '../../core/rng.ts';
import { BernoulliThompson, EpsilonGreedy, Exp3, KlUcb, type Policy, simulateRegret, Ucb1 } from './index.ts';

interface Case {
  name: string;
  peer: boolean;
  unit: string;
  value: number;
  note?: string;
}

const rates = [0.1, 0.05, 0.05, 0.05, 0.02, 0.02, 0.02, 0.01, 0.01, 0.01];

const policies: [string, () => Policy][] = [
  ['UCB1', () => new Ucb1(10)],
  ['KL-UCB', () => new KlUcb(10)],
  ['Thompson', () => new BernoulliThompson(10)],
  ['ε-greedy', () => new EpsilonGreedy(10)],
  ['EXP3', () => new Exp3(10)],
];

export const benchmark = {
  name: 'bandits',
  title: 'Bandits: a round with ten arms, and its regret',
  async run({ tiny, seed }: { tiny: boolean; seed: number }): Promise<Case[]> {
    const [horizon, runs] = tiny ? [100, 2] : [20_000, 20];
    return policies.map(([name, create]) => {
      const start = process.hrtime.bigint();
      const { mean, standardError } = simulateRegret(create, rates, horizon, runs, new Rng(seed));
      const value = Number(process.hrtime.bigint() - start) / (horizon * runs);
      const note = `regret ${mean.toFixed(1)} ± ${standardError.toFixed(1)} over ${runs} runs of ${horizon}`;
      return { name, peer: false, unit: 'ns/round', value, note };
    });
  },
};
