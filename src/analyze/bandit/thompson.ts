// Thompson sampling: each arm is played as often as it is likely to be the best one (Thompson 1933; Kaufmann, Korda &
// Munos 2012; Agrawal & Goyal 2013). With a window or a discount it follows rewards that change.
import type { Rng } from '../../core/rng.ts';
import { requireFinite, requirePositive } from '../stats/argument.ts';
import { ArmMemory, type MemoryOptions } from './arm-memory.ts';
import { beginBandit, readBandit, readNumber } from './bandit-bytes.ts';
import { bestProbabilities, logitBetaSpread, normalSpread } from './best-probability.ts';
import { betaVariate } from './beta-variate.ts';
import { Policy } from './policy.ts';

export interface BernoulliThompsonOptions extends MemoryOptions {
  /** The Beta prior of every arm: both > 0; (1, 1), every rate equally likely, by default. */
  priorSuccesses?: number;
  priorFailures?: number;
}

/**
 * Thompson sampling for rewards in [0, 1], a fraction counting as so much of a success. Its regret for 0/1 rewards
 * reaches Lai and Robbins' bound. `pick` costs O(arms): one Beta variate each; `probabilities` (and so `choose`)
 * O(arms²) densities, within 0.002.
 */
export class BernoulliThompson extends Policy {
  readonly priorSuccesses: number;
  readonly priorFailures: number;
  private memory: ArmMemory;

  /** Throws `invalid-argument` for arms, priors, window or discount outside their range. */
  constructor(arms: number, options: BernoulliThompsonOptions = {}) {
    super(arms);
    this.priorSuccesses = options.priorSuccesses ?? 1;
    this.priorFailures = options.priorFailures ?? 1;
    requirePositive('priorSuccesses', this.priorSuccesses);
    requirePositive('priorFailures', this.priorFailures);
    this.memory = new ArmMemory(arms, options);
  }

  /** The Beta posterior of an arm: successes and failures, the prior's included. */
  posterior(arm: number): { successes: number; failures: number } {
    this.check(arm, 0);
    const sum = Math.max(0, this.memory.sums[arm]!);
    const failures = Math.max(0, this.memory.counts[arm]! - sum);
    return { successes: this.priorSuccesses + sum, failures: this.priorFailures + failures };
  }

  pick(rng: Rng): number {
    const { counts, sums } = this.memory;
    let best = -1;
    let chosen = 0;
    for (let arm = 0; arm < this.arms; arm++) {
      const sum = Math.max(0, sums[arm]!);
      const failures = Math.max(0, counts[arm]! - sum);
      const sample = betaVariate(rng, this.priorSuccesses + sum, this.priorFailures + failures);
      if (sample > best) {
        best = sample;
        chosen = arm;
      }
    }
    return chosen;
  }

  probabilities(): Float64Array {
    const spreads = Array.from({ length: this.arms }, (_, arm) => {
      const { successes, failures } = this.posterior(arm);
      return logitBetaSpread(successes, failures);
    });
    return bestProbabilities(spreads);
  }

  update(arm: number, reward: number): void {
    this.check(arm, reward, 0, 1);
    this.memory.update(arm, reward);
  }

  serialize(): Uint8Array {
    const writer = beginBandit('bernoulliThompson').f64(this.priorSuccesses).f64(this.priorFailures);
    return this.memory.write(writer).finish();
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): BernoulliThompson {
    return readBandit(bytes, 'bernoulliThompson', reader => {
      const [priorSuccesses, priorFailures] = [readNumber(reader), readNumber(reader)];
      const memory = ArmMemory.read(reader, 0, 1);
      const policy = new BernoulliThompson(memory.counts.length, { priorSuccesses, priorFailures });
      policy.memory = memory;
      return policy;
    });
  }
}

export interface GaussianThompsonOptions extends MemoryOptions {
  /** The prior of every arm's mean, in the unit of the reward: mean 0 and deviation 1 by default. */
  priorMean?: number;
  priorDeviation?: number;
  /** The deviation of one reward around its arm's mean, > 0; 1 by default. Too small a value explores too little. */
  noiseDeviation?: number;
}

/**
 * Thompson sampling for real rewards with a normal prior and normal noise of known size. `pick` costs O(arms);
 * `probabilities` O(arms²) densities, within 0.002.
 */
export class GaussianThompson extends Policy {
  readonly priorMean: number;
  readonly priorDeviation: number;
  readonly noiseDeviation: number;
  private memory: ArmMemory;

  /** Throws `invalid-argument` for arms, deviations (> 0), window or discount outside their range. */
  constructor(arms: number, options: GaussianThompsonOptions = {}) {
    super(arms);
    this.priorMean = options.priorMean ?? 0;
    this.priorDeviation = options.priorDeviation ?? 1;
    this.noiseDeviation = options.noiseDeviation ?? 1;
    requireFinite('priorMean', this.priorMean);
    requirePositive('priorDeviation', this.priorDeviation);
    requirePositive('noiseDeviation', this.noiseDeviation);
    this.memory = new ArmMemory(arms, options);
  }

  /** The normal posterior of an arm's mean. */
  posterior(arm: number): { mean: number; deviation: number } {
    this.check(arm, 0);
    const priorPrecision = 1 / this.priorDeviation ** 2;
    const noisePrecision = 1 / this.noiseDeviation ** 2;
    const precision = priorPrecision + this.memory.counts[arm]! * noisePrecision;
    const weighted = this.priorMean * priorPrecision + this.memory.sums[arm]! * noisePrecision;
    return { mean: weighted / precision, deviation: Math.sqrt(1 / precision) };
  }

  pick(rng: Rng): number {
    let best = -Infinity;
    let chosen = 0;
    for (let arm = 0; arm < this.arms; arm++) {
      const { mean, deviation } = this.posterior(arm);
      const sample = mean + deviation * rng.gaussian();
      if (sample > best) {
        best = sample;
        chosen = arm;
      }
    }
    return chosen;
  }

  probabilities(): Float64Array {
    const spreads = Array.from({ length: this.arms }, (_, arm) => {
      const { mean, deviation } = this.posterior(arm);
      return normalSpread(mean, deviation);
    });
    return bestProbabilities(spreads);
  }

  update(arm: number, reward: number): void {
    this.check(arm, reward);
    this.memory.update(arm, reward);
  }

  serialize(): Uint8Array {
    const writer = beginBandit('gaussianThompson');
    writer.f64(this.priorMean).f64(this.priorDeviation).f64(this.noiseDeviation);
    return this.memory.write(writer).finish();
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): GaussianThompson {
    return readBandit(bytes, 'gaussianThompson', reader => {
      const [priorMean, priorDeviation, noiseDeviation] = readThree(reader);
      const memory = ArmMemory.read(reader);
      const policy = new GaussianThompson(memory.counts.length, {
        priorMean,
        priorDeviation,
        noiseDeviation,
      });
      policy.memory = memory;
      return policy;
    });
  }
}

function readThree(reader: Parameters<typeof readNumber>[0]): [number, number, number] {
  return [readNumber(reader), readNumber(reader), readNumber(reader)];
}
