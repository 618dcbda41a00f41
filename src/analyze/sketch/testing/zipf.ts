// Test support: seeded Zipf streams, in which item i has a share proportional to 1/i^exponent. Not part of the library.
import type { Rng } from '../../../core/rng.ts';

/** Draws items 0, 1, … of a Zipf distribution by Walker's alias method: O(1) a draw. */
export function zipfDraws(rng: Rng, items: number, exponent: number): () => number {
  const shares = Float64Array.from({ length: items }, (_, i) => (i + 1) ** -exponent);
  const total = shares.reduce((sum, share) => sum + share, 0);
  const keep = shares.map(share => (share * items) / total);
  const alias = new Uint32Array(items);
  const small: number[] = [];
  const large: number[] = [];
  keep.forEach((share, i) => {
    (share < 1 ? small : large).push(i);
  });
  while (small.length > 0 && large.length > 0) {
    const under = small.pop()!;
    const over = large.pop()!;
    alias[under] = over;
    keep[over]! -= 1 - keep[under]!;
    (keep[over]! < 1 ? small : large).push(over);
  }
  for (const i of small) keep[i] = 1;
  for (const i of large) keep[i] = 1;
  const perUnit = items / 4294967296;
  for (let i = 0; i < items; i++) keep[i]! *= 4294967296;
  return () => {
    // Scaling 32 bits favours no item by more than items/2³² of its share, and costs no division.
    const slot = Math.floor(rng.uint32() * perUnit);
    return rng.uint32() < keep[slot]! ? slot : alias[slot]!;
  };
}
