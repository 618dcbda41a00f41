// Test support: trials that measure the errors of sketches against their published bounds, for the quick and the long form of the
// proof alike. Hashes are drawn at random, since a good hash of distinct items is nothing else.
import { Rng } from '../../../core/rng.ts';
import { couponValue } from '../distinct/hll-coupons.ts';
import { HyperLogLog } from '../distinct/hyperloglog.ts';
import { ThetaSketch } from '../distinct/theta.ts';
import { CountMin } from '../frequency/count-min.ts';
import { FrequentStrings } from '../frequency/frequent-items.ts';
import { murmurText } from '../murmur.ts';
import { KllDoubles } from '../quantile/kll.ts';
import { zipfDraws } from './zipf.ts';

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

export const quantileInputs = ['shuffled', 'sorted', 'duplicates', 'pareto'] as const;
export type QuantileInput = (typeof quantileInputs)[number];

/** Rank errors of one kind of input: of each query, and the largest of each trial. */
export interface RankErrors {
  queries: Float64Array;
  largest: Float64Array;
}

/** The value at which `share` of the numbers are not larger. */
export const percentile = (values: Float64Array, share: number): number =>
  values.slice().sort()[Math.min(values.length - 1, Math.ceil(share * values.length) - 1)]!;

/** A non-decreasing function of an item's place in sorted order, 0 … n − 1. */
const valueAt: Record<QuantileInput, (place: number, n: number) => number> = {
  shuffled: place => place,
  sorted: place => place,
  // Twenty values of which the first has half of the items, the next a quarter, …: plateaus everywhere.
  duplicates: (place, n) => Math.min(20, Math.floor(-Math.log2(1 - place / n))),
  pareto: (place, n) => (1 - (place + 0.5) / n) ** -1,
};

/**
 * Rank errors of KLL K 200 over streams of n items, queried both ways at 199 ranks. A quantile errs by the distance of its rank from the
 * span of ranks that its value has; a rank by its distance from the true one.
 */
export function rankErrors(input: QuantileInput, n: number, trials: number, seed: number): RankErrors {
  const rng = new Rng(seed);
  const ranks = Array.from({ length: 199 }, (_, i) => (i + 1) / 200);
  const sorted = Float64Array.from({ length: n }, (_, place) => valueAt[input](place, n));
  const queries = new Float64Array(trials * ranks.length * 2);
  const largest = new Float64Array(trials);
  const stream = sorted.slice();
  for (let trial = 0; trial < trials; trial++) {
    if (input !== 'sorted') shuffle(stream, rng);
    const sketch = new KllDoubles(200, rng.fork());
    sketch.updateColumn(stream);
    const found = sketch.quantile(ranks);
    ranks.forEach((rank, i) => {
      const value = found[i]!;
      const above = lowerBound(sorted, value, true) / n;
      const ofQuantile = Math.max(0, lowerBound(sorted, value, false) / n - rank, rank - above);
      const asked = sorted[Math.floor(rank * n)]!;
      const ofRank = Math.abs(sketch.rank(asked) - lowerBound(sorted, asked, true) / n);
      const at = (trial * ranks.length + i) * 2;
      queries[at] = ofQuantile;
      queries[at + 1] = ofRank;
      largest[trial] = Math.max(largest[trial]!, ofQuantile, ofRank);
    });
  }
  return { queries, largest };
}

function shuffle(values: Float64Array, rng: Rng): void {
  for (let i = values.length - 1; i > 0; i--) {
    const j = rng.below(i + 1);
    const value = values[i]!;
    values[i] = values[j]!;
    values[j] = value;
  }
}

/** How many of the sorted numbers are below `value`, or not above it where `isInclusive`. */
function lowerBound(sorted: Float64Array, value: number, isInclusive: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value || (isInclusive && sorted[middle]! === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Violations of bounds, and how close they came. */
export interface FrequencyErrors {
  frequentViolations: number;
  /** errorMax over n, to be compared with epsilon. */
  frequentError: number;
  countMinViolations: number;
  /** The largest overestimate over n, to be compared with epsilon. */
  countMinError: number;
  epsilons: { frequent: number; countMin: number };
}

/** Feeds a Zipf stream of n items over `universe` distinct ones to FrequentStrings(1024) and CountMin(2048, 5) and checks every item. */
export function frequencyErrors(
  exponent: number,
  n: number,
  universe: number,
  seed: number,
): FrequencyErrors {
  const draw = zipfDraws(new Rng(seed), universe, exponent);
  const names = Array.from({ length: universe }, (_, i) => `item ${i} of ${seed}`);
  const hashes = new Uint32Array(universe * 4);
  names.forEach((name, i) => {
    murmurText(name, hashes.subarray(i * 4, i * 4 + 4));
  });
  const truth = new Float64Array(universe);
  const frequent = new FrequentStrings(1024);
  const countMin = new CountMin(2048, 5);
  for (let i = 0; i < n; i++) {
    const item = draw();
    truth[item]!++;
    frequent.update(names[item]!);
    const at = item * 4;
    countMin.updateHash(hashes[at]!, hashes[at + 1]!, hashes[at + 2]!, hashes[at + 3]!);
  }
  const errors: FrequencyErrors = {
    frequentViolations: frequent.errorMax > frequent.epsilon * n ? 1 : 0,
    frequentError: frequent.errorMax / n,
    countMinViolations: 0,
    countMinError: 0,
    epsilons: { frequent: frequent.epsilon, countMin: countMin.epsilon },
  };
  truth.forEach((weight, item) => {
    const bounds = frequent.bounds(names[item]!);
    if (weight < bounds.lower || weight > bounds.upper) errors.frequentViolations++;
    const at = item * 4;
    const over =
      countMin.estimateHash(hashes[at]!, hashes[at + 1]!, hashes[at + 2]!, hashes[at + 3]!) - weight;
    if (over < 0 || over > countMin.epsilon * n) errors.countMinViolations++;
    errors.countMinError = Math.max(errors.countMinError, over / n);
  });
  return errors;
}
