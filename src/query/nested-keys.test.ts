import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lastOfEachKey } from '../core/repeated-keys.ts';
import { NestedKeys } from './nested-keys.ts';

function areRepeated(text: string): boolean {
  const keys = new NestedKeys();
  const bytes = Buffer.from(text);
  expect(keys.after(bytes, 0)).toBe(bytes.length);
  return keys.areRepeated;
}

test('a key twice in one object is seen, however it is spelled, and the same key in two objects is not', () => {
  expect(areRepeated('{"a":{"b":1,"b":2}}')).toBe(true);
  expect(areRepeated('[{"b":1 , "\\u0062" :2}]')).toBe(true);
  expect(areRepeated('{"a":{"a":[{"a":"a"},{"a":1}]},"b":"a"}')).toBe(false);
  const many = Array.from({ length: 100 }, (_, i) => `"k${i}":${i}`);
  expect(areRepeated(`{"o":{${many.join(',')}}}`)).toBe(false);
  expect(areRepeated(`{"o":{${many.join(',')},"k3":0}}`)).toBe(true);
  expect(areRepeated(`{"o":{${many.join(',')},"k99":0}}`)).toBe(true);
});

test('what is seen is what would be rewritten', () => {
  const { value } = fc.letrec<{ value: string }>(tie => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('1', 'true', '"a"', '"}\\"]:"', '"\\\\"', '{}', '[ ]'),
      fc
        .array(fc.tuple(fc.string({ maxLength: 2 }), fc.constantFrom('', ' ', '\t'), tie('value')), {
          maxLength: 20,
        })
        .map(all => `{${all.map(([key, blank, of]) => `${JSON.stringify(key)}${blank}:${of}`).join(' ,')}}`),
      fc.array(tie('value'), { maxLength: 3 }).map(all => `[${all.join(' , ')}]`),
    ),
  }));
  fc.assert(
    fc.property(value, inner => {
      const text = `[${inner}]`;
      expect(areRepeated(text)).toBe(lastOfEachKey(text) !== text);
    }),
    { seed: 20261124, numRuns: 2000 },
  );
});
