// What each detector is for: the change it should find, found soon, on a series where its peers' views would
// not do.
import { expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { Adwin } from './adwin.ts';
import { BayesianChangePoint } from './bayesian-change-point.ts';
import { CombinedDetector } from './combined-detector.ts';
import { Cusum, cusumRunLength } from './cusum.ts';
import type { Detector } from './detector.ts';
import { EwmaChart } from './ewma-chart.ts';
import { HalfSpaceTrees } from './half-space-trees.ts';
import { Kswin, kolmogorovEqualTail } from './kswin.ts';
import { PageHinkley } from './page-hinkley.ts';
import { RobustZ } from './robust-z.ts';
import { SeasonalBaseline } from './seasonal-baseline.ts';

const hourUs = 3_600_000_000;

/**
 * Values from the change at `start` until the first alarm, averaged over runs; `length` where it is never
 * found.
 */
function meanDelay(
  make: () => Detector,
  value: (t: number, rng: Rng) => number,
  start: number,
  length: number,
  threshold: number,
): number {
  let total = 0;
  const runs = 30;
  for (let run = 0; run < runs; run++) {
    const rng = new Rng(1000 + run);
    const detector = make();
    let delay = length - start;
    for (let t = 0; t < length; t++) {
      if (detector.update(value(t, rng), t * hourUs) >= threshold && t >= start) {
        delay = t - start;
        break;
      }
    }
    total += delay;
  }
  return total / runs;
}

const shift =
  (size: number, start: number) =>
  (t: number, rng: Rng): number =>
    rng.gaussian() + (t >= start ? size : 0);

test('robust z finds a spike at once and is not moved by a tenth of outliers', () => {
  const detector = new RobustZ();
  const rng = new Rng(1);
  for (let t = 0; t < 300; t++) detector.update(rng.boolean(0.1) ? 1e6 : 10 + rng.gaussian(), t);
  expect(detector.update(18, 300)).toBeGreaterThan(0.9999);
  expect(detector.update(10, 301)).toBeLessThan(0.9);
});

test('a value unlike a constant window scores n / (n + 1)', () => {
  const detector = new RobustZ({ window: 100 });
  for (let t = 0; t < 100; t++) detector.update(5, t);
  expect(detector.update(5, 100)).toBe(0);
  expect(detector.update(6, 101)).toBeCloseTo(100 / 101, 12);
});

test('charts find a shift of one deviation in the time theory gives', () => {
  // At height h the two-sided CUSUM with k = 1/2 needs about (h + 1.166 …) values; h = 5.65 is the rate
  // 0.002.
  const height = Math.log(2 / 0.002) - 0.5826;
  const theory = cusumRunLength(0.5, height, 1);
  const cusum = meanDelay(() => new Cusum(), shift(1, 500), 500, 800, 0.998);
  expect(Math.abs(cusum - theory)).toBeLessThan(0.35 * theory);
  expect(meanDelay(() => new EwmaChart(), shift(1, 500), 500, 800, 0.998)).toBeLessThan(16);
  expect(meanDelay(() => new PageHinkley(), shift(1, 500), 500, 800, 0.998)).toBeLessThan(20);
});

test('CUSUM run lengths equal the published table within 1 %', () => {
  // Two-sided, k = 0.5 (Montgomery, Introduction to Statistical Quality Control, table 9.3): h = 4 and 5.
  expect(cusumRunLength(0.5, 4)).toBeCloseTo(168, -0.5);
  expect(Math.abs(cusumRunLength(0.5, 5) / 465 - 1)).toBeLessThan(0.01);
  expect(Math.abs(cusumRunLength(0.5, 4, 1) / 8.38 - 1)).toBeLessThan(0.01);
});

test('ADWIN drops what went before a change and keeps everything when there is none', () => {
  const steady = new Adwin();
  const changed = new Adwin();
  const rng = new Rng(2);
  for (let t = 0; t < 4000; t++) {
    const x = rng.float();
    steady.update(x, t);
    changed.update(t < 2000 ? x : x * 0.4, t);
  }
  expect(steady.width).toBe(4000);
  expect(changed.width).toBeLessThanOrEqual(2100);
  expect(changed.mean).toBeCloseTo(0.2, 1);
});

test('KSWIN finds a change of spread that leaves the mean alone', () => {
  const spread = (t: number, rng: Rng): number => rng.gaussian() * (t >= 500 ? 4 : 1);
  expect(meanDelay(() => new Kswin(), spread, 500, 800, 0.999)).toBeLessThan(150);
});

test('the Kolmogorov–Smirnov tail equals counting all interleavings', () => {
  // n = 4: every way to interleave two samples of four is equally likely; walk them all.
  for (let jump = 1; jump <= 4; jump++) {
    let reached = 0;
    let all = 0;
    for (let mask = 0; mask < 256; mask++) {
      let ones = 0;
      let worst = 0;
      for (let i = 0; i < 8; i++) {
        ones += (mask >> i) & 1;
        worst = Math.max(worst, Math.abs(2 * ones - i - 1));
      }
      if (ones !== 4) continue;
      all++;
      if (worst >= jump) reached++;
    }
    expect(kolmogorovEqualTail(4, jump / 4)).toBeCloseTo(reached / all, 12);
  }
});

test('the Bayesian detector names the run length after a change', () => {
  const detector = new BayesianChangePoint();
  const rng = new Rng(3);
  let top = 0;
  for (let t = 0; t < 400; t++) {
    const score = detector.update(rng.gaussian() + (t >= 300 ? 3 : 0), t);
    if (t >= 300 && t < 310) top = Math.max(top, score);
    if (t > 100 && t < 300) expect(score).toBeLessThan(0.9);
  }
  expect(top).toBeGreaterThan(0.99);
  expect(Math.abs(detector.runLength - 100)).toBeLessThanOrEqual(3);
});

test('the seasonal baseline flags a usual value at an unusual hour', () => {
  const detector = new SeasonalBaseline({ slots: 24 });
  const rng = new Rng(4);
  const usual = (t: number): number => 100 + 80 * Math.sin((2 * Math.PI * t) / 24);
  for (let t = 0; t < 24 * 40; t++) detector.update(usual(t) + 3 * rng.gaussian(), t * hourUs);
  const at = 24 * 40 + 6;
  expect(detector.expect(at * hourUs)!.level).toBeCloseTo(180, -1);
  expect(detector.expect(at * hourUs)!.low).toBeGreaterThan(165);
  expect(detector.update(100, at * hourUs)).toBeGreaterThan(0.999);
});

test('half-space trees flag a point between two levels where no value alone is strange', () => {
  const detector = new HalfSpaceTrees({ dimensions: 2, window: 200 });
  const rng = new Rng(5);
  const value = (t: number): number => (t % 2 === 0 ? 0 : 10) + 0.3 * rng.gaussian();
  let usual = 0;
  for (let t = 0; t < 1000; t++) usual = detector.update(value(t), t);
  expect(usual).toBeLessThan(0.97);
  detector.update(5, 1000);
  expect(detector.update(5, 1001)).toBeGreaterThan(0.98);
});

test('the combined detector finds a missing beat in a rhythm of ordinary values', () => {
  const detector = new CombinedDetector();
  const rng = new Rng(6);
  const usual = (t: number): number => 50 + 40 * Math.sin((2 * Math.PI * t) / 48) + rng.gaussian();
  let falseAlarms = 0;
  for (let t = 0; t < 2000; t++) if (detector.update(usual(t), t) >= 0.995) falseAlarms++;
  let top = 0;
  // The level of t = 2000 is held: a value seen a thousand times, at the wrong moment.
  for (let t = 2000; t < 2040; t++) top = Math.max(top, detector.update(usual(2016) * 0.2 + 40, t));
  expect(falseAlarms).toBeLessThanOrEqual(10);
  expect(top).toBeGreaterThan(0.995);
});

test('an alarm of the combined detector is followed by quiet', () => {
  const detector = new CombinedDetector({ quiet: 20 });
  const rng = new Rng(7);
  for (let t = 0; t < 500; t++) detector.update(rng.float(), t);
  expect(detector.update(1e3, 500)).toBeGreaterThan(0.995);
  for (let t = 501; t <= 520; t++) expect(detector.update(1e3 * t, t)).toBe(0);
  expect(detector.update(1e9, 521)).toBeGreaterThan(0.995);
});

test('options out of range are refused by name', () => {
  expect(() => new RobustZ({ window: 3 })).toThrow(/^window is 3/);
  expect(() => new Cusum({ slack: 0 })).toThrow(/^slack is 0/);
  expect(() => new CombinedDetector({ alarmRate: 0.9 })).toThrow(/alarmRate/);
});
