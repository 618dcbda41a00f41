// The pictures of docs/sketches.md, drawn from the sketches' own errors and compared with the ones that are kept.
// `npx vitest run --config vitest.long.config.ts src/analyze/sketch/testing/pictures -u` draws them anew. A shortened run draws them with
// fewer trials and compares nothing.
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { DDSketch } from '../quantile/ddsketch.ts';
import { KllDoubles } from '../quantile/kll.ts';
import { TDigest } from '../quantile/tdigest.ts';
import { type DistinctKind, distinctErrors, distinctKinds } from './distinct-accuracy.ts';
import { proofSeed, roundsOf } from './exchange-files.ts';
import { lineChart } from './line-chart.ts';

const usual = 300;
const rounds = Math.min(usual, roundsOf(usual));
const seed = proofSeed();
const colors = ['#1f6feb', '#8250df', '#bf3989', '#1a7f37'];
const percent = (value: number): string => `${value} %`;

async function keep(name: string, svg: string): Promise<void> {
  expect(svg).toMatch(/^<svg[\s\S]+<\/svg>\n$/);
  expect(svg).not.toMatch(/NaN|undefined/);
  if (rounds === usual && seed === 1)
    await expect(svg).toMatchFileSnapshot(`../../../../docs/pictures/${name}`);
}

/** Published errors, in percent. */
const published: Record<DistinctKind, number> = {
  'HLL lgK 12': 83.26 / 64,
  'HLL lgK 14': 83.26 / 128,
  'HLL lgK 12, 4 merged': 103.9 / 64,
  'Theta K 4096': 100 / Math.sqrt(4095),
};

describe('pictures', () => {
  it('the error of distinct counts by their size', async () => {
    const sizes = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000];
    const errors = distinctErrors(sizes, rounds, seed);
    const svg = lineChart({
      title: `Relative standard error of distinct counts, ${rounds} trials; dotted: published`,
      xLabel: 'distinct items',
      yLabel: 'relative standard error',
      xScale: Math.log10,
      xTicks: [100, 1000, 10_000, 100_000, 200_000].map(n => [
        n,
        n === 200_000 ? '' : n.toLocaleString('en'),
      ]),
      yTicks: [0, 0.4, 0.8, 1.2, 1.6, 2].map(y => [y, percent(y)]),
      series: distinctKinds.map((name, i) => ({
        name,
        color: colors[i]!,
        level: published[name],
        points: sizes.map(n => [n, errors.get(`${name} ${n}`)!.rse * 100] as const),
      })),
    });
    await keep('sketches-distinct.svg', svg);
  });

  it('the rank error of quantile sketches by rank', async () => {
    const n = 100_000;
    const ranks = [
      0.001,
      0.005,
      0.01,
      0.02,
      0.05,
      ...Array.from({ length: 17 }, (_, i) => 0.1 + i * 0.05),
      0.95,
      0.98,
      0.99,
      0.995,
      0.999,
    ];
    const makers = {
      'KLL K 200': () => new KllDoubles(),
      't-digest k 200': () => new TDigest(),
      'DDSketch 1 %': () => new DDSketch(),
    };
    const rng = new Rng(seed);
    const squares = Object.keys(makers).map(() => new Float64Array(ranks.length));
    const trials = Math.max(3, Math.ceil(rounds / 6));
    for (let trial = 0; trial < trials; trial++) {
      // Latencies of a sort: log-normal.
      const values = Float64Array.from({ length: n }, () => Math.exp(3 + rng.gaussian()));
      const sorted = values.slice().sort();
      Object.values(makers).forEach((make, i) => {
        const sketch = make();
        sketch.updateColumn(values);
        ranks.forEach((rank, at) => {
          const found = sketch.quantile(rank)!;
          let low = 0;
          let high = n;
          while (low < high) {
            const middle = (low + high) >>> 1;
            if (sorted[middle]! <= found) low = middle + 1;
            else high = middle;
          }
          squares[i]![at]! += (low / n - rank) ** 2;
        });
      });
    }
    const svg = lineChart({
      title: `Rank error on ${n.toLocaleString('en')} log-normal values, ${trials} trials`,
      xLabel: 'rank',
      yLabel: 'root mean square rank error',
      xTicks: [0, 0.25, 0.5, 0.75, 1].map(x => [x, String(x)]),
      yTicks: [0, 0.1, 0.2, 0.3, 0.4, 0.5].map(y => [y, percent(y)]),
      series: Object.keys(makers).map((name, i) => ({
        name,
        color: colors[i]!,
        points: ranks.map((rank, at) => [rank, Math.sqrt(squares[i]![at]! / trials) * 100] as const),
      })),
    });
    await keep('sketches-quantiles.svg', svg);
  });
});
