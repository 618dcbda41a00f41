// The public sketches. An explicit list: what is not here is not part of the library.

export { CpcEstimate } from './distinct/cpc.ts';
export type { HllKind } from './distinct/hll-bytes.ts';
export type { Bounds } from './distinct/hyperloglog.ts';
export { HyperLogLog } from './distinct/hyperloglog.ts';
export { CompactTheta, ThetaSketch, thetaBounds } from './distinct/theta.ts';
export {
  thetaDifference,
  thetaIntersection,
  thetaSimilarity,
  thetaUnion,
} from './distinct/theta-set-operations.ts';
export { CountMin, countMinSize } from './frequency/count-min.ts';
export { DyadicCountMin } from './frequency/dyadic-count-min.ts';
export type { FrequentItem } from './frequency/frequent-items.ts';
export { FrequentItems, FrequentLongs, FrequentStrings } from './frequency/frequent-items.ts';
export { SpaceSaving } from './frequency/space-saving.ts';
export type { ItemCodec } from './item-codec.ts';
export { doubleCodec, floatCodec, jsonCodec, longCodec, stringCodec } from './item-codec.ts';
export { bloomSize } from './membership/bit-filter.ts';
export { BlockedBloomFilter } from './membership/blocked-bloom.ts';
export { BloomFilter } from './membership/bloom.ts';
export { CountingBloomFilter } from './membership/counting-bloom.ts';
export type { MergeableSketch } from './mergeable-sketch.ts';
export type { Hashable } from './murmur.ts';
export { murmurBytes, murmurItem, murmurText } from './murmur.ts';
export { DDSketch } from './quantile/ddsketch.ts';
export type { CumulativeItems } from './quantile/kll.ts';
export { KllDoubles, KllFloats, KllLongs, KllSketch, KllStrings, kllRankError } from './quantile/kll.ts';
export { TDigest } from './quantile/tdigest.ts';
export type { DistinctItem } from './sampling/distinct-sample.ts';
export { DistinctSample } from './sampling/distinct-sample.ts';
export { Reservoir, ReservoirDoubles, ReservoirLongs, ReservoirStrings } from './sampling/reservoir.ts';
export { TimeDecayedSample, WeightedSample } from './sampling/weighted-sample.ts';
