// Answers that stand in print: R's own examples and documentation, and the papers that the methods come from.
import { expect, it } from 'vitest';
import * as stats from './index.ts';

const sleep = [
  [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2],
  [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
] as const;
const plantGrowth = [
  [4.17, 5.58, 5.18, 6.11, 4.5, 4.61, 5.17, 4.53, 5.33, 5.14],
  [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69],
  [6.31, 5.12, 5.54, 5.5, 5.37, 5.29, 4.92, 6.15, 5.8, 5.26],
];
const depression = [
  [1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3],
  [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29],
] as const;
const permeability = [
  [0.8, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46],
  [1.15, 0.88, 0.9, 0.74, 1.21],
] as const;
const greater = { alternative: 'greater' } as const;
const fifths = [0.2, 0.4, 0.6, 0.8, 1];
const last = (boundary: stats.BoundaryKind): number =>
  stats.groupSequentialBoundaries({ fractions: fifths, boundary }).at(-1)!.criticalValue;

const welch = stats.tTestWelch(...sleep);
const anova = stats.oneWayAnova(plantGrowth);
const unequal = stats.welchAnova(plantGrowth);
const newcombe = stats.newcombeInterval({ successes: 56, trials: 70 }, { successes: 48, trials: 80 });
const wilson = stats.wilsonInterval({ successes: 81, trials: 263 });
const exact = stats.clopperPearsonInterval({ successes: 81, trials: 263 });
const rates = stats.poissonRateInterval({ events: 137, exposure: 24.19893 });

it.each<[name: string, seen: number, printed: string]>([
  ["sleep, Welch's t", welch.statistic, '-1.8608'],
  ['… degrees of freedom', welch.degreesOfFreedom, '17.776'],
  ['… p', welch.pValue, '0.07939'],
  ['… low end', welch.interval[0], '-3.3654832'],
  ['… high end', welch.interval[1], '0.2054832'],
  ['sleep, paired p', stats.tTestPaired(...sleep).pValue, '0.002833'],
  ['PlantGrowth, F', anova.statistic, '4.846'],
  ['… p', anova.pValue, '0.01591'],
  ["PlantGrowth, Welch's F", unequal.statistic, '5.181'],
  ['… p', unequal.pValue, '0.01739'],
  ['PlantGrowth, leveneTest', stats.levene(plantGrowth).statistic, '1.1192'],
  ['… p', stats.levene(plantGrowth).pValue, '0.3412'],
  ['depression scale, signed rank p', stats.wilcoxonSignedRank(...depression, greater).pValue, '0.01953'],
  ['permeability, rank sum p', stats.mannWhitney(...permeability, greater).pValue, '0.1272'],
  [
    'tea tasting',
    stats.fisherExact([
      [3, 1],
      [1, 3],
    ]).pValue,
    '0.4857',
  ],
  [
    'tea tasting, one-sided',
    stats.fisherExact(
      [
        [3, 1],
        [1, 3],
      ],
      'greater',
    ).pValue,
    '0.2429',
  ],
  ['power.prop.test of 50', stats.proportionPower(0.5, 0.75, 50), '0.740'],
  ['power.prop.test for 0.9', stats.proportionSampleSize(0.5, 0.75, 0.9), '76.7'],
  ['power.t.test for 0.9', stats.tTestSampleSize('two-sample', 1, 0.9), '22.021'],
  ['poisson.test, low end', rates[0], '4.753125'],
  ['poisson.test, high end', rates[1], '6.692709'],
  ['Newcombe 1998, difference, low end', newcombe[0], '0.0524'],
  ['Newcombe 1998, difference, high end', newcombe[1], '0.3339'],
  ['Newcombe 1998, Wilson 81 of 263, low end', wilson[0], '0.2553'],
  ['Newcombe 1998, Wilson 81 of 263, high end', wilson[1], '0.3662'],
  ['Newcombe 1998, exact 81 of 263, low end', exact[0], '0.2527'],
  ['Newcombe 1998, exact 81 of 263, high end', exact[1], '0.3676'],
  ['Jennison & Turnbull, Pocock, five looks', last('pocock'), '2.413'],
  ["Jennison & Turnbull, O'Brien–Fleming, five looks", last('obrien-fleming'), '2.040'],
])('%s', (_, seen, printed) => {
  const digits = printed.split('.')[1]!.length;
  expect(seen.toFixed(digits)).toBe(printed);
});
