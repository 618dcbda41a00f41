import { describe, expect, it } from 'vitest';
import { Rng } from '../../../core/rng.ts';
import { doubleCodec, jsonCodec, stringCodec } from '../item-codec.ts';
import { TimeDecayedSample, WeightedSample } from './weighted-sample.ts';

describe('weighted sampling', () => {
  it('keeps everything, exactly, while there is room', () => {
    const sample = new WeightedSample(stringCodec, 10);
    sample.update('a', 2);
    sample.update('b', 3);
    sample.update('never', 0);
    expect(sample.n).toBe(3);
    expect(sample.items.map(({ item }) => item).sort()).toEqual(['a', 'b']);
    const { lower, estimate, upper } = sample.estimateSum(() => true);
    expect([lower, upper]).toEqual([estimate, estimate]);
    expect(estimate).toBeCloseTo(5, 12);
  });

  it('draws the first item in proportion to weight', () => {
    const rng = new Rng(81);
    const counts = [0, 0, 0, 0];
    for (let round = 0; round < 20_000; round++) {
      const sample = new WeightedSample(doubleCodec, 1, rng);
      for (let i = 0; i < 4; i++) sample.update(i, i + 1);
      counts[sample.items[0]!.item]!++;
    }
    counts.forEach((count, i) => {
      expect(Math.abs(count / 20_000 - (i + 1) / 10)).toBeLessThan(0.015);
    });
  });

  it('estimates sums without bias, with bounds that hold as often as they say, also merged', () => {
    const rng = new Rng(82);
    const weights = Array.from({ length: 500 }, () => (1 - rng.float()) ** -0.6);
    const truth = weights.reduce((sum, weight, i) => (i % 3 === 0 ? sum + weight : sum), 0);
    let sum = 0;
    let held = 0;
    const rounds = 1000;
    for (let round = 0; round < rounds; round++) {
      const left = new WeightedSample(doubleCodec, 60, rng);
      const right = new WeightedSample(doubleCodec, 60, rng);
      weights.forEach((weight, i) => {
        (i < 200 ? left : right).update(i, weight);
      });
      left.merge(right);
      const { lower, estimate, upper } = left.estimateSum(item => item % 3 === 0, 2);
      sum += estimate;
      if (lower <= truth && truth <= upper) held++;
    }
    expect(Math.abs(sum / rounds / truth - 1)).toBeLessThan(0.03);
    expect(held / rounds).toBeGreaterThan(0.9);
  });

  it('comes back from its bytes, and only with its own codec', () => {
    const sample = new WeightedSample(jsonCodec, 3);
    for (let i = 0; i < 50; i++) sample.update({ id: i }, 1 + (i % 5));
    const again = WeightedSample.deserialize(sample.serialize(), jsonCodec);
    expect(again.items).toEqual(sample.items);
    expect([again.n, again.totalWeight]).toEqual([50, 150]);
    expect(again.serialize()).toEqual(sample.serialize());
    expect(() => WeightedSample.deserialize(sample.serialize(), stringCodec)).toThrow(
      expect.objectContaining({ code: 'corrupt-sketch' }),
    );
  });

  it('refuses wrong parameters with typed errors', () => {
    const sample = new WeightedSample(doubleCodec, 3);
    expect(() => sample.update(1, Number.NaN)).toThrow(expect.objectContaining({ code: 'invalid-argument' }));
    expect(() => sample.merge(new WeightedSample(doubleCodec, 4))).toThrow(
      expect.objectContaining({ code: 'incompatible-sketches' }),
    );
    expect(() => new TimeDecayedSample(doubleCodec, 3, 0)).toThrow(/halfLifeUs/);
  });
});

describe('time-decayed sampling', () => {
  const hour = 3_600_000_000;
  const start = 1_700_000_000_000_000;

  it('keeps mostly the recent past and estimates the decayed count, late items included', () => {
    const rng = new Rng(83);
    let sum = 0;
    let fresh = 0;
    for (let round = 0; round < 200; round++) {
      const sample = new TimeDecayedSample(doubleCodec, 100, hour, rng);
      // A hundred items an hour for fifty hours, in a scrambled order.
      for (let i = 0; i < 5000; i++)
        sample.update((i * 1237) % 5000, start + ((i * 1237) % 5000) * (hour / 100));
      sum += sample.estimateCount(() => true, start + 50 * hour).estimate;
      fresh += sample.items.filter(({ item }) => item >= 4600).length;
    }
    const truth = Array.from({ length: 5000 }, (_, i) => 2 ** -((5000 - i) / 100)).reduce((a, b) => a + b, 0);
    expect(Math.abs(sum / 200 / truth - 1)).toBeLessThan(0.03);
    expect(fresh / 200).toBeGreaterThan(75);
  });

  it('merges and comes back from its bytes', () => {
    const left = new TimeDecayedSample(stringCodec, 5, hour, new Rng(1));
    const right = new TimeDecayedSample(stringCodec, 5, hour, new Rng(2));
    for (let i = 0; i < 40; i++) (i % 2 === 0 ? left : right).update(`event ${i}`, start + i * hour);
    left.merge(right);
    expect(left.n).toBe(40);
    const again = TimeDecayedSample.deserialize(left.serialize(), stringCodec);
    expect(again.items).toEqual(left.items);
    expect(again.serialize()).toEqual(left.serialize());
    for (const { item, timeUs } of again.items) {
      expect(Math.abs(timeUs - (start + Number(item.slice(6)) * hour))).toBeLessThan(1000);
    }
  });
});
