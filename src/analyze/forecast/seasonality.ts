// Is there a season, and what does it look like? The autocorrelation test and the classical decomposition by
// a centred moving average, as the M4 competition used them. Makridakis, Spiliotis & Assimakopoulos 2020,
// doi:10.1016/j.ijforecast.2019.04.014.

/** Autocorrelations at lags 0 … lagMax. */
export function autocorrelation(values: ArrayLike<number>, lagMax: number): Float64Array {
  const n = values.length;
  let mean = 0;
  for (let i = 0; i < n; i++) mean += values[i]! / n;
  const sums = new Float64Array(lagMax + 1);
  for (let lag = 0; lag <= lagMax; lag++) {
    for (let i = lag; i < n; i++) sums[lag]! += (values[i]! - mean) * (values[i - lag]! - mean);
  }
  return sums.map(sum => (sums[0] === 0 ? 0 : sum / sums[0]!));
}

/** Whether the autocorrelation at `period` is significant at 90 %; false below three periods. M4's test. */
export function isSeasonal(values: ArrayLike<number>, period: number): boolean {
  if (period < 2 || values.length < 3 * period) return false;
  const r = autocorrelation(values, period);
  let squares = 0;
  for (let lag = 1; lag < period; lag++) squares += r[lag]! * r[lag]!;
  return Math.abs(r[period]!) > 1.645 * Math.sqrt((1 + 2 * squares) / values.length);
}

/**
 * Seasonal indices by position (value i has index i mod period): additive ones sum to 0, multiplicative ones
 * average 1. Needs two periods; multiplicative needs positive values.
 */
export function seasonalIndices(
  values: ArrayLike<number>,
  period: number,
  multiplicative: boolean,
): Float64Array {
  const n = values.length;
  const half = period >> 1;
  const sums = new Float64Array(period);
  const counts = new Float64Array(period);
  for (let i = half; i < n - half; i++) {
    let trend = 0;
    // For an even period the two ends count half, so that the average is centred.
    for (let j = -half; j <= half; j++) {
      const weight = period % 2 === 0 && Math.abs(j) === half ? 0.5 : 1;
      trend += (weight * values[i + j]!) / period;
    }
    sums[i % period]! += multiplicative ? values[i]! / trend : values[i]! - trend;
    counts[i % period]!++;
  }
  const raw = sums.map((sum, i) => (counts[i]! > 0 ? sum / counts[i]! : multiplicative ? 1 : 0));
  const mean = raw.reduce((sum, x) => sum + x, 0) / period;
  return raw.map(x => (multiplicative ? x / mean : x - mean));
}
