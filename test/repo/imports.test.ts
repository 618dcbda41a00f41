import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const src = resolve(dirname(fileURLToPath(import.meta.url)), '../../src');

/**
 * The import table. A folder may import from itself, from the folders listed here, and from every contract. Files directly in src/
 * compose the system and may import anything; nobody imports them but the command line.
 */
const allowed: Record<string, string[]> = {
  core: [],
  analyze: ['core'],
  kernel: ['core'],
  collect: ['core', 'analyze', 'kernel'],
  flow: ['core', 'analyze', 'kernel'],
  process: ['core', 'analyze', 'kernel'],
  store: ['core', 'analyze', 'kernel'],
  query: ['core', 'analyze', 'kernel'],
  deliver: ['core', 'analyze', 'kernel'],
  connect: ['core', 'analyze', 'kernel'],
  console: ['core'],
  client: ['core'],
  demo: ['core'],
  cli: ['core', 'analyze', 'kernel', 'collect', 'flow', 'process', 'store', 'query', 'deliver', 'demo', '.'],
};

/** Contracts: types and rules that stages say to each other in. */
const contracts = new Set([
  'collect/format.ts',
  'collect/rejected.ts',
  'collect/source.ts',
  'flow/log.ts',
  'process/audit-report.ts',
  'process/engine.ts',
  'process/pipeline.ts',
  'process/view.ts',
  'process/plan/plan.ts',
  'process/plan/vector.ts',
  'store/lake.ts',
  'store/lake-sql.ts',
  'store/parquet.ts',
  'store/schema.ts',
  'store/state.ts',
  'store/state-key.ts',
  'query/query.ts',
  'deliver/api.ts',
  'deliver/default-views.ts',
]);

function sources(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => !file.includes('/assembly/'));
}

const isTest = (file: string): boolean =>
  /\.(test|bench|fixture)\.tsx?$/.test(file) || file.includes('/testing/');

interface Import {
  from: string;
  to: string;
}

function imports(): Import[] {
  return sources(src)
    .filter(file => !isTest(file))
    .flatMap(file =>
      [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(match => ({
        from: relative(src, file),
        to: relative(src, resolve(dirname(file), match[1]!)),
      })),
    );
}

const stageOf = (file: string): string => (file.includes('/') ? file.split('/')[0]! : '.');

test('imports point the way of the table', () => {
  const all = imports();
  expect(all.length).toBeGreaterThan(100);
  const wrong = all.filter(({ from, to }) => {
    const stage = stageOf(from);
    const target = stageOf(to);
    return (
      stage !== '.' && stage !== target && !contracts.has(to) && !(allowed[stage] ?? []).includes(target)
    );
  });
  expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
});

test('every folder of src stands in the table', () => {
  const folders = readdirSync(src, { withFileTypes: true }).filter(entry => entry.isDirectory());
  expect(folders.map(entry => entry.name).filter(name => !(name in allowed))).toEqual([]);
});

test('core and analyze take no clock, no disk, no chance and no process', () => {
  const impure = sources(src)
    .filter(file => /^(core|analyze)\//.test(relative(src, file)) && !isTest(file))
    .filter(file => {
      const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      const clockOfTime = relative(src, file) === 'core/time.ts';
      return (
        /from 'node:|Math\.random|performance\.now|process\.|setTimeout|new Date\(\)/.test(code) ||
        (!clockOfTime && /Date\.now/.test(code))
      );
    });
  expect(impure.map(file => relative(src, file))).toEqual([]);
});

test('imports make no circle between files', () => {
  const edges = new Map<string, string[]>();
  for (const file of sources(src).filter(file => !isTest(file))) {
    const text = readFileSync(file, 'utf8');
    // Types are gone when the program runs.
    const targets = [...text.matchAll(/(?:^|\n)(?:import|export)\s+(?!type\b)[^;]*?from\s+'(\.[^']+)'/g)].map(
      match => relative(src, resolve(dirname(file), match[1]!)),
    );
    edges.set(relative(src, file), targets);
  }
  const done = new Set<string>();
  const circle: string[] = [];
  function visit(file: string, path: string[]): void {
    if (path.includes(file)) {
      circle.push([...path.slice(path.indexOf(file)), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  }
  for (const file of edges.keys()) visit(file, []);
  expect(circle).toEqual([]);
});

/** The folders of src/process, each above those that may import it. */
const layers = [
  'plan',
  'state',
  'accumulators',
  'windows',
  'view',
  'derived',
  'engine',
  'threads',
  'projection',
  'pipeline',
  'audit',
];

test('the folders of src/process import only those above them in their table', () => {
  const all = imports().flatMap(({ from, to }) => {
    const [, own, file] = from.match(/^process\/([^/]+)\/(.*)/) ?? [];
    const [, other] = to.match(/^process\/([^/]+)\//) ?? [];
    return file && own && other && own !== other ? [{ from, to, own, other }] : [];
  });
  expect(all.length).toBeGreaterThan(100);
  expect(all.filter(({ own, other }) => !layers.includes(own) || !layers.includes(other))).toEqual([]);
  const wrong = all.filter(({ own, other }) => layers.indexOf(other) > layers.indexOf(own));
  expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
});
