// ε-greedy: the best arm so far, and with probability ε any arm (Watkins 1989; decreasing ε: Auer et al. 2002).
import type { Rng } from '../../core/rng.ts';
import { invalidArgument } from '../stats/argument.ts';
import { readNumber } from '../stats/moment/serialized-form.ts';
import { ArmMemory, type MemoryOptions } from './arm-memory.ts';
import { banditForm, incompatibleBandits } from './bandit-bytes.ts';
import { largestProbabilities, Policy, pickLargest } from './policy.ts';

export interface EpsilonGreedyOptions extends MemoryOptions {
  /** The share of choices that are free, in [0, 1]; 0.1 by default. */
  epsilon?: number;
  /** Where above 0, the share is min(ε, decay / t) after t updates: less and less exploration. 0 by default. */
  decay?: number;
}

/**
 * The arm of the largest mean so far (an arm never played counts as better than all), with probability ε an arm at
 * random. Any finite rewards. Regret grows linearly with a constant ε. A choice costs O(arms).
 */
export class EpsilonGreedy extends Policy {
  readonly epsilon: number;
  readonly decay: number;
  private memory: ArmMemory;
  private readonly means: Float64Array;

  /** Throws `invalid-argument` for arms, epsilon, decay, window or discount outside their range. */
  constructor(arms: number, options: EpsilonGreedyOptions = {}) {
    super(arms);
    this.epsilon = options.epsilon ?? 0.1;
    this.decay = options.decay ?? 0;
    if (!(this.epsilon >= 0 && this.epsilon <= 1)) {
      throw invalidArgument('epsilon must lie in [0, 1].', { epsilon: this.epsilon });
    }
    if (!(this.decay >= 0 && this.decay < Infinity)) {
      throw invalidArgument('decay must be finite and at least 0.', { decay: this.decay });
    }
    this.memory = new ArmMemory(arms, options);
    this.means = new Float64Array(arms);
  }

  private computeMeans(): Float64Array {
    for (let arm = 0; arm < this.arms; arm++) this.means[arm] = this.memory.mean(arm, Infinity);
    return this.means;
  }

  /** The share of free choices now. */
  private share(): number {
    const { total } = this.memory;
    return this.decay > 0 ? Math.min(this.epsilon, this.decay / Math.max(1, total)) : this.epsilon;
  }

  pick(rng: Rng): number {
    return rng.float() < this.share() ? rng.below(this.arms) : pickLargest(this.computeMeans(), rng);
  }

  probabilities(): Float64Array {
    const share = this.share();
    return largestProbabilities(this.computeMeans()).map(greedy => share / this.arms + (1 - share) * greedy);
  }

  update(arm: number, reward: number): void {
    this.check(arm, reward);
    this.memory.update(arm, reward);
  }

  merge(other: EpsilonGreedy): void {
    if (other.epsilon !== this.epsilon || other.decay !== this.decay)
      throw incompatibleBandits('Epsilon or decay differ.');
    this.memory.merge(other.memory);
  }

  serialize(): Uint8Array {
    return this.memory.write(banditForm.begin('epsilonGreedy').f64(this.epsilon).f64(this.decay)).finish();
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): EpsilonGreedy {
    return banditForm.read(bytes, 'epsilonGreedy', reader => {
      const [epsilon, decay] = [readNumber(reader, 0, 1), readNumber(reader, 0)];
      const memory = ArmMemory.read(reader);
      const policy = new EpsilonGreedy(memory.counts.length, { epsilon, decay });
      policy.memory = memory;
      return policy;
    });
  }
}
