// A thousand whole experiments with and without an effect: the figures of docs/experiments.md.
import { describe, expect, it } from 'vitest';
import { simulateExperiments } from './experiment-simulation.ts';

const experiments = Number(process.env['MILLRACE_ROUNDS'] ?? 1000);
const seed = Number(process.env['MILLRACE_SEED'] ?? 2026);

describe(`${experiments} experiments of three variants, 50 looks (seed ${seed})`, () => {
  for (const kind of ['always-valid', 'group-sequential'] as const) {
    it(`${kind}: false winners at most 5 %, a winner of 4 points found`, () => {
      const size = { kind, experiments, seed, looks: 50, unitsPerLook: 100 };
      const nothing = simulateExperiments({ ...size, redGain: 0 });
      const something = simulateExperiments({ ...size, redGain: 0.04 });
      const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
      const cells = [nothing.wrong, nothing.mismatch, something.right, something.wrong, something.unitsUsed];
      process.stdout.write(`| ${kind} | ${cells.map(percent).join(' | ')} |\n`);
      // Four standard errors of a share, by which short runs may miss.
      const slack = (share: number): number => 4 * Math.sqrt((share * (1 - share)) / experiments);
      expect(nothing.wrong).toBeLessThan(0.05 + (experiments >= 1000 ? 0 : slack(0.05)));
      expect(nothing.mismatch).toBeLessThanOrEqual(0.001 + slack(0.001));
      expect(something.right).toBeGreaterThan(0.95 - slack(0.95));
      expect(something.wrong).toBeLessThan(0.05 + slack(0.05));
    });
  }
});
