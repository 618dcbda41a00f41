// Median and median absolute deviation over a sliding window: how far a value lies from its recent middle, in
// units that a few outliers cannot move. Hampel 1974; Iglewicz & Hoaglin 1993.
import tCdf from '@stdlib/stats-base-dists-t-cdf';
import { checkWhole, type Detector, detectorKind, isGap } from './detector.ts';
import { SortedWindow } from './sorted-window.ts';
import { beginState, readState } from './state-bytes.ts';

/** Options of robust z; each has a default. */
export interface RobustZOptions {
  /** Values in the window, 10 … 100,000; 200 unless given. */
  window?: number;
  /** Values before the first score, 5 … window; 30 unless given. */
  warmUp?: number;
}

/** MAD · 1.4826 estimates the standard deviation of a normal distribution. */
const madScale = 1.482602218505602;
/** MAD · 1.4826 is as good as the sample deviation of 0.37 times as many values. */
const madEfficiency = 0.37;

/**
 * Robust z. Assumption: values scatter independently and about normally around a level that is steady over
 * the window. Score = 1 − two-sided Student p-value; its degrees of freedom carry the uncertainty of median
 * and MAD. Where the MAD is 0 (most values equal) the mean absolute deviation stands in; a value different
 * from a constant window of n scores n / (n + 1). Memory 2 · window numbers; an update costs about one memory
 * move over the window.
 */
export class RobustZ implements Detector {
  readonly warmUp: number;
  private readonly window: SortedWindow;

  /** Throws `bad-option` for an option out of its range. */
  constructor(options: RobustZOptions = {}, window?: SortedWindow) {
    const size = checkWhole('window', options.window ?? 200, 10, 100_000);
    this.warmUp = checkWhole('warmUp', options.warmUp ?? Math.min(30, size), 5, size);
    this.window = window ?? new SortedWindow(size);
  }

  update(value: number, _timeUs: number): number {
    if (isGap(value)) return 0;
    const score = this.window.size < this.warmUp ? 0 : this.score(value);
    this.window.push(value);
    return score;
  }

  private score(value: number): number {
    const n = this.window.size;
    const median = this.window.median();
    const distance = Math.abs(value - median);
    if (distance === 0) return 0;
    let deviation = madScale * this.window.medianDeviation(median);
    if (deviation === 0) {
      let sum = 0;
      for (let rank = 0; rank < n; rank++) sum += Math.abs(this.window.at(rank) - median);
      deviation = (1.2533141373155 * sum) / n;
      if (deviation === 0) return n / (n + 1);
    }
    // The median of n normal values has variance (π / 2) / n.
    const t = distance / deviation / Math.sqrt(1 + Math.PI / 2 / n);
    return 1 - 2 * tCdf(-t, madEfficiency * (n - 1));
  }

  serialize(): Uint8Array {
    const writer = beginState(detectorKind.robustZ, this.window.size + 8).u32(this.warmUp);
    this.window.write(writer);
    return writer.finish();
  }

  /** Reads what `serialize` wrote. Throws `corrupt-detector` for any other bytes. */
  static deserialize(bytes: Uint8Array): RobustZ {
    return readState('detector', bytes, detectorKind.robustZ, reader => {
      const warmUp = reader.u32();
      const window = SortedWindow.read(reader, 10, 100_000);
      return new RobustZ({ window: window.capacity, warmUp }, window);
    });
  }
}
