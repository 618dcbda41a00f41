// What every quantile sketch keeps, whatever was updated, merged or written and read in between.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DDSketch } from './ddsketch.ts';
import { KllDoubles } from './kll.ts';
import { TDigest } from './tdigest.ts';

const kinds = {
  KllDoubles: { make: () => new KllDoubles(8), read: (bytes: Uint8Array) => KllDoubles.deserialize(bytes) },
  TDigest: { make: () => new TDigest(10), read: TDigest.deserialize },
  DDSketch: { make: () => new DDSketch(0.05, 64), read: DDSketch.deserialize },
};

const chunk = fc.oneof(
  fc.array(fc.integer({ min: -100, max: 100 }), { maxLength: 120 }),
  fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { maxLength: 120 }),
  fc
    .tuple(fc.integer({ min: -5, max: 5 }), fc.nat(150))
    .map(([value, n]) => new Array<number>(n).fill(value)),
);
const steps = fc.array(
  fc.record({ values: chunk, how: fc.constantFrom('update', 'column', 'merge', 'bytes') }),
  {
    minLength: 1,
    maxLength: 8,
  },
);

describe.each(Object.entries(kinds))('laws of %s', (_, { make, read }) => {
  it('count and ends are exact; ranks and quantiles are monotone and lie between the ends', () => {
    fc.assert(
      fc.property(steps, plan => {
        let sketch = make();
        const all: number[] = [];
        for (const { values, how } of plan) {
          all.push(...values);
          if (how === 'merge') {
            const other = make();
            for (const value of values) other.update(value);
            sketch.merge(other as never);
            expect(other.n).toBe(values.length);
          } else if (how === 'column') {
            sketch.updateColumn(Float64Array.from(values));
          } else {
            for (const value of values) sketch.update(value);
            if (how === 'bytes') sketch = read(sketch.serialize());
          }
        }
        expect(sketch.n).toBe(all.length);
        if (all.length === 0) return;
        expect(sketch.min === Math.min(...all)).toBe(true);
        expect(sketch.max === Math.max(...all)).toBe(true);
        const found = sketch.quantile([0, 0.1, 0.25, 0.5, 0.75, 0.9, 1]) as number[];
        const ranks = found.map(value => sketch.rank(value));
        for (let i = 1; i < found.length; i++) {
          expect(found[i]!).toBeGreaterThanOrEqual(found[i - 1]!);
          expect(ranks[i]!).toBeGreaterThanOrEqual(ranks[i - 1]! - 1e-12);
        }
        expect(found[0] === sketch.min && found.at(-1) === sketch.max).toBe(true);
        expect(ranks.at(-1)).toBe(1);
        expect(read(sketch.serialize()).serialize()).toEqual(sketch.serialize());
      }),
      { seed: 55, numRuns: 300 },
    );
  });
});
