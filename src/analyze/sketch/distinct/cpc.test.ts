import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../../core/errors.ts';
import { Rng } from '../../../core/rng.ts';
import { exchangeBytes, exchangeFiles, hasExchangeFiles, itemsOf } from '../testing/exchange-files.ts';
import { CpcEstimate, iconEstimate } from './cpc.ts';

describe('CPC estimates', () => {
  it('the ICON estimator is unbiased and errs as published', () => {
    const rng = new Rng(111);
    const trials = 300;
    for (const n of [50, 1000, 20_000]) {
      let sum = 0;
      let squares = 0;
      for (let trial = 0; trial < trials; trial++) {
        const coupons = new Set<number>();
        for (let i = 0; i < n; i++) coupons.add((rng.uint32() & 255) * 64 + Math.clz32(rng.uint32()));
        const error = iconEstimate(coupons.size, 8) / n - 1;
        sum += error;
        squares += error * error;
      }
      const published = Math.LN2 / 16;
      expect(Math.sqrt(squares / trials)).toBeLessThan(published * 1.15);
      expect(Math.abs(sum / trials)).toBeLessThan(published / 5);
    }
    expect(iconEstimate(0, 10)).toBe(0);
    expect(iconEstimate(1, 10)).toBeCloseTo(1, 2);
  });
});

describe.skipIf(!hasExchangeFiles)(
  'CPC and DataSketches (skipped without ../shared/data/datasketches)',
  () => {
    for (const name of exchangeFiles(/^cpc_n\d/)) {
      it(`${name} gives its n within three deviations, also from its coupons alone`, () => {
        const n = itemsOf(name);
        const sketch = CpcEstimate.deserialize(exchangeBytes(name));
        const { lower, upper } = sketch.bounds(3);
        expect(lower).toBeLessThanOrEqual(n);
        expect(upper).toBeGreaterThanOrEqual(n);
        expect(sketch.isMerged).toBe(false);
        const icon = iconEstimate(sketch.coupons, sketch.lgK);
        expect(Math.abs(icon - n)).toBeLessThanOrEqual((3 * Math.LN2 * n) / Math.sqrt(2 ** sketch.lgK));
      });
    }

    it('reads a merged sketch, which has no accumulators', () => {
      const bytes = exchangeBytes('cpc_n100_java.sk');
      const merged = new Uint8Array(bytes.length - 16);
      merged.set(bytes.subarray(0, 16));
      merged.set(bytes.subarray(32), 16);
      merged[0] = 4;
      merged[5] = 2 | 8;
      const sketch = CpcEstimate.deserialize(merged);
      expect(sketch.isMerged).toBe(true);
      expect(Math.abs(sketch.estimate() - 100)).toBeLessThan(5);
    });

    it('refuses damage with a typed error (seed 112)', () => {
      const rng = new Rng(112);
      for (const name of exchangeFiles(/^cpc/)) {
        const bytes = exchangeBytes(name);
        for (let round = 0; round < 300; round++) {
          const damaged = bytes.slice(0, round % 3 === 0 ? rng.below(bytes.length) : bytes.length);
          if (damaged.length > 0) damaged[rng.below(Math.min(40, damaged.length))] = rng.uint32();
          try {
            expect(CpcEstimate.deserialize(damaged).bounds().upper).toBeGreaterThanOrEqual(0);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(MillraceError);
            expect((thrown as MillraceError).code).toBe('corrupt-sketch');
          }
        }
      }
    });

    it('cpc_negative_one holds one item', () => {
      expect(CpcEstimate.deserialize(exchangeBytes('cpc_negative_one_java.sk')).estimate()).toBeCloseTo(1, 6);
    });
  },
);
