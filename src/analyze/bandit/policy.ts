// The contract of every bandit policy: which arm to play next, how likely that choice was, and what came of it.
// Policies read no clock and draw randomness only from the generator that is passed in, so every run replays.
import type { Rng } from '../../core/rng.ts';
import { invalidArgument } from '../stats/argument.ts';

/** A decision. `probability` in (0, 1] is what off-policy evaluation needs: log it with the decision. */
export interface ArmChoice {
  /** Index of the arm, 0 ≤ arm < arms. */
  arm: number;
  /** The probability with which this policy, in this state, takes this arm. */
  probability: number;
}

/**
 * A policy over a fixed number of arms.
 *
 * **Who calls what.** The caller asks `choose` (or `pick`, where the probability is not needed), plays the arm, and
 * hands the reward to `update`. Rewards may come late, in any order, or never: a decision without an update simply
 * teaches nothing. `choose`, `pick` and `probabilities` never change the state of the policy.
 *
 * **Parts.** Policies of one kind and the same options that learned from disjoint decisions `merge`, unless a window or
 * a discount makes the order of all updates matter.
 *
 * **Errors.** `invalid-argument` for an arm that is not there or a reward outside [`rewardMin`, `rewardMax`];
 * `incompatible-bandits` from merging; the state is then unchanged. `corrupt-bandit` from deserialising foreign or
 * damaged bytes.
 *
 * **Memory** is O(arms), or O(arms + window) with a sliding window, and never grows.
 */
export abstract class Policy {
  /** 1 to 65,536. */
  readonly arms: number;
  /** The rewards that `update` takes, ends included: 0 and 1, or −1e100 and 1e100 where any will do. */
  readonly rewardMin: number;
  readonly rewardMax: number;

  constructor(arms: number, rewardMin = -1e100, rewardMax = 1e100) {
    if (!Number.isSafeInteger(arms) || arms < 1 || arms > armsMax) {
      throw invalidArgument(`arms must be a whole number from 1 to ${armsMax}.`, { arms });
    }
    this.arms = arms;
    this.rewardMin = rewardMin;
    this.rewardMax = rewardMax;
  }

  /** The next arm alone: the cheap form of `choose`. */
  abstract pick(rng: Rng): number;

  /** The probability of each arm in the present state; they sum to 1 within 1e-9. */
  abstract probabilities(): Float64Array;

  /**
   * Learns the reward of an arm. `probability` is the one the choice was made with; only EXP3 uses it, and takes its
   * present one where it is absent.
   */
  abstract update(arm: number, reward: number, probability?: number): void;

  /** As if the other's updates had come here too; `other` is unchanged. O(arms). Throws `incompatible-bandits`. */
  abstract merge(other: this): void;

  /** The whole state as versioned bytes; `deserializePolicy` goes on from them alike. */
  abstract serialize(): Uint8Array;

  /** The next arm and its probability. Cost: `pick` and `probabilities`. */
  choose(rng: Rng): ArmChoice {
    return choiceOf(this.pick(rng), this.probabilities());
  }

  protected checkArm(arm: number): void {
    if (!Number.isInteger(arm) || arm < 0 || arm >= this.arms) {
      throw invalidArgument(`arm must be a whole number from 0 to ${this.arms - 1}.`, { arm });
    }
  }

  protected check(arm: number, reward: number): void {
    this.checkArm(arm);
    if (!(reward >= this.rewardMin && reward <= this.rewardMax)) {
      const message = `reward must be from ${this.rewardMin} to ${this.rewardMax} for this policy.`;
      throw invalidArgument(message, { reward });
    }
  }
}

/** More arms than this are refused: a policy's memory is bounded. */
export const armsMax = 65_536;

/** A choice with its probability. What was drawn is not impossible, even where an integral rounds to that. */
export function choiceOf(arm: number, probabilities: Float64Array): ArmChoice {
  return { arm, probability: Math.max(1e-15, probabilities[arm]!) };
}

/** An arm drawn with the given probabilities, which sum to 1; O(arms). */
export function drawArm(probabilities: ArrayLike<number>, rng: Rng): number {
  let left = rng.float();
  let last = 0;
  for (let arm = 0; arm < probabilities.length; arm++) {
    const probability = probabilities[arm]!;
    if (probability <= 0) continue;
    left -= probability;
    last = arm;
    if (left < 0) return arm;
  }
  return last;
}

/** One of the arms with the largest index, ties (within 1e-9 relative) broken evenly at random. O(arms). */
export function pickLargest(indices: ArrayLike<number>, rng: Rng): number {
  let best = -Infinity;
  for (let arm = 0; arm < indices.length; arm++) if (indices[arm]! > best) best = indices[arm]!;
  const bar = tieBar(best);
  let ties = 0;
  for (let arm = 0; arm < indices.length; arm++) if (indices[arm]! >= bar) ties++;
  let skip = ties > 1 ? rng.below(ties) : 0;
  for (let arm = 0; arm < indices.length; arm++) if (indices[arm]! >= bar && skip-- === 0) return arm;
  return 0;
}

/** The probabilities that `pickLargest` draws with. */
export function largestProbabilities(indices: ArrayLike<number>): Float64Array {
  let best = -Infinity;
  for (let arm = 0; arm < indices.length; arm++) best = Math.max(best, indices[arm]!);
  const bar = tieBar(best);
  const result = new Float64Array(indices.length);
  let ties = 0;
  for (let arm = 0; arm < indices.length; arm++) {
    if (indices[arm]! >= bar) {
      result[arm] = 1;
      ties++;
    }
  }
  return result.map(value => value / ties);
}

function tieBar(best: number): number {
  return best === Infinity ? best : best - 1e-9 * Math.max(1, Math.abs(best));
}
