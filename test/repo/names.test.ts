import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter(Boolean);

test('no file or folder has a name that says nothing', () => {
  const banned = /(^|[/-])(utils?|helpers?|commons?|shared|managers?|misc|types|stuff)(?=$|[/.-])/;
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter(file => /^(src|test|bench|examples)\//.test(file) && banned.test(file))).toEqual([]);
});

test('source files have kebab-case names', () => {
  const odd = files.filter(file => /^(src|test|bench)\/.*\.tsx?$/.test(file) && !/^[a-z0-9/.-]+$/.test(file));
  expect(odd).toEqual([]);
});

test('every source file opens with what it is', () => {
  const silent = files.filter(
    file =>
      /^src\/.*\.tsx?$/.test(file) &&
      !/\.(test|fixture)\.tsx?$|\.d\.ts$|\/assembly\//.test(file) &&
      !/^(\/\/|\/\*)/.test(readFileSync(resolve(root, file), 'utf8')),
  );
  expect(silent).toEqual([]);
});

test('the lock file names no host', () => {
  expect(readFileSync(resolve(root, 'package-lock.json'), 'utf8')).not.toMatch(
    /https?:\/\/(?!.*(opencollective|github|paypal|tidelift|funding|patreon|feross|dotenvx|liberapay|ko-fi|buymeacoffee|polar|thanks))[^"]*\.tgz|"resolved"/,
  );
});

test('versions are pinned exactly', () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8'));
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, version]) => !/^\d/.test(String(version)),
  );
  expect(loose).toEqual([]);
});

test('no package of the running system needs an install script to work', () => {
  const lock = JSON.parse(readFileSync(resolve(root, 'package-lock.json'), 'utf8'));
  const scripted = Object.entries(
    lock.packages as Record<string, { hasInstallScript?: boolean; dev?: boolean; optional?: boolean }>,
  )
    .filter(([, entry]) => entry.hasInstallScript && !entry.dev && !entry.optional)
    .map(([name]) => name);
  // lmdb's script only looks whether the prebuilt binary fits; the tests run without install scripts (.npmrc).
  expect(scripted).toEqual(['node_modules/lmdb']);
  expect(readFileSync(resolve(root, '.npmrc'), 'utf8')).toMatch(/^ignore-scripts=true$/m);
});
