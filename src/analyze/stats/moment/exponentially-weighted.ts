// Mean and variance that forget, and covariance of pairs that forgets.
import { ExponentialDecay } from './exponential-decay.ts';

/** Exponentially weighted mean and variance. Some 35 ns an update. */
export class ExponentiallyWeighted extends ExponentialDecay {
  /** `halfLife` > 0, in the unit of the times given to `update`: microseconds of event time, or events. */
  constructor(halfLife: number) {
    super(halfLife, 1);
  }

  /** Takes in a finite value of time `at`. A value older than the newest counts with its lower weight. */
  update(value: number, at: number): void {
    this.push([value], at);
  }

  /** As if the other's values had come here too. Throws `invalid-argument` for another half-life. */
  merge(other: ExponentiallyWeighted): void {
    this.mergeDecayed(other);
  }

  /** NaN while nothing was seen. */
  get mean(): number {
    return this.totalWeight === 0 ? Number.NaN : this.center[0]!;
  }
  /** Unbiased; NaN below two values. */
  get variance(): number {
    return this.unbiased(this.products[0]!);
  }
  get standardDeviation(): number {
    return Math.sqrt(this.variance);
  }

  /** Throws `unsupported-version`, `truncated-bytes` or `invalid-bytes`. */
  static deserialize(bytes: Uint8Array): ExponentiallyWeighted {
    return ExponentiallyWeighted.read(bytes, halfLife => new ExponentiallyWeighted(halfLife));
  }
}

/** Exponentially weighted covariance, correlation and least-squares line of pairs. */
export class ExponentiallyWeightedCovariance extends ExponentialDecay {
  /** `halfLife` > 0, in the unit of the times given to `update`. */
  constructor(halfLife: number) {
    super(halfLife, 2);
  }

  /** Takes in a finite pair of time `at`. */
  update(x: number, y: number, at: number): void {
    this.push([x, y], at);
  }

  /** As if the other's pairs had come here too. Throws `invalid-argument` for another half-life. */
  merge(other: ExponentiallyWeightedCovariance): void {
    this.mergeDecayed(other);
  }

  get meanX(): number {
    return this.totalWeight === 0 ? Number.NaN : this.center[0]!;
  }
  get meanY(): number {
    return this.totalWeight === 0 ? Number.NaN : this.center[1]!;
  }
  get varianceX(): number {
    return this.unbiased(this.products[0]!);
  }
  get varianceY(): number {
    return this.unbiased(this.products[2]!);
  }
  get covariance(): number {
    return this.unbiased(this.products[1]!);
  }
  /** In [−1, 1]; NaN where x or y never varied. */
  get correlation(): number {
    const [xx, xy, yy] = this.products;
    return Math.max(-1, Math.min(1, xy! / Math.sqrt(xx!) / Math.sqrt(yy!)));
  }
  /** Of the weighted least-squares line y = intercept + slope·x; NaN where x never varied. */
  get slope(): number {
    return this.products[1]! / this.products[0]!;
  }
  get intercept(): number {
    return this.meanY - this.slope * this.meanX;
  }

  /** Throws `unsupported-version`, `truncated-bytes` or `invalid-bytes`. */
  static deserialize(bytes: Uint8Array): ExponentiallyWeightedCovariance {
    return ExponentiallyWeightedCovariance.read(bytes, h => new ExponentiallyWeightedCovariance(h));
  }
}
