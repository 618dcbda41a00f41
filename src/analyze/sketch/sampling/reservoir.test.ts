import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { jsonCodec } from '../item-codec.ts';
import { exchangeBytes, exchangeFiles, hasExchangeFiles } from '../testing/exchange-files.ts';
import { Reservoir, ReservoirDoubles, ReservoirLongs, ReservoirStrings } from './reservoir.ts';

/** χ² of counts against equal expectation, over its degrees of freedom. */
const unevenness = (counts: readonly number[]): number => {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0) / (counts.length - 1);
};

describe('reservoir sampling', () => {
  it('keeps everything while there is room, in order', () => {
    const sample = new ReservoirDoubles(10);
    sample.updateColumn(Float64Array.of(3, 1, 2));
    expect(sample.items).toEqual([3, 1, 2]);
    expect(sample.estimateCount(item => item > 1)).toEqual({ lower: 2, estimate: 2, upper: 2 });
  });

  it('takes every item equally often', () => {
    const counts = new Array<number>(50).fill(0);
    const rng = new Rng(31);
    for (let round = 0; round < 4000; round++) {
      const sample = new ReservoirDoubles(5, rng);
      for (let i = 0; i < 50; i++) sample.update(i);
      for (const item of sample.items) counts[item]!++;
    }
    expect(unevenness(counts)).toBeLessThan(1.6);
  });

  it('takes every item equally often after a merge of unequal streams and sizes', () => {
    const counts = new Array<number>(60).fill(0);
    const rng = new Rng(32);
    for (let round = 0; round < 4000; round++) {
      const left = new ReservoirDoubles(8, rng);
      const right = new ReservoirDoubles(5, rng);
      for (let i = 0; i < 15; i++) left.update(i);
      for (let i = 15; i < 60; i++) right.update(i);
      left.merge(right);
      expect(left.k).toBe(5);
      expect(left.n).toBe(60);
      expect(new Set(left.items).size).toBe(5);
      for (const item of left.items) counts[item]!++;
    }
    expect(unevenness(counts)).toBeLessThan(1.6);
  });

  it('merges samples that hold all of their streams to all, at its own size', () => {
    for (let round = 0; round < 20; round++) {
      const left = new ReservoirDoubles(10, new Rng(round));
      const right = new ReservoirDoubles(3, new Rng(round));
      for (let i = 0; i < 5; i++) left.update(i);
      for (let i = 5; i < 8; i++) right.update(i);
      left.merge(right);
      expect(left.k).toBe(10);
      expect([...left.items].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    }
  });

  it('gives bounds that hold the truth as often as they say', () => {
    let held = 0;
    const rng = new Rng(33);
    for (let round = 0; round < 1500; round++) {
      const sample = new ReservoirDoubles(100, rng);
      for (let i = 0; i < 2000; i++) sample.update(i);
      const { lower, upper } = sample.estimateCount(item => item % 10 === 0, 2);
      if (lower <= 200 && 200 <= upper) held++;
    }
    expect(held / 1500).toBeGreaterThan(0.92);
  });

  it('comes back from its bytes, also strings and JSON', () => {
    const strings = new ReservoirStrings(3);
    for (const text of ['один', 'two', '', '四']) strings.update(text);
    expect(ReservoirStrings.deserialize(strings.serialize()).items).toEqual(strings.items);
    const rows = new Reservoir(jsonCodec, 4);
    rows.update({ path: '/', status: 200 });
    expect(Reservoir.read(rows.serialize(), jsonCodec).items).toEqual(rows.items);
    const doubles = new ReservoirDoubles(4) as unknown as ReservoirStrings;
    expect(() => strings.merge(doubles)).toThrow(expect.objectContaining({ code: 'incompatible-sketches' }));
    expect(() => new ReservoirDoubles(0)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
  });

  it('replays, and goes on after its bytes', () => {
    const of = (): ReservoirDoubles => {
      const sample = new ReservoirDoubles(8);
      for (let i = 0; i < 500; i++) sample.update(i);
      return sample;
    };
    expect(of().items).toEqual(of().items);
    const again = ReservoirDoubles.deserialize(of().serialize());
    for (let i = 500; i < 5000; i++) again.update(i);
    expect(again.n).toBe(5000);
    expect(again.items.some(item => item >= 500)).toBe(true);
  });
});

describe.skipIf(!hasExchangeFiles)(
  'reservoir samples and DataSketches (skipped without ../shared/data/datasketches)',
  () => {
    for (const name of exchangeFiles(/^reservoir/)) {
      it(`${name} holds its n and k, and is written again byte for byte`, () => {
        const bytes = exchangeBytes(name);
        const sample: Reservoir<number> | Reservoir<bigint> = name.includes('double')
          ? ReservoirDoubles.deserialize(bytes)
          : ReservoirLongs.deserialize(bytes);
        const n = Number(/_n(\d+)/.exec(name)?.[1] ?? 0);
        const k = Number(/k(\d+)_java/.exec(name)![1]);
        expect([sample.n, sample.k]).toEqual([n, k]);
        expect(sample.items).toHaveLength(Math.min(n, k));
        for (const item of sample.items) expect(Number(item)).toBeLessThan(Math.max(n, 1) * 2);
        expect(name.includes('union') ? sample.serializeUnion() : sample.serialize()).toEqual(bytes);
      });
    }
  },
);
