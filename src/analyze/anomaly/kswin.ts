// KSWIN: the newest values against a sample of the older ones in the window by the two-sample
// Kolmogorov–Smirnov test, so that any change of the distribution shows, not only of the mean. Raab,
// Heusinger & Schleif 2020, doi:10.1016/j.neucom.2019.11.111; exact p-value for equal sizes by Gnedenko &
// Korolyuk 1951.
import { Rng } from '../../core/rng.ts';
import {
  checkOption,
  type Detector,
  detectorKind,
  isGap,
  readHeader,
  readNumbers,
  writeHeader,
  writeNumbers,
} from './detector.ts';

export interface KswinOptions {
  /** Values in the window, 20 … 100,000. */
  window?: number;
  /** Newest values tested, and older ones drawn, 5 … window / 2. */
  recent?: number;
  /** At a p-value this small the window is cut back to its newest values, in [0, 0.5]. */
  alpha?: number;
  /** Seed of the draws. */
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

  constructor(options: KswinOptions = {}) {
    this.window = checkOption('window', options.window ?? 200, 20, 100_000);
    this.recent = checkOption('recent', options.recent ?? 40, 5, this.window / 2);
    this.alpha = checkOption('alpha', options.alpha ?? 1e-5, 0, 0.5);
    this.seed = options.seed ?? 1;
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
    const writer = writeHeader(detectorKind.kswin, this.values.length + 16)
      .u32(this.window)
      .u32(this.recent)
      .f64(this.alpha);
    return writeNumbers(writer.f64(this.seed).f64(this.seen), this.values).finish();
  }

  static deserialize(bytes: Uint8Array): Kswin {
    const reader = readHeader(bytes, detectorKind.kswin);
    const [window, recent, alpha, seed] = [reader.u32(), reader.u32(), reader.f64(), reader.f64()];
    const kswin = new Kswin({ window, recent, alpha, seed });
    kswin.seen = reader.f64();
    kswin.values = readNumbers(reader);
    return kswin;
  }
}
