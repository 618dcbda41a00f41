// Exponential smoothing in its innovations form: simple, Holt, damped, Holt–Winters additive and
// multiplicative are one recursion with parts left out. Hyndman, Koehler, Ord & Snyder 2008, "Forecasting
// with Exponential Smoothing"; intervals by its chapter 6. Additive seasons have additive errors,
// multiplicative seasons relative ones.
import { isGap } from '../anomaly/detector.ts';
import { corruptState } from '../anomaly/state-bytes.ts';
import {
  aicc,
  checkHistory,
  checkHorizon,
  checkWhole,
  estimationFactor,
  type Forecast,
  type Forecaster,
  forecasterKind,
  normalForecast,
  readColumns,
  writeColumns,
} from './forecaster.ts';
import { nelderMead } from './nelder-mead.ts';
import { seasonalIndices } from './seasonality.ts';

const trends = ['none', 'additive', 'damped'] as const;
const seasons = ['none', 'additive', 'multiplicative'] as const;

/** Which of the nine forms; neither trend nor season unless given. */
export interface SmoothingOptions {
  trend?: (typeof trends)[number];
  season?: (typeof seasons)[number];
  /** Values in a season; needed with a season, at least 2. */
  period?: number;
}

/**
 * Smoothing weights: level ← α, trend ← β (of the error, not of the level's step), season ← γ; φ damps the
 * trend.
 */
export interface SmoothingParameters {
  alpha: number;
  beta: number;
  gamma: number;
  phi: number;
}

interface State {
  level: number;
  trend: number;
  /** Indices by position in the season; `position` is that of the next value. */
  season: Float64Array;
  position: number;
}

/** A model of one of the nine forms. State: period + 10 numbers; an update is O(1). */
export class ExponentialSmoothing implements Forecaster {
  readonly trend: (typeof trends)[number];
  readonly season: (typeof seasons)[number];
  readonly parameters: SmoothingParameters;
  /** Variance of the one-step errors; of the relative ones with a multiplicative season. */
  private variance: number;
  private count: number;
  private readonly state: State;
  /** Weights and first states that were estimated. */
  private readonly searched: number;
  /** Corrected information criterion of the fit; comparable between forms fitted to the same values. */
  readonly aicc: number;

  private constructor(
    { trend = 'none', season = 'none' }: SmoothingOptions,
    parameters: SmoothingParameters,
    state: State,
    fit: { variance: number; count: number; aicc: number; searched: number },
  ) {
    this.trend = trend;
    this.season = season;
    this.parameters = parameters;
    this.state = state;
    this.variance = fit.variance;
    this.count = fit.count;
    this.aicc = fit.aicc;
    this.searched = fit.searched;
  }

  /**
   * Weights and first states of the greatest likelihood, found by a bounded simplex search: some 1,000 passes
   * over the values. Needs 4 values, with a season two periods and 4; a multiplicative season needs positive
   * values.
   */
  static fit(values: ArrayLike<number>, options: SmoothingOptions = {}): ExponentialSmoothing {
    const { trend = 'none', season = 'none' } = options;
    const period = season === 'none' ? 1 : checkWhole('period', options.period ?? 0, 2);
    checkHistory(
      values,
      season === 'none' ? 4 : 2 * period + 4,
      'Exponential smoothing',
      season === 'multiplicative',
    );
    const shape = formOf(trend, season);
    const first = firstStates(values, period, season);
    const spread = Math.max(first.spread, 1e-12 * Math.abs(first.level), 1e-300);
    // Level and trend are searched in units of the scatter around their first guess, weights as shares of
    // their range.
    const bounds: [start: number, low: number, high: number][] = [
      [0.3, 0.0001, 0.9999],
      [0, -10, 10],
    ];
    if (shape.trend) bounds.push([0.1, 0.0001, 0.9999], [0, -2, 2]);
    if (shape.damped) bounds.push([0.95, 0.8, 0.98]);
    if (shape.seasonal) bounds.push([0.05, 0.0001, 0.9999]);
    const unpack = (point: readonly number[]): [SmoothingParameters, State] => {
      let i = 0;
      const alpha = point[i++]!;
      const level = first.level + point[i++]! * spread;
      const beta = shape.trend ? alpha * point[i++]! : 0;
      const slope = shape.trend ? first.trend + point[i++]! * spread : 0;
      const phi = shape.damped ? point[i++]! : 1;
      const gamma = shape.seasonal ? (1 - alpha) * point[i++]! : 0;
      return [
        { alpha, beta, gamma, phi },
        { level, trend: slope, season: first.season.slice(), position: 0 },
      ];
    };
    const best = nelderMead(
      point => likelihood(values, ...unpack(point), season).minusTwoLog,
      bounds.map(b => b[0]),
      {
        low: bounds.map(b => b[1]),
        high: bounds.map(b => b[2]),
      },
    );
    const [parameters, state] = unpack(best.point);
    const { minusTwoLog, squares } = likelihood(values, parameters, state, season);
    const n = values.length;
    const searched = bounds.length + (shape.seasonal ? period - 1 : 0);
    const variance = squares / Math.max(1, n - searched);
    const fit = { variance, count: n, searched, aicc: aicc(minusTwoLog, searched + 1, n) };
    return new ExponentialSmoothing({ trend, season }, parameters, state, fit);
  }

  update(value: number): void {
    const error = step(this.state, this.parameters, this.season, value);
    this.count++;
    if (!isGap(value)) this.variance += (error * error - this.variance) / this.count;
  }

  forecast(horizon: number, coverage = 0.95): Forecast {
    checkHorizon(horizon);
    const { level, trend, season, position } = this.state;
    const { alpha, beta, gamma, phi } = this.parameters;
    const period = season.length;
    const relative = this.season === 'multiplicative';
    const spread = this.variance * estimationFactor(this.searched, this.count);
    const mean = new Float64Array(horizon);
    const variance = new Float64Array(horizon);
    // Weight of the error `lag` steps before in the level and trend now; relative errors scale with the
    // level.
    const weights = new Float64Array(horizon);
    const levels = new Float64Array(horizon);
    const squares = new Float64Array(horizon);
    let sum = 0;
    let damped = 0;
    let power = 1;
    for (let h = 0; h < horizon; h++) {
      power *= phi;
      damped += power;
      levels[h] = level + damped * trend;
      weights[h] = alpha + beta * damped;
      const index = season[(position + h) % period]!;
      mean[h] = this.season === 'none' ? levels[h]! : relative ? levels[h]! * index : levels[h]! + index;
      if (relative) {
        // Relative errors scale with the level they meet, so every earlier step counts anew.
        sum = 0;
        for (let lag = 1; lag <= h; lag++) sum += weights[lag - 1]! ** 2 * squares[h - lag]!;
        squares[h] = levels[h]! ** 2 + spread * sum;
        const seasonGrowth = (1 + gamma * gamma * spread) ** Math.floor(h / period);
        variance[h] = ((1 + spread) * seasonGrowth * squares[h]! - levels[h]! ** 2) * index * index;
      } else {
        variance[h] = spread * (1 + sum);
        const own = weights[h]! + (this.season === 'additive' && (h + 1) % period === 0 ? gamma : 0);
        sum += own * own;
      }
    }
    return normalForecast(mean, variance, coverage);
  }

  serialize(): Uint8Array {
    const { alpha, beta, gamma, phi } = this.parameters;
    const { level, trend, season, position } = this.state;
    const form = [trends.indexOf(this.trend), seasons.indexOf(this.season)];
    const numbers = [
      alpha,
      beta,
      gamma,
      phi,
      level,
      trend,
      position,
      this.variance,
      this.count,
      this.aicc,
      this.searched,
    ];
    return writeColumns(forecasterKind.exponentialSmoothing, [form, numbers, season]);
  }

  /** Reads what `serialize` wrote. Throws `corrupt-forecaster` for any other bytes. */
  static deserialize(bytes: Uint8Array): ExponentialSmoothing {
    return readColumns(bytes, forecasterKind.exponentialSmoothing, 3, ([form, numbers, season], reader) => {
      const [trendForm, seasonForm] = [trends[form![0]!], seasons[form![1]!]];
      const [alpha, beta, gamma, phi] = numbers!.slice(0, 4).map(weight => reader.inRange(weight, 0, 1));
      const [level, trend, position, variance, count, criterion, searched] = numbers!.slice(4);
      const isWhole =
        trendForm &&
        seasonForm &&
        numbers!.length === 11 &&
        season!.length >= (seasonForm === 'none' ? 1 : 2);
      if (!isWhole) throw corruptState('forecaster', 'its form is none');
      for (const index of [level!, trend!, ...season!])
        reader.inRange(index, -Number.MAX_VALUE, Number.MAX_VALUE);
      reader.inRange(variance!, 0, Number.POSITIVE_INFINITY);
      for (const whole of [count!, searched!]) reader.wholeNumber(whole);
      return new ExponentialSmoothing(
        { trend: trendForm, season: seasonForm },
        { alpha: alpha!, beta: beta!, gamma: gamma!, phi: phi! },
        {
          level: level!,
          trend: trend!,
          season: Float64Array.from(season!),
          position: reader.wholeNumber(position!, 0, season!.length - 1),
        },
        { variance: variance!, count: count!, aicc: criterion!, searched: searched! },
      );
    });
  }
}

const formOf = (trend: string, season: string) => ({
  trend: trend !== 'none',
  damped: trend === 'damped',
  seasonal: season !== 'none',
});

/**
 * First guesses: indices from the first seasons, level and slope of a line through what is left of the
 * beginning.
 */
function firstStates(values: ArrayLike<number>, period: number, season: (typeof seasons)[number]) {
  const head = Array.from(
    { length: Math.min(values.length, Math.max(5 * period, 10)) },
    (_, i) => values[i]!,
  );
  const multiplicative = season === 'multiplicative';
  const indices =
    season === 'none'
      ? Float64Array.of(multiplicative ? 1 : 0)
      : seasonalIndices(head, period, multiplicative);
  const adjusted = head.map((value, i) =>
    multiplicative ? value / indices[i % period]! : value - indices[i % period]!,
  );
  const n = Math.min(adjusted.length, Math.max(10, 2 * period));
  let [sum, moment] = [0, 0];
  for (let i = 0; i < n; i++) {
    sum += adjusted[i]!;
    moment += adjusted[i]! * (i - (n - 1) / 2);
  }
  const trend = (12 * moment) / (n * (n * n - 1));
  const level = sum / n - (trend * (n + 1)) / 2;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (adjusted[i]! - level - trend * (i + 1)) ** 2;
  return { level, trend, season: indices, spread: Math.sqrt(squares / n) };
}

/** Moves the state over one value and returns its error, relative with a multiplicative season. */
function step(
  state: State,
  { alpha, beta, gamma, phi }: SmoothingParameters,
  season: (typeof seasons)[number],
  value: number,
): number {
  const base = state.level + phi * state.trend;
  const { position } = state;
  const index = state.season[position]!;
  const relative = season === 'multiplicative';
  const expected = season === 'none' ? base : relative ? base * index : base + index;
  // A level that fell to exactly 0 has no relative errors: it stays until the trend moves it.
  const isKnown = !isGap(value) && !(relative && expected === 0);
  const error = isKnown ? (relative ? value / expected - 1 : value - expected) : 0;
  const scale = relative ? base : 1;
  state.level = base + alpha * error * scale;
  state.trend = phi * state.trend + beta * error * scale;
  if (season !== 'none') {
    state.season[position] = index + gamma * error * (relative ? index : 1);
    state.position = position + 1 === state.season.length ? 0 : position + 1;
  }
  return error;
}

/** −2 · log-likelihood up to a constant; moves the state to the end of the values. */
function likelihood(
  values: ArrayLike<number>,
  parameters: SmoothingParameters,
  state: State,
  season: (typeof seasons)[number],
): { minusTwoLog: number; squares: number } {
  let squares = 0;
  let logs = 0;
  for (let i = 0; i < values.length; i++) {
    const error = step(state, parameters, season, values[i]!);
    squares += error * error;
    if (season === 'multiplicative') {
      // A level that has crossed 0 has no relative errors.
      if (!(error > -1)) return { minusTwoLog: Number.POSITIVE_INFINITY, squares };
      logs += Math.log(values[i]! / (1 + error));
    }
  }
  return { minusTwoLog: values.length * Math.log(Math.max(squares, 1e-300)) + 2 * logs, squares };
}
