// What a view is and what its results look like: the words between the engine, the API and the console.
// A view is a timeless SELECT plus a window. Everything here crosses threads and HTTP, so it is plain data.

/** How a view cuts event time. All lengths in milliseconds. */
export type WindowSpec =
  /** `-- every: 1s, 1m, 1h, 1d`: tumbling, finest first, each a multiple of the one before; coarser are merged from finer. */
  | { kind: 'tumbling'; everyMs: number[] }
  /** `-- window: 5m every 1m`: of length `sizeMs`, a new one each `everyMs`; sizeMs is a multiple of everyMs. */
  | { kind: 'hopping'; sizeMs: number; everyMs: number }
  /** `-- session: 30m by user`: closed by `gapMs` without an event of the same key. `by` are output columns in GROUP BY. */
  | { kind: 'session'; gapMs: number; by: string[] };

export interface ViewDefinition {
  /** File name without `.sql`; same rules as a stream's name, and no stream may have it. */
  name: string;
  /** The whole text of the file: `-- key: value` header lines, then one SELECT. */
  text: string;
}

export type ColumnRole = 'group' | 'value';

export interface ViewColumn {
  name: string;
  /** DuckDB's name of the type: BIGINT, DOUBLE, VARCHAR, BOOLEAN, TIMESTAMP, DOUBLE[], STRUCT(...)[] … */
  type: string;
  role: ColumnRole;
  /** Set where the value is approximate: the error bound in words ("±3.3 % (95 %)"). */
  approximate?: string;
}

/** Columns that the rows of every view have; its own columns have other names, in any case. */
export const rowColumns: ReadonlySet<string> = new Set([
  '_time',
  'window_start',
  'window_end',
  '_start',
  '_end',
  'revision',
  'final',
]);

export type ViewState = 'backfilling' | 'live' | 'failed';

export interface ViewSummary {
  name: string;
  /** Changes when the definition does. */
  version: string;
  sql: string;
  streams: string[];
  window: WindowSpec;
  /** Resolutions that can be asked for, in ms, finest first, and how long each is kept (ms; Infinity as null). */
  /** `keptFromUs`: windows that end at or before are no longer kept; null where all are. */
  resolutions: { everyMs: number; keepMs: number | null; keptFromUs: number | null }[];
  columns: ViewColumn[];
  state: ViewState;
  /** 0–1 while backfilling. */
  progress: number;
  /** Why a view has failed or, where it has not, why it does not go on now and is tried again; for a person. */
  error?: string;
  /** What its streams have shown and does not fit it, for a person: it goes on as it was. */
  notice?: string;
  /** Event time up to which windows are believed complete, µs; null before the first event. */
  watermarkUs: number | null;
  /** Events that came beyond the keep time and are in no window. */
  expired: number;
  /** The last hundred of them in each partition: where they are in the log. */
  recentExpired: { stream: string; partition: number; offset: number; timeUs: number }[];
  /** Events ahead of the clock guard, counted in their windows but not moving the watermark. */
  ahead: number;
  /** Events with values that could not be used as the type the query needs. */
  mismatched: number;
  /** Groups of all kept windows, as of the last commit: one that is in ten windows counts ten times, and in each partition for itself. */
  groups: number;
  /** Bytes of its state in the store, as of the last commit: what serves, and what is being filled beside it. */
  stateBytes: number;
  /** Bytes of memory that it takes: of its state, what was used last. */
  memoryBytes: number;
}

/** JSON-ready scalars: integers beyond 2^53 are strings, times are ISO 8601 strings. NaN and infinities are null once they are JSON. */
export type ViewValue = string | number | boolean | null | ViewValue[] | { [key: string]: ViewValue };

export interface WindowRow {
  /** Start and end of the window, µs; end exclusive. For `every: 'total'` the whole range asked for. */
  startUs: number;
  endUs: number;
  /** Higher with each published change of the window, over restarts too; numbers may be skipped. */
  revision: number;
  /** The watermark has passed the end and the lateness: a change now is a restatement. */
  final: boolean;
  /** In the order of `ViewSummary.columns`. */
  values: ViewValue[];
  /**
   * Set on the one row that stands for the groups beyond the view's cap (`max groups`) in this window: its group columns are
   * null and its values are those of all these groups together. Of a session view: in the time from start to end, as long as the gap.
   */
  overflow?: true;
  /** Set where the group came after small groups had moved to the overflow row: part of its events may be counted there. */
  incomplete?: true;
  /**
   * In changes of session views: this row is left out now, and what it overlaps of its key has left the result. HAVING or LIMIT leaves it
   * out, or events of the session may be out of keep time, and then it has not all of them.
   */
  gone?: true;
}

export interface ViewQuery {
  view: string;
  /** A kept resolution in ms, or 'total' to merge the range into one row a group. Default: the finest with at most 2,000 windows in the range. */
  everyMs?: number | 'total';
  /** Event-time range, µs: windows with from ≤ start < to. For 'total' the range is widened to whole finest windows. */
  fromUs?: number;
  toUs?: number;
  /** Conditions on group columns, all of which must hold. */
  where?: { column: string; op: '=' | '!=' | 'in' | 'like'; value: ViewValue | ViewValue[] }[];
  /** Column name and direction; default: start ascending, then the view's own ORDER BY. */
  order?: { column: string; descending: boolean }[];
  /** Rows; default 10,000, at most 100,000. */
  limit?: number;
  /** From a previous answer's `next`. */
  cursor?: string;
}

export interface ViewResult {
  view: string;
  everyMs: number | 'total';
  columns: ViewColumn[];
  rows: WindowRow[];
  watermarkUs: number | null;
  /** Set where rows were left out by the limit. */
  next?: string;
}

/** One changed window of one view at one resolution, with all of its groups that changed. */
export interface ViewChange {
  view: string;
  everyMs: number;
  /** Grows by one with every change the engine sends since it started; `epoch` names that start. */
  id: number;
  epoch: string;
  watermarkUs: number | null;
  /** The rows of changed groups. Without the two below, a row takes the place of the one with its start and group columns. */
  rows: WindowRow[];
  /**
   * Set where they are all rows of the window that starts then: others have left it. Of views with HAVING or LIMIT, and of those whose group
   * columns do not tell rows apart (GROUP BY has more), always.
   */
  wholeStartUs?: number;
  /**
   * Set for sessions, which grow together. There are all rows of each session, also those that are `gone`, and they take the place of all
   * that they overlap of the same values in the columns `by`; an overflow row that of the one with its start.
   */
  overlapping?: true;
  by?: string[];
  /**
   * Set where another definition serves from here on, or groups of a session view have gone to the overflow group: its columns. There
   * are no rows, and none of before counts any more.
   */
  columns?: ViewColumn[];
}
