import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import {
  exchangeBytes,
  exchangeFiles,
  hasExchangeFiles,
  isSameBytes,
  itemsOf,
} from '../testing/exchange-files.ts';
import type { HllKind } from './hll-bytes.ts';
import { couponEstimate } from './hll-coupons.ts';
import { HyperLogLog } from './hyperloglog.ts';

const ofRange = (lgK: number, kind: HllKind, from: number, to: number): HyperLogLog => {
  const sketch = new HyperLogLog(lgK, kind);
  for (let i = from; i < to; i++) sketch.update(i);
  return sketch;
};

describe('HyperLogLog', () => {
  it('counts nothing in an empty sketch, which takes 8 bytes', () => {
    const sketch = new HyperLogLog(12);
    expect(sketch.estimate()).toBe(0);
    expect(sketch.bounds(3)).toEqual({ lower: 0, estimate: 0, upper: 0 });
    expect(sketch.memoryBytes).toBe(0);
    expect(sketch.serialize()).toHaveLength(8);
  });

  it('is as good as exact while few items came, and ignores repeats', () => {
    const sketch = new HyperLogLog(12);
    for (let i = 0; i < 300; i++) sketch.update(`user ${i % 100}`);
    expect(Math.round(sketch.estimate())).toBe(100);
    sketch.update('');
    sketch.update(new Uint8Array(0));
    expect(Math.round(sketch.estimate())).toBe(100);
  });

  it('takes whole columns, chosen rows and single hashes alike', () => {
    const rng = new Rng(7);
    const hashes = Uint32Array.from({ length: 4 * 5000 }, () => rng.uint32());
    const byColumn = new HyperLogLog(10);
    const byRow = new HyperLogLog(10);
    byColumn.updateColumn(hashes);
    for (let i = 0; i < hashes.length; i += 4) {
      byRow.updateHash(hashes[i]!, hashes[i + 1]!, hashes[i + 2]!, hashes[i + 3]!);
    }
    expect(byColumn.serialize()).toEqual(byRow.serialize());
    const chosen = new HyperLogLog(10);
    chosen.updateColumn(hashes, Uint32Array.of(3, 9, 9), 2);
    expect(Math.round(chosen.estimate())).toBe(2);
  });

  it.each(['HLL_4', 'HLL_6', 'HLL_8'] as const)('%s comes back from its bytes in every mode', kind => {
    for (const lgK of [4, 7, 8, 12, 14]) {
      for (const n of [0, 1, 7, 8, 100, 5000, 200_000]) {
        const sketch = ofRange(lgK, kind, 0, n);
        const again = HyperLogLog.deserialize(sketch.serialize());
        expect(again.estimate()).toBe(sketch.estimate());
        expect(again.lgK).toBe(lgK);
        expect(again.kind).toBe(kind);
        again.merge(ofRange(lgK, kind, 0, n));
        expect(Math.abs(again.estimate() / sketch.estimate() - 1) || 0).toBeLessThan(6 / 2 ** (lgK / 2));
      }
    }
  });

  it('keeps registers too large for a nibble as exceptions', () => {
    const sketch = new HyperLogLog(8, 'HLL_4');
    for (let i = 0; i < 2000; i++) sketch.update(i);
    sketch.updateCoupon(((40 << 26) | 5) >>> 0);
    sketch.updateCoupon(((63 << 26) | 9) >>> 0);
    expect(HyperLogLog.deserialize(sketch.serialize()).serialize()).toEqual(sketch.serialize());
    const wide = new HyperLogLog(8, 'HLL_8');
    wide.merge(sketch);
    expect(wide.estimate()).toBe(sketch.estimate());
  });

  it('merges sparse sketches without loss and keeps the better estimator', () => {
    const merged = ofRange(14, 'HLL_8', 0, 20_000);
    merged.merge(ofRange(14, 'HLL_8', 19_900, 20_100));
    expect(merged.isMerged).toBe(false);
    merged.merge(ofRange(14, 'HLL_8', 0, 20_000));
    expect(merged.isMerged).toBe(true);
    expect(Math.abs(merged.estimate() / 20_100 - 1)).toBeLessThan(3 * merged.relativeStandardError());
  });

  it('writes of merged registers the sums that are theirs', () => {
    const merged = ofRange(8, 'HLL_8', 0, 2000);
    merged.merge(ofRange(8, 'HLL_8', 2000, 5000));
    expect(merged.copy().serialize()).toEqual(merged.serialize());
  });

  it('takes the smaller lgK when dense sketches of two sizes meet', () => {
    const large = ofRange(14, 'HLL_8', 0, 50_000);
    const small = ofRange(11, 'HLL_8', 0, 50_000);
    const merged = ofRange(14, 'HLL_8', 0, 3);
    merged.merge(large);
    expect(merged.lgK).toBe(14);
    expect(merged.isMerged).toBe(false);
    merged.merge(small);
    expect(merged.lgK).toBe(11);
    const direct = small.copy();
    direct.merge(large);
    expect(merged.estimate()).toBe(direct.estimate());
    expect(Math.abs(merged.estimate() / 50_000 - 1)).toBeLessThan(0.1);
  });

  it('refuses parameters outside their range with a typed error', () => {
    expect(() => new HyperLogLog(3)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => new HyperLogLog(22)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => new HyperLogLog(12, 'HLL_5' as HllKind)).toThrow(/HLL_4/);
    expect(() => new HyperLogLog(12).updateCoupon(5)).toThrow(/value/);
    expect(() => new HyperLogLog(12).bounds(4 as 3)).toThrow(/standardDeviations/);
  });

  it('inverts the expected number of coupons as published', () => {
    // E[distinct coupons] of n items by the exact product form, summed over the 63 values.
    const expected = (n: number): number => {
      let sum = 0;
      for (let value = 1; value <= 63; value++)
        sum += -(2 ** 26) * Math.expm1(n * Math.log1p(-(2 ** (-26 - value))));
      return sum;
    };
    for (const n of [1, 20, 400, 8000, 160_000]) {
      expect(Math.abs(couponEstimate(expected(n)) / n - 1)).toBeLessThan(1e-8);
    }
  });
});

describe.skipIf(!hasExchangeFiles)(
  'HyperLogLog and DataSketches (skipped without ../shared/data/datasketches)',
  () => {
    for (const name of exchangeFiles(/^hll/)) {
      it(`${name} gives its n, and is written again byte for byte`, () => {
        const bytes = exchangeBytes(name);
        const n = itemsOf(name);
        const sketch = HyperLogLog.deserialize(bytes);
        const bounds = sketch.bounds(3);
        expect(bounds.lower).toBeLessThanOrEqual(n);
        expect(bounds.upper).toBeGreaterThanOrEqual(n);
        expect(Math.abs(bounds.estimate - n)).toBeLessThanOrEqual(0.02 * n);
        const again = sketch.serialize();
        if (bytes[7]! % 4 === 1) expect(HyperLogLog.deserialize(again).estimate()).toBe(sketch.estimate());
        else expect(isSameBytes(again, bytes)).toBe(true);
      });

      it(`${name} is what we make of the same items`, () => {
        const bytes = exchangeBytes(name);
        const ours = ofRange(12, `HLL_${name[3]}` as HllKind, 0, itemsOf(name)).serialize();
        // The HIP accumulators differ in their last digits: ours starts from the exact coupon estimate, theirs from a table.
        if (bytes[7]! % 4 === 2) {
          const hip = (of: Uint8Array) => new DataView(of.buffer).getFloat64(8, true);
          expect(Math.abs(hip(ours) / hip(bytes) - 1)).toBeLessThan(1e-6);
          ours.set(bytes.subarray(8, 16), 8);
        }
        expect(isSameBytes(ours, bytes)).toBe(true);
      });
    }
  },
);
