// One partition of one pipeline: read, run, commit, append. Invariants: a batch is committed only when the output of the one before
// is in the output streams, and output is appended only when the commit that holds it survives a power loss. So whatever
// happens, at most one batch's output is repeated, with the producer and sequence under which the log knows it.
//
// While the output of a batch is on its way, the next batch is read and run.
import { MillraceError, toError } from '../../core/errors.ts';
import type { Log, LogReader } from '../../flow/log.ts';
import type { StateStore } from '../../store/state.ts';
import { pipelineLimits as limits, type PipelineLogLine } from '../pipeline.ts';
import {
  type BatchResult,
  type BatchState,
  type CallDeath,
  type PipelineBatch,
  type PipelineExecutor,
  type PreparedBatch,
  ThreadDeath,
} from './batch.ts';
import type { PipelineCounts } from './counts.ts';
import type { PipelineSpec } from './definition.ts';
import { type InputPiece, PipelineInput } from './input.ts';
import type { PipelinePosition, PipelineRows, StoredOutput } from './pipeline-rows.ts';

export type PipelineLog = LogReader &
  Pick<Log, 'append' | 'createStream'> & { readonly maxBatchBytes: number };

/** The wall clock, handed in so that timers can be tested. */
export interface PipelineClock {
  nowMs(): number;
  /** Runs once after `delayMs`; the result cancels. */
  after(delayMs: number, run: () => void): () => void;
}

/** Where a test may end the life of a pipeline. */
export type PipelineFailpoint =
  | 'before-commit'
  | 'after-commit'
  | 'before-append'
  | 'after-append'
  | 'before-settle'
  | 'after-settle';

export interface PartitionLoopOptions {
  log: PipelineLog;
  state: StateStore;
  rows: PipelineRows;
  clock: PipelineClock;
  partition: number;
  /** Where it begins when the store has no position. */
  begin: number;
  epoch: string;
  counts: PipelineCounts;
  spec(): PipelineSpec;
  /** Lends the pipeline's thread for one batch. */
  lend<T>(work: (executor: PipelineExecutor) => Promise<T>): Promise<T>;
  /** Partitions of an output stream. */
  partitionsOf(stream: string): Promise<number>;
  onLog(line: Omit<PipelineLogLine, 'pipeline'>): void;
  /** Events and timers of a batch; default `callsPerBatchMax`. */
  callsMax?: number;
  failpoint?(name: PipelineFailpoint): void;
}

/** A partition read to its end is idle after so long without events; its watermark then follows the wall clock. */
export const idleMs = 10_000;
const retryMs = 1000;
const pauseMsMax = 30_000;
const alarmMsMax = 3_600_000;

export class PartitionLoop {
  /** Why it stands still, where it does. */
  problem: string | undefined;
  position: PipelinePosition;
  private readonly options: PartitionLoopOptions;
  private readonly input: PipelineInput;
  private readonly callsMax: number;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private wake: () => void = () => {};
  private undelivered: StoredOutput[];
  private delivering: Promise<void> | undefined;
  private lastEventMs: number;
  private deaths: CallDeath[] = [];
  private isCareful = false;
  private unknownDeaths = 0;

  constructor(options: PartitionLoopOptions) {
    const { rows, partition, begin, log, clock } = options;
    this.options = options;
    this.callsMax = options.callsMax ?? limits.callsPerBatchMax;
    this.position = rows.position(partition) ?? {
      offset: begin,
      highUs: null,
      watermarkUs: null,
      sequences: {},
      pending: [],
    };
    this.undelivered = rows.output(partition, this.position.pending);
    this.input = new PipelineInput(log, options.spec().from, partition, log.maxBatchBytes);
    this.lastEventMs = clock.nowMs();
  }

  start(): void {
    this.running = this.run();
    // Who stops it learns of the failure; until then nobody waits.
    this.running.catch(thrown => {
      this.problem = toError(thrown).message;
    });
  }

  /** Finishes the batch under way and its output. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.wake();
    await this.running;
  }

  /** Delivers what was committed before, and nothing else. */
  finish(): Promise<void> {
    return this.settle();
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        await this.step();
        this.problem = undefined;
      } catch (thrown) {
        if (!(await this.mend(thrown))) return;
      }
    }
    try {
      await this.settle();
    } catch (thrown) {
      this.complain(toError(thrown).message);
    }
  }

  /** Goes past what cannot be read, waits where waiting may help; false where there is nothing more to do. */
  private async mend(thrown: unknown): Promise<boolean> {
    const error = toError(thrown);
    const { code, context }: Partial<MillraceError> = error instanceof MillraceError ? error : {};
    if (code === 'log-closed' || code === 'simulated-crash') return false;
    const goesOn = code === 'offset-beyond-end' || code === 'log-damaged';
    const next = code === 'offset-retained' ? context?.['first'] : goesOn ? context?.['end'] : undefined;
    if (typeof next === 'number') {
      this.complain(`${error.message} It goes on at ${next}.`);
      this.options.counts.skipped += Math.max(0, next - this.position.offset);
      await this.settle({ offset: next }).catch(cause => this.complain(toError(cause).message));
      return true;
    }
    this.complain(error.message);
    await this.pause(retryMs);
    return true;
  }

  private complain(problem: string): void {
    if (problem !== this.problem) this.options.onLog({ level: 'error', message: problem });
    this.problem = problem;
  }

  private async step(): Promise<void> {
    const { rows, partition, clock, counts } = this.options;
    this.startDelivery();
    const piece = await this.input.take(this.position.offset, this.callsMax);
    if (piece.slices.length === 0) this.position = { ...this.position, offset: piece.next };
    const { position } = this;
    const batch = this.batchOf(piece);
    if (piece.slices.length === 0 && !this.hasDueTimer(batch)) return this.rest();
    const result = await this.execute(batch);
    if (!result) return;
    await this.delivered();
    this.options.failpoint?.('before-commit');
    this.position = rows.commit(partition, position, result);
    if (result.eventsIn > 0) this.lastEventMs = clock.nowMs();
    for (const line of result.log) this.options.onLog(line);
    for (const name of ['eventsIn', 'eventsOut', 'timersFired', 'failures', 'retries', 'rejected'] as const) {
      counts[name] += result[name];
    }
    this.deaths = [];
    this.isCareful = false;
    this.unknownDeaths = 0;
    this.undelivered = this.position.pending.map((one, i) => ({ ...one, bytes: result.outputs[i]!.bytes }));
    this.options.failpoint?.('after-commit');
  }

  private batchOf({ bytes, slices }: InputPiece): PipelineBatch {
    const { partition, clock, log } = this.options;
    const { from, delayUs } = this.options.spec();
    const { offset, highUs } = this.position;
    let { watermarkUs } = this.position;
    const nowMs = clock.nowMs();
    if (slices.length === 0 && highUs !== null && nowMs - this.lastEventMs >= idleMs) {
      watermarkUs = Math.max(watermarkUs!, (nowMs - idleMs) * 1000 - delayUs);
    }
    return {
      stream: from,
      partition,
      offset,
      bytes,
      slices,
      highUs,
      watermarkUs,
      nowMs,
      deaths: this.deaths,
      careful: this.isCareful,
      callsMax: this.callsMax,
      // One call more may come on top: together they fit into one batch of the log.
      emittedBytesMax: Math.min(limits.emittedBytesPerCallMax, Math.floor(log.maxBatchBytes / 4)),
    };
  }

  private hasDueTimer({ nowMs, watermarkUs }: PipelineBatch): boolean {
    const { rows, partition } = this.options;
    const wallUs = rows.nextTimerUs(partition, 'wall') ?? Number.POSITIVE_INFINITY;
    const eventUs = rows.nextTimerUs(partition, 'event') ?? Number.POSITIVE_INFINITY;
    return wallUs <= nowMs * 1000 || (watermarkUs !== null && eventUs <= watermarkUs);
  }

  /** The outcome of the batch; undefined where it must be run again. */
  private async execute(batch: PipelineBatch): Promise<BatchResult | undefined> {
    try {
      return await this.options.lend(async executor => {
        const prepared = await executor.prepare(batch);
        return executor.run(this.load(batch, prepared));
      });
    } catch (thrown) {
      if (!(thrown instanceof ThreadDeath)) throw thrown;
      await this.noteDeath(thrown);
      return undefined;
    }
  }

  /** After a first death the batch is run carefully, which tells the guilty call; its deaths count as tries. */
  private async noteDeath({ message, call }: ThreadDeath): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const { counts, onLog, spec } = this.options;
    counts.restarts++;
    const where = call === undefined ? 'a call not yet known' : call;
    onLog({ level: 'error', message: `The thread was replaced: ${message} (${where}).` });
    if (call !== undefined) {
      const known = this.deaths.find(death => death.call === call);
      const times = (known?.times ?? 0) + 1;
      counts.failures++;
      if (times < spec().attempts) counts.retries++;
      this.deaths = [...this.deaths.filter(death => death !== known), { call, times, reason: message }];
    } else if (this.isCareful) {
      this.problem = message;
      await this.pause(Math.min(pauseMsMax, retryMs * 2 ** this.unknownDeaths++));
    }
    this.isCareful = true;
  }

  /** State of the batch's keys and the timers that may fall due in it, as far as they fit. */
  private load({ nowMs }: PipelineBatch, { keys, watermarkUs }: PreparedBatch): BatchState {
    const { rows, partition } = this.options;
    const loaded = new Map<string, string | null>();
    let bytes = 0;
    const load = (key: string): boolean => {
      if (loaded.has(key)) return true;
      if (bytes >= limits.batchStateBytesMax) return false;
      const row = rows.keyRow(partition, key);
      bytes += key.length + (row?.length ?? 0);
      loaded.set(key, row);
      return true;
    };
    const wall = rows.dueTimers(partition, 'wall', nowMs * 1000, this.callsMax).timers;
    const event =
      watermarkUs === null
        ? { timers: [], more: null }
        : rows.dueTimers(partition, 'event', watermarkUs, this.callsMax);
    const wallFits = wall.filter(({ key }) => load(key));
    const firstOut = event.timers.findIndex(({ key }) => !load(key));
    const timers = firstOut < 0 ? event.timers : event.timers.slice(0, firstOut);
    const more = firstOut < 0 ? event.more : event.timers[firstOut]!;
    for (const key of keys) if (!load(key)) break;
    return { rows: [...loaded], timers: [...wallFits, ...timers], more };
  }

  private startDelivery(): void {
    if (this.undelivered.length === 0 || this.delivering) return;
    this.delivering = this.deliver();
    // Its failure is met where it is awaited.
    this.delivering.catch(() => {});
  }

  private async deliver(): Promise<void> {
    const { log, state, rows, epoch, partition, partitionsOf, failpoint } = this.options;
    await state.flush();
    const id = `pipeline:${rows.name}:${epoch}:${partition}`;
    await Promise.all(
      this.undelivered.map(async ({ stream, sequence, count, bytes }) => {
        const target = partition % (await partitionsOf(stream));
        failpoint?.('before-append');
        try {
          const producer = { id, first: sequence, next: sequence + 1 };
          await log.append(stream, target, { bytes, count, producer });
        } catch (thrown) {
          // Appended so long ago that the log no longer knows where.
          if (!(thrown instanceof MillraceError) || thrown.code !== 'duplicate-forgotten') throw thrown;
        }
        failpoint?.('after-append');
      }),
    );
    this.undelivered = [];
  }

  /** Resolves when the output of the last commit is in its streams. */
  private async delivered(): Promise<void> {
    this.startDelivery();
    try {
      await this.delivering;
    } finally {
      this.delivering = undefined;
    }
  }

  /** Notes in the store that the output is delivered, so that a log which forgets old producers is never asked again. */
  private async settle(change: Partial<PipelinePosition> = {}): Promise<void> {
    await this.delivered();
    const { rows, partition, failpoint } = this.options;
    if (this.position.pending.length === 0 && Object.keys(change).length === 0) return;
    failpoint?.('before-settle');
    this.position = rows.settle(partition, this.position, change);
    failpoint?.('after-settle');
  }

  /** Nothing to do: waits for events, a timer, or to be stopped. */
  private async rest(): Promise<void> {
    await this.settle();
    const { log, partition, clock, spec } = this.options;
    const controller = new AbortController();
    this.wake = () => controller.abort();
    if (this.stopping.signal.aborted) return;
    const cancel = clock.after(this.alarmMs(), this.wake);
    try {
      await log.wait(spec().from, partition, this.position.offset, controller.signal);
    } finally {
      cancel();
    }
  }

  /** Until the next timer can be due. */
  private alarmMs(): number {
    const { rows, partition, clock, spec } = this.options;
    const wallUs = rows.nextTimerUs(partition, 'wall') ?? Number.POSITIVE_INFINITY;
    const eventUs = rows.nextTimerUs(partition, 'event') ?? Number.POSITIVE_INFINITY;
    const idleAtMs = Math.max(this.lastEventMs, (eventUs + spec().delayUs) / 1000) + idleMs;
    const atMs = Math.min(wallUs / 1000, this.position.highUs === null ? Number.POSITIVE_INFINITY : idleAtMs);
    return Math.max(1, Math.min(alarmMsMax, Math.ceil(atMs - clock.nowMs())));
  }

  private async pause(ms: number): Promise<void> {
    if (this.stopping.signal.aborted) return;
    await new Promise<void>(resolve => {
      const cancel = this.options.clock.after(ms, resolve);
      this.wake = () => {
        cancel();
        resolve();
      };
    });
  }
}
