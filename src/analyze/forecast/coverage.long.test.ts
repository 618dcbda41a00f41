// The table of docs/forecasting.md: coverage of 50, 80 and 95 % intervals over twelve steps, within three
// points of nominal.
import { expect, test } from 'vitest';
import { coverageOf, generated } from './generated-series.fixture.ts';

const runs = Number(process.env['MILLRACE_ROUNDS'] ?? 1000);
const seed = Number(process.env['MILLRACE_SEED'] ?? 1);
const nominal = [0.5, 0.8, 0.95];

test('intervals cover what they say on series of each model', () => {
  const rows = Object.keys(generated).map(name => {
    const seen = coverageOf(name, nominal, runs, seed);
    nominal.forEach((coverage, i) => {
      // Steps of one series are wrong together: an effective two observations a series, three standard
      // errors.
      const slack = 3 * Math.sqrt((coverage * (1 - coverage)) / (2 * runs));
      const allowed = runs >= 1000 ? 0.03 : 0.03 + slack;
      expect(Math.abs(seen[i]! - coverage), `${name} at ${coverage}`).toBeLessThan(allowed);
    });
    return {
      model: name,
      ...Object.fromEntries(nominal.map((c, i) => [`${100 * c} %`, (100 * seen[i]!).toFixed(1)])),
    };
  });
  console.log(`seed ${seed}, ${runs} series of 240 values, 12 steps ahead`);
  console.table(rows);
});
