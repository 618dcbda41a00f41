// Bandits that see a context: one ridge regression an arm on the same context vector ("disjoint" models). LinUCB takes
// the largest upper bound (Li, Chu, Langford & Schapire 2010), linear Thompson sampling the largest sample from the
// posterior (Agrawal & Goyal 2013).
import type { ByteReader } from '../../core/bytes.ts';
import type { Rng } from '../../core/rng.ts';
import { invalidArgument, requireFinite, requirePositive, requireWhole } from '../stats/argument.ts';
import {
  type BanditKind,
  beginBandit,
  corruptBandit,
  readBandit,
  readNumber,
  readNumbers,
  writeNumbers,
} from './bandit-bytes.ts';
import { bestProbabilities, normalSpread } from './best-probability.ts';
import { type ArmChoice, largestProbabilities, pickLargest } from './policy.ts';

export interface ContextualOptions {
  /** LinUCB: α, the width of the bound in deviations. Linear Thompson: v, the scale of the posterior. > 0; 1 by default. */
  exploration?: number;
  /** The ridge λ > 0, 1 by default: the precision of the prior of every coefficient. */
  ridge?: number;
}

/** All matrices of a policy together hold at most this many numbers (32 MB). */
const cellsMax = 4_194_304;

/**
 * A policy over `arms` arms that sees a context of `dimension` finite numbers before each choice. Include a constant 1
 * in the context for an intercept. Memory: arms · (dimension² + dimension) numbers, at most 32 MB. A choice costs
 * O(arms · dimension²), an update O(dimension²) (Sherman & Morrison). Errors as for `Policy`.
 */
export abstract class ContextualPolicy {
  readonly arms: number;
  readonly dimension: number;
  readonly exploration: number;
  readonly ridge: number;
  // Of each arm: the inverse of λI + Σ x xᵀ, row by row; Σ reward · x.
  protected readonly inverses: Float64Array[];
  protected readonly responses: Float64Array[];
  protected abstract readonly kind: BanditKind;

  /** Throws `invalid-argument` for sizes or options outside their range. */
  constructor(arms: number, dimension: number, { exploration = 1, ridge = 1 }: ContextualOptions = {}) {
    requireWhole('arms', arms, 1);
    requireWhole('dimension', dimension, 1);
    requirePositive('exploration', exploration);
    requirePositive('ridge', ridge);
    if (arms * dimension * (dimension + 1) > cellsMax) {
      throw invalidArgument(`arms · dimension · (dimension + 1) must be at most ${cellsMax}.`, {
        arms,
        dimension,
      });
    }
    this.arms = arms;
    this.dimension = dimension;
    this.exploration = exploration;
    this.ridge = ridge;
    this.inverses = Array.from({ length: arms }, () => {
      const inverse = new Float64Array(dimension * dimension);
      for (let i = 0; i < dimension; i++) inverse[i * dimension + i] = 1 / ridge;
      return inverse;
    });
    this.responses = Array.from({ length: arms }, () => new Float64Array(dimension));
  }

  /** The arm for this context, without its probability. */
  abstract pick(context: ArrayLike<number>, rng: Rng): number;

  /** The probability of each arm for this context. */
  abstract probabilities(context: ArrayLike<number>): Float64Array;

  choose(context: ArrayLike<number>, rng: Rng): ArmChoice {
    const arm = this.pick(context, rng);
    return { arm, probability: this.probabilities(context)[arm]! };
  }

  /** The arm's predicted reward for this context, and xᵀA⁻¹x under the root: its deviation in units of the noise. */
  predict(arm: number, context: ArrayLike<number>): { mean: number; deviation: number } {
    this.checkArm(arm);
    this.checkContext(context);
    const { dimension } = this;
    const product = this.multiply(arm, context);
    let mean = 0;
    let variance = 0;
    for (let i = 0; i < dimension; i++) {
      mean += product[i]! * this.responses[arm]![i]!;
      variance += product[i]! * context[i]!;
    }
    return { mean, deviation: Math.sqrt(Math.max(0, variance)) };
  }

  /** The arm's coefficients: ridge regression of its rewards on its contexts. */
  coefficients(arm: number): Float64Array {
    this.checkArm(arm);
    return this.multiply(arm, this.responses[arm]!);
  }

  /** Learns a finite reward of an arm in a context. Unchanged where it throws `invalid-argument`. */
  update(arm: number, context: ArrayLike<number>, reward: number): void {
    this.checkArm(arm);
    this.checkContext(context);
    requireFinite('reward', reward);
    const { dimension } = this;
    const product = this.multiply(arm, context);
    let divisor = 1;
    for (let i = 0; i < dimension; i++) divisor += product[i]! * context[i]!;
    const inverse = this.inverses[arm]!;
    for (let i = 0; i < dimension; i++) {
      for (let j = 0; j < dimension; j++)
        inverse[i * dimension + j]! -= (product[i]! * product[j]!) / divisor;
      this.responses[arm]![i]! += reward * context[i]!;
    }
  }

  serialize(): Uint8Array {
    const writer = beginBandit(this.kind).varint(this.arms).varint(this.dimension);
    writer.f64(this.exploration).f64(this.ridge);
    for (let arm = 0; arm < this.arms; arm++) {
      writeNumbers(writeNumbers(writer, this.inverses[arm]!), this.responses[arm]!);
    }
    return writer.finish();
  }

  protected restore(reader: ByteReader): void {
    const { dimension } = this;
    for (let arm = 0; arm < this.arms; arm++) {
      const inverse = readNumbers(reader, dimension * dimension);
      for (let i = 0; i < dimension; i++) {
        if (!(inverse[i * dimension + i]! > 0)) throw corruptBandit('a variance is not above 0');
      }
      this.inverses[arm]!.set(inverse);
      this.responses[arm]!.set(readNumbers(reader, dimension));
    }
  }

  private multiply(arm: number, vector: ArrayLike<number>): Float64Array {
    const { dimension } = this;
    const inverse = this.inverses[arm]!;
    const result = new Float64Array(dimension);
    for (let i = 0; i < dimension; i++) {
      let sum = 0;
      for (let j = 0; j < dimension; j++) sum += inverse[i * dimension + j]! * vector[j]!;
      result[i] = sum;
    }
    return result;
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
    return Float64Array.from({ length: this.arms }, (_, arm) => {
      const { mean, deviation } = this.predict(arm, context);
      return mean + this.exploration * deviation;
    });
  }

  pick(context: ArrayLike<number>, rng: Rng): number {
    return pickLargest(this.indices(context), rng);
  }

  probabilities(context: ArrayLike<number>): Float64Array {
    return largestProbabilities(this.indices(context));
  }

  /** Throws `corrupt-bandit`. */
  static deserialize(bytes: Uint8Array): LinUcb {
    return readContextual(bytes, 'linUcb', (...given) => new LinUcb(...given));
  }
}

/**
 * Samples each arm's predicted reward from its posterior N(mean, (v · deviation)²), the same as sampling coefficients,
 * and plays the largest. Probabilities are within 0.002.
 */
export class LinearThompson extends ContextualPolicy {
  protected readonly kind = 'linearThompson';

  pick(context: ArrayLike<number>, rng: Rng): number {
    const samples = Float64Array.from({ length: this.arms }, (_, arm) => {
      const { mean, deviation } = this.predict(arm, context);
      return mean + this.exploration * deviation * rng.gaussian();
    });
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
    return readContextual(bytes, 'linearThompson', (...given) => new LinearThompson(...given));
  }
}

function readContextual<Kind extends ContextualPolicy>(
  bytes: Uint8Array,
  kind: BanditKind,
  create: (arms: number, dimension: number, options: ContextualOptions) => Kind,
): Kind {
  return readBandit(bytes, kind, reader => {
    const [arms, dimension] = [reader.varint(), reader.varint()];
    const [exploration, ridge] = [readNumber(reader), readNumber(reader)];
    if (arms * dimension * (dimension + 1) * 8 !== reader.remaining)
      throw corruptBandit('their length is wrong');
    const policy = create(arms, dimension, { exploration, ridge });
    policy['restore'](reader);
    return policy;
  });
}
