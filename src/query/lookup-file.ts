// A lookup table's file (CSV, JSON or Parquet) read by DuckDB, once as values for the engine and once as a Parquet copy for SQL and
// audits. Bounded: beyond a limit the file is refused with what it has and what it may have.
import { readFileSync, statSync } from 'node:fs';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { MillraceError, toError } from '../core/errors.ts';
import { nestingOf } from '../core/json-nesting.ts';
import { maxDepth } from '../kernel/line-reasons.ts';
import { identifier, quoted } from '../store/lake-sql.ts';
import { csvProblem } from './csv-shape.ts';
import { listNesting } from './type-nesting.ts';

/** Endings of the files that can be lookup tables, and what DuckDB reads them with. */
export const lookupReaders: Record<string, string> = {
  csv: 'read_csv',
  tsv: 'read_csv',
  json: 'read_json',
  jsonl: 'read_ndjson',
  ndjson: 'read_ndjson',
  parquet: 'read_parquet',
};

export const lookupFileBytesMax = 64 * 1024 * 1024;
export const lookupRowsMax = 500_000;
export const lookupColumnsMax = 100;
/** Of all texts together, as UTF-16. */
export const lookupTextBytesMax = 128 * 1024 * 1024;

/** Lists in lists of a Parquet file. */
const parquetListsMax = 12;

export interface LookupRequest {
  name: string;
  file: string;
  /** Where the copy goes: the table's columns and `_row`, its place in the file. */
  copy: string;
}

const reasonLengthMax = 300;

export type LookupCell = string | number | bigint | boolean | null;

export interface LookupRows {
  columns: { name: string; type: string }[];
  /** By column, then by row; times and dates are µs. */
  values: LookupCell[][];
}

/** Throws `bad-lookup` (400) for a file that cannot be read or is too large. */
export async function readLookup(instance: DuckDBInstance, request: LookupRequest): Promise<LookupRows> {
  const { file, copy } = request;
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw badLookup(request, 'The file is gone');
  if (size > lookupFileBytesMax) {
    throw badLookup(request, `It has ${size} bytes and may have ${lookupFileBytesMax}`);
  }
  const reader = lookupReaders[file.slice(file.lastIndexOf('.') + 1).toLowerCase()];
  if (reader === undefined) throw badLookup(request, 'It is no CSV, JSON or Parquet file');
  // DuckDB goes down by one call for each level, and the process with it.
  if (reader.endsWith('json') && nestingOf(readFileSync(file, 'latin1')).deepest > maxDepth + 1) {
    throw badLookup(request, `It is nested deeper than ${maxDepth}`);
  }
  const connection = await instance.connect();
  try {
    await connection.run(`SET TimeZone = 'UTC'`);
    const source = `${reader}(${quoted(file)})`;
    const described = (await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${source}`)).getRows();
    if (described.length > lookupColumnsMax) {
      throw badLookup(request, `It has ${described.length} columns and may have ${lookupColumnsMax}`);
    }
    if (reader === 'read_csv') {
      const names = described.map(([name]) => String(name));
      const problem = await shapeProblem(connection, file, names);
      if (problem !== undefined) throw badLookup(request, problem);
    }
    for (const [name, type] of described) {
      if (reader === 'read_parquet' && listNesting(String(type)) > parquetListsMax) {
        throw badLookup(request, `Lists of "${name}" are nested deeper than ${parquetListsMax}`);
      }
    }
    const columns = described.map(row => ({ name: String(row[0]), type: lookupType(String(row[1])) }));
    const casts = columns.map(({ name: column, type }, index) => {
      const own = identifier(column);
      // Nested values are their JSON text.
      const isNested = /^(STRUCT|MAP|UNION)\b|\]$|^JSON$/.test(String(described[index]![1]));
      return `${isNested ? `to_json(${own})::VARCHAR` : `${own}::${type}`} AS ${own}`;
    });
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE lookup_rows AS SELECT ${casts.join(', ')}, row_number() OVER () - 1 AS _row FROM (SELECT * FROM ${source} LIMIT ${lookupRowsMax + 1})`,
    );
    const values = columns.map(({ name: column, type }) => {
      const own = identifier(column);
      if (type !== 'TIMESTAMP' && type !== 'DATE') return own;
      // A time beyond those of events is NULL to views, and as it is in SQL.
      const us = `TRY(epoch_us(${own}))`;
      return `CASE WHEN ${us} BETWEEN ${-Number.MAX_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER} THEN ${us} END`;
    });
    const reading = await connection.runAndReadAll(
      `SELECT ${values.join(', ')} FROM lookup_rows ORDER BY _row`,
    );
    if (reading.currentRowCount > lookupRowsMax) {
      throw badLookup(request, `It has more than ${lookupRowsMax} rows`);
    }
    const cells = reading.getColumns().map(column => (column as LookupCell[]).map(cellOf));
    let textBytes = 0;
    for (const column of cells) {
      for (const cell of column) if (typeof cell === 'string') textBytes += cell.length * 2;
    }
    if (textBytes > lookupTextBytesMax) {
      throw badLookup(request, `Its texts take ${textBytes} bytes and may take ${lookupTextBytesMax}`);
    }
    await connection.run(
      `COPY (SELECT * FROM lookup_rows ORDER BY _row) TO ${quoted(copy)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    return { columns, values: columns.map((_, index) => cells[index] ?? []) };
  } catch (thrown) {
    if (thrown instanceof MillraceError) throw thrown;
    throw badLookup(request, reasonOf(toError(thrown).message));
  } finally {
    connection.closeSync();
  }
}

async function shapeProblem(
  connection: DuckDBConnection,
  file: string,
  columns: readonly string[],
): Promise<string | undefined> {
  const sniffed = await connection.runAndReadAll(
    `SELECT "Delimiter", "HasHeader", "SkipRows" FROM sniff_csv(${quoted(file)})`,
  );
  const [delimiter, hasHeader, skipped] = sniffed.getRows()[0]!;
  const shape = {
    delimiter: String(delimiter),
    hasHeader: hasHeader === true,
    skipped: Number(skipped),
    columns,
  };
  return csvProblem(readFileSync(file, 'utf8'), shape);
}

/** What DuckDB says is wrong; of a line of CSV without the line, and without the options that are not the user's. */
function reasonOf(message: string): string {
  const said = message.split('\n').map(line => line.trim().replace(/^[A-Z][A-Za-z ]* Error: /, ''));
  const isOfLine = said[0]!.startsWith('CSV Error on Line');
  const why = said.find((line, at) => at > 0 && line !== '' && !line.startsWith('Original Line'));
  const isOfFile = said[0]!.startsWith('Error when sniffing file');
  const reason =
    why === undefined || !(isOfLine || isOfFile) ? said[0]! : isOfFile ? why : `${said[0]}: ${why}`;
  return reason.slice(0, reasonLengthMax).replace(/[\s.]+$/, '');
}

const cellOf = (cell: LookupCell): LookupCell =>
  typeof cell === 'bigint' && Number.isSafeInteger(Number(cell)) ? Number(cell) : cell;

/** The engine's types: whole numbers, numbers, text, booleans, times and dates. */
function lookupType(type: string): string {
  if (/^(TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER)$/.test(type)) return 'BIGINT';
  if (/^(UBIGINT|HUGEINT|UHUGEINT|FLOAT|DOUBLE|DECIMAL.*)$/.test(type)) return 'DOUBLE';
  if (type === 'BOOLEAN' || type === 'DATE') return type;
  return type.startsWith('TIMESTAMP') ? 'TIMESTAMP' : 'VARCHAR';
}

function badLookup({ name, file }: LookupRequest, what: string): MillraceError {
  return new MillraceError('bad-lookup', `The lookup table "${name}" cannot be loaded: ${what}.`, {
    status: 400,
    context: { file },
    remedy:
      'A lookup table is a CSV file with a header, a JSON array or lines of objects, or a Parquet file; docs/views.md has the limits.',
  });
}
