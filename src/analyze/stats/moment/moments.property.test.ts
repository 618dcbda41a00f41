// Laws of the accumulators: merging parts gives the whole; order does not matter; bytes come back as they went.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../../core/errors.ts';
import { CompensatedSum } from './compensated-sum.ts';
import { Covariance } from './covariance.ts';
import { ExponentiallyWeighted, ExponentiallyWeightedCovariance } from './exponentially-weighted.ts';
import { Moments } from './moments.ts';
import { SlidingCovariance, SlidingMoments } from './sliding-moments.ts';
import { StreamingRegression } from './streaming-regression.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? 5);
const runs = { seed, numRuns: 200 };
const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const values = fc.array(value, { minLength: 2, maxLength: 60 });

const close = (seen: number, wanted: number, scale = Math.abs(wanted), tolerance = 1e-11): void => {
  if (Number.isNaN(wanted)) expect(seen).toBeNaN();
  else expect(Math.abs(seen - wanted)).toBeLessThanOrEqual(tolerance * Math.max(scale, 1e-280));
};

/** Σ exactly, in integers of 2⁻⁶⁰ (the inputs are multiples of it). */
const exactSum = (terms: number[]): number =>
  Number(terms.reduce((sum, x) => sum + BigInt(x * 2 ** 60), 0n)) / 2 ** 60;

describe('CompensatedSum', () => {
  const grid = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });
  const wide = fc
    .tuple(grid, fc.integer({ min: -60, max: 40 }))
    .map(([m, e]) => Math.trunc(m * 2 ** e * 2 ** 8) / 2 ** 8);

  it('is the exact sum, rounded, whatever the order and the partition', () => {
    fc.assert(
      fc.property(fc.array(wide, { maxLength: 200 }), fc.nat(), (terms, cut) => {
        const wanted = exactSum(terms);
        const forward = new CompensatedSum();
        for (const term of terms) forward.update(term);
        const parts = [new CompensatedSum(), new CompensatedSum()];
        terms.toReversed().forEach((term, i) => {
          parts[(i * 7 + cut) % 2]!.update(term);
        });
        parts[0]!.merge(parts[1]!);
        expect(forward.value).toBe(wanted);
        expect(parts[0]!.value).toBe(wanted);
        expect(CompensatedSum.deserialize(forward.serialize()).value).toBe(wanted);
      }),
      runs,
    );
  });

  it('recovers what plain addition loses', () => {
    const sum = new CompensatedSum();
    for (const term of [1, 1e100, 1e84, -1e100, -1e84]) sum.update(term);
    expect(sum.value).toBe(1);
  });

  it('reports an infinite sum as such', () => {
    const sum = new CompensatedSum();
    sum.update(1e308);
    sum.update(1e308);
    expect(sum.value).toBe(Infinity);
  });
});

/** Two passes with exact sums of deviations: the definition. */
function byDefinition(sample: number[]) {
  const n = sample.length;
  const mean = sample.reduce((sum, x) => sum + x, 0) / n;
  const moment = (k: number): number => sample.reduce((sum, x) => sum + (x - mean) ** k, 0) / n;
  return { n, mean, m2: moment(2), m3: moment(3), m4: moment(4) };
}

describe('Moments', () => {
  it('equals the definition, from the stream and merged from parts', () => {
    fc.assert(
      fc.property(values, fc.nat(60), (sample, cut) => {
        const { n, mean, m2, m3, m4 } = byDefinition(sample);
        const scale = Math.max(...sample.map(Math.abs));
        const merged = Moments.of(sample.slice(cut));
        merged.merge(Moments.of(sample.slice(0, cut)));
        for (const moments of [Moments.of(sample), merged, Moments.deserialize(merged.serialize())]) {
          expect(moments.count).toBe(n);
          close(moments.mean, mean, scale);
          close(moments.populationVariance, m2, scale ** 2);
          expect(moments.min).toBe(Math.min(...sample));
          expect(moments.max).toBe(Math.max(...sample));
          if (m2 > 1e-6 * scale ** 2 && scale > 1e-50) {
            close(moments.skewness, m3 / m2 ** 1.5, 1, 1e-6);
            close(moments.excessKurtosis, m4 / m2 ** 2 - 3, 1, 1e-6);
          }
        }
      }),
      runs,
    );
  });

  it('has no variance below two values and no mean below one', () => {
    const moments = new Moments();
    expect([moments.mean, moments.variance, moments.sum]).toEqual([Number.NaN, Number.NaN, 0]);
    moments.update(3);
    expect([moments.mean, moments.variance, moments.populationVariance]).toEqual([3, Number.NaN, 0]);
  });

  it('refuses NaN and infinities, foreign versions, and bytes too few or too many', () => {
    const moments = Moments.of([1, 2]);
    expect(() => moments.update(Number.NaN)).toThrow(MillraceError);
    expect(() => moments.update(Infinity)).toThrow(MillraceError);
    expect(moments.count).toBe(2);
    const bytes = moments.serialize();
    expect(() => Moments.deserialize(bytes.subarray(0, 50))).toThrow(/bytes wanted/);
    expect(() => Moments.deserialize(new Uint8Array([...bytes, 0]))).toThrow(/left over/);
    bytes[0] = 9;
    expect(() => Moments.deserialize(bytes)).toThrow(/version 9/);
  });
});

describe('Covariance', () => {
  it('equals the definition, from the stream and merged from parts', () => {
    const pairs = fc.array(fc.tuple(value, value), { minLength: 3, maxLength: 60 });
    fc.assert(
      fc.property(pairs, fc.nat(60), (sample, cut) => {
        const n = sample.length;
        const meanX = sample.reduce((sum, [x]) => sum + x, 0) / n;
        const meanY = sample.reduce((sum, [, y]) => sum + y, 0) / n;
        const wanted = sample.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / (n - 1);
        const scale = Math.max(...sample.flat().map(Math.abs)) ** 2;
        const merged = Covariance.of(sample.slice(cut));
        merged.merge(Covariance.of(sample.slice(0, cut)));
        for (const covariance of [
          Covariance.of(sample),
          merged,
          Covariance.deserialize(merged.serialize()),
        ]) {
          close(covariance.covariance, wanted, scale);
          close(covariance.varianceX, Moments.of(sample.map(([x]) => x)).variance, scale);
          close(covariance.varianceY, Moments.of(sample.map(([, y]) => y)).variance, scale);
          close(covariance.meanX, meanX, Math.sqrt(scale));
        }
      }),
      runs,
    );
  });
});

describe('ExponentiallyWeighted', () => {
  const timed = fc.array(fc.tuple(value, fc.integer({ min: 0, max: 1000 })), { minLength: 2, maxLength: 40 });

  it('gives the weighted mean and variance by definition, in any order of arrival and merged', () => {
    fc.assert(
      fc.property(timed, fc.nat(40), (events, cut) => {
        const newest = Math.max(...events.map(([, at]) => at));
        const weights = events.map(([, at]) => 2 ** ((at - newest) / 70));
        const total = weights.reduce((sum, w) => sum + w, 0);
        const mean = events.reduce((sum, [x], i) => sum + weights[i]! * x, 0) / total;
        const m2 = events.reduce((sum, [x], i) => sum + weights[i]! * (x - mean) ** 2, 0);
        const squares = weights.reduce((sum, w) => sum + w * w, 0);
        const scale = Math.max(...events.map(([x]) => Math.abs(x)));
        const whole = new ExponentiallyWeighted(70);
        const parts = [new ExponentiallyWeighted(70), new ExponentiallyWeighted(70)];
        events.forEach(([x, at], i) => {
          whole.update(x, at);
          parts[i < cut ? 0 : 1]!.update(x, at);
        });
        parts[0]!.merge(parts[1]!);
        for (const seen of [whole, parts[0]!, ExponentiallyWeighted.deserialize(whole.serialize())]) {
          close(seen.mean, mean, scale, 1e-9);
          close(seen.effectiveCount, total ** 2 / squares, undefined, 1e-9);
          const divisor = total - squares / total;
          if (divisor > 1e-3) close(seen.variance, m2 / divisor, scale ** 2 / divisor, 1e-9);
          expect(seen.at).toBe(newest);
        }
      }),
      runs,
    );
  });

  it('of pairs gives the weighted covariance by definition, in any order of arrival and merged', () => {
    const pairs = fc.array(fc.tuple(value, value, fc.integer({ min: 0, max: 500 })), {
      minLength: 3,
      maxLength: 30,
    });
    fc.assert(
      fc.property(pairs, fc.nat(30), (events, cut) => {
        const newest = Math.max(...events.map(([, , at]) => at));
        const weights = events.map(([, , at]) => 2 ** ((at - newest) / 70));
        const total = weights.reduce((sum, w) => sum + w, 0);
        const mean = (of: 0 | 1): number =>
          events.reduce((sum, e, i) => sum + weights[i]! * e[of], 0) / total;
        const [meanX, meanY] = [mean(0), mean(1)];
        const product = events.reduce((sum, [x, y], i) => sum + weights[i]! * (x - meanX) * (y - meanY), 0);
        const squares = weights.reduce((sum, w) => sum + w * w, 0);
        const scale = Math.max(...events.flatMap(([x, y]) => [Math.abs(x), Math.abs(y)]));
        const parts = [new ExponentiallyWeightedCovariance(70), new ExponentiallyWeightedCovariance(70)];
        const alone = new ExponentiallyWeighted(70);
        events.forEach(([x, y, at], i) => {
          parts[i < cut ? 0 : 1]!.update(x, y, at);
          alone.update(y, at);
        });
        parts[0]!.merge(parts[1]!);
        const back = ExponentiallyWeightedCovariance.deserialize(parts[0]!.serialize());
        const divisor = total - squares / total;
        fc.pre(divisor > 1e-3);
        for (const seen of [parts[0]!, back]) {
          close(seen.covariance, product / divisor, scale ** 2 / divisor, 1e-9);
          close(seen.varianceY, alone.variance, scale ** 2 / divisor, 1e-9);
          close(seen.meanX, meanX, scale, 1e-9);
        }
      }),
      runs,
    );
  });

  it('merges only equal half-lives', () => {
    expect(() => new ExponentiallyWeighted(2).merge(new ExponentiallyWeighted(3))).toThrow(/half-lives/);
  });
});

describe('SlidingMoments', () => {
  it('equals the moments of the values still inside, at every step', () => {
    const stream = fc.array(fc.tuple(value, fc.integer({ min: 0, max: 9 })), { maxLength: 80 });
    fc.assert(
      fc.property(
        stream,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 30 }),
        (events, size, span) => {
          const window = new SlidingMoments({ size, span });
          let kept: [number, number][] = [];
          let at = 0;
          for (const [x, pause] of events) {
            at += pause;
            expect(window.update(x, at)).toBe(true);
            kept = [...kept, [x, at] as [number, number]].filter(([, time]) => time > at - span).slice(-size);
            const wanted = Moments.of(kept.map(([x]) => x));
            for (const seen of [window.value(), SlidingMoments.deserialize(window.serialize()).value()]) {
              expect([seen.count, seen.min, seen.max]).toEqual([wanted.count, wanted.min, wanted.max]);
              close(seen.mean, wanted.mean, 1e6);
              if (wanted.count > 1) close(seen.variance, wanted.variance, 1e12);
            }
          }
        },
      ),
      runs,
    );
  });

  it('counts a slightly late value as of the newest time and refuses one older than the window', () => {
    const window = new SlidingMoments({ size: 10, span: 5 });
    window.update(1, 100);
    expect(window.update(2, 97)).toBe(true);
    expect(window.update(3, 95)).toBe(false);
    expect(window.count).toBe(2);
    window.expire(105);
    expect(window.value().count).toBe(0);
  });

  it('of pairs equals the covariance of the pairs still inside', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 3, maxLength: 60 }), pairs => {
        const window = new SlidingCovariance({ size: 7 });
        for (const [x, y] of pairs) window.update(x, y);
        const wanted = Covariance.of(pairs.slice(-7));
        for (const seen of [window.value(), SlidingCovariance.deserialize(window.serialize()).value()]) {
          expect(seen.count).toBe(wanted.count);
          close(seen.covariance, wanted.covariance, 1e12);
          close(seen.varianceX, wanted.varianceX, 1e12);
        }
      }),
      runs,
    );
  });

  it('does not drift after a huge value has left', () => {
    const window = new SlidingMoments({ size: 3 });
    for (const x of [1e15, 0.1, 0.2, 0.3]) window.update(x);
    expect(window.value().mean).toBeCloseTo(0.2, 15);
    expect(window.value().variance).toBeCloseTo(0.01, 15);
  });
});

describe('StreamingRegression', () => {
  it('recovers a plane exactly and merges like the whole stream', () => {
    const row = fc.tuple(fc.integer({ min: -50, max: 50 }), fc.integer({ min: -50, max: 50 }));
    fc.assert(
      fc.property(fc.array(row, { minLength: 12, maxLength: 40 }), fc.nat(40), (rows, cut) => {
        const varied = [...rows, [0, 0], [1, 0], [0, 1]] as [number, number][];
        const parts = [new StreamingRegression(2), new StreamingRegression(2)];
        varied.forEach(([u, v], i) => {
          parts[i < cut ? 0 : 1]!.update([u, v], 3 - 2 * u + 0.5 * v);
        });
        parts[0]!.merge(parts[1]!);
        const back = StreamingRegression.deserialize(parts[0]!.serialize());
        const [intercept, first, second] = back.coefficients();
        close(intercept!.estimate, 3, 1, 1e-9);
        close(first!.estimate, -2, 1, 1e-9);
        close(second!.estimate, 0.5, 1, 1e-9);
        expect(back.count).toBe(varied.length);
        expect(back.residualDeviation).toBeLessThan(1e-9);
      }),
      runs,
    );
  });

  it('names the column that the rows seen do not determine', () => {
    const stream = new StreamingRegression(2);
    for (let i = 0; i < 9; i++) stream.update([i, 2 * i], i);
    expect(() => stream.coefficients()).toThrow(/Column 2/);
  });
});
