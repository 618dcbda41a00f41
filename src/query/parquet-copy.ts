// NDJSON → Parquet by DuckDB's COPY, one chunk of a stream's lake at a time. File names carry the offset range, so a
// repeat of the same range replaces what an interrupted one left.
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { toError } from '../core/errors.ts';
import { eventTimeFields } from '../core/event-time.ts';
import { foldedName } from '../core/folded-name.ts';
import { withoutNested } from '../core/repeated-keys.ts';
import { epochTimeSql, jsonTimeSql, textTimeSql } from '../core/time-sql.ts';
import {
  chunkSelect,
  columnFields,
  givenColumns,
  identifier,
  quoted,
  typedFields,
} from '../store/lake-sql.ts';
import type { ParquetFile, ParquetRequest, ParquetResult } from '../store/parquet.ts';
import { type Field, type FieldType, fieldType, mergeSchema } from '../store/schema.ts';
import { fieldExamples } from './field-examples.ts';
import { eachLine } from './line-blocks.ts';
import { mendLine, mendNames } from './mend-line.ts';

/** Formats that match nothing, so that DuckDB leaves dates in strings alone. */
const noDates = `dateformat = '%Y~', timestampformat = '%Y~'`;

/** Characters that are mended before they are written. */
const mendedAtOnce = 1024 * 1024;

/** SQL for the time that a field holds, or NULL. */
function timeSql(name: string, type: FieldType): string | undefined {
  const column = identifier(name);
  if (type === 'VARCHAR') return textTimeSql(column);
  if (type === 'BIGINT' || type === 'DOUBLE') return epochTimeSql(column);
  if (type === 'DECIMAL(38,0)') return epochTimeSql(`${column}::DOUBLE`, column);
  if (type === 'JSON') return jsonTimeSql(`json_type(${column})`, `json_extract_string(${column}, '$')`);
  return undefined;
}

async function rowsOf(connection: DuckDBConnection, sql: string): Promise<unknown[][]> {
  return (await connection.runAndReadAll(sql)).getRows() as unknown[][];
}

const lines = `format = 'newline_delimited', maximum_object_size = 33554432`;

const objects = (file: string): string =>
  `read_ndjson_objects(${quoted(file)}, maximum_object_size = 33554432)`;

/** Whether a column of whole numbers has some that are beyond 64 bits with a sign. */
async function hasWide(connection: DuckDBConnection, source: string, name: string): Promise<boolean> {
  const column = identifier(name);
  const sql = `SELECT count(*) FROM ${source} WHERE ${column} IS NOT NULL AND TRY_CAST(${column} AS BIGINT) IS NULL`;
  return Number((await rowsOf(connection, sql))[0]![0]) > 0;
}

/**
 * Of the columns that DuckDB takes for doubles or 64 bits, those where some whole number has digits that a double would lose, with a
 * type that holds all of their values: DECIMAL(38,0) if they are whole and fit it, and else JSON.
 */
async function exactTypes(
  connection: DuckDBConnection,
  file: string,
  names: readonly string[],
): Promise<Map<string, FieldType>> {
  const types = new Map<string, FieldType>();
  if (names.length === 0) return types;
  const columns = names.map(name => `${quoted(name)}: 'JSON'`).join(', ');
  const tests = names.flatMap(name => {
    const text = `${identifier(name)}::VARCHAR`;
    const whole = `TRY_CAST(${text} AS HUGEINT)`;
    const isRounded = `(TRY_CAST(${whole}::DOUBLE AS HUGEINT) IS DISTINCT FROM ${whole} OR ${whole} IS NULL)`;
    return [
      `bool_or(regexp_full_match(${text}, '-?\\d{16,}') AND ${isRounded})`,
      `bool_and(regexp_full_match(${text}, '-?\\d{1,38}|null'))`,
    ];
  });
  const source = `read_json(${quoted(file)}, ${lines}, columns = {${columns}})`;
  const row = (await rowsOf(connection, `SELECT ${tests.join(', ')} FROM ${source}`))[0]!;
  for (const [index, name] of names.entries()) {
    if (row[index * 2] === true) types.set(name, row[index * 2 + 1] === true ? 'DECIMAL(38,0)' : 'JSON');
  }
  return types;
}

/** Those of the columns that have nothing but nulls. */
async function untypedNames(
  connection: DuckDBConnection,
  source: string,
  names: readonly string[],
): Promise<Set<string>> {
  if (names.length === 0) return new Set();
  const counts = names.map(name => `count(${identifier(name)})`).join(', ');
  const row = (await rowsOf(connection, `SELECT ${counts} FROM ${source}`))[0]!;
  return new Set(names.filter((_, index) => Number(row[index]) === 0));
}

/**
 * The fields of a spool, those that may hold an event's time, and whether all times are what DuckDB's own cast reads right. Where names
 * differ only in case, the spool is mended to have one spelling of each, and the time in `_time`.
 */
async function describeSpool(
  connection: DuckDBConnection,
  file: string,
): Promise<{ fields: Field[]; times: readonly string[]; areTimesPlain: boolean }> {
  const described = await describeQuickly(connection, file);
  if (!described.hasSpellings) return { ...described, times: eventTimeFields };
  const spellings = new Map<string, string>();
  mendSpool(file, line => mendNames(line, spellings));
  return { ...(await describeQuickly(connection, file)), times: ['_time'] };
}

/** As `describe`, from the few lines that tell as much as all of them. */
async function describeQuickly(
  connection: DuckDBConnection,
  file: string,
): Promise<Awaited<ReturnType<typeof describe>> & { areTimesPlain: boolean }> {
  let found = fieldExamples(file);
  if (found.hasRepeatedKeys || found.hasUnnamedKeys) {
    mendSpool(file, mendLine);
    found = fieldExamples(file);
  }
  const { lines: examples, areTimesPlain } = found;
  if (examples === undefined) return { ...(await describe(connection, file)), areTimesPlain };
  const examplesFile = `${file}.examples`;
  writeFileSync(examplesFile, examples);
  try {
    return { ...(await describe(connection, examplesFile)), areTimesPlain };
  } finally {
    rmSync(examplesFile, { force: true });
  }
}

/**
 * As `describeFile`. DuckDB refuses to find a type for objects with keys that differ only in case; that they are objects is enough, so
 * that they are described without what is in them.
 */
async function describe(connection: DuckDBConnection, file: string): ReturnType<typeof describeFile> {
  try {
    return await describeFile(connection, file);
  } catch (thrown) {
    if (!/duplicate name/i.test(toError(thrown).message)) throw thrown;
    const flatFile = `${file}.flat`;
    try {
      rewrite(file, flatFile, withoutNested);
      return await describeFile(connection, flatFile);
    } finally {
      rmSync(flatFile, { force: true });
    }
  }
}

/**
 * Fields and types of an NDJSON file, from all of its lines, and whether some of their names differ only in case: then the types mean
 * nothing. Keys that are columns of ours are left out (`_time` is read as the event's time).
 */
async function describeFile(
  connection: DuckDBConnection,
  file: string,
): Promise<{ fields: Field[]; hasSpellings: boolean }> {
  // Lines without some fields say nothing about the others: no field is too rare to be one.
  const source = `read_json(${quoted(file)}, ${lines}, sample_size = -1, field_appearance_threshold = 0, map_inference_threshold = -1, ${noDates})`;
  const rows = await rowsOf(connection, `DESCRIBE SELECT * FROM ${source}`);
  if (
    await hasUnnamedKeys(
      connection,
      file,
      rows.map(([name]) => String(name)),
    )
  )
    throw new Error(unnamedKey);
  const fields: Field[] = [];
  for (const [name, type] of rows.map(row => row.map(String) as [string, string])) {
    // Whole numbers of both signs are HUGEINT to DuckDB, however small they are.
    const isWide = type === 'HUGEINT' && (await hasWide(connection, source, name));
    fields.push({ name, type: type === 'HUGEINT' && !isWide ? 'BIGINT' : fieldType(type) });
  }
  const doubtful = fields.filter(({ type }) => type === 'DOUBLE' || type === 'BIGINT');
  const exact = await exactTypes(
    connection,
    file,
    doubtful.map(field => field.name),
  );
  for (const [name, type] of exact) {
    const field = fields.find(field => field.name === name)!;
    if (field.type === 'BIGINT') field.isLong = true;
    else field.type = type;
  }
  // Nulls alone are JSON to DuckDB.
  const doubtfulJson = rows.filter(([, type]) => type === 'JSON').map(([name]) => String(name));
  const untyped = await untypedNames(connection, source, doubtfulJson);
  for (const field of fields) if (untyped.has(field.name)) field.isUntyped = true;
  return {
    fields: fields.filter(({ name }) => foldedName(name) === '_time' || !givenColumns.has(foldedName(name))),
    hasSpellings: await haveSpellings(
      connection,
      file,
      fields.map(field => field.name),
    ),
  };
}

const unnamedKey = 'There is a key that no column can be named with.';

/** Whether some event in a file has such a key. `names` are what DuckDB calls the keys: an empty one `C` and its place. */
async function hasUnnamedKeys(
  connection: DuckDBConnection,
  file: string,
  names: readonly string[],
): Promise<boolean> {
  if (names.some(name => name.includes('\0'))) return true;
  if (!names.some(name => /^C\d+$/.test(name))) return false;
  const sql = `SELECT count(*) FROM ${objects(file)} WHERE list_contains(json_keys(json), '')`;
  return Number((await rowsOf(connection, sql))[0]![0]) > 0;
}

/** Whether some keys of the events in a file differ only in case. `names` are what DuckDB calls them. */
async function haveSpellings(
  connection: DuckDBConnection,
  file: string,
  names: readonly string[],
): Promise<boolean> {
  // It numbers repeated names (`id_1`); only then are the keys themselves worth another look at the file.
  const folded = new Set(names.map(foldedName));
  const areNumbered = names.some(name => {
    const base = /^(.*)_\d+$/.exec(name)?.[1];
    return base !== undefined && folded.has(foldedName(base));
  });
  if (!areNumbered) return false;
  const sql = `SELECT DISTINCT unnest(json_keys(json)) FROM ${objects(file)}`;
  const keys = (await rowsOf(connection, sql)).map(row => String(row[0]));
  return new Set(keys.map(foldedName)).size < keys.length;
}

/** What DuckDB says of legal JSON that it refuses, and what is said for it. */
const isMendable = (thrown: unknown): boolean =>
  /duplicate (key|name|column)|surrogate/i.test(toError(thrown).message) ||
  toError(thrown).message === unnamedKey;

/**
 * Archives one spool file. Legal JSON that DuckDB refuses (a repeated key of the event, half of a surrogate pair) is rare: only when it
 * does is the spool mended, line by line so that offsets stay, and read again.
 */
export async function writeParquet(
  instance: DuckDBInstance,
  request: ParquetRequest,
): Promise<ParquetResult> {
  try {
    return await archive(instance, request);
  } catch (thrown) {
    if (!isMendable(thrown)) throw thrown;
    mendSpool(request.spoolFile, mendLine);
    return archive(instance, request);
  }
}

function mendSpool(file: string, mend: (line: string) => string): void {
  const mended = `${file}.mended`;
  rewrite(file, mended, mend);
  renameSync(mended, file);
}

function rewrite(from: string, to: string, change: (line: string) => string): void {
  const output = openSync(to, 'w');
  try {
    let text = '';
    eachLine(from, line => {
      text += `${change(line)}\n`;
      if (text.length < mendedAtOnce) return;
      writeFully(output, text);
      text = '';
    });
    writeFully(output, text);
  } finally {
    closeSync(output);
  }
}

function writeFully(handle: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
}

async function archive(instance: DuckDBInstance, request: ParquetRequest): Promise<ParquetResult> {
  const connection = await instance.connect();
  try {
    await connection.run(`SET TimeZone = 'UTC'`);
    const {
      fields: described,
      times: timeNames,
      areTimesPlain,
    } = await describeSpool(connection, request.spoolFile);
    const schema = mergeSchema(request.schema, described);
    const present = new Map(described.map(field => [foldedName(field.name), field]));
    const fields = schema.fields.filter(field => present.has(foldedName(field.name)));
    // Read as a time at once, which saves a quarter of the work.
    const isReadAsTime = ({ name, type }: Field): boolean =>
      areTimesPlain && name === '_time' && type === 'VARCHAR';
    const columns = fields.map(field => {
      const { name } = present.get(foldedName(field.name))!;
      return `${quoted(name)}: ${quoted(isReadAsTime(field) ? 'TIMESTAMP' : field.type)}`;
    });
    const source =
      fields.length === 0
        ? `(SELECT NULL AS nothing FROM ${objects(request.spoolFile)})`
        : `read_json(${quoted(request.spoolFile)}, ${lines}, columns = {${columns.join(', ')}})`;
    const times = timeNames
      .filter(name => present.get(name)?.name === name)
      .map(name => fields.find(field => foldedName(field.name) === name))
      .map(field => {
        if (!field) return undefined;
        return isReadAsTime(field) ? identifier(field.name) : timeSql(field.name, field.type);
      })
      .filter(sql => sql !== undefined);
    const kept = columnFields(fields);
    const values = typedFields(fields)
      .map(field => writtenColumn(field, 'e'))
      .join(', ');
    const numbered = `SELECT *, ${request.first} + row_number() OVER () - 1 AS _offset FROM ${source}`;
    const batches = request.batches
      .map(batch => `(${batch.offset}, ${Math.floor(batch.appendTimeMs) * 1000})`)
      .join(', ');
    const own = times.length > 0 ? `COALESCE(${times.join(', ')})` : 'NULL::TIMESTAMP';
    const timed = `SELECT *, ${own} AS __own FROM (${numbered})`;
    const shown = `e._offset${values ? `, ${values}` : ''}`;
    const withAppendTime = (time: string, from: string): string =>
      `SELECT COALESCE(${time}, make_timestamp(b.append)) AS _time, ${shown} ` +
      `FROM (${from}) e ASOF JOIN (SELECT * FROM (VALUES ${batches}) v(base, append)) b ON e._offset >= b.base`;
    // The stream's folder may be looked at by others, who take names with "_" for work in progress.
    const staging = join(request.directory, `_${rangeName(request)}.parquet`);
    try {
      await writeFile(
        connection,
        times.length === 0
          ? withAppendTime('e.__own', timed)
          : `SELECT e.__own AS _time, ${shown} FROM (${timed}) e`,
        staging,
      );
      const written = await spanOf(connection, parquet([staging]));
      const stored = kept.map(field => ({ ...field }));
      if (written.withoutTime > 0) {
        const select = withAppendTime('e._time', `SELECT * FROM ${parquet([staging])}`);
        return await writeHours(connection, select, request, stored);
      }
      const hour = hourOf(written);
      if (hour === undefined) {
        return await writeHours(connection, `SELECT * FROM ${parquet([staging])}`, request, stored);
      }
      const path = join(hour, `${rangeName(request)}.parquet`);
      mkdirSync(join(request.directory, hour), { recursive: true });
      renameSync(staging, join(request.directory, path));
      return resultOf([{ path, rows: written.rows }], stored, written);
    } finally {
      rmSync(staging, { force: true });
    }
  } finally {
    connection.closeSync();
  }
}

/** Several chunks as one. */
export async function compactParquet(
  instance: DuckDBInstance,
  request: {
    directory: string;
    partition: number;
    first: number;
    last: number;
    inputs: { files: string[]; fields: Field[] }[];
    schema: { fields: Field[] };
  },
): Promise<ParquetResult> {
  const connection = await instance.connect();
  try {
    const fields = columnFields(request.schema.fields);
    const typed = typedFields(fields);
    const chunks = request.inputs
      .map(input => chunkSelect(input.files, input.fields, typed))
      .join(' UNION ALL ');
    const columns = typed.map(field => writtenColumn(field, 'c'));
    const select = `SELECT ${['_time', '_offset', ...columns].join(', ')} FROM (${chunks}) c`;
    const span = await spanOf(connection, `(${select})`);
    const hour = hourOf(span);
    if (hour === undefined) return await writeHours(connection, select, request, fields);
    const path = join(hour, `${rangeName(request)}.parquet`);
    mkdirSync(join(request.directory, hour), { recursive: true });
    await writeFile(connection, select, join(request.directory, path));
    return resultOf([{ path, rows: span.rows }], fields, span);
  } finally {
    connection.closeSync();
  }
}

/**
 * A column as it is written, without the sign of zero: Parquet's dictionary takes -0.0 and 0.0 for one value, and the bloom filter does not,
 * so that `= 0` would miss rows.
 */
function writtenColumn({ name, type }: Field, table: string): string {
  const column = `${table}.${identifier(name)}`;
  return type === 'DOUBLE' ? `${column} + 0.0 AS ${identifier(name)}` : column;
}

interface OffsetRange {
  directory: string;
  partition: number;
  first: number;
  last: number;
}

interface Span {
  fromUs: number;
  toUs: number;
  rows: number;
  withoutTime: number;
}

const rangeName = ({ partition, first, last }: OffsetRange): string => `${partition}-${first}-${last}`;

const parquet = (files: readonly string[]): string =>
  `read_parquet([${files.map(quoted).join(', ')}], hive_partitioning = false)`;

async function spanOf(connection: DuckDBConnection, from: string): Promise<Span> {
  const sql = `SELECT epoch_us(min(_time)), epoch_us(max(_time)), count(*), count(*) - count(_time) FROM ${from}`;
  const [fromUs, toUs, rows, withoutTime] = (await rowsOf(connection, sql))[0]!.map(Number);
  return { fromUs: fromUs!, toUs: toUs!, rows: rows!, withoutTime: withoutTime! };
}

function resultOf(files: ParquetFile[], fields: Field[], { rows, fromUs, toUs }: Span): ParquetResult {
  return { files, rows, fields, fromUs, toUs };
}

const hourUs = 3_600_000_000;
const year10000Us = Date.UTC(10000) * 1000;

/** The folder of the one hour in which all times lie, as those of live events mostly do; undefined where they do not. */
function hourOf({ fromUs, toUs }: Span): string | undefined {
  // Years of other than four digits are spelled by DuckDB.
  if (fromUs < 0 || toUs >= year10000Us) return undefined;
  if (Math.floor(fromUs / hourUs) !== Math.floor(toUs / hourUs)) return undefined;
  const text = new Date(fromUs / 1000).toISOString();
  return `date=${text.slice(0, 10)}/hour=${text.slice(11, 13)}`;
}

async function writeFile(connection: DuckDBConnection, select: string, path: string): Promise<void> {
  await connection.run(`COPY (${select}) TO ${quoted(path)} (FORMAT parquet, COMPRESSION zstd)`);
}

/**
 * A file for each hour, or several: DuckDB has a hundred open, and numbers those that it begins for an hour whose file it has closed. It takes
 * about twice the time that one file takes.
 */
async function writeHours(
  connection: DuckDBConnection,
  select: string,
  range: OffsetRange,
  fields: Field[],
): Promise<ParquetResult> {
  const { directory } = range;
  const rows = await rowsOf(
    connection,
    `COPY (SELECT *, strftime(_time, '%Y-%m-%d') AS "date", strftime(_time, '%H') AS "hour" FROM (${select})) TO ${quoted(directory)} ` +
      `(FORMAT parquet, COMPRESSION zstd, PARTITION_BY ("date", "hour"), FILENAME_PATTERN ${quoted(`${rangeName(range)}_`)}, OVERWRITE_OR_IGNORE true, RETURN_STATS true)`,
  );
  const files: ParquetFile[] = [];
  for (const row of rows) {
    const written = String(row[0]);
    const final = join(dirname(written), basename(written).replace(/_0?\.parquet$/, '.parquet'));
    renameSync(written, final);
    files.push({ path: relative(directory, final), rows: Number(row[1]) });
  }
  const paths = files.map(file => join(directory, file.path));
  return resultOf(files, fields, await spanOf(connection, parquet(paths)));
}
