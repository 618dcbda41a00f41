// What an audit is given: the engine and the view, where DuckDB finds its events, and how SQL is run.
import type { Engine, ViewPage } from '../engine.ts';
import type { Plan } from '../plan/plan.ts';
import type { PlanSqlOptions } from '../plan/sql/plan-sql.ts';
import type { ViewValue } from '../view.ts';

export interface AuditOptions {
  engine: Pick<Engine, 'page' | 'settled'>;
  plan: Plan;
  /** The resolutions to compare; default: all that are kept. */
  everyMs?: readonly number[];
  /** Event-time range, µs; default: all windows that are kept. */
  fromUs?: number;
  toUs?: number;
  /** Where DuckDB finds the events that are in a page's windows, and no others. */
  history: (page: ViewPage) => Promise<PageHistory>;
  /** Runs SQL; rows of JSON-ready values (times as ISO 8601 or SQL text, large integers as text). */
  runSql: (sql: string) => Promise<readonly (readonly ViewValue[])[]>;
  /** Called after each step with the share done, 0–1. */
  onProgress?: (done: number) => void;
  /** Ends it, with its reason, whatever is waited for. */
  signal?: AbortSignal;
  /** Differences listed; all are counted. Default 100. */
  differencesMax?: number;
}

export interface PageHistory extends Pick<PlanSqlOptions, 'events' | 'lookup'> {
  /** From which event time on it is known what events were joined with; windows that start before are not compared. */
  fromUs?: number;
}
