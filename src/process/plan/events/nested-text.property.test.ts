// DuckDB is the judge: it has read the same document into a JSON column.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { query } from '../plan.fixture.ts';
import { nestedText } from './nested-text.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-nested-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
async function texts(documents: readonly string[]): Promise<string[]> {
  const file = join(folder, `${files++}.ndjson`);
  writeFileSync(file, documents.map(document => `{"v":${document}}\n`).join(''));
  const sql = `SELECT v FROM read_json('${file}', format = 'newline_delimited', columns = {v: 'JSON'})`;
  return (await query(sql)).map(([text]) => String(text));
}

const spelled: string[] = [
  '{"a": 1, "b" : [ 1.0 , 1.50, 1e3, 1E-7, -0.0, -0, 0.1e-5 ]}',
  '[1e20, 1e21, 1.5e300, 5e-324, 123456789012345678901234567890, 18446744073709551615]',
  '["\\u0041\\u00e9", "\\/", "\\u0001\\n\\"\\\\", "é😀", "\\ud83d\\ude00", " {} [1, 2] "]',
  '[]',
  '[\t{ }\r, [ ] , null,true , false]',
];

it('is what DuckDB writes, for spellings of every kind', async () => {
  expect(spelled.map(nestedText)).toEqual(await texts(spelled));
});

it('has the last value of a repeated key, where the key was first', () => {
  expect(nestedText('{"a": 1, "b": {"c":0,"c": 2.50}, "\\u0061":[3]}')).toBe('{"a":[3],"b":{"c":2.5}}');
});

it('is what DuckDB writes (seeded)', async () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 8 });
  const { value } = fc.letrec(tie => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constant(null),
      fc.boolean(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      text,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(text, tie('value'), { maxKeys: 4 }),
    ),
  }));
  const nested = fc
    .array(value, { maxLength: 4 })
    .map(all => JSON.stringify(all, null, 1).replaceAll('\n', ' '));
  await fc.assert(
    fc.asyncProperty(fc.array(nested, { minLength: 1, maxLength: 20 }), async documents => {
      expect(documents.map(nestedText)).toEqual(await texts(documents));
    }),
    { numRuns: 60, seed: 3 },
  );
});
