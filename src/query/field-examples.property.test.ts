import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fieldExamples } from './field-examples.ts';

let dir: string;
let connection: DuckDBConnection;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-examples-'));
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
});

afterAll(() => {
  connection.closeSync();
  rmSync(dir, { recursive: true, force: true });
});

function examplesOf(text: string): string | undefined {
  const file = join(dir, 'events.ndjson');
  writeFileSync(file, text);
  return fieldExamples(file).lines?.toString();
}

const number = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(
    '9223372036854775807',
    '-9223372036854775808',
    '9223372036854775808',
    '18446744073709551616',
  ),
  fc.constantFrom('-0', '1e5', '1E-5', '1.0', '123456789012345678', '1234567890123456789'),
);
const text = fc.oneof(
  fc.string(),
  fc.constantFrom('a"b\\', '2026-01-01', '2026-01-01T00:00:00Z', '12', 'true', '{"a":1}\n', '00:00:01'),
);
const value = fc.oneof(
  number.map(String),
  text.map(one => JSON.stringify(one)),
  fc.constantFrom('true', 'false', 'null'),
  fc.jsonValue({ maxDepth: 3 }).map(one => JSON.stringify(one)),
);
const space = fc.constantFrom('', '', ' ', '\t', ' \r');
/** Keys that differ in more than case: those that do not have a story of their own. */
const key = fc.constantFrom('a', 'b', 'longer name', 'ü', 'quo"te', 'back\\slash', 'x.y', '0', '');
const line = fc
  .tuple(fc.uniqueArray(fc.tuple(key, value), { selector: ([name]) => name, maxLength: 7 }), space)
  .map(([fields, gap]) => {
    const parts = fields.map(([name, one]) => `${gap}${JSON.stringify(name)}${gap}:${gap}${one}`);
    return `${gap}{${parts.join(`${gap},`)}${gap}}${gap}\n`;
  });

async function described(content: string): Promise<string> {
  const file = join(dir, 'described.ndjson');
  writeFileSync(file, content);
  const source = `read_json('${file}', format = 'newline_delimited', sample_size = -1, field_appearance_threshold = 0, map_inference_threshold = -1, dateformat = '%Y~', timestampformat = '%Y~')`;
  const reader = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${source}`);
  // Objects and lists are text to the lake, whatever is in them.
  return JSON.stringify(
    reader
      .getRows()
      .map(([name, type]) => [name, /^(STRUCT|MAP|JSON)|\[\]$/.test(String(type)) ? 'JSON' : type]),
  );
}

test('the examples have the fields and types of the whole file', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 30 }), async lines => {
      const examples = examplesOf(lines.join(''))!;
      for (const example of examples.match(/[^\n]+\n/g)!) expect(lines).toContain(example);
      expect(await described(examples)).toBe(await described(lines.join('')));
    }),
    { seed: 11, numRuns: 300 },
  );
}, 60_000);

test('like lines are told by the first of them', () => {
  const lines = Array.from({ length: 1000 }, (_, i) => `{"a":${i},"b":"${'x'.repeat(i)}","c":{"d":${i}}}\n`);
  lines[500] = '{"a":1.5,"b":"","c":[]}\n';
  expect(examplesOf(lines.join(''))).toBe(`${lines[0]}${lines[500]}`);
});

test('a file longer than what is read at once is read to its last line, which may lack a newline', () => {
  const lines = Array.from({ length: 100_000 }, (_, i) => `{"a":"${'long'.repeat(20)}${i}"}\n`).join('');
  const long = `{"b":"${'z'.repeat(9_000_000)}"}`;
  const [first] = lines.split('\n');
  expect(examplesOf(`${lines}{"last":1}`)).toBe(`${first}\n{"last":1}\n`);
  expect(examplesOf(`${lines}${long}`)).toBeUndefined();
  expect(examplesOf('')).toBe('');
});
