// The contract of every forecasting model: fitted once to a history, then carried on value by value.
import { MillraceError } from '../../core/errors.ts';
import { isGap } from '../anomaly/detector.ts';
import { twoSidedQuantile } from '../anomaly/normal.ts';
import { beginState, readState, type StateReader, writeNumbers } from '../anomaly/state-bytes.ts';

/**
 * The next values, the nearest first. `low` and `high` bound each of them with the stated probability by
 * itself.
 */
export interface Forecast {
  mean: Float64Array;
  low: Float64Array;
  high: Float64Array;
}

/**
 * A fitted model of an evenly spaced series.
 *
 * It is made by its class's static `fit(values, options)`, which reads the whole history once and throws
 * `too-short`, `needs-positive` or `not-finite` where the history does not suit the model. Afterwards the
 * caller calls `update` once for each new value, in order; parameters stay as they were fitted, states move
 * on, at a cost that does not depend on how long the history is. `forecast` changes nothing. A model that has
 * been fitted to the first part of a series and updated with the rest forecasts from the end of the whole.
 *
 * `serialize` returns a small versioned form; `deserializeForecaster` turns it back into a model that goes on
 * alike. Whatever the bytes are, it answers a model or throws `corrupt-forecaster`. Models do not merge: what they
 * have learned depends on the order of the values.
 */
export interface Forecaster {
  /** Learns the next value of the series. A value that is not finite, or beyond ±1e140, is taken as the forecast: a gap. */
  update(value: number): void;
  /** The next `horizon` values, 1 … 10,000, with intervals of a coverage in (0, 1). Throws `bad-option`. */
  forecast(horizon: number, coverage?: number): Forecast;
  serialize(): Uint8Array;
}

/** One byte that names the model in its serialised form. Numbers are never used twice. */
export const forecasterKind = {
  exponentialSmoothing: 1,
  theta: 2,
  seasonalNaive: 3,
  harmonic: 4,
  autoregression: 5,
} as const;

/** The serialised form of every model: kind, version, columns of numbers. */
export function writeColumns(kind: number, columns: readonly ArrayLike<number>[]): Uint8Array {
  const numbers = columns.reduce((total, column) => total + column.length + 1, 0);
  const writer = beginState(kind, numbers).varint(columns.length);
  for (const column of columns) writeNumbers(writer, column);
  return writer.finish();
}

/** A series has at most this many positions in a season, and a model this many numbers in a column. */
const columnMax = 2 ** 24;

/**
 * Runs `read` on the columns, of which there are `count`, and throws `corrupt-forecaster` for bytes that no model wrote. Numbers are
 * checked for NaN; ranges are the caller's.
 */
export function readColumns<Result>(
  bytes: Uint8Array,
  kind: number,
  count: number,
  read: (columns: number[][], reader: StateReader) => Result,
): Result {
  return readState('forecaster', bytes, kind, reader => {
    reader.check(reader.varint(count) === count, 'a column is missing');
    const columns = Array.from({ length: count }, () =>
      reader.numbers(columnMax, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
    );
    return read(columns, reader);
  });
}

/** Throws unless there are at least `needed` values, all finite and at most 1e140 in size, and all above 0 where `positive` says so. */
export function checkHistory(
  values: ArrayLike<number>,
  needed: number,
  model: string,
  positive = false,
): void {
  if (values.length < needed) {
    throw new MillraceError('too-short', `${model} needs ${needed} values; there are ${values.length}.`, {
      status: 400,
      context: { needed, length: values.length },
    });
  }
  for (let i = 0; i < values.length; i++) {
    if (isGap(values[i]!)) {
      throw new MillraceError('not-finite', `Value ${i} is ${values[i]}.`, {
        status: 400,
        remedy: 'Fill gaps before fitting; values must be finite and at most 1e140 in size.',
      });
    }
    if (positive && values[i]! <= 0) {
      throw new MillraceError(
        'needs-positive',
        `${model} needs values above 0; value ${i} is ${values[i]}.`,
        {
          status: 400,
        },
      );
    }
  }
}

/** Throws `bad-option` unless `value` is a whole number from `low` to `high`. */
export function checkWhole(name: string, value: number, low: number, high = columnMax): number {
  if (!(Number.isInteger(value) && value >= low && value <= high)) {
    throw new MillraceError(
      'bad-option',
      `${name} is ${value}; it must be a whole number from ${low} to ${high}.`,
      { status: 400, context: { name, value, low, high } },
    );
  }
  return value;
}

/** Steps ahead that a model forecasts at most: some of them take time in proportion to their square. */
const horizonMax = 10_000;

/** Throws `bad-option` unless `horizon` is a whole number from 1 to 10,000. */
export const checkHorizon = (horizon: number): number => checkWhole('horizon', horizon, 1, horizonMax);

/** Means with normal intervals from the variances of the forecast errors, both one a step. */
export function normalForecast(mean: Float64Array, variance: Float64Array, coverage: number): Forecast {
  if (!(coverage > 0 && coverage < 1)) {
    throw new MillraceError('bad-option', `coverage is ${coverage}; it must lie between 0 and 1.`, {
      status: 400,
    });
  }
  const z = twoSidedQuantile(1 - coverage);
  return {
    mean,
    low: mean.map((centre, i) => centre - z * Math.sqrt(variance[i]!)),
    high: mean.map((centre, i) => centre + z * Math.sqrt(variance[i]!)),
  };
}

/**
 * How much the variance of a forecast grows because `parameters` were estimated from `observations` (Akaike's
 * final prediction error, 1970).
 */
export function estimationFactor(parameters: number, observations: number): number {
  return 1 + parameters / Math.max(parameters, observations);
}

/**
 * Akaike's criterion with the small-sample correction, from −2 · log-likelihood up to a constant; lower is
 * better.
 */
export function aicc(minusTwoLogLikelihood: number, parameters: number, observations: number): number {
  const room = observations - parameters - 1;
  if (room <= 0) return Number.POSITIVE_INFINITY;
  return minusTwoLogLikelihood + 2 * parameters + (2 * parameters * (parameters + 1)) / room;
}
