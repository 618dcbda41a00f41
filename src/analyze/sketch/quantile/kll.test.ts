import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { exchangeBytes, exchangeFiles, hasExchangeFiles, itemsOf } from '../testing/exchange-files.ts';
import { KllDoubles, KllFloats, KllLongs, KllStrings, kllRankError } from './kll.ts';

const ofRange = (from: number, to: number, k = 200): KllDoubles => {
  const sketch = new KllDoubles(k);
  for (let i = from; i < to; i++) sketch.update(i);
  return sketch;
};

describe('KLL', () => {
  it('answers undefined and NaN while empty, in 8 bytes', () => {
    const sketch = new KllDoubles();
    expect(sketch.quantile(0.5)).toBeUndefined();
    expect(sketch.quantile([0.1, 0.9])).toEqual([undefined, undefined]);
    expect(sketch.quantileBounds(0.5)).toBeUndefined();
    expect(sketch.rank(3)).toBeNaN();
    expect(sketch.serialize()).toHaveLength(8);
    expect(KllDoubles.deserialize(sketch.serialize()).isEmpty).toBe(true);
  });

  it('is exact while every item is kept', () => {
    const sketch = ofRange(1, 101);
    expect(sketch.rankError()).toBe(0);
    expect(sketch.quantile([0, 0.01, 0.5, 0.501, 0.99, 1])).toEqual([1, 1, 50, 51, 99, 100]);
    expect(sketch.rank(25)).toBe(0.25);
    expect(sketch.rank(25, false)).toBe(0.24);
    expect(sketch.shares([25, 50])).toEqual([0.25, 0.25, 0.5]);
  });

  it('ignores NaN and keeps infinities', () => {
    const sketch = new KllDoubles();
    sketch.updateColumn(
      Float64Array.of(Number.NaN, 1, Number.NEGATIVE_INFINITY, 2, Number.POSITIVE_INFINITY),
    );
    expect(sketch.n).toBe(4);
    expect(sketch.min).toBe(Number.NEGATIVE_INFINITY);
    expect(sketch.quantile(1)).toBe(Number.POSITIVE_INFINITY);
    expect(KllDoubles.deserialize(sketch.serialize()).quantile(0.5)).toBe(1);
  });

  it('keeps ranks within the published error, and memory bounded, on a million items', () => {
    expect(kllRankError(200)).toBeCloseTo(0.0133, 4);
    expect(kllRankError(200, true)).toBeCloseTo(0.0165, 4);
    const sketch = ofRange(0, 1_000_000);
    for (let rank = 0.01; rank < 1; rank += 0.01) {
      expect(Math.abs(sketch.quantile(rank)! / 1_000_000 - rank)).toBeLessThan(0.02);
    }
    expect(sketch.retained).toBeLessThan(700);
    expect(sketch.serialize().length).toBeLessThan(6000);
  });

  it('merges any grouping into the same count, ends and bound', () => {
    const parts = Array.from({ length: 50 }, (_, i) => ofRange(i * 5000, (i + 1) * 5000));
    const merged = new KllDoubles();
    for (const part of parts) merged.merge(part);
    expect(merged.n).toBe(250_000);
    expect([merged.min, merged.max]).toEqual([0, 249_999]);
    for (const rank of [0.01, 0.25, 0.5, 0.9, 0.999]) {
      expect(Math.abs(merged.quantile(rank)! / 250_000 - rank)).toBeLessThan(0.02);
    }
    merged.merge(merged);
    expect(merged.n).toBe(500_000);
    expect(KllDoubles.deserialize(merged.serialize()).serialize()).toEqual(merged.serialize());
    const coarse = ofRange(0, 5000, 50);
    merged.merge(coarse);
    expect(merged.rankError()).toBe(kllRankError(50));
  });

  it('replays from a seed, and equal streams give equal sketches without one', () => {
    expect(ofRange(0, 50_000).serialize()).toEqual(ofRange(0, 50_000).serialize());
    const seeded = (seed: number): Uint8Array => {
      const sketch = new KllDoubles(200, new Rng(seed));
      for (let i = 0; i < 50_000; i++) sketch.update(i);
      return sketch.serialize();
    };
    expect(seeded(1)).toEqual(seeded(1));
    expect(seeded(1)).not.toEqual(seeded(2));
  });

  it('takes chosen rows of a column', () => {
    const sketch = new KllDoubles();
    sketch.updateColumn(Float64Array.of(5, 6, 7, 8), Uint32Array.of(1, 3, 0), 2);
    expect([sketch.n, sketch.min, sketch.max]).toEqual([2, 6, 8]);
  });

  it('holds little while it has seen little', () => {
    const store = (sketch: KllDoubles) =>
      (sketch as unknown as { levels: { store: Float64Array } }).levels.store.length;
    expect(store(new KllDoubles())).toBe(0);
    expect(store(ofRange(0, 3))).toBe(8);
    expect(store(ofRange(0, 200))).toBe(200);
  });

  it('sketches floats, longs and strings', () => {
    const floats = new KllFloats();
    floats.update(0.1);
    expect(floats.min).toBe(Math.fround(0.1));
    const longs = new KllLongs();
    for (let i = 0n; i < 10_000n; i++) longs.update((1n << 60n) + i);
    expect(Number(longs.quantile(0.5)! - (1n << 60n))).toBeGreaterThan(4700);
    expect(() => longs.update(1n << 63n)).toThrow(/64/);
    expect(KllLongs.deserialize(longs.serialize()).serialize()).toEqual(longs.serialize());
    const strings = new KllStrings();
    for (let i = 0; i < 5000; i++) strings.update(String(i).padStart(5, '0'));
    expect(Math.abs(Number(strings.quantile(0.5)) - 2500)).toBeLessThan(100);
    expect(KllStrings.deserialize(strings.serialize()).serialize()).toEqual(strings.serialize());
  });

  it('refuses wrong parameters and kinds with typed errors', () => {
    expect(() => new KllDoubles(7)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => ofRange(0, 5).quantile(1.5)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    const other = new KllFloats() as KllDoubles;
    expect(() => ofRange(0, 5).merge(other)).toThrow(
      expect.objectContaining({ code: 'incompatible-sketches' }),
    );
  });
});

const readers = { double: KllDoubles, float: KllFloats, long: KllLongs, string: KllStrings } as const;

describe.skipIf(!hasExchangeFiles)(
  'KLL and DataSketches (skipped without ../shared/data/datasketches)',
  () => {
    for (const name of exchangeFiles(/^kll/)) {
      it(`${name} has 1 … n within the bound, and is written again byte for byte`, () => {
        const bytes = exchangeBytes(name);
        const n = itemsOf(name);
        const sketch = readers[/kll_(\w+?)_/.exec(name)![1] as keyof typeof readers].deserialize(bytes);
        expect(sketch.n).toBe(n);
        if (n > 0) {
          expect(Number(sketch.min)).toBe(1);
          expect(Number(sketch.max)).toBe(n);
          for (const rank of [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99]) {
            const found = Number(sketch.quantile(rank));
            expect(Math.abs(found / n - rank)).toBeLessThanOrEqual(Math.max(sketch.rankError(), 1 / n));
          }
        }
        expect(sketch.serialize()).toEqual(bytes);
      });
    }

    it('makes the same bytes of the same items while nothing is compacted', () => {
      for (const n of [0, 1, 10, 100]) {
        expect(ofRange(1, n + 1).serialize()).toEqual(exchangeBytes(`kll_double_n${n}_java.sk`));
      }
    });
  },
);
