// Asking questions in SQL: the contract of the query process. It runs DuckDB beside the collecting process, reads only
// the lake's folder, and can be killed at any moment: a deadline is enforced by killing it, and it is started again for
// the next question. Errors: `sql-syntax`, `sql-error` (400, with line and column where known), `sql-not-select` (400),
// `sql-timeout` (504), `query-process-died` (503, canRetry), `query-overloaded` (429).

export interface QueryTable {
  name: string;
  /** A SELECT over files below the allowed directories. */
  sql: string;
}

export interface QueryRequest {
  sql: string;
  params?: unknown[] | Record<string, unknown>;
  format: 'json' | 'ndjson' | 'csv' | 'arrow' | 'parquet';
  timeoutMs: number;
  maxRows: number;
  maxBytes: number;
  tables: QueryTable[];
}

export interface QueryAnswer {
  columns: { name: string; type: string }[];
  /** For format json. */
  rows: unknown[][];
  rowCount: number;
  elapsedMs: number;
  truncated: boolean;
  /** For the other formats. */
  body?: Uint8Array;
}

export interface QueryService {
  /** DuckDB's parse tree of a statement, as json_serialize_sql gives it (its `error` form too). */
  parse(sql: string): Promise<unknown>;
  /** Tables that a statement reads and that it does not itself define. Throws `sql-syntax`, `sql-not-select`. */
  tables(sql: string): Promise<string[]>;
  /** `signal` ends the waiting, with its reason, and interrupts the query. */
  run(request: QueryRequest, signal?: AbortSignal): Promise<QueryAnswer>;
  close(): Promise<void>;
}
