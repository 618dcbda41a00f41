// Page–Hinkley: how far the cumulated deviation from the running mean has moved from its extreme. Unlike a
// CUSUM the reference is the mean of everything so far, the newest value included. Page 1954; Hinkley 1971;
// Gama et al. 2013.

import { cusumTail } from './cusum.ts';
import { checkOption, checkWhole, type Detector, detectorKind, isGap } from './detector.ts';
import { SelfStarting } from './self-starting.ts';
import { beginState, readState } from './state-bytes.ts';

/** Options of a Page–Hinkley test; each has a default. */
export interface PageHinkleyOptions {
  /** Deviation that is tolerated, in standard deviations, in [0.05, 4]; 0.25 unless given. */
  tolerance?: number;
  /** Values that mean and deviation remember, 10 … 1e9; 5000 unless given. */
  memory?: number;
  /** Values before the first score, 5 … memory; 30 unless given. */
  warmUp?: number;
}

/**
 * Page–Hinkley test in both directions. Assumption: values scatter independently and about normally around a
 * steady mean. Score = 1 − P(a distance this great without a change). Memory: six numbers; O(1) an update.
 */
export class PageHinkley implements Detector {
  readonly tolerance: number;
  readonly warmUp: number;
  private standard: SelfStarting;
  private rise = 0;
  private fall = 0;

  /** Throws `bad-option` for an option out of its range. */
  constructor(options: PageHinkleyOptions = {}) {
    this.tolerance = checkOption('tolerance', options.tolerance ?? 0.25, 0.05, 4);
    const memory = checkWhole('memory', options.memory ?? 5000, 10, 1e9);
    this.warmUp = checkWhole('warmUp', options.warmUp ?? Math.min(30, memory), 5, memory);
    this.standard = new SelfStarting(memory);
  }

  update(value: number, _timeUs: number): number {
    if (isGap(value)) return 0;
    const warm = this.standard.size >= this.warmUp;
    this.standard.update(value);
    const deviation = this.standard.deviation;
    if (!warm || deviation === 0) return 0;
    const step = (value - this.standard.centre) / deviation;
    // The distance of each cumulated sum to its extreme so far; the sums themselves would grow without bound.
    this.rise = Math.max(0, this.rise + step - this.tolerance);
    this.fall = Math.max(0, this.fall - step - this.tolerance);
    return Math.max(0, 1 - 2 * cusumTail(this.tolerance, Math.max(this.rise, this.fall)));
  }

  serialize(): Uint8Array {
    const writer = beginState(detectorKind.pageHinkley, 8).f64(this.tolerance).f64(this.warmUp);
    this.standard.write(writer.f64(this.rise).f64(this.fall));
    return writer.finish();
  }

  /** Reads what `serialize` wrote. Throws `corrupt-detector` for any other bytes. */
  static deserialize(bytes: Uint8Array): PageHinkley {
    return readState('detector', bytes, detectorKind.pageHinkley, reader => {
      const [tolerance, warmUp] = [reader.number(), reader.number()];
      const [rise, fall] = [reader.number(0), reader.number(0)];
      const standard = SelfStarting.read(reader);
      const test = new PageHinkley({ tolerance, warmUp, memory: standard.memory });
      return Object.assign(test, { rise, fall, standard });
    });
  }
}
