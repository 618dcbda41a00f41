// For tests only: DuckDB as parser and oracle, events as columns by JSON.parse, and a plain decoder that keeps the kernel's
// contract, so that plans are tested without the engine and without WASM.
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { timeOf } from '../../core/event-time.ts';
import { murmur128Text } from '../../core/hash.ts';
import { type Column, cell, type DecodeResult, type Decoder, type FieldSpec } from '../../kernel/kernel.ts';
import { parseSerializedSql } from '../../query/serialized-sql.ts';
import { keepByteOrderMarks } from '../../query/whole-texts.ts';
import type { Catalog } from './bind/catalog.ts';
import type { ParseResult } from './bind/parse-tree.ts';
import { EventColumns } from './events/event-columns.ts';
import { planView } from './parse.ts';
import type { Plan } from './plan.ts';

/** The view that everything must be able to do. */
export const defaultView = `-- every: 1s, 1m, 1h, 1d
SELECT status, count(*) AS requests, sum(bytes) AS bytes, approx_count_distinct(ip) AS visitors, approx_quantile(bytes, [0.5, 0.95, 0.99]) AS size
FROM access WHERE method <> 'OPTIONS' GROUP BY status`;

keepByteOrderMarks();

let connection: Promise<DuckDBConnection> | undefined;

export function duckdb(): Promise<DuckDBConnection> {
  connection ??= DuckDBInstance.create(':memory:', { threads: '1' }).then(instance => instance.connect());
  return connection;
}

export async function query(sql: string): Promise<unknown[][]> {
  const reader = await (await duckdb()).runAndReadAll(sql);
  return reader.getRows() as unknown[][];
}

/** The tree as the query process gives it. */
export async function parseSql(sql: string): Promise<ParseResult> {
  const reader = await (await duckdb()).runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql]);
  return parseSerializedSql(reader.getRows()[0]![0] as string) as ParseResult;
}

export function planOf(text: string, catalog: Catalog = {}, name = 'view'): Promise<Plan> {
  return planView({ name, text }, { parseSql, ...catalog });
}

/** Lines of NDJSON as the columns that plans need, through the decoder contract. */
export function columnsOf(plans: readonly Plan[], lines: readonly string[], appendTimeUs = 0): EventColumns {
  const columns = new EventColumns(plans.flatMap(plan => plan.sources));
  columns.attach(decoderOf(columns.fields, lines));
  const bytes = new TextEncoder().encode(lines.map(line => `${line}\n`).join(''));
  const decoder = decoderOf(columns.fields, lines);
  columns.attach(decoder);
  if (columns.load(decoder.decode(0, bytes.length), bytes, appendTimeUs) !== 'ok') throw new Error('again');
  return columns;
}

/** Where the value of a path is in a line's text, by the reviver's source positions: found by parsing the line again. */
function rawValue(line: string, path: readonly string[]): { value: unknown; raw: string } | undefined {
  let value: unknown = JSON.parse(line);
  for (const key of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return { value, raw: JSON.stringify(value) };
}

export function decoderOf(fields: readonly FieldSpec[], lines: readonly string[]): Decoder {
  const dictionaries = fields.map(() => [] as (string | number | boolean)[]);
  // Numbers are looked up in the line itself, so that digits beyond 2^53 are what `start` and `end` point to.
  return {
    fields,
    decode(): DecodeResult {
      const rows = lines.length;
      const starts: number[] = [];
      let position = 0;
      for (const line of lines) {
        starts.push(position);
        position += new TextEncoder().encode(line).length + 1;
      }
      const columns = fields.map((spec, index): Column => {
        const column = emptyColumn(spec, rows);
        for (const [row, line] of lines.entries()) {
          decodeCell(column, row, line, starts[row]!, dictionaries[index]!);
        }
        return column;
      });
      return { rows, consumed: position, columns };
    },
    dictionaryValue: (index, code) => dictionaries[index]![code]!,
    dictionarySize: index => dictionaries[index]!.length,
    dictionaryIsText: (index, from, to) =>
      dictionaries[index]!.slice(from, to).every(value => typeof value === 'string'),
    dictionaryBytes: () => -1,
    resetDictionary: index => {
      dictionaries[index] = [];
    },
    free() {},
  };
}

function emptyColumn(spec: FieldSpec, rows: number): Column {
  const numbers = spec.kind === 'f64' || spec.kind === 'time';
  return {
    spec,
    state: new Uint8Array(rows),
    values: numbers
      ? new Float64Array(rows)
      : spec.kind === 'bool'
        ? new Uint8Array(rows)
        : new Uint32Array(spec.kind === 'hash' ? rows * 4 : rows),
    start: new Uint32Array(rows),
    end: new Uint32Array(rows),
  };
}

function decodeCell(
  column: Column,
  row: number,
  line: string,
  start: number,
  dictionary: (string | number | boolean)[],
): void {
  const { spec, values } = column;
  const found = rawValue(line, spec.path);
  if (!found) return;
  const { value } = found;
  const key = JSON.stringify(spec.path.at(-1)!);
  const at = line.lastIndexOf(`${key}:`) + key.length + 1;
  const raw = /^-?\d[\d.eE+-]*/.exec(line.slice(at))?.[0] ?? found.raw;
  column.start[row] = start + new TextEncoder().encode(line.slice(0, at)).length;
  column.end[row] = column.start[row]! + new TextEncoder().encode(raw).length;
  if (value === null) {
    column.state[row] = cell.null;
    return;
  }
  column.state[row] = cell.value;
  // As the kernel, numbers in another than the plain spelling are left to the reader.
  const plain = typeof value !== 'number' || (raw === JSON.stringify(value) && raw.length < 16);
  const scalar = typeof value === 'object' || !plain ? undefined : (value as string | number | boolean);
  if (spec.kind === 'f64' && typeof value === 'number') values[row] = value;
  else if (spec.kind === 'time' && timeOf(value) !== undefined) values[row] = timeOf(value)!;
  else if (spec.kind === 'bool' && typeof value === 'boolean') values[row] = Number(value);
  else if (spec.kind === 'dict' && scalar !== undefined) {
    let code = dictionary.indexOf(scalar);
    if (code < 0) code = dictionary.push(scalar) - 1;
    values[row] = code;
  } else if (spec.kind === 'hash' && scalar !== undefined) {
    const hash = murmur128Text(typeof scalar === 'string' ? scalar : JSON.stringify(scalar));
    (values as Uint32Array).set([hash.h1Low, hash.h1High, hash.h2Low, hash.h2High], row * 4);
  } else if (spec.kind !== 'slice') column.state[row] = cell.other;
}
