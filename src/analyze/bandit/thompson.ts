// Thompson sampling: each arm is played as often as it is likely to be the best one (Thompson 1933; Kaufmann, Korda &
// Munos 2012; Agrawal & Goyal 2013). With a window or a discount it follows rewards that change.
import type { Rng } from '../../core/rng.ts';
import { invalidArgument } from '../stats/argument.ts';
import { readNumber } from '../stats/moment/serialized-form.ts';
import { ArmMemory, type MemoryOptions } from './arm-memory.ts';
import { banditForm, incompatibleBandits } from './bandit-bytes.ts';
import { bestProbabilities, logitBetaSpread, normalSpread } from './best-probability.ts';
import { betaVariate } from './beta-variate.ts';
import { Policy } from './policy.ts';

export interface BernoulliThompsonOptions extends MemoryOptions {
  /** The Beta prior of every arm: both from 0.001 to 1e12; (1, 1), every rate equally likely, by default. */
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
    super(arms, 0, 1);
    this.priorSuccesses = options.priorSuccesses ?? 1;
    this.priorFailures = options.priorFailures ?? 1;
    requireWithin('priorSuccesses', this.priorSuccesses, 1e-3, 1e12);
    requireWithin('priorFailures', this.priorFailures, 1e-3, 1e12);
    this.memory = new ArmMemory(arms, options);
  }

  /** The Beta posterior of an arm: successes and failures, the prior's included. */
  posterior(arm: number): { successes: number; failures: number } {
    this.checkArm(arm);
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
    this.check(arm, reward);
    this.memory.update(arm, reward);
  }

  merge(other: BernoulliThompson): void {
    if (other.priorSuccesses !== this.priorSuccesses || other.priorFailures !== this.priorFailures) {
      throw incompatibleBandits('The priors differ.');
    }
    this.memory.merge(other.memory);
  }

  serialize(): Uint8Array {
    const writer = banditForm.begin('bernoulliThompson').f64(this.priorSuccesses).f64(this.priorFailures);
    return this.memory.write(writer).finish();
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): BernoulliThompson {
    return banditForm.read(bytes, 'bernoulliThompson', reader => {
      const [priorSuccesses, priorFailures] = [readNumber(reader), readNumber(reader)];
      const memory = ArmMemory.read(reader, 0, 1);
      const policy = new BernoulliThompson(memory.counts.length, { priorSuccesses, priorFailures });
      policy.memory = memory;
      return policy;
    });
  }
}

export interface GaussianThompsonOptions extends MemoryOptions {
  /** The prior of every arm's mean, in the unit of the reward: mean 0, deviation (1e-50 to 1e50) 1 by default. */
  priorMean?: number;
  priorDeviation?: number;
  /** The deviation of one reward around its arm's mean, 1e-50 to 1e50; 1 by default. Too small a value explores too little. */
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

  /** Throws `invalid-argument` for arms, the prior, deviations, window or discount outside their range. */
  constructor(arms: number, options: GaussianThompsonOptions = {}) {
    super(arms);
    this.priorMean = options.priorMean ?? 0;
    this.priorDeviation = options.priorDeviation ?? 1;
    this.noiseDeviation = options.noiseDeviation ?? 1;
    requireWithin('priorMean', this.priorMean, -1e100, 1e100);
    requireWithin('priorDeviation', this.priorDeviation, 1e-50, 1e50);
    requireWithin('noiseDeviation', this.noiseDeviation, 1e-50, 1e50);
    this.memory = new ArmMemory(arms, options);
  }

  /** The normal posterior of an arm's mean. */
  posterior(arm: number): { mean: number; deviation: number } {
    this.checkArm(arm);
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

  merge(other: GaussianThompson): void {
    const { priorMean, priorDeviation, noiseDeviation } = this;
    if (
      other.priorMean !== priorMean ||
      other.priorDeviation !== priorDeviation ||
      other.noiseDeviation !== noiseDeviation
    ) {
      throw incompatibleBandits('The prior or the noise differ.');
    }
    this.memory.merge(other.memory);
  }

  serialize(): Uint8Array {
    const writer = banditForm.begin('gaussianThompson');
    writer.f64(this.priorMean).f64(this.priorDeviation).f64(this.noiseDeviation);
    return this.memory.write(writer).finish();
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): GaussianThompson {
    return banditForm.read(bytes, 'gaussianThompson', reader => {
      const [priorMean, priorDeviation, noiseDeviation] = [
        readNumber(reader),
        readNumber(reader),
        readNumber(reader),
      ];
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

function requireWithin(name: string, value: number, low: number, high: number): void {
  if (!(value >= low && value <= high)) {
    throw invalidArgument(`${name} must be from ${low} to ${high}.`, { [name]: value });
  }
}
