import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duckdb } from '../plan.fixture.ts';
import { expressions, rows } from './expression.fixture.ts';
import { difference } from './expression-oracle.fixture.ts';

const rounds = Number(process.env['MILLRACE_ROUNDS'] ?? 40);
const seed = Number(process.env['MILLRACE_SEED'] ?? 1);
const { text, int, num, bool, time } = expressions;

describe('expressions, for long', () => {
  it(`give the same compiled, interpreted and in DuckDB (seed ${seed}, ${rounds} × 250)`, {
    timeout: 3_600_000,
  }, async () => {
    await (await duckdb()).run("SET TimeZone = 'UTC'");
    for (let round = 0; round < rounds; round++) {
      await fc.assert(
        fc.asyncProperty(fc.oneof(text, int, num, bool, time), rows, async (sql, events) => {
          expect(await difference(sql, events)).toBeUndefined();
        }),
        { numRuns: 250, seed: seed + round },
      );
    }
  });
});
