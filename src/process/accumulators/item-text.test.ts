import { expect, test } from 'vitest';
import { itemOf, itemText } from './item-text.ts';

test('items of sketches come back as what they were, and none is another', () => {
  const big = 2n ** 63n - 1n;
  const items = [
    '',
    '1',
    1,
    'true',
    true,
    false,
    '\u0000x',
    '\u00001',
    '\u0000\u00001',
    -0.5,
    2 ** 60,
    2n ** 60n,
    big,
    1e300,
  ];
  const texts = items.map(itemText);
  expect(texts.map(itemOf)).toEqual(items);
  expect(new Set(texts).size).toBe(items.length);
});
