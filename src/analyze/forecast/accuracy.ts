// How good forecasts are, by the definitions of the M4 competition. Makridakis, Spiliotis & Assimakopoulos
// 2020, doi:10.1016/j.ijforecast.2019.04.014; MASE by Hyndman & Koehler 2006.
import { MillraceError } from '../../core/errors.ts';
import { isSeasonal, seasonalIndices } from './seasonality.ts';

/** Throws `bad-length` unless there is one forecast for each of at least one value. */
function checkPairs(actual: ArrayLike<number>, forecast: ArrayLike<number>): void {
  if (actual.length === forecast.length && actual.length > 0) return;
  throw new MillraceError('bad-length', `${actual.length} values have ${forecast.length} forecasts.`, {
    status: 400,
    remedy: 'Pass one forecast for each value.',
    context: { actual: actual.length, forecast: forecast.length },
  });
}

/**
 * Symmetric mean absolute percentage error in percent, 0 … 200: the mean of 200·|y − f|/(|y| + |f|), where a pair of zeros counts 0. O(n).
 * Throws `bad-length`.
 */
export function smape(actual: ArrayLike<number>, forecast: ArrayLike<number>): number {
  checkPairs(actual, forecast);
  let sum = 0;
  for (let i = 0; i < actual.length; i++) {
    const size = Math.abs(actual[i]!) + Math.abs(forecast[i]!);
    if (size > 0) sum += (200 * Math.abs(actual[i]! - forecast[i]!)) / size;
  }
  return sum / actual.length;
}

/**
 * Mean absolute error of the seasonal naive forecast inside the history: what MASE divides by. NaN below
 * period + 1 values.
 */
export function naiveScale(history: ArrayLike<number>, period: number): number {
  let sum = 0;
  for (let i = period; i < history.length; i++) sum += Math.abs(history[i]! - history[i - period]!);
  return sum / (history.length - period);
}

/**
 * Mean absolute scaled error: 1 is as good as the seasonal naive method was inside the history. Infinite, or NaN for a perfect forecast,
 * where that method made no error. O(n). Throws `bad-length`.
 */
export function mase(
  actual: ArrayLike<number>,
  forecast: ArrayLike<number>,
  history: ArrayLike<number>,
  period = 1,
): number {
  checkPairs(actual, forecast);
  let sum = 0;
  for (let i = 0; i < actual.length; i++) sum += Math.abs(actual[i]! - forecast[i]!);
  return sum / actual.length / naiveScale(history, period);
}

/**
 * M4's benchmark: the last value of the seasonally adjusted history, with the season put back. M4 has
 * positive series and adjusts by ratio; a history with values at or below 0 is adjusted by difference.
 * `history` holds at least one value.
 */
export function naive2(history: ArrayLike<number>, horizon: number, period = 1): Float64Array {
  const n = history.length;
  const last = history[n - 1]!;
  if (!isSeasonal(history, period)) return new Float64Array(horizon).fill(last);
  const ratio = Array.prototype.every.call(history, (value: number) => value > 0);
  const indices = seasonalIndices(history, period, ratio);
  const before = indices[(n - 1) % period]!;
  return Float64Array.from({ length: horizon }, (_, h) => {
    const index = indices[(n + h) % period]!;
    return ratio ? (last / before) * index : last - before + index;
  });
}

/** One series of an evaluation. */
export interface ForecastCase {
  history: ArrayLike<number>;
  actual: ArrayLike<number>;
  forecast: ArrayLike<number>;
  period: number;
}

/** Mean errors over a set of series. */
export interface Accuracy {
  /** In percent, 0 … 200. */
  smape: number;
  mase: number;
  /** Overall weighted average: mean of both errors relative to Naive 2's; below 1 is better than Naive 2. */
  owa: number;
}

/**
 * sMAPE, MASE and OWA over a set of series: errors are averaged over the series first, then compared with
 * Naive 2's.
 */
export function accuracy(cases: readonly ForecastCase[]): Accuracy {
  const mean = (error: (one: ForecastCase) => number): number =>
    cases.reduce((sum, one) => sum + error(one), 0) / cases.length;
  const benchmark = (one: ForecastCase): Float64Array => naive2(one.history, one.actual.length, one.period);
  const own = {
    smape: mean(one => smape(one.actual, one.forecast)),
    mase: mean(one => mase(one.actual, one.forecast, one.history, one.period)),
  };
  const smapeOfNaive2 = mean(one => smape(one.actual, benchmark(one)));
  const maseOfNaive2 = mean(one => mase(one.actual, benchmark(one), one.history, one.period));
  return { ...own, owa: (own.smape / smapeOfNaive2 + own.mase / maseOfNaive2) / 2 };
}

/** Share of actual values that lie inside their interval, ends included. Throws `bad-length`. */
export function coverage(actual: ArrayLike<number>, low: ArrayLike<number>, high: ArrayLike<number>): number {
  checkPairs(actual, low);
  checkPairs(actual, high);
  let inside = 0;
  for (let i = 0; i < actual.length; i++) if (actual[i]! >= low[i]! && actual[i]! <= high[i]!) inside++;
  return inside / actual.length;
}
