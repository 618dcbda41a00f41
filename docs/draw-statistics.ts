// The pictures of statistics.md and experiments.md, computed by the library. Redraw them with
// `MILLRACE_DRAW=1 npx vitest run src/analyze/stats/documentation.test.ts`; that test fails where they are out of date.

import { analyzeExperiment, ExperimentData, type Metric } from '../src/analyze/experiment/index.ts';
import {
  exitProbabilities,
  groupSequentialBoundaries,
  Moments,
  meanSequence,
  normal,
  normalMixtureBound,
  tTestOneSample,
} from '../src/analyze/stats/index.ts';
import { Rng } from '../src/core/rng.ts';
import { blue, draw, green, orange, type Point, percent, purple } from './draw-chart.ts';

function peeking(): string {
  const looks = Array.from({ length: 100 }, (_, k) => k + 1);
  const sequential = (n: number) => normalMixtureBound(n, 0.05, 100) / Math.sqrt(n);
  const errors =
    (critical: (look: number, of: number) => number) =>
    (of: number): Point => {
      const values = looks.slice(0, of);
      const { upper } = exitProbabilities(
        values.map(k => critical(k, of)),
        values.map(k => k / of),
        0,
      );
      return [of, 2 * upper.reduce((sum, p) => sum + p, 0)];
    };
  const some = [1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100];
  return draw({
    title: 'False alarms by number of looks',
    description:
      'A fixed test errs more with every look; a confidence sequence stays below 5 percent for ever.',
    x: { label: 'looks at data in which there is nothing', ticks: [0, 20, 40, 60, 80, 100] },
    y: { label: 'chance of a false alarm', ticks: [0, 0.1, 0.2, 0.3, 0.4], format: percent },
    series: [
      { name: 'fixed 5 % test', color: orange, points: some.map(errors(() => normal.quantile(0.975))) },
      {
        name: 'stated 5 %',
        color: '#777',
        dashed: true,
        points: [
          [0, 0.05],
          [100, 0.05],
        ],
      },
      { name: 'confidence sequence', color: blue, points: some.map(errors(k => sequential(k))) },
    ],
  });
}

function boundaries(): string {
  const fractions = Array.from({ length: 20 }, (_, k) => (k + 1) / 20);
  const of = (boundary: 'pocock' | 'spend-obrien-fleming'): Point[] =>
    groupSequentialBoundaries({ fractions, boundary }).map(look => [look.fraction, look.criticalValue]);
  const fine = Array.from({ length: 96 }, (_, i) => 0.05 + i / 100);
  return draw({
    title: 'How far from 0 an estimate must lie, look by look',
    description:
      'Critical values in standard errors: fixed 1.96, Pocock flat, Lan–DeMets falling, always-valid above.',
    x: { label: 'share of the planned units', ticks: [0, 0.25, 0.5, 0.75, 1], format: percent },
    y: { label: 'standard errors', ticks: [1, 2, 3, 4, 5, 6] },
    series: [
      {
        name: 'always-valid',
        color: blue,
        points: fine.map(t => [t, normalMixtureBound(t, 0.05, 1) / Math.sqrt(t)]),
      },
      { name: 'Pocock, 20 looks', color: green, points: of('pocock') },
      { name: 'Lan–DeMets, 20 looks', color: purple, points: of('spend-obrien-fleming') },
      {
        name: 'one look only',
        color: orange,
        dashed: true,
        points: [
          [0.05, 1.96],
          [1, 1.96],
        ],
      },
    ],
  });
}

/** Both intervals along one stream of standard normal values. */
function watch(seed: number): { fixed: Point[][]; valid: Point[][]; strays: number } {
  const rng = new Rng(seed);
  const moments = new Moments();
  const [fixed, valid]: [Point[][], Point[][]] = [
    [[], []],
    [[], []],
  ];
  let strays = 0;
  for (let n = 1; n <= 2000; n++) {
    moments.update(rng.gaussian());
    if (n < 20 || n % 20 !== 0) continue;
    const once = tTestOneSample(moments).interval;
    const always = meanSequence(moments, { tunedFor: 1000 });
    if (n > 200 && (once[0] > 0 || once[1] < 0)) strays++;
    for (const end of [0, 1]) {
      fixed[end]!.push([n, once[end]!]);
      valid[end]!.push([n, always[end]!]);
    }
  }
  return { fixed, valid, strays };
}

function sequence(): string {
  // The first seed whose fixed interval loses the truth for a while: about every third stream has such a time.
  let seed = 1;
  while (watch(seed).strays < 10) seed++;
  const { fixed, valid } = watch(seed);
  return draw({
    title: 'An interval for one time and an interval for all times',
    description:
      'Mean of a stream whose true mean is 0: the fixed interval strays from 0, the sequence does not.',
    x: { label: 'values seen (true mean 0)', ticks: [0, 500, 1000, 1500, 2000] },
    y: { label: 'mean', ticks: [-0.4, -0.2, 0, 0.2, 0.4] },
    series: [
      {
        name: 'truth',
        color: '#777',
        dashed: true,
        points: [
          [0, 0],
          [2000, 0],
        ],
      },
    ],
    bands: [
      { name: '95 % sequence', color: blue, low: valid[0]!, high: valid[1]! },
      { name: '95 % fixed', color: orange, low: fixed[0]!, high: fixed[1]! },
    ],
  });
}

function experiment(): string {
  const metric: Metric = { name: 'bought', kind: 'proportion', role: 'primary' };
  const data = new ExperimentData(['control', 'red'], [metric]);
  const rng = new Rng(3);
  const [low, high, middle]: Point[][] = [[], [], []];
  let stopped: number | undefined;
  for (let unit = 1; unit <= 20_000; unit++) {
    const variant = rng.pick(data.variants);
    data.record(variant, { bought: rng.boolean(variant === 'red' ? 0.12 : 0.1) ? 1 : 0 });
    if (unit < 1000 || unit % 250 !== 0) continue;
    const result = analyzeExperiment(data, { rule: { kind: 'always-valid', tunedFor: 20_000 } });
    const { estimate, interval } = result.comparisons[0]!.relative;
    low!.push([unit, interval[0]]);
    high!.push([unit, interval[1]]);
    middle!.push([unit, estimate]);
    if (result.decision.action === 'stop') stopped ??= unit;
  }
  return draw({
    title: 'One experiment, from its start to its decision',
    description: `The interval of the relative gain narrows until it leaves 0 at ${stopped} units.`,
    x: { label: `units in both variants (stops at ${stopped})`, ticks: [0, 5000, 10_000, 15_000, 20_000] },
    y: { label: 'gain over the control', ticks: [-0.4, -0.2, 0, 0.2, 0.4, 0.6], format: percent },
    series: [
      {
        name: 'no gain',
        color: '#777',
        dashed: true,
        points: [
          [0, 0],
          [20_000, 0],
        ],
      },
      {
        name: 'truth, 20 %',
        color: green,
        dashed: true,
        points: [
          [0, 0.2],
          [20_000, 0.2],
        ],
      },
      { name: 'estimate', color: blue, points: middle! },
    ],
    bands: [{ name: '', color: blue, low: low!, high: high! }],
  });
}

/** File name, below docs/pictures, to picture. */
export function drawings(): Record<string, string> {
  return {
    'statistics-peeking.svg': peeking(),
    'statistics-boundaries.svg': boundaries(),
    'statistics-sequence.svg': sequence(),
    'experiments-decision.svg': experiment(),
  };
}
