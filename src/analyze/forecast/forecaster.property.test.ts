// The laws of the contract in forecaster.ts, on every model.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import { deserializeForecaster, fitForecaster, forecasterNames } from './choose-forecaster.ts';
import { SeasonalNaive } from './seasonal-naive.ts';

/** Positive values with level, slope, season and noise of any size. */
function series(seed: number, length: number): number[] {
  const rng = new Rng(seed);
  const scale = 10 ** (rng.float() * 6 - 3);
  const slope = rng.gaussian() * 0.02;
  return Array.from({ length }, (_, t) => {
    const season = 1 + 0.2 * Math.sin((2 * Math.PI * t) / 6);
    return scale * Math.max(0.1, (10 + slope * t) * season + 0.5 * rng.gaussian());
  });
}

const settings = { seed: 31, numRuns: 12 };
const cases = fc.record({
  seed: fc.nat(),
  length: fc.integer({ min: 30, max: 120 }),
  later: fc.integer({ min: 0, max: 30 }),
});

describe.each(forecasterNames)('%s', name => {
  test('the interval holds the mean, widens with coverage, and all are finite', () => {
    fc.assert(
      fc.property(cases, ({ seed, length }) => {
        const model = fitForecaster(name, series(seed, length), 6);
        const narrow = model.forecast(14, 0.5);
        const wide = model.forecast(14, 0.99);
        for (let h = 0; h < 14; h++) {
          expect(wide.mean[h]).toBe(narrow.mean[h]);
          expect(wide.low[h]! <= narrow.low[h]! && narrow.low[h]! <= narrow.mean[h]!).toBe(true);
          expect(wide.high[h]! >= narrow.high[h]! && narrow.high[h]! >= narrow.mean[h]!).toBe(true);
          expect(Number.isFinite(wide.low[h]! + wide.high[h]!)).toBe(true);
        }
      }),
      settings,
    );
  });

  test('forecasting changes nothing and a shorter horizon is the beginning of a longer one', () => {
    const model = fitForecaster(name, series(1, 80), 6);
    const long = model.forecast(20);
    const short = model.forecast(7);
    expect(short.mean).toEqual(long.mean.slice(0, 7));
    expect(short.high).toEqual(long.high.slice(0, 7));
  });

  test('a model restored from its bytes goes on alike', () => {
    fc.assert(
      fc.property(cases, ({ seed, length, later }) => {
        const values = series(seed, length + later);
        const model = fitForecaster(name, values.slice(0, length), 6);
        const restored = deserializeForecaster(model.serialize());
        expect(restored.serialize()).toEqual(model.serialize());
        for (const value of values.slice(length)) {
          model.update(value);
          restored.update(value);
        }
        expect(restored.forecast(9)).toEqual(model.forecast(9));
      }),
      settings,
    );
  });

  test('its state does not grow with updates', () => {
    const model = fitForecaster(name, series(2, 60), 6);
    const before = model.serialize().length;
    for (const value of series(3, 2000)) model.update(value);
    expect(model.serialize().length).toBe(before);
  });

  test('a series a thousand times as large has forecasts a thousand times as large', () => {
    const values = series(4, 72);
    const small = fitForecaster(name, values, 6).forecast(8);
    const large = fitForecaster(
      name,
      values.map(x => 1000 * x),
      6,
    ).forecast(8);
    for (let h = 0; h < 8; h++) {
      expect(large.mean[h]! / small.mean[h]! / 1000).toBeCloseTo(1, 2);
      expect((large.high[h]! - large.low[h]!) / (small.high[h]! - small.low[h]!) / 1000).toBeCloseTo(1, 1);
    }
  });

  test('a constant goes on, whatever its size', () => {
    for (const constant of [1e-9, 7, 1e12]) {
      const { mean, low, high } = fitForecaster(name, new Float64Array(40).fill(constant), 6).forecast(8);
      for (let h = 0; h < 8; h++) {
        expect(mean[h]! / constant).toBeCloseTo(1, 6);
        expect((high[h]! - low[h]!) / constant).toBeCloseTo(0, 3);
      }
    }
  });

  test('a gap moves the model on by one step without breaking it', () => {
    const model = fitForecaster(name, series(5, 60), 6);
    const before = model.forecast(3).mean;
    model.update(Number.NaN);
    expect(model.forecast(2).mean[0]! / before[1]!).toBeCloseTo(1, 6);
  });

  test('damaged bytes give a model that forecasts or one typed error (seed 404)', () => {
    const rng = new Rng(404);
    const seen = { read: 0, refused: 0 };
    const model = fitForecaster(name, series(6, 60), 6);
    const bytes = model.serialize();
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => deserializeForecaster(bytes.slice(0, length))).toThrow(/These bytes are no forecaster/);
    }
    for (let round = 0; round < 500; round++) {
      const damaged = bytes.slice();
      for (let i = 0; i <= round % 3; i++) {
        const at = 1 + rng.below(round % 2 === 0 ? Math.min(64, bytes.length - 1) : bytes.length - 1);
        damaged[at] =
          round % 5 === 0 ? 255 : round % 5 === 1 ? rng.uint32() : damaged[at]! ^ (1 << rng.below(8));
      }
      try {
        const restored = deserializeForecaster(damaged);
        for (const value of [1, Number.NaN, 1e140]) restored.update(value);
        expect(restored.forecast(20).mean.length).toBe(20);
        expect(restored.serialize().length).toBe(bytes.length);
        seen.read++;
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(MillraceError);
        expect((thrown as MillraceError).code).toBe('corrupt-forecaster');
        seen.refused++;
      }
    }
    expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(0);
  });

  test('histories that do not suit it are refused with a reason', () => {
    expect(() => fitForecaster(name, [1, 2], 6)).toThrow(/needs \d+ values; there are 2/);
    expect(() => fitForecaster(name, [...series(1, 50), Number.NaN], 6)).toThrow(/Value 50 is NaN/);
    expect(() => fitForecaster(name, series(1, 50), 6).forecast(0)).toThrow(/horizon is 0/);
    expect(() => fitForecaster(name, series(1, 50), 6).forecast(1e9)).toThrow(/horizon is 1000000000/);
    expect(() => fitForecaster(name, series(1, 50), 6).forecast(3, 1)).toThrow(/coverage is 1/);
  });
});

test('models without searched weights are the same fitted at once or carried on', () => {
  const values = series(8, 90);
  const early = SeasonalNaive.fit(values.slice(0, 50), { period: 6 });
  for (const value of values.slice(50)) early.update(value);
  expect(early.serialize()).toEqual(SeasonalNaive.fit(values, { period: 6 }).serialize());
});

test('bytes that are no forecaster are refused', () => {
  const bytes = SeasonalNaive.fit([1, 2, 3]).serialize();
  expect(() => deserializeForecaster(Uint8Array.of(77, 1))).toThrow(/kind 77/);
  expect(() => deserializeForecaster(Uint8Array.of(3, 9, 0))).toThrow(/version 9/);
  expect(() => deserializeForecaster(bytes.slice(0, -1))).toThrow(/end early|left over/);
});
