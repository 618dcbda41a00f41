// The ring against a plain copy of the file: whatever it gives is what was put, and it gives all of the newest.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TailMemory } from './tail-memory.ts';

const ringBytes = 64 * 1024;

it('gives the newest bytes as they were put, and nothing else', () => {
  const step = fc.record({
    lengths: fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 3 }),
    back: fc.integer({ min: 0, max: 90_000 }),
    length: fc.integer({ min: 1, max: 70_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), fc.nat(100_000), (steps, start) => {
      const memory = TailMemory.create(2, ringBytes);
      const reader = new TailMemory(memory.memory);
      const ring = memory.claim(3, 700, 0)!;
      ring.clear(start);
      let file = Buffer.alloc(start);
      for (const { lengths, back, length } of steps) {
        const chunks = lengths.map((length, at) => Buffer.alloc(length, `${file.length}/${at}|`));
        file = Buffer.concat([file, ...chunks]);
        expect(ring.put(chunks)).toBe(file.length);
        expect(
          Buffer.concat(ring.view(file.length - Math.min(100, file.length - start), file.length)),
        ).toEqual(file.subarray(file.length - Math.min(100, file.length - start)));
        const from = Math.max(0, file.length - back);
        const target = Buffer.alloc(length);
        const isHere = from >= start && from >= file.length - ringBytes && from + length <= file.length;
        expect(reader.read(3, 700, from, target)).toBe(isHere);
        if (isHere) expect(target.equals(file.subarray(from, from + length))).toBe(true);
        expect(reader.read(3, 701, from, target)).toBe(false);
        expect(reader.read(4, 700, from, target)).toBe(false);
      }
    }),
    { numRuns: 200, seed: 11 },
  );
});

it('gives each partition a ring while there are any, then those that have rested', () => {
  const memory = TailMemory.create(2, ringBytes);
  const first = memory.claim(0, 0, 0)!;
  const second = memory.claim(1, 0, 100)!;
  first.clear(0);
  first.put([Buffer.from('first')]);
  expect(second).not.toBe(first);
  expect(memory.claim(0, 0, 500)).toBe(first);
  expect(memory.claim(2, 0, 1000)).toBeUndefined();
  second.isBusy = true;
  expect(memory.claim(2, 0, 1400)).toBeUndefined();
  second.isBusy = false;
  expect(memory.claim(2, 0, 1400)).toBe(second);
  expect(memory.read(0, 0, 0, new Uint8Array(5))).toBe(true);
  // A new segment of the same partition: what the ring has is of the one before.
  expect(memory.claim(0, 9, 1500)).toBe(first);
  expect(memory.read(0, 9, 0, new Uint8Array(5))).toBe(false);
  expect(memory.read(0, 0, 0, new Uint8Array(5))).toBe(false);
});
