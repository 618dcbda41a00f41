// Behaviour of confidence sequences, mixture SPRT, sample ratio and CUPED.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { Covariance } from '../moment/covariance.ts';
import { Moments } from '../moment/moments.ts';
import {
  bernoulliSequence,
  differenceSequence,
  meanSequence,
  subGaussianSequence,
} from './confidence-sequence.ts';
import { cuped } from './cuped.ts';
import { EmpiricalBernstein } from './empirical-bernstein.ts';
import {
  AlwaysValidPValue,
  mixtureSprt,
  mixtureSprtBinomial,
  mixtureSprtMeans,
  mixtureSprtProportions,
} from './mixture-sprt.ts';
import { sampleRatio } from './sample-ratio.ts';

/** How many of `rounds` streams of 400 ever miss `truth`, looking after every value from the first on. */
function everMissed(rounds: number, seed: number, miss: (rng: Rng) => (n: number) => boolean): number {
  const rng = new Rng(seed);
  let missed = 0;
  for (let round = 0; round < rounds; round++) {
    const look = miss(rng);
    for (let n = 1; n <= 400; n++) {
      if (look(n)) {
        missed++;
        break;
      }
    }
  }
  return missed / rounds;
}

describe('exact confidence sequences miss at most alpha of the time, ever, from the first value on', () => {
  const rounds = 400;
  // Alpha 0.1; four standard errors of a share of 0.1 in 400.
  const most = 0.1 + 4 * Math.sqrt(0.09 / rounds);

  it('sub-Gaussian', () => {
    const missed = everMissed(rounds, 1, rng => {
      let sum = 0;
      return n => {
        sum += 2 + 3 * rng.gaussian();
        const [low, high] = subGaussianSequence(n, sum / n, 3, { alpha: 0.1, tunedFor: 50 });
        return low > 2 || high < 2;
      };
    });
    expect(missed).toBeLessThanOrEqual(most);
    expect(missed).toBeGreaterThan(0);
  });

  it('Bernoulli', () => {
    const missed = everMissed(60, 2, rng => {
      let successes = 0;
      return n => {
        successes += rng.boolean(0.07) ? 1 : 0;
        if (n % 4 !== 0) return false;
        const [low, high] = bernoulliSequence({ successes, trials: n }, { alpha: 0.1, tunedFor: 100 });
        return low > 0.07 || high < 0.07;
      };
    });
    expect(missed).toBeLessThanOrEqual(0.1 + 4 * Math.sqrt(0.09 / 60));
  });

  it('empirical Bernstein', () => {
    const missed = everMissed(60, 3, rng => {
      const sequence = new EmpiricalBernstein(-1, 4);
      return n => {
        // Mean −0.75: mostly the lower bound, rarely the upper.
        sequence.update(rng.boolean(0.05) ? 4 : -1);
        if (n % 4 !== 0) return false;
        const [low, high] = sequence.interval({ alpha: 0.1, tunedFor: 200 });
        return low > -0.75 || high < -0.75;
      };
    });
    expect(missed).toBeLessThanOrEqual(0.1 + 4 * Math.sqrt(0.09 / 60));
  });
});

describe('EmpiricalBernstein', () => {
  it('is narrower than a sequence that does not learn the variance, where the variance is small', () => {
    const rng = new Rng(8);
    const sequence = new EmpiricalBernstein(0, 1);
    let sum = 0;
    for (let i = 0; i < 5000; i++) {
      const x = 0.3 + 0.02 * (rng.float() - 0.5);
      sequence.update(x);
      sum += x;
    }
    const [low, high] = sequence.interval({ tunedFor: 5000 });
    const hoeffding = subGaussianSequence(5000, sum / 5000, 0.5, { tunedFor: 5000 });
    expect(high - low).toBeLessThan((hoeffding[1] - hoeffding[0]) / 3);
    expect(low).toBeLessThan(0.3);
    expect(high).toBeGreaterThan(0.3);
  });

  it('merges and serialises, and refuses values outside its bounds', () => {
    const [a, b] = [new EmpiricalBernstein(), new EmpiricalBernstein()];
    for (let i = 0; i < 50; i++) (i % 3 === 0 ? a : b).update((i % 10) / 10);
    a.merge(b);
    expect(a.count).toBe(50);
    expect(a.mean).toBeCloseTo(0.45, 12);
    const back = EmpiricalBernstein.deserialize(a.serialize());
    expect(back.interval({ tunedFor: 100 })).toEqual(a.interval({ tunedFor: 100 }));
    expect(() => a.update(1.01)).toThrow(/outside/);
    expect(() => a.merge(new EmpiricalBernstein(0, 2))).toThrow(/bounds/);
    expect(new EmpiricalBernstein(3, 4).interval({ tunedFor: 10 })).toEqual([3, 4]);
  });
});

describe('mixture SPRT', () => {
  it('is Johari et al. formula 5 for a normal difference', () => {
    const [v, tau, theta] = [0.02, 0.3, 0.4];
    const lambda =
      Math.sqrt(v / (v + tau ** 2)) * Math.exp((tau ** 2 * theta ** 2) / (2 * v * (v + tau ** 2)));
    const result = mixtureSprt(theta, v, 100, { tau });
    expect(Math.exp(result.logLikelihoodRatio)).toBeCloseTo(lambda, 9);
    expect(result.pValue).toBeCloseTo(1 / lambda, 12);
  });

  it('rejects exactly when the confidence sequence tuned alike excludes the hypothesis', () => {
    const value = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        value,
        fc.integer({ min: 30, max: 5000 }),
        fc.double({ min: 0.1, max: 3, noNaN: true }),
        (d, n, s) => {
          const a = Moments.fromSummary(n, d, s);
          const b = Moments.fromSummary(2 * n, 0, s);
          const [low, high] = differenceSequence(a, b, { tunedFor: 2000 });
          const { pValue } = mixtureSprtMeans(a, b, { tunedFor: 2000 });
          fc.pre(Math.abs(pValue - 0.05) > 1e-9);
          expect(pValue < 0.05).toBe(low > 0 || high < 0);
        },
      ),
      { seed: 5, numRuns: 500 },
    );
  });

  it('for one proportion is the ratio of exact probabilities', () => {
    // B(1 + 3, 1 + 2) / (0.4³ · 0.6²), from Γ.
    const result = mixtureSprtBinomial({ successes: 3, trials: 5 }, 0.4);
    expect(Math.exp(result.logLikelihoodRatio)).toBeCloseTo(1 / 60 / (0.4 ** 3 * 0.6 ** 2), 10);
  });

  it('keeps the least p-value of all looks', () => {
    const running = new AlwaysValidPValue();
    const looks = [0.4, 0.03, 0.2].map(pValue => running.update({ pValue }));
    expect(looks).toEqual([0.4, 0.03, 0.03]);
  });

  it('finds nothing in equal proportions and much in unequal ones', () => {
    const options = { tunedFor: 10_000 };
    const same = mixtureSprtProportions(
      { successes: 500, trials: 5000 },
      { successes: 500, trials: 5000 },
      options,
    );
    const other = mixtureSprtProportions(
      { successes: 600, trials: 5000 },
      { successes: 480, trials: 5000 },
      options,
    );
    expect(same.pValue).toBe(1);
    expect(other.pValue).toBeLessThan(0.01);
  });

  it('is certain where nothing varies', () => {
    expect(mixtureSprt(0, 0, 10, { tau: 1 }).pValue).toBe(1);
    expect(mixtureSprt(1, 0, 10, { tau: 1 }).pValue).toBe(0);
  });
});

describe('meanSequence', () => {
  it('is wider than the fixed interval by less than 60 % near the size it is tuned for', () => {
    const sample = Moments.fromSummary(1000, 5, 4);
    const [low, high] = meanSequence(sample, { tunedFor: 1000 });
    const fixed = 2 * 1.96 * sample.standardError;
    expect((high - low) / fixed).toBeGreaterThan(1.3);
    expect((high - low) / fixed).toBeLessThan(1.6);
  });
});

describe('sampleRatio', () => {
  it('finds the mismatch of a broken split and accepts a sound one', () => {
    const broken = sampleRatio([50_000, 51_500], [1, 1]);
    expect(broken.pValue).toBeLessThan(1e-5);
    expect(broken.sequentialPValue).toBeLessThan(1e-3);
    const sound = sampleRatio([50_000, 50_180], [1, 1]);
    expect(sound.pValue).toBeGreaterThan(0.5);
    expect(sound.sequentialPValue).toBe(1);
    expect(sampleRatio([0, 0], [1, 1]).pValue).toBe(1);
  });

  it('errs at most alpha of the time although looked at 400 times', () => {
    const missed = everMissed(200, 6, rng => {
      const counts = [0, 0, 0];
      return () => {
        for (let i = 0; i < 20; i++) {
          const u = rng.float();
          counts[u < 0.5 ? 0 : u < 0.8 ? 1 : 2]!++;
        }
        return sampleRatio(counts, [50, 30, 20]).sequentialPValue <= 0.1;
      };
    });
    expect(missed).toBeLessThanOrEqual(0.1 + 4 * Math.sqrt(0.09 / 200));
  });
});

describe('cuped', () => {
  it('removes a share ρ² of the variance and keeps the effect', () => {
    const rng = new Rng(21);
    const variants = [0, 0.5].map(effect => {
      const pairs = new Covariance();
      for (let i = 0; i < 20_000; i++) {
        const before = rng.gaussian();
        pairs.update(before, 3 + effect + 2 * before + rng.gaussian());
      }
      return pairs;
    });
    const { theta, adjusted, varianceReduction } = cuped(variants);
    expect(theta).toBeCloseTo(2, 1);
    expect(varianceReduction).toBeCloseTo(0.8, 1);
    expect(adjusted[0]!.variance).toBeCloseTo(1, 1);
    expect(adjusted[1]!.mean - adjusted[0]!.mean).toBeCloseTo(0.5, 1);
  });

  it('equals regression on covariate and group for the slope', () => {
    const pairs = [
      [1, 2],
      [2, 3],
      [4, 4],
      [5, 8],
    ] as const;
    const { theta, adjusted } = cuped([Covariance.of(pairs)]);
    expect(theta).toBeCloseTo(1.3, 12);
    // With one variant the adjustment must not move the mean.
    expect(adjusted[0]!.mean).toBeCloseTo(4.25, 12);
  });

  it('changes nothing where the covariate never varied', () => {
    const { theta, adjusted } = cuped([
      Covariance.of([
        [1, 2],
        [1, 5],
      ]),
    ]);
    expect(theta).toBe(0);
    expect(adjusted[0]!.variance).toBeCloseTo(4.5, 12);
  });
});
