import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].concat(
  readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
);

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

test.each(pages)('links of %s lead somewhere', page => {
  const targets = [...read(page).matchAll(/\]\(([^)#\s]+)(#[^)\s]*)?\)/g)].map(match => match[1]!);
  const missing = targets.filter(
    target => !/^https?:/.test(target) && !existsSync(resolve(root, dirname(page), target)),
  );
  expect(missing).toEqual([]);
});

test('every page of docs is reached from the README or another page', () => {
  const text = pages.map(read).join('\n');
  const unreached = pages.filter(
    page => page.startsWith('docs/') && !text.includes(page.slice('docs/'.length)),
  );
  expect(unreached).toEqual([]);
});

test('npm scripts named in the documents exist', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = pages.flatMap(page =>
    [...read(page).matchAll(/npm (?:run )?(start|test(?::\w+)?|(?<=run )[\w:]+)/g)].map(match => match[1]!),
  );
  expect(named.length).toBeGreaterThan(2);
  expect([...new Set(named)].filter(name => !(name in scripts))).toEqual([]);
});

test('commands and flags named in the documents exist', () => {
  const sources = readdirSync(join(root, 'src/cli'))
    .map(file => read(`src/cli/${file}`))
    .join('\n');
  const known = new Set([...sources.matchAll(/\.command\('(\w+)'\)/g)].map(match => match[1]!));
  expect(known.size).toBeGreaterThan(8);
  const named = pages.flatMap(page =>
    [...read(page).matchAll(/[`\n|]\s*millrace ([a-z]+)/g)].map(match => match[1]!),
  );
  expect(named.length).toBeGreaterThan(8);
  expect([...new Set(named)].filter(name => !known.has(name))).toEqual([]);
  const flags = [...read('README.md').matchAll(/`(--[a-z]+)`/g)].map(match => match[1]!);
  expect(flags.filter(flag => !sources.includes(flag) && !['--help'].includes(flag))).toEqual([]);
});

test('the README starts with the two commands', () => {
  const blocks = [...read('README.md').matchAll(/```sh\n([\s\S]*?)```/g)].map(match => match[1]!);
  expect(blocks[0]).toContain('npm ci && npm start');
  expect(blocks[0]).toContain('npm ci && npm test');
  expect(read('README.md').indexOf('```sh')).toBeLessThan(1500);
});

test('the project speaks of itself alone', () => {
  const machine = new RegExp(['/wor' + 'k/', '/roo' + 't/', 'far' + 'm-'].join('|'));
  expect(pages.filter(page => machine.test(read(page)))).toEqual([]);
});
