// Harmonic regression: a line plus sines and cosines of the season, by least squares. For long seasons (a day
// of minutes) where Holt–Winters would need an index for every slot. Hyndman & Athanasopoulos, "Forecasting:
// Principles and Practice", §7.4.
import { isGap } from '../anomaly/detector.ts';
import {
  aicc,
  checkHistory,
  checkHorizon,
  checkWhole,
  type Forecast,
  type Forecaster,
  forecasterKind,
  normalForecast,
  readColumns,
  writeColumns,
} from './forecaster.ts';

/** The season of a harmonic regression, and what is fitted to it. */
export interface HarmonicOptions {
  /** Values in a season, at least 2; need not be whole. */
  period: number;
  /**
   * Pairs of sine and cosine, 0 … 200; chosen up to 10 by the information criterion when absent. No more than period / 2 are used.
   */
  harmonics?: number;
  /** Whether a straight line is fitted too; true unless given. */
  trend?: boolean;
}

const harmonicsMax = 200;

/**
 * Normal equations kept as sums, so that an update costs O(p²) whatever the length; p = 2 · harmonics + 2.
 */
export class HarmonicRegression implements Forecaster {
  readonly period: number;
  readonly harmonics: number;
  readonly trend: boolean;
  /** Steps in the unit of time of the line: it keeps the equations well conditioned. */
  private readonly unit: number;
  private time = 0;
  private count = 0;
  private squares = 0;
  private readonly gram: Float64Array;
  private readonly moments: Float64Array;

  private constructor(period: number, harmonics: number, trend: boolean, unit: number) {
    this.period = period;
    this.harmonics = harmonics;
    this.trend = trend;
    this.unit = unit;
    this.gram = new Float64Array(this.terms * this.terms);
    this.moments = new Float64Array(this.terms);
  }

  private get terms(): number {
    return 1 + Number(this.trend) + 2 * this.harmonics;
  }

  /** Needs 2 · harmonics + 6 values, and two periods unless `harmonics` is given. */
  static fit(values: ArrayLike<number>, options: HarmonicOptions): HarmonicRegression {
    const { period, trend = true } = options;
    checkWhole('period', Math.floor(period), 2);
    const most = Math.floor(period / 2);
    const fixed =
      options.harmonics === undefined
        ? undefined
        : checkWhole('harmonics', options.harmonics, 0, harmonicsMax);
    checkHistory(values, fixed === undefined ? 2 * period + 6 : 2 * fixed + 6, 'Harmonic regression');
    const fitOne = (harmonics: number): HarmonicRegression => {
      const model = new HarmonicRegression(period, harmonics, trend, values.length);
      for (let i = 0; i < values.length; i++) model.update(values[i]!);
      return model;
    };
    if (fixed !== undefined) return fitOne(Math.min(fixed, most));
    const tried = Array.from({ length: Math.min(10, most) + 1 }, (_, harmonics) => fitOne(harmonics));
    return tried.reduce((best, model) => (model.criterion() < best.criterion() ? model : best));
  }

  private criterion(): number {
    const squares = Math.max(this.residualSquares(this.solve(this.moments)), 1e-300);
    return aicc(this.count * Math.log(squares), this.terms + 1, this.count);
  }

  /** The regressors at a time. */
  private row(time: number): Float64Array {
    const row = new Float64Array(this.terms);
    row[0] = 1;
    let at = 1;
    if (this.trend) row[at++] = time / this.unit - 0.5;
    for (let k = 1; k <= this.harmonics; k++) {
      const angle = (2 * Math.PI * k * (time % this.period)) / this.period;
      row[at++] = Math.cos(angle);
      // At half the sampling rate the sine is 0 everywhere; a column of zeros has no coefficient.
      row[at++] = 2 * k === this.period ? 0 : Math.sin(angle);
    }
    return row;
  }

  update(value: number): void {
    const row = this.row(this.time++);
    if (isGap(value)) return;
    const p = this.terms;
    this.count++;
    this.squares += value * value;
    for (let i = 0; i < p; i++) {
      this.moments[i]! += row[i]! * value;
      for (let j = 0; j <= i; j++) this.gram[i * p + j]! += row[i]! * row[j]!;
    }
  }

  /** gram⁻¹ · right, by Cholesky; a term without any information gets 0. */
  private solve(right: Float64Array): Float64Array {
    const p = this.terms;
    const lower = new Float64Array(p * p);
    for (let i = 0; i < p; i++) {
      for (let j = 0; j <= i; j++) {
        let sum = this.gram[i * p + j]!;
        for (let k = 0; k < j; k++) sum -= lower[i * p + k]! * lower[j * p + k]!;
        if (i === j) lower[i * p + i] = sum > 1e-9 * this.count ? Math.sqrt(sum) : Number.POSITIVE_INFINITY;
        else lower[i * p + j] = sum / lower[j * p + j]!;
      }
    }
    const solution = right.slice();
    for (let i = 0; i < p; i++) {
      for (let k = 0; k < i; k++) solution[i]! -= lower[i * p + k]! * solution[k]!;
      solution[i]! /= lower[i * p + i]!;
    }
    for (let i = p - 1; i >= 0; i--) {
      for (let k = i + 1; k < p; k++) solution[i]! -= lower[k * p + i]! * solution[k]!;
      solution[i]! /= lower[i * p + i]!;
    }
    return solution;
  }

  private residualSquares(coefficients: Float64Array): number {
    let explained = 0;
    for (let i = 0; i < this.terms; i++) explained += coefficients[i]! * this.moments[i]!;
    return Math.max(0, this.squares - explained);
  }

  forecast(horizon: number, coverage = 0.95): Forecast {
    checkHorizon(horizon);
    const coefficients = this.solve(this.moments);
    const spread = this.residualSquares(coefficients) / Math.max(1, this.count - this.terms);
    const mean = new Float64Array(horizon);
    const variance = new Float64Array(horizon);
    for (let h = 0; h < horizon; h++) {
      const row = this.row(this.time + h);
      const leverage = this.solve(row).reduce((sum, x, i) => sum + x * row[i]!, 0);
      mean[h] = row.reduce((sum, x, i) => sum + x * coefficients[i]!, 0);
      variance[h] = spread * (1 + leverage);
    }
    return normalForecast(mean, variance, coverage);
  }

  serialize(): Uint8Array {
    const { period, harmonics, unit, time, count, squares } = this;
    const numbers = [period, harmonics, Number(this.trend), unit, time, count, squares];
    return writeColumns(forecasterKind.harmonic, [numbers, this.gram, this.moments]);
  }

  /** Reads what `serialize` wrote. Throws `corrupt-forecaster` for any other bytes. */
  static deserialize(bytes: Uint8Array): HarmonicRegression {
    return readColumns(bytes, forecasterKind.harmonic, 3, ([numbers, gram, moments], reader) => {
      reader.check(numbers!.length === 7, 'its state is incomplete');
      const [period, harmonics, trend, unit, time, count, squares] = numbers as number[];
      const model = new HarmonicRegression(
        reader.inRange(period!, 2, Number.MAX_SAFE_INTEGER),
        reader.wholeNumber(harmonics!, 0, harmonicsMax),
        reader.wholeNumber(trend!, 0, 1) === 1,
        reader.wholeNumber(unit!, 1),
      );
      reader.check(
        gram!.length === model.gram.length && moments!.length === model.moments.length,
        'its equations have another size',
      );
      for (const sum of [...gram!, ...moments!]) reader.inRange(sum, -Number.MAX_VALUE, Number.MAX_VALUE);
      model.gram.set(gram!);
      model.moments.set(moments!);
      return Object.assign(model, {
        time: reader.wholeNumber(time!),
        count: reader.wholeNumber(count!),
        squares: reader.inRange(squares!, 0, Number.POSITIVE_INFINITY),
      });
    });
  }
}
