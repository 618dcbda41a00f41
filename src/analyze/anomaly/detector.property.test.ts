// The laws of the contract in detector.ts, on every detector.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import { Adwin } from './adwin.ts';
import { BayesianChangePoint } from './bayesian-change-point.ts';
import { CombinedDetector } from './combined-detector.ts';
import { Cusum } from './cusum.ts';
import { deserializeDetector } from './deserialize-detector.ts';
import { type Detector, detectorKind } from './detector.ts';
import { EwmaChart } from './ewma-chart.ts';
import { HalfSpaceTrees } from './half-space-trees.ts';
import * as library from './index.ts';
import { Kswin } from './kswin.ts';
import { PageHinkley } from './page-hinkley.ts';
import { RobustZ } from './robust-z.ts';
import { SeasonalBaseline } from './seasonal-baseline.ts';

interface Maker {
  make(): Detector;
  restore(bytes: Uint8Array): Detector;
}

const makers: Record<string, Maker> = {
  'robust z': {
    make: () => new RobustZ({ window: 50, warmUp: 10 }),
    restore: bytes => RobustZ.deserialize(bytes),
  },
  'EWMA chart': {
    make: () => new EwmaChart({ memory: 100, warmUp: 10 }),
    restore: bytes => EwmaChart.deserialize(bytes),
  },
  CUSUM: { make: () => new Cusum({ memory: 100, warmUp: 10 }), restore: bytes => Cusum.deserialize(bytes) },
  'Page–Hinkley': {
    make: () => new PageHinkley({ memory: 100, warmUp: 10 }),
    restore: bytes => PageHinkley.deserialize(bytes),
  },
  ADWIN: { make: () => new Adwin({ warmUp: 10 }), restore: bytes => Adwin.deserialize(bytes) },
  KSWIN: {
    make: () => new Kswin({ window: 40, recent: 10, alpha: 0.001 }),
    restore: bytes => Kswin.deserialize(bytes),
  },
  'Bayesian change point': {
    make: () => new BayesianChangePoint({ warmUp: 20, runsMax: 30 }),
    restore: bytes => BayesianChangePoint.deserialize(bytes),
  },
  'seasonal baseline': {
    make: () => new SeasonalBaseline({ slots: 8, residuals: 60, warmUp: 20 }),
    restore: bytes => SeasonalBaseline.deserialize(bytes),
  },
  'half-space trees': {
    make: () => new HalfSpaceTrees({ trees: 5, depth: 4, window: 30 }),
    restore: bytes => HalfSpaceTrees.deserialize(bytes),
  },
  'combined detector': {
    make: () =>
      new CombinedDetector({
        history: 100,
        warmUp: 20,
        quiet: 5,
        views: [
          { length: 1, weight: 1 },
          { length: 4, weight: 2 },
        ],
      }),
    restore: bytes => CombinedDetector.deserialize(bytes),
  },
};

/** A series with levels, steps, spikes, repeats and gaps. */
function series(seed: number, length: number): number[] {
  const rng = new Rng(seed);
  let level = rng.gaussian() * 100;
  const scale = 10 ** (rng.float() * 8 - 4);
  return Array.from({ length }, () => {
    if (rng.boolean(0.01)) level += rng.gaussian() * 10 * scale;
    if (rng.boolean(0.02)) return Number.NaN;
    if (rng.boolean(0.02)) return level + 1e3 * scale * rng.gaussian();
    return rng.boolean(0.2) ? level : level + scale * rng.gaussian();
  });
}

const hourUs = 3_600_000_000;
const run = (detector: Detector, values: readonly number[], from = 0): number[] =>
  values.map((value, i) => detector.update(value, (from + i) * hourUs));

const isScore = (score: number): boolean => score >= 0 && score <= 1;

test('every detector of the library is tried here', () => {
  const tried = Object.values(makers).map(({ make }) => make().constructor.name);
  const detectors = Object.entries(library)
    .filter(([, exported]) => 'serialize' in ((exported as { prototype?: object }).prototype ?? {}))
    .map(([name]) => name);
  expect(tried.sort()).toEqual(detectors.sort());
  expect(Object.keys(detectorKind).length).toBe(detectors.length);
});

const settings = { seed: 20_26, numRuns: 15 };
const cases = fc.record({
  seed: fc.nat(),
  length: fc.integer({ min: 1, max: 400 }),
  cut: fc.float({ min: 0, max: 1, noNaN: true }),
});

describe.each(Object.entries(makers))('%s', (_name, { make, restore }) => {
  test('scores lie in [0, 1] and a gap scores 0', () => {
    fc.assert(
      fc.property(cases, ({ seed, length }) => {
        const values = series(seed, length);
        const wrong = run(make(), values).filter(
          (score, i) => !isScore(score) || (Number.isNaN(values[i]) && score !== 0),
        );
        expect(wrong).toEqual([]);
      }),
      settings,
    );
  });

  test('any numbers at all get a score', () => {
    const numbers = fc.oneof(
      fc.double(),
      fc.constantFrom(
        0,
        -0,
        5e-324,
        -5e-324,
        1e-300,
        1e140,
        -1e140,
        Number.MAX_VALUE,
        Number.NEGATIVE_INFINITY,
      ),
      fc.integer({ min: -3, max: 3 }),
    );
    const tiny = fc.constantFrom(0, 5e-324, 1e-323, -5e-324);
    const size = { minLength: 50, maxLength: 150 };
    fc.assert(
      fc.property(fc.oneof(fc.array(numbers, size), fc.array(tiny, size)), values => {
        const detector = make();
        expect(run(detector, values).filter(score => !isScore(score))).toEqual([]);
        // Whatever a detector has come to, it can be saved and restored.
        const bytes = detector.serialize();
        expect(restore(bytes).serialize()).toEqual(bytes);
      }),
      { seed: 9, numRuns: 60 },
    );
  });

  test('the scores of a prefix are the prefix of the scores: nothing sees the future', () => {
    fc.assert(
      fc.property(cases, ({ seed, length, cut }) => {
        const values = series(seed, length);
        const prefix = Math.floor(cut * length);
        // What follows is replaced altogether, so an answer that leaned on it would change.
        const other = [...values.slice(0, prefix), ...series(seed + 1, length - prefix).map(v => -1e6 * v)];
        expect(run(make(), other).slice(0, prefix)).toEqual(run(make(), values).slice(0, prefix));
      }),
      settings,
    );
  });

  test('a detector restored from its bytes goes on with the same scores', () => {
    fc.assert(
      fc.property(cases, ({ seed, length, cut }) => {
        const values = series(seed, length);
        const prefix = Math.floor(cut * length);
        const whole = run(make(), values);
        const first = make();
        run(first, values.slice(0, prefix));
        const bytes = first.serialize();
        const second = restore(bytes);
        expect(second.serialize()).toEqual(bytes);
        expect(deserializeDetector(bytes)).toEqual(second);
        expect(run(second, values.slice(prefix), prefix)).toEqual(whole.slice(prefix));
      }),
      settings,
    );
  });

  test('its state stops growing', () => {
    const detector = make();
    run(detector, series(7, 3000));
    const early = detector.serialize().length;
    run(detector, series(8, 9000), 3000);
    // ADWIN may hold log-many buckets more and the combined detector a longer tail, both small and bounded.
    expect(detector.serialize().length).toBeLessThan(early * 1.3 + 6000);
  });

  test('bytes of another kind or cut short are refused', () => {
    const detector = make();
    run(detector, series(3, 200));
    const bytes = detector.serialize();
    for (let length = 0; length < bytes.length; length += Math.max(1, Math.floor(bytes.length / 100))) {
      expect(() => restore(bytes.slice(0, length)), `cut at ${length}`).toThrow(
        /These bytes are no detector/,
      );
    }
    expect(() => restore(Uint8Array.of(...bytes, 0))).toThrow(/left over/);
    const unknown = bytes.slice();
    unknown[1] = 77;
    expect(() => restore(unknown)).toThrow(/version 77/);
    const other = bytes.slice();
    other[0] = 99;
    expect(() => restore(other)).toThrow(/kind 99/);
    expect(() => deserializeDetector(other)).toThrow(/kind 99/);
  });

  test('damaged bytes give a detector that scores or one typed error (seed 303)', () => {
    const rng = new Rng(303);
    const seen = { read: 0, refused: 0 };
    for (const length of [0, 5, 60, 400]) {
      const detector = make();
      run(detector, series(length, length));
      const bytes = detector.serialize();
      for (let round = 0; round < 250; round++) {
        const damaged = bytes.slice();
        // The head holds the options, where damage is worst.
        const reach = round % 2 === 0 ? Math.min(64, damaged.length) : damaged.length;
        for (let i = 0; i <= round % 3; i++) {
          const at = 2 + rng.below(reach - 2);
          damaged[at] =
            round % 5 === 0 ? 255 : round % 5 === 1 ? rng.uint32() : damaged[at]! ^ (1 << rng.below(8));
        }
        let restored: Detector;
        try {
          restored = restore(damaged);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(MillraceError);
          expect((thrown as MillraceError).code).toBe('corrupt-detector');
          seen.refused++;
          continue;
        }
        seen.read++;
        const scores = run(restored, [1, -1e140, 1e140, Number.NaN, 0, 5], 1e4);
        expect(scores.filter(score => !isScore(score))).toEqual([]);
        expect(restored.serialize().length).toBeGreaterThan(2);
      }
    }
    // Both happen, or the damage tries nothing.
    expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(0);
  });
});
