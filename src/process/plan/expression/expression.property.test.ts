import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duckdb } from '../plan.fixture.ts';
import { expressions, rows } from './expression.fixture.ts';
import { difference } from './expression-oracle.fixture.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? 20_261_122);
const { text, int, num, bool, time } = expressions;

describe('expressions', () => {
  it(`give the same compiled, interpreted and in DuckDB (seed ${seed})`, { timeout: 120_000 }, async () => {
    await (await duckdb()).run("SET TimeZone = 'UTC'");
    await fc.assert(
      fc.asyncProperty(fc.oneof(text, int, num, bool, time), rows, async (sql, events) => {
        expect(await difference(sql, events)).toBeUndefined();
      }),
      { numRuns: 200, seed },
    );
  });
});
