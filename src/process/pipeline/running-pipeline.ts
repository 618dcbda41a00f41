// One pipeline that runs: its thread, lent to one partition at a time, and a loop for every partition of its input. Invariant: the
// thread changes hands only between two batches, and so does the definition when the file has changed.
import { toError } from '../../core/errors.ts';
import type { StateStore } from '../../store/state.ts';
import type { PipelineLogLine, PipelineSummary } from '../pipeline.ts';
import type { PipelineExecutor } from './batch.ts';
import { type PipelineCounts, zeroCounts } from './counts.ts';
import type { PipelineSpec } from './definition.ts';
import {
  PartitionLoop,
  type PipelineClock,
  type PipelineFailpoint,
  type PipelineLog,
} from './partition-loop.ts';
import { type PipelineRecord, PipelineRows } from './pipeline-rows.ts';

/** What a file became. */
export interface LoadedPipeline {
  spec: PipelineSpec;
  executor: PipelineExecutor;
  /** True while the file, and every local file that it imports, are as they were loaded. */
  isCurrent(): boolean;
}

export interface RunningPipelineOptions {
  log: PipelineLog;
  state: StateStore;
  clock: PipelineClock;
  record: PipelineRecord;
  onLog(line: Omit<PipelineLogLine, 'pipeline'>): void;
  callsMax?: number;
  failpoint?(name: PipelineFailpoint): void;
}

/** How long a call may hold up a stop. */
const stopMs = 2000;

export class RunningPipeline {
  loaded: LoadedPipeline;
  private readonly options: RunningPipelineOptions;
  private readonly loops = new Map<number, PartitionLoop>();
  private readonly outputs = new Map<string, Promise<number>>();
  private readonly counts: PipelineCounts = zeroCounts();
  private lent: Promise<unknown> = Promise.resolve();
  private isStopped = false;
  private attachProblem: string | undefined;

  constructor(loaded: LoadedPipeline, options: RunningPipelineOptions) {
    this.loaded = loaded;
    this.options = options;
  }

  get spec(): PipelineSpec {
    return this.loaded.spec;
  }

  /** Starts loops for partitions that have none yet; called at the start and again every second. Does not throw. */
  async attach(): Promise<void> {
    try {
      await this.attachPartitions();
      this.attachProblem = undefined;
    } catch (thrown) {
      const { message } = toError(thrown);
      if (message !== this.attachProblem) this.options.onLog({ level: 'error', message });
      this.attachProblem = message;
    }
  }

  private async attachPartitions(): Promise<void> {
    const { log, state, clock, record, onLog, callsMax, failpoint } = this.options;
    const { name, from } = this.spec;
    const input = (await log.streams()).find(stream => stream.name === from);
    if (!input) return;
    for (const output of [this.spec.to, ...this.spec.sides]) {
      await this.partitionsOf(output, input.partitions.length);
    }
    for (const { partition, first } of input.partitions) {
      if (this.loops.has(partition) || this.isStopped) continue;
      const loop = new PartitionLoop({
        log,
        state,
        rows: new PipelineRows(state, name),
        clock,
        partition,
        begin: record.begins[partition] ?? first,
        epoch: record.epoch,
        counts: this.counts,
        spec: () => this.spec,
        lend: work => this.lend(work),
        partitionsOf: stream =>
          this.partitionsOf(stream, stream.startsWith('_') ? 1 : input.partitions.length),
        onLog,
        callsMax,
        ...(failpoint ? { failpoint } : {}),
      });
      this.loops.set(partition, loop);
      loop.start();
    }
  }

  private partitionsOf(stream: string, partitions: number): Promise<number> {
    let known = this.outputs.get(stream);
    if (!known) {
      known = this.options.log.createStream(stream, { partitions }).then(made => made.partitions.length);
      known.catch(() => this.outputs.delete(stream));
      this.outputs.set(stream, known);
    }
    return known;
  }

  private lend<T>(work: (executor: PipelineExecutor) => Promise<T>): Promise<T> {
    const turn = this.lent.then(() => work(this.loaded.executor));
    this.lent = turn.catch(() => {});
    return turn;
  }

  /** The changed file takes over after the batch under way. */
  async replace(loaded: LoadedPipeline): Promise<void> {
    await this.lend(async before => {
      this.loaded = loaded;
      await before.close();
    });
    await this.attach();
  }

  /** Finishes the batches under way; a call that takes long is broken off, and made again at the next start. */
  async stop(): Promise<void> {
    this.isStopped = true;
    const { executor } = this.loaded;
    const cancel = this.options.clock.after(stopMs, () => void executor.close());
    try {
      await Promise.all([...this.loops.values()].map(loop => loop.stop()));
    } finally {
      cancel();
      await executor.close();
    }
  }

  async summary(error: string | undefined): Promise<PipelineSummary> {
    const { name, from, to, sides } = this.spec;
    let lag = 0;
    let watermarkUs: number | null = null;
    let problem = this.attachProblem;
    for (const [partition, loop] of this.loops) {
      const { offset, watermarkUs: reached } = loop.position;
      problem ??= loop.problem;
      if (reached !== null) watermarkUs = Math.min(watermarkUs ?? reached, reached);
      lag += await this.options.log.range(from, partition).then(
        ({ end }) => Math.max(0, end - offset),
        thrown => {
          problem ??= toError(thrown).message;
          return 0;
        },
      );
    }
    const state = problem !== undefined ? 'failed' : this.loops.size === 0 ? 'waiting' : 'running';
    const shown = problem ?? error;
    return {
      name,
      from,
      to,
      sides,
      state,
      ...(shown === undefined ? {} : { error: shown }),
      ...this.counts,
      lag,
      watermarkUs,
    };
  }
}
