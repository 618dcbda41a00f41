// The query process's side: two DuckDB instances in one child. One writes the lake; the other runs users' SQL with no
// file access but the lake's folders, a locked configuration, and SELECT as the only statement.
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  BIGINT,
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBPreparedStatement,
  StatementType,
} from '@duckdb/node-api';
import { MillraceError } from '../core/errors.ts';
import { identifier, quoted } from '../store/lake-sql.ts';
import type { ParquetRequest, ParquetResult, ParquetWriter } from '../store/parquet.ts';
import { type LookupRequest, type LookupRows, readLookup } from './lookup-file.ts';
import { compactParquet, writeParquet } from './parquet-copy.ts';
import type { QueryAnswer, QueryRequest } from './query.ts';
import { jsonValue } from './query-rows.ts';
import { parseSerializedSql } from './serialized-sql.ts';
import { placeOf, sqlError } from './sql-error.ts';
import { tableNames } from './table-names.ts';
import { keepByteOrderMarks } from './whole-texts.ts';

keepByteOrderMarks();

export interface QueryServerOptions {
  lakeDir: string;
  /** Copies of lookup tables, which SQL may read as well. */
  lookupDir?: string;
  /** For spools, spills and results in Parquet; emptied by its owner. */
  temporaryDir: string;
  threads: number;
  memoryLimitMb: number;
  /** CREATE TEMP MACRO statements for functions that views know and DuckDB does not. */
  macros?: readonly string[];
}

interface RunningQuery {
  connection?: DuckDBConnection;
  isInterrupted: boolean;
  again?: NodeJS.Timeout;
}

/** A query that is to stop is told so this often. */
const interruptMs = 50;

/** What the other side may call; arguments and results cross as structured clones. */
export class QueryServer {
  private readonly options: QueryServerOptions;
  private trusted: Promise<DuckDBInstance> | undefined;
  private sandbox: Promise<DuckDBInstance> | undefined;
  private parser: Promise<DuckDBConnection> | undefined;
  /** Queries under way, by their calls. */
  private readonly running = new Map<number, RunningQuery>();

  constructor(options: QueryServerOptions) {
    this.options = options;
  }

  private settings(memoryMb: number, threads: number): Record<string, string> {
    return {
      threads: String(threads),
      memory_limit: `${memoryMb}MB`,
      temp_directory: join(this.options.temporaryDir, 'spill'),
      max_temp_directory_size: '8GB',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      allow_community_extensions: 'false',
    };
  }

  /**
   * With one thread: rows are numbered in their order, for which further threads wait, and they wait busily. On two cores two
   * threads took 2.8–4.3 µs of them for an event and longer for a chunk, one took 1.7 µs.
   */
  private openTrusted(): Promise<DuckDBInstance> {
    return (this.trusted ??= DuckDBInstance.create(':memory:', this.settings(this.options.memoryLimitMb, 1)));
  }

  private openSandbox(): Promise<DuckDBInstance> {
    return (this.sandbox ??= (async () => {
      const instance = await DuckDBInstance.create(
        ':memory:',
        this.settings(this.options.memoryLimitMb, this.options.threads),
      );
      const connection = await instance.connect();
      const { lakeDir, lookupDir } = this.options;
      const folders = [lakeDir, ...(lookupDir === undefined ? [] : [lookupDir]), this.outputDir()];
      const allowed = folders.map(dir => quoted(`${dir}/`));
      await connection.run(`SET GLOBAL TimeZone = 'UTC'`);
      await connection.run(`SET GLOBAL allowed_directories = [${allowed.join(', ')}]`);
      await connection.run('SET GLOBAL enable_external_access = false');
      await connection.run('SET GLOBAL lock_configuration = true');
      connection.closeSync();
      return instance;
    })());
  }

  private outputDir(): string {
    const dir = join(this.options.temporaryDir, 'output');
    mkdirSync(dir, { recursive: true });
    return dir;
  }

  async parse(sql: string): Promise<unknown> {
    const connection = await (this.parser ??= this.openTrusted().then(instance => instance.connect()));
    const result = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql]);
    return parseSerializedSql(String(result.getRows()[0]![0]));
  }

  async tables(sql: string): Promise<string[]> {
    const tree = (await this.parse(sql)) as {
      error: boolean;
      error_type?: string;
      error_message?: string;
      position?: string;
      statements?: unknown[];
    };
    if (tree.error) {
      if (tree.error_type === 'not implemented' || /only SELECT/i.test(tree.error_message ?? ''))
        throw notSelect();
      throw new MillraceError('sql-syntax', tree.error_message ?? 'The SQL does not parse.', {
        status: 400,
        context: tree.position === undefined ? {} : { ...placeOf(sql, Number(tree.position)) },
      });
    }
    if (tree.statements?.length !== 1) throw notSelect();
    return tableNames(tree.statements);
  }

  /** Stops the query that call `id` has begun; of one that has ended nothing. */
  async interrupt(id: number): Promise<void> {
    const query = this.running.get(id);
    if (!query) return;
    query.isInterrupted = true;
    // Between two steps of a query an interrupt is lost.
    query.again ??= setInterval(() => query.connection?.interrupt(), interruptMs);
    query.connection?.interrupt();
  }

  /** `call` names it for `interrupt`. */
  async run(request: QueryRequest, call = -1): Promise<QueryAnswer> {
    const query: RunningQuery = { isInterrupted: false };
    this.running.set(call, query);
    try {
      const instance = await this.openSandbox();
      query.connection = await instance.connect();
      return await this.runOn(query.connection, request, () => query.isInterrupted);
    } finally {
      clearInterval(query.again);
      this.running.delete(call);
    }
  }

  private async runOn(
    connection: DuckDBConnection,
    request: QueryRequest,
    isInterrupted: () => boolean,
  ): Promise<QueryAnswer> {
    const started = performance.now();
    const timer = setTimeout(() => connection.interrupt(), request.timeoutMs);
    try {
      for (const macro of this.options.macros ?? []) await connection.run(macro);
      for (const table of request.tables) {
        await connection.run(`CREATE OR REPLACE TEMP VIEW ${identifier(table.name)} AS ${table.sql}`);
      }
      if (isInterrupted()) throw new Error('INTERRUPT');
      if (request.format === 'parquet') return await this.runToParquet(connection, request, started);
      const statement = await this.prepare(connection, request);
      const result = await statement.stream();
      const names = result.columnNames();
      const types = result.columnTypes();
      const columns = names.map((name, index) => ({ name, type: types[index]!.toString() }));
      const rows: unknown[][] = [];
      let bytes = 0;
      let truncated = false;
      for (;;) {
        const chunk = await result.fetchChunk();
        if (!chunk || chunk.rowCount === 0) break;
        for (const row of chunk.getRows()) {
          if (rows.length >= request.maxRows || bytes > request.maxBytes) {
            truncated = true;
            break;
          }
          const values = row.map(jsonValue);
          for (const value of values) bytes += typeof value === 'string' ? value.length + 3 : 8;
          rows.push(values);
        }
        if (truncated) break;
      }
      const answer = { columns, rowCount: rows.length, elapsedMs: performance.now() - started, truncated };
      if (request.format === 'json') return { ...answer, rows };
      return { ...answer, rows: [], body: encode(request.format, names, rows) };
    } catch (thrown) {
      if (/INTERRUPT/i.test(String((thrown as Error).message))) {
        throw new MillraceError(
          'sql-timeout',
          `The query ran longer than ${request.timeoutMs} ms and was stopped.`,
          {
            status: 504,
            remedy: 'Narrow the time range, ask a view instead of the stream, or raise "timeout".',
          },
        );
      }
      throw sqlError(thrown, request.sql);
    } finally {
      clearTimeout(timer);
      connection.closeSync();
    }
  }

  private async prepare(
    connection: DuckDBConnection,
    request: QueryRequest,
  ): Promise<DuckDBPreparedStatement> {
    const statement = await connection.prepare(request.sql);
    if (
      statement.statementType !== StatementType.SELECT &&
      statement.statementType !== StatementType.EXPLAIN
    ) {
      throw notSelect();
    }
    if (request.params === undefined) return statement;
    const isWhole = (value: unknown): boolean => typeof value === 'number' && Number.isSafeInteger(value);
    const adapt = (value: unknown): never => (isWhole(value) ? BigInt(value as number) : value) as never;
    if (Array.isArray(request.params)) {
      statement.bind(
        request.params.map(adapt),
        request.params.map(value => (isWhole(value) ? BIGINT : undefined)) as never,
      );
    } else {
      const entries = Object.entries(request.params);
      statement.bind(
        Object.fromEntries(entries.map(([name, value]) => [name, adapt(value)])),
        Object.fromEntries(entries.filter(([, value]) => isWhole(value)).map(([name]) => [name, BIGINT])),
      );
    }
    return statement;
  }

  /** The statement was parsed as one SELECT by `tables`, so that it can stand inside a COPY. */
  private async runToParquet(
    connection: DuckDBConnection,
    request: QueryRequest,
    started: number,
  ): Promise<QueryAnswer> {
    if (request.params !== undefined) {
      throw new MillraceError('bad-request', 'Parquet output takes no parameters.', { status: 400 });
    }
    const file = join(this.outputDir(), `${randomUUID()}.parquet`);
    try {
      const select = `SELECT * FROM (${request.sql.replace(/;\s*$/, '')}\n) LIMIT ${request.maxRows}`;
      const result = await connection.runAndReadAll(`COPY (${select}) TO ${quoted(file)} (FORMAT parquet)`);
      const rowCount = Number(result.getRows()[0]?.[0] ?? 0);
      const body = new Uint8Array(readFileSync(file));
      const elapsedMs = performance.now() - started;
      return { columns: [], rows: [], rowCount, elapsedMs, truncated: rowCount === request.maxRows, body };
    } finally {
      rmSync(file, { force: true });
    }
  }

  async readLookup(request: LookupRequest): Promise<LookupRows> {
    return readLookup(await this.openTrusted(), request);
  }

  async writeParquet(request: ParquetRequest): Promise<ParquetResult> {
    return writeParquet(await this.openTrusted(), request);
  }

  async compactParquet(request: Parameters<ParquetWriter['compact']>[0]): Promise<ParquetResult> {
    return compactParquet(await this.openTrusted(), request);
  }
}

function notSelect(): MillraceError {
  return new MillraceError('sql-not-select', 'Only one SELECT statement can be run.', {
    status: 400,
    remedy: 'SQL here reads streams and views; events are written through POST /v1/streams/{stream}/events.',
  });
}

function encode(format: 'ndjson' | 'csv' | string, names: readonly string[], rows: unknown[][]): Uint8Array {
  if (format === 'ndjson') {
    const lines = rows.map(row =>
      JSON.stringify(Object.fromEntries(row.map((value, i) => [names[i]!, value]))),
    );
    return new TextEncoder().encode(lines.map(line => line + '\n').join(''));
  }
  if (format === 'csv') {
    const lines = [names.map(csvCell), ...rows.map(row => row.map(csvCell))].map(
      cells => cells.join(',') + '\r\n',
    );
    return new TextEncoder().encode(lines.join(''));
  }
  throw new MillraceError('bad-request', `The format "${format}" is not available.`, {
    status: 400,
    remedy: 'Ask for json, ndjson, csv or parquet.',
  });
}

/** RFC 4180. Null is an empty cell; an empty string is quoted, so that the two differ. */
function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
