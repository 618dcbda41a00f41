// The rate a score states, counted. The long form has more streams: false-alarm.long.test.ts.
import { expect, test } from 'vitest';
import { detectors, falseAlarmShares, streams } from './false-alarm.fixture.ts';

const rate = 0.01;
const size = { runs: 5, length: 2000, seed: 77 };

// Shares of neighbouring values are correlated, in the charts most; a half more than stated is within four
// deviations.
test.each(Object.keys(detectors))('%s alarms no oftener than its score says on white noise', name => {
  const [share] = falseAlarmShares(detectors[name]!, streams['white noise']!, [rate], size);
  expect(share).toBeLessThan(1.5 * rate);
});

test('detectors that claim a rate and not only a bound come near it on white noise', () => {
  for (const name of ['RobustZ', 'EwmaChart', 'Cusum', 'PageHinkley', 'SeasonalBaseline', 'HalfSpaceTrees']) {
    const [share] = falseAlarmShares(detectors[name]!, streams['white noise']!, [rate], size);
    expect(share, name).toBeGreaterThan(0.5 * rate);
  }
});

test.each(Object.keys(streams))('the combined detector keeps its rate on: %s', name => {
  const [share] = falseAlarmShares(detectors['CombinedDetector']!, streams[name]!, [rate], {
    ...size,
    runs: 3,
  });
  expect(share).toBeLessThan(1.5 * rate);
});
