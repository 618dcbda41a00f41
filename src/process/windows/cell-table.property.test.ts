import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CellTable } from './cell-table.ts';

const cell = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 40 }));

test('the table holds what a map would after any adding and removing', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), cell), { maxLength: 600 }), steps => {
      const table = new CellTable();
      const expected = new Map<string, number>();
      let next = 0;
      for (const [isAdding, [window, group]] of steps) {
        const key = `${window} ${group}`;
        if (!isAdding) {
          table.remove(window, group);
          expected.delete(key);
        } else if (!expected.has(key)) {
          table.add(window, group, next);
          expected.set(key, next++);
        }
      }
      expect(table.size).toBe(expected.size);
      for (let window = 0; window <= 5; window++) {
        for (let group = 0; group <= 40; group++) {
          expect(table.find(window, group)).toBe(expected.get(`${window} ${group}`) ?? -1);
        }
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});
