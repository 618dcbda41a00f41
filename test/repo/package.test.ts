// What `npm install millrace` brings: the files of the package, and types that a user's own project is checked with.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  bin: Record<string, string>;
  exports: Record<string, { types: string; default: string }>;
  dependencies: Record<string, string>;
};

test('the package has every entry with its types, the licences, and nothing that only this repository needs', () => {
  const text = execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: root, encoding: 'utf8' });
  const [{ files }] = JSON.parse(text) as [{ files: { path: string }[] }];
  const paths = files.map(({ path }) => path);
  const named = [
    ...Object.values(manifest.bin),
    ...Object.values(manifest.exports).flatMap(({ types, default: code }) => [types, code]),
    'LICENSE',
    'dist/third-party-licences.txt',
    'dist/kernel.wasm',
    'dist/console/index.html',
  ].map(path => path.replace(/^\.\//, ''));
  expect(named.filter(path => !paths.includes(path))).toEqual([]);
  const odd = paths.filter(
    path =>
      !/^(bin\/millrace|dist\/(console|types)\/.*|dist\/[^/]+\.(js|js\.map|wasm|txt)|docs\/.*\.(md|svg|png))$/.test(
        path,
      ),
  );
  expect(odd.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
  expect(paths.filter(path => /bench/.test(path))).toEqual([]);
});

test('the declarations name no package that is not installed with it', () => {
  const known = [...builtinModules.map(name => `node:${name}`), ...Object.keys(manifest.dependencies)];
  const declarations = readdirSync(join(root, 'dist/types'), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
  expect(declarations.length).toBeGreaterThan(100);
  const named = declarations.flatMap(file =>
    [...readFileSync(file, 'utf8').matchAll(/\b(?:from|import\(|import) ?['"]([^'".][^'"]*)['"]/g)].map(
      match => match[1]!,
    ),
  );
  expect([...new Set(named)].filter(name => !known.includes(name))).toEqual([]);
});

describe("a user's project", () => {
  const guide = readFileSync(join(root, 'docs/pipelines.md'), 'utf8');
  const example = /```ts\n([\s\S]*?)```/.exec(guide)![1]!;
  const settings = /```json\n([\s\S]*?)```/.exec(guide)![1]!;
  let dir: string;

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'millrace-user-'));
    // A copy: through a link the compiler would find the packages of this repository.
    const installed = join(dir, 'node_modules/millrace');
    mkdirSync(installed, { recursive: true });
    cpSync(join(root, 'package.json'), join(installed, 'package.json'));
    cpSync(join(root, 'dist/types'), join(installed, 'dist/types'), { recursive: true });
    write('package.json', { type: 'module' });
    write('tsconfig.json', settings);
  });

  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  function write(path: string, content: string | object): void {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), typeof content === 'string' ? content : JSON.stringify(content));
  }

  /** What the compiler says: `pipelines/a.ts(3,5): error TS2322`. */
  function check(files: Record<string, string>): string[] {
    rmSync(join(dir, 'pipelines'), { recursive: true, force: true });
    for (const [name, text] of Object.entries(files)) write(`pipelines/${name}.ts`, text);
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', dir], { cwd: dir, encoding: 'utf8' });
    return stdout.split('\n').filter(line => line.includes('error'));
  }

  test('has the types of pipelines, analyze and the client', () => {
    const entries = `
import { MillraceError, openApp, pipeline, type PipelineEvent, type ViewAnswer } from 'millrace';
import { HyperLogLog, Rng } from 'millrace/analyze';
import { Client } from 'millrace/client';
import { half } from './lib/half.ts';

const sketch = new HyperLogLog();
const client = new Client({ url: 'http://127.0.0.1:7117', stream: 'orders' });
client.send({ id: 1 });
export const sent: Promise<void> = client.flush();
export const cause: string = new MillraceError('some-code', 'It failed.').code;
export const windows = (answer: ViewAnswer): number => answer.windows.length + new Rng(1).float();
export const opened: Promise<void> = openApp({ dataDir: 'd', projectDir: 'p' }).then(app => app.close());
export default pipeline({ from: 'a', to: 'b', process: (event: PipelineEvent) => ({ n: half(event.deep.down), sketch }) });
`;
    const half = 'export const half = (n: number): number => n / 2;\n';
    expect(check({ visits: example, entries, 'lib/half': half })).toEqual([]);
  });

  test('is told what is wrong in it', () => {
    const wrong = example
      .replace('event => event.user', 'event => event.usr')
      .replace("delay: '10s'", 'delay: 10')
      .replace("state.set('pages'", "state.set('page'");
    const entries = ['', '/analyze', '/client'].map(entry => `import type { no } from 'millrace${entry}';\n`);
    const said = check({ visits: wrong, ...Object.fromEntries(entries.map((text, i) => [i, text])) });
    expect(said.map(line => line.replace(/^(.*)\(.*: error (TS\d+):.*/, '$1 $2'))).toEqual([
      ...entries.map((_, i) => `pipelines/${i}.ts TS2305`),
      ...['TS2551', 'TS2322', 'TS2345'].map(code => `pipelines/visits.ts ${code}`),
    ]);
  });
});
