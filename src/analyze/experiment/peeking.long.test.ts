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
      const slack = 4 * Math.sqrt(0.0475 / experiments);
      expect(nothing.wrong).toBeLessThan(kind === 'always-valid' ? 0.05 : 0.05 + slack);
      expect(nothing.mismatch).toBeLessThan(0.001 + 4 * Math.sqrt(0.001 / experiments));
      expect(something.right).toBeGreaterThan(0.7);
      expect(something.wrong).toBeLessThan(0.05);
    });
  }
});
