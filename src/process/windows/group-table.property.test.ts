import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GroupTable } from './group-table.ts';

const step = fc.oneof(
  { weight: 40, arbitrary: fc.integer({ min: 0, max: 100_000 }) },
  { weight: 40, arbitrary: fc.integer({ min: 0, max: 60 }) },
  { weight: 1, arbitrary: fc.constant('clear' as const) },
);

test('the table holds what a map would after any adding and clearing', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), steps => {
      const table = new GroupTable();
      const expected = new Map<number, number>();
      const seen = new Set<number>();
      let next = 0;
      for (const group of steps) {
        if (group === 'clear') {
          table.clear();
          expected.clear();
          continue;
        }
        seen.add(group);
        if (expected.has(group)) continue;
        table.add(group, next);
        expected.set(group, next++);
      }
      expect(table.size).toBe(expected.size);
      for (const group of seen) expect(table.find(group)).toBe(expected.get(group) ?? -1);
      expect(table.find(100_001)).toBe(-1);
    }),
    { seed: 7, numRuns: 300 },
  );
});
