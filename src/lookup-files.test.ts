import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MillraceError, withRemedy } from './core/errors.ts';
import { LookupFiles } from './lookup-files.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-lookups-'));
});

afterEach(() => rmSync(dir, { recursive: true }));

test('a file that ends the process which reads it is named, and after three times not read until it changes', async () => {
  const file = join(dir, 'bad.csv');
  writeFileSync(file, 'k\n1\n');
  let reads = 0;
  const lookups = new LookupFiles(join(dir, 'copies'), async () => {
    reads++;
    throw new MillraceError('query-process-died', 'The query process stopped.', { canRetry: true });
  });
  const refresh = () => lookups.refresh([{ name: 'bad', file }], new Set());
  await refresh();
  expect(lookups.faults().map(withRemedy)).toEqual([
    'The lookup table "bad" cannot be loaded: The query process stopped. It is tried again.',
  ]);
  for (let i = 0; i < 9; i++) await refresh();
  expect(reads).toBe(3);
  expect(lookups.faults()).toMatchObject([
    { canRetry: false, remedy: expect.stringMatching(/^That was so 3 times: .* when it changes\.$/) },
  ]);
  writeFileSync(file, 'k\n1\n2\n');
  await refresh();
  expect(reads).toBe(4);
});
