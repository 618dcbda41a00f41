import { expect, it } from 'vitest';
import { benchmark } from './statistics.bench.ts';

it('the statistics benchmark runs in its tiny form', async () => {
  const cases = await benchmark.run({ tiny: true, seed: 1 });
  expect(cases.length).toBe(12);
  for (const { name, value } of cases) expect(value, name).toBeGreaterThan(0);
});
