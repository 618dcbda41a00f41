// Bounds for a share seen in a uniform sample: Wilson's score interval (Wilson 1927), narrowed by the finite population.

/**
 * Of `sampled` items drawn without replacement from `population`, `found` had a property: the estimated number in the
 * population with its interval at `deviations` standard deviations. Exact where all were sampled.
 */
export function wilsonBounds(
  found: number,
  sampled: number,
  population: number,
  deviations: number,
): { lower: number; estimate: number; upper: number } {
  if (sampled === 0) return { lower: 0, estimate: 0, upper: 0 };
  const share = found / sampled;
  const estimate = share * population;
  if (sampled >= population) return { lower: estimate, estimate, upper: estimate };
  const correction = (population - sampled) / Math.max(1, population - 1);
  const z2 = deviations * deviations * correction;
  const middle = (share + z2 / (2 * sampled)) / (1 + z2 / sampled);
  const half =
    (Math.sqrt(z2) / (1 + z2 / sampled)) *
    Math.sqrt((share * (1 - share)) / sampled + z2 / (4 * sampled * sampled));
  // What was seen is certain: found items have the property, the other sampled ones lack it.
  return {
    lower: Math.max(found, (middle - half) * population),
    estimate,
    upper: Math.min(population - (sampled - found), (middle + half) * population),
  };
}
