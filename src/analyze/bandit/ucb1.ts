// UCB1: optimism in the face of uncertainty with Hoeffding's bound (Auer, Cesa-Bianchi & Fischer 2002). With a window
// or a discount it is SW-UCB or D-UCB (Garivier & Moulines 2011), for rewards that change.
import type { Rng } from '../../core/rng.ts';
import { invalidArgument, requirePositive } from '../stats/argument.ts';
import { readNumber } from '../stats/moment/serialized-form.ts';
import { ArmMemory, type MemoryOptions } from './arm-memory.ts';
import { banditForm, incompatibleBandits } from './bandit-bytes.ts';
import { largestProbabilities, Policy, pickLargest } from './policy.ts';

export interface Ucb1Options extends MemoryOptions {
  /** c in √(c · ln t / n): 2 as published (the default); 0.5 is the tighter tuning of Garivier & Cappé 2011. */
  exploration?: number;
}

/**
 * Plays the arm with the largest x̄ + √(c · ln t / n), n its plays and t all plays; each arm once first. Rewards in
 * [0, 1]. Expected regret ≤ Σ (8 ln T / Δ) + (1 + π²/3) ΣΔ for c = 2. A choice and an update cost O(arms).
 */
export class Ucb1 extends Policy {
  readonly exploration: number;
  private memory: ArmMemory;
  private readonly indices: Float64Array;

  /** Throws `invalid-argument` for arms, exploration (above 0, at most 1e9), window or discount outside their range. */
  constructor(arms: number, options: Ucb1Options = {}) {
    super(arms, 0, 1);
    this.exploration = options.exploration ?? 2;
    requirePositive('exploration', this.exploration);
    if (this.exploration > 1e9) {
      throw invalidArgument('exploration must be at most 1e9.', { exploration: this.exploration });
    }
    this.memory = new ArmMemory(arms, options);
    this.indices = new Float64Array(arms);
  }

  private computeIndices(): Float64Array {
    const { counts, sums, total } = this.memory;
    const room = this.exploration * Math.log(Math.max(1, total));
    for (let arm = 0; arm < this.arms; arm++) {
      const count = counts[arm]!;
      this.indices[arm] = count > 0 ? sums[arm]! / count + Math.sqrt(room / count) : Infinity;
    }
    return this.indices;
  }

  pick(rng: Rng): number {
    return pickLargest(this.computeIndices(), rng);
  }

  probabilities(): Float64Array {
    return largestProbabilities(this.computeIndices());
  }

  update(arm: number, reward: number): void {
    this.check(arm, reward);
    this.memory.update(arm, reward);
  }

  merge(other: Ucb1): void {
    if (other.exploration !== this.exploration) throw incompatibleBandits('The explorations differ.');
    this.memory.merge(other.memory);
  }

  serialize(): Uint8Array {
    return this.memory.write(banditForm.begin('ucb1').f64(this.exploration)).finish();
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): Ucb1 {
    return banditForm.read(bytes, 'ucb1', reader => {
      const exploration = readNumber(reader);
      const memory = ArmMemory.read(reader, 0, 1);
      const policy = new Ucb1(memory.counts.length, { exploration });
      policy.memory = memory;
      return policy;
    });
  }
}
