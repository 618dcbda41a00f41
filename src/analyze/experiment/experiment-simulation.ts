// Whole experiments of three variants and a guard rail, judged at every look: how often is a winner declared that
// is none, a sound split called broken, a true winner found? Test material; not part of the library's surface.
import { Rng } from '../../core/rng.ts';
import { analyzeExperiment } from './analyze-experiment.ts';
import { ExperimentData } from './experiment-data.ts';
import type { Metric } from './metric.ts';
import type { StoppingRule } from './stopping-rule.ts';

export interface SimulationOptions {
  kind: 'always-valid' | 'group-sequential';
  experiments: number;
  seed: number;
  /** A multiple of 5: group-sequential rules look at five of them. */
  looks: number;
  /** In each variant. */
  unitsPerLook: number;
  /** What `red` adds to a rate of 0.2; `blue` adds nothing. */
  redGain: number;
}

/** Shares of the experiments; `unitsUsed` is the mean share of the planned units. */
export interface SimulationFigures {
  wrong: number;
  right: number;
  mismatch: number;
  unitsUsed: number;
}

const variants = ['control', 'red', 'blue'];
const metrics: Metric[] = [
  { name: 'bought', kind: 'proportion', role: 'primary' },
  { name: 'latency', kind: 'mean', role: 'guardrail', better: 'lower', margin: 0.05 },
];

export function simulateExperiments(options: SimulationOptions): SimulationFigures {
  const { kind, experiments, seed, looks, unitsPerLook, redGain } = options;
  const unitsAtLook = (look: number): number => look * unitsPerLook * variants.length;
  const tunedFor = unitsAtLook(looks);
  const rng = new Rng(seed);
  const counts = { wrong: 0, right: 0, mismatch: 0, looksUsed: 0 };
  for (let experiment = 0; experiment < experiments; experiment++) {
    const data = new ExperimentData(variants, metrics);
    const taken: number[] = [];
    let look = 0;
    while (look < looks) {
      look++;
      for (let unit = 0; unit < unitsAtLook(1); unit++) {
        const variant = rng.pick(variants);
        const rate = 0.2 + (variant === 'red' ? redGain : 0);
        data.record(variant, { bought: rng.boolean(rate) ? 1 : 0, latency: 100 + 20 * rng.gaussian() });
      }
      if (kind === 'group-sequential' && (look * 5) % looks !== 0) continue;
      taken.push(unitsAtLook(look));
      const rule: StoppingRule =
        kind === 'always-valid' ? { kind, tunedFor } : { kind, plannedUnits: tunedFor, looks: taken };
      const { action, reason, winner } = analyzeExperiment(data, { rule }).decision;
      if (action === 'continue') continue;
      if (action === 'investigate') counts.mismatch++;
      else if (reason === 'winner' || reason === 'control-wins') {
        if (winner === 'red' && redGain > 0) counts.right++;
        else counts.wrong++;
      }
      break;
    }
    counts.looksUsed += look / looks;
  }
  return {
    wrong: counts.wrong / experiments,
    right: counts.right / experiments,
    mismatch: counts.mismatch / experiments,
    unitsUsed: counts.looksUsed / experiments,
  };
}
