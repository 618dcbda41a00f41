// The composition root of the pipelines' thread: reads the log beside its writer, keeps state and positions, has a thread more for each
// pipeline. What pipelines emit is appended by the main thread, which writes the log.
import { randomBytes } from 'node:crypto';
import { type MessagePort, workerData } from 'node:worker_threads';
import { toWire } from './core/errors.ts';
import { systemClock } from './flow/clock.ts';
import { openSegmentReader, type SegmentLogHandle } from './flow/segment-reader.ts';
import type { PipelineClock, PipelineLog } from './process/pipeline/partition-loop.ts';
import { PipelineSet } from './process/pipeline/pipeline-set.ts';
import { PortCalls } from './process/pipeline/port-calls.ts';
import { loadPipeline } from './process/pipeline/thread-executor.ts';
import type { PipelineFile } from './process/pipeline.ts';
import { openLmdbState } from './store/state-lmdb.ts';

export interface PipelinesThreadData {
  log: SegmentLogHandle;
  stateDir: string;
  /** The built entry of a pipeline's thread. */
  codeEntry: string;
  /** URL of the built `millrace/analyze`. */
  analyze: string;
  port: MessagePort;
}

const { log: handle, stateDir, codeEntry, analyze, port } = workerData as PipelinesThreadData;

const reader = await openSegmentReader(handle);
const state = openLmdbState(stateDir);

const clock: PipelineClock = {
  nowMs: () => systemClock.nowMs(),
  after: (delayMs, run) => systemClock.after(delayMs, run),
};

const calls = new PortCalls(port, {
  define: async (files: PipelineFile[], views: string[]) => (await set.define(files, views)).map(toWire),
  list: () => set.list(),
  async close() {
    await set.close();
    await reader.close();
    await state.close();
  },
});

const log: PipelineLog = {
  maxBatchBytes: handle.maxBatchBytes,
  streams: () => reader.streams(),
  range: (stream, partition) => reader.range(stream, partition),
  read: (stream, partition, from, target) => reader.read(stream, partition, from, target),
  wait: (stream, partition, offset, signal) => reader.wait(stream, partition, offset, signal),
  waitForPartition: (count, signal) => reader.waitForPartition(count, signal),
  close: () => reader.close(),
  append: (stream, partition, batch) => calls.call('append', stream, partition, batch),
  createStream: (stream, options) => calls.call('createStream', stream, options),
};

const set = new PipelineSet({
  log,
  state,
  clock,
  load: file => {
    const onLog: Parameters<typeof loadPipeline>[1]['onLog'] = line => {
      void calls.call('log', { pipeline: file.name, ...line }).catch(() => {});
    };
    return loadPipeline(file, { entry: codeEntry, analyze, onLog });
  },
  onLog: line => void calls.call('log', line).catch(() => {}),
  newEpoch: () => randomBytes(6).toString('hex'),
});
