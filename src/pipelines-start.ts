// Starts the pipelines' thread and serves it: appends go through the log that this thread writes.
import { MessageChannel, Worker } from 'node:worker_threads';
import type { PipelinesThreadData } from './app-pipelines.ts';
import { appendPatiently } from './collect/append.ts';
import { type ErrorWire, fromWire, MillraceError, toError } from './core/errors.ts';
import type { Batch, Log } from './flow/log.ts';
import { PortCalls } from './process/pipeline/port-calls.ts';
import type { PipelineFile, PipelineLogLine, PipelineSummary, Pipelines } from './process/pipeline.ts';

export interface PipelinesStart {
  /** The built entry (`app-pipelines.js`). */
  entry: string;
  data: Omit<PipelinesThreadData, 'port'>;
  log: Log;
  onLog(line: PipelineLogLine): void;
  /** The thread ended without being asked to. */
  onDeath(cause: Error): void;
}

export function startPipelinesThread({ entry, data, log, onLog, onDeath }: PipelinesStart): Pipelines {
  const { port1, port2 } = new MessageChannel();
  const workerData: PipelinesThreadData = { ...data, port: port2 };
  const worker = new Worker(entry, { workerData, transferList: [port2] });
  const stopping = new AbortController();
  const calls = new PortCalls(port1, {
    append: (stream: string, partition: number, batch: Batch) =>
      appendPatiently(log, stream, partition, batch, stopping.signal),
    createStream: (stream: string, options: { partitions?: number }) => log.createStream(stream, options),
    log: onLog,
  });
  let isOver = false;
  const died = (cause: Error): void => {
    if (isOver) return;
    isOver = true;
    const stopped = `The pipelines stopped: ${cause.message}`;
    calls.end(new MillraceError('pipelines-stopped', stopped, { status: 503, cause }));
    onDeath(cause);
  };
  worker.on('error', thrown => died(toError(thrown)));
  worker.on('exit', code => died(new MillraceError('pipelines-stopped', `Their thread ended (${code}).`)));
  return {
    async define(files: readonly PipelineFile[], views: readonly string[]) {
      return (await calls.call<ErrorWire[]>('define', files, views)).map(fromWire);
    },
    list: () => calls.call<PipelineSummary[]>('list'),
    async close() {
      if (isOver) return;
      stopping.abort();
      await calls.call('close').finally(() => {
        isOver = true;
        calls.end(new MillraceError('pipelines-stopped', 'The pipelines are closed.', { status: 503 }));
      });
      await worker.terminate();
    },
  };
}
