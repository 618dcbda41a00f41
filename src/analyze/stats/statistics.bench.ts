// What an update and a judgement cost: nanoseconds a value for what streams, microseconds a call for the rest.
import { Rng } from '../../core/rng.ts';
import { analyzeExperiment, ExperimentData } from '../experiment/index.ts';
import {
  bernoulliSequence,
  CompensatedSum,
  Covariance,
  differenceSequence,
  ExponentiallyWeighted,
  groupSequentialBoundaries,
  Moments,
  SlidingMoments,
  StreamingRegression,
  tTestWelch,
} from './index.ts';

interface Case {
  name: string;
  peer: boolean;
  unit: string;
  value: number;
  note?: string;
  question?: string;
}

function nanosecondsEach(count: number, body: () => void): number {
  body();
  let best = Infinity;
  for (let round = 0; round < 3; round++) {
    const start = process.hrtime.bigint();
    body();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / count);
  }
  return best;
}

export const benchmark = {
  name: 'statistics',
  title: 'Statistics: streaming updates and judgements',
  async run({ tiny, seed }: { tiny: boolean; seed: number }): Promise<Case[]> {
    const rng = new Rng(seed);
    const values = Float64Array.from({ length: tiny ? 1000 : 1_000_000 }, () => 10 + rng.gaussian());
    const n = values.length;
    const streaming = (name: string, make: () => (value: number, at: number) => void): Case => {
      const value = nanosecondsEach(n, () => {
        const update = make();
        for (let at = 0; at < n; at++) update(values[at]!, at);
      });
      // Only a sum is compared with a sum.
      const question = name.startsWith('CompensatedSum') ? 'sum' : name;
      return { name, peer: false, unit: 'ns/value', value, question };
    };
    const call = (name: string, times: number, body: () => unknown): Case => {
      const rounds = tiny ? 1 : times;
      const value = nanosecondsEach(rounds * 1000, () => {
        for (let round = 0; round < rounds; round++) body();
      });
      return { name, peer: false, unit: 'µs/call', value };
    };
    const [a, b] = [Moments.of(values.subarray(0, n >> 1)), Moments.of(values.subarray(n >> 1))];
    const data = new ExperimentData(['control', 'red'], [{ name: 'm', kind: 'mean', role: 'primary' }]);
    for (const [at, value] of values.subarray(0, 2000).entries())
      data.record(data.variants[at % 2]!, { m: value });
    const plain: Case = {
      name: 'plain sum',
      peer: true,
      question: 'sum',
      unit: 'ns/value',
      value: nanosecondsEach(n, () => {
        let sum = 0;
        for (let at = 0; at < n; at++) sum += values[at]!;
        if (sum === 0) throw new Error('The values sum to 0.');
      }),
    };
    return [
      plain,
      streaming('CompensatedSum.update', () => {
        const sum = new CompensatedSum();
        return value => sum.update(value);
      }),
      streaming('Moments.update', () => {
        const moments = new Moments();
        return value => moments.update(value);
      }),
      streaming('Covariance.update', () => {
        const pairs = new Covariance();
        return (value, at) => pairs.update(at, value);
      }),
      streaming('ExponentiallyWeighted.update', () => {
        const recent = new ExponentiallyWeighted(1000);
        return (value, at) => recent.update(value, at);
      }),
      streaming('SlidingMoments.update, 1,000 values', () => {
        const recent = new SlidingMoments({ size: 1000 });
        return value => recent.update(value);
      }),
      streaming('StreamingRegression.update, 3 predictors', () => {
        const fit = new StreamingRegression(3);
        const row = [0, 0, 0];
        return (value, at) => {
          row[0] = at;
          row[1] = at % 7;
          row[2] = at % 24;
          fit.update(row, value);
        };
      }),
      call('tTestWelch of Moments', 20_000, () => tTestWelch(a, b)),
      call('differenceSequence', 20_000, () => differenceSequence(a, b, { tunedFor: 10_000 })),
      call('bernoulliSequence', 2000, () =>
        bernoulliSequence({ successes: 700, trials: 9000 }, { tunedFor: 10_000 }),
      ),
      call('groupSequentialBoundaries, 5 looks', 200, () =>
        groupSequentialBoundaries({ fractions: [0.2, 0.4, 0.6, 0.8, 1], boundary: 'spend-obrien-fleming' }),
      ),
      call('analyzeExperiment, 2 variants', 5000, () =>
        analyzeExperiment(data, { rule: { kind: 'always-valid', tunedFor: 10_000 } }),
      ),
    ];
  },
};
