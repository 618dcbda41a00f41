// Test support: trials that measure the rank error of KLL against its published bound, for the quick and the long form of the proof
// alike. A stream is made item by item from the places its items have in sorted order, so that true ranks follow from arithmetic
// and ten million items take no memory.
import { Rng } from '../../../core/rng.ts';
import { KllDoubles } from '../quantile/kll.ts';

export const quantileInputs = ['shuffled', 'sorted', 'duplicates', 'pareto'] as const;
export type QuantileInput = (typeof quantileInputs)[number];

/** Rank errors of one kind of input: of each query, and the largest of each trial. */
export interface RankErrors {
  queries: Float64Array;
  largest: Float64Array;
}

/** The value at which `share` of the numbers are not larger. */
export const percentile = (values: ArrayLike<number>, share: number): number =>
  Float64Array.from(values).sort()[Math.min(values.length - 1, Math.ceil(share * values.length) - 1)]!;

type ValueAt = (place: number, n: number) => number;

/** A non-decreasing function of an item's place in sorted order, 0 … n − 1. */
const valueAt: Record<QuantileInput, ValueAt> = {
  shuffled: place => place,
  sorted: place => place,
  // Twenty values of which the first has half of the items, the next a quarter, …: plateaus everywhere.
  duplicates: (place, n) => Math.min(20, 31 - Math.clz32(n / (n - place))),
  pareto: (place, n) => n / (n - place - 0.5),
};

/** Ranks that a sketch is asked for. */
const asked = Array.from({ length: 199 }, (_, i) => (i + 1) / 200);

const chunkLength = 8192;
const feistelRounds = 4;

/**
 * Hands every place 0 … n − 1 once to `visit`, in chunks and in an order that `rng` decides: a Feistel network (Luby and Rackoff 1988) over
 * pairs of digits in base ⌈√n⌉ permutes the least square number ≥ n, of which the places below n are taken. Unlike a shuffled array it
 * stays in the processor's cache.
 */
export function visitShuffled(n: number, rng: Rng, visit: (places: Float64Array) => void): void {
  const base = Math.ceil(Math.sqrt(n));
  const perUnit = base / 4294967296;
  const keys = Int32Array.from({ length: feistelRounds }, () => rng.uint32());
  const chunk = new Float64Array(chunkLength);
  let filled = 0;
  for (let high = 0; high < base; high++) {
    for (let low = 0; low < base; low++) {
      let left = high;
      let right = low;
      for (let round = 0; round < feistelRounds; round++) {
        let mixed = Math.imul(right + keys[round]!, 0x85ebca6b);
        mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
        mixed ^= mixed >>> 16;
        const sum = left + Math.floor((mixed >>> 0) * perUnit);
        left = right;
        right = sum >= base ? sum - base : sum;
      }
      const place = left * base + right;
      if (place >= n) continue;
      chunk[filled++] = place;
      if (filled === chunkLength) {
        visit(chunk);
        filled = 0;
      }
    }
  }
  if (filled > 0) visit(chunk.subarray(0, filled));
}

function visitSorted(n: number, visit: (places: Float64Array) => void): void {
  const chunk = new Float64Array(chunkLength);
  for (let from = 0; from < n; from += chunkLength) {
    const length = Math.min(chunkLength, n - from);
    for (let i = 0; i < length; i++) chunk[i] = from + i;
    visit(chunk.subarray(0, length));
  }
}

/**
 * Rank errors of KLL K 200 over streams of n items, queried both ways at 199 ranks, for each kind of input. A quantile errs by the distance
 * of its rank from the span of ranks that its value has; a rank by its distance from the true one. Every trial draws a new order, which
 * the three unsorted inputs share, and every sketch its own coins.
 */
export function rankErrors(n: number, trials: number, seed: number): Record<QuantileInput, RankErrors> {
  const rng = new Rng(seed);
  const perTrial = asked.length * 2;
  const errors = Object.fromEntries(
    quantileInputs.map(input => [
      input,
      { queries: new Float64Array(trials * perTrial), largest: new Float64Array(trials) },
    ]),
  ) as Record<QuantileInput, RankErrors>;
  const values = new Float64Array(chunkLength);
  for (let trial = 0; trial < trials; trial++) {
    const sketches = quantileInputs.map(() => new KllDoubles(200, rng.fork()));
    const show = (input: QuantileInput, places: Float64Array): void => {
      const valueFor = valueAt[input];
      for (let i = 0; i < places.length; i++) values[i] = valueFor(places[i]!, n);
      sketches[quantileInputs.indexOf(input)]!.updateColumn(values, undefined, places.length);
    };
    visitShuffled(n, rng, places => {
      for (const input of quantileInputs) if (input !== 'sorted') show(input, places);
    });
    visitSorted(n, places => show('sorted', places));
    quantileInputs.forEach((input, i) => {
      const found = rankErrorsOf(sketches[i]!, valueAt[input], n);
      errors[input].queries.set(found, trial * perTrial);
      errors[input].largest[trial] = found.reduce((most, error) => Math.max(most, error));
    });
  }
  return errors;
}

/** The errors of a quantile and of a rank at each of the ranks asked for. */
function rankErrorsOf(sketch: KllDoubles, valueFor: ValueAt, n: number): Float64Array {
  const errors = new Float64Array(asked.length * 2);
  const found = sketch.quantile(asked);
  asked.forEach((rank, i) => {
    const value = found[i]!;
    const above = itemsBelow(valueFor, n, value, true) / n;
    errors[2 * i] = Math.max(0, itemsBelow(valueFor, n, value, false) / n - rank, rank - above);
    const item = valueFor(Math.floor(rank * n), n);
    errors[2 * i + 1] = Math.abs(sketch.rank(item) - itemsBelow(valueFor, n, item, true) / n);
  });
  return errors;
}

/** How many of the n items are below `value`, or not above it where `isInclusive`. */
function itemsBelow(valueFor: ValueAt, n: number, value: number, isInclusive: boolean): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const there = valueFor(middle, n);
    if (there < value || (isInclusive && there === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}
