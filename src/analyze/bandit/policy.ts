// The contract of every bandit policy: which arm to play next, how likely that choice was, and what came of it.
// Policies read no clock and draw randomness only from the generator that is passed in, so every run replays.
import type { Rng } from '../../core/rng.ts';
import { invalidArgument, requireFinite } from '../stats/argument.ts';

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
 * **Errors.** `invalid-argument` for an arm that is not there or a reward that is not finite or outside the range
 * the policy documents (±1e100 where it documents none); the state is then unchanged. `corrupt-bandit` from deserialising foreign or damaged bytes.
 *
 * **Memory** is O(arms), or O(arms + window) with a sliding window, and never grows.
 */
export abstract class Policy {
  readonly arms: number;

  constructor(arms: number) {
    if (!Number.isSafeInteger(arms) || arms < 1 || arms > armsMax) {
      throw invalidArgument(`arms must be a whole number from 1 to ${armsMax}.`, { arms });
    }
    this.arms = arms;
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

  /** The whole state as versioned bytes; `deserializePolicy` goes on from them alike. */
  abstract serialize(): Uint8Array;

  /** The next arm and its probability. Cost: `pick` and `probabilities`. */
  choose(rng: Rng): ArmChoice {
    const arm = this.pick(rng);
    return { arm, probability: this.probabilities()[arm]! };
  }

  protected check(arm: number, reward: number, low = -1e100, high = 1e100): void {
    if (!Number.isInteger(arm) || arm < 0 || arm >= this.arms) {
      throw invalidArgument(`arm must be a whole number from 0 to ${this.arms - 1}.`, { arm });
    }
    requireFinite('reward', reward);
    if (reward < low || reward > high) {
      throw invalidArgument(`reward must be from ${low} to ${high} for this policy.`, { reward });
    }
  }
}

/** More arms than this are refused: a policy's memory is bounded. */
export const armsMax = 65_536;

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
