// The exponentially weighted moving average control chart: small lasting shifts of the mean add up in the
// average while noise cancels. Roberts 1959; Lucas & Saccucci 1990. Self-starting, with the exact variance of
// the average.
import { checkOption, checkWhole, type Detector, detectorKind, isGap } from './detector.ts';
import { twoSidedTail } from './normal.ts';
import { SelfStarting } from './self-starting.ts';
import { beginState, readState } from './state-bytes.ts';

/** Options of an EWMA chart; each has a default. */
export interface EwmaChartOptions {
  /**
   * Weight of the newest value, in [1e-6, 1], 0.1 unless given; 1 is a Shewhart chart, 0.05 … 0.25 finds shifts of 0.5 … 1.5 σ.
   */
  lambda?: number;
  /** Values that the standard remembers, 10 … 1e9; 5000 unless given. */
  memory?: number;
  /** Values before the first score, 5 … memory; 30 unless given. */
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

  /** Throws `bad-option` for an option out of its range. */
  constructor(options: EwmaChartOptions = {}) {
    this.lambda = checkOption('lambda', options.lambda ?? 0.1, 1e-6, 1);
    const memory = checkWhole('memory', options.memory ?? 5000, 10, 1e9);
    this.warmUp = checkWhole('warmUp', options.warmUp ?? Math.min(30, memory), 5, memory);
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
    const writer = beginState(detectorKind.ewmaChart, 8).f64(this.lambda).f64(this.warmUp);
    this.standard.write(writer.f64(this.average).f64(this.variance));
    return writer.finish();
  }

  /** Reads what `serialize` wrote. Throws `corrupt-detector` for any other bytes. */
  static deserialize(bytes: Uint8Array): EwmaChart {
    return readState('detector', bytes, detectorKind.ewmaChart, reader => {
      const [lambda, warmUp] = [reader.number(), reader.number()];
      const [average, variance] = [reader.number(), reader.number(0)];
      const standard = SelfStarting.read(reader);
      const chart = new EwmaChart({ lambda, warmUp, memory: standard.memory });
      return Object.assign(chart, { average, variance, standard });
    });
  }
}
