// The published regret figures, in full: 400 runs, or MILLRACE_ROUNDS of them. Prints the table of docs/bandits.md.
import { afterAll, expect, it } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { BernoulliThompson, KlUcb, type Policy, simulateRegret, Ucb1 } from './index.ts';

const runs = Number(process.env['MILLRACE_ROUNDS'] ?? 400);
const seed = Number(process.env['MILLRACE_SEED'] ?? 1);
const two = [0.9, 0.8];
const ten = [0.1, 0.05, 0.05, 0.05, 0.02, 0.02, 0.02, 0.01, 0.01, 0.01];
const table: string[] = [];

const cases: [string, (arms: number) => Policy, number[], number, number][] = [
  ['Thompson', arms => new BernoulliThompson(arms), two, 10_000, 9.7],
  ['KL-UCB', arms => new KlUcb(arms), two, 10_000, 15.5],
  ['UCB1', arms => new Ucb1(arms), two, 10_000, 88.3],
  ['Thompson', arms => new BernoulliThompson(arms), ten, 20_000, 91],
  ['KL-UCB', arms => new KlUcb(arms), ten, 20_000, 130],
];

it.each(cases)('%s reaches its published regret', (name, create, rates, horizon, published) => {
  const { mean, standardError } = simulateRegret(
    () => create(rates.length),
    rates,
    horizon,
    runs,
    new Rng(seed),
  );
  table.push(
    `| ${name} | ${rates.length} | ${horizon} | ${published} | ${mean.toFixed(1)} ± ${standardError.toFixed(1)} |`,
  );
  // With all 400 runs the mean itself must do; a shortened form has its own chance on top.
  const chance = runs >= 400 ? 0 : 3 * (Number.isFinite(standardError) ? standardError : published);
  expect(Math.abs(mean - published), `seed ${seed}, ${runs} runs`).toBeLessThan(0.1 * published + chance);
});

afterAll(() => {
  console.log(`mean regret of ${runs} runs, seed ${seed}\n${table.join('\n')}`);
});
