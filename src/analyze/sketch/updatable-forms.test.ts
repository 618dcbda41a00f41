// DataSketches also writes sketches as they lie in memory, with empty places. The published files have none of these, so they are made here
// from the compact forms by the documented layouts.
import { describe, expect, it } from 'vitest';
import { CompactTheta, HyperLogLog, KllDoubles, ThetaSketch } from './index.ts';

const bytesOf = (size: number, fill: (view: DataView, bytes: Uint8Array) => void): Uint8Array => {
  const bytes = new Uint8Array(size);
  fill(new DataView(bytes.buffer), bytes);
  return bytes;
};

describe('updatable forms', () => {
  it('an HLL list with empty places', () => {
    const sketch = new HyperLogLog(10);
    for (let i = 0; i < 5; i++) sketch.update(i);
    const compact = sketch.serialize();
    const updatable = bytesOf(8 + 32, (_, bytes) => bytes.set(compact));
    updatable[5] = 0;
    expect(HyperLogLog.deserialize(updatable).serialize()).toEqual(compact);
  });

  it('an HLL set as its hash table', () => {
    const sketch = new HyperLogLog(12);
    for (let i = 0; i < 60; i++) sketch.update(i);
    const compact = sketch.serialize();
    const lgLength = compact[4]!;
    const updatable = bytesOf(12 + 4 * 2 ** lgLength, (view, bytes) => {
      bytes.set(compact.subarray(0, 12));
      bytes[5] = 0;
      // Any places will do: a reader takes those that are not zero.
      for (let at = 12; at < compact.length; at += 4)
        bytes.set(compact.subarray(at, at + 4), 12 + (at - 12) + 4);
      expect(view.getUint32(8, true)).toBe(60);
    });
    const read = HyperLogLog.deserialize(updatable);
    expect(read.estimate()).toBe(sketch.estimate());
    read.merge(sketch);
    expect(read.estimate()).toBe(sketch.estimate());
    updatable[8] = 59;
    expect(() => HyperLogLog.deserialize(updatable)).toThrow(
      expect.objectContaining({ code: 'corrupt-sketch' }),
    );
  });

  it('a dense HLL_4 with its table of exceptions', () => {
    const sketch = new HyperLogLog(8, 'HLL_4');
    for (let i = 0; i < 3000; i++) sketch.update(i);
    sketch.updateCoupon(((50 << 26) | 77) >>> 0);
    const compact = sketch.serialize();
    const exceptions = compact.subarray(40 + 128);
    expect(exceptions.length).toBeGreaterThanOrEqual(4);
    const lgLength = compact[4]!;
    const updatable = bytesOf(40 + 128 + 4 * 2 ** lgLength, (_, bytes) => {
      bytes.set(compact.subarray(0, 40 + 128));
      bytes.set(exceptions, 40 + 128 + 4 * (2 ** lgLength - exceptions.length / 4));
      bytes[5] = 0;
    });
    expect(HyperLogLog.deserialize(updatable).serialize()).toEqual(compact);
  });

  it('a KLL sketch with free space below its items', () => {
    const sketch = new KllDoubles(20);
    for (let i = 0; i < 500; i++) sketch.update(i);
    const compact = sketch.serialize();
    const view = new DataView(compact.buffer);
    const levels = compact[18]!;
    const free = view.getUint32(20, true);
    const itemsAt = 20 + 4 * levels + 16;
    const capacity = free + (compact.length - itemsAt) / 8;
    const updatable = bytesOf(compact.length + 4 + 8 * free, (to, bytes) => {
      bytes.set(compact.subarray(0, 20 + 4 * levels));
      bytes[1] = 3;
      to.setUint32(20 + 4 * levels, capacity, true);
      bytes.set(compact.subarray(20 + 4 * levels, itemsAt), 24 + 4 * levels);
      bytes.set(compact.subarray(itemsAt), 24 + 4 * levels + 16 + 8 * free);
    });
    expect(KllDoubles.deserialize(updatable).serialize()).toEqual(compact);
  });

  it('the hash table of a Theta update sketch', () => {
    const sketch = new ThetaSketch(5);
    for (let i = 0; i < 400; i++) sketch.update(i);
    const compact = sketch.compact();
    const table = bytesOf(24 + 8 * 64, (view, bytes) => {
      bytes.set([0xc3, 3, 2, 5, 6, 0]);
      bytes.set(compact.serialize().subarray(6, 8), 6);
      view.setUint32(8, compact.retained, true);
      view.setBigUint64(16, compact.thetaInteger, true);
      [...compact.hashes].reverse().forEach((hash, i) => {
        view.setBigUint64(24 + 8 * i, hash, true);
      });
    });
    expect(CompactTheta.deserialize(table).serialize()).toEqual(compact.serialize());
  });

  it('a Theta sketch whose hashes are not in order', () => {
    const compact = new ThetaSketch();
    for (let i = 0; i < 20; i++) compact.update(i);
    const ordered = compact.serialize();
    const unordered = ordered.slice();
    unordered[5]! &= ~16;
    for (let i = 0; i < 20; i++) unordered.set(ordered.subarray(16 + 8 * i, 24 + 8 * i), 16 + 8 * (19 - i));
    expect(CompactTheta.deserialize(unordered).serialize()).toEqual(ordered);
  });
});
