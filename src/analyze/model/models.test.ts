// The models against values of other programs. Provenance: statsmodels 0.15.0 (OLS, Logit, GLM Poisson), scikit-learn
// 1.9.1 (GaussianNB, MultinomialNB, BernoulliNB, PCA); Kalman: the joint normal density of all observations (numpy).
import { describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.ts';
import * as model from './index.ts';

const design = [
  [1, 0.5, 2],
  [1, -1, 0.3],
  [1, 2, -1.5],
  [1, 0.1, 0.9],
  [1, -0.7, -2],
  [1, 1.4, 1.1],
  [1, -2.2, 0.4],
  [1, 0.8, -0.6],
];
const target = [3.1, -0.4, 2.2, 1.9, -2.5, 4.0, -2.0, 1.0];
const points = design.map(row => row.slice(1));
const labels = [1, 0, 1, 0, 0, 1, 0, 1];

function expectClose(seen: ArrayLike<number>, wanted: readonly number[], digits = 10): void {
  expect(seen.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    expect(seen[i]).toBeCloseTo(value, digits);
  });
}

function informed(from = 0, to = 8): model.InformationRegression {
  const regression = new model.InformationRegression(3);
  for (let i = from; i < to; i++) regression.update(design[i]!, target[i]!);
  return regression;
}

const system: model.KalmanModel = {
  stateSize: 2,
  observationSize: 2,
  transition: [1, 1, 0, 1],
  observation: [1, 0, 1, 0.5],
  processNoise: [0.1, 0, 0, 0.01],
  observationNoise: [0.5, 0.1, 0.1, 0.8],
  initialState: [1, 0.2],
  initialCovariance: [2, 0, 0, 1],
};

function filtered(): model.KalmanFilter {
  const filter = new model.KalmanFilter(system);
  const observed = [
    [1.3, 1.1],
    [2.1, 2.9],
    [2.4, 2.2],
    [3.9, 4.2],
  ];
  observed.forEach((observation, t) => {
    if (t > 0) filter.predict();
    filter.update(observation);
  });
  return filter;
}

function gaussian(from = 0, to = 8): model.GaussianNaiveBayes {
  const bayes = new model.GaussianNaiveBayes(2, 2);
  for (let i = from; i < to; i++) bayes.update(points[i]!, labels[i]!);
  return bayes;
}

const words = [
  [2, 0, 1],
  [0, 3, 1],
  [1, 0, 4],
  [0, 2, 0],
];

function counted(kind: 'multinomial' | 'bernoulli', from = 0, to = 4): model.CountNaiveBayes {
  const bayes = new model.CountNaiveBayes(kind, 2, 3);
  for (let i = from; i < to; i++) {
    bayes.update(kind === 'bernoulli' ? words[i]!.map(n => (n > 0 ? 1 : 0)) : words[i]!, i % 2);
  }
  return bayes;
}

function analysed(from = 0, to = 8): model.StreamingPca {
  const pca = new model.StreamingPca(2);
  for (let i = from; i < to; i++) pca.update(points[i]!);
  return pca;
}

function clustered(seed: number, count = 600): model.StreamingKMeans {
  const rng = new Rng(seed);
  const clusters = new model.StreamingKMeans({ k: 3, dimension: 2 });
  for (let i = 0; i < count; i++) {
    const corner = [
      [0, 0],
      [10, 0],
      [0, 10],
    ][i % 3]!;
    clusters.update([corner[0]! + rng.gaussian(), corner[1]! + rng.gaussian()], rng);
  }
  return clusters;
}

describe('regression', () => {
  it('in information form equals statsmodels OLS', () => {
    const { weights, standardErrors, residualVariance } = informed().fit();
    expectClose(weights, [0.6737337589458634, 1.4495419909305598, 1.0092368943259888]);
    expectClose(standardErrors, [0.08334696369202774, 0.06487244836180438, 0.06551057914417507]);
    expect(residualVariance).toBeCloseTo(0.054923628539839384, 10);
  });

  it('in information form is the sum of its parts', () => {
    const parts = informed(5, 8);
    parts.merge(informed(0, 5));
    expectClose(parts.fit().weights, Array.from(informed().fit().weights), 12);
  });

  it('is not led astray by the smallest doubles (found by fast-check)', () => {
    const regression = new model.InformationRegression(2);
    const recursive = new model.RecursiveLeastSquares({ dimension: 2, ridge: 0.1 });
    for (const row of [
      [5e-324, -5e-10, -100],
      [5e-324, 0, 0],
      [-5e-324, 0, 0],
    ] as const) {
      regression.update([row[0], row[1]], row[2]);
      recursive.update([row[0], row[1]], row[2]);
    }
    expectClose(regression.fit(0.1).weights, [0, 5e-7], 15);
    expectClose(recursive.weights, [0, 5e-7], 15);
  });

  it('says where the features depend on each other', () => {
    const regression = new model.InformationRegression(2);
    for (let i = 1; i < 9; i++) regression.update([i, 2 * i], i);
    expect(() => regression.fit()).toThrow(expect.objectContaining({ code: 'singular-design' }));
    expectClose(regression.fit(1e-6).weights, [0.2, 0.4], 6);
  });

  it('recursively, without forgetting, equals OLS', () => {
    const recursive = new model.RecursiveLeastSquares({ dimension: 3, ridge: 1e-9 });
    design.forEach((row, i) => {
      recursive.update(row, target[i]!);
    });
    expectClose(recursive.weights, [0.6737337589458634, 1.4495419909305598, 1.0092368943259888], 6);
  });

  it('recursively, with forgetting, follows a change', () => {
    const rng = new Rng(5);
    const [forgets, keeps] = [0.95, 1].map(
      forgetting => new model.RecursiveLeastSquares({ dimension: 1, forgetting }),
    );
    for (let i = 0; i < 1000; i++) {
      const x = rng.gaussian();
      for (const recursive of [forgets!, keeps!]) recursive.update([x], (i < 500 ? 1 : -1) * x);
    }
    expect(forgets!.weights[0]).toBeCloseTo(-1, 3);
    expect(Math.abs(keeps!.weights[0]!)).toBeLessThan(0.2);
  });

  it('recursively, with forgetting, follows a change although a feature rests', () => {
    const rng = new Rng(6);
    const recursive = new model.RecursiveLeastSquares({ dimension: 2, forgetting: 0.9 });
    for (let i = 0; i < 4000; i++) {
      const x = rng.gaussian();
      recursive.update([x, 0], (i < 3000 ? 1 : -1) * x);
    }
    expectClose(recursive.weights, [-1, 0], 6);
  });

  it('recursively merges what forgets nothing, and refuses the rest', () => {
    const [whole, first, second] = [0, 1, 2].map(() => new model.RecursiveLeastSquares({ dimension: 3 }));
    design.forEach((row, i) => {
      whole!.update(row, target[i]!);
      (i < 5 ? first : second)!.update(row, target[i]!);
    });
    first!.merge(second!);
    expectClose(first!.weights, Array.from(whole!.weights), 9);
    const forgets = new model.RecursiveLeastSquares({ dimension: 3, forgetting: 0.9 });
    for (const [mine, other] of [
      [first!, forgets],
      [forgets, first!],
    ] as const) {
      expect(() => mine.merge(other)).toThrow(expect.objectContaining({ code: 'incompatible-models' }));
    }
  });

  it('in information form keeps the digits that squared features would lose', () => {
    // x beside a million of it: the normal equations keep 4 digits of the slope, the factor 10.
    const regression = new model.InformationRegression(2);
    for (let i = 0; i < 9; i++) regression.update([1, 1e6 + i], 3 + 2 * i);
    expect(regression.fit().weights[1]).toBeCloseTo(2, 9);
    expect(() => regression.fit(-1)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });

  const optimizers: model.OptimizerOptions[] = [
    { kind: 'sgd', rate: 0.1, decay: 0.05 },
    { kind: 'adagrad', rate: 0.3 },
    { kind: 'ftrl', rate: 0.3 },
  ];
  const fits = [
    ['linear', [0, 1, 1, 0, 0, 1, 1, 1], undefined],
    ['logistic', [0, 1, 1, 0, 0, 1, 1, 1], [0.49881095811033793, 0.14248506750478615]],
    ['poisson', [3, 1, 6, 2, 1, 5, 0, 2], [0.4879138554446523, 0.6994166020025405]],
  ] as const;
  for (const optimizer of optimizers) {
    for (const [family, ys, reference] of fits) {
      it(`${family} by ${optimizer.kind} comes to the maximum of the likelihood`, () => {
        const online = new model.OnlineRegression({ family, dimension: 1, optimizer });
        const exact = new model.InformationRegression(2);
        for (const [i, y] of ys.entries()) exact.update([1, points[i]![0]!], y);
        const rng = new Rng(3);
        for (let i = 0; i < 80_000; i++) {
          const at = rng.below(8);
          online.update([points[at]![0]!], ys[at]!);
        }
        const wanted = reference ?? exact.fit().weights;
        expect(Math.abs(online.intercept - wanted[0]!)).toBeLessThan(0.08);
        expect(Math.abs(online.weights[0]! - wanted[1]!)).toBeLessThan(0.08);
      });
    }
  }

  it('by FTRL with an L1 penalty leaves useless weights at exactly 0', () => {
    const rng = new Rng(8);
    const optimizer = { kind: 'ftrl', rate: 0.1, l1: 60 } as const;
    const online = new model.OnlineRegression({ family: 'linear', dimension: 10, optimizer });
    for (let i = 0; i < 3000; i++) {
      const x = Array.from({ length: 10 }, () => rng.gaussian());
      online.update(x, 3 * x[0]! + 0.1 * rng.gaussian());
    }
    expect(online.weights[0]).toBeGreaterThan(2.5);
    expect(Array.from(online.weights.slice(1)).filter(weight => weight === 0).length).toBeGreaterThanOrEqual(
      8,
    );
  });
});

describe('the Kalman filter', () => {
  it('has the state and the likelihood of the joint normal density', () => {
    expectClose(filtered().state, [3.5325560745291535, 0.7582650713492791]);
    expect(filtered().logLikelihood).toBeCloseTo(-9.860598035976352, 10);
  });

  it('counts what is there of an observation with gaps', () => {
    const [whole, half] = [0, 1].map(() => new model.KalmanFilter(system));
    expect(whole!.update([Number.NaN, Number.NaN])).toBe(0);
    const variance = 2 + 0.5;
    const wanted = -0.5 * (Math.log(2 * Math.PI * variance) + 0.3 ** 2 / variance);
    expect(half!.update([1.3, Number.NaN])).toBeCloseTo(wanted, 12);
  });

  it('refuses covariances that are none, and a state that grows without end', () => {
    const invalid = expect.objectContaining({ code: 'invalid-argument' });
    expect(() => new model.KalmanFilter({ ...system, processNoise: [0.1, 0.2, 0, 0.01] })).toThrow(invalid);
    expect(() => new model.KalmanFilter({ ...system, observationNoise: [-1, 0, 0, 1] })).toThrow(invalid);
    const filter = new model.KalmanFilter({ ...system, transition: [3, 0, 0, 1] });
    const grow = (): void => {
      for (let t = 0; t < 1000; t++) filter.predict();
    };
    expect(grow).toThrow(expect.objectContaining({ code: 'diverged-state' }));
    model.KalmanFilter.deserialize(filter.serialize());
  });
});

describe('naive Bayes', () => {
  it('equals scikit-learn', () => {
    expectClose(gaussian().probabilities([0.2, 0.4]), [0.5534354934572016, 0.4465645065427985]);
    expectClose(counted('multinomial').probabilities([1, 1, 1]), [0.5227680172104697, 0.47723198278953044]);
    expectClose(counted('bernoulli').probabilities([1, 1, 0]), [0.33333333333333337, 0.6666666666666669]);
  });

  it('answers far from all it has seen, and says when it has seen nothing', () => {
    const bayes = new model.GaussianNaiveBayes(2, 1, 1e-9);
    expect(() => bayes.predict([0])).toThrow(expect.objectContaining({ code: 'not-trained' }));
    for (let i = 0; i < 10; i++) bayes.update([1e-90 * i], i % 2);
    expectClose(bayes.probabilities([1e100]), [0.5, 0.5]);
  });

  it('is the sum of its parts', () => {
    const merged = gaussian(0, 3);
    merged.merge(gaussian(3, 8));
    expectClose(merged.probabilities([0.2, 0.4]), Array.from(gaussian().probabilities([0.2, 0.4])), 12);
    const counts = counted('multinomial', 0, 1);
    counts.merge(counted('multinomial', 1, 4));
    expect(counts.serialize()).toEqual(counted('multinomial').serialize());
  });
});

describe('principal components', () => {
  it('equal scikit-learn, up to sign, whole and merged', () => {
    const merged = analysed(0, 3);
    merged.merge(analysed(3, 8));
    for (const pca of [analysed(), merged]) {
      const { components, variances } = pca.components();
      expectClose(variances, [1.9529743363528984, 1.750418520789959]);
      expectClose(components[0]!, [0.7677769916034299, -0.6407171694003422]);
      expectClose(components[1]!, [0.6407171694003422, 0.7677769916034299]);
    }
  });
});

describe('streaming k-means', () => {
  const near = (clusters: model.StreamingKMeans): void => {
    const found = clusters.centres.map(({ at }) =>
      Array.from(at, value => Math.round(value / 10) * 10).join(),
    );
    expect(found.sort()).toEqual(['0,0', '0,10', '10,0']);
  };

  it('finds clusters that lie apart, from every seed', () => {
    for (let seed = 1; seed <= 20; seed++) near(clustered(seed));
  });

  it('merges by weight and keeps the weighted mean', () => {
    const merged = clustered(1);
    const other = clustered(2, 1200);
    const moment = (models: model.StreamingKMeans[]): number =>
      models.flatMap(each => each.centres).reduce((sum, { at, weight }) => sum + at[0]! * weight, 0);
    const before = moment([merged, other]);
    merged.merge(other, new Rng(9));
    near(merged);
    expect(moment([merged])).toBeCloseTo(before, 6);
    expect(merged.centres.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1800, 9);
  });
});

describe('progressive validation', () => {
  it('notes each error before the example is learned', () => {
    const validation = new model.ProgressiveValidation();
    const learner = new model.OnlineRegression({ family: 'logistic', dimension: 1 });
    expect(validation.learn(learner, [1], 1)).toBe(0.5);
    expect(validation.errors.logLoss).toBeCloseTo(Math.LN2, 12);
    expect(validation.errors.meanAbsoluteError).toBe(0.5);
    expect(learner.predict([1])).toBeGreaterThan(0.5);
  });

  it('with fading forgets old errors', () => {
    const validation = new model.ProgressiveValidation(0.9);
    for (let i = 0; i < 200; i++) validation.update(i < 100 ? 5 : 1, 1);
    expect(validation.errors.meanAbsoluteError).toBeLessThan(1e-3);
  });
});
