// Every benchmark, in the order in which they run.
import { benchmark as detectors } from '../src/analyze/anomaly/detectors.bench.ts';
import { benchmark as regret } from '../src/analyze/bandit/regret.bench.ts';
import { benchmark as statistics } from '../src/analyze/stats/statistics.bench.ts';
import { benchmark as expressions } from '../src/process/plan/expression/compile.bench.ts';
import { benchmark as accessLog } from './access-log.bench.ts';
import { benchmark as endToEnd } from './end-to-end.bench.ts';
import type { Benchmark } from './harness.ts';
import { benchmark as kernel } from './kernel.bench.ts';
import { benchmark as log } from './log.bench.ts';
import { benchmark as nab } from './nab.bench.ts';
import { benchmark as nexmark } from './nexmark.bench.ts';
import { benchmark as sketch } from './sketch.bench.ts';

export const benchmarks: readonly Benchmark[] = [
  log,
  kernel,
  endToEnd,
  accessLog,
  nexmark,
  expressions,
  sketch,
  statistics,
  detectors,
  nab,
  regret,
];
