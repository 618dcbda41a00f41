// GET /metrics: Prometheus text. Gauges are read when asked; nothing is counted twice. What cannot be asked, such as an engine that has
// stopped, has no figures, and everything else has.
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Log } from '../flow/log.ts';
import type { Engine } from '../process/engine.ts';
import type { PipelineSummary } from '../process/pipeline.ts';
import type { StreamStats } from './stream-stats.ts';

export interface MetricsOptions {
  log: Log;
  engine: Engine;
  stats: StreamStats;
  queryPid(): number | undefined;
  pipelines(): Promise<PipelineSummary[]>;
}

const pipelineFigures: { name: string; help: string; of(summary: PipelineSummary): number }[] = [
  { name: 'events_in', help: 'Events taken in since the start.', of: one => one.eventsIn },
  { name: 'events_out', help: 'Events emitted since the start.', of: one => one.eventsOut },
  { name: 'timers_fired', help: 'Timers fired since the start.', of: one => one.timersFired },
  { name: 'failures', help: 'Calls that failed since the start.', of: one => one.failures },
  { name: 'retries', help: 'Failed calls that were made again.', of: one => one.retries },
  { name: 'rejected_events', help: 'Events given up on since the start.', of: one => one.rejected },
  { name: 'skipped_events', help: 'Events gone before their turn.', of: one => one.skipped },
  { name: 'restarts', help: 'Times that its thread was replaced.', of: one => one.restarts },
  { name: 'lag_events', help: 'Events between its position and the end.', of: one => one.lag },
  {
    name: 'running',
    help: '1 while it runs or waits for its stream.',
    of: one => Number(one.state !== 'failed'),
  },
];

export class Metrics {
  private readonly registry = new Registry();
  private readonly refresh: () => Promise<void>;

  constructor(options: MetricsOptions) {
    const { registry } = this;
    collectDefaultMetrics({ register: registry });
    const gauge = <Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> =>
      new Gauge({ name: `millrace_${name}`, help, labelNames, registers: [registry] });
    const appended = gauge('appended_events', 'Events appended since the start.', ['stream']);
    const end = gauge('log_end_offset', 'Offset after the last durable event.', ['stream', 'partition']);
    const first = gauge('log_first_offset', 'First offset still in the log.', ['stream', 'partition']);
    const logBytes = gauge('log_bytes', 'Bytes of events on disk.', ['stream', 'partition']);
    const lag = gauge('consumer_lag_events', 'Events between a consumer and the end.', [
      'consumer',
      'stream',
      'partition',
    ]);
    const engineLag = gauge('engine_lag_events', 'Events that views have not seen yet.', [
      'stream',
      'partition',
    ]);
    const stateBytes = gauge('view_state_bytes', 'Bytes of a view’s state on disk.', ['view']);
    const memoryBytes = gauge('view_memory_bytes', 'Bytes of memory that a view takes.', ['view']);
    const groups = gauge('view_groups', 'Groups in all kept windows of a view, each window’s for itself.', [
      'view',
    ]);
    const expired = gauge('view_expired_events', 'Events beyond the keep time.', ['view']);
    const engineMemory = gauge('engine_memory_bytes', 'Memory of the engine.', []);
    const queryRunning = gauge('query_process_running', '1 while the query process runs.', []);
    const pipelines = pipelineFigures.map(({ name, help, of }) => {
      return { figure: gauge(`pipeline_${name}`, help, ['pipeline']), of };
    });
    this.refresh = async () => {
      const { log, engine } = options;
      const [streams, status, views, summaries] = await Promise.all([
        log.streams(),
        engine.status().catch(() => undefined),
        engine.views().catch(() => []),
        options.pipelines().catch(() => []),
      ]);
      for (const [stream, total] of options.stats.totals()) appended.set({ stream }, total);
      for (const { name: stream, partitions } of streams) {
        for (const place of partitions) {
          const labels = { stream, partition: String(place.partition) };
          end.set(labels, place.end);
          first.set(labels, place.first);
          logBytes.set(labels, place.bytes);
        }
      }
      lag.reset();
      for (const consumer of log.consumers()) {
        lag.set(
          { consumer: consumer.name, stream: consumer.stream, partition: String(consumer.partition) },
          consumer.lag,
        );
      }
      engineLag.reset();
      for (const place of status?.positions ?? []) {
        engineLag.set({ stream: place.stream, partition: String(place.partition) }, place.lag);
      }
      if (status) engineMemory.set(status.memoryBytes);
      else engineMemory.remove();
      // A view that has been dropped is gone from here too.
      for (const figure of [stateBytes, memoryBytes, groups, expired]) figure.reset();
      for (const view of views) {
        stateBytes.set({ view: view.name }, view.stateBytes);
        memoryBytes.set({ view: view.name }, view.memoryBytes);
        groups.set({ view: view.name }, view.groups);
        expired.set({ view: view.name }, view.expired);
      }
      for (const { figure } of pipelines) figure.reset();
      for (const summary of summaries) {
        for (const { figure, of } of pipelines) figure.set({ pipeline: summary.name }, of(summary));
      }
      queryRunning.set(options.queryPid() === undefined ? 0 : 1);
    };
  }

  async text(): Promise<string> {
    await this.refresh();
    return this.registry.metrics();
  }
}
