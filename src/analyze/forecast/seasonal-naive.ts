// The last season again: the forecast every other one has to beat. With a period of 1 it is the naive
// forecast.
import { isGap } from '../anomaly/detector.ts';
import { sizeMax } from '../anomaly/state-bytes.ts';
import {
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

/** A seasonal random walk. State: period + 3 numbers; an update is O(1). */
export class SeasonalNaive implements Forecaster {
  private readonly season: Float64Array;
  private position = 0;
  private squares = 0;
  private count = 0;

  private constructor(season: Float64Array) {
    this.season = season;
  }

  /** Needs one period and two values. */
  static fit(values: ArrayLike<number>, { period = 1 }: { period?: number } = {}): SeasonalNaive {
    checkWhole('period', period, 1);
    checkHistory(values, period + 2, 'The seasonal naive forecast');
    const model = new SeasonalNaive(Float64Array.from({ length: period }, (_, i) => values[i]!));
    for (let i = period; i < values.length; i++) model.update(values[i]!);
    return model;
  }

  update(value: number): void {
    if (!isGap(value)) {
      this.squares += (value - this.season[this.position]!) ** 2;
      this.count++;
      this.season[this.position] = value;
    }
    this.position = (this.position + 1) % this.season.length;
  }

  forecast(horizon: number, coverage = 0.95): Forecast {
    checkHorizon(horizon);
    const period = this.season.length;
    const mean = Float64Array.from({ length: horizon }, (_, h) => this.season[(this.position + h) % period]!);
    // Errors of a seasonal random walk add up once a season.
    const variance = mean.map((_, h) => (this.squares / this.count) * (1 + Math.floor(h / period)));
    return normalForecast(mean, variance, coverage);
  }

  serialize(): Uint8Array {
    const numbers = [this.position, this.squares, this.count];
    return writeColumns(forecasterKind.seasonalNaive, [numbers, this.season]);
  }

  /** Reads what `serialize` wrote. Throws `corrupt-forecaster` for any other bytes. */
  static deserialize(bytes: Uint8Array): SeasonalNaive {
    return readColumns(bytes, forecasterKind.seasonalNaive, 2, ([numbers, season], reader) => {
      reader.check(numbers!.length === 3 && season!.length > 0, 'its state is incomplete');
      for (const value of season!) reader.inRange(value, -sizeMax, sizeMax);
      const [position, squares, count] = numbers as number[];
      return Object.assign(new SeasonalNaive(Float64Array.from(season!)), {
        position: reader.wholeNumber(position!, 0, season!.length - 1),
        squares: reader.inRange(squares!, 0, Number.POSITIVE_INFINITY),
        count: reader.wholeNumber(count!, 1),
      });
    });
  }
}
