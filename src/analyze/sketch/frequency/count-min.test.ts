import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { zipfDraws } from '../testing/zipf.ts';
import { CountMin, countMinSize } from './count-min.ts';
import { DyadicCountMin } from './dyadic-count-min.ts';

type Words = [number, number, number, number];

describe('Count-Min', () => {
  it.each([
    [0.7, false],
    [1.1, false],
    [1.1, true],
  ])('never underestimates and keeps its bound on Zipf %s, conservative %s', (exponent, isConservative) => {
    const draw = zipfDraws(new Rng(9), 20_000, exponent);
    const truth = new Float64Array(20_000);
    const sketch = new CountMin(1024, 5, isConservative);
    for (let i = 0; i < 100_000; i++) {
      const item = draw();
      truth[item]!++;
      sketch.update(item);
    }
    expect(sketch.n).toBe(100_000);
    truth.forEach((weight, item) => {
      const { lower, upper } = sketch.bounds(item);
      expect(lower <= weight && weight <= upper).toBe(true);
    });
  });

  it('merging equals one sketch of both streams', () => {
    const stream = fc.array(fc.tuple(fc.nat(50), fc.nat(9)), { maxLength: 100 });
    fc.assert(
      fc.property(stream, stream, (left, right) => {
        const of = (items: readonly [number, number][]): CountMin => {
          const sketch = new CountMin(16, 6);
          for (const [item, weight] of items) sketch.update(item, weight);
          return sketch;
        };
        const merged = of(left);
        merged.merge(of(right));
        expect(merged.serialize()).toEqual(of([...left, ...right]).serialize());
        expect(CountMin.deserialize(merged.serialize()).serialize()).toEqual(merged.serialize());
      }),
      { seed: 21 },
    );
  });

  it('takes columns of hashes, whole and by row', () => {
    const rng = new Rng(3);
    const hashes = Uint32Array.from({ length: 400 }, () => rng.uint32());
    const sketch = new CountMin(64, 4);
    sketch.updateColumn(hashes);
    sketch.updateColumn(hashes, Uint32Array.of(7, 7), 2);
    expect(sketch.n).toBe(102);
    expect(sketch.estimateHash(hashes[28]!, hashes[29]!, hashes[30]!, hashes[31]!)).toBeGreaterThanOrEqual(3);
  });

  it.each([1, 2, 3, 4, 5, 9])('a column of hashes is as one update a row, depth %d', depth => {
    const rng = new Rng(depth);
    const hashes = Uint32Array.from({ length: 4000 }, () => rng.uint32());
    const rows = Uint32Array.from({ length: 500 }, () => rng.below(1000));
    for (const isConservative of [false, true]) {
      const [column, single] = [
        new CountMin(64, depth, isConservative),
        new CountMin(64, depth, isConservative),
      ];
      column.updateColumn(hashes, rows);
      for (const row of rows) single.updateHash(...([0, 1, 2, 3].map(i => hashes[4 * row + i]!) as Words));
      expect(column.serialize()).toEqual(single.serialize());
    }
  });

  it('states its size for an error, and refuses wrong parameters with typed errors', () => {
    expect(countMinSize(0.001, 0.01)).toEqual({ width: 4096, depth: 5 });
    expect(() => countMinSize(0, 0.5)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => new CountMin(100)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => new CountMin(2 ** 24, 16)).toThrow(/width/);
    expect(() => new CountMin().update('a', 1.5)).toThrow(/weight/);
    expect(() => new CountMin(8).merge(new CountMin(16))).toThrow(
      expect.objectContaining({ code: 'incompatible-sketches' }),
    );
  });
});

describe('dyadic Count-Min', () => {
  it('counts any range from above, within its error', () => {
    const rng = new Rng(4);
    const sketch = new DyadicCountMin(20, 1024, 5);
    const values = Array.from({ length: 20_000 }, () => Math.floor(2 ** (20 * rng.float())));
    for (const value of values) sketch.update(value);
    for (let i = 0; i < 300; i++) {
      const from = rng.below(2 ** 20);
      const to = Math.min(2 ** 20 - 1, from + rng.below(2 ** (1 + (i % 20))));
      const truth = values.filter(value => value >= from && value <= to).length;
      const { lower, upper } = sketch.rangeBounds(from, to);
      expect(lower <= truth && truth <= upper).toBe(true);
    }
    expect(sketch.range(0, 2 ** 20 - 1)).toBe(20_000);
    expect(sketch.range(5, 4)).toBe(0);
    const sorted = values.sort((a, b) => a - b);
    for (const q of [0.1, 0.5, 0.9, 0.99]) {
      const found = sketch.quantile(q)!;
      const rank = sorted.filter(value => value <= found).length / sorted.length;
      expect(Math.abs(rank - q)).toBeLessThan(0.02);
      expect(sketch.rank(found)).toBeGreaterThanOrEqual(q - 0.02);
    }
  });

  it('is exact where the tables hold every block, to the ends of its domain', () => {
    const sketch = new DyadicCountMin(8, 256, 1);
    for (let value = 0; value < 256; value++) sketch.update(value, value);
    for (const [from, to] of [
      [0, 255],
      [255, 255],
      [0, 0],
      [3, 200],
    ] as const) {
      let truth = 0;
      for (let value = from; value <= to; value++) truth += value;
      expect(sketch.range(from, to)).toBe(truth);
    }
    expect(sketch.rangeErrorMax).toBe(0);
    expect(sketch.quantile(1)).toBe(255);
    const wide = new DyadicCountMin(32, 64, 2);
    wide.update(2 ** 32 - 1);
    expect(wide.quantile(0.5)).toBe(2 ** 32 - 1);
    expect(wide.range(2 ** 32 - 1, 2 ** 32 - 1)).toBe(1);
  });

  it('merges, comes back from its bytes, and refuses values outside its domain', () => {
    const sketch = new DyadicCountMin(10, 32, 3);
    for (let i = 0; i < 500; i++) sketch.update(i);
    const again = DyadicCountMin.deserialize(sketch.serialize());
    again.merge(sketch);
    expect(again.n).toBe(1000);
    expect(again.range(0, 499)).toBeGreaterThanOrEqual(1000);
    expect(() => sketch.update(1024)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => sketch.update(1.5)).toThrow(/value/);
    expect(new DyadicCountMin(10).quantile(0.5)).toBeUndefined();
    expect(() => sketch.merge(new DyadicCountMin(11, 32, 3))).toThrow(
      expect.objectContaining({ code: 'incompatible-sketches' }),
    );
  });
});
