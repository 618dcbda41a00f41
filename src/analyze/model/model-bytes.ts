// What the models have in common: the family of their serialised forms, the checks of what they are given, the errors.
import { MillraceError } from '../../core/errors.ts';
import { invalidArgument } from '../stats/argument.ts';
import { MarkedForm } from '../stats/moment/marked-form.ts';

/** The largest number of cells (numbers) one model may hold: 32 MB. */
export const cellsMax = 4_194_304;

/** The largest size of a feature, a target or a weight: squares of it, and sums of them, stay finite. */
export const sizeMax = 1e100;

/** The error for bytes that are no model of this kind. */
export function corruptModel(detail: string, context: Record<string, unknown> = {}): MillraceError {
  return new MillraceError('corrupt-model', `These bytes are no model: ${detail}`, {
    status: 400,
    remedy: 'Pass the bytes as `serialize` wrote them.',
    context,
  });
}

/** The forms of all models: `corrupt-model` for bytes that are none. */
export const modelForm = new MarkedForm(
  0x6d,
  {
    onlineRegression: 1,
    recursiveLeastSquares: 2,
    informationRegression: 3,
    kalmanFilter: 4,
    gaussianNaiveBayes: 5,
    countNaiveBayes: 6,
    streamingKMeans: 7,
    streamingPca: 8,
    progressiveValidation: 9,
  },
  corruptModel,
);

/** The error for merging models of different shape or options: `incompatible-models`. */
export function incompatibleModels(message: string): MillraceError {
  return new MillraceError('incompatible-models', message, {
    status: 400,
    remedy: 'Build both models with the same options.',
  });
}

/** Throws `invalid-argument` unless `value` is a number of at most 1e100 in size. */
export function requireSize(name: string, value: number): void {
  if (!(Math.abs(value) <= sizeMax)) {
    throw invalidArgument(`${name} must be a finite number up to 1e100 in size.`, { [name]: value });
  }
}

/** Throws `invalid-argument` unless `values` are `length` numbers of at most 1e100 in size. */
export function requireVector(name: string, values: ArrayLike<number>, length: number): void {
  if (values.length !== length) {
    throw invalidArgument(`${name} must hold ${length} numbers.`, { length: values.length });
  }
  for (let i = 0; i < length; i++) {
    if (!(Math.abs(values[i]!) <= sizeMax)) {
      throw invalidArgument(`${name} must hold finite numbers up to 1e100 in size.`, {
        at: i,
        value: values[i],
      });
    }
  }
}

/** Throws `invalid-argument` unless `value` is a whole number in [low, high]. */
export function requireCount(name: string, value: number, low: number, high: number): void {
  if (!Number.isSafeInteger(value) || value < low || value > high) {
    throw invalidArgument(`${name} must be a whole number from ${low} to ${high}.`, { [name]: value });
  }
}
