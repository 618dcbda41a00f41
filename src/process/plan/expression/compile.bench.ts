// Compiled columns against the row-at-a-time interpreter and DuckDB, over one batch of 16,384 events.

import { Rng } from '../../../core/rng.ts';
import { duckdb, planOf } from '../plan.fixture.ts';
import type { Expression } from '../plan.ts';
import type { ColumnSource, Vector } from '../vector.ts';
import { compileColumn, compileFilter, exactColumn, vectorOf } from './compile.ts';

interface Case {
  name: string;
  peer: boolean;
  unit: string;
  value: number;
  note?: string;
}

const columns = [
  { name: 'method', type: 'VARCHAR' },
  { name: 'path', type: 'VARCHAR' },
  { name: 'bytes', type: 'BIGINT' },
  { name: 'seconds', type: 'DOUBLE' },
];
const expressions = [
  "method <> 'OPTIONS' AND bytes > 1000",
  'bytes * 8 / 1000 + seconds',
  "lower(split_part(path, '/', 2))",
  "CASE WHEN seconds > 2 THEN 'slow' WHEN bytes > 100000 THEN 'large' ELSE 'fine' END",
];

function batch(rows: number, seed: number): ColumnSource {
  const rng = new Rng(seed);
  const make = <T>(value: () => T): T[] => Array.from({ length: rows }, value);
  const vectors: Record<string, Vector> = {
    method: vectorOf(
      make(() => rng.pick(['GET', 'POST', 'OPTIONS'])),
      'text',
    ),
    path: vectorOf(
      make(() => `/Shop/${rng.below(500)}`),
      'text',
    ),
    bytes: vectorOf(
      make(() => rng.below(200_000)),
      'integer',
    ),
    seconds: vectorOf(
      make(() => rng.float() * 3),
      'number',
    ),
  };
  const get = (path: readonly string[]) => vectors[path[0]!]!;
  return { rows, field: get, hash: get, presence: get, eventTime: () => vectors['seconds']! };
}

/** Rows a second of `run` over a batch of `rows`, the best of several spans. */
function rate(rows: number, tiny: boolean, run: () => unknown): number {
  let best = 0;
  for (let span = 0; span < (tiny ? 1 : 5); span++) {
    const start = performance.now();
    let count = 0;
    do {
      run();
      count++;
    } while (!tiny && performance.now() - start < 200);
    best = Math.max(best, (count * rows * 1000) / Math.max(1e-3, performance.now() - start));
  }
  return best;
}

export const benchmark = {
  name: 'expressions',
  title: 'Expressions over columns: compiled, interpreted, DuckDB',
  async run({ tiny, seed }: { tiny: boolean; seed: number }): Promise<Case[]> {
    const rows = tiny ? 64 : 16_384;
    const source = batch(rows, seed);
    const cases: Case[] = [];
    const connection = await duckdb();
    const repeats = tiny ? 1 : 64;
    await connection.run('SET threads = 1');
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE events AS SELECT ['GET', 'POST', 'OPTIONS'][1 + i % 3] AS method, '/Shop/' || i % 500 AS path,
       (i * 7919) % 200000 AS bytes, (i % 300) / 100.0::DOUBLE AS seconds FROM range(${rows * repeats}) AS t(i)`,
    );
    for (const text of expressions) {
      const plan = await planOf(`SELECT first(${text}) AS v FROM stream`, { schema: () => columns });
      const expression: Expression = plan.sources[0]!.aggregates[0]!.args[0]!;
      const compiled = expression.type === 'boolean' ? compileFilter(expression) : compileColumn(expression);
      const exact = exactColumn(expression);
      const unit = `rows/s of ${text.slice(0, 24)}…`;
      cases.push({ name: text, peer: false, unit, value: rate(rows, tiny, () => compiled(source)) });
      cases.push({
        name: `${text} (interpreted)`,
        peer: true,
        unit,
        value: rate(rows, tiny, () => exact(source)),
      });
      const start = performance.now();
      await connection.run(`SELECT count(${text}) FROM events`);
      const value = (rows * repeats * 1000) / Math.max(1e-3, performance.now() - start);
      cases.push({ name: `${text} (DuckDB, 1 thread)`, peer: true, unit, value, note: 'with count()' });
    }
    return cases;
  },
};
