import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lastOfEachKey, membersIn } from './repeated-keys.ts';

test('of a repeated key the last value stays, at every depth, where the key was first', () => {
  expect(lastOfEachKey('{"a":{"b":1,"b":2}}')).toBe('{"a":{"b":2}}');
  expect(lastOfEachKey('{"a":{"b":1},"a":{"c":2}}')).toBe('{"a":{"c":2}}');
  expect(lastOfEachKey('[ {"a":1,"c":0,"\\u0061": 12345678901234567890} , 1.0 ]')).toBe(
    '[{"\\u0061": 12345678901234567890,"c":0},1.0]',
  );
  expect(lastOfEachKey('{"__proto__":1,"__proto__":{"a":1,"a":"}"}}')).toBe('{"__proto__":{"a":"}"}}');
});

/** JSON with few keys, so that they are repeated, and blanks. */
const { value } = fc.letrec<{ value: string }>(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('1', '-1.50e3', 'true', 'null', '"a"', '"}\\"]"', '"\\\\"', '{}', '[ ]'),
    fc
      .array(fc.tuple(fc.constantFrom('"a"', '"\\u0061"', '"b" ', '""'), tie('value')), { maxLength: 4 })
      .map(members => `{${members.map(([key, of]) => ` ${key}: ${of}`).join(' ,')}}`),
    fc.array(tie('value'), { maxLength: 3 }).map(values => `[${values.join(' , ')}\t]`),
  ),
}));

test('it says what JSON.parse reads, and without repeated keys keeps its bytes', () => {
  fc.assert(
    fc.property(value, text => {
      const once = lastOfEachKey(text);
      expect(JSON.parse(once)).toEqual(JSON.parse(text));
      expect((once.match(/"(?:[^"\\]|\\.)*"(?=\s*:)/g) ?? []).length).toBe(membersIn(JSON.parse(text)));
      expect(lastOfEachKey(once)).toBe(once);
      if ((text.match(/"(?:[^"\\]|\\.)*"(?=\s*:)/g) ?? []).length === membersIn(JSON.parse(text)))
        expect(once).toBe(text);
    }),
    { seed: 20261124, numRuns: 2000 },
  );
});
