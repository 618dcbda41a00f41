import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mendLine } from './mend-line.ts';

test('a repeated key keeps its last value, bytes and all', () => {
  expect(mendLine('{"a":1, "b" : [1,{"a":2}] ,"\\u0061":12345678901234567890}')).toBe(
    '{"\\u0061":12345678901234567890,"b" : [1,{"a":2}]}',
  );
  expect(mendLine('{"o":{"b":1,"b":2}}')).toBe('{"o":{"b":2}}');
});

test('half of a pair becomes the replacement character, whole pairs and escaped backslashes stay', () => {
  expect(mendLine('{"a":"\\ud800","b":"\\ud83d\\ude00\\udc00x","c":"\\\\ud800"}')).toBe(
    '{"a":"\\ufffd","b":"\\ud83d\\ude00\\ufffdx","c":"\\\\ud800"}',
  );
});

test('a key that no column can be named with becomes one of replacement characters', () => {
  expect(mendLine('{"":1,"a\\u0000b":{"":2},"c":"\\u0000"}')).toBe(
    '{"\ufffd":1,"a\ufffdb":{"":2},"c":"\\u0000"}',
  );
});

test('what needs no mending is the same text', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue()), event => {
      const line = JSON.stringify(event);
      expect(JSON.parse(mendLine(line))).toEqual(JSON.parse(line));
    }),
    { seed: 3 },
  );
});

test('a line that ends early is an error, not a loop without end', () => {
  const line = '{"a":"x","b":[1,{"c":"\\\\"}]}';
  for (let end = 1; end < line.length; end++) expect(() => mendLine(line.slice(0, end))).toThrow();
});
