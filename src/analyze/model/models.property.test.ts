// Laws that hold for any data: two roads to one answer, definitions, and no number that can ruin a model.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import { linearRegression } from '../stats/index.ts';
import * as model from './index.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? 11);
const runs = { seed, numRuns: 60 };
const value = fc.double({ min: -100, max: 100, noNaN: true });
const rows = fc.array(fc.tuple(value, value, value), { minLength: 8, maxLength: 40 });

/** Enough spread that the question is well posed, whatever fast-check thinks of. */
const spread = (given: [number, number, number][]): [number, number, number][] => [
  ...given,
  [10, 0, 3],
  [0, 10, -2],
  [-10, 5, 1],
];

function close(seen: ArrayLike<number>, wanted: ArrayLike<number>, tolerance = 1e-7): void {
  expect(seen.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    expect(Math.abs(seen[i]! - wanted[i]!)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(wanted[i]!)));
  }
}

describe('least squares', () => {
  it('is one answer from the stream, recursively, and from all rows at once', () => {
    fc.assert(
      fc.property(rows, given => {
        const data = spread(given);
        const information = new model.InformationRegression(3);
        const recursive = new model.RecursiveLeastSquares({ dimension: 3, ridge: 1e-9 });
        for (const [x, z, y] of data) {
          information.update([1, x, z], y);
          recursive.update([1, x, z], y);
        }
        const fit = linearRegression(
          data.map(([x, z]) => [x, z]),
          data.map(([, , y]) => y),
        );
        const { weights, standardErrors } = information.fit();
        close(
          weights,
          fit.coefficients.map(({ estimate }) => estimate),
        );
        close(
          standardErrors,
          fit.coefficients.map(({ standardError }) => standardError),
        );
        close(recursive.weights, weights, 1e-6);
      }),
      runs,
    );
  });

  it('with a ridge is the Kalman filter of a state that rests', () => {
    fc.assert(
      fc.property(rows, fc.double({ min: 0.1, max: 50, noNaN: true }), (given, ridge) => {
        const recursive = new model.RecursiveLeastSquares({ dimension: 2, ridge });
        const information = new model.InformationRegression(2);
        const states = given.map(([x, z, y]) => ({ x: [x, z], y }));
        let [state, covariance] = [
          [0, 0],
          [1 / ridge, 0, 0, 1 / ridge],
        ];
        for (const { x, y } of states) {
          recursive.update(x, y);
          information.update(x, y);
          const filter = new model.KalmanFilter({
            stateSize: 2,
            observationSize: 1,
            transition: [1, 0, 0, 1],
            observation: x,
            processNoise: [0, 0, 0, 0],
            observationNoise: [1],
            initialState: state,
            initialCovariance: covariance,
          });
          filter.update([y]);
          [state, covariance] = [[...filter.state], [...filter.covariance]];
        }
        close(recursive.weights, state, 1e-6);
        close(information.fit(ridge).weights, state, 1e-6);
      }),
      runs,
    );
  });

  it('recursively follows features of any size, and learns on after each', () => {
    fc.assert(
      fc.property(fc.integer({ min: -12, max: 12 }), fc.integer({ min: 1, max: 1e6 }), (power, from) => {
        const rng = new Rng(from);
        const size = 10 ** power;
        const recursive = new model.RecursiveLeastSquares({ dimension: 2, ridge: 1e-6 * size * size });
        for (let i = 0; i < 60; i++) {
          const x = [size * rng.gaussian(), size * rng.gaussian()];
          recursive.update(x, 3 * (x[0]! / size) - 2 * (x[1]! / size));
        }
        close(
          Array.from(recursive.weights, weight => weight * size),
          [3, -2],
          1e-4,
        );
      }),
      runs,
    );
  });
});

describe('definitions', () => {
  it('Gaussian naive Bayes is the normal density of each class, by two passes', () => {
    const labelled = fc.array(fc.tuple(value, value, fc.nat(1)), { minLength: 6, maxLength: 30 });
    fc.assert(
      fc.property(labelled, value, value, (given, px, pz) => {
        const data = [...given, [1, 2, 0], [3, -1, 0], [-40, 7, 1], [20, 30, 1]] as [
          number,
          number,
          number,
        ][];
        const bayes = new model.GaussianNaiveBayes(2, 2, 0.01);
        for (const [x, z, label] of data) bayes.update([x, z], label);
        const variance = (values: number[]): number => {
          const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
          return values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
        };
        const floor = 0.01 * Math.max(variance(data.map(([x]) => x)), variance(data.map(([, z]) => z)));
        const logs = [0, 1].map(label => {
          const own = data.filter(row => row[2] === label);
          let log = Math.log(own.length);
          for (const [i, at] of [px, pz].entries()) {
            const values = own.map(row => row[i]!);
            const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
            const width = variance(values) + floor;
            log -= 0.5 * (Math.log(width) + (at - mean) ** 2 / width);
          }
          return log;
        });
        const wanted = 1 / (1 + Math.exp(logs[1]! - logs[0]!));
        expect(bayes.probabilities([px, pz])[0]).toBeCloseTo(wanted, 8);
      }),
      runs,
    );
  });

  it('principal components are orthonormal and give the covariance back', () => {
    fc.assert(
      fc.property(rows, given => {
        const data = spread(given);
        const pca = new model.StreamingPca(3);
        for (const row of data) pca.update(row);
        const { mean, components, variances } = pca.components();
        for (let i = 0; i < 3; i++) {
          for (let j = 0; j < 3; j++) {
            const dot = components[i]!.reduce((sum, v, k) => sum + v * components[j]![k]!, 0);
            expect(dot).toBeCloseTo(i === j ? 1 : 0, 10);
            const wanted = data.reduce((sum, row) => sum + (row[i]! - mean[i]!) * (row[j]! - mean[j]!), 0);
            const seen = components.reduce((sum, c, k) => sum + variances[k]! * c[i]! * c[j]!, 0);
            close([seen], [wanted / (data.length - 1)]);
          }
        }
      }),
      runs,
    );
  });

  it('progressive errors are means over the examples', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 50 }), pairs => {
        const validation = new model.ProgressiveValidation();
        for (const [prediction, target] of pairs) validation.update(prediction, target);
        const mean = (of: (error: number) => number): number =>
          pairs.reduce((sum, [p, t]) => sum + of(Math.abs(p - t)), 0) / pairs.length;
        const { meanAbsoluteError, rootMeanSquaredError, accuracy } = validation.errors;
        close([meanAbsoluteError, rootMeanSquaredError], [mean(e => e), Math.sqrt(mean(e => e * e))]);
        expect(accuracy).toBeCloseTo(
          mean(e => (e < 0.5 ? 1 : 0)),
          12,
        );
      }),
      runs,
    );
  });
});

describe('numbers of any size', () => {
  const wild = fc.oneof(
    fc.constantFrom(0, 1, -1, 1e-200, -1e-200, 5e-324, 1e100, -1e100, 1e50, 1e-50),
    fc.double({ min: -1e100, max: 1e100, noNaN: true }),
  );
  const forbidden = fc.constantFrom(Number.NaN, Infinity, -Infinity, 1e101, -1e300);
  const learners: [
    string,
    () => model.OnlineLearner & { serialize(): Uint8Array },
    (b: Uint8Array) => unknown,
  ][] = [
    ...(['sgd', 'adagrad', 'ftrl'] as const).map(
      kind =>
        [
          kind,
          () => new model.OnlineRegression({ family: 'linear', dimension: 2, optimizer: { kind, rate: 2 } }),
          (bytes: Uint8Array) => model.OnlineRegression.deserialize(bytes),
        ] as [string, () => model.OnlineRegression, (b: Uint8Array) => unknown],
    ),
    [
      'recursive least squares',
      () => new model.RecursiveLeastSquares({ dimension: 2, forgetting: 0.9 }),
      model.RecursiveLeastSquares.deserialize,
    ],
  ];
  it.each(learners)(
    'leave %s a state that its bytes can hold; others are refused, and it is unchanged',
    (...of) => {
      const [, create, restore] = of;
      fc.assert(
        fc.property(fc.array(fc.tuple(wild, wild, wild), { maxLength: 30 }), forbidden, (examples, bad) => {
          const learner = create();
          for (const [x, z, y] of examples) learner.update([x, z], y);
          const bytes = learner.serialize();
          restore(bytes);
          expect(learner.predict([1, 1])).not.toBeNaN();
          for (const refused of [() => learner.update([bad, 0], 1), () => learner.update([0, 1], bad)]) {
            expect(refused).toThrow(MillraceError);
          }
          expect(learner.serialize()).toEqual(bytes);
        }),
        runs,
      );
    },
  );

  it('leave an information regression a state that its bytes can hold', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(wild, wild, wild), { maxLength: 30 }), examples => {
        const regression = new model.InformationRegression(2);
        for (const [x, z, y] of examples) regression.update([x, z], y);
        const restored = model.InformationRegression.deserialize(regression.serialize());
        try {
          for (const weight of restored.fit(1).weights) expect(weight).not.toBeNaN();
        } catch (thrown) {
          // Beside 1e100 a ridge of 1 is nothing.
          expect(thrown).toMatchObject({ code: 'singular-design' });
        }
      }),
      runs,
    );
  });

  it('leave classes and centres that can be asked', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(wild, wild), { minLength: 1, maxLength: 30 }), points => {
        const bayes = new model.GaussianNaiveBayes(2, 2);
        const clusters = new model.StreamingKMeans({ k: 2, dimension: 2, seedAfter: 4 });
        for (const [i, point] of points.entries()) {
          bayes.update(point, i % 2);
          clusters.update(point, new Rng(i + 1));
        }
        const probabilities = model.GaussianNaiveBayes.deserialize(bayes.serialize()).probabilities([
          1e100, -1,
        ]);
        expect(probabilities[0]! + probabilities[1]!).toBeCloseTo(1, 9);
        const { centre } = model.StreamingKMeans.deserialize(clusters.serialize()).assign([1, 1e100]);
        expect(centre).toBeGreaterThanOrEqual(0);
      }),
      runs,
    );
  });
});
