// docs/bandits.md and docs/models.md: every example is run and must print what it says; every name of a function exists;
// every picture is what the library draws today (MILLRACE_DRAW=1 redraws them).
import { readFileSync, writeFileSync } from 'node:fs';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { drawings } from '../../../docs/draw-models.ts';
import { Rng } from '../../core/rng.ts';
import * as model from '../model/index.ts';
import * as stats from '../stats/index.ts';
import * as bandit from './index.ts';
import { benchmark } from './regret.bench.ts';

const library = { ...stats, ...model, ...bandit, Rng };
const docs = new URL('../../../docs/', import.meta.url);
const pictures = drawings();

function run(source: string): string[] {
  const { code } = transformSync(source, { loader: 'ts', format: 'cjs', target: 'node20' });
  const printed: string[] = [];
  const log = (...values: unknown[]): void => {
    printed.push(values.map(String).join(' '));
  };
  const require = (): unknown => library;
  new Function('require', 'console', 'module', 'exports', code)(require, { log }, { exports: {} }, {});
  return printed;
}

describe.each(['bandits.md', 'models.md'])('docs/%s', page => {
  const text = readFileSync(new URL(page, docs), 'utf8');
  const examples = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, source]) => source!);

  it.each(examples.map((source, i) => [i + 1, source] as const))(
    'example %i prints what it says',
    (_, source) => {
      const wanted = [...source.matchAll(/^console\.log.*\); \/\/ (.*)$/gm)].map(([, said]) => said!);
      expect(wanted.length).toBeGreaterThan(0);
      expect(run(source)).toEqual(wanted);
    },
  );

  it('names only classes and functions that exist', () => {
    const named = [...text.matchAll(/`([A-Z][a-z]+[A-Za-z0-9]*|[a-z][A-Za-z]+\(\))`/g)];
    expect(named.length).toBeGreaterThan(5);
    for (const [, name] of named) expect(library, name).toHaveProperty(name!.replace('()', ''));
  });

  it('shows pictures that exist, each of them with what it says', () => {
    const shown = [...text.matchAll(/!\[(.+)\]\(pictures\/([\w.-]+)\)/g)];
    expect(shown.length).toBeGreaterThan(2);
    for (const [, , file] of shown) expect(pictures).toHaveProperty([file!]);
  });
});

describe('pictures', () => {
  it.each(Object.entries(pictures))('%s is what the library draws', (file, picture) => {
    const at = new URL(`pictures/${file}`, docs);
    if (process.env['MILLRACE_DRAW']) writeFileSync(at, picture);
    expect(readFileSync(at, 'utf8')).toBe(picture);
    expect(picture.length).toBeLessThan(20_000);
  });
});

it('the bench runs in its tiny form', async () => {
  const cases = await benchmark.run({ tiny: true, seed: 1 });
  expect(cases.every(({ value }) => value > 0)).toBe(true);
});
