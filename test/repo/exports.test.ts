import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Changing this list changes what programs may build on: say so in CHANGELOG.md. */
const surface: Record<string, string[]> = {
  'dist/index.js': ['App', 'MillraceError', 'openApp', 'pipeline'],
  'dist/client.js': ['Client'],
};

test('dist/analyze.js exports exactly what is listed beside this test', async () => {
  const module = (await import(resolve(root, 'dist/analyze.js'))) as Record<string, unknown>;
  const listed = readFileSync(resolve(root, 'test/repo/analyze-exports.txt'), 'utf8')
    .split('\n')
    .filter(Boolean);
  expect(Object.keys(module).sort()).toEqual(listed);
});

test.each(Object.entries(surface))('%s exports exactly what is listed', async (file, names) => {
  const module = (await import(resolve(root, file))) as Record<string, unknown>;
  expect(Object.keys(module).sort()).toEqual([...names].sort());
});

test('package.json leads to these files', () => {
  const { exports } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
    exports: Record<string, { default: string }>;
  };
  expect(
    Object.values(exports)
      .map(entry => entry.default.replace('./', ''))
      .sort(),
  ).toEqual(['dist/analyze.js', 'dist/client.js', 'dist/index.js'].sort());
});
