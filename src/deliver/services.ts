// What the HTTP API stands on: the contracts of the stages to its left, handed in by app.ts.
import type { Clock } from '../core/time.ts';
import type { Log } from '../flow/log.ts';
import type { AuditResult } from '../process/audit-report.ts';
import type { Engine } from '../process/engine.ts';
import type { PipelineSummary } from '../process/pipeline.ts';
import type { ViewQuery, ViewResult } from '../process/view.ts';
import type { QueryAnswer, QueryRequest } from '../query/query.ts';
import type { Lake } from '../store/lake.ts';
import type { Dashboard, Info, SourceStatus } from './api.ts';
import type { IngestHandler } from './ingest.ts';
import type { LiveHub } from './live-hub.ts';
import type { StreamStats } from './stream-stats.ts';
import type { Condition } from './view-json.ts';

export interface Services {
  clock: Clock;
  log: Log;
  lake: Lake;
  engine: Engine;
  hub: LiveHub;
  ingest: IngestHandler;
  stats: StreamStats;
  info(): Promise<Info>;
  sources(): SourceStatus[];
  problems(): string[];
  /** Whether one of the problems is more than a notice. */
  isFailing(): boolean;
  /** The log is open, the engine runs, and the views of the project have been defined. */
  isReady(): boolean;
  dashboards(): Dashboard[];
  pipelines(): Promise<PipelineSummary[]>;
  /** SQL over streams and views by their names; what was appended before the call is seen. */
  sql(request: Omit<QueryRequest, 'tables'>): Promise<QueryAnswer>;
  /** A view's own SELECT over the history, with more conditions than its groups know. */
  viewHistory(query: ViewQuery, conditions: Condition[]): Promise<ViewResult>;
  /** Views, all where none are named, against a batch recomputation. Throws `unknown-view` (404), and the signal's reason. */
  audit(
    views: readonly string[],
    onProgress: (view: string, share: number) => void,
    signal: AbortSignal,
  ): Promise<AuditResult>;
  /** Prometheus text. */
  metrics(): Promise<string>;
}
