import { expect, test } from 'vitest';
import { accuracy, coverage, mase, naive2, naiveScale, smape } from './accuracy.ts';

test('sMAPE follows the M4 definition', () => {
  // 200/2 · (|2−1|/3 + |4−6|/10)
  expect(smape([2, 4], [1, 6])).toBeCloseTo(100 * (1 / 3 + 2 / 10), 12);
  expect(smape([0, 1], [0, 1])).toBe(0);
  expect(smape([5], [-5])).toBe(200);
});

test('values without a forecast each are refused', () => {
  for (const refused of [() => smape([1, 2], [1]), () => mase([], [], [1, 2]), () => coverage([1], [0], [])])
    expect(refused).toThrow(/\d values have \d forecasts/);
});

test('MASE divides by the in-sample error of the seasonal naive forecast', () => {
  const history = [1, 2, 4, 3, 5, 9];
  expect(naiveScale(history, 1)).toBeCloseTo((1 + 2 + 1 + 2 + 4) / 5, 12);
  expect(naiveScale(history, 2)).toBeCloseTo((3 + 1 + 1 + 6) / 4, 12);
  expect(mase([10, 12], [9, 9], history, 2)).toBeCloseTo(2 / (11 / 4), 12);
});

test('Naive 2 repeats the last value and puts a significant season back', () => {
  expect([...naive2([3, 1, 7, 5], 3)]).toEqual([5, 5, 5]);
  const factors = [1.5, 0.5, 1, 1];
  const history = Array.from({ length: 40 }, (_, t) => 80 * factors[t % 4]!);
  naive2(history, 4, 4).forEach((x, h) => {
    expect(x).toBeCloseTo(80 * factors[h]!, 8);
  });
});

test('OWA of Naive 2 itself is 1 and averages over series before dividing', () => {
  const [a, b] = [
    [1, 2, 3, 4, 5],
    [10, 30, 10, 30, 20],
  ] as [number[], number[]];
  const cases = [a, b].map(history => ({ history, actual: [8, 9], forecast: naive2(history, 2), period: 1 }));
  expect(accuracy(cases).owa).toBeCloseTo(1, 12);
  const better = cases.map((one, i) => ({ ...one, forecast: i === 0 ? [8, 9] : one.forecast }));
  const [first, second] = cases.map(one => smape(one.actual, one.forecast)) as [number, number];
  const [firstMase, secondMase] = cases.map(one => mase(one.actual, one.forecast, one.history)) as [
    number,
    number,
  ];
  const wanted = (second / (first + second) + secondMase / (firstMase + secondMase)) / 2;
  expect(accuracy(better).owa).toBeCloseTo(wanted, 12);
});

test('coverage counts values on the edge as inside', () => {
  expect(coverage([1, 2, 3, 4], [1, 0, 0, 5], [1, 1, 9, 9])).toBe(0.5);
});
