// Cumulative sums: evidence for a lasting shift of the mean is added up, and forgotten when it runs dry. The
// quickest detector of a shift of 2·k standard deviations at a given false-alarm rate. Page 1954; Siegmund
// 1985, "Sequential Analysis".
import { checkOption, checkWhole, type Detector, detectorKind, isGap } from './detector.ts';
import { SelfStarting } from './self-starting.ts';
import { beginState, readState } from './state-bytes.ts';

/** Options of a CUSUM; each has a default. */
export interface CusumOptions {
  /** Slack in standard deviations, half of the shift to be found, in [0.05, 4]; 0.5 unless given. */
  slack?: number;
  /** Values that the standard remembers, 10 … 1e9; 5000 unless given. */
  memory?: number;
  /** Values before the first score, 5 … memory; 30 unless given. */
  warmUp?: number;
}

/**
 * P(a one-sided CUSUM of standard normal values ≥ height) in its steady state, by Siegmund's corrected
 * diffusion: exp(−2k(h + 0.583)). At most 1; within a tenth for k from 0.25 to 1.
 */
export function cusumTail(slack: number, height: number): number {
  return height <= 0 ? 1 : Math.exp(-2 * slack * (height + 0.5826));
}

/**
 * Mean number of values until a two-sided CUSUM of standard normal values, begun at 0, first reaches `height`
 * (Siegmund's approximation). `shift` is the true mean in standard deviations: 0 gives the time between false
 * alarms, another value the delay until a shift of that size is found.
 */
export function cusumRunLength(slack: number, height: number, shift = 0): number {
  const oneSided = (drift: number): number => {
    const b = height + 1.166;
    return drift === 0 ? b * b : (Math.exp(-2 * drift * b) + 2 * drift * b - 1) / (2 * drift * drift);
  };
  return 1 / (1 / oneSided(shift - slack) + 1 / oneSided(-shift - slack));
}

/**
 * Two-sided, self-starting CUSUM for the mean. Assumption: values scatter independently and normally around a
 * steady mean. Score = 1 − P(either sum this high without a change). Memory: six numbers; O(1) an update.
 */
export class Cusum implements Detector {
  readonly slack: number;
  readonly warmUp: number;
  private standard: SelfStarting;
  private upper = 0;
  private lower = 0;

  /** Throws `bad-option` for an option out of its range. */
  constructor(options: CusumOptions = {}) {
    this.slack = checkOption('slack', options.slack ?? 0.5, 0.05, 4);
    const memory = checkWhole('memory', options.memory ?? 5000, 10, 1e9);
    this.warmUp = checkWhole('warmUp', options.warmUp ?? Math.min(30, memory), 5, memory);
    this.standard = new SelfStarting(memory);
  }

  update(value: number, _timeUs: number): number {
    if (isGap(value)) return 0;
    const warm = this.standard.size >= this.warmUp;
    const z = this.standard.update(value);
    if (!warm) return 0;
    this.upper = Math.max(0, this.upper + z - this.slack);
    this.lower = Math.max(0, this.lower - z - this.slack);
    return Math.max(0, 1 - 2 * cusumTail(this.slack, Math.max(this.upper, this.lower)));
  }

  /** Starts both sums at 0 again, as a chart is restarted after its alarm was attended to. */
  reset(): void {
    this.upper = 0;
    this.lower = 0;
  }

  serialize(): Uint8Array {
    const writer = beginState(detectorKind.cusum, 8).f64(this.slack).f64(this.warmUp);
    this.standard.write(writer.f64(this.upper).f64(this.lower));
    return writer.finish();
  }

  /** Reads what `serialize` wrote. Throws `corrupt-detector` for any other bytes. */
  static deserialize(bytes: Uint8Array): Cusum {
    return readState('detector', bytes, detectorKind.cusum, reader => {
      const [slack, warmUp] = [reader.number(), reader.number()];
      const [upper, lower] = [reader.number(0), reader.number(0)];
      const standard = SelfStarting.read(reader);
      const cusum = new Cusum({ slack, warmUp, memory: standard.memory });
      return Object.assign(cusum, { upper, lower, standard });
    });
  }
}
