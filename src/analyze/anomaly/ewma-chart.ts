// The exponentially weighted moving average control chart: small lasting shifts of the mean add up in the
// average while noise cancels. Roberts 1959; Lucas & Saccucci 1990. Self-starting, with the exact variance of
// the average.
import { checkOption, type Detector, detectorKind, isGap, readHeader, writeHeader } from './detector.ts';
import { twoSidedTail } from './normal.ts';
import { SelfStarting } from './self-starting.ts';

export interface EwmaChartOptions {
  /**
   * Weight of the newest value, in (0, 1]; 1 is a Shewhart chart, 0.05 … 0.25 finds shifts of 0.5 … 1.5 σ.
   */
  lambda?: number;
  /** Values that the standard remembers, 10 … 1e9. */
  memory?: number;
  /** Values before the first score, 5 … memory. */
  warmUp?: number;
}

/**
 * EWMA control chart for the mean. Assumption: values scatter independently and normally around a steady
 * mean. Score = 1 − two-sided p-value of the average. Memory: five numbers; O(1) an update.
 */
export class EwmaChart implements Detector {
  readonly lambda: number;
  readonly warmUp: number;
  private standard: SelfStarting;
  private average = 0;
  private variance = 0;

  constructor(options: EwmaChartOptions = {}) {
    this.lambda = checkOption('lambda', options.lambda ?? 0.1, 1e-6, 1);
    const memory = checkOption('memory', options.memory ?? 5000, 10, 1e9);
    this.warmUp = checkOption('warmUp', options.warmUp ?? Math.min(30, memory), 5, memory);
    this.standard = new SelfStarting(memory);
  }

  update(value: number, _timeUs: number): number {
    if (isGap(value)) return 0;
    const warm = this.standard.size >= this.warmUp;
    const z = this.standard.update(value);
    if (!warm) return 0;
    const keep = 1 - this.lambda;
    this.average = keep * this.average + this.lambda * z;
    this.variance = keep * keep * this.variance + this.lambda * this.lambda;
    return 1 - twoSidedTail(this.average / Math.sqrt(this.variance));
  }

  serialize(): Uint8Array {
    const writer = writeHeader(detectorKind.ewmaChart, 8).f64(this.lambda).f64(this.warmUp);
    this.standard.write(writer.f64(this.average).f64(this.variance));
    return writer.finish();
  }

  static deserialize(bytes: Uint8Array): EwmaChart {
    const reader = readHeader(bytes, detectorKind.ewmaChart);
    const [lambda, warmUp, average, variance] = [reader.f64(), reader.f64(), reader.f64(), reader.f64()];
    const standard = SelfStarting.read(reader);
    const chart = new EwmaChart({ lambda, warmUp, memory: standard.memory });
    return Object.assign(chart, { average, variance, standard });
  }
}
