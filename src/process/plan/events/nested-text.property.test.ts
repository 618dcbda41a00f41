// DuckDB is the judge: it has read the same document into a JSON column.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lastOfEachKey } from '../../../core/repeated-keys.ts';
import { wholePairs } from '../../../core/surrogates.ts';
import { query } from '../plan.fixture.ts';
import { nestedText } from './nested-text.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-nested-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As mend-line.ts mends what is inside of an event. */
const mended = (document: string): string => lastOfEachKey(wholePairs(document));

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
  '{"a":{"foo\\u000bar":42}}',
  `["${Array.from({ length: 0xa0 }, (_, code) => `\\u${code.toString(16).padStart(4, '0')}`).join('')}"]`,
  '["\\\\u001f", "\\\\\\u001f", "\\u2028\\u2029\\ufeff\\uFFFD"]',
];

/** With halves of surrogate pairs: DuckDB is given them as the history is. */
const halves: string[] = [
  '["\\ud800"]',
  '["a\\ud800b\\uDC00\\udc00\\ud800", "\\ud83d\\ude00\\ude00", "\\\\ud800"]',
  '{"\\ud800": 1, "\\udbff": {"\\udc00": "\\ud800\\ud800"}}',
];

it('is what DuckDB writes, for spellings of every kind', async () => {
  expect(spelled.map(text => nestedText(text))).toEqual(await texts(spelled));
});

it('has U+FFFD for half of a surrogate pair, as the history', async () => {
  expect(halves.map(text => nestedText(text))).toEqual(await texts(halves.map(mended)));
  expect(nestedText('["\\ud800"]')).toBe('["\ufffd"]');
});

it('has the last value of a repeated key, where the key was first', () => {
  expect(nestedText('{"a": 1, "b": {"c":0,"c": 2.50}, "\\u0061":[3]}')).toBe('{"a":[3],"b":{"c":2.5}}');
});

it('is what DuckDB writes (seeded)', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.string({ unit: fc.nat({ max: 0x9f }).map(code => String.fromCharCode(code)), maxLength: 8 }),
    fc.string({ unit: fc.constantFrom('\ud800', '\udc00', '\udbff', 'a', '\u0001'), maxLength: 6 }),
  );
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
      expect(documents.map(text => nestedText(text))).toEqual(await texts(documents.map(mended)));
    }),
    { numRuns: 60, seed: 3 },
  );
});
