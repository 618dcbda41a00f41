// The contract of every forecasting model: fitted once to a history, then carried on value by value.
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { MillraceError } from '../../core/errors.ts';
import { twoSidedQuantile } from '../anomaly/normal.ts';

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
 * alike.
 */
export interface Forecaster {
  /** Learns the next value of the series. A value that is not finite is taken as the forecast: a gap. */
  update(value: number): void;
  /** The next `horizon` ≥ 1 values, with intervals of a coverage in (0, 1). */
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

const version = 1;

/** The serialised form of every model: kind, version, columns of numbers. */
export function encodeColumns(kind: number, columns: readonly ArrayLike<number>[]): Uint8Array {
  const numbers = columns.reduce((total, column) => total + column.length, 0);
  const writer = new ByteWriter(16 + 9 * columns.length + 8 * numbers)
    .u8(kind)
    .u8(version)
    .varint(columns.length);
  for (const column of columns) {
    writer.varint(column.length);
    for (let i = 0; i < column.length; i++) writer.f64(column[i]!);
  }
  return writer.finish();
}

/** The columns back. Throws `bad-forecaster-bytes` and `truncated-bytes`. */
export function decodeColumns(bytes: Uint8Array, kind: number): number[][] {
  const reader = new ByteReader(bytes);
  const [seenKind, seenVersion] = [reader.u8(), reader.u8()];
  if (seenKind !== kind || seenVersion !== version) {
    throw new MillraceError('bad-forecaster-bytes', `Bytes of kind ${seenKind}, version ${seenVersion}.`, {
      context: { seenKind, seenVersion, kind, version },
    });
  }
  const columns: number[][] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const length = reader.varint();
    if (length * 8 > reader.remaining) {
      throw new MillraceError('truncated-bytes', `${length} numbers wanted, ${reader.remaining} bytes left.`);
    }
    columns.push(Array.from({ length }, () => reader.f64()));
  }
  return columns;
}

/** Throws unless there are at least `needed` values, all finite, and all above 0 where `positive` says so. */
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
    if (!Number.isFinite(values[i])) {
      throw new MillraceError('not-finite', `Value ${i} is ${values[i]}.`, {
        status: 400,
        remedy: 'Fill gaps before fitting.',
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

/** Throws `bad-option` unless `value` is a whole number from `low` up. */
export function checkWhole(name: string, value: number, low: number): number {
  if (!(Number.isInteger(value) && value >= low)) {
    throw new MillraceError('bad-option', `${name} is ${value}; it must be a whole number from ${low}.`, {
      status: 400,
    });
  }
  return value;
}

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
