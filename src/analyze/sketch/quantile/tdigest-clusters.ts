// The clustering under t-digest: sorted values with weights become fewer centroids, small at the ends and large in the
// middle. Dunning and Ertl, "Computing extremely accurate quantiles using t-digests" (2019): the merging form with
// scale function k₂, in the order of operations of DataSketches, so that equal histories give equal centroids.

export interface Clusters {
  means: Float64Array;
  weights: Float64Array;
}

/** Sorted values of weight one and sorted clusters, as one sorted run; at ties the single values come first. */
export function interleave(values: Float64Array, clusters: Clusters): Clusters {
  const count = values.length + clusters.means.length;
  const means = new Float64Array(count);
  const weights = new Float64Array(count);
  let value = 0;
  let cluster = 0;
  for (let to = 0; to < count; to++) {
    const isValue =
      cluster === clusters.means.length ||
      (value < values.length && values[value]! <= clusters.means[cluster]!);
    means[to] = isValue ? values[value]! : clusters.means[cluster]!;
    weights[to] = isValue ? 1 : clusters.weights[cluster]!;
    if (isValue) value++;
    else cluster++;
  }
  return { means, weights };
}

/** The share of n that a centroid at rank q may hold: q(1 − q)·(4·ln(n/2k) + 24)/2k. */
export function centroidShareMax(q: number, k: number, n: number): number {
  return (q * (1 - q)) / scaleNormalizer(k, n);
}

const scaleNormalizer = (k: number, n: number): number => (2 * k) / (4 * Math.log(n / (2 * k)) + 24);

/**
 * Clusters a sorted run of total weight n into at most `capacity` centroids, from the top down where `isReversed`: alternating
 * directions keeps the ends alike. The first and last values stay alone.
 */
export function cluster(
  run: Clusters,
  n: number,
  k: number,
  isReversed: boolean,
  capacity: number,
): Clusters {
  const count = run.means.length;
  const normalizer = scaleNormalizer(k, n);
  const at = (i: number): number => (isReversed ? count - 1 - i : i);
  const means = new Float64Array(count);
  const weights = new Float64Array(count);
  let last = 0;
  means[0] = run.means[at(0)]!;
  weights[0] = run.weights[at(0)]!;
  let before = 0;
  for (let i = 1; i < count; i++) {
    const mean = run.means[at(i)]!;
    const weight = run.weights[at(i)]!;
    const proposed = weights[last]! + weight;
    const q0 = before / n;
    const q2 = (before + proposed) / n;
    const isInner = i !== 1 && i !== count - 1;
    const limit = n * Math.min((q0 * (1 - q0)) / normalizer, (q2 * (1 - q2)) / normalizer);
    if ((isInner && proposed <= limit) || last === capacity - 1) {
      weights[last] = proposed;
      means[last] = mergedMean(means[last]!, mean, weight, proposed);
    } else {
      before += weights[last]!;
      last++;
      means[last] = mean;
      weights[last] = weight;
    }
  }
  const clustered = { means: means.slice(0, last + 1), weights: weights.slice(0, last + 1) };
  if (isReversed) {
    clustered.means.reverse();
    clustered.weights.reverse();
  }
  return clustered;
}

function mergedMean(mean: number, value: number, weight: number, total: number): number {
  const merged = mean + ((value - mean) * weight) / total;
  // The difference of two huge values overflows where their average does not.
  return Number.isFinite(merged) ? merged : mean * ((total - weight) / total) + value * (weight / total);
}
