// docs/statistics.md and docs/experiments.md: every example is run and must print what it says; every picture
// must be what the library draws today; every name in backticks with parentheses must exist.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { drawings } from '../../../docs/draw-statistics.ts';
import { Rng } from '../../core/rng.ts';
import * as experiment from '../experiment/index.ts';
import * as stats from './index.ts';

const docs = new URL('../../../docs/', import.meta.url);
const pictures = drawings();
const library = { ...stats, ...experiment, Rng };

/** Runs one example and returns what it printed, line by line. */
function run(source: string): string[] {
  const { code } = transformSync(source, { loader: 'ts', format: 'cjs', target: 'node20' });
  const printed: string[] = [];
  const show = (value: unknown): string => (typeof value === 'string' ? value : inspect(value));
  const log = (...values: unknown[]): void => {
    printed.push(values.map(show).join(' '));
  };
  const require = (name: string): unknown => {
    if (name !== 'millrace/analyze') throw new Error(`An example imports ${name}.`);
    return library;
  };
  new Function('require', 'console', 'module', 'exports', code)(require, { log }, { exports: {} }, {});
  return printed;
}

for (const page of ['statistics.md', 'experiments.md']) {
  describe(`docs/${page}`, () => {
    const text = readFileSync(new URL(page, docs), 'utf8');
    const examples = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, source]) => source!);

    examples.forEach((source, i) => {
      const line = text.slice(0, text.indexOf(source)).split('\n').length;
      it(`example ${i + 1}, line ${line}, prints what it says`, () => {
        // What is printed stands behind the call's end; further lines, of a loop, follow behind `//   `.
        const said = source.matchAll(/\); \/\/ (.*)$|^ *\/\/ {3}(.*)$/gm);
        const wanted = [...said].map(([, first, further]) => first ?? further!);
        expect(wanted.length).toBeGreaterThan(0);
        expect(run(source)).toEqual(wanted);
      });
    });

    it('names only what exists', () => {
      const named = [...text.matchAll(/`([a-zA-Z]+)\(\)`/g)].map(([, name]) => name!);
      for (const name of named) expect(library, name).toHaveProperty(name);
    });

    it('shows only pictures that exist', () => {
      const shown = [...text.matchAll(/\]\(pictures\/([\w.-]+)\)/g)].map(([, file]) => file!);
      for (const file of shown) expect(pictures).toHaveProperty([file]);
    });
  });
}

describe('pictures', () => {
  for (const [file, picture] of Object.entries(pictures)) {
    it(`${file} is what the library draws`, () => {
      const at = new URL(`pictures/${file}`, docs);
      if (process.env['MILLRACE_DRAW']) {
        mkdirSync(new URL('pictures/', docs), { recursive: true });
        writeFileSync(at, picture);
      }
      expect(readFileSync(at, 'utf8')).toBe(picture);
      expect(picture.length).toBeLessThan(20_000);
    });
  }
});
