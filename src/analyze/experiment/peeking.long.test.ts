// Whole experiments of three variants and a guard rail, judged at 50 looks each: how often is a winner declared
// that is none, a sound split called broken, a true winner found?
import { describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { analyzeExperiment } from './analyze-experiment.ts';
import { ExperimentData } from './experiment-data.ts';
import type { Metric } from './metric.ts';
import type { StoppingRule } from './stopping-rule.ts';

const experiments = Number(process.env['MILLRACE_ROUNDS'] ?? 1000);
const seed = Number(process.env['MILLRACE_SEED'] ?? 2026);
const [looks, unitsPerLook] = [50, 100];
const variants = ['control', 'red', 'blue'];
const total = looks * unitsPerLook * variants.length;
const metrics: Metric[] = [
  { name: 'bought', kind: 'proportion', role: 'primary' },
  { name: 'latency', kind: 'mean', role: 'guardrail', better: 'lower', margin: 0.05 },
];
const rules: Record<string, (look: number) => StoppingRule> = {
  'always-valid': () => ({ kind: 'always-valid', tunedFor: total }),
  'group-sequential': look => ({
    kind: 'group-sequential',
    plannedUnits: total,
    looks: Array.from(
      { length: Math.ceil(look / 10) },
      (_, k) => (k + 1) * 10 * unitsPerLook * variants.length,
    ),
  }),
};

interface Figures {
  wrong: number;
  right: number;
  mismatch: number;
  unitsUsed: number;
}

function run(kind: string, redGain: number): Figures {
  const rng = new Rng(seed);
  const figures: Figures = { wrong: 0, right: 0, mismatch: 0, unitsUsed: 0 };
  for (let experiment = 0; experiment < experiments; experiment++) {
    const data = new ExperimentData(variants, metrics);
    let look = 0;
    for (look = 1; look <= looks; look++) {
      for (let unit = 0; unit < unitsPerLook * variants.length; unit++) {
        const variant = rng.pick(variants);
        const rate = 0.2 + (variant === 'red' ? redGain : 0);
        data.record(variant, { bought: rng.boolean(rate) ? 1 : 0, latency: 100 + 20 * rng.gaussian() });
      }
      if (kind === 'group-sequential' && look % 10 !== 0) continue;
      const { decision } = analyzeExperiment(data, { rule: rules[kind]!(look) });
      if (decision.action === 'continue') continue;
      if (decision.action === 'investigate') figures.mismatch++;
      else if (decision.reason === 'winner' || decision.reason === 'control-wins') {
        if (decision.winner === 'red' && redGain > 0) figures.right++;
        else figures.wrong++;
      }
      break;
    }
    figures.unitsUsed += Math.min(look, looks) / looks / experiments;
  }
  return figures;
}

describe(`${experiments} experiments of three variants, ${looks} looks (seed ${seed})`, () => {
  for (const kind of Object.keys(rules)) {
    it(`${kind}: false winners at most 5 %, a winner of 4 points found`, () => {
      const [nothing, something] = [run(kind, 0), run(kind, 0.04)];
      const percent = (count: number): string => `${((100 * count) / experiments).toFixed(1)} %`;
      process.stdout.write(
        `${kind}: false winners ${percent(nothing.wrong)}, false mismatches ${percent(nothing.mismatch)}; ` +
          `with an effect: found ${percent(something.right)}, wrong ${percent(something.wrong)}, ` +
          `units used ${(100 * something.unitsUsed).toFixed(0)} %\n`,
      );
      const slack = 4 * Math.sqrt(0.0475 / experiments);
      expect(nothing.wrong / experiments).toBeLessThan(kind === 'always-valid' ? 0.05 : 0.05 + slack);
      expect(nothing.mismatch / experiments).toBeLessThan(0.001 + 4 * Math.sqrt(0.001 / experiments));
      expect(something.right / experiments).toBeGreaterThan(0.7);
      expect(something.wrong / experiments).toBeLessThan(0.05);
    });
  }
});
