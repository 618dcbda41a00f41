import { expect, test } from 'vitest';
import { chooseLanguage, fill, languages } from './language.ts';
import { texts } from './text.ts';

const placeholders = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

test.each(Object.entries(texts))('%s says the same in every language', (_key, pair) => {
  expect(pair).toHaveLength(languages.length);
  for (const text of pair) {
    expect(text.trim()).not.toBe('');
    for (const form of text.split('|'))
      for (const name of placeholders(form)) expect(placeholders(pair[1])).toContain(name);
  }
  for (const name of placeholders(pair[1])) expect(pair[0]).toContain(name);
});

test('Korean is Korean where English has words', () => {
  const untranslated = Object.entries(texts).filter(
    ([, [en, ko]]) => en === ko && /[a-z]{3}/i.test(en.replace(/\{\w+\}/g, '')),
  );
  expect(untranslated.map(([key]) => key)).toEqual(['nav.sql', 'range.hint', 'sql.title']);
});

test('names are filled in, numbers in the language, and count picks the form', () => {
  expect(fill('{count} row|{count} rows', { count: 1 }, 'en')).toBe('1 row');
  expect(fill('{count} row|{count} rows', { count: 1234 }, 'en')).toBe('1,234 rows');
  expect(fill('{a} and {b}', { a: '<b>' }, 'en')).toBe('<b> and {b}');
});

test('the stored language wins over the browser, which wins over English', () => {
  expect(chooseLanguage('en', ['ko-KR'])).toBe('en');
  expect(chooseLanguage(null, ['fr', 'ko-KR', 'en'])).toBe('ko');
  expect(chooseLanguage(null, ['fr'])).toBe('en');
});
