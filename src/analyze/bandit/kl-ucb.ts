// KL-UCB: the upper confidence bound that is tight for coins (Garivier & Cappé 2011; Cappé et al. 2013). Its regret
// reaches Lai and Robbins' lower bound; for any reward in [0, 1] it is never worse than UCB1 with c = 1/2.
import type { Rng } from '../../core/rng.ts';
import { invalidArgument } from '../stats/argument.ts';
import { readNumber } from '../stats/moment/serialized-form.ts';
import { ArmMemory, type MemoryOptions } from './arm-memory.ts';
import { banditForm, incompatibleBandits } from './bandit-bytes.ts';
import { divergenceUpperBound } from './bernoulli-divergence.ts';
import { largestProbabilities, Policy } from './policy.ts';

export interface KlUcbOptions extends MemoryOptions {
  /** c in ln t + c · ln ln t. 0 (the default) is what the paper recommends in practice, 3 what its proof needs. */
  correction?: number;
}

/**
 * Plays the arm with the largest q such that n · kl(x̄, q) ≤ ln t + c ln ln t; each arm once first. Rewards in [0, 1].
 * A choice costs O(arms), about two logarithms an arm: an arm whose bound cannot reach the best so far is told by one
 * divergence, and the others start Newton's method at their last bound.
 */
export class KlUcb extends Policy {
  readonly correction: number;
  private memory: ArmMemory;
  // Guesses only: they change how fast an answer is found, never the answer.
  private readonly bounds: Float64Array;
  private last = 0;
  private readonly ties: Uint32Array;

  /** Throws `invalid-argument` for arms, correction (0 to 1e9), window or discount outside their range. */
  constructor(arms: number, options: KlUcbOptions = {}) {
    super(arms, 0, 1);
    this.correction = options.correction ?? 0;
    if (!(this.correction >= 0 && this.correction <= 1e9)) {
      throw invalidArgument('correction must be from 0 to 1e9.', { correction: this.correction });
    }
    this.memory = new ArmMemory(arms, options);
    this.bounds = new Float64Array(arms).fill(Number.NaN);
    this.ties = new Uint32Array(arms);
  }

  private room(): number {
    const logTotal = Math.log(Math.max(1, this.memory.total));
    const second = this.correction === 0 ? 0 : this.correction * Math.log(Math.max(1, logTotal));
    return Math.max(0, logTotal + second);
  }

  private bound(arm: number, room: number): number {
    const count = this.memory.counts[arm]!;
    if (!(count > 0)) return Infinity;
    const mean = Math.min(1, Math.max(0, this.memory.sums[arm]! / count));
    return (this.bounds[arm] = divergenceUpperBound(mean, room / count, this.bounds[arm]!));
  }

  /** Whether the arm's bound lies surely below `bar`, by one divergence. */
  private isBelow(arm: number, bar: number, room: number): boolean {
    const { counts, sums } = this.memory;
    const count = counts[arm]!;
    if (!(count > 0)) return false;
    const mean = sums[arm]! / count;
    if (mean >= bar || bar >= 1) return false;
    const heads = mean > 0 ? mean * Math.log(mean / bar) : 0;
    return count * (heads + (1 - mean) * Math.log((1 - mean) / (1 - bar))) > room;
  }

  pick(rng: Rng): number {
    const room = this.room();
    let best = this.bound(this.last, room);
    this.ties[0] = this.last;
    let tied = 1;
    for (let arm = 0; arm < this.arms; arm++) {
      if (arm === this.last || this.isBelow(arm, best - tolerance, room)) continue;
      const bound = this.bound(arm, room);
      if (bound > best + tolerance) {
        best = bound;
        tied = 0;
      }
      if (bound === best || bound >= best - tolerance) this.ties[tied++] = arm;
    }
    // In the order of the arms, so that the draw does not depend on which arm was looked at first.
    const ties = tied > 1 ? this.ties.subarray(0, tied).sort() : this.ties;
    this.last = ties[tied > 1 ? rng.below(tied) : 0]!;
    return this.last;
  }

  probabilities(): Float64Array {
    const room = this.room();
    return largestProbabilities(Float64Array.from({ length: this.arms }, (_, arm) => this.bound(arm, room)));
  }

  update(arm: number, reward: number): void {
    this.check(arm, reward);
    this.memory.update(arm, reward);
  }

  merge(other: KlUcb): void {
    if (other.correction !== this.correction) throw incompatibleBandits('The corrections differ.');
    this.memory.merge(other.memory);
  }

  serialize(): Uint8Array {
    return this.memory.write(banditForm.begin('klUcb').f64(this.correction)).finish();
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): KlUcb {
    return banditForm.read(bytes, 'klUcb', reader => {
      const correction = readNumber(reader, 0);
      const memory = ArmMemory.read(reader, 0, 1);
      const policy = new KlUcb(memory.counts.length, { correction });
      policy.memory = memory;
      return policy;
    });
  }
}

const tolerance = 1e-9;
