import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatUs } from '../../core/time.ts';
import { kernels } from '../../kernel/testing/kernels.ts';
import { columns, expressions, type Row, rows } from '../plan/expression/expression.fixture.ts';
import { normal, same, valuesSql } from '../plan/expression/expression-oracle.fixture.ts';
import type { Scalar } from '../plan/functions/function.ts';
import { duckdb, query } from '../plan/plan.fixture.ts';
import type { ScalarType } from '../plan/plan.ts';
import { expressionSql } from '../plan/sql/expression-sql.ts';
import { fieldSql } from '../plan/sql/field-sql.ts';
import { parsedLines, planned, project } from './projection.fixture.ts';

const seed = Number(process.env['MILLRACE_SEED'] ?? 20_261_123);
const catalog = { schema: () => columns };
const { text, int, num, bool, time } = expressions;

/** An event with the row's values, NULL as null or left out; beside them a key that nothing reads. */
function eventOf(row: Row, index: number): string {
  const parts = columns.flatMap(({ name }, at) => {
    const value = row[name];
    if (value === null) return (index + at) % 2 === 0 ? [`"${name}":null`] : [];
    if (name === 'd' || name === 'e') return [`"${name}":"${formatUs(value as number)}"`];
    return [`"${name}":${typeof value === 'bigint' ? value : JSON.stringify(value)}`];
  });
  return `{${[...parts, `"other": {"i": [${index}, "}\\n{"]}`].join(index % 3 === 0 ? ', ' : ',')}}`;
}

describe('a projection', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-projection-'));
    await (await duckdb()).run("SET TimeZone = 'UTC'");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  for (const { name, create } of kernels) {
    it(`writes what DuckDB selects, as DuckDB reads it, with the ${name} kernel (seed ${seed})`, async () => {
      const kernel = create();
      const file = join(folder, `${name}.ndjson`);
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.oneof(text, int, num, bool, time), { minLength: 1, maxLength: 5 }),
          fc.option(bool, { nil: undefined }),
          rows,
          fc.integer({ min: 1, max: 12 }),
          async (items, where, events, spanLines) => {
            const select = `SELECT s, i, x, b, d, ${items.map((item, k) => `${item} AS c${k}`).join(', ')} FROM stream`;
            const plan = await planned(where === undefined ? select : `${select} WHERE ${where}`, catalog);
            const source = plan.sources[0]!;
            const output = project(plan, kernel, events.map(eventOf), { spanLines });
            writeFileSync(file, output.text);
            const types = plan.columns.map(({ name: key, type }) => `'${key}': '${type}'`).join(', ');
            // Numbers as text too: what a double is in JSON is then not up to DuckDB's reader.
            const found = output.count
              ? await query(`FROM read_json('${file}', format = 'newline_delimited', columns = {${types}})`)
              : [];
            const leaves = {
              field: (path: readonly string[], type: ScalarType) => fieldSql(columns, 'event', path, type),
            };
            const wanted = source.values.map(value =>
              value.kind === 'computed'
                ? expressionSql(value.expression, leaves)
                : `event."${value.path[0]}"`,
            );
            const filter = source.filter ? `WHERE ${expressionSql(source.filter, leaves)}` : '';
            const expected = await query(
              `SELECT ${wanted.join(', ')} FROM ${valuesSql(events)} ${filter} ORDER BY _row`,
            );
            expect(found.length, select).toBe(expected.length);
            found.forEach((row, index) => {
              row.forEach((value, k) => {
                const other = normal(expected[index]![k]);
                const lost = typeof other === 'number' && !Number.isFinite(other);
                const type = plan.columns[k]!.type === 'DOUBLE' ? 'number' : 'text';
                const isSame = lost ? value === null : same(normal(value), other as Scalar, type);
                const shown = `${plan.columns[k]!.name} of ${select} WHERE ${where}: ${String(value)}, DuckDB ${String(other)}`;
                expect(isSame, shown).toBe(true);
              });
            });
          },
        ),
        { numRuns: 60, seed },
      );
    }, 60_000);
  }

  // In another case they would be the same fields, which JSON.parse does not know.
  const key = fc.oneof(
    fc.constantFrom('a', 'b', 'c', 'd e', 'ü', '__proto__', 'k0', 'k1'),
    fc.string({ maxLength: 3 }).map(text => text.toLowerCase()),
  );
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string({ unit: 'binary' }), fc.constant({}));
  const object = fc.array(fc.tuple(key, value), { maxLength: 5 });
  const space = fc.constantFrom('', ' ', '\t', '  ');

  /** An object's text, keys in order and possibly twice, with blanks. */
  const objectText = (members: [string, unknown][], blank: string): string =>
    `${blank}{${blank}${members
      .map(([name, held]) => `${JSON.stringify(name)}${blank}:${blank}${JSON.stringify(held)}`)
      .join(`${blank},${blank}`)}${blank}}${blank}`;

  for (const { name, create } of kernels) {
    it(`copies events and fields as they are, with the ${name} kernel (seed ${seed})`, async () => {
      const kernel = create();
      const all = await planned('SELECT * FROM stream');
      const some = await planned(`SELECT a, b.c AS bc, "ü", stream.b.c.a AS deep FROM stream`);
      const beside = await planned(`SELECT *, 1 + 1 AS k0, a, 'x"' AS "d e" FROM stream`);
      fc.assert(
        fc.property(fc.array(fc.tuple(object, space), { minLength: 1, maxLength: 6 }), objects => {
          const lines = objects.map(([members, blank]) => objectText(members as [string, unknown][], blank));
          const events = lines.map(line => JSON.parse(line) as Record<string, unknown>);
          const own = (held: unknown, ...path: string[]): unknown =>
            path.reduce<unknown>(
              (at, next) =>
                at !== null && typeof at === 'object' && !Array.isArray(at) && Object.hasOwn(at, next)
                  ? (at as Record<string, unknown>)[next]
                  : null,
              held,
            );
          expect(project(all, kernel, lines).text).toBe(lines.map(line => `${line}\n`).join(''));
          expect(parsedLines(project(some, kernel, lines).text)).toEqual(
            events.map(event => ({
              a: own(event, 'a'),
              bc: own(event, 'b', 'c'),
              ü: own(event, 'ü'),
              deep: own(event, 'b', 'c', 'a'),
            })),
          );
          const { text: besideText } = project(beside, kernel, lines);
          expect(parsedLines(besideText)).toEqual(
            events.map(event => ({ ...event, k0: 2, a: own(event, 'a'), 'd e': 'x"' })),
          );
          // Keys that were there keep their places, new ones follow.
          parsedLines(besideText).forEach((event, index) => {
            const wanted = [...new Set([...Object.keys(events[index]!), 'k0', 'a', 'd e'])];
            expect(Object.keys(event as object)).toEqual(wanted);
          });
        }),
        { numRuns: 200, seed },
      );
    });
  }

  it(`gives the same lines however its input and output are cut (seed ${seed})`, async () => {
    const kernel = kernels[1]!.create();
    const plan = await planned(
      "SELECT *, repeat('ab', n) AS long, upper(t) AS big FROM stream WHERE n % 7 <> 3",
    );
    const event = fc.record({ n: fc.integer({ min: 0, max: 40 }), t: fc.string({ maxLength: 6 }) });
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 40, max: 400 }),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 40 }),
        (events, outputBytesMax, rowsMax, spanLines) => {
          const lines = events.map(one => JSON.stringify(one));
          const whole = project(plan, kernel, lines).text.split('\n').slice(0, -1);
          const cut = project(plan, kernel, lines, { outputBytesMax, rowsMax, spanLines });
          const fits = (line: string): boolean => Buffer.byteLength(line) + 1 <= outputBytesMax;
          expect(cut.text).toBe(
            whole
              .filter(fits)
              .map(line => `${line}\n`)
              .join(''),
          );
          expect(cut.count).toBe(whole.filter(fits).length);
          const taken = events.flatMap(({ n }, index) => (n % 7 === 3 ? [] : [index]));
          expect(cut.tooLong).toEqual(taken.filter((_, k) => !fits(whole[k]!)));
        },
      ),
      { numRuns: 200, seed },
    );
  });
});
