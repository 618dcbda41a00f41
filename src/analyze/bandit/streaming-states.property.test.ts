// The laws of state-laws.fixture.ts for every policy, contextual or not, delayed feedback, and off-policy evaluation.
import type { Rng } from '../../core/rng.ts';
import { type StateLaws, type StreamingState, testStateLaws } from '../stats/state-laws.fixture.ts';
import * as bandit from './index.ts';

const codes = ['corrupt-bandit'];
type Laws<State extends StreamingState> = Omit<StateLaws<State>, 'codes'>;
const test = <State extends StreamingState>(name: string, laws: Laws<State>): void =>
  testStateLaws(name, { ...laws, codes });

const policies: Record<string, (memory: bandit.MemoryOptions) => bandit.Policy> = {
  'ε-greedy': memory => new bandit.EpsilonGreedy(3, memory),
  softmax: memory => new bandit.Softmax(3, memory),
  UCB1: memory => new bandit.Ucb1(3, memory),
  'KL-UCB': memory => new bandit.KlUcb(3, memory),
  'Bernoulli Thompson': memory => new bandit.BernoulliThompson(3, memory),
  'Gaussian Thompson': memory => new bandit.GaussianThompson(3, memory),
};

function laws(create: () => bandit.Policy): Laws<bandit.Policy> {
  return {
    create,
    update: (policy, rng) => policy.update(rng.below(3), rng.float()),
    restore: bandit.deserializePolicy,
    look(policy) {
      const probabilities = [...policy.probabilities()];
      const sum = probabilities.reduce((total, value) => total + value, 0);
      if (!(Math.abs(sum - 1) < 1e-9)) throw new Error(`Probabilities sum to ${sum}.`);
      return probabilities;
    },
    bytesMax: 400,
  };
}

for (const [name, create] of Object.entries(policies)) {
  test(name, { ...laws(() => create({})), merge: (into, other) => into.merge(other) });
  test(
    `${name} with a window`,
    laws(() => create({ window: 30 })),
  );
  test(
    `${name} with a discount`,
    laws(() => create({ discount: 0.9 })),
  );
}

const exp3 = laws(() => new bandit.Exp3(3, { exploration: 0.2 }));
test('EXP3', {
  ...exp3,
  update: (policy, rng) => policy.update(rng.below(3), rng.float(), 0.1 + 0.9 * rng.float()),
  merge: (into, other) => into.merge(other),
});

const context = (rng: Rng): number[] => [1, rng.gaussian(), 1000 * rng.float()];

function contextual<Policy extends bandit.ContextualPolicy>(
  create: () => Policy,
  restore: (bytes: Uint8Array) => Policy,
): Laws<Policy> {
  return {
    create,
    update: (policy, rng) => policy.update(rng.below(2), context(rng), rng.gaussian()),
    restore,
    look: policy =>
      [0, 1].flatMap(arm => {
        const { mean, deviation } = policy.predict(arm, [1, 0.5, 400]);
        return [mean, deviation, ...policy.coefficients(arm)];
      }),
    merge: (into, other) => into.merge(other),
    bytesMax: 200,
  };
}

test(
  'LinUCB',
  contextual(() => new bandit.LinUcb(2, 3), bandit.LinUcb.deserialize),
);
test(
  'linear Thompson',
  contextual(() => new bandit.LinearThompson(2, 3), bandit.LinearThompson.deserialize),
);

test('DelayedFeedback', {
  create: () => new bandit.DelayedFeedback(new bandit.Exp3(3), { pendingMax: 10, expiredReward: 0 }),
  update(delayed, rng) {
    const { id } = delayed.choose(rng);
    delayed.settle(id - rng.below(12), rng.float());
  },
  restore: bandit.DelayedFeedback.deserialize,
  look: delayed => [delayed.pending, ...delayed.policy.probabilities()],
  bytesMax: 250,
});

test('OffPolicyEvaluation', {
  create: () => new bandit.OffPolicyEvaluation({ effectiveSampleMin: 2, weightMax: 5 }),
  update: (evaluation, rng) =>
    evaluation.update({
      reward: rng.float(),
      loggedProbability: 0.1 + 0.9 * rng.float(),
      targetProbability: rng.float(),
      predictedPlayed: 0.5,
      predictedTarget: 0.4,
    }),
  restore: bandit.OffPolicyEvaluation.deserialize,
  look(evaluation) {
    const { ips, snips, doublyRobust, effectiveSampleSize, weightMean } = evaluation.estimate();
    return [ips, snips, doublyRobust ?? ips]
      .flatMap(value => Object.values(value))
      .concat(effectiveSampleSize, weightMean);
  },
  merge: (into, other) => into.merge(other),
  bytesMax: 280,
});
