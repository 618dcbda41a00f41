import { expect, test } from 'vitest';
import { nestingOf } from './json-nesting.ts';

test.each([
  ['{}', 1, 2],
  ['  {"a": [1, {"b": []}]} ', 4, 23],
  ['{"a":"}]"}', 1, 10],
  ['{"a":"\\"}","\\\\":[]}', 2, 19],
  ['{}}}', 1, 2],
  ['{} {"a":{}}', 2, 2],
  ['{"a": [1,', 2, undefined],
  ['{"a": "}', 1, undefined],
  ['"{"', 0, undefined],
  ['', 0, undefined],
])('%s', (text, deepest, end) => {
  expect(nestingOf(text)).toEqual({ deepest, end });
});
