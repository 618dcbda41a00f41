// KSWIN: the newest values against a sample of the older ones in the window by the two-sample
// Kolmogorov–Smirnov test, so that any change of the distribution shows, not only of the mean. Raab,
// Heusinger & Schleif 2020, doi:10.1016/j.neucom.2019.11.111; exact p-value for equal sizes by Gnedenko &
// Korolyuk 1951.
import { Rng } from '../../core/rng.ts';
import { checkOption, checkWhole, type Detector, detectorKind, isGap } from './detector.ts';
import { beginState, readState, writeNumbers } from './state-bytes.ts';

/** Options of KSWIN; each has a default. */
export interface KswinOptions {
  /** Values in the window, 20 … 100,000; 200 unless given. */
  window?: number;
  /** Newest values tested, and older ones drawn, 5 … window / 2; 40 unless given. */
  recent?: number;
  /** At a p-value this small the window is cut back to its newest values, in [0, 0.5]; 1e-5 unless given. */
  alpha?: number;
  /** Seed of the draws, 0 … 2^32 − 1; 1 unless given. */
  seed?: number;
}

/**
 * P(D ≥ d) for two samples of `n` values each of the same continuous distribution; exact. With ties it is an
 * upper bound. O(n / (n · d)) terms.
 */
export function kolmogorovEqualTail(n: number, d: number): number {
  const jump = Math.round(d * n);
  if (jump <= 0) return 1;
  let sum = 0;
  for (let j = 1; j * jump <= n; j++) {
    // C(2n, n − j·jump) / C(2n, n) as a product of ratios.
    let ratio = 1;
    for (let i = 1; i <= j * jump; i++) ratio *= (n - j * jump + i) / (n + i);
    sum += (j % 2 === 1 ? 2 : -2) * ratio;
  }
  return Math.min(1, Math.max(0, sum));
}

/** The largest distance of two empirical distribution functions; sorts its arguments. */
function largestDistance(a: Float64Array, b: Float64Array): number {
  a.sort();
  b.sort();
  let i = 0;
  let j = 0;
  let distance = 0;
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i]!, b[j]!);
    while (i < a.length && a[i] === value) i++;
    while (j < b.length && b[j] === value) j++;
    distance = Math.max(distance, Math.abs(i / a.length - j / b.length));
  }
  return distance;
}

/**
 * KSWIN. Assumption: values of the window are exchangeable. Score = 1 − p-value. Scores begin with a full
 * window. Memory: window numbers; an update sorts two samples of `recent`.
 */
export class Kswin implements Detector {
  readonly window: number;
  readonly recent: number;
  readonly alpha: number;
  readonly seed: number;
  private seen = 0;
  private values: number[] = [];

  /** Throws `bad-option` for an option out of its range. */
  constructor(options: KswinOptions = {}) {
    this.window = checkWhole('window', options.window ?? 200, 20, 100_000);
    this.recent = checkWhole('recent', options.recent ?? 40, 5, this.window / 2);
    this.alpha = checkOption('alpha', options.alpha ?? 1e-5, 0, 0.5);
    this.seed = checkWhole('seed', options.seed ?? 1, 0, 0xffffffff);
  }

  update(value: number, _timeUs: number): number {
    if (isGap(value)) return 0;
    this.seen++;
    this.values.push(value);
    if (this.values.length > this.window) this.values.shift();
    if (this.values.length < this.window) return 0;
    const older = this.window - this.recent;
    const newest = Float64Array.from(this.values.slice(older));
    // The draw depends on seed and position alone, so that a restored detector draws the same.
    const rng = new Rng(this.seed * 4294967296 + this.seen);
    const drawn = new Float64Array(this.recent);
    let filled = 0;
    for (let i = 0; i < older && filled < this.recent; i++) {
      // Selection sampling (Knuth 2, 3.4.2 S): without replacement, in one pass.
      if (rng.float() * (older - i) < this.recent - filled) drawn[filled++] = this.values[i]!;
    }
    const tail = kolmogorovEqualTail(this.recent, largestDistance(newest, drawn));
    if (tail <= this.alpha) this.values = this.values.slice(older);
    return 1 - tail;
  }

  serialize(): Uint8Array {
    const writer = beginState(detectorKind.kswin, this.values.length + 16)
      .u32(this.window)
      .u32(this.recent)
      .f64(this.alpha);
    return writeNumbers(writer.f64(this.seed).f64(this.seen), this.values).finish();
  }

  /** Reads what `serialize` wrote. Throws `corrupt-detector` for any other bytes. */
  static deserialize(bytes: Uint8Array): Kswin {
    return readState('detector', bytes, detectorKind.kswin, reader => {
      const [window, recent, alpha, seed] = [reader.u32(), reader.u32(), reader.number(), reader.number()];
      const kswin = new Kswin({ window, recent, alpha, seed });
      kswin.seen = reader.whole();
      kswin.values = reader.numbers(window);
      return kswin;
    });
  }
}
