// Laws that hold for any past and any rewards: stated probabilities, indices against their definitions, memories against
// what they remember, and no context that can ruin a policy.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { InformationRegression } from '../model/index.ts';
import { normal } from '../stats/index.ts';
import { bestProbabilities, normalSpread } from './best-probability.ts';
import * as bandit from './index.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? 13);
const runs = { seed, numRuns: 100 };
const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const past = fc.array(fc.tuple(fc.nat(2), fraction), { maxLength: 60 });

const policies: [string, (memory?: bandit.MemoryOptions) => bandit.Policy][] = [
  ['ε-greedy', memory => new bandit.EpsilonGreedy(3, { ...memory, decay: 3 })],
  ['softmax', memory => new bandit.Softmax(3, memory)],
  ['UCB1', memory => new bandit.Ucb1(3, memory)],
  ['KL-UCB', memory => new bandit.KlUcb(3, memory)],
  ['Bernoulli Thompson', memory => new bandit.BernoulliThompson(3, memory)],
  ['Gaussian Thompson', memory => new bandit.GaussianThompson(3, memory)],
  ['EXP3', () => new bandit.Exp3(3)],
];

const taught = (policy: bandit.Policy, rewards: [number, number][]): bandit.Policy => {
  for (const [arm, reward] of rewards) policy.update(arm, reward);
  return policy;
};

describe.each(policies)('%s', (name, create) => {
  it('draws an arm it calls possible, with probabilities that sum to 1, and is not changed by being asked', () => {
    fc.assert(
      fc.property(past, fc.nat(1e6), (rewards, from) => {
        const policy = taught(create(), rewards);
        const before = policy.serialize();
        const { arm, probability } = policy.choose(new Rng(from));
        const probabilities = policy.probabilities();
        expect(probability).toBeGreaterThan(0);
        expect(probability).toBeCloseTo(probabilities[arm]!, 12);
        expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
        expect(policy.serialize()).toEqual(before);
      }),
      runs,
    );
  });

  // EXP3 has no window.
  if (name !== 'EXP3')
    it('with a window remembers the last updates only', () => {
      fc.assert(
        fc.property(past, fc.integer({ min: 1, max: 20 }), (rewards, window) => {
          const windowed = taught(create({ window }), rewards).probabilities();
          const fresh = taught(create({ window }), rewards.slice(-window)).probabilities();
          windowed.forEach((p, arm) => {
            expect(p).toBeCloseTo(fresh[arm]!, 6);
          });
        }),
        runs,
      );
    });

  it('refuses what is no reward or no arm, and is unchanged', () => {
    const bad = fc.constantFrom([0, Number.NaN], [0, Infinity], [0, -1e101], [3, 1], [-1, 1], [0.5, 1]);
    fc.assert(
      fc.property(past, bad, (rewards, [arm, reward]) => {
        const policy = taught(create(), rewards);
        const before = policy.serialize();
        expect(() => policy.update(arm!, reward!)).toThrow(
          expect.objectContaining({ code: 'invalid-argument' }),
        );
        expect(policy.serialize()).toEqual(before);
      }),
      runs,
    );
  });
});

describe('merging', () => {
  it('is refused where order matters or options differ', () => {
    const refused = expect.objectContaining({ code: 'incompatible-bandits' });
    const pairs: [bandit.Policy, bandit.Policy][] = [
      [new bandit.Ucb1(2, { window: 5 }), new bandit.Ucb1(2, { window: 5 })],
      [new bandit.Ucb1(2), new bandit.Ucb1(2, { discount: 0.9 })],
      [new bandit.Ucb1(2), new bandit.Ucb1(3)],
      [new bandit.Ucb1(2), new bandit.Ucb1(2, { exploration: 1 })],
      [new bandit.KlUcb(2), new bandit.KlUcb(2, { correction: 3 })],
      [new bandit.Softmax(2), new bandit.Softmax(2, { temperature: 1 })],
      [new bandit.EpsilonGreedy(2), new bandit.EpsilonGreedy(2, { decay: 1 })],
      [new bandit.BernoulliThompson(2), new bandit.BernoulliThompson(2, { priorFailures: 9 })],
      [new bandit.GaussianThompson(2), new bandit.GaussianThompson(2, { priorMean: 1 })],
      [new bandit.Exp3(2), new bandit.Exp3(3)],
      [new bandit.Ucb1(2), new bandit.KlUcb(2)],
    ];
    for (const [mine, other] of pairs) expect(() => mine.merge(other)).toThrow(refused);
    expect(() => new bandit.LinUcb(2, 2).merge(new bandit.LinUcb(2, 3))).toThrow(refused);
    expect(() => new bandit.LinUcb(2, 2).merge(new bandit.LinUcb(2, 2, { ridge: 2 }))).toThrow(refused);
  });
});

it('the bound of the divergence is its inverse, from any start', () => {
  const bound = fc.double({ min: 1e-6, max: 20, noNaN: true });
  fc.assert(
    fc.property(fraction, bound, fraction, (p, most, start) => {
      const q = bandit.divergenceUpperBound(p, most, start);
      expect(q).toBeGreaterThanOrEqual(p);
      expect(q).toBeLessThanOrEqual(1);
      if (q < 1 - 1e-6) expect(bandit.bernoulliDivergence(p, q)).toBeCloseTo(most, 5);
    }),
    { seed, numRuns: 2000 },
  );
});

it('the chance to be the largest of two is that of their difference, small ones to 5 %', () => {
  const scale = fc.integer({ min: -50, max: 50 }).map(power => 10 ** (power / 10));
  fc.assert(
    fc.property(
      fc.double({ min: -5, max: 5, noNaN: true }),
      scale,
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      (...of) => {
        const [z, wide, at] = of;
        const below = at - z * Math.hypot(wide, 1);
        const [, seen] = bestProbabilities([normalSpread(at, wide), normalSpread(below, 1)]);
        const wanted = normal.survival((at - below) / Math.hypot(wide, 1));
        expect(Math.abs(seen! - wanted)).toBeLessThan(Math.min(0.002, 0.05 * wanted));
      },
    ),
    { seed, numRuns: 500 },
  );
});

describe.each([
  ['LinUCB', bandit.LinUcb],
  ['linear Thompson', bandit.LinearThompson],
] as const)('%s', (_, Kind) => {
  const wild = fc.oneof(
    fc.constantFrom(0, 1, 1e9, -1e9, 1e100, 1e-100),
    fc.double({ min: -1e100, max: 1e100, noNaN: true }),
  );

  it('has the coefficients of a ridge regression of each arm', () => {
    const value = fc.double({ min: -100, max: 100, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1), value, value), { maxLength: 40 }), examples => {
        const policy = new Kind(2, 2, { ridge: 3 });
        const fits = [new InformationRegression(2), new InformationRegression(2)];
        for (const [arm, x, reward] of examples) {
          policy.update(arm, [1, x], reward);
          fits[arm]!.update([1, x], reward);
        }
        fits.forEach((fit, arm) => {
          fit.fit(3).weights.forEach((weight, i) => {
            expect(policy.coefficients(arm)[i]).toBeCloseTo(weight, 8);
          });
        });
      }),
      runs,
    );
  });

  it('goes on after contexts of any size: probabilities sum to 1, and bytes come back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(1), wild, wild, wild), { maxLength: 30 }),
        wild,
        (examples, at) => {
          const policy = new Kind(2, 2);
          for (const [arm, x, z, reward] of examples) policy.update(arm, [x, z], reward);
          const restored = Kind.deserialize(policy.serialize());
          expect(restored.serialize()).toEqual(policy.serialize());
          for (const context of [
            [1, at],
            [0, 0],
            [1e100, -1e100],
          ]) {
            const sum = restored.probabilities(context).reduce((total, p) => total + p, 0);
            expect(sum).toBeCloseTo(1, 9);
          }
        },
      ),
      runs,
    );
  });
});

describe('delayed feedback', () => {
  it('in any order of rewards comes to the policy that had them at once', () => {
    fc.assert(
      fc.property(fc.array(fraction, { minLength: 1, maxLength: 40 }), fc.nat(1e6), (rewards, from) => {
        const delayed = new bandit.DelayedFeedback(new bandit.BernoulliThompson(3));
        const direct = new bandit.BernoulliThompson(3);
        const rng = new Rng(from);
        const choices = rewards.map(reward => ({ ...delayed.choose(rng), reward }));
        for (const { arm, reward } of choices) direct.update(arm, reward);
        for (const { id, reward } of choices.sort(() => rng.float() - 0.5)) {
          expect(delayed.settle(id, reward)).toBe(true);
        }
        expect(delayed.pending).toBe(0);
        delayed.policy.probabilities().forEach((p, arm) => {
          expect(p).toBeCloseTo(direct.probabilities()[arm]!, 9);
        });
      }),
      runs,
    );
  });

  it('refuses a reward for silence that the policy would not take', () => {
    for (const expiredReward of [2, -0.1, Number.NaN]) {
      expect(() => new bandit.DelayedFeedback(new bandit.Ucb1(2), { expiredReward })).toThrow(
        expect.objectContaining({ code: 'invalid-argument' }),
      );
    }
  });
});

it('the policy that ran is worth what it earned: every estimate is the mean, and all decisions count', () => {
  const decision = fc.tuple(fraction, fc.double({ min: 0.05, max: 1, noNaN: true }));
  fc.assert(
    fc.property(fc.array(decision, { minLength: 60, maxLength: 90 }), decisions => {
      const evaluation = new bandit.OffPolicyEvaluation();
      for (const [reward, probability] of decisions) {
        const both = { loggedProbability: probability, targetProbability: probability };
        evaluation.update({ reward, ...both, predictedPlayed: 0.3, predictedTarget: 0.3 });
      }
      const mean = decisions.reduce((sum, [reward]) => sum + reward, 0) / decisions.length;
      const { ips, snips, doublyRobust, effectiveSampleSize, weightMean } = evaluation.estimate();
      for (const { value } of [ips, snips, doublyRobust!]) expect(value).toBeCloseTo(mean, 10);
      expect(effectiveSampleSize).toBeCloseTo(decisions.length, 9);
      expect(weightMean).toBeCloseTo(1, 12);
    }),
    runs,
  );
});
