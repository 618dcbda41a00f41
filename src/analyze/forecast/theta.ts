// The Theta method: the seasonally adjusted series as simple smoothing that drifts by half the slope of its
// line. Assimakopoulos & Nikolopoulos 2000; in the form of Hyndman & Billah 2003,
// doi:10.1016/S0169-2070(01)00143-1.
import { isGap } from '../anomaly/detector.ts';
import {
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
import { isSeasonal, seasonalIndices } from './seasonality.ts';

/** A fitted Theta model. State: period + 8 numbers; an update is O(1). */
export class Theta implements Forecaster {
  private readonly indices: Float64Array;
  private readonly multiplicative: boolean;
  readonly alpha: number;
  /** What the level gains a step: half the slope of the line through the adjusted history. */
  readonly drift: number;
  private level: number;
  private position = 0;
  private variance = 0;
  private count = 0;

  private constructor(
    indices: Float64Array,
    multiplicative: boolean,
    alpha: number,
    drift: number,
    level: number,
  ) {
    this.indices = indices;
    this.multiplicative = multiplicative;
    this.alpha = alpha;
    this.drift = drift;
    this.level = level;
  }

  /**
   * Needs 4 values. The season is taken out where M4's test finds one, by ratio, by difference where values
   * are not all positive.
   */
  static fit(values: ArrayLike<number>, { period = 1 }: { period?: number } = {}): Theta {
    checkWhole('period', period, 1);
    checkHistory(values, 4, 'The Theta method');
    const n = values.length;
    const list = Array.from({ length: n }, (_, i) => values[i]!);
    const multiplicative = list.every(value => value > 0);
    const indices = isSeasonal(values, period)
      ? seasonalIndices(values, period, multiplicative)
      : Float64Array.of(multiplicative ? 1 : 0);
    const adjusted = list.map((value, i) => {
      const index = indices[i % indices.length]!;
      return multiplicative ? value / index : value - index;
    });
    let moment = 0;
    for (let i = 0; i < n; i++) moment += adjusted[i]! * (i - (n - 1) / 2);
    const drift = (6 * moment) / (n * (n * n - 1));
    const head = adjusted.slice(0, Math.min(n, 10));
    const [low, high] = [Math.min(...head), Math.max(...head)];
    const squaresOf = ([alpha, first]: readonly number[]): number => {
      let level = first!;
      let squares = 0;
      for (const value of adjusted) {
        const error = value - level - drift;
        squares += error * error;
        level += drift + alpha! * error;
      }
      return squares;
    };
    const { point, value: squares } = nelderMead(squaresOf, [0.3, adjusted[0]! - drift], {
      low: [0.0001, low - (high - low) - Math.abs(drift)],
      high: [0.9999, high + (high - low) + Math.abs(drift)],
    });
    const model = new Theta(indices, multiplicative, point[0]!, drift, point[1]!);
    for (const value of list) model.update(value);
    model.variance = squares / Math.max(1, n - 3);
    return model;
  }

  update(value: number): void {
    const index = this.indices[this.position]!;
    const adjusted = this.multiplicative ? value / index : value - index;
    const error = isGap(value) ? 0 : adjusted - this.level - this.drift;
    this.level += this.drift + this.alpha * error;
    this.position = (this.position + 1) % this.indices.length;
    if (isGap(value)) return;
    this.count++;
    this.variance += (error * error - this.variance) / this.count;
  }

  forecast(horizon: number, coverage = 0.95): Forecast {
    checkHorizon(horizon);
    const mean = new Float64Array(horizon);
    // Weight, first level and drift were estimated, and a season's indices where there is one.
    const spread = this.variance * estimationFactor(2 + this.indices.length, this.count);
    const variance = new Float64Array(horizon);
    for (let h = 0; h < horizon; h++) {
      const index = this.indices[(this.position + h) % this.indices.length]!;
      const level = this.level + (h + 1) * this.drift;
      mean[h] = this.multiplicative ? level * index : level + index;
      const scale = this.multiplicative ? index * index : 1;
      variance[h] = spread * (1 + h * this.alpha * this.alpha) * scale;
    }
    return normalForecast(mean, variance, coverage);
  }

  serialize(): Uint8Array {
    const { alpha, drift, level, position, variance, count } = this;
    const numbers = [Number(this.multiplicative), alpha, drift, level, position, variance, count];
    return writeColumns(forecasterKind.theta, [numbers, this.indices]);
  }

  /** Reads what `serialize` wrote. Throws `corrupt-forecaster` for any other bytes. */
  static deserialize(bytes: Uint8Array): Theta {
    return readColumns(bytes, forecasterKind.theta, 2, ([numbers, indices], reader) => {
      reader.check(numbers!.length === 7 && indices!.length > 0, 'its state is incomplete');
      for (const number of [...numbers!, ...indices!])
        reader.inRange(number, -Number.MAX_VALUE, Number.MAX_VALUE);
      const [multiplicative, alpha, drift, level, position, variance, count] = numbers as number[];
      const model = new Theta(
        Float64Array.from(indices!),
        reader.wholeNumber(multiplicative!, 0, 1) === 1,
        reader.inRange(alpha!, 0, 1),
        drift!,
        level!,
      );
      return Object.assign(model, {
        position: reader.wholeNumber(position!, 0, indices!.length - 1),
        variance: reader.inRange(variance!, 0, Number.POSITIVE_INFINITY),
        count: reader.wholeNumber(count!),
      });
    });
  }
}
