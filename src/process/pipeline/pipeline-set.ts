// All pipelines of a project. Invariant: what runs is what the files said when they were last right, and never contains a circle.
// A pipeline whose file is gone keeps its state for `keptMs`, so that it goes on where it stood when the file comes back.
import { MillraceError, toError, withRemedy } from '../../core/errors.ts';
import type { StateStore } from '../../store/state.ts';
import {
  type PipelineFile,
  type PipelineLogLine,
  type PipelineSummary,
  type Pipelines,
  pipelineLimits,
} from '../pipeline.ts';
import { zeroCounts } from './counts.ts';
import { labelOf, type PipelineSpec, refusedPipeline } from './definition.ts';
import { refusedLoop } from './loops.ts';
import {
  PartitionLoop,
  type PipelineClock,
  type PipelineFailpoint,
  type PipelineLog,
} from './partition-loop.ts';
import { type PipelineRecord, PipelineRows, readPipelineRecords } from './pipeline-rows.ts';
import { type LoadedPipeline, RunningPipeline } from './running-pipeline.ts';

export interface PipelineSetOptions {
  log: PipelineLog;
  state: StateStore;
  clock: PipelineClock;
  /** Runs a file's top level in a thread of its own; rejects with `bad-pipeline` and its place. */
  load(file: PipelineFile): Promise<LoadedPipeline>;
  onLog(line: PipelineLogLine): void;
  /** Names a new beginning; unique. */
  newEpoch(): string;
  /** Events and timers of a batch, for tests; default `callsPerBatchMax`. */
  callsMax?: number;
  failpoint?(name: PipelineFailpoint): void;
}

/** State of a pipeline whose file is gone is freed after so long. */
export const keptMs = 7 * 86_400_000;
const attachMs = 1000;

export class PipelineSet implements Pipelines {
  private readonly options: PipelineSetOptions;
  private readonly running = new Map<string, RunningPipeline>();
  /** Files that were refused, by name. */
  private readonly refused = new Map<string, MillraceError>();
  private queue: Promise<unknown> = Promise.resolve();
  private cancelAttach: () => void = () => {};
  private isClosed = false;

  constructor(options: PipelineSetOptions) {
    this.options = options;
    this.attachLater();
  }

  /** Streams and partitions that come later are found by looking. */
  private attachLater(): void {
    this.cancelAttach = this.options.clock.after(attachMs, () => {
      void this.inTurn(async () => {
        for (const one of this.running.values()) await one.attach();
      }).finally(() => {
        if (!this.isClosed) this.attachLater();
      });
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(work);
    this.queue = turn.catch(() => {});
    return turn;
  }

  define(files: readonly PipelineFile[], views: readonly string[]): Promise<MillraceError[]> {
    return this.inTurn(async () => {
      const names = new Set(files.map(file => file.name));
      for (const name of this.refused.keys()) if (!names.has(name)) this.refused.delete(name);
      await this.retire(names);
      const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const file of sorted.slice(pipelineLimits.pipelinesMax)) {
        const what = `a project has at most ${pipelineLimits.pipelinesMax} pipelines.`;
        this.refused.set(file.name, refusedPipeline(labelOf(file.name), what, 'Join some of them.'));
      }
      const able = sorted.slice(0, pipelineLimits.pipelinesMax);
      for (const file of able) await this.bring(file, views);
      // A circle may have been with a version that changed after it was met.
      for (const file of able) {
        if (this.refused.get(file.name)?.code === 'pipeline-loop') await this.bring(file, views);
      }
      return [...this.refused.values()];
    });
  }

  private async bring(file: PipelineFile, views: readonly string[]): Promise<void> {
    const { name } = file;
    const current = this.running.get(name);
    if (current?.loaded.isCurrent()) {
      this.refused.delete(name);
      return;
    }
    let loaded: LoadedPipeline | undefined;
    try {
      loaded = await this.options.load(file);
      const others = [...this.running.values()].map(one => one.spec).filter(spec => spec.name !== name);
      checkAmong(loaded.spec, others, views);
      await this.start(loaded, current);
      this.refused.delete(name);
    } catch (thrown) {
      await loaded?.executor.close();
      this.refused.set(name, refusal(name, thrown));
    }
  }

  private async start(loaded: LoadedPipeline, current: RunningPipeline | undefined): Promise<void> {
    const { log, state, clock, onLog, callsMax, failpoint } = this.options;
    const { name, from, version } = loaded.spec;
    if (current?.spec.from === from && current.spec.version === version) return current.replace(loaded);
    await current?.stop();
    this.running.delete(name);
    const record = await this.recordOf(loaded.spec);
    const one = new RunningPipeline(loaded, {
      log,
      state,
      clock,
      record,
      onLog: line => onLog({ pipeline: name, ...line }),
      callsMax,
      ...(failpoint ? { failpoint } : {}),
    });
    this.running.set(name, one);
    await one.attach();
  }

  /** What the store knows of the pipeline, made or made anew where it begins. */
  private async recordOf({ name, from, version, start }: PipelineSpec): Promise<PipelineRecord> {
    const rows = new PipelineRows(this.options.state, name);
    const known = rows.record();
    if (known?.from === from && known.version === version) {
      const { removedMs, ...record } = known;
      if (removedMs !== undefined) rows.define(record, false);
      return record;
    }
    // Its events are behind it: nothing else would bring what it made of them.
    if (known) await this.finish(rows, known);
    const begins: Record<string, number> = {};
    if (start === 'now') {
      const input = (await this.options.log.streams()).find(stream => stream.name === from);
      for (const { partition, end } of input?.partitions ?? []) begins[partition] = end;
    }
    const record: PipelineRecord = { from, version, epoch: this.options.newEpoch(), begins };
    rows.define(record, true);
    return record;
  }

  /** Stops pipelines without a file; frees those without one for long. */
  private async retire(names: ReadonlySet<string>): Promise<void> {
    for (const [name, one] of this.running) {
      if (names.has(name)) continue;
      this.running.delete(name);
      await one.stop();
    }
    const nowMs = this.options.clock.nowMs();
    for (const { name, record } of readPipelineRecords(this.options.state)) {
      const rows = new PipelineRows(this.options.state, name);
      // Also where the file has come back, too late.
      if (record.removedMs !== undefined && nowMs - record.removedMs > keptMs) rows.remove();
      else if (record.removedMs === undefined && !names.has(name)) {
        await this.finish(rows, record);
        rows.define({ ...record, removedMs: nowMs }, false);
      }
    }
  }

  /** Appends what a crash kept from being appended, of a pipeline that does not go on. */
  private async finish(rows: PipelineRows, { epoch, from }: PipelineRecord): Promise<void> {
    const { log, state, clock, onLog } = this.options;
    for (const partition of rows.partitions()) {
      if (rows.position(partition)!.pending.length === 0) continue;
      const loop = new PartitionLoop({
        log,
        state,
        rows,
        clock,
        partition,
        begin: 0,
        epoch,
        counts: zeroCounts(),
        spec: () => ({ from }) as PipelineSpec,
        lend: () => Promise.reject(new Error('stopped')),
        partitionsOf: async stream => (await log.createStream(stream)).partitions.length,
        onLog: line => onLog({ pipeline: rows.name, ...line }),
      });
      await loop.finish();
    }
  }

  async list(): Promise<PipelineSummary[]> {
    const summaries = await Promise.all(
      [...this.running].map(([name, one]) => one.summary(textOf(this.refused.get(name)))),
    );
    for (const [name, error] of this.refused) {
      if (!this.running.has(name)) summaries.push({ ...nothing, name, error: textOf(error)! });
    }
    return summaries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelAttach();
    await this.inTurn(async () => {
      await Promise.all([...this.running.values()].map(one => one.stop()));
      this.running.clear();
    });
  }
}

/** What only the others make wrong: a circle, or the name of a view. */
export function checkAmong(
  spec: PipelineSpec,
  others: readonly PipelineSpec[],
  views: readonly string[],
): void {
  const loop = refusedLoop(spec, others);
  if (loop) throw loop;
  const taken = [spec.to, ...spec.sides].find(output => views.includes(output));
  if (taken !== undefined) {
    throw refusedPipeline(spec.place, `there is a view named "${taken}".`, 'Give the output another name.');
  }
}

function refusal(name: string, thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const what = toError(thrown).message;
  return refusedPipeline(labelOf(name), what, 'Mend the file; it is read again when it changes.');
}

const textOf = (error: MillraceError | undefined): string | undefined => error && withRemedy(error);

const nothing: Omit<PipelineSummary, 'name'> = {
  from: '',
  to: '',
  sides: [],
  state: 'failed',
  ...zeroCounts(),
  lag: 0,
  watermarkUs: null,
};
