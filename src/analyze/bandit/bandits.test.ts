// Bandit policies: stated probabilities against drawn frequencies and closed forms, replay from bytes, published regret
// in its quick form, and off-policy estimates against values that are known.
import { describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.ts';
import * as bandit from './index.ts';

const policies: [string, () => bandit.Policy][] = [
  ['ε-greedy', () => new bandit.EpsilonGreedy(3)],
  ['softmax', () => new bandit.Softmax(3)],
  ['UCB1', () => new bandit.Ucb1(3)],
  ['UCB1, window', () => new bandit.Ucb1(3, { window: 20 })],
  ['KL-UCB', () => new bandit.KlUcb(3)],
  ['KL-UCB, discount', () => new bandit.KlUcb(3, { discount: 0.95 })],
  ['Bernoulli Thompson', () => new bandit.BernoulliThompson(3)],
  ['Gaussian Thompson', () => new bandit.GaussianThompson(3, { window: 30 })],
  ['EXP3', () => new bandit.Exp3(3)],
];

function play(policy: bandit.Policy, rng: Rng, rounds: number): number[] {
  return Array.from({ length: rounds }, () => {
    const { arm, probability } = policy.choose(rng);
    policy.update(arm, rng.boolean([0.2, 0.5, 0.6][arm]) ? 1 : 0, probability);
    return arm;
  });
}

describe.each(policies)('%s', (_, create) => {
  it('draws arms with the probabilities it states', () => {
    const policy = create();
    const rng = new Rng(4);
    play(policy, rng, 40);
    const stated = policy.probabilities();
    const drawn = new Float64Array(3);
    for (let i = 0; i < 20_000; i++) drawn[policy.pick(rng)]! += 1 / 20_000;
    expect(stated.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
    stated.forEach((p, arm) => {
      expect(Math.abs(p - drawn[arm]!)).toBeLessThan(0.002 + 4 * Math.sqrt((p * (1 - p)) / 20_000));
    });
  });

  it('makes the same choices from its bytes', () => {
    const policy = create();
    play(policy, new Rng(6), 57);
    const bytes = policy.serialize();
    const restored = bandit.deserializePolicy(bytes);
    expect(restored.serialize()).toEqual(bytes);
    expect(play(restored, new Rng(7), 200)).toEqual(play(policy, new Rng(7), 200));
  });
});

it('Thompson states the closed form of P(one Beta exceeds another)', () => {
  // Miller 2014: P(B > A) = Σ_{i<aB} B(aA + i, bA + bB) / ((bB + i) B(1 + i, bB) B(aA, bA)).
  const logGamma = (n: number): number => {
    let sum = 0;
    for (let i = 2; i < n; i++) sum += Math.log(i);
    return sum;
  };
  const logBeta = (a: number, b: number): number => logGamma(a) + logGamma(b) - logGamma(a + b);
  for (const [aA, bA, aB, bB] of [
    [1, 1, 1, 1],
    [3, 5, 4, 4],
    [81, 21, 9, 2],
    [2, 400, 1, 30],
  ] as const) {
    let wanted = 0;
    for (let i = 0; i < aB; i++) {
      wanted += Math.exp(logBeta(aA + i, bA + bB) - Math.log(bB + i) - logBeta(1 + i, bB) - logBeta(aA, bA));
    }
    const policy = new bandit.BernoulliThompson(2);
    const teach = (arm: number, reward: number, times: number): void => {
      for (let i = 0; i < times; i++) policy.update(arm, reward);
    };
    teach(0, 1, aA - 1);
    teach(0, 0, bA - 1);
    teach(1, 1, aB - 1);
    teach(1, 0, bB - 1);
    expect(Math.abs(policy.probabilities()[1]! - wanted)).toBeLessThan(0.002);
  }
});

it('regret over 40 runs is near what is published', () => {
  const regret = (create: () => bandit.Policy): bandit.Regret =>
    bandit.simulateRegret(create, [0.9, 0.8], 10_000, 40, new Rng(1));
  for (const [create, published] of [
    [() => new bandit.BernoulliThompson(2), 9.7],
    [() => new bandit.KlUcb(2), 15.5],
    [() => new bandit.Ucb1(2), 88.3],
  ] as const) {
    const { mean, standardError } = regret(create);
    expect(Math.abs(mean - published)).toBeLessThan(0.1 * published + 2 * standardError);
  }
});

it('a window or a discount follows arms that change places; all of the past does not', () => {
  const late = (options: object): number => {
    const policy = new bandit.BernoulliThompson(2, options);
    const rng = new Rng(2);
    let right = 0;
    for (let t = 0; t < 8000; t++) {
      const arm = policy.pick(rng);
      const best = t < 4000 ? 0 : 1;
      policy.update(arm, rng.boolean(arm === best ? 0.8 : 0.2) ? 1 : 0);
      if (t >= 4000 && t < 5000 && arm === best) right++;
    }
    return right;
  };
  expect(late({ window: 200 })).toBeGreaterThan(700);
  expect(late({ discount: 0.99 })).toBeGreaterThan(700);
  expect(late({})).toBeLessThan(500);
});

it('an arm long unplayed under a discount counts as never played, not as rounding left it', () => {
  const policy = new bandit.Softmax(2, { discount: 0.5, temperature: 0.1 });
  policy.update(0, 1);
  for (let i = 0; i < 2000; i++) policy.update(1, 0.3);
  expect(Array.from(policy.probabilities())).toEqual([0.5, 0.5]);
});

it('EXP3 takes no probability below its least, with which one reward would count for all', () => {
  const policy = new bandit.Exp3(2, { exploration: 0.1 });
  expect(() => policy.update(0, 1, 1e-300)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  policy.update(0, 1, 0.05);
  expect(policy.probabilities()[0]).toBeGreaterThan(0.7);
});

it('EXP3 stays below its bound', () => {
  const exploration = bandit.exp3Exploration(2, 2000);
  const { mean } = bandit.simulateRegret(
    () => new bandit.Exp3(2, { exploration }),
    [0.9, 0.1],
    2000,
    20,
    new Rng(3),
  );
  expect(mean).toBeLessThan(2.63 * Math.sqrt(2000 * 2 * Math.LN2));
  expect(mean).toBeLessThan(0.25 * 2000 * 0.8);
});

describe.each([
  ['LinUCB', bandit.LinUcb],
  ['linear Thompson', bandit.LinearThompson],
] as const)('%s', (_, Kind) => {
  it('learns which arm suits which context', () => {
    const policy = new Kind(2, 2, { exploration: 0.5 });
    const rng = new Rng(3);
    let right = 0;
    for (let t = 0; t < 1000; t++) {
      const x = [1, rng.boolean() ? 1 : -1];
      const arm = policy.pick(x, rng);
      const isRight = (arm === 1) === x[1]! > 0;
      policy.update(arm, x, (isRight ? 1 : 0) + 0.1 * rng.gaussian());
      if (t >= 500 && isRight) right++;
    }
    expect(right).toBeGreaterThan(490);
    expect(policy.coefficients(1)[1]).toBeGreaterThan(0.2);
    const { arm, probability } = policy.choose([1, 1], rng);
    expect(arm).toBe(1);
    expect(probability).toBeGreaterThan(0.9);
  });
});

describe('delayed feedback', () => {
  it('learns late rewards once, expires the oldest, and survives its bytes', () => {
    const delayed = new bandit.DelayedFeedback(new bandit.Exp3(2), { pendingMax: 3, expiredReward: 0 });
    const rng = new Rng(1);
    const choices = Array.from({ length: 4 }, () => delayed.choose(rng));
    expect(delayed.pending).toBe(3);
    expect(delayed.settle(choices[0]!.id, 1)).toBe(false);
    const restored = bandit.DelayedFeedback.deserialize(delayed.serialize());
    expect(restored.settle(choices[2]!.id, 1)).toBe(true);
    expect(restored.settle(choices[2]!.id, 1)).toBe(false);
    expect(restored.expireBefore(choices[3]!.id)).toBe(1);
    expect(restored.pending).toBe(1);
  });
});

describe('off-policy evaluation', () => {
  // Logged evenly over arms of rates 0.2 and 0.6; the policy in question plays the second with 0.9: worth 0.56.
  function logged(seed: number, decisions: number): bandit.OffPolicyEvaluation {
    const rng = new Rng(seed);
    const evaluation = new bandit.OffPolicyEvaluation();
    for (let i = 0; i < decisions; i++) {
      const arm = rng.below(2);
      evaluation.update({
        reward: rng.boolean(arm === 1 ? 0.6 : 0.2) ? 1 : 0,
        loggedProbability: 0.5,
        targetProbability: arm === 1 ? 0.9 : 0.1,
        predictedPlayed: arm === 1 ? 0.5 : 0.3,
        predictedTarget: 0.48,
      });
    }
    return evaluation;
  }

  it('covers the value that is known about as often as it says', () => {
    const hits = { ips: 0, snips: 0, doublyRobust: 0 };
    for (let seed = 0; seed < 400; seed++) {
      const estimate = logged(seed + 1, 500).estimate(0.95);
      for (const name of ['ips', 'snips', 'doublyRobust'] as const) {
        const { low, high } = estimate[name]!;
        if (low <= 0.56 && high >= 0.56) hits[name]++;
      }
    }
    for (const count of Object.values(hits)) expect(count / 400).toBeGreaterThan(0.92);
  });

  it('refuses to report at a tiny effective sample size', () => {
    const evaluation = new bandit.OffPolicyEvaluation();
    for (let i = 0; i < 1000; i++) {
      evaluation.update({
        reward: 1,
        loggedProbability: i === 0 ? 0.001 : 0.9,
        targetProbability: i === 0 ? 1 : 0.001,
      });
    }
    expect(() => evaluation.estimate()).toThrow(
      expect.objectContaining({ code: 'effective-sample-too-small' }),
    );
  });

  it('counts the decisions of both parts that merge', () => {
    const [merged, other] = [logged(1, 300), logged(2, 300)];
    merged.merge(other);
    expect(merged.estimate().decisions).toBe(600);
  });
});
