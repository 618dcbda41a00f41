// Streams without anomalies, and the share of false alarms a detector gives on them. Used by the quick test,
// the long test and the table in docs/detection.md.
import { Rng } from '../../core/rng.ts';
import { Adwin } from './adwin.ts';
import { BayesianChangePoint } from './bayesian-change-point.ts';
import { CombinedDetector } from './combined-detector.ts';
import { Cusum } from './cusum.ts';
import type { Detector } from './detector.ts';
import { EwmaChart } from './ewma-chart.ts';
import { HalfSpaceTrees } from './half-space-trees.ts';
import { Kswin } from './kswin.ts';
import { PageHinkley } from './page-hinkley.ts';
import { RobustZ } from './robust-z.ts';
import { SeasonalBaseline } from './seasonal-baseline.ts';

/** A generator of a stream's next value; `t` counts from 0, values are five minutes apart. */
type Stream = (rng: Rng) => (t: number) => number;

export const stepUs = 300_000_000;

export const streams: Record<string, Stream> = {
  'white noise': rng => () => 10 + 3 * rng.gaussian(),
  'autoregressive, φ = 0.7': rng => {
    let x = 0;
    return () => (x = 0.7 * x + rng.gaussian());
  },
  'daily rhythm and noise': rng => t => 100 + 40 * Math.sin((2 * Math.PI * t) / 288) + 4 * rng.gaussian(),
  'log-normal': rng => () => Math.exp(rng.gaussian()),
  'Student t, 3 degrees': rng => () =>
    rng.gaussian() / Math.sqrt((rng.gaussian() ** 2 + rng.gaussian() ** 2 + rng.gaussian() ** 2) / 3),
  'whole counts, mean 4': rng => () => {
    let count = -1;
    for (let left = 4; left > 0; count++) left -= rng.exponential();
    return count;
  },
};

export const detectors: Record<string, () => Detector> = {
  RobustZ: () => new RobustZ(),
  EwmaChart: () => new EwmaChart(),
  Cusum: () => new Cusum(),
  PageHinkley: () => new PageHinkley(),
  Adwin: () => new Adwin(),
  Kswin: () => new Kswin(),
  BayesianChangePoint: () => new BayesianChangePoint(),
  SeasonalBaseline: () => new SeasonalBaseline(),
  HalfSpaceTrees: () => new HalfSpaceTrees(),
  // Without its quiet time, which would hide alarms and flatter the share.
  CombinedDetector: () => new CombinedDetector({ quiet: 0 }),
};

/** Values before counting begins: every detector is warm, and the seasonal one has seen each slot. */
const settle = 2500;

/**
 * Share of observations with score ≥ 1 − rate, for each rate, over `runs` streams of `length` counted values.
 */
export function falseAlarmShares(
  make: () => Detector,
  stream: Stream,
  rates: readonly number[],
  { runs, length, seed }: { runs: number; length: number; seed: number },
): number[] {
  const alarms = rates.map(() => 0);
  for (let run = 0; run < runs; run++) {
    const next = stream(new Rng(seed + run));
    const detector = make();
    for (let t = 0; t < settle + length; t++) {
      const score = detector.update(next(t), t * stepUs);
      if (t < settle) continue;
      for (let i = 0; i < rates.length; i++) if (score >= 1 - rates[i]!) alarms[i]!++;
    }
  }
  return alarms.map(count => count / (runs * length));
}
