// A window read back from its snapshot is the window: it answers alike, goes on alike, and encodes alike.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeSnapshot, encodeSnapshot } from './producer-snapshot.ts';
import { ProducerWindow } from './producer-window.ts';

const limits = { keysMax: 4, producersMax: 3, batchesPerProducerMax: 2 };
const seed = 3;
const names = fc.integer({ min: 0, max: 9 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('key' as const), name: names }),
  fc.record({ kind: fc.constant('batch' as const), name: names, size: fc.integer({ min: 1, max: 2 ** 40 }) }),
  fc.record({ kind: fc.constant('doubt' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const nameOf = (n: number): string => String.fromCharCode(n * 28).repeat(16);

function play(window: ProducerWindow<never>, steps: readonly Step[], from = 0): void {
  steps.forEach((one, i) => {
    const answer = { offset: (from + i) * 2 ** 30, count: i + 1, appendTimeMs: 1.7e12 + i };
    if (one.kind === 'key') {
      // A key that is known is answered, not remembered again.
      if (!window.find({ key: '' }, nameOf(one.name))) window.rememberKey(nameOf(one.name), answer);
    } else if (one.kind === 'doubt') window.doubt();
    else {
      const next = window.nextOf(nameOf(one.name)) ?? 0;
      window.rememberSequence(nameOf(one.name), next, next + one.size, answer);
    }
  });
}

it('comes back as it was, and stays alike whatever follows', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.array(step, { maxLength: 20 }), (before, after) => {
      const window = new ProducerWindow<never>(limits);
      play(window, before);
      const bytes = encodeSnapshot(window, 77);
      const again = decodeSnapshot<never>(bytes, 77, limits)!;
      expect(encodeSnapshot(again, 77)).toEqual(bytes);
      play(window, after, 100);
      play(again, after, 100);
      expect(encodeSnapshot(again, 78)).toEqual(encodeSnapshot(window, 78));
    }),
    { seed, numRuns: 300 },
  );
});

it('is nothing after any bit flip, any cut, or for another offset', () => {
  const window = new ProducerWindow<never>(limits);
  play(window, [
    { kind: 'key', name: 1 },
    { kind: 'batch', name: 2, size: 3 },
  ]);
  const bytes = encodeSnapshot(window, 5);
  expect(decodeSnapshot(bytes, 5, limits)).toBeDefined();
  expect(decodeSnapshot(bytes, 6, limits)).toBeUndefined();
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    expect(decodeSnapshot(flipped, 5, limits)).toBeUndefined();
  }
  for (let length = 0; length < bytes.length; length++) {
    expect(decodeSnapshot(bytes.subarray(0, length), 5, limits)).toBeUndefined();
  }
});
