import { execFileSync } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { benchmarks } from '../../bench/benchmarks.ts';
import { type Case, ratios } from '../../bench/harness.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

test.each(benchmarks.map(benchmark => benchmark.name))('the benchmark %s runs in its tiny form', name => {
  const text = execFileSync(process.execPath, ['dist/bench.js', name, '--tiny', '--json'], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { results } = JSON.parse(text) as { results: { name: string; cases: Case[] }[] };
  expect(results.map(result => result.name)).toEqual([name]);
  expect(results[0]!.cases.length).toBeGreaterThan(0);
  for (const one of results[0]!.cases) expect(one.unit).not.toBe('');
});

test('ratios are above one where we are better, whichever way the unit points', () => {
  const of = (unit: string, ours: number, peer: number): number =>
    ratios([
      { name: 'a', peer: false, unit, value: ours },
      { name: 'b', peer: true, unit, value: peer },
    ])[0]!.ratio;
  expect(of('events/s', 30, 10)).toBe(3);
  expect(of('MB/s', 30, 10)).toBe(3);
  expect(of('ns/update', 10, 30)).toBe(3);
  expect(of('ms', 10, 30)).toBe(3);
});
