import { expect, test } from 'vitest';
import { foldedName } from './folded-name.ts';

test('only the case of ASCII letters is folded', () => {
  expect(foldedName('User-ID_9 É')).toBe('user-id_9 É');
  // U+212A, the sign of kelvin, is k in lower case elsewhere.
  expect(foldedName('\u212A')).toBe('\u212A');
});
