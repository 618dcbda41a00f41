import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { exchangeBytes, exchangeFiles, hasExchangeFiles, itemsOf } from '../testing/exchange-files.ts';
import { TDigest } from './tdigest.ts';

const of = (values: Iterable<number>, k = 200): TDigest => {
  const digest = new TDigest(k);
  for (const value of values) digest.update(value);
  return digest;
};

describe('t-digest', () => {
  it('answers undefined and NaN while empty, in 8 bytes', () => {
    const digest = new TDigest();
    expect(digest.quantile(0.5)).toBeUndefined();
    expect(digest.rank(1)).toBeNaN();
    expect(digest.min).toBeUndefined();
    expect(digest.serialize()).toHaveLength(8);
  });

  it('is exact on few values and at the ends', () => {
    const digest = of([5, 3, 9, Number.NaN, Number.POSITIVE_INFINITY, 1]);
    expect(digest.n).toBe(4);
    expect(digest.quantile([0, 0.25, 0.5, 0.75, 1])).toEqual([1, 1, 3, 5, 9]);
    expect([0, 1, 2, 3, 5, 9, 10].map(value => digest.rank(value))).toEqual([0, 0.25, 0.25, 0.5, 0.75, 1, 1]);
    expect(of([7, 7, 7]).quantile(0.3)).toBe(7);
    expect(of([7]).rank(7)).toBe(1);
  });

  it('is close in the middle and closer at the ends, for several distributions', () => {
    const rng = new Rng(41);
    const draws: Record<string, () => number> = {
      uniform: () => rng.float(),
      normal: () => rng.gaussian(),
      pareto: () => (1 - rng.float()) ** -1,
      repeated: () => Math.floor(10 * rng.float() ** 3),
    };
    for (const [name, draw] of Object.entries(draws)) {
      const values = Float64Array.from({ length: 100_000 }, draw);
      const digest = of(values);
      values.sort();
      for (const q of [0.0001, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999]) {
        const found = digest.quantile(q)!;
        const below = values.findIndex(value => value >= found) / values.length;
        const to = values.findLastIndex(value => value <= found);
        const error = Math.max(0, below - q, q - (to + 1) / values.length);
        const slack = name === 'repeated' ? 0.02 : digest.rankError(q) + 1 / values.length;
        expect(error, `${name} at ${q}`).toBeLessThanOrEqual(slack);
        if (name !== 'repeated') expect(Math.abs(digest.rank(found) - q)).toBeLessThan(slack);
      }
    }
  });

  it('keeps the same error after many merges', () => {
    const rng = new Rng(42);
    const merged = new TDigest();
    for (let part = 0; part < 100; part++) {
      merged.merge(of(Float64Array.from({ length: 1 + rng.below(2000) }, () => rng.float())));
    }
    for (const q of [0.001, 0.01, 0.5, 0.99, 0.999]) {
      expect(Math.abs(merged.quantile(q)! - q)).toBeLessThan(2 * merged.rankError(q) + 1e-3);
    }
    merged.merge(merged);
    const { n } = merged;
    const again = TDigest.deserialize(merged.serialize());
    expect(again.n).toBe(n);
    expect(again.serialize()).toEqual(merged.serialize());
  });

  it('holds little while it has seen little, and never more than its bound', () => {
    const buffer = (digest: TDigest) => (digest as unknown as { buffer: Float64Array }).buffer.length;
    expect(buffer(new TDigest())).toBe(0);
    expect(buffer(of([1]))).toBe(8);
    const sorted = of(
      Array.from({ length: 200_000 }, (_, i) => i),
      10,
    );
    expect(sorted.serialize().length).toBeLessThanOrEqual(32 + 16 * 50);
    expect(buffer(sorted)).toBe(200);
  });

  it('keeps huge values finite', () => {
    const digest = of(Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? -1 : 1) * Number.MAX_VALUE));
    expect(Number.isFinite(digest.quantile(0.5))).toBe(true);
    expect(digest.rank(0)).toBeCloseTo(0.5, 1);
  });

  it('refuses wrong parameters with typed errors', () => {
    expect(() => new TDigest(9)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => of([1]).quantile(-0.1)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });
});

describe.skipIf(!hasExchangeFiles)(
  't-digest and DataSketches (skipped without ../shared/data/datasketches)',
  () => {
    for (const name of exchangeFiles(/^tdigest/)) {
      it(`${name} has 1 … n within the usual error, and is written again byte for byte`, () => {
        const bytes = exchangeBytes(name);
        const n = itemsOf(name);
        const digest = TDigest.deserialize(bytes);
        expect(digest.n).toBe(n);
        if (n > 0) {
          expect([digest.min, digest.max]).toEqual([1, n]);
          for (const q of [0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999]) {
            expect(Math.abs(digest.quantile(q)! / n - q)).toBeLessThanOrEqual(digest.rankError(q) + 1 / n);
            expect(Math.abs(digest.rank(q * n) - q)).toBeLessThanOrEqual(digest.rankError(q) + 1 / n);
          }
        }
        expect(digest.serialize()).toEqual(bytes);
      });

      it(`${name} is what we make of the same values`, () => {
        const n = itemsOf(name);
        expect(
          of(
            Array.from({ length: n }, (_, i) => i + 1),
            100,
          ).serialize(),
        ).toEqual(exchangeBytes(name));
      });
    }
  },
);
