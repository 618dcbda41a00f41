// Bandits that see a context: one ridge regression an arm on the same context vector ("disjoint" models), kept as a
// triangular factor, so that contexts of any size leave it sound. LinUCB takes the largest upper bound (Li, Chu, Langford
// & Schapire 2010), linear Thompson sampling the largest sample from the posterior (Agrawal & Goyal 2013).
import type { Rng } from '../../core/rng.ts';
import { invalidArgument, requireWhole } from '../stats/argument.ts';
import { readCount, readNumber } from '../stats/moment/serialized-form.ts';
import { TriangularFactor } from '../stats/moment/triangular-factor.ts';
import { type BanditKind, banditForm, corruptBandit, incompatibleBandits } from './bandit-bytes.ts';
import { bestProbabilities, normalSpread } from './best-probability.ts';
import { type ArmChoice, choiceOf, largestProbabilities, pickLargest } from './policy.ts';

export interface ContextualOptions {
  /**
   * LinUCB: α, the width of the bound in deviations. Linear Thompson: v, the scale of the posterior. From 1e-50 to
   * 1e50; 1 by default, right where rewards scatter by about 1 around what the context explains.
   */
  exploration?: number;
  /** The ridge λ, 1e-50 to 1e50, 1 by default: the precision of the prior of every coefficient. */
  ridge?: number;
}

/** All factors of a policy together hold at most this many numbers (32 MB). */
const cellsMax = 4_194_304;

/**
 * A policy over `arms` arms that sees a context of `dimension` numbers up to 1e100 before each choice. Include a constant
 * 1 in the context for an intercept. Rewards up to 1e100; they may come late and in any order: keep the context with the
 * decision. Memory: arms · (dimension + 1)² numbers, at most 32 MB. A choice costs O(arms · dimension²), an update
 * O(dimension²). Errors as for `Policy`.
 */
export abstract class ContextualPolicy {
  readonly arms: number;
  readonly dimension: number;
  readonly exploration: number;
  readonly ridge: number;
  /** Of each arm, of [context | reward]: √λ on the diagonal and every update since. */
  private readonly factors: TriangularFactor[];
  private readonly row: Float64Array;
  protected abstract readonly kind: BanditKind;

  /** Throws `invalid-argument` for sizes or options outside their range. */
  constructor(arms: number, dimension: number, { exploration = 1, ridge = 1 }: ContextualOptions = {}) {
    requireWhole('arms', arms, 1);
    requireWhole('dimension', dimension, 1);
    for (const [name, value] of Object.entries({ exploration, ridge })) {
      if (!(value >= 1e-50 && value <= 1e50)) {
        throw invalidArgument(`${name} must be from 1e-50 to 1e50.`, { [name]: value });
      }
    }
    if (arms * (dimension + 1) ** 2 > cellsMax) {
      throw invalidArgument(`arms · (dimension + 1)² must be at most ${cellsMax}.`, { arms, dimension });
    }
    this.arms = arms;
    this.dimension = dimension;
    this.exploration = exploration;
    this.ridge = ridge;
    this.row = new Float64Array(dimension + 1);
    this.factors = Array.from({ length: arms }, () => {
      const factor = new TriangularFactor(dimension + 1);
      for (let i = 0; i < dimension; i++) factor.rotateInUnit(i, Math.sqrt(ridge));
      return factor;
    });
  }

  /** The arm for this context, without its probability. */
  abstract pick(context: ArrayLike<number>, rng: Rng): number;

  /** The probability of each arm for this context. */
  abstract probabilities(context: ArrayLike<number>): Float64Array;

  /** The arm for this context and its probability. Cost: `pick` and `probabilities`. */
  choose(context: ArrayLike<number>, rng: Rng): ArmChoice {
    return choiceOf(this.pick(context, rng), this.probabilities(context));
  }

  /** The arm's predicted reward for this context, and xᵀA⁻¹x under the root: its deviation in units of the noise. */
  predict(arm: number, context: ArrayLike<number>): { mean: number; deviation: number } {
    this.checkArm(arm);
    this.checkContext(context);
    return this.factors[arm]!.predict(context);
  }

  /** The arm's coefficients: ridge regression of its rewards on its contexts. */
  coefficients(arm: number): Float64Array {
    this.checkArm(arm);
    return this.factors[arm]!.coefficients();
  }

  /** Learns a reward of an arm in a context, both up to 1e100. Unchanged where it throws `invalid-argument`. */
  update(arm: number, context: ArrayLike<number>, reward: number): void {
    this.checkArm(arm);
    this.checkContext(context);
    if (!(Math.abs(reward) <= 1e100))
      throw invalidArgument('reward must be a number up to 1e100.', { reward });
    this.row.set(context);
    this.row[this.dimension] = reward;
    this.factors[arm]!.rotateIn(this.row);
  }

  /**
   * As if the other's updates had come here too; `other` is unchanged. O(arms · dimension³). Throws
   * `incompatible-bandits` unless kind, sizes and options are the same.
   */
  merge(other: this): void {
    const { kind, arms, dimension, exploration, ridge } = this;
    if (
      other.kind !== kind ||
      other.arms !== arms ||
      other.dimension !== dimension ||
      other.exploration !== exploration ||
      other.ridge !== ridge
    ) {
      throw incompatibleBandits('Kind, arms, dimension, exploration or ridge differ.');
    }
    this.factors.forEach((factor, arm) => {
      factor.merge(other.factors[arm]!);
      // Both brought the ridge along; it counts once.
      for (let i = 0; i < dimension; i++) factor.rotateOutUnit(i, Math.sqrt(ridge));
    });
  }

  /** The whole state as versioned bytes; `deserialize` goes on from them alike. */
  serialize(): Uint8Array {
    const writer = banditForm.begin(this.kind, 2).varint(this.arms).varint(this.dimension);
    writer.f64(this.exploration).f64(this.ridge);
    for (const factor of this.factors) factor.write(writer);
    return writer.finish();
  }

  protected static read<Kind extends ContextualPolicy>(
    bytes: Uint8Array,
    kind: BanditKind,
    create: (arms: number, dimension: number, options: ContextualOptions) => Kind,
  ): Kind {
    return banditForm.read(
      bytes,
      kind,
      reader => {
        const [arms, dimension] = [readCount(reader), readCount(reader)];
        const [exploration, ridge] = [readNumber(reader), readNumber(reader)];
        if (arms * (dimension + 1) * (dimension + 2) * 4 !== reader.remaining) {
          throw corruptBandit('their length is wrong.');
        }
        const policy = create(arms, dimension, { exploration, ridge });
        // A little slack for what merging rounds.
        const pivotMin = 0.999 * Math.sqrt(ridge);
        for (let arm = 0; arm < arms; arm++) {
          policy.factors[arm] = TriangularFactor.read(reader, dimension + 1, pivotMin);
        }
        return policy;
      },
      2,
    );
  }

  private checkArm(arm: number): void {
    if (!Number.isInteger(arm) || arm < 0 || arm >= this.arms) {
      throw invalidArgument(`arm must be a whole number from 0 to ${this.arms - 1}.`, { arm });
    }
  }

  private checkContext(context: ArrayLike<number>): void {
    if (context.length !== this.dimension) {
      throw invalidArgument(`context must hold ${this.dimension} numbers.`, { length: context.length });
    }
    for (let i = 0; i < context.length; i++) {
      // Squares must stay finite, or one context would ruin the state.
      if (!(Math.abs(context[i]!) <= 1e100)) {
        throw invalidArgument('a context holds finite numbers up to 1e100.', { at: i, value: context[i] });
      }
    }
  }
}

/** Plays the arm with the largest predicted reward + α · deviation. */
export class LinUcb extends ContextualPolicy {
  protected readonly kind = 'linUcb';

  private indices(context: ArrayLike<number>): Float64Array {
    const result = new Float64Array(this.arms);
    for (let arm = 0; arm < this.arms; arm++) {
      const { mean, deviation } = this.predict(arm, context);
      result[arm] = mean + this.exploration * deviation;
    }
    return result;
  }

  pick(context: ArrayLike<number>, rng: Rng): number {
    return pickLargest(this.indices(context), rng);
  }

  probabilities(context: ArrayLike<number>): Float64Array {
    return largestProbabilities(this.indices(context));
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): LinUcb {
    return ContextualPolicy.read(bytes, 'linUcb', (...given) => new LinUcb(...given));
  }
}

/**
 * Samples each arm's predicted reward from its posterior N(mean, (v · deviation)²), the same as sampling coefficients,
 * and plays the largest. Probabilities are within 0.002.
 */
export class LinearThompson extends ContextualPolicy {
  protected readonly kind = 'linearThompson';

  pick(context: ArrayLike<number>, rng: Rng): number {
    const samples = new Float64Array(this.arms);
    for (let arm = 0; arm < this.arms; arm++) {
      const { mean, deviation } = this.predict(arm, context);
      samples[arm] = mean + this.exploration * deviation * rng.gaussian();
    }
    return pickLargest(samples, rng);
  }

  probabilities(context: ArrayLike<number>): Float64Array {
    const spreads = Array.from({ length: this.arms }, (_, arm) => this.predict(arm, context));
    // A context of zeros, about which nothing is uncertain: every sample is its mean.
    if (spreads.every(spread => spread.deviation === 0)) {
      return largestProbabilities(spreads.map(spread => spread.mean));
    }
    return bestProbabilities(
      spreads.map(({ mean, deviation }) => normalSpread(mean, this.exploration * deviation)),
    );
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): LinearThompson {
    return ContextualPolicy.read(bytes, 'linearThompson', (...given) => new LinearThompson(...given));
  }
}
