import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { exchangeBytes, exchangeFiles, hasExchangeFiles, itemsOf } from '../testing/exchange-files.ts';
import { zipfDraws } from '../testing/zipf.ts';
import { FrequentLongs, FrequentStrings } from './frequent-items.ts';

describe('frequent items', () => {
  it('is exact while every item is kept', () => {
    const sketch = new FrequentStrings(64);
    for (let i = 0; i < 40; i++) sketch.update(`item ${i}`, i);
    expect(sketch.n).toBe(780);
    expect(sketch.errorMax).toBe(0);
    expect(sketch.top(2)).toEqual([
      { item: 'item 39', estimate: 39, lower: 39, upper: 39 },
      { item: 'item 38', estimate: 38, lower: 38, upper: 38 },
    ]);
    expect(sketch.bounds('never')).toEqual({ lower: 0, estimate: 0, upper: 0 });
  });

  it.each([0.7, 1.1])('never leaves its bounds on Zipf %s, alone or merged', exponent => {
    const draw = zipfDraws(new Rng(5), 20_000, exponent);
    const truth = new Float64Array(20_000);
    const parts = Array.from({ length: 4 }, () => new FrequentStrings(256));
    for (let i = 0; i < 40_000; i++) {
      const item = draw();
      truth[item]!++;
      parts[i % 4]!.update(`k${item}`);
    }
    const merged = new FrequentStrings(256);
    for (const part of parts) merged.merge(part);
    expect(merged.n).toBe(40_000);
    expect(merged.retained).toBeLessThanOrEqual(192);
    expect(merged.errorMax).toBeGreaterThan(0);
    expect(merged.errorMax).toBeLessThanOrEqual(merged.epsilon * merged.n);
    truth.forEach((weight, item) => {
      const { lower, upper } = merged.bounds(`k${item}`);
      expect(lower <= weight && weight <= upper).toBe(true);
    });
    const threshold = merged.n * 0.02;
    const certain = merged.frequent('no-false-positives', threshold).map(row => row.item);
    const possible = merged.frequent('no-false-negatives', threshold).map(row => row.item);
    truth.forEach((weight, item) => {
      if (weight > threshold) expect(possible).toContain(`k${item}`);
      else expect(certain).not.toContain(`k${item}`);
    });
  });

  it('comes back from its bytes and goes on alike', () => {
    const sketch = new FrequentStrings(32);
    for (let i = 0; i < 3000; i++) sketch.update(`ключ ${i % 61}`);
    const again = FrequentStrings.deserialize(sketch.serialize());
    expect(again.serialize()).toEqual(sketch.serialize());
    again.update('x', 7);
    sketch.update('x', 7);
    expect(again.serialize()).toEqual(sketch.serialize());
    sketch.merge(sketch);
    expect(sketch.n).toBe(6014);
  });

  it('refuses wrong parameters with typed errors', () => {
    expect(() => new FrequentStrings(100)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => new FrequentStrings(8).update('a', -1)).toThrow(/weight/);
    expect(() => new FrequentStrings(8).update('a', 0.5)).toThrow(/weight/);
    expect(() => new FrequentLongs(8).update(1n << 64n)).toThrow(/64/);
    const other = new FrequentLongs(8) as unknown as FrequentStrings;
    expect(() => new FrequentStrings(8).merge(other)).toThrow(
      expect.objectContaining({ code: 'incompatible-sketches' }),
    );
  });
});

describe.skipIf(!hasExchangeFiles)(
  'frequent items and DataSketches (skipped without ../shared/data/datasketches)',
  () => {
    for (const name of exchangeFiles(/^frequent_.*_n\d/)) {
      it(`${name} holds distinct items within its bounds, and is written again byte for byte`, () => {
        const bytes = exchangeBytes(name);
        const sketch = (name.includes('long') ? FrequentLongs : FrequentStrings).deserialize(bytes);
        expect(sketch.n).toBe(itemsOf(name));
        expect(sketch.errorMax).toBeLessThanOrEqual(sketch.epsilon * sketch.n);
        for (const { lower, upper } of sketch.frequent()) {
          expect(lower).toBeLessThanOrEqual(1);
          expect(upper).toBeGreaterThanOrEqual(1);
        }
        if (itemsOf(name) <= 10) expect(sketch.frequent()).toHaveLength(itemsOf(name));
        expect(sketch.serialize()).toEqual(bytes);
      });
    }

    it('reads strings of ASCII and beyond', () => {
      const ascii = FrequentStrings.deserialize(exchangeBytes('frequent_string_ascii_java.sk'));
      expect(ascii.frequent().map(row => [row.item, row.estimate])).toEqual([
        ['ddddddddddddddddddddddddddddd', 4],
        ['ccccccccccccccccccccccccccccc', 3],
        ['bbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 2],
        ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1],
      ]);
      const utf8 = FrequentStrings.deserialize(exchangeBytes('frequent_string_utf8_java.sk'));
      expect(utf8.estimate('абвгд')).toBe(1);
      expect(utf8.serialize()).toEqual(exchangeBytes('frequent_string_utf8_java.sk'));
    });
  },
);
