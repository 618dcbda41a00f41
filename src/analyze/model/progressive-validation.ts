// Progressive (prequential) validation: every example is predicted before it is learned, so that each error is one on
// unseen data and none is set aside (Blum, Kalai & Langford 1999; with fading, Gama, Sebastião & Rodrigues 2013).
import { invalidArgument } from '../stats/argument.ts';
import { readNumber, readNumbers, writeNumbers } from '../stats/moment/serialized-form.ts';
import { incompatibleModels, modelForm, requireSize } from './model-bytes.ts';

/** What can be validated: OnlineRegression, RecursiveLeastSquares, or anything of this form. */
export interface OnlineLearner {
  predict(features: ArrayLike<number>): number;
  update(features: ArrayLike<number>, target: number): unknown;
}

export interface ProgressiveErrors {
  /** Means over the examples: absolute error and root of the squared error, in the unit of the target. */
  meanAbsoluteError: number;
  rootMeanSquaredError: number;
  /** −ln of the probability given to what came, in nats; NaN unless all predictions and targets lie in [0, 1]. */
  logLoss: number;
  /** The share of |prediction − target| < 0.5: of right answers, for classes 0 and 1. */
  accuracy: number;
  /** Weight of the examples: their number, faded where fading is set. */
  weight: number;
}

/** O(1) memory and time. Mergeable without fading. */
export class ProgressiveValidation {
  readonly fading: number;
  // weight, Σ |e|, Σ e², Σ log loss, Σ right, examples outside [0, 1].
  private readonly sums = new Float64Array(6);

  /** `fading` in (0, 1]: each example weakens the earlier ones by it; 1 (the default) forgets nothing. */
  constructor(fading = 1) {
    if (!(fading > 0 && fading <= 1)) throw invalidArgument('fading must lie in (0, 1].', { fading });
    this.fading = fading;
  }

  /** Takes in a prediction that was made before its target was known. Throws `invalid-argument` beyond ±1e100. */
  update(prediction: number, target: number): void {
    requireSize('prediction', prediction);
    requireSize('target', target);
    const error = Math.abs(prediction - target);
    const isProbability = prediction >= 0 && prediction <= 1 && target >= 0 && target <= 1;
    // As usual, probabilities of exactly 0 and 1 are kept off by 1e-15.
    const p = Math.min(1 - 1e-15, Math.max(1e-15, prediction));
    const logLoss = isProbability ? -target * Math.log(p) - (1 - target) * Math.log1p(-p) : 0;
    const terms = [1, error, error * error, logLoss, error < 0.5 ? 1 : 0, isProbability ? 0 : 1];
    for (let i = 0; i < 6; i++) this.sums[i] = this.sums[i]! * this.fading + terms[i]!;
  }

  /**
   * Predicts, notes the error, then learns. Returns the prediction. Where prediction or target cannot be, it throws
   * `invalid-argument` (the model its own errors), and neither has taken in anything.
   */
  learn(model: OnlineLearner, features: ArrayLike<number>, target: number): number {
    const prediction = model.predict(features);
    requireSize('prediction', prediction);
    requireSize('target', target);
    model.update(features, target);
    this.update(prediction, target);
    return prediction;
  }

  /** NaN everywhere before the first example. */
  get errors(): ProgressiveErrors {
    const [weight, absolute, squared, logLoss, right, outside] = this.sums as unknown as number[];
    return {
      meanAbsoluteError: absolute! / weight!,
      rootMeanSquaredError: Math.sqrt(squared! / weight!),
      logLoss: outside! > 0 ? Number.NaN : logLoss! / weight!,
      accuracy: right! / weight!,
      weight: weight!,
    };
  }

  /** As if the other's examples had come here too. Throws `incompatible-models` with fading: order is then lost. */
  merge(other: ProgressiveValidation): void {
    if (this.fading !== 1 || other.fading !== 1) throw incompatibleModels('Faded errors cannot be merged.');
    for (let i = 0; i < 6; i++) this.sums[i]! += other.sums[i]!;
  }

  /** The whole state as versioned bytes; `deserialize` goes on from them alike. */
  serialize(): Uint8Array {
    return writeNumbers(modelForm.begin('progressiveValidation').f64(this.fading), this.sums).finish();
  }

  /** Throws `corrupt-model`. */
  static deserialize(bytes: Uint8Array): ProgressiveValidation {
    return modelForm.read(bytes, 'progressiveValidation', reader => {
      const result = new ProgressiveValidation(readNumber(reader));
      result.sums.set(readNumbers(reader, 6, 0));
      return result;
    });
  }
}
