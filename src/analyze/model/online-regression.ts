// Linear, logistic and Poisson regression learned one example at a time: a generalised linear model with its canonical
// link, whose gradient is (mean − target) · features (McCullagh & Nelder 1989), moved by SGD, AdaGrad or FTRL.
import { invalidArgument } from '../stats/argument.ts';
import {
  readCount,
  readNumber,
  readNumbers,
  requireRoom,
  writeNumbers,
} from '../stats/moment/serialized-form.ts';
import {
  cellsMax,
  corruptModel,
  modelForm,
  requireCount,
  requireSize,
  requireVector,
  sizeMax,
} from './model-bytes.ts';
import {
  bounded,
  type OptimizerOptions,
  type OptimizerSettings,
  optimizerSettings,
  step,
} from './optimizer.ts';

const families = ['linear', 'logistic', 'poisson'] as const;
const optimizers = ['sgd', 'adagrad', 'ftrl'] as const;

/** What is predicted: a mean (any target), a probability (target in [0, 1]), or a rate (target ≥ 0). */
export type RegressionFamily = (typeof families)[number];

export interface OnlineRegressionOptions {
  family: RegressionFamily;
  /** How many features an example has, 1 to 1,000,000. An intercept is added, and never penalised. */
  dimension: number;
  /** AdaGrad with rate 0.1 by default: the least in need of tuning. */
  optimizer?: OptimizerOptions;
}

/**
 * Keeps three numbers a feature. `predict` and `update` cost O(dimension), zeros nearly nothing. Features should be of
 * size about 1: scale them first. There is no `merge`: averaged weights are not what one learner would have learned;
 * use InformationRegression where parts must add up exactly.
 */
export class OnlineRegression {
  readonly family: RegressionFamily;
  readonly dimension: number;
  private readonly settings: OptimizerSettings;
  // The intercept is last.
  private readonly theta: Float64Array;
  private readonly first: Float64Array;
  private readonly second: Float64Array;
  private updates = 0;

  /** Throws `invalid-argument` for an option outside its range. */
  constructor({ family, dimension, optimizer = { kind: 'adagrad' } }: OnlineRegressionOptions) {
    if (!families.includes(family))
      throw invalidArgument('family must be linear, logistic or poisson.', { family });
    requireCount('dimension', dimension, 1, 1_000_000);
    this.family = family;
    this.dimension = dimension;
    this.settings = optimizerSettings(optimizer);
    this.theta = new Float64Array(dimension + 1);
    this.first = new Float64Array(dimension + 1);
    this.second = new Float64Array(dimension + 1);
  }

  /** One weight a feature, a copy. */
  get weights(): Float64Array {
    return this.theta.slice(0, this.dimension);
  }

  /** What is predicted, on the scale of the link, where all features are 0. */
  get intercept(): number {
    return this.theta[this.dimension]!;
  }

  /** Examples learned. */
  get count(): number {
    return this.updates;
  }

  /** The mean, probability or rate for these features. Throws `invalid-argument` for a wrong length or a number beyond 1e100. */
  predict(features: ArrayLike<number>): number {
    requireVector('features', features, this.dimension);
    return this.mean(features);
  }

  /**
   * Learns one example. `weight` in [0, 1e100] counts it so many times (1 by default). Throws `invalid-argument` for
   * features, a target outside the family's range or a weight; the model is then unchanged. Gradients and weights are
   * cut at ±1e100, so that SGD with too large a rate for its features diverges to large numbers, not to NaN.
   */
  update(features: ArrayLike<number>, target: number, weight = 1): void {
    requireVector('features', features, this.dimension);
    requireSize('target', target);
    if (this.family === 'logistic' && !(target >= 0 && target <= 1)) {
      throw invalidArgument('target must lie in [0, 1] for logistic regression.', { target });
    }
    if (this.family === 'poisson' && !(target >= 0)) {
      throw invalidArgument('target must be at least 0 for Poisson regression.', { target });
    }
    if (!(weight >= 0 && weight <= 1e100))
      throw invalidArgument('weight must be from 0 to 1e100.', { weight });
    const residual = bounded(weight * bounded(this.mean(features) - target));
    const { theta, first, second, settings, updates, dimension } = this;
    for (let i = 0; i < dimension; i++) {
      step(settings, theta, first, second, i, bounded(residual * features[i]!), updates);
    }
    // The intercept carries no penalty.
    step({ ...settings, l1: 0, l2: 0 }, theta, first, second, dimension, residual, updates);
    this.updates++;
  }

  private mean(features: ArrayLike<number>): number {
    let score = this.theta[this.dimension]!;
    for (let i = 0; i < this.dimension; i++) score += this.theta[i]! * features[i]!;
    if (this.family === 'linear') return score;
    if (this.family === 'logistic')
      return score >= 0 ? 1 / (1 + Math.exp(-score)) : 1 - 1 / (1 + Math.exp(score));
    // Beyond e³⁰ one bad step would never be unlearned.
    return Math.exp(Math.min(30, score));
  }

  /** The whole state as versioned bytes; `deserialize` goes on from them alike. */
  serialize(): Uint8Array {
    const { rate, decay, smoothing, l1, l2 } = this.settings;
    const writer = modelForm.begin('onlineRegression').u8(families.indexOf(this.family));
    writer.u8(optimizers.indexOf(this.settings.kind));
    writeNumbers(writer, [rate, decay, smoothing, l1, l2]).varint(this.updates).varint(this.dimension);
    for (const column of [this.theta, this.first, this.second]) writeNumbers(writer, column);
    return writer.finish();
  }

  /** Throws `corrupt-model`. */
  static deserialize(bytes: Uint8Array): OnlineRegression {
    return modelForm.read(bytes, 'onlineRegression', reader => {
      const [family, kind] = [families[reader.u8()], optimizers[reader.u8()]];
      if (family === undefined || kind === undefined) throw corruptModel('their family is not known.');
      const [rate, decay, smoothing, l1, l2] = readNumbers(reader, 5) as unknown as number[];
      const [updates, dimension] = [readCount(reader), readCount(reader, cellsMax)];
      requireRoom(reader, dimension + 1, 24);
      const optimizer = { kind, rate, decay, smoothing, l1, l2 } as OptimizerOptions;
      const model = new OnlineRegression({ family, dimension, optimizer });
      model.updates = updates;
      for (let i = 0; i <= dimension; i++) model.theta[i] = readNumber(reader, -sizeMax, sizeMax);
      for (let i = 0; i <= dimension; i++) model.first[i] = readNumber(reader);
      for (let i = 0; i <= dimension; i++) model.second[i] = readNumber(reader, 0);
      return model;
    });
  }
}
