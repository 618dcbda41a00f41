// Autoregression: each value from the few before it. Coefficients by Burg's method, which is always stable,
// order by the corrected information criterion. Burg 1975; Brockwell & Davis 2016, §5.1. Optionally on first
// differences.
import { isGap } from '../anomaly/detector.ts';
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

/** Options of an autoregression; each has a default. */
export interface AutoregressionOptions {
  /** Order, 0 … 1000; chosen from 0 … orderMax when absent. Never more than half the history less one. */
  order?: number;
  /** Highest order tried, 0 … 1000; 10 · log₁₀ n unless given. */
  orderMax?: number;
  /** 1 models the steps between values instead of the values: for series that wander. */
  difference?: 0 | 1;
}

const ordersMax = 1000;

/** Coefficients and error variance of one order. */
interface BurgFit {
  coefficients: number[];
  variance: number;
}

/** The Burg fits of orders 0 … orderMax of a series whose mean is 0; O(n · orderMax). */
export function burg(values: ArrayLike<number>, orderMax: number): BurgFit[] {
  const n = values.length;
  const forward = Float64Array.from(values);
  const backward = Float64Array.from(values);
  let variance = forward.reduce((sum, x) => sum + x * x, 0) / n;
  let coefficients: number[] = [];
  const fits: BurgFit[] = [{ coefficients, variance }];
  for (let order = 1; order <= orderMax; order++) {
    let [product, power] = [0, 0];
    for (let t = order; t < n; t++) {
      product += forward[t]! * backward[t - 1]!;
      power += forward[t]! ** 2 + backward[t - 1]! ** 2;
    }
    const reflection = power > 0 ? (2 * product) / power : 0;
    const before = coefficients;
    coefficients = [...before.map((c, i) => c - reflection * before[order - 2 - i]!), reflection];
    variance *= 1 - reflection * reflection;
    for (let t = n - 1; t >= order; t--) {
      const ahead = forward[t]!;
      forward[t] = ahead - reflection * backward[t - 1]!;
      backward[t] = backward[t - 1]! - reflection * ahead;
    }
    fits.push({ coefficients, variance });
  }
  return fits;
}

/** A fitted AR(p), or ARI(p, 1). State: 2p + 6 numbers; an update is O(p). */
export class Autoregression implements Forecaster {
  readonly coefficients: readonly number[];
  readonly difference: 0 | 1;
  readonly mean: number;
  private variance: number;
  private count: number;
  /** The last `order` values (or steps), newest first. */
  private recent: number[];
  private last: number;

  private constructor(
    coefficients: readonly number[],
    difference: 0 | 1,
    mean: number,
    rest: { variance: number; count: number; recent: number[]; last: number },
  ) {
    this.coefficients = coefficients;
    this.difference = difference;
    this.mean = mean;
    this.variance = rest.variance;
    this.count = rest.count;
    this.recent = rest.recent;
    this.last = rest.last;
  }

  /** How many earlier values the next one depends on. */
  get order(): number {
    return this.coefficients.length;
  }

  /** Needs 10 values. */
  static fit(values: ArrayLike<number>, options: AutoregressionOptions = {}): Autoregression {
    checkHistory(values, 10, 'Autoregression');
    const difference = options.difference ?? 0;
    const series = Array.from({ length: values.length - difference }, (_, i) =>
      difference === 1 ? values[i + 1]! - values[i]! : values[i]!,
    );
    const n = series.length;
    const mean = series.reduce((sum, x) => sum + x, 0) / n;
    const usual = Math.floor(10 * Math.log10(n));
    const wanted = checkWhole('order', options.order ?? options.orderMax ?? usual, 0, ordersMax);
    const orderMax = Math.min(wanted, Math.floor(n / 2) - 1);
    const fits = burg(
      series.map(x => x - mean),
      orderMax,
    );
    const criterion = ({ coefficients, variance }: BurgFit): number =>
      aicc(n * Math.log(Math.max(variance, 1e-300)), coefficients.length + 2, n);
    const best =
      options.order === undefined
        ? fits.reduce((a, b) => (criterion(b) < criterion(a) ? b : a))
        : fits[fits.length - 1]!;
    const order = best.coefficients.length;
    return new Autoregression(best.coefficients, difference, mean, {
      variance: (best.variance * n) / Math.max(1, n - order - 1),
      count: n,
      recent: series.slice(n - order).reverse(),
      last: values[values.length - 1]!,
    });
  }

  /** The next value of the modelled series from the `recent` ones. */
  private next(recent: readonly number[]): number {
    let sum = this.mean;
    for (let i = 0; i < this.coefficients.length; i++)
      sum += this.coefficients[i]! * (recent[i]! - this.mean);
    return sum;
  }

  update(value: number): void {
    const expected = this.next(this.recent);
    const seen = isGap(value) ? expected : this.difference === 1 ? value - this.last : value;
    this.count++;
    if (!isGap(value)) this.variance += ((seen - expected) ** 2 - this.variance) / this.count;
    this.last = this.difference === 1 ? this.last + seen : seen;
    if (this.order > 0) this.recent = [seen, ...this.recent.slice(0, this.order - 1)];
  }

  forecast(horizon: number, coverage = 0.95): Forecast {
    checkHorizon(horizon);
    const mean = new Float64Array(horizon);
    const variance = new Float64Array(horizon);
    const spread = this.variance * estimationFactor(this.order + 1, this.count);
    // Response of the series to one error, step by step (ψ weights), summed up once more for differences.
    const response: number[] = [];
    let recent = this.recent;
    let level = this.last;
    let summed = 0;
    let total = 0;
    for (let h = 0; h < horizon; h++) {
      const next = this.next(recent);
      recent = [next, ...recent.slice(0, this.order - 1)];
      level = this.difference === 1 ? level + next : next;
      let weight = h === 0 ? 1 : 0;
      for (let i = 1; i <= Math.min(h, this.order); i++)
        weight += this.coefficients[i - 1]! * response[h - i]!;
      response.push(weight);
      summed = this.difference === 1 ? summed + weight : weight;
      total += summed * summed;
      mean[h] = level;
      variance[h] = spread * total;
    }
    return normalForecast(mean, variance, coverage);
  }

  serialize(): Uint8Array {
    const numbers = [this.difference, this.mean, this.variance, this.count, this.last];
    return writeColumns(forecasterKind.autoregression, [numbers, this.coefficients, this.recent]);
  }

  /** Reads what `serialize` wrote. Throws `corrupt-forecaster` for any other bytes. */
  static deserialize(bytes: Uint8Array): Autoregression {
    return readColumns(bytes, forecasterKind.autoregression, 3, ([numbers, coefficients, recent], reader) => {
      reader.check(
        numbers!.length === 5 && coefficients!.length === recent!.length && recent!.length <= ordersMax,
        'its state is incomplete',
      );
      for (const number of [...numbers!, ...coefficients!, ...recent!])
        reader.inRange(number, -Number.MAX_VALUE, Number.MAX_VALUE);
      const [difference, mean, variance, count, last] = numbers as [number, number, number, number, number];
      reader.inRange(variance, 0, Number.POSITIVE_INFINITY);
      const rest = { variance, count: reader.wholeNumber(count), recent: recent!, last };
      return new Autoregression(coefficients!, reader.wholeNumber(difference, 0, 1) as 0 | 1, mean, rest);
    });
  }
}
