// What another policy would have earned, from the log of the one that ran: inverse propensity scoring (Horvitz &
// Thompson 1952), its self-normalised form (Swaminathan & Joachims 2015) and the doubly robust estimate (Dudík, Langford
// & Li 2011). Refuses to report where a handful of decisions would carry the answer.
import { MillraceError } from '../../core/errors.ts';
import { invalidArgument, requireFinite } from '../stats/argument.ts';
import { normal } from '../stats/distributions.ts';
import { Moments } from '../stats/moment/moments.ts';
import { readCount, readNumber } from '../stats/moment/serialized-form.ts';
import { banditForm, corruptBandit } from './bandit-bytes.ts';

/** One logged decision. */
export interface LoggedDecision {
  /** What the arm that was played earned; finite. */
  reward: number;
  /** The probability with which the logging policy took that arm, in (0, 1]. */
  loggedProbability: number;
  /** The probability with which the policy in question would take the same arm, in [0, 1]. */
  targetProbability: number;
  /** A model's prediction of the reward of the arm that was played; with `predictedTarget`, or neither. */
  predictedPlayed?: number;
  /** The model's prediction of what the policy in question earns here: Σ over arms of its probability · prediction. */
  predictedTarget?: number;
}

/** A value in the unit of the reward, with the bounds of an approximate (normal) interval. */
export interface ValueEstimate {
  value: number;
  low: number;
  high: number;
}

export interface OffPolicyEstimate {
  /** Σ w r / n: unbiased, of large variance. w = target / logged probability. */
  ips: ValueEstimate;
  /** Σ w r / Σ w: slightly biased, of less variance, never outside the range of the rewards. */
  snips: ValueEstimate;
  /** Mean of prediction + w (r − prediction): unbiased, precise where the model is good. Absent without predictions. */
  doublyRobust?: ValueEstimate;
  /** (Σ w)² / Σ w²: so many decisions of the policy itself would tell as much (Kish 1965). */
  effectiveSampleSize: number;
  /** Near 1 where the logged probabilities are right; far from 1 they are not, and nothing here is. */
  weightMean: number;
  decisions: number;
}

export interface OffPolicyOptions {
  /** `estimate` refuses below this effective sample size; at least 2, 50 by default. */
  effectiveSampleMin?: number;
  /** Weights are cut here, > 0; none by default. Cutting lowers variance and biases all three values toward less. */
  weightMax?: number;
}

/** Streaming and mergeable; O(1) memory (some 20 numbers), O(1) an update. */
export class OffPolicyEvaluation {
  readonly effectiveSampleMin: number;
  readonly weightMax: number;
  private weighted = new Moments();
  private robust = new Moments();
  // Σ w, Σ w², Σ w r, Σ w² r, Σ w² r².
  private readonly sums = new Float64Array(5);
  private decisions = 0;

  /** Throws `invalid-argument` for options outside their range. */
  constructor({ effectiveSampleMin = 50, weightMax = Number.MAX_VALUE }: OffPolicyOptions = {}) {
    if (!(effectiveSampleMin >= 2 && effectiveSampleMin < Infinity)) {
      throw invalidArgument('effectiveSampleMin must be at least 2.', { effectiveSampleMin });
    }
    if (!(weightMax > 0)) throw invalidArgument('weightMax must be above 0.', { weightMax });
    this.effectiveSampleMin = effectiveSampleMin;
    this.weightMax = Math.min(weightMax, Number.MAX_VALUE);
  }

  /** Takes in one logged decision. Throws `invalid-argument`, unchanged, where a field is outside its range. */
  update(decision: LoggedDecision): void {
    const { reward, loggedProbability, targetProbability, predictedPlayed, predictedTarget } = decision;
    requireFinite('reward', reward);
    if (!(loggedProbability > 0 && loggedProbability <= 1)) {
      throw invalidArgument('loggedProbability must lie in (0, 1].', { loggedProbability });
    }
    if (!(targetProbability >= 0 && targetProbability <= 1)) {
      throw invalidArgument('targetProbability must lie in [0, 1].', { targetProbability });
    }
    if ((predictedPlayed === undefined) !== (predictedTarget === undefined)) {
      throw invalidArgument('predictedPlayed and predictedTarget come together or not at all.');
    }
    const weight = Math.min(this.weightMax, targetProbability / loggedProbability);
    requireFinite('weight · reward, squared', (weight * reward) ** 2);
    requireFinite('weight, squared', weight ** 2);
    if (predictedPlayed !== undefined && predictedTarget !== undefined) {
      requireFinite('predictedPlayed', predictedPlayed);
      requireFinite('predictedTarget', predictedTarget);
      this.robust.update(predictedTarget + weight * (reward - predictedPlayed));
    }
    this.weighted.update(weight * reward);
    this.decisions++;
    const s = this.sums;
    s[0]! += weight;
    s[1]! += weight * weight;
    s[2]! += weight * reward;
    s[3]! += weight * weight * reward;
    s[4]! += weight * weight * reward * reward;
  }

  /** As if the other's decisions had come here too. Throws `invalid-argument` where `weightMax` differs. */
  merge(other: OffPolicyEvaluation): void {
    if (other.weightMax !== this.weightMax) throw invalidArgument('weightMax must be the same to merge.');
    this.weighted.merge(other.weighted);
    this.robust.merge(other.robust);
    for (let i = 0; i < 5; i++) this.sums[i]! += other.sums[i]!;
    this.decisions += other.decisions;
  }

  /** (Σ w)² / Σ w², 0 before the first decision. */
  get effectiveSampleSize(): number {
    return this.sums[1]! > 0 ? this.sums[0]! ** 2 / this.sums[1]! : 0;
  }

  /**
   * The values with intervals of the given coverage in (0, 1). Throws `effective-sample-too-small` below
   * `effectiveSampleMin`: an interval from a few heavy decisions would look precise and be wrong.
   */
  estimate(coverage = 0.95): OffPolicyEstimate {
    if (!(coverage > 0 && coverage < 1)) throw invalidArgument('coverage must lie in (0, 1).', { coverage });
    const { decisions, effectiveSampleSize } = this;
    if (!(effectiveSampleSize >= this.effectiveSampleMin)) {
      throw new MillraceError(
        'effective-sample-too-small',
        `The ${decisions} decisions tell as much as ${effectiveSampleSize.toFixed(1)} of the policy's own; ${this.effectiveSampleMin} are needed.`,
        {
          status: 422,
          remedy:
            'Log more decisions, explore more while logging, or ask about a policy nearer to the one that ran.',
          context: { decisions, effectiveSampleSize, effectiveSampleMin: this.effectiveSampleMin },
        },
      );
    }
    const z = normal.quantile(0.5 + coverage / 2);
    const [weights, , weightedSum, squareReward, squareRewardSquare] = this.sums as unknown as number[];
    const ratio = weightedSum! / weights!;
    const squares = squareRewardSquare! - 2 * ratio * squareReward! + ratio * ratio * this.sums[1]!;
    return {
      ips: around(this.weighted.mean, standardError(this.weighted), z),
      snips: around(ratio, Math.sqrt(Math.max(0, squares)) / weights!, z),
      ...(this.robust.count === decisions && {
        doublyRobust: around(this.robust.mean, standardError(this.robust), z),
      }),
      effectiveSampleSize,
      weightMean: weights! / decisions,
      decisions,
    };
  }

  /** The whole state as versioned bytes; `deserialize` goes on from them alike. */
  serialize(): Uint8Array {
    const writer = banditForm.begin('offPolicyEvaluation').f64(this.effectiveSampleMin).f64(this.weightMax);
    writer.varint(this.decisions);
    for (const sum of this.sums) writer.f64(sum);
    for (const moments of [this.weighted, this.robust]) {
      const bytes = moments.serialize();
      writer.varint(bytes.length).bytes(bytes);
    }
    return writer.finish();
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): OffPolicyEvaluation {
    return banditForm.read(bytes, 'offPolicyEvaluation', reader => {
      const [effectiveSampleMin, weightMax] = [readNumber(reader), readNumber(reader)];
      const result = new OffPolicyEvaluation({ effectiveSampleMin, weightMax });
      result.decisions = readCount(reader);
      for (let i = 0; i < 5; i++) result.sums[i] = readNumber(reader, i === 2 || i === 3 ? undefined : 0);
      const [weighted, robust] = [reader.bytes(reader.varint()), reader.bytes(reader.varint())];
      try {
        result.weighted = Moments.deserialize(weighted);
        result.robust = Moments.deserialize(robust);
      } catch {
        throw corruptBandit('their moments cannot be read.');
      }
      if (result.weighted.count !== result.decisions || result.robust.count > result.decisions) {
        throw corruptBandit('their counts disagree.');
      }
      return result;
    });
  }
}

function standardError(moments: Moments): number {
  return Math.sqrt(moments.variance / moments.count);
}

function around(value: number, error: number, z: number): ValueEstimate {
  return { value, low: value - z * error, high: value + z * error };
}
