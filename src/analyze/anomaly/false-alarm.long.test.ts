// The table of docs/detection.md: share of false alarms at three stated rates on six streams without
// anomalies.
import { expect, test } from 'vitest';
import { detectors, falseAlarmShares, streams } from './false-alarm.fixture.ts';

const runs = Number(process.env['MILLRACE_ROUNDS'] ?? 40);
const seed = Number(process.env['MILLRACE_SEED'] ?? 1);
const rates = [0.01, 0.001, 0.0001];

/** What each detector assumes of a stream, so which of them its rate must hold on. */
const holdsOn: Record<string, readonly string[]> = {
  RobustZ: ['white noise'],
  EwmaChart: ['white noise'],
  Cusum: ['white noise'],
  PageHinkley: ['white noise'],
  Adwin: ['white noise', 'log-normal', 'Student t, 3 degrees', 'whole counts, mean 4'],
  Kswin: ['white noise', 'log-normal', 'Student t, 3 degrees', 'whole counts, mean 4'],
  BayesianChangePoint: ['white noise'],
  SeasonalBaseline: Object.keys(streams),
  HalfSpaceTrees: Object.keys(streams),
  CombinedDetector: Object.keys(streams),
};

test('every detector keeps its stated rate on the streams it is for', () => {
  const rows: Record<string, string>[] = [];
  for (const [stream, make] of Object.entries(streams)) {
    for (const [name, detector] of Object.entries(detectors)) {
      const shares = falseAlarmShares(detector, make, rates, { runs, length: 5000, seed });
      const row: Record<string, string> = { stream, detector: name };
      rates.forEach((rate, i) => {
        row[`at ${rate}`] = shares[i]!.toFixed(5);
      });
      rows.push(row);
      if (!holdsOn[name]!.includes(stream)) continue;
      // Four standard errors of a count whose neighbours are dependent (three in a clump), above a fifth of
      // slack.
      const counted = runs * 5000;
      expect(shares[0], `${name} on ${stream}`).toBeLessThan(
        1.2 * 0.01 + 4 * Math.sqrt((3 * 0.01) / counted),
      );
      expect(shares[1], `${name} on ${stream}`).toBeLessThan(
        1.7 * 0.001 + 4 * Math.sqrt((3 * 0.001) / counted),
      );
    }
  }
  console.log(`seed ${seed}, ${runs} streams of 5,000 values`);
  console.table(rows);
});
