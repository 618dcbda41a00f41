// docs/sketches.md, docs/detection.md and docs/forecasting.md: every example runs and gives what its comments say, every class of the
// library has a place in its guide, every picture exists, and every class that is named.
import { existsSync, readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../core/rng.ts';
import * as anomaly from '../anomaly/index.ts';
import * as forecast from '../forecast/index.ts';
import * as sketch from './index.ts';

const docs = new URL('../../../docs/', import.meta.url);
const library: Record<string, unknown> = { ...sketch, ...anomaly, ...forecast };

const rng = new Rng(8);
/** What the examples take as given. */
const given = {
  series: Array.from({ length: 300 }, (_, i) => ({ value: rng.gaussian(), timeUs: i * 60_000_000 })),
  requestsByHour: Array.from(
    { length: 240 },
    (_, i) => 1000 + 300 * Math.sin((i * Math.PI) / 12) + rng.gaussian(),
  ),
};

/** Runs an example; each statement with a value behind `//` is paired with that value. */
function run(source: string): { statement: string; gives: unknown; said: unknown }[] {
  const pairs: ReturnType<typeof run> = [];
  const marked = source.replace(
    /^([^\n/]+); \/\/ ([[{\d'"].*)$/gm,
    (_, statement: string, said: string) =>
      `__pair(${JSON.stringify(statement)}, (${statement}), (${said}));`,
  );
  const { code } = transformSync(marked, { loader: 'ts', format: 'cjs', target: 'node20' });
  const require = (name: string): unknown => {
    if (name !== 'millrace/analyze') throw new Error(`An example imports ${name}.`);
    return library;
  };
  const pair = (statement: string, gives: unknown, said: unknown): void => {
    pairs.push({ statement, gives, said });
  };
  const names = Object.keys(given);
  new Function('require', '__pair', 'console', ...names, code)(
    require,
    pair,
    { log: () => undefined },
    ...Object.values(given),
  );
  return pairs;
}

/** Numbers as the guides print them, to four decimals. */
const printed = (value: unknown): string =>
  inspect(JSON.parse(JSON.stringify(value, (_, x) => (typeof x === 'number' ? Number(x.toFixed(4)) : x))));

const pages = { 'sketches.md': sketch, 'detection.md': anomaly, 'forecasting.md': forecast };

describe.each(Object.entries(pages))('docs/%s', (page, module) => {
  const text = readFileSync(new URL(page, docs), 'utf8');
  const examples = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, source]) => source!);

  it('has examples that give what they say', () => {
    expect(examples.length).toBeGreaterThan(0);
    for (const source of examples) {
      for (const { statement, gives, said } of run(source)) {
        expect(printed(gives), statement).toBe(printed(said));
      }
    }
  });

  it('says when to use each class', () => {
    for (const [name, exported] of Object.entries(module as Record<string, unknown>)) {
      if (typeof exported !== 'function' || !/^class /.test(String(exported))) continue;
      expect(text.includes(`\`${name}`), name).toBe(true);
    }
  });

  it('shows pictures that exist', () => {
    const shown = [...text.matchAll(/\]\((pictures\/[\w.-]+)\)/g)].map(([, file]) => file!);
    expect(shown.length).toBeGreaterThan(0);
    for (const file of shown) expect(existsSync(new URL(file, docs)), file).toBe(true);
  });

  it('names only classes that exist', () => {
    for (const [, name] of text.matchAll(/`([A-Z][a-z]+[A-Z]\w+)[`(]/g)) {
      expect(library, name).toHaveProperty([name!]);
    }
  });
});
