// Test support: trials that measure the errors of distinct counters against the published ones, for the quick and the long form of
// the proof alike. Hashes are drawn at random, since a good hash of distinct items is nothing else.
import { Rng } from '../../../core/rng.ts';
import { couponValue } from '../distinct/hll-coupons.ts';
import { HyperLogLog } from '../distinct/hyperloglog.ts';
import { ThetaSketch } from '../distinct/theta.ts';

/** Sums of relative errors: their mean is the bias, their root mean square the relative standard error. */
export class RelativeErrors {
  trials = 0;
  private sum = 0;
  private squares = 0;
  private inBounds = 0;

  add(estimate: number, truth: number, bounds: { lower: number; upper: number }): void {
    const error = estimate / truth - 1;
    this.trials++;
    this.sum += error;
    this.squares += error * error;
    if (bounds.lower <= truth && truth <= bounds.upper) this.inBounds++;
  }

  get bias(): number {
    return this.sum / this.trials;
  }
  get rse(): number {
    return Math.sqrt(this.squares / this.trials);
  }
  /** Share of trials in which the bounds held the truth. */
  get coverage(): number {
    return this.inBounds / this.trials;
  }
}

export const distinctKinds = ['HLL lgK 12', 'HLL lgK 14', 'HLL lgK 12, 4 merged', 'Theta K 4096'] as const;
export type DistinctKind = (typeof distinctKinds)[number];

/** Published relative standard errors, as shares. */
export const publishedErrors: Record<DistinctKind, number> = {
  'HLL lgK 12': 0.013,
  'HLL lgK 14': 0.0081,
  'HLL lgK 12, 4 merged': 0.0162,
  'Theta K 4096': 0.0156,
};

/**
 * Counts streams of distinct items in several sketches at once and looks at them whenever one of `sizes` (ascending) items came, in as many
 * trials; errors by kind and size.
 */
export function distinctErrors(
  sizes: readonly number[],
  trials: number,
  seed: number,
): Map<string, RelativeErrors> {
  const errors = new Map<string, RelativeErrors>();
  const rng = new Rng(seed);
  const note = (kind: DistinctKind, n: number, sketch: HyperLogLog | ThetaSketch): void => {
    const key = `${kind} ${n}`;
    const found = errors.get(key) ?? new RelativeErrors();
    errors.set(key, found);
    const bounds = sketch.bounds(2);
    found.add(bounds.estimate, n, bounds);
  };
  for (let trial = 0; trial < trials; trial++) {
    const small = new HyperLogLog(12);
    const large = new HyperLogLog(14);
    const parts = [0, 1, 2, 3].map(() => new HyperLogLog(12));
    const theta = new ThetaSketch(12);
    let n = 0;
    for (const size of sizes) {
      for (; n < size; n++) {
        const h1Low = rng.uint32();
        const h2High = rng.uint32();
        // The low half of h2 counts only where the high one is zero; then any bits will do.
        const coupon = ((couponValue(h1Low ^ 0x5bd1e995, h2High) << 26) | (h1Low & 0x3ffffff)) >>> 0;
        small.updateCoupon(coupon);
        large.updateCoupon(coupon);
        parts[n & 3]!.updateCoupon(coupon);
        // h2 is independent of h1, so it can stand in for the half of it that is not an address.
        theta.updateHash(h1Low, h2High);
      }
      const merged = new HyperLogLog(12);
      for (const part of parts) merged.merge(part);
      note('HLL lgK 12', n, small);
      note('HLL lgK 14', n, large);
      note('HLL lgK 12, 4 merged', n, merged);
      note('Theta K 4096', n, theta);
    }
  }
  return errors;
}

/**
 * Errors of merged dense sketches of lgK 12 in many trials at no cost: after n items the registers are as good as independent, each at most v
 * with chance e^(−n/k · 2^−v), so they are drawn outright and read as the bytes of a merged sketch.
 */
export function mergedDenseErrors(n: number, trials: number, seed: number): RelativeErrors {
  const rng = new Rng(seed);
  const k = 4096;
  const bytes = new Uint8Array(40 + k);
  // Preamble of a dense HLL_8 that is out of order.
  bytes.set([10, 1, 7, 12, 0, 16, 0, 10]);
  const errors = new RelativeErrors();
  for (let trial = 0; trial < trials; trial++) {
    for (let i = 0; i < k; i++) {
      const value = Math.ceil(Math.log2(n / k / rng.exponential()));
      bytes[40 + i] = Math.min(63, Math.max(0, value));
    }
    const sketch = HyperLogLog.deserialize(bytes);
    errors.add(sketch.estimate(), n, sketch.bounds(2));
  }
  return errors;
}
