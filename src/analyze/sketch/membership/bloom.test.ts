import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { bloomSize } from './bit-filter.ts';
import { BlockedBloomFilter } from './blocked-bloom.ts';
import { BloomFilter } from './bloom.ts';
import { CountingBloomFilter } from './counting-bloom.ts';

const kinds = { BloomFilter, BlockedBloomFilter, CountingBloomFilter };

describe.each(Object.entries(kinds))('%s', (_, Kind) => {
  it('never denies what was added, also after merging and bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.nat()), (texts, numbers) => {
        const left = new Kind(512, 5);
        const right = new Kind(512, 5);
        for (const text of texts) left.update(text);
        for (const number of numbers) right.update(number);
        left.merge(right as never);
        const again = Kind.deserialize(left.serialize());
        expect(again.serialize()).toEqual(left.serialize());
        expect([...texts, ...numbers].every(item => left.has(item) && again.has(item))).toBe(true);
      }),
      { seed: 71 },
    );
  });

  it('errs as rarely as it says', () => {
    const filter = Kind.forItems(20_000, 0.01);
    for (let i = 0; i < 20_000; i++) filter.update(i);
    let wrong = 0;
    for (let i = 20_000; i < 120_000; i++) if (filter.has(i)) wrong++;
    const rate = filter.falsePositiveRate();
    expect(Math.abs(wrong / 100_000 - rate)).toBeLessThan(4 * Math.sqrt(rate / 100_000) + rate / 10);
    expect(rate).toBeLessThan(Kind === BlockedBloomFilter ? 0.014 : 0.0105);
  });

  it('refuses wrong sizes with typed errors', () => {
    expect(() => new Kind(100, 3)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => new Kind(512, 0)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => Kind.forItems(10, 2)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => new Kind(512, 3).merge(new Kind(1024, 3) as never)).toThrow(
      expect.objectContaining({ code: 'incompatible-sketches' }),
    );
  });
});

describe('Bloom filters, each on its own', () => {
  it('a filter has the textbook size', () => {
    expect(bloomSize(1000, 0.01)).toEqual({ bits: 9600, hashCount: 7 });
  });

  it('a filter counts what was added within its bounds', () => {
    const filter = new BloomFilter(64_000, 4);
    const rng = new Rng(72);
    const hashes = Uint32Array.from({ length: 4 * 10_000 }, () => rng.uint32());
    filter.updateColumn(hashes);
    filter.updateColumn(hashes, Uint32Array.of(5), 1);
    const { lower, estimate, upper } = filter.bounds(3);
    expect(lower).toBeLessThan(10_000);
    expect(upper).toBeGreaterThan(10_000);
    expect(Math.abs(estimate / 10_000 - 1)).toBeLessThan(0.03);
    expect(new BloomFilter(64, 1).bounds()).toEqual({ lower: 0, estimate: 0, upper: 0 });
  });

  it('a blocked filter expects the rate it then has', () => {
    const filter = new BlockedBloomFilter(512 * 400, 7);
    const rng = new Rng(73);
    filter.updateColumn(Uint32Array.from({ length: 4 * 20_000 }, () => rng.uint32()));
    expect(filter.falsePositiveRate() / filter.expectedRate(20_000)).toBeGreaterThan(0.9);
    expect(filter.falsePositiveRate() / filter.expectedRate(20_000)).toBeLessThan(1.1);
    // A filter far beyond its size says yes to everything.
    expect(filter.expectedRate(0)).toBe(0);
    expect(filter.expectedRate(1e7)).toBeCloseTo(1, 9);
  });

  it('a counting filter forgets what is removed and keeps the rest', () => {
    const filter = CountingBloomFilter.forItems(1000, 0.001);
    for (let i = 0; i < 1000; i++) filter.update(i);
    for (let i = 0; i < 500; i++) expect(filter.remove(i)).toBe(true);
    let left = 0;
    for (let i = 0; i < 500; i++) if (filter.has(i)) left++;
    expect(left).toBeLessThan(5);
    for (let i = 500; i < 1000; i++) expect(filter.has(i)).toBe(true);
    expect(filter.remove('never there')).toBe(false);
  });

  it('a counting filter never loses an item whose counters overflowed', () => {
    const filter = new CountingBloomFilter(64, 4);
    for (let i = 0; i < 20; i++) filter.update('often');
    filter.update('other');
    for (let i = 0; i < 20; i++) filter.remove('often');
    expect(filter.has('other')).toBe(true);
  });
});
