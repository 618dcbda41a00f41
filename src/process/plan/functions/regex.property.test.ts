// Regular expressions give what DuckDB's RE2 gives: empty matches, group references, options.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { query } from '../plan.fixture.ts';
import { quoteText } from '../sql/field-sql.ts';
import type { Scalar } from './function.ts';
import { scalarFunction } from './registry.ts';

const seed = 20261124;

function call(name: string, values: readonly Scalar[]): Scalar {
  return (scalarFunction(name)!.signatures[0]!.scalar as (...scalars: readonly Scalar[]) => Scalar)(
    ...values,
  );
}

interface Call {
  name: string;
  values: (string | number)[];
}

const sqlOf = ({ name, values }: Call): string =>
  `${name}(${values.map(value => (typeof value === 'string' ? quoteText(value) : value)).join(', ')})`;

async function expectDuckdb(calls: readonly Call[]): Promise<void> {
  const rows = await query(calls.map(one => `SELECT ${sqlOf(one)}::VARCHAR`).join(' UNION ALL '));
  const wrong = calls.flatMap((one, index) => {
    const [engine, duckdb] = [String(call(one.name, one.values)), rows[index]![0]];
    return engine === duckdb ? [] : [{ sql: sqlOf(one), engine, duckdb }];
  });
  expect(wrong).toEqual([]);
}

const replace = (...values: string[]): Call => ({ name: 'regexp_replace', values });

test('an empty match right after a match is none', async () => {
  expect(call('regexp_replace', ['aaa!', 'a*', 'b', 'g'])).toBe('b!b');
  expect(call('regexp_replace', ['abc', 'b?', '_', 'g'])).toBe('_a_c_');
  await expectDuckdb([
    replace('aaa!', 'a*', 'b', 'g'),
    replace('abc', 'b?', '_', 'g'),
    replace('abc', '(b)?', '[\\1]', 'g'),
    replace('😀é', '', '-', 'g'),
    replace('', '', '-', 'g'),
    replace('abc', 'b?', '_'),
  ]);
});

test('a replacement with a group that is not there, or a backslash before a letter, is what RE2 makes of it', async () => {
  await expectDuckdb(
    ['\\9', '\\x', 'x\\', '\\\\1', '\\1\\2', 'a\\0\\', '\\x\\9'].flatMap(text =>
      ['', 'g'].map(options => replace('abcb', '(b)', text, options)),
    ),
  );
});

const subject = fc.oneof(
  fc.string({
    unit: fc.constantFrom('a', 'b', 'c', 'A', 'B', 'é', 'É', '😀', '\n', ' ', '.'),
    maxLength: 10,
  }),
  fc.constantFrom('', 'ſK', 'ǅ', 'a.b*'),
);
const atom = fc.constantFrom(
  'a',
  'b',
  'c',
  '.',
  '[ab]',
  '[^a]',
  '\\w',
  '\\s',
  'é',
  '(a)',
  '(b|c)',
  '(?:ab)',
  '(a*)',
  '^',
  '$',
  '\\b',
);
const piece = fc
  .tuple(atom, fc.constantFrom('', '', '', '*', '+', '?', '*?', '{1,2}'))
  .map(([of, times]) => (/^[\^$]|^\\b/.test(of) ? of : of + times));
const pattern = fc
  .tuple(fc.array(piece, { maxLength: 3 }), fc.constantFrom('', '', '|', '|b'))
  .map(([pieces, otherwise]) => pieces.join('') + otherwise);
const replacement = fc
  .array(fc.constantFrom('-', 'x', '\\0', '\\1', '\\2', '\\\\', '\\', '\\q'), { maxLength: 3 })
  .map(parts => parts.join(''));
const flags = fc.constantFrom('', 'i', 's', 'l', 'is', 'c');

test(`everything is as in DuckDB (seed ${seed})`, async () => {
  const calls = fc.oneof(
    fc
      .tuple(subject, pattern, replacement, flags, fc.constantFrom('', 'g', 'g'))
      .map(([s, p, r, f, g]) => replace(s, p, r, f + g)),
    fc
      .tuple(fc.constantFrom('regexp_matches', 'regexp_full_match'), subject, pattern, flags)
      .map(([name, ...values]) => ({ name, values })),
    fc
      .tuple(subject, pattern, fc.constantFrom(0, 1), flags)
      .filter(([, p, group]) => group === 0 || /\((?!\?)/.test(p))
      .map(([s, p, group, f]) => ({ name: 'regexp_extract', values: [s, p, group, f] })),
  );
  await expectDuckdb(fc.sample(calls, { numRuns: 4000, seed }));
});
