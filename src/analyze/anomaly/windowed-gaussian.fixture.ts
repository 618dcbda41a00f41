// NAB's baseline detector, the tail of a normal distribution over a sliding window, written anew from its
// description so that the scorer can be checked end to end against the published score without the stored
// rows.
import erfc from '@stdlib/math-base-special-erfc';

const windowSize = 6400;
const stepSize = 100;

export function windowedGaussianScores(values: Float64Array): Float64Array {
  const scores = new Float64Array(values.length);
  let first = 0;
  let end = 0;
  let mean = 0;
  let deviation = 1;
  let squares = 0;
  const grow = (value: number): void => {
    end++;
    const before = value - mean;
    mean += before / end;
    squares += before * (value - mean);
  };
  const slide = (): void => {
    end += stepSize;
    first += stepSize;
    mean = 0;
    squares = 0;
    for (let i = first; i < end; i++) mean += values[i]! / windowSize;
    for (let i = first; i < end; i++) squares += (values[i]! - mean) ** 2;
  };
  values.forEach((value, i) => {
    if (end > 0) scores[i] = 1 - 0.5 * erfc(Math.abs(value - mean) / deviation / Math.SQRT2);
    if (end - first < windowSize) grow(value);
    else if (i + 1 - end === stepSize) slide();
    deviation = Math.sqrt(squares / (end - first)) || 0.000001;
  });
  return scores;
}
