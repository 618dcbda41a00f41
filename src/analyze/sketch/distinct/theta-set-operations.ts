// Union, intersection, difference and similarity of Theta sketches. Of all thetas the smallest holds: below it every sketch is
// a complete sample, so there the operation on hashes is the operation on sets.
import type { Bounds } from './hyperloglog.ts';
import { CompactTheta, ThetaSketch } from './theta.ts';
import { thetaMax } from './theta-hashes.ts';

function smallerTheta(a: CompactTheta, b: CompactTheta): bigint {
  if (a.thetaInteger < b.thetaInteger) return a.thetaInteger;
  return b.thetaInteger;
}

/** The sketch of the items in any of the sets. Error at most 1/√(k − 1). */
export function thetaUnion(sketches: readonly CompactTheta[], lgK = 12): CompactTheta {
  const union = new ThetaSketch(lgK);
  for (const sketch of sketches) union.merge(sketch);
  return union.compact(true);
}

/**
 * The sketch of the items in both sets. Its relative error grows as the intersection shrinks against the union: about
 * √(union/intersection)/√k; `bounds` says how much.
 */
export function thetaIntersection(a: CompactTheta, b: CompactTheta): CompactTheta {
  if (a.isEmpty || b.isEmpty) return nothing();
  const theta = smallerTheta(a, b);
  const hashes = new BigUint64Array(Math.min(a.retained, b.retained));
  let count = 0;
  for (let i = 0, j = 0; i < a.retained && j < b.retained; ) {
    const left = a.hashes[i]!;
    const right = b.hashes[j]!;
    if (left >= theta || right >= theta) break;
    if (left === right) hashes[count++] = left;
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return result(theta, hashes.slice(0, count));
}

/** The sketch of the items in `a` that are not in `b`. */
export function thetaDifference(a: CompactTheta, b: CompactTheta): CompactTheta {
  if (a.isEmpty || b.isEmpty) return a;
  const theta = smallerTheta(a, b);
  const without = new Set(b.hashes);
  return result(
    theta,
    a.hashes.filter(hash => hash < theta && !without.has(hash)),
  );
}

/**
 * Jaccard similarity |a ∩ b|/|a ∪ b|, with bounds at the standard deviations given (normal interval of a share of the k hashes of
 * the union); 1 for two empty sets.
 */
export function thetaSimilarity(
  a: CompactTheta,
  b: CompactTheta,
  standardDeviations: 1 | 2 | 3 = 2,
  lgK = 12,
): Bounds {
  if (a.isEmpty && b.isEmpty) return { lower: 1, estimate: 1, upper: 1 };
  const union = thetaUnion([a, b], lgK);
  const both = thetaIntersection(thetaIntersection(a, b), union);
  const sampled = union.retained;
  const shared = both.hashes.filter(hash => hash < union.thetaInteger).length;
  const estimate = sampled === 0 ? 0 : shared / sampled;
  if (union.theta === 1) return { lower: estimate, estimate, upper: estimate };
  if (sampled === 0) return { lower: 0, estimate, upper: 1 };
  const z2 = standardDeviations ** 2;
  const middle = (estimate + z2 / (2 * sampled)) / (1 + z2 / sampled);
  const half =
    (standardDeviations / (1 + z2 / sampled)) *
    Math.sqrt((estimate * (1 - estimate)) / sampled + z2 / (4 * sampled ** 2));
  return { lower: Math.max(0, middle - half), estimate, upper: Math.min(1, middle + half) };
}

const nothing = (): CompactTheta =>
  new CompactTheta({ theta: thetaMax, hashes: new BigUint64Array(0), isEmpty: true });

const result = (theta: bigint, hashes: BigUint64Array): CompactTheta =>
  // With every hash kept, an empty result is known to be the empty set.
  new CompactTheta({ theta, hashes, isEmpty: theta === thetaMax && hashes.length === 0 });
