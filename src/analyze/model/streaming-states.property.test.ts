// The laws of state-laws.fixture.ts for every model.
import type { Rng } from '../../core/rng.ts';
import { type StateLaws, type StreamingState, testStateLaws } from '../stats/state-laws.fixture.ts';
import * as model from './index.ts';

const codes = ['corrupt-model'];
type Laws<State extends StreamingState> = Omit<StateLaws<State>, 'codes'>;
const test = <State extends StreamingState>(name: string, laws: Laws<State>): void =>
  testStateLaws(name, { ...laws, codes });
const merge = <State extends { merge(other: State): void }>(into: State, other: State): void =>
  into.merge(other);

/** Features of size about 1 and a target that depends on them. */
function example(rng: Rng): { features: number[]; target: number } {
  const features = [1, rng.gaussian(), rng.float()];
  return { features, target: 2 - features[1]! + 3 * features[2]! + 0.1 * rng.gaussian() };
}
const probe = [1, 0.3, 0.7];

for (const optimizer of [
  { kind: 'sgd', decay: 0.1 },
  { kind: 'adagrad' },
  { kind: 'ftrl', l1: 0.1 },
] as const) {
  for (const family of ['linear', 'logistic', 'poisson'] as const) {
    test(`OnlineRegression, ${family} by ${optimizer.kind}`, {
      create: () => new model.OnlineRegression({ family, dimension: 3, optimizer }),
      update(learner, rng) {
        const { features, target } = example(rng);
        const [most, least] = [family === 'logistic' ? 1 : 9, family === 'linear' ? -9 : 0];
        learner.update(features, Math.min(most, Math.max(least, target)));
      },
      restore: model.OnlineRegression.deserialize,
      look: learner => [learner.predict(probe), learner.count],
      bytesMax: 150,
    });
  }
}

const recursive = (forgetting: number): Laws<model.RecursiveLeastSquares> => ({
  create: () => new model.RecursiveLeastSquares({ dimension: 3, forgetting }),
  update(learner, rng) {
    const { features, target } = example(rng);
    learner.update(features, target);
  },
  restore: model.RecursiveLeastSquares.deserialize,
  look: learner => [learner.predict(probe), ...learner.weights],
  bytesMax: 100,
});
test('RecursiveLeastSquares', { ...recursive(1), merge });
test('RecursiveLeastSquares that forgets', recursive(0.9));

test('InformationRegression', {
  create: () => new model.InformationRegression(3),
  update(learner, rng) {
    const { features, target } = example(rng);
    learner.update(features, target);
  },
  restore: model.InformationRegression.deserialize,
  look(learner) {
    const { weights, standardErrors, residualVariance } = learner.fit();
    return [...weights, ...standardErrors, residualVariance, ...learner.fit(2).weights];
  },
  merge,
  bytesMax: 100,
});

test('KalmanFilter', {
  create: () =>
    new model.KalmanFilter({
      stateSize: 2,
      observationSize: 1,
      transition: [1, 1, 0, 0.9],
      observation: [1, 0],
      processNoise: [0.1, 0, 0, 0.01],
      observationNoise: [0.5],
      initialState: [0, 0],
      initialCovariance: [2, 0, 0, 1],
    }),
  update(filter, rng) {
    filter.predict();
    filter.update([rng.float() < 0.1 ? Number.NaN : rng.gaussian()]);
  },
  restore: model.KalmanFilter.deserialize,
  look: filter => [...filter.state, ...filter.covariance, filter.logLikelihood],
  bytesMax: 200,
});

test('GaussianNaiveBayes', {
  create: () => new model.GaussianNaiveBayes(2, 2),
  update(bayes, rng) {
    const label = rng.below(2);
    bayes.update([label + rng.gaussian(), 100 * rng.float()], label);
  },
  restore: model.GaussianNaiveBayes.deserialize,
  look: bayes => [...bayes.probabilities([0.4, 30])],
  merge,
  bytesMax: 120,
});

for (const kind of ['multinomial', 'bernoulli'] as const) {
  test(`CountNaiveBayes, ${kind}`, {
    create: () => new model.CountNaiveBayes(kind, 2, 3),
    update: (bayes, rng) => bayes.update([rng.below(2), rng.below(2), rng.below(2)], rng.below(2)),
    restore: model.CountNaiveBayes.deserialize,
    look: bayes => [...bayes.probabilities([1, 0, 1])],
    merge,
    bytesMax: 90,
  });
}

const clusters = {
  create: () => new model.StreamingKMeans({ k: 2, dimension: 2, seedAfter: 6, fading: 0.99 }),
  update: (state: model.StreamingKMeans, rng: Rng) =>
    state.update([(rng.boolean() ? 10 : 0) + rng.gaussian(), rng.gaussian()], rng),
  restore: model.StreamingKMeans.deserialize,
  bytesMax: 180,
};
test('StreamingKMeans', {
  ...clusters,
  look: state => state.centres.flatMap(({ at, weight }) => [...at, weight]),
});
test('StreamingKMeans that forgets nothing', {
  ...clusters,
  create: () => new model.StreamingKMeans({ k: 2, dimension: 2, seedAfter: 6 }),
  // Merging keeps the total weight and the weighted mean; where the centres lie may differ.
  look(state) {
    const total = state.centres.reduce((sum, { weight }) => sum + weight, 0);
    const mean = (i: number): number =>
      state.centres.reduce((sum, { at, weight }) => sum + at[i]! * weight, 0) / total;
    return [total, mean(0), mean(1)];
  },
  merge: (into, other, rng) => into.merge(other, rng),
});

test('StreamingPca', {
  create: () => new model.StreamingPca(2),
  update(pca, rng) {
    const x = rng.gaussian();
    pca.update([50 + 3 * x, x + rng.gaussian()]);
  },
  restore: model.StreamingPca.deserialize,
  look(pca) {
    const { mean, variances, components } = pca.components();
    return [...mean, ...variances, ...components.flatMap(component => [...component])];
  },
  merge,
  bytesMax: 60,
});

test('ProgressiveValidation', {
  create: () => new model.ProgressiveValidation(),
  update: (validation, rng) => validation.update(rng.float(), rng.below(2)),
  restore: model.ProgressiveValidation.deserialize,
  look: validation => Object.values(validation.errors),
  merge,
  bytesMax: 60,
});
