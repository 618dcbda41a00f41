// Data kept, metrics summarised, and every way an experiment may end.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { Moments } from '../stats/moment/moments.ts';
import { analyzeExperiment, type ExperimentPlan } from './analyze-experiment.ts';
import { compareVariants } from './compare.ts';
import { ExperimentData } from './experiment-data.ts';
import { type Metric, type MetricValue, summarizeMetric } from './metric.ts';
import { planExperiment } from './plan-experiment.ts';

const bought: Metric = { name: 'bought', kind: 'proportion', role: 'primary' };
const latency: Metric = { name: 'latency', kind: 'mean', role: 'guardrail', better: 'lower', margin: 0.02 };
const plan: ExperimentPlan = { rule: { kind: 'always-valid', tunedFor: 20_000 } };

type Draw = (rng: Rng) => Record<string, MetricValue>;

function simulate(
  metrics: Metric[],
  draws: Record<string, Draw>,
  unitsEach: number,
  seed: number,
): ExperimentData {
  const rng = new Rng(seed);
  const data = new ExperimentData(Object.keys(draws), metrics);
  for (const [variant, draw] of Object.entries(draws)) {
    for (let i = 0; i < unitsEach; i++) data.record(variant, draw(rng));
  }
  return data;
}

const shop =
  (rate: number, ms: number): Draw =>
  rng => ({ bought: rng.boolean(rate) ? 1 : 0, latency: ms + 20 * rng.gaussian() });

const outcome = (data: ExperimentData, given = plan): string => {
  const { action, reason, winner = '-' } = analyzeExperiment(data, given).decision;
  return `${action}: ${reason}, ${winner}`;
};

describe('ExperimentData', () => {
  const metrics: Metric[] = [
    bought,
    { name: 'spent', kind: 'mean', role: 'secondary', covariate: true },
    { name: 'clicks', kind: 'ratio', role: 'secondary' },
  ];
  const value = fc.double({ min: -100, max: 100, noNaN: true });
  const unit = fc.record({
    bought: fc.constantFrom(0, 1),
    spent: fc.tuple(value, value),
    clicks: fc.tuple(value, value),
  });

  it('merged from parts and read back is that of the whole', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('a', 'b'), unit), { maxLength: 30 }),
        fc.nat(30),
        (units, cut) => {
          const whole = new ExperimentData(['a', 'b'], metrics);
          const parts = [0, 1].map(() => new ExperimentData(['a', 'b'], metrics));
          units.forEach(([variant, values], i) => {
            whole.record(variant, values);
            parts[i < cut ? 0 : 1]!.record(variant, values);
          });
          parts[0]!.merge(parts[1]!);
          const back = ExperimentData.deserialize(parts[0]!.serialize(), ['a', 'b'], metrics);
          expect(back.units).toEqual(whole.units);
          back.accumulators.forEach((row, v) => {
            row.forEach((seen, m) => {
              const wanted = whole.accumulators[v]![m]!;
              expect(seen.count).toBe(wanted.count);
              if (wanted.count === 0) return;
              expect(seen.meanY).toBeCloseTo(wanted.meanY, 9);
              if (wanted.count > 1) expect(seen.covariance).toBeCloseTo(wanted.covariance, 7);
            });
          });
        },
      ),
      { seed: 5, numRuns: 100 },
    );
  });

  it('takes in nothing of a unit that is incomplete, unknown or of the wrong form', () => {
    const data = new ExperimentData(['a', 'b'], [bought, latency]);
    const cases: [string, Record<string, MetricValue>, RegExp][] = [
      ['c', { bought: 1, latency: 1 }, /no such variant/],
      ['a', { bought: 1 }, /lacks/],
      ['a', { bought: 1, latency: 1, more: 2 }, /has not/],
      ['a', { bought: 0.5, latency: 1 }, /0 or 1/],
      ['a', { bought: 1, latency: [1, 2] }, /one number/],
      ['a', { bought: 1, latency: Number.NaN }, /finite/],
    ];
    for (const [variant, values, message] of cases)
      expect(() => data.record(variant, values)).toThrow(message);
    expect(data.units).toEqual([0, 0]);
    expect(data.accumulators.flat().every(({ count }) => count === 0)).toBe(true);
  });

  it('merges and reads only its own variants and metrics', () => {
    const [a, b] = [new ExperimentData(['a', 'b'], [bought]), new ExperimentData(['a', 'c'], [bought])];
    expect(() => a.merge(b)).toThrow(/same variants/);
    expect(() => ExperimentData.deserialize(a.serialize(), ['a', 'c'], [bought])).toThrow(/other variants/);
  });

  it('refuses metrics that make no sense', () => {
    const make = (metric: Partial<Metric>) => () =>
      new ExperimentData(['a', 'b'], [{ ...bought, ...metric }]);
    expect(make({ role: 'guardrail' })).toThrow(/margin/);
    expect(make({ kind: 'ratio', covariate: true })).toThrow(/covariate/);
    expect(make({ margin: 2 })).toThrow(/margin/);
    expect(() => new ExperimentData(['a', 'a'], [bought])).toThrow(/different names/);
  });
});

describe('summarizeMetric', () => {
  it('gives a ratio the variance that repetition shows (delta method)', () => {
    const metric: Metric = { name: 'r', kind: 'ratio', role: 'primary' };
    const draw: Draw = rng => {
      const views = 1 + rng.below(20);
      let clicks = 0;
      // A unit's clicks depend on each other: its own rate.
      const rate = 0.1 + 0.4 * rng.float();
      for (let i = 0; i < views; i++) clicks += rng.boolean(rate) ? 1 : 0;
      return { r: [clicks, views] };
    };
    const estimates = new Moments();
    let stated = 0;
    const rounds = 300;
    for (let round = 0; round < rounds; round++) {
      const data = simulate([metric], { a: draw, b: draw }, 200, round);
      const [a] = summarizeMetric(
        metric,
        data.accumulators.map(row => row[0]!),
      ).variants;
      estimates.update(a!.mean);
      stated += a!.variance / a!.count / rounds;
    }
    expect(estimates.mean).toBeCloseTo(0.3, 2);
    expect(stated / estimates.variance).toBeGreaterThan(0.75);
    expect(stated / estimates.variance).toBeLessThan(1.3);
  });
});

describe('compareVariants', () => {
  it('covers the true relative change as often as it says, even against a noisy control (Fieller)', () => {
    const rng = new Rng(5);
    let covered = 0;
    const rounds = 3000;
    for (let round = 0; round < rounds; round++) {
      const control = Moments.fromSummary(50, 10 + 1.5 * rng.gaussian(), 50 * 1.5 ** 2);
      const variant = Moments.fromSummary(50, 12 + 1.5 * rng.gaussian(), 50 * 1.5 ** 2);
      const [low, high] = compareVariants(control, variant, 1.959964).relative.interval;
      if (low <= 0.2 && 0.2 <= high) covered++;
    }
    expect(Math.abs(covered / rounds - 0.95)).toBeLessThan(4 * Math.sqrt(0.0475 / rounds));
  });

  it('says nothing of a relative change where the control cannot be told from 0', () => {
    const { relative } = compareVariants(Moments.fromSummary(9, 0.1, 9), Moments.fromSummary(9, 1, 9), 2);
    expect(relative.interval).toEqual([-Infinity, Infinity]);
  });
});

describe('analyzeExperiment', () => {
  const metrics = [bought, latency];

  it('stops with a winner, its gain and its interval', () => {
    const data = simulate(metrics, { control: shop(0.1, 200), red: shop(0.13, 200) }, 10_000, 1);
    const { decision, comparisons, confidence } = analyzeExperiment(data, plan);
    expect(decision).toMatchObject({ action: 'stop', reason: 'winner', winner: 'red', tiedWith: [] });
    expect(decision.explanation).toMatch(/^red changes bought by \d+\.\d %/);
    const primary = comparisons.find(({ role }) => role === 'primary')!;
    expect(primary.relative.interval[0]).toBeLessThan(0.3);
    expect(primary.relative.interval[1]).toBeGreaterThan(0.3);
    expect(primary.pValue).toBeLessThan(0.05);
    expect(confidence).toBe(0.95);
  });

  it('checks the sample ratio before anything else', () => {
    const data = simulate(metrics, { control: shop(0.1, 200), red: shop(0.2, 200) }, 5000, 2);
    for (let i = 0; i < 800; i++) data.record('red', { bought: 1, latency: 200 });
    expect(outcome(data)).toBe('investigate: sample-ratio-mismatch, -');
    // The same counts are sound where they were meant.
    expect(outcome(data, { ...plan, weights: [50, 58] })).toBe('stop: winner, red');
  });

  it('waits for enough units, and for enough events of a rate', () => {
    expect(outcome(simulate(metrics, { control: shop(0.5, 9), red: shop(0.5, 9) }, 80, 3))).toBe(
      'continue: not-enough-data, -',
    );
    const rare = simulate(metrics, { control: shop(0.01, 9), red: shop(0.01, 9) }, 900, 3);
    expect(analyzeExperiment(rare, plan).decision.explanation).toMatch(/fewer than 30 1s or 0s of bought/);
    expect(analyzeExperiment(rare, plan).comparisons).toEqual([]);
  });

  it('does not wait for a rare secondary rate, and leaves it out until it has its events', () => {
    const rare: Metric = { name: 'refunded', kind: 'proportion', role: 'secondary' };
    const draw =
      (rate: number): Draw =>
      rng => ({ bought: rng.boolean(rate) ? 1 : 0, refunded: rng.boolean(0.004) ? 1 : 0 });
    const run = (units: number) => {
      const data = simulate([bought, rare], { control: draw(0.1), red: draw(0.2) }, units, 17);
      return analyzeExperiment(data, plan);
    };
    expect(run(3000).decision.reason).toBe('winner');
    expect(run(3000).comparisons.map(({ metric }) => metric)).toEqual(['bought']);
    expect(run(12_000).comparisons.map(({ metric }) => metric)).toEqual(['bought', 'refunded']);
  });

  it('goes on while the interval holds both better and worse', () => {
    const data = simulate(metrics, { control: shop(0.1, 200), red: shop(0.1, 200) }, 5000, 4);
    expect(outcome(data)).toBe('continue: undecided, -');
  });

  it('stops for the control where every variant is worse', () => {
    const draws = { control: shop(0.2, 200), red: shop(0.15, 200), blue: shop(0.14, 200) };
    expect(outcome(simulate(metrics, draws, 8000, 5))).toBe('stop: control-wins, control');
  });

  it('stops when a guard rail is surely harmed, though the primary metric gains', () => {
    const data = simulate(metrics, { control: shop(0.1, 200), red: shop(0.14, 220) }, 8000, 6);
    expect(outcome(data)).toBe('stop: guard-rail-harmed, control');
  });

  it('goes on while a guard rail is not yet known to hold', () => {
    const data = simulate(metrics, { control: shop(0.1, 200), red: shop(0.16, 203.5) }, 2500, 7);
    expect(outcome(data)).toBe('continue: guard-rail-unclear, -');
  });

  it('passes over a harmed variant for one that is not', () => {
    const draws = { control: shop(0.1, 200), fast: shop(0.14, 200), greedy: shop(0.2, 230) };
    expect(outcome(simulate(metrics, draws, 8000, 8))).toBe('stop: winner, fast');
  });

  it('names the variants that the winner is not told apart from', () => {
    const draws = { control: shop(0.1, 200), red: shop(0.14, 200), blue: shop(0.141, 200) };
    const { winner, tiedWith } = analyzeExperiment(simulate(metrics, draws, 8000, 9), plan).decision;
    expect([winner, ...tiedWith].sort()).toEqual(['blue', 'red']);
  });

  it('stops for futility when no gain worth having is left', () => {
    const draw =
      (rate: number): Draw =>
      rng => ({ bought: rng.boolean(rate) ? 1 : 0 });
    const data = simulate([{ ...bought, margin: 0.1 }], { control: draw(0.3), red: draw(0.3) }, 15_000, 10);
    expect(outcome(data)).toBe('stop: no-relevant-gain, -');
  });

  it('understands that lower may be better', () => {
    const time: Metric = { name: 'time', kind: 'mean', role: 'primary', better: 'lower' };
    const draw =
      (ms: number): Draw =>
      rng => ({ time: ms + 5 * rng.gaussian() });
    expect(outcome(simulate([time], { control: draw(100), quick: draw(97) }, 2000, 11))).toBe(
      'stop: winner, quick',
    );
  });

  it('holds a fixed plan to its one look', () => {
    const data = simulate(metrics, { control: shop(0.1, 200), red: shop(0.14, 200) }, 8000, 12);
    expect(outcome(data, { rule: { kind: 'fixed', plannedUnits: 20_000 } })).toBe('continue: undecided, -');
    expect(outcome(data, { rule: { kind: 'fixed', plannedUnits: 16_000 } })).toBe('stop: winner, red');
    const same = simulate(metrics, { control: shop(0.1, 200), red: shop(0.1, 200) }, 8000, 13);
    expect(outcome(same, { rule: { kind: 'fixed', plannedUnits: 16_000 } })).toBe('stop: plan-complete, -');
  });

  it('asks more of an early group-sequential look than of the last', () => {
    const data = simulate(metrics, { control: shop(0.1, 200), red: shop(0.1115, 200) }, 8000, 14);
    const rule = (plannedUnits: number, looks: number[]): ExperimentPlan => ({
      rule: { kind: 'group-sequential', plannedUnits, looks },
    });
    const early = analyzeExperiment(data, rule(100_000, [16_000]));
    const last = analyzeExperiment(data, rule(16_000, [8000, 16_000]));
    const width = ({ comparisons }: typeof early): number => {
      const [low, high] = comparisons[0]!.absolute.interval;
      return high - low;
    };
    expect(width(early)).toBeGreaterThan(2 * width(last));
    expect(last.decision.action).toBe('stop');
    expect(() => analyzeExperiment(data, rule(16_000, []))).toThrow(/List this look/);
  });

  it('needs fewer units with a covariate from before', () => {
    const run = (covariate: boolean): number => {
      const metric: Metric = { name: 'spent', kind: 'mean', role: 'primary', covariate };
      const draw =
        (gain: number): Draw =>
        rng => {
          const before = 50 + 10 * rng.gaussian();
          const spent = before + gain + 5 * rng.gaussian();
          return { spent: covariate ? [spent, before] : spent };
        };
      const { comparisons } = analyzeExperiment(
        simulate([metric], { a: draw(0), b: draw(0.6) }, 4000, 15),
        plan,
      );
      const [low, high] = comparisons[0]!.absolute.interval;
      return high - low;
    };
    // ρ² = 0.8: the interval shrinks by √0.2.
    expect(run(true) / run(false)).toBeCloseTo(Math.sqrt(0.2), 1);
  });

  it('wants exactly one primary metric and one weight a variant', () => {
    const data = simulate(
      [latency],
      { a: rng => ({ latency: rng.float() }), b: rng => ({ latency: rng.float() }) },
      5,
      1,
    );
    expect(() => analyzeExperiment(data, plan)).toThrow(/Exactly one/);
    const other = simulate(metrics, { control: shop(0.1, 1), red: shop(0.1, 1) }, 5, 1);
    expect(() => analyzeExperiment(other, { ...plan, weights: [1] })).toThrow(/one weight/);
  });

  it('adjusts the p-values of secondary metrics for their number', () => {
    const names = ['primary', 's1', 's2', 's3'];
    const many = names.map(
      (name, i): Metric => ({ name, kind: 'mean', role: i === 0 ? 'primary' : 'secondary' }),
    );
    const draw: Draw = rng =>
      Object.fromEntries(names.map(name => [name, rng.gaussian() + (name === 's1' ? 0 : 0.03)]));
    const { comparisons } = analyzeExperiment(simulate(many, { a: draw, b: draw }, 500, 16), {
      rule: { kind: 'fixed', plannedUnits: 1000 },
    });
    for (const { adjustedPValue, pValue } of comparisons)
      expect(adjustedPValue).toBeGreaterThanOrEqual(pValue);
    expect(comparisons.some(({ adjustedPValue, pValue }) => adjustedPValue > pValue)).toBe(true);
  });
});

describe('planExperiment', () => {
  it('gives the textbook size for a fixed plan, and one at which always-valid analysis has the power asked for', () => {
    const answer = planExperiment({ baseline: 10, variance: 4, relativeEffect: 0.02, power: 0.8 });
    // 2 · 2·(1.960 + 0.842)²·σ²/δ²: the textbook's 1,570 a variant.
    expect(answer.fixed).toBe(3140);
    expect(answer.groupSequential / answer.fixed).toBeCloseTo(1.025, 2);
    expect(answer.alwaysValid).toBeGreaterThan(1.5 * answer.fixed);
    const metric: Metric = { name: 'm', kind: 'mean', role: 'primary' };
    const each = answer.alwaysValid / 2;
    let found = 0;
    const rounds = 150;
    for (let round = 0; round < rounds; round++) {
      const rng = new Rng(round);
      const data = new ExperimentData(['a', 'b'], [metric]);
      for (let i = 0; i < each; i++) {
        data.record('a', { m: 10 + 2 * rng.gaussian() });
        data.record('b', { m: 10.2 + 2 * rng.gaussian() });
      }
      const rule = { kind: 'always-valid' as const, tunedFor: answer.alwaysValid };
      if (analyzeExperiment(data, { rule }).decision.reason === 'winner') found++;
    }
    expect(Math.abs(found / rounds - 0.8)).toBeLessThan(0.12);
  });

  it('needs more for more variants and less with a covariate', () => {
    const question = { baseline: 0.1, relativeEffect: 0.05 };
    const { fixed } = planExperiment(question);
    expect(planExperiment({ ...question, variants: 4 }).fixed).toBeGreaterThan(2 * fixed);
    expect(planExperiment({ ...question, varianceReduction: 0.5 }).fixed).toBe(Math.ceil(fixed / 2));
  });
});
