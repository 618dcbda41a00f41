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
export const percentile = (values: Float64Array, share: number): number =>
  values.slice().sort()[Math.min(values.length - 1, Math.ceil(share * values.length) - 1)]!;

/** A non-decreasing function of an item's place in sorted order, 0 … n − 1. */
const valueAt: Record<QuantileInput, (place: number, n: number) => number> = {
  shuffled: place => place,
  sorted: place => place,
  // Twenty values of which the first has half of the items, the next a quarter, …: plateaus everywhere.
  duplicates: (place, n) => Math.min(20, Math.floor(-Math.log2(1 - place / n))),
  pareto: (place, n) => n / (n - place - 0.5),
};

const chunkLength = 8192;
const feistelRounds = 4;

/**
 * Hands every place 0 … n − 1 once to `visit`, in chunks and in an order that `rng` decides: a Feistel network permutes a square domain
 * (Luby and Rackoff 1988), of which the places below n are taken. Unlike shuffling an array it stays in the processor's cache.
 */
export function visitShuffled(n: number, rng: Rng, visit: (places: Float64Array) => void): void {
  const halfBits = Math.max(1, Math.ceil(Math.log2(n) / 2));
  const shift = 32 - halfBits;
  const mask = 2 ** halfBits - 1;
  const keys = Int32Array.from({ length: feistelRounds }, () => rng.uint32());
  const chunk = new Float64Array(chunkLength);
  let filled = 0;
  for (let i = 0; i < 4 ** halfBits; i++) {
    let left = i >>> halfBits;
    let right = i & mask;
    for (let round = 0; round < feistelRounds; round++) {
      let mixed = Math.imul(right + keys[round]!, 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
      const next = left ^ (mixed >>> shift);
      left = right;
      right = next;
    }
    const place = left * (mask + 1) + right;
    if (place >= n) continue;
    chunk[filled++] = place;
    if (filled === chunkLength) {
      visit(chunk);
      filled = 0;
    }
  }
  if (filled > 0) visit(chunk.subarray(0, filled));
}

function visitSorted(n: number, visit: (places: Float64Array) => void): void {
  for (let from = 0; from < n; from += chunkLength) {
    visit(Float64Array.from({ length: Math.min(chunkLength, n - from) }, (_, i) => from + i));
  }
}

/**
 * Rank errors of KLL K 200 over streams of n items, queried both ways at 199 ranks. A quantile errs by the distance of its rank from the
 * span of ranks that its value has; a rank by its distance from the true one. Every trial draws its own order and coins.
 */
export function rankErrors(input: QuantileInput, n: number, trials: number, seed: number): RankErrors {
  // Each kind of input takes its own part of the generator, or Pareto would repeat the shuffled trials, rank for rank.
  const rng = new Rng(seed * 4 + quantileInputs.indexOf(input));
  const valueFor = valueAt[input];
  const ranks = Array.from({ length: 199 }, (_, i) => (i + 1) / 200);
  const queries = new Float64Array(trials * ranks.length * 2);
  const largest = new Float64Array(trials);
  for (let trial = 0; trial < trials; trial++) {
    const sketch = new KllDoubles(200, rng.fork());
    const take = (places: Float64Array): void => {
      for (let i = 0; i < places.length; i++) places[i] = valueFor(places[i]!, n);
      sketch.updateColumn(places);
    };
    if (input === 'sorted') visitSorted(n, take);
    else visitShuffled(n, rng, take);
    const found = sketch.quantile(ranks);
    ranks.forEach((rank, i) => {
      const value = found[i]!;
      const above = itemsBelow(valueFor, n, value, true) / n;
      const ofQuantile = Math.max(0, itemsBelow(valueFor, n, value, false) / n - rank, rank - above);
      const asked = valueFor(Math.floor(rank * n), n);
      const ofRank = Math.abs(sketch.rank(asked) - itemsBelow(valueFor, n, asked, true) / n);
      const at = (trial * ranks.length + i) * 2;
      queries[at] = ofQuantile;
      queries[at + 1] = ofRank;
      largest[trial] = Math.max(largest[trial]!, ofQuantile, ofRank);
    });
  }
  return { queries, largest };
}

/** How many of the n items are below `value`, or not above it where `isInclusive`. */
function itemsBelow(
  valueFor: (place: number, n: number) => number,
  n: number,
  value: number,
  isInclusive: boolean,
): number {
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
