import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyedHash } from '../../core/keyed-hash.ts';
import { wellFormed } from '../../core/surrogates.ts';
import { encodeKey, type KeyPart } from '../../store/state-key.ts';
import { GroupRegistry, groupKey } from './group-registry.ts';

const part: fc.Arbitrary<KeyPart> = fc.oneof(
  fc.constantFrom<KeyPart>(null, true, false, 0, -0, Number.NaN, Number.POSITIVE_INFINITY, 5, 5n, '5', ''),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double(),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('\ud800', '\udfffx', '\ufffd', 'a\0b', 'a\0', '\ufeffa', '가'),
);
const tuple = fc.oneof(
  part.map(value => [value]),
  fc.array(part, { maxLength: 3 }),
);
const text = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.constantFrom('a\0', '\0', 'é', 'aé', 'a'.repeat(4096), 'a'.repeat(4097)),
);
const step = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constantFrom('intern', 'load', 'find'), tuple }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('text'), text }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('collect'), keeps: fc.integer({ min: 1, max: 4 }) }),
  },
);

const normal = (values: readonly KeyPart[]): KeyPart[] =>
  values.map(value => (typeof value === 'string' ? wellFormed(value) : value === 0 ? 0 : value));

const textOf = (text: string) => (target: Uint8Array, at: number, max: number) => {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > max) return -1;
  target.set(bytes, at);
  return bytes.length;
};

test('a registry numbers tuples as a map by their values would', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const registry = new GroupRegistry();
      let expected: KeyPart[][] = [];
      const numberOf = (values: KeyPart[]): number =>
        expected.findIndex(one => groupKey(one) === groupKey(values));
      const interned = (values: KeyPart[]): number => {
        const known = numberOf(values);
        return known >= 0 ? known : expected.push(values) - 1;
      };
      for (const one of steps) {
        if ('tuple' in one) {
          const values = normal(one.tuple);
          if (one.kind === 'intern') expect(registry.intern(one.tuple)).toBe(interned(values));
          else if (one.kind === 'load') expect(registry.load(encodeKey(one.tuple))).toBe(interned(values));
          else {
            registry.stage(one.tuple);
            expect(registry.findStaged()).toBe(numberOf(values));
          }
        } else if ('text' in one) {
          const isPlain = one.text.length <= 4096 && !/[\0\x80-\uffff]/.test(one.text);
          expect(registry.stageText(textOf(one.text))).toBe(isPlain);
          if (!isPlain) registry.stage([one.text]);
          const values = normal([one.text]);
          expect(registry.findStaged()).toBe(numberOf(values));
          expect(registry.internStaged()).toBe(interned(values));
        } else {
          expected.forEach((values, id) => {
            expect(registry.values(id)).toEqual(values);
          });
          const isLive = Uint8Array.from(expected, (_, id) => (id % one.keeps === 0 ? 1 : 0));
          const moved = registry.collect(isLive);
          let next = 0;
          expect([...moved]).toEqual([...isLive].map(live => (live === 1 ? next++ : -1)));
          expected = expected.filter((_, id) => isLive[id] === 1);
        }
      }
      expect(registry.size).toBe(expected.length);
      expected.forEach((values, id) => {
        expect(registry.values(id)).toEqual(values);
        expect(registry.length(id)).toBe(encodeKey(values).length);
      });
    }),
    { seed: 11, numRuns: 500 },
  );
});

test('groups by the thousand are found again', () => {
  const registry = new GroupRegistry();
  for (let i = 0; i < 50_000; i++) expect(registry.intern([`/path/${i}`])).toBe(i);
  for (let i = 0; i < 50_000; i++) expect(registry.intern([`/path/${i}`])).toBe(i);
  expect(registry.size).toBe(50_000);
  const moved = registry.collect(Uint8Array.from({ length: 50_000 }, (_, id) => (id % 3 === 0 ? 1 : 0)));
  for (let i = 0; i < 50_000; i += 3) expect(registry.intern([`/path/${i}`])).toBe(moved[i]);
  expect(registry.size).toBe(16_667);
});

test('groups of one hash are two', () => {
  const registry = new GroupRegistry();
  const hashKey = Int32Array.of(1, 2);
  Object.assign(registry, { hashKey });
  const seen = new Map<number, string>();
  let pair: string[] = [];
  for (let i = 100_000; pair.length === 0; i++) {
    const key = encodeKey([`${i}`]);
    const hash = keyedHash(key, 0, key.length, hashKey);
    const other = seen.get(hash);
    if (other !== undefined) pair = [other, `${i}`];
    seen.set(hash, `${i}`);
  }
  expect(pair.map(value => registry.intern([value]))).toEqual([0, 1]);
  expect(pair.map(value => registry.intern([value]))).toEqual([0, 1]);
});

test('groups made to cancel each other in a plain hash do not fall on one place', () => {
  const registry = new GroupRegistry();
  for (let made = 0; made < 4096; made++) {
    // A number has nine bytes, so that the last of four begins, behind its tag, with a word of four bytes.
    const isSet = (number: number): boolean => number % 4 === 3 && ((made >> (number >> 2)) & 1) === 1;
    registry.intern(Array.from({ length: 48 }, (_, number) => (isSet(number) ? 0x80_0000_0180n : 0n)));
  }
  const { hashes, size } = registry as unknown as { hashes: Int32Array; size: number };
  expect(size).toBe(4096);
  expect(new Set(hashes.subarray(0, size)).size).toBeGreaterThan(4090);
});
