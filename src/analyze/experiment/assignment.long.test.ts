// Balance of the assignment over a million units, for several salts, kinds of names and weights.
import { describe, expect, it } from 'vitest';
import { chiSquareGoodnessOfFit, chiSquareIndependence } from '../stats/hypothesis/chi-square-test.ts';
import { createAssigner } from './assignment.ts';

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 1_000_000);
const units = rounds < 10_000 ? rounds * 100 : rounds;
const weights = [50, 30, 15, 5];
const variants = weights.map((weight, i) => ({ name: `v${i}`, weight }));

describe(`assignment of ${units} units`, () => {
  const names: Record<string, (i: number) => string> = {
    'running numbers': i => String(i),
    'hexadecimal names': i => (i * 2654435761).toString(16).padStart(16, '0'),
    'mail addresses': i => `person.${i}@example.com`,
  };
  for (const [kind, name] of Object.entries(names)) {
    it(`is balanced and independent between salts, for ${kind}`, () => {
      const [first, second] = ['spring', 'summer'].map(salt => createAssigner({ salt, variants }));
      const index = new Map(variants.map(({ name }, v) => [name, v]));
      const table = weights.map(() => weights.map(() => 0));
      for (let i = 0; i < units; i++) {
        const unit = name(i);
        table[index.get(first!(unit)!)!]![index.get(second!(unit)!)!]!++;
      }
      const counts = table.map(row => row.reduce((sum, count) => sum + count, 0));
      const balance = chiSquareGoodnessOfFit(counts, weights);
      const independence = chiSquareIndependence(table);
      process.stdout.write(
        `${kind}: ${counts.join(' / ')}, chi-square ${balance.statistic.toFixed(2)} (p ${balance.pValue.toFixed(3)}); ` +
          `between salts ${independence.statistic.toFixed(2)} (p ${independence.pValue.toFixed(3)})\n`,
      );
      expect(balance.pValue).toBeGreaterThan(1e-4);
      expect(independence.pValue).toBeGreaterThan(1e-4);
    });
  }
});
