// Which table a name in SQL is: a stream is its lake, brought up to date first; a view is its windows, written to a file that
// the query process may read.
import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rejectedStream } from '../collect/rejected.ts';
import { formatDuration, parseDuration } from '../core/duration.ts';
import { MillraceError, outOfSpace } from '../core/errors.ts';
import { findNamed } from '../core/folded-name.ts';
import { formatUs } from '../core/time.ts';
import type { LogReader } from '../flow/log.ts';
import type { Engine } from '../process/engine.ts';
import type { ViewColumn, ViewSummary } from '../process/view.ts';
import type { Lake } from '../store/lake.ts';
import { identifier, quoted } from '../store/lake-sql.ts';
import type { QueryAnswer, QueryRequest, QueryService, QueryTable } from './query.ts';

export interface SqlTablesOptions {
  log: LogReader;
  lake: Lake;
  engine: Engine;
  query: QueryService;
  /** A folder that the query process may read. */
  dir: string;
  /** Rows of one view that SQL sees at most; a view of more is refused. Default 1,000,000. */
  maxViewRows?: number;
  /** A lookup table of the project: its columns and a Parquet file below a folder that the query process may read. */
  lookups?: {
    names(): string[];
    get(name: string): { columns: { name: string }[]; copy: string } | undefined;
  };
}

/** `view@1m` asks for a resolution. */
const resolutionName = /^(.+)@([0-9a-z]+)$/;

export class SqlTables {
  private readonly options: SqlTablesOptions;

  constructor(options: SqlTablesOptions) {
    this.options = options;
    mkdirSync(options.dir, { recursive: true });
  }

  /** Runs one SELECT; everything appended before the call is seen. */
  async run(request: Omit<QueryRequest, 'tables'>): Promise<QueryAnswer> {
    const { query, log, engine, lookups } = this.options;
    const names = await query.tables(request.sql);
    const files: string[] = [];
    try {
      const streams = names.length > 0 ? await log.streams() : [];
      const views = names.length > 0 ? await engine.views() : [];
      const tables: QueryTable[] = [];
      for (const name of names) {
        const [, base, every] = resolutionName.exec(name) ?? [undefined, name, undefined];
        // What is spelled so goes before what is in another case.
        const isLookup = lookups?.names().includes(name);
        const isSpelled = isLookup || views.some(view => view.name === base);
        const stream = isSpelled ? streams.find(one => one.name === name) : findNamed(streams, name);
        if (stream) {
          tables.push({ name, sql: await this.streamSql(stream.name) });
          continue;
        }
        const view = isLookup ? undefined : findNamed(views, base!);
        if (view) {
          tables.push({ name, sql: await this.viewSql(view, every, files) });
          continue;
        }
        const lookup = lookups?.get(name);
        if (lookup) tables.push({ name, sql: lookupSql(lookup) });
        else if (name.toLowerCase() === rejectedStream) tables.push({ name, sql: emptySql(rejectedStream) });
      }
      return await query.run({ ...request, tables });
    } catch (thrown) {
      throw outOfSpace(thrown, 'what the query reads');
    } finally {
      for (const file of files) rmSync(file, { force: true });
    }
  }

  private async streamSql(stream: string): Promise<string> {
    await this.options.lake.flush(stream);
    return this.options.lake.selectSql(stream) ?? emptySql(stream);
  }

  /** The finest resolution that is kept for as long as any, or the one asked for. */
  private async viewSql(view: ViewSummary, every: string | undefined, files: string[]): Promise<string> {
    const { engine, dir, maxViewRows = 1_000_000 } = this.options;
    const everyMs = every === undefined ? completeResolution(view) : parseDuration(every);
    const file = join(dir, `${randomUUID()}.ndjson`);
    files.push(file);
    writeFileSync(file, '');
    await engine.settled();
    let rows = 0;
    const kinds = view.columns.map(() => new Set<string>());
    let cursor: string | undefined;
    do {
      const page = await engine.query({
        view: view.name,
        everyMs,
        limit: 100_000,
        ...(cursor === undefined ? {} : { cursor }),
      });
      const lines = page.rows.map(row => {
        // Without a prototype, of which a column may have the name.
        const record: Record<string, unknown> = Object.assign(Object.create(null), {
          overflow: row.overflow ?? false,
          incomplete: row.incomplete ?? false,
          window_start: formatUs(row.startUs),
          window_end: formatUs(row.endUs),
          revision: row.revision,
          final: row.final,
        });
        page.columns.forEach((column, index) => {
          const value = row.values[index];
          record[column.name] = value;
          noteKinds(value, column.type, kinds[index]!);
        });
        return `${JSON.stringify(record)}\n`;
      });
      // By page: all of them can be more than a string may have.
      appendFileSync(file, lines.join(''));
      rows += lines.length;
      cursor = page.next;
      if (rows > maxViewRows || (cursor !== undefined && rows === maxViewRows)) {
        throw tooManyRows(view, everyMs, maxViewRows);
      }
    } while (cursor !== undefined);
    const types = view.columns.map((column, index) => ({
      name: column.name,
      type: rows === 0 ? column.type : columnType(column, kinds[index]!),
    }));
    const columns = [...givenColumns(view), ...types];
    if (rows === 0) {
      return `SELECT ${columns.map(({ name, type }) => `NULL::${type} AS ${identifier(name)}`).join(', ')} WHERE false`;
    }
    const members = columns.map(({ name, type }) => `${quoted(name)}: ${quoted(type)}`);
    return `SELECT * FROM read_json(${quoted(file)}, format = 'newline_delimited', maximum_object_size = 33554432, columns = {${members.join(', ')}})`;
  }
}

/** Columns that every row of a view has. Results of a view may have the names of the last two: they are the view's own then. */
function givenColumns({ columns }: ViewSummary): { name: string; type: string }[] {
  const own = new Set(columns.map(({ name }) => name.toLowerCase()));
  const flags = ['overflow', 'incomplete'].filter(name => !own.has(name));
  return [
    { name: 'window_start', type: 'TIMESTAMP' },
    { name: 'window_end', type: 'TIMESTAMP' },
    { name: 'revision', type: 'BIGINT' },
    { name: 'final', type: 'BOOLEAN' },
    ...flags.map(name => ({ name, type: 'BOOLEAN' })),
  ];
}

function tooManyRows(view: ViewSummary, everyMs: number, maxRows: number): MillraceError {
  const coarser = view.resolutions.find(resolution => resolution.everyMs > everyMs);
  const instead = coarser ? `"${view.name}@${formatDuration(coarser.everyMs)}", or` : 'The stream, or';
  return new MillraceError(
    'view-too-large',
    `The view "${view.name}" has more than ${maxRows.toLocaleString('en')} rows at ${formatDuration(everyMs)}.`,
    {
      status: 400,
      remedy: `${instead} GET /v1/views/${view.name} for a range of time, can be asked instead.`,
    },
  );
}

function lookupSql({ columns, copy }: { columns: { name: string }[]; copy: string }): string {
  const names = columns.map(column => identifier(column.name)).join(', ');
  return `SELECT ${names} FROM read_parquet(${quoted(copy)}) ORDER BY _row`;
}

/** A stream without events; `_rejected` has its columns all the same, since questions about it are the same everywhere. */
function emptySql(stream: string): string {
  const known =
    stream === rejectedStream
      ? ', NULL::VARCHAR AS stream, NULL::VARCHAR AS source, NULL::BIGINT AS line, NULL::BIGINT AS position, NULL::VARCHAR AS reason, NULL::VARCHAR AS raw'
      : '';
  return `SELECT NULL::TIMESTAMP AS _time, NULL::BIGINT AS _offset, NULL::INTEGER AS _partition${known} WHERE false`;
}

/** JSON has no NaN and no infinities: they are null. */
const isLost = (value: unknown): boolean => typeof value === 'number' && !Number.isFinite(value);

/** What a value is, in lists what the values are: "integer", "number", "string", "boolean". */
function noteKinds(value: unknown, type: string, kinds: Set<string>): void {
  if (value === null || value === undefined || isLost(value)) return;
  if (Array.isArray(value)) for (const item of value) noteKinds(item, type, kinds);
  else if (typeof value === 'object' && 'value' in value!) noteKinds(value.value, type, kinds);
  else if (Number.isInteger(value))
    kinds.add(Math.abs(value as number) < 2 ** roomOf(type) ? 'integer' : 'number');
  else kinds.add(digitsKind(value, type) ?? typeof value);
}

/** Bits that a column has for a whole number beside its sign. */
const roomOf = (type: string): number => (type.includes('HUGEINT') ? 127 : 63);

/** Digits of a whole number beyond 2^53 are text in JSON; 'wide' where the column's type has not room for them. */
function digitsKind(value: unknown, type: string): 'integer' | 'wide' | undefined {
  if (!/BIGINT|HUGEINT/.test(type) || typeof value !== 'string' || !/^-?\d{16,}$/.test(value))
    return undefined;
  const whole = BigInt(value);
  return BigInt.asIntN(roomOf(type) + 1, whole) === whole ? 'integer' : 'wide';
}

/**
 * The type that the stream was known to have can lag behind its values. A column of whole numbers in which fractions have come, or
 * numbers that it has not room for, is of doubles, so that none is rounded; a group by a field, and a column of any values, is in SQL what its
 * values are, where they agree. Nested values are texts.
 */
function columnType({ type, role }: ViewColumn, kinds: ReadonlySet<string>): string {
  const isAny = role === 'group' || type === 'JSON';
  if (!isAny && (kinds.has('number') || kinds.has('wide')))
    return type.replace(/(^|"value" )(BIGINT|HUGEINT)\b/, '$1DOUBLE');
  if (!isAny || !['JSON', 'BIGINT', 'DOUBLE', 'VARCHAR', 'BOOLEAN'].includes(type)) return type;
  const found = [...new Set([...kinds].map(kind => (kind === 'wide' ? 'string' : kind)))].sort().join(' ');
  if (found === '') return type;
  if (found === 'string') return 'VARCHAR';
  if (found === 'integer') return type === 'DOUBLE' ? type : 'BIGINT';
  if (found === 'number' || found === 'integer number') return 'DOUBLE';
  return found === 'boolean' ? 'BOOLEAN' : 'JSON';
}

/**
 * The finest resolution that has lost nothing yet: its keep time covers everything the coarsest one still has. Without
 * knowing how old the data is, that is the finest one kept as long as the coarsest, else the finest kept for a year.
 */
function completeResolution(view: ViewSummary): number {
  const keep = (keepMs: number | null): number => keepMs ?? Number.POSITIVE_INFINITY;
  const year = 31_536_000_000;
  const complete = view.resolutions.find(({ keepMs }) => keep(keepMs) >= year);
  return (complete ?? view.resolutions.at(-1)!).everyMs;
}
