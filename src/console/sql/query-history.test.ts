import { expect, test } from 'vitest';
import { remembered } from './query-history.ts';

test('the history has each query once, newest first, and is bounded', () => {
  expect(remembered(['a', 'b'], ' b ')).toEqual(['b', 'a']);
  expect(remembered(['a'], '  ')).toEqual(['a']);
  expect(
    remembered(
      Array.from({ length: 50 }, (_, n) => `q${n}`),
      'new',
    ),
  ).toHaveLength(50);
});
