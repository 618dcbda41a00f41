// The HTTP API as data: what each call takes and answers. The server, the console, the client and the command line
// all use these types, so that they cannot drift apart. Times are ISO 8601 UTC strings; parameters also accept `-1h`,
// `now` and epochs; integers beyond 2^53 are strings; errors are application/problem+json (`Problem`).
import type { RejectedEvent } from '../collect/rejected.ts';
import type { SourceStatus } from '../collect/source.ts';
import type { AuditResult } from '../process/audit-report.ts';
import type { PipelineSummary } from '../process/pipeline.ts';
import type { ViewColumn, ViewState, ViewValue } from '../process/view.ts';

/** A line of what POST /v1/audit answers: how far it is, at last the result, or why there is none. */
export type AuditLine = { view?: string; share: number } | AuditResult | { problem: Problem };

/** RFC 9457, with our own members. */
export interface Problem {
  /** `urn:millrace:error:<code>`. */
  type: string;
  title: string;
  status: number;
  /** What happened and where. */
  detail: string;
  code: string;
  /** What to do about it. */
  remedy?: string;
  /** For SQL and views: 1-based place in the text sent. */
  line?: number;
  column?: number;
  [member: string]: unknown;
}

export type { RejectedEvent, SourceStatus };

/** GET /v1/info */
export interface Info {
  version: string;
  startedAt: string;
  /** Where the process is: for the page title ("shop — Millrace"). */
  project: string;
  /** The dashboard to open first; undefined while there is no stream. */
  home?: string;
  /** Event-time span that holds data, to choose a first time range: its end is exclusive. Null before any event. */
  span: { from: string; to: string } | null;
  /** Sources being read, with what was detected and how far they are. */
  sources: SourceStatus[];
  /** Sentences for a person about what is wrong now; empty when all is well. */
  problems: string[];
}

/** GET /v1/streams */
export interface StreamList {
  streams: StreamEntry[];
}

export interface StreamEntry {
  name: string;
  /** Events still in the log or the lake. */
  events: number;
  bytes: number;
  rejected: number;
  /** Append time of the last event. */
  lastAt: string | null;
  /** Event-time span. */
  from: string | null;
  to: string | null;
  /** Events a second appended, over the last ten seconds. */
  rate: number;
}

/** GET /v1/streams/{s} */
export interface StreamDetail extends StreamEntry {
  partitions: {
    partition: number;
    first: number;
    end: number;
    bytes: number;
    archived: number;
    closed?: string;
  }[];
  fields: FieldEntry[];
  consumers: { name: string; partition: number; position: number; lag: number }[];
}

export interface FieldEntry {
  name: string;
  /** DuckDB's name of the type it has in SQL. */
  type: string;
}

/** GET /v1/streams/{s}/events?from&to&where&limit&cursor — newest first. */
export interface EventPage {
  events: { offset: number; partition: number; time: string; event: Record<string, unknown> }[];
  next?: string;
}

/** POST /v1/streams/{s}/events → 200 when all or some were accepted, 400 when none was. */
export interface IngestAnswer {
  accepted: number;
  rejected: number;
  /** The first 100. */
  errors: { line: number; position?: number; reason: string }[];
  partition: number;
  /** Offset of the first accepted event; null when none was. */
  offset: number | null;
  /** Present and true where an Idempotency-Key had been seen before. */
  duplicate?: true;
}

/** POST /v1/streams/{s}/rejected */
export interface RejectedAnswer {
  rejected: number;
}

/** GET /v1/views */
export interface ViewList {
  views: ViewEntry[];
}

export interface ViewEntry {
  name: string;
  sql: string;
  streams: string[];
  /** "1s, 1m, 1h, 1d" · "5m every 1m" · "session 30m by user". */
  window: string;
  /** Resolutions that can be asked for, finest first: "1s". */
  resolutions: string[];
  columns: ViewColumn[];
  state: ViewState;
  progress: number;
  /** Why it has failed or, where it has not, why it does not go on now and is tried again. */
  error?: string;
  /** What its streams have shown since it was accepted and does not fit it: it goes on as it was. */
  notice?: string;
  watermark: string | null;
  expired: number;
  ahead: number;
  mismatched: number;
  /** Groups of all kept windows, as of the last commit: one that is in ten windows counts ten times. */
  groups: number;
  /** Of its state on disk, as of the last commit. */
  stateBytes: number;
  /** Of memory that it takes. */
  memoryBytes: number;
}

/** GET /v1/pipelines */
export interface PipelineList {
  pipelines: PipelineEntry[];
}

/** GET /v1/pipelines/{p} */
export interface PipelineEntry extends Omit<PipelineSummary, 'watermarkUs'> {
  watermark: string | null;
}

/** GET /v1/views/{v}/expired */
export interface ExpiredList {
  view: string;
  /** Events that came after the keep time of every window they belong to, and are in none. */
  expired: number;
  /** The last of them, at most a hundred a partition; `offset` is their place in the stream. */
  events: { stream: string; partition: number; offset: number; time: string | null }[];
}

/**
 * GET /v1/views/{v}?every&from&to&where&order&limit&cursor
 *   every   a kept resolution ("1m"), "total" for one row a group over the whole range, or left out for the finest
 *           that gives at most `points` (default 400) windows, which then begin with the one that holds `from`
 *   where   repeatable, `column=value` or `column!=value`, on group columns; or on any field of the event, which is then
 *           answered from history (`source: 'history'`) by the view's own SELECT
 *   order   `column` or `-column`
 */
export interface ViewAnswer {
  view: string;
  /** "1m" or "total". */
  every: string;
  columns: ViewColumn[];
  windows: ViewWindow[];
  watermark: string | null;
  source: 'view' | 'history';
  next?: string;
}

export interface ViewWindow {
  start: string;
  end: string;
  /** Of two values of a window the one with the higher revision is the newer, over restarts too; numbers may be skipped. */
  revision: number;
  final: boolean;
  /** In the order of `columns`. */
  values: ViewValue[];
  /** Set on the one row that stands for all groups beyond the view's cap: its group columns are null. */
  overflow?: true;
  /** Set where a part of the group's events may be counted in the overflow row. */
  incomplete?: true;
  /** In changes of session views: the row is left out now (HAVING, LIMIT, a beginning that is no longer kept). All that it overlaps of its session's key is to be removed. */
  gone?: true;
}

/**
 * GET /v1/live?s=<view>@<every>&s=…&from=<time> — server-sent events, one connection for many subscriptions.
 * With `Last-Event-ID` (or `?after=`) only what changed since is sent, or a new snapshot where that is no longer known.
 * A slow client gets the newest state of each window, not each change; one that stops reading for 30 s is cut.
 */
export type LiveMessage =
  /** event: snapshot — the windows since `from`: at the start of each subscription, and when another definition of the view serves. */
  | { type: 'snapshot'; subscription: string; answer: ViewAnswer }
  /**
   * event: change — rows that are new or changed. Without the fields below, each takes the place of the one with the same start and group
   * columns, or of the overflow row with the same start.
   */
  | {
      type: 'change';
      subscription: string;
      watermark: string | null;
      windows: ViewWindow[];
      /** Starts of windows of which all rows are given: all others with the same start have left them. Their group columns may be equal. */
      whole?: string[];
      /**
       * Of sessions, which grow together: all rows of each session are given, and take the place of all that they overlap with the same
       * values in the columns `by`.
       */
      overlapping?: true;
      by?: string[];
    }
  /** event: status — about once a second: rates for the header; also what keeps the connection alive. */
  | { type: 'status'; events: number; rate: number; sources: SourceStatus[]; problems: string[] }
  /** event: error — this subscription ended, the others go on. */
  | { type: 'error'; subscription: string; problem: Problem };

/** POST /v1/sql */
export interface SqlRequest {
  sql: string;
  /** Values for `$1` or `$name`. */
  params?: (string | number | boolean | null)[] | Record<string, string | number | boolean | null>;
  format?: 'json' | 'ndjson' | 'csv' | 'arrow' | 'parquet';
  /** "10s"; default 30 s, at most 10 min. */
  timeout?: string;
  /** Rows; default 10,000 for json. */
  limit?: number;
}

export interface SqlAnswer {
  columns: { name: string; type: string }[];
  rows: ViewValue[][];
  rowCount: number;
  elapsedMs: number;
  truncated: boolean;
}

/** GET /v1/dashboards */
export interface DashboardList {
  dashboards: { name: string; title: Text; stream?: string }[];
}

/** A sentence in each language; a plain string is the same in all. */
export type Text = string | { en: string; ko: string };

/** GET /v1/dashboards/{d}: a file dashboards/<name>.yaml, or made from the fields of a stream where there is none. */
export interface Dashboard {
  name: string;
  title: Text;
  /** The stream whose fields can be filtered on. */
  stream?: string;
  /** First time range: "-24h", or "all" for all data there is. */
  range: string;
  panels: Panel[];
}

export type Unit = 'count' | 'bytes' | 'ratio' | 'ms' | 'seconds' | 'number' | 'currency';

interface PanelBase {
  id: string;
  title: Text;
  /** A sentence under the title: what is counted and how exact it is. */
  note?: Text;
  view: string;
  unit: Unit;
  /** Columns of a 12-column grid. */
  width: 3 | 4 | 6 | 8 | 12;
}

export type Panel =
  /** One number over the range (from `every=total`) with a sparkline; with `per` the ratio of two columns. */
  | (PanelBase & { kind: 'stat'; column: string; per?: string })
  /**
   * Lines or stacked areas over time. `columns` are the values; `series`, where given, is a group column whose values
   * each become a series (the largest `maxSeries`, the rest summed as "other"); `classes` maps group values to a class by
   * their first character ("2" → "2xx"). A column of type DOUBLE[] becomes one line an element, named in `labels`.
   */
  | (PanelBase & {
      kind: 'timeseries';
      columns: string[];
      per?: string;
      series?: string;
      classes?: 'status';
      labels?: string[];
      stacked?: boolean;
      maxSeries?: number;
    })
  /** The largest groups over the range, with bars; a click filters the dashboard by `field` = the value. */
  | (PanelBase & {
      kind: 'list';
      group: string;
      field: string;
      column: string;
      more?: { column: string; unit: Unit }[];
      limit?: number;
    });

/**
 * GET /healthz and /readyz: 200 {status: 'ok'} or 503 {status, problems}. Ready is who has the log open and the engine running, and has
 * defined the views of the project ('starting' until then); healthy is who answers. Problems that are mere notices, of views that serve, fail nothing.
 */
export interface Health {
  status: 'ok' | 'starting' | 'failing';
  problems: string[];
}
