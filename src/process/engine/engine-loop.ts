// The loop of an engine: lanes read in turn, what they gathered is flushed and committed when it is due, and where nothing is ready
// it sleeps until something is.
//
// Invariant: the kernel is used by the loop alone, and never while a read into its memory is under way, so everything that makes or
// frees lanes waits for a safe point between two steps (`safely`).
import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MillraceError, toError } from '../../core/errors.ts';
import type { Clock } from '../../core/time.ts';
import type { LogReader, StreamSummary } from '../../flow/log.ts';
import type { Lane } from './lane.ts';
import type { LaneSet } from './lane-set.ts';
import { streamsMs } from './log-streams.ts';
import { Settling } from './settling.ts';

const retryMs = 1000;
const behindFactor = 10;

export interface EngineLoopOptions {
  log: LogReader;
  lanes: LaneSet;
  clock: Clock;
  publishMs: number;
  commitMs: number;
  /** Looks for new streams and partitions when it is time to; `wake` is called when it is. */
  lookForStreams: (wake: () => void, stop: AbortSignal) => Promise<void>;
  /** Merges what was gathered and publishes it; called where there is something. */
  flush: () => void;
  /** Swaps in the versions that have been filled. */
  promote: () => void;
  /** Commits where that is due. */
  commitIfDue: () => void;
  /** No more is read while there is no room in memory for it. */
  isFull: () => boolean;
}

export class EngineLoop {
  /** What stopped the loop, for good. */
  failure: Error | undefined;
  eventsRead = 0;
  private readonly options: EngineLoopOptions;
  private readonly lanes: LaneSet;
  private readonly settling = new Settling();
  private readonly safePoint: { work: () => void; reject: (failure: Error) => void }[] = [];
  private readonly stop = new AbortController();
  private running: Promise<void> | undefined;
  private wake: () => void = () => {};
  private tickedAt = 0;
  private hasUnflushed = false;
  private steps = 0;
  /** Definitions that are being planned. */
  private defining = 0;

  constructor(options: EngineLoopOptions) {
    this.options = options;
    this.lanes = options.lanes;
    // Each partition's wait listens to it.
    setMaxListeners(0, this.stop.signal);
  }

  start(): void {
    this.running = this.run().catch(thrown => {
      this.failure = toError(thrown);
      for (const { reject } of this.safePoint.splice(0)) reject(this.failure);
      this.settling.giveUp();
    });
  }

  get isStopped(): boolean {
    return this.stop.signal.aborted;
  }

  /** Ends the loop after the step that is under way. */
  async end(): Promise<void> {
    this.stop.abort();
    this.wake();
    await this.running;
  }

  /** After `end`: does what still waited, and flushes. */
  finish(): void {
    this.atSafePoint();
    if (this.failure) return;
    this.hasUnflushed = true;
    this.tick();
  }

  private async run(): Promise<void> {
    const wake = (): void => this.wake();
    while (!this.isStopped) {
      this.atSafePoint();
      await this.options.lookForStreams(wake, this.stop.signal);
      let worked = 0;
      for (const lane of [...this.lanes.all]) {
        if (this.isStopped || !this.lanes.all.includes(lane) || !this.canStep(lane)) continue;
        worked += await this.step(lane);
        this.atSafePoint();
        if (performance.now() - this.tickedAt >= this.pace * this.options.publishMs) this.tick();
      }
      if (worked > 0) {
        await nextTurn();
        continue;
      }
      for (const lane of this.lanes.all) if (!lane.isReady) this.follow(lane);
      this.idle();
      await this.pause();
    }
  }

  /** Nothing is begun while a view that is being defined may be about to join it, nor while a lane is to be joined before. */
  private canStep(lane: Lane): boolean {
    if (!lane.isReady || (lane.isFresh && this.defining > 0)) return false;
    return !this.lanes.shouldWait(lane) && !this.options.isFull();
  }

  /** What is published or committed while much is to be read is soon out of date: both are done so many times as seldom then. */
  get pace(): number {
    return this.lanes.all.some(({ isFarBehind }) => isFarBehind) ? behindFactor : 1;
  }

  private async step(lane: Lane): Promise<number> {
    const live = this.lanes.liveLane(lane);
    const until = live === undefined ? undefined : live.position;
    let count: number;
    try {
      lane.steppedAt = ++this.steps;
      count = await lane.step(until);
    } catch (thrown) {
      if (this.isStopped) return 0;
      // A partition that cannot be read now is looked at again later; the others go on.
      lane.problem = toError(thrown);
      lane.isReady = false;
      this.hasUnflushed = true;
      setTimeout(() => {
        lane.isReady = true;
        this.wake();
      }, retryMs).unref();
      return 0;
    } finally {
      this.lanes.releaseMemory();
    }
    lane.problem = undefined;
    if (count > 0) {
      this.eventsRead += count;
      this.hasUnflushed = true;
      const nowMs = this.options.clock.nowMs();
      for (const view of lane.views) view.clock.noteEvents(nowMs);
    }
    if (live !== undefined && lane.position >= live.position) {
      this.lanes.join(lane, live);
      this.options.promote();
    }
    return count;
  }

  private follow(lane: Lane): void {
    if (lane.isWaiting || lane.problem !== undefined) return;
    lane.isWaiting = true;
    const done = (): void => {
      lane.isWaiting = false;
      lane.isReady = true;
      this.wake();
    };
    this.options.log.wait(lane.stream, lane.partition, lane.position, this.stop.signal).then(done, done);
  }

  private idle(): void {
    const nowMs = this.options.clock.nowMs();
    for (const lane of this.lanes.all) {
      if (lane.isReady || lane.problem !== undefined) continue;
      for (const view of lane.views) view.clock.idle(nowMs);
    }
    const isDue = performance.now() - this.tickedAt >= this.options.publishMs;
    if (this.settling.isAwaited || isDue) this.tick();
  }

  /** Sleeps until something is ready, at most until the next thing is due. In any case others have their turn. */
  private async pause(): Promise<void> {
    const isReady = this.lanes.all.some(lane => this.canStep(lane));
    if (this.safePoint.length > 0 || isReady || this.isStopped) {
      await nextTurn();
      return;
    }
    const { publishMs, commitMs } = this.options;
    const sinceTick = performance.now() - this.tickedAt;
    const dueMs = this.hasUnflushed ? publishMs - sinceTick : Math.min(commitMs, streamsMs);
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, Math.max(0, dueMs));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = () => {};
  }

  private tick(): void {
    if (this.hasUnflushed) {
      this.hasUnflushed = false;
      this.options.flush();
    }
    this.options.promote();
    this.tickedAt = performance.now();
    // Nobody waits for what is not read now.
    if (!this.hasUnflushed) this.settling.look(this.options.isFull() ? [] : this.lanes.all);
    this.options.commitIfDue();
  }

  /** Flushes at the next tick although nothing was read. */
  flushAgain(): void {
    this.hasUnflushed = true;
    this.wake();
  }

  private atSafePoint(): void {
    for (const { work } of this.safePoint.splice(0)) work();
  }

  /** Views that are defined together begin together: no lane is begun before `define` has ended. */
  async together<T>(define: () => Promise<T>): Promise<T> {
    this.defining++;
    try {
      return await define();
    } finally {
      this.defining--;
      this.wake();
    }
  }

  /** Runs `work` between two steps. */
  safely<T>(work: () => T): Promise<T> {
    if (this.failure) return Promise.reject(this.failure);
    if (this.isStopped) return Promise.reject(closed());
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        try {
          resolve(work());
        } catch (thrown) {
          reject(thrown);
        }
      };
      this.safePoint.push({ work: settle, reject });
      this.wake();
    });
  }

  /** Resolves when everything up to where the streams end is read and flushed. */
  async settled(streams: readonly StreamSummary[]): Promise<void> {
    const settled = this.settling.until(streams, this.lanes.all);
    this.wake();
    await settled;
    if (this.failure) throw this.failure;
  }

  /** Who waits for events to be read waits no longer. */
  giveUp(): void {
    this.settling.giveUp();
  }
}

const closed = (): MillraceError =>
  new MillraceError('engine-closed', 'The engine is closed.', { status: 503, canRetry: true });
