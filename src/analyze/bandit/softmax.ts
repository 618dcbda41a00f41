// Softmax, or Boltzmann exploration: the better an arm has been, the likelier it is played (Luce 1959; Sutton & Barto).
import type { Rng } from '../../core/rng.ts';
import { invalidArgument, requirePositive } from '../stats/argument.ts';
import { readNumber } from '../stats/moment/serialized-form.ts';
import { ArmMemory, type MemoryOptions } from './arm-memory.ts';
import { banditForm, incompatibleBandits } from './bandit-bytes.ts';
import { drawArm, Policy } from './policy.ts';

export interface SoftmaxOptions extends MemoryOptions {
  /** In the unit of the reward, at least 1e-100; 0.1 by default. Near 0 it is greedy, large it is blind. */
  temperature?: number;
}

/**
 * Plays arm i with probability proportional to exp(x̄ᵢ / temperature); an arm never played counts as the best mean so
 * far. Any finite rewards. Every arm keeps a probability above 0 as long as means differ by less than about 700
 * temperatures. Regret grows linearly. A choice costs O(arms).
 */
export class Softmax extends Policy {
  readonly temperature: number;
  private memory: ArmMemory;
  private readonly drawn: Float64Array;

  /** Throws `invalid-argument` for arms, temperature, window or discount outside their range. */
  constructor(arms: number, options: SoftmaxOptions = {}) {
    super(arms);
    this.temperature = options.temperature ?? 0.1;
    requirePositive('temperature', this.temperature);
    if (this.temperature < 1e-100) {
      throw invalidArgument('temperature must be at least 1e-100.', { temperature: this.temperature });
    }
    this.memory = new ArmMemory(arms, options);
    this.drawn = new Float64Array(arms);
  }

  pick(rng: Rng): number {
    return drawArm(this.fill(this.drawn), rng);
  }

  probabilities(): Float64Array {
    return this.fill(new Float64Array(this.arms));
  }

  private fill(into: Float64Array): Float64Array {
    const { counts } = this.memory;
    let best = -Infinity;
    for (let arm = 0; arm < this.arms; arm++) {
      if (counts[arm]! > 0) best = Math.max(best, this.memory.mean(arm));
    }
    let total = 0;
    for (let arm = 0; arm < this.arms; arm++) {
      const weight = counts[arm]! > 0 ? Math.exp((this.memory.mean(arm) - best) / this.temperature) : 1;
      into[arm] = weight;
      total += weight;
    }
    for (let arm = 0; arm < this.arms; arm++) into[arm]! /= total;
    return into;
  }

  update(arm: number, reward: number): void {
    this.check(arm, reward);
    this.memory.update(arm, reward);
  }

  merge(other: Softmax): void {
    if (other.temperature !== this.temperature) throw incompatibleBandits('The temperatures differ.');
    this.memory.merge(other.memory);
  }

  serialize(): Uint8Array {
    return this.memory.write(banditForm.begin('softmax').f64(this.temperature)).finish();
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): Softmax {
    return banditForm.read(bytes, 'softmax', reader => {
      const temperature = readNumber(reader);
      const memory = ArmMemory.read(reader);
      const policy = new Softmax(memory.counts.length, { temperature });
      policy.memory = memory;
      return policy;
    });
  }
}
