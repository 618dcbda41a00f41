// 4,000 experiments with 100 looks each, with and without an effect: the figures of docs/statistics.md.
import { describe, expect, it } from 'vitest';
import { type PeekingFigures, peekingMetrics, simulatePeeking } from './peeking-simulation.ts';

const experiments = Number(process.env['MILLRACE_ROUNDS'] ?? 4000);
const seed = Number(process.env['MILLRACE_SEED'] ?? 2026);
/** Four standard errors of a share, by which short runs may miss. */
const slackOf = (share: number): number => 4 * Math.sqrt((share * (1 - share)) / experiments);
const slack = slackOf(0.05);
/** A full run holds the sequential methods to 5 % without any slack. */
const most = experiments >= 1000 ? 0.05 : 0.05 + slack;

function print(title: string, nothing: PeekingFigures[], something: PeekingFigures[]): void {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rows = nothing.map(({ method, claimed }, m) => {
    const { claimed: power, unitsUsed } = something[m]!;
    return `| ${method} | ${percent(claimed)} | ${percent(power)} | ${percent(unitsUsed)} |`;
  });
  const head = `| ${title} | false alarms | power | units used |\n|---|---|---|---|`;
  process.stdout.write(`\n${experiments} experiments each, seed ${seed}\n${head}\n${rows.join('\n')}\n`);
}

describe(`peeking at ${experiments} experiments (seed ${seed})`, () => {
  for (const [title, { effect, draw }] of Object.entries(peekingMetrics)) {
    it(`${title}: sequential methods keep 5 % over 100 looks, a fixed test does not`, () => {
      const proportions = title.startsWith('conversion');
      // Normal data may be looked at from 50 units a variant on, rates and skewed amounts from 100.
      const firstLook = title.startsWith('normal') ? 1 : 2;
      const run = (size: number, offset: number): PeekingFigures[] =>
        simulatePeeking({ experiments, seed: seed + offset, draw: draw(size), proportions, firstLook });
      const [nothing, something] = [run(0, 0), run(effect, 1)];
      print(title, nothing, something);
      const share = (figures: PeekingFigures[], method: string): number =>
        figures.find(figure => figure.method.startsWith(method))!.claimed;
      const naive = share(nothing, 'fixed test at every look');
      if (firstLook === 1) expect(Math.abs(naive - 0.374)).toBeLessThan(slackOf(0.374));
      else expect(naive).toBeGreaterThan(0.34 - slackOf(0.34));
      expect(Math.abs(share(nothing, 'fixed test, one look') - 0.05)).toBeLessThan(slack);
      for (const method of ['confidence sequence', 'mixture SPRT']) {
        expect(share(nothing, method)).toBeLessThan(most);
        expect(share(something, method)).toBeGreaterThan(0.5 - slackOf(0.5));
      }
      expect(share(nothing, 'group-sequential, 100')).toBeLessThan(0.05 + slack);
      expect(share(nothing, 'group-sequential, 5')).toBeLessThan(0.05 + slack);
      expect(share(something, 'group-sequential, 5')).toBeGreaterThan(0.78 - slackOf(0.78));
    });
  }
});
