// Decisions whose rewards come later, out of order, or never. Keeps what an update needs (arm and probability) until
// the reward comes; the number of open decisions is bounded. Joulani, György & Szepesvári 2013: in a world that does
// not change, a delay of at most d adds at most about d · arms to the regret of any such policy.
import type { Rng } from '../../core/rng.ts';
import { invalidArgument, requireWhole } from '../stats/argument.ts';
import { readCount, readNumber, requireRoom } from '../stats/moment/serialized-form.ts';
import { banditForm, corruptBandit } from './bandit-bytes.ts';
import { deserializePolicy } from './deserialize-policy.ts';
import type { ArmChoice, Policy } from './policy.ts';

export interface DelayedFeedbackOptions {
  /** Open decisions kept, 1 to 1,000,000; 10,000 by default. One more, and the oldest is expired. Some 100 bytes each. */
  pendingMax?: number;
  /**
   * The reward of a decision that expires: one that the policy takes, where silence is an answer (0: no click), or absent where it tells
   * nothing and the decision is forgotten.
   */
  expiredReward?: number;
}

/** A decision with the number by which its reward is handed in. */
export interface PendingChoice extends ArmChoice {
  id: number;
}

/**
 * Wraps a policy. There is no `merge`, since ids would collide: settle where it was chosen, and merge the policies.
 * `choose` and `settle` cost what
 * the policy's `choose` and `update` cost, and O(1).
 */
export class DelayedFeedback {
  readonly policy: Policy;
  readonly pendingMax: number;
  readonly expiredReward: number | undefined;
  private nextId = 1;
  // In the order of the decisions, which is the order of their ids.
  private readonly open = new Map<number, ArmChoice>();

  /** Throws `invalid-argument` for options outside their range. */
  constructor(policy: Policy, { pendingMax = 10_000, expiredReward }: DelayedFeedbackOptions = {}) {
    requireWhole('pendingMax', pendingMax, 1);
    if (pendingMax > 1_000_000) {
      throw invalidArgument('pendingMax must be at most 1,000,000.', { pendingMax });
    }
    const { rewardMin, rewardMax } = policy;
    if (expiredReward !== undefined && !(expiredReward >= rewardMin && expiredReward <= rewardMax)) {
      throw invalidArgument(`expiredReward must be from ${rewardMin} to ${rewardMax} for this policy.`, {
        expiredReward,
      });
    }
    this.policy = policy;
    this.pendingMax = pendingMax;
    this.expiredReward = expiredReward;
  }

  /** How many decisions wait for their reward. */
  get pending(): number {
    return this.open.size;
  }

  /** The next decision, remembered under `id`. */
  choose(rng: Rng): PendingChoice {
    const choice = this.policy.choose(rng);
    const id = this.nextId++;
    this.open.set(id, choice);
    if (this.open.size > this.pendingMax) this.expireOldest();
    return { id, ...choice };
  }

  /**
   * Hands in the reward of a decision. False, and nothing learned, where it is not open: already settled or expired, so
   * that a reward delivered twice counts once. Throws `invalid-argument` as the policy does; the decision stays open.
   */
  settle(id: number, reward: number): boolean {
    const choice = this.open.get(id);
    if (choice === undefined) return false;
    this.policy.update(choice.arm, reward, choice.probability);
    this.open.delete(id);
    return true;
  }

  /** Expires every open decision with an id below `id`; returns how many. */
  expireBefore(id: number): number {
    let expired = 0;
    for (const first of this.open.keys()) {
      if (first >= id) break;
      this.expireOldest();
      expired++;
    }
    return expired;
  }

  private expireOldest(): void {
    for (const [id, { arm, probability }] of this.open) {
      this.open.delete(id);
      if (this.expiredReward !== undefined) this.policy.update(arm, this.expiredReward, probability);
      return;
    }
  }

  /** The policy, the options and every open decision, as versioned bytes. */
  serialize(): Uint8Array {
    const policy = this.policy.serialize();
    const writer = banditForm.begin('delayedFeedback').varint(policy.length).bytes(policy);
    writer.varint(this.pendingMax).u8(this.expiredReward === undefined ? 0 : 1);
    if (this.expiredReward !== undefined) writer.f64(this.expiredReward);
    writer.varint(this.nextId).varint(this.open.size);
    for (const [id, { arm, probability }] of this.open) writer.varint(id).varint(arm).f64(probability);
    return writer.finish();
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): DelayedFeedback {
    return banditForm.read(bytes, 'delayedFeedback', reader => {
      const policy = deserializePolicy(reader.bytes(reader.varint()));
      const pendingMax = readCount(reader);
      const flag = reader.u8();
      if (flag > 1) throw corruptBandit('a flag is neither 0 nor 1.', { flag });
      const expiredReward = flag === 1 ? readNumber(reader) : undefined;
      const result = new DelayedFeedback(policy, {
        pendingMax,
        ...(expiredReward !== undefined && { expiredReward }),
      });
      result.nextId = readCount(reader);
      const size = readCount(reader, pendingMax);
      requireRoom(reader, size, 10);
      let previous = 0;
      for (let i = 0; i < size; i++) {
        const [id, arm, probability] = [reader.varint(), reader.varint(), readNumber(reader, 0, 1)];
        if (!(id > previous && id < result.nextId && arm < policy.arms && probability > 0)) {
          throw corruptBandit('an open decision is impossible.', { id, arm, probability });
        }
        result.open.set(id, { arm, probability });
        previous = id;
      }
      return result;
    });
  }
}
