// EXP3: exponential weights for rewards that an adversary may set (Auer, Cesa-Bianchi, Freund & Schapire 2002).
import type { Rng } from '../../core/rng.ts';
import { invalidArgument } from '../stats/argument.ts';
import {
  readCount,
  readNumber,
  readNumbers,
  requireRoom,
  writeNumbers,
} from '../stats/moment/serialized-form.ts';
import { banditForm, corruptBandit, incompatibleBandits } from './bandit-bytes.ts';
import { drawArm, Policy } from './policy.ts';

export interface Exp3Options {
  /** γ in [1e-9, 1], the share of blind choices and the pace of learning; 0.07 by default. See `exp3Exploration`. */
  exploration?: number;
}

/** The γ that minimises the bound for a known horizon T ≥ 1: min(1, √(K ln K / ((e − 1) T))) (Auer et al., 3.2). */
export function exp3Exploration(arms: number, horizon: number): number {
  if (!(arms >= 1 && horizon >= 1))
    throw invalidArgument('arms and horizon must be at least 1.', { arms, horizon });
  return arms === 1 ? 1 : Math.min(1, Math.sqrt((arms * Math.log(arms)) / ((Math.E - 1) * horizon)));
}

/**
 * Rewards in [0, 1], whatever made them. Expected regret against the best single arm ≤ 2.63 √(T K ln K) with
 * `exp3Exploration(K, T)`. Each arm's probability is at least γ / K, so its logs suit off-policy evaluation. Pass the
 * choice's probability to `update` where feedback is late. A choice and an update cost O(arms).
 */
export class Exp3 extends Policy {
  readonly exploration: number;
  // Logarithms of the weights, the largest kept at 0, so that nothing overflows.
  private readonly logs: Float64Array;
  private readonly drawn: Float64Array;

  /** Throws `invalid-argument` for arms or exploration outside their range. */
  constructor(arms: number, { exploration = 0.07 }: Exp3Options = {}) {
    super(arms, 0, 1);
    if (!(exploration >= 1e-9 && exploration <= 1)) {
      throw invalidArgument('exploration must lie in [1e-9, 1].', { exploration });
    }
    this.exploration = exploration;
    this.logs = new Float64Array(arms);
    this.drawn = new Float64Array(arms);
  }

  pick(rng: Rng): number {
    return drawArm(this.fill(this.drawn), rng);
  }

  probabilities(): Float64Array {
    return this.fill(new Float64Array(this.arms));
  }

  private fill(into: Float64Array): Float64Array {
    const { exploration, arms, logs } = this;
    let total = 0;
    for (let arm = 0; arm < arms; arm++) total += into[arm] = Math.exp(logs[arm]!);
    for (let arm = 0; arm < arms; arm++) {
      into[arm] = (1 - exploration) * (into[arm]! / total) + exploration / arms;
    }
    return into;
  }

  update(arm: number, reward: number, probability?: number): void {
    this.check(arm, reward);
    const divisor = probability ?? this.fill(this.drawn)[arm]!;
    const least = (this.exploration / this.arms) * (1 - 1e-9);
    if (!(divisor >= least && divisor <= 1 + 1e-9)) {
      const message = 'probability must lie between exploration / arms, the least of any choice here, and 1.';
      throw invalidArgument(message, { probability: divisor });
    }
    this.logs[arm]! += (this.exploration * (reward / divisor)) / this.arms;
    this.normalize();
  }

  /**
   * As if the other's updates had come here too: with the probability of each choice handed to `update`, what an arm
   * is thought to have earned is a sum, whatever the order.
   */
  merge(other: Exp3): void {
    if (other.arms !== this.arms || other.exploration !== this.exploration) {
      throw incompatibleBandits('Arms or exploration differ.');
    }
    for (let i = 0; i < this.arms; i++) this.logs[i]! += other.logs[i]!;
    this.normalize();
  }

  private normalize(): void {
    let largest = -Infinity;
    for (let i = 0; i < this.arms; i++) largest = Math.max(largest, this.logs[i]!);
    for (let i = 0; i < this.arms; i++) this.logs[i]! -= largest;
  }

  serialize(): Uint8Array {
    const writer = banditForm.begin('exp3').varint(this.arms).f64(this.exploration);
    return writeNumbers(writer, this.logs).finish();
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): Exp3 {
    return banditForm.read(bytes, 'exp3', reader => {
      const arms = readCount(reader);
      const exploration = readNumber(reader);
      requireRoom(reader, arms, 8);
      const policy = new Exp3(arms, { exploration });
      policy.logs.set(readNumbers(reader, arms, -Number.MAX_VALUE, 0));
      if (!policy.logs.includes(0)) throw corruptBandit('no arm has the largest weight.');
      return policy;
    });
  }
}
