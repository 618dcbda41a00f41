// The engine in one thread: lanes read the log, views take the events in, results are flushed and published, and what changed is
// committed with the offsets it came from. This file is the loop; the parts are lane.ts, view-version.ts, view-changes.ts.
//
// Invariants: the kernel is used by the loop alone, and never while a read into its memory is under way, so everything that
// makes or frees lanes waits for a safe point between two steps. A transaction commits all views at once.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { codeOf, MillraceError, toError } from '../../core/errors.ts';
import { type Clock, systemClock } from '../../core/time.ts';
import type { LogReader, StreamSummary } from '../../flow/log.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { StateStore } from '../../store/state.ts';
import { DerivedViews } from '../derived/derived-views.ts';
import type { Engine, EngineStatus, LookupContent, ServingPlan } from '../engine.ts';
import { type PlanOptions, planView } from '../plan/parse.ts';
import type { Plan } from '../plan/plan.ts';
import { versionRanges } from '../state/state-rows.ts';
import { readRecords, writeRecord } from '../state/view-record.ts';
import { LookupTables } from '../view/lookup-tables.ts';
import { StreamSchemas } from '../view/stream-schemas.ts';
import { ViewChanges } from '../view/view-changes.ts';
import { ViewVersion } from '../view/view-version.ts';
import type { ViewChange, ViewDefinition, ViewQuery, ViewResult, ViewSummary } from '../view.ts';
import type { HistorySource, Lane } from './lane.ts';
import { LaneSet } from './lane-set.ts';
import { View } from './view-lifecycle.ts';
import { queryView } from './view-query.ts';

export interface EngineOptions extends Pick<PlanOptions, 'parseSql' | 'schema'> {
  log: LogReader;
  state: StateStore;
  kernel: Kernel;
  clock?: Clock;
  /** Serves what the log's retention has removed, to views that are filled from history. */
  history?: HistorySource;
  /** Lookup tables that are there from the start. */
  lookups?: readonly LookupContent[];
  /** Changes are published at most so often; default 100. */
  publishMs?: number;
  /** State is committed at least so often while that takes less than a tenth of the time, else less often; default 1000. */
  commitMs?: number;
  /** Bytes read at once; at least the log's largest batch. Default 4 MiB. */
  readBytes?: number;
  /** Groups of windows kept in memory, all views together; default 600,000. */
  cellsMax?: number;
  /**
   * Where so many events wait in a partition, results are published and committed ten times as seldom, and windows that the
   * last of them will put out of keep time are not made; default 131,072.
   */
  farBehind?: number;
  /** Names this start of the engine in changes; default from the clock. */
  epoch?: string;
}

const commitPauseMsMax = 30_000;
const streamsMs = 1000;
const retryMs = 1000;
const behindFactor = 10;

export async function createEngine(options: EngineOptions): Promise<Engine> {
  const engine = new EngineCore(options);
  await engine.open();
  return engine;
}

class EngineCore implements Engine {
  private readonly options: EngineOptions;
  private readonly log: LogReader;
  private readonly state: StateStore;
  private readonly kernel: Kernel;
  private readonly clock: Clock;
  private readonly publishMs: number;
  private readonly commitMs: number;
  private readonly cellsMax: number;
  private readonly views_ = new Map<string, View>();
  private readonly lanes: LaneSet;
  private readonly changes: ViewChanges;
  private readonly lookups: LookupTables;
  private readonly schemas: StreamSchemas;
  private readonly derived: DerivedViews;
  private replanning: Promise<void> = Promise.resolve();
  private readonly safePoint: (() => void)[] = [];
  private settling: { ends: Map<string, number>; resolve: () => void }[] = [];
  private readonly stop = new AbortController();
  private loop: Promise<void> | undefined;
  private wake: () => void = () => {};
  private streams: StreamSummary[] = [];
  private streamsAt = Number.NEGATIVE_INFINITY;
  private tickedAt = 0;
  private committedAt = 0;
  private commitTookMs = 0;
  private eventsRead = 0;
  private hasUnflushed = false;
  private mustCommit = false;
  private failure: Error | undefined;
  private isHeld = false;

  constructor(options: EngineOptions) {
    this.options = options;
    this.log = options.log;
    this.state = options.state;
    this.kernel = options.kernel;
    this.clock = options.clock ?? systemClock;
    this.publishMs = options.publishMs ?? 100;
    this.commitMs = options.commitMs ?? 1000;
    const { kernel, log, history } = options;
    const { readBytes = 4 * 1024 * 1024, farBehind = 131_072 } = options;
    this.lanes = new LaneSet({ kernel, log, history, readBytes, farBehind });
    this.cellsMax = options.cellsMax ?? 600_000;
    this.lookups = new LookupTables(options.lookups);
    this.schemas = new StreamSchemas(options.schema);
    this.changes = new ViewChanges(options.epoch ?? `${this.clock.nowMs().toString(36)}`);
    this.derived = new DerivedViews({
      changes: this.changes,
      stored: name => this.views_.get(name),
      state: name => this.summary(this.view(name)),
    });
  }

  async open(): Promise<void> {
    this.streams = await this.log.streams();
    for (const record of readRecords(this.state)) {
      if (DerivedViews.isDerived(record.current)) {
        this.derived.set(record.current);
        continue;
      }
      const view = new View(record.name, this.version(record.current), this.state);
      if (record.next) view.setNext(this.version(record.next));
      this.views_.set(record.name, view);
    }
    this.lookups.started();
    this.attachPartitions();
    this.loop = this.run().catch(thrown => {
      this.failure = toError(thrown);
      for (const { resolve } of this.settling) resolve();
    });
  }

  private version(plan: Plan): ViewVersion {
    const { kernel, state, lookups, schemas } = this;
    return new ViewVersion({ plan, kernel, state, lookups, schemas });
  }

  // — the loop —

  private async run(): Promise<void> {
    while (!this.stop.signal.aborted) {
      this.atSafePoint();
      await this.lookForStreams();
      let worked = 0;
      for (const lane of [...this.lanes.all]) {
        if (!lane.isReady || this.stop.signal.aborted || !this.lanes.all.includes(lane)) continue;
        if (this.lanes.shouldWait(lane)) continue;
        worked += await this.step(lane);
        this.atSafePoint();
        if (performance.now() - this.tickedAt >= this.tickMs) this.tick();
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

  /** What is published or committed while much is to be read is soon out of date: both are done less often then. */
  private get tickMs(): number {
    return this.pace * this.publishMs;
  }

  private get pace(): number {
    return this.lanes.all.some(({ isFarBehind }) => isFarBehind) ? behindFactor : 1;
  }

  private async step(lane: Lane): Promise<number> {
    const live = this.lanes.liveLane(lane);
    const until = live === undefined ? undefined : live.position;
    let count: number;
    try {
      count = await lane.step(until);
    } catch (thrown) {
      if (this.stop.signal.aborted) return 0;
      // A partition that cannot be read now is looked at again later; the others go on.
      lane.problem = toError(thrown);
      lane.isReady = false;
      setTimeout(() => {
        lane.isReady = true;
        this.wake();
      }, retryMs).unref();
      return 0;
    }
    lane.problem = undefined;
    if (count > 0) {
      this.eventsRead += count;
      this.hasUnflushed = true;
      const nowMs = this.clock.nowMs();
      for (const view of lane.views) view.clock.noteEvents(nowMs);
    }
    if (live !== undefined && lane.position >= live.position) {
      this.lanes.join(lane, live);
      this.promote();
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
    this.log.wait(lane.stream, lane.partition, lane.position, this.stop.signal).then(done, done);
  }

  private idle(): void {
    const nowMs = this.clock.nowMs();
    for (const lane of this.lanes.all) {
      if (lane.isReady) continue;
      for (const view of lane.views) view.clock.idle(nowMs);
    }
    const isAsked = this.settling.length > 0;
    if (isAsked || performance.now() - this.tickedAt >= this.publishMs) this.tick();
  }

  /** Sleeps until something is ready, at most until the next thing is due. */
  private async pause(): Promise<void> {
    if (
      this.safePoint.length > 0 ||
      this.lanes.all.some(({ isReady }) => isReady) ||
      this.stop.signal.aborted
    )
      return;
    const sinceTick = performance.now() - this.tickedAt;
    const dueMs = this.hasUnflushed ? this.publishMs - sinceTick : Math.min(this.commitMs, streamsMs);
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, Math.max(0, dueMs));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = () => {};
  }

  private atSafePoint(): void {
    for (const work of this.safePoint.splice(0)) work();
  }

  /** Runs `work` between two steps. */
  private safely<T>(work: () => T): Promise<T> {
    if (this.failure) return Promise.reject(this.failure);
    if (this.stop.signal.aborted) return Promise.reject(closed());
    return new Promise<T>((resolve, reject) => {
      this.safePoint.push(() => {
        try {
          resolve(work());
        } catch (thrown) {
          reject(thrown);
        }
      });
      this.wake();
    });
  }

  /** Merges what was gathered, publishes it, and commits where that is due. */
  private tick(): void {
    if (this.hasUnflushed) {
      this.hasUnflushed = false;
      for (const view of this.views_.values()) {
        for (const version of view.versions) {
          for (const partition of version.partitions) if (!partition.failure) partition.flush();
          if (this.isHeld) continue;
          const changed = this.changes.publish(version, view.reader(version), version === view.current);
          if (version === view.current) {
            for (const [index, starts] of changed.entries()) this.derived.changed(view.name, index, starts);
          }
        }
      }
      if (this.isHeld) this.derived.forgetAll();
      this.mustCommit = true;
    }
    this.promote();
    this.tickedAt = performance.now();
    this.settle();
    if (this.mustCommit && this.isCommitDue()) this.commit();
  }

  private isCommitDue(): boolean {
    const sinceMs = performance.now() - this.committedAt;
    if (sinceMs >= Math.min(commitPauseMsMax, Math.max(this.pace * this.commitMs, 9 * this.commitTookMs)))
      return true;
    let cells = 0;
    let dirty = 0;
    for (const { versions } of this.views_.values()) {
      for (const version of versions) {
        cells += version.cells;
        dirty += version.dirtyCells;
      }
    }
    return cells > this.cellsMax && dirty * 4 > this.cellsMax;
  }

  private commit(): void {
    const startedAt = performance.now();
    const versions = [...this.views_.values()].flatMap(view => view.versions);
    try {
      this.state.transaction(transaction => {
        for (const version of versions) version.commit(transaction);
      });
    } catch (thrown) {
      if (!(thrown instanceof MillraceError) || !thrown.canRetry) throw thrown;
      this.committedAt = performance.now();
      return;
    }
    this.markCommitted(versions);
    this.mustCommit = false;
    this.committedAt = performance.now();
    this.commitTookMs = this.committedAt - startedAt;
  }

  /** Every view keeps the same share of its cells where all together are too many. */
  private markCommitted(versions: readonly ViewVersion[]): void {
    let cells = 0;
    for (const version of versions) cells += version.cells;
    const share = cells > this.cellsMax ? this.cellsMax / cells : 1;
    for (const version of versions) version.markCommitted(share);
  }

  private settle(): void {
    if (this.settling.length === 0 || this.hasUnflushed) return;
    this.settling = this.settling.filter(({ ends, resolve }) => {
      for (const lane of this.lanes.all) {
        if (lane.problem === undefined && lane.position < (ends.get(`${lane.partition} ${lane.stream}`) ?? 0))
          return true;
      }
      resolve();
      return false;
    });
  }

  // — streams and lanes —

  private async lookForStreams(): Promise<void> {
    if (performance.now() - this.streamsAt < streamsMs) return;
    this.streams = await this.log.streams();
    this.streamsAt = performance.now();
    this.attachPartitions();
  }

  private attachPartitions(): void {
    this.lanes.attach(
      [...this.views_.values()].flatMap(({ versions }) => versions),
      this.streams,
    );
    this.promote();
  }

  /** Swaps in every next version that has come to the live offset in all partitions. */
  private promote(): void {
    for (const view of this.views_.values()) {
      if (view.next === undefined || !view.next.isAttached || this.lanes.progress(view.next) < 1) continue;
      if (view.next.failure !== undefined) continue;
      this.flushAll();
      const old = view.promote();
      const { current } = view;
      this.state.transaction(transaction => {
        for (const version of [...this.views_.values()].flatMap(other => other.versions))
          version.commit(transaction);
        writeRecord(transaction, { name: view.name, current: current.plan });
        for (const range of versionRanges(old.plan.name, old.plan.version)) transaction.deleteRange(...range);
      });
      this.markCommitted([...this.views_.values()].flatMap(other => other.versions));
      this.lanes.detach(old);
      this.replanOver(view.name);
    }
  }

  private flushAll(): void {
    for (const { versions } of this.views_.values()) {
      for (const version of versions) for (const part of version.partitions) if (!part.failure) part.flush();
    }
  }

  // — the contract —

  private async planned(definition: ViewDefinition): Promise<Plan> {
    const known = this.views_.get(definition.name);
    const { schema, assumed } = this.schemas.forPlanning(definition, [
      known?.next?.plan,
      known?.current.plan,
    ]);
    const plan = await planView(definition, {
      parseSql: this.options.parseSql,
      schema,
      lookups: name => this.lookups.columns(name),
      views: name => this.derived.known(name),
    });
    this.streams = await this.log.streams();
    if (this.streams.some(({ name }) => name === definition.name)) {
      throw new MillraceError('view-refused', `A stream has the name "${definition.name}".`, {
        status: 400,
        remedy: 'Give the view another name.',
      });
    }
    return DerivedViews.isDerived(plan) ? this.derived.versioned(plan) : { ...plan, assumed };
  }

  async check(definition: ViewDefinition): Promise<ViewSummary> {
    const plan = await this.planned(definition);
    if (DerivedViews.isDerived(plan)) return this.derived.trial(plan);
    // Makes the accumulators once, so that parameters are checked too.
    return new ViewVersion({ plan, kernel: this.kernel, state: this.state }).summary('live', 0);
  }

  async define(definition: ViewDefinition): Promise<ViewSummary> {
    const plan = await this.planned(definition);
    return this.safely(() => {
      this.replanOver(plan.name);
      if (DerivedViews.isDerived(plan)) {
        if (this.views_.has(plan.name)) this.remove(plan.name);
        return this.setDerived(plan);
      }
      const derived = this.derived.all.get(plan.name);
      const isGone = plan.sources.some(({ stream }) => !this.streams.some(({ name }) => name === stream));
      // The same text over a view that has gone: it waits for the view, and does not take its name for a stream's.
      if (derived?.plan.sql === plan.sql && isGone) return this.derived.summary(derived);
      this.derived.all.delete(plan.name);
      const view = this.views_.get(plan.name);
      if (view === undefined) {
        this.state.transaction(t => writeRecord(t, { name: plan.name, current: plan }));
        this.views_.set(plan.name, new View(plan.name, this.version(plan), this.state));
      } else this.redefine(view, plan);
      this.attachPartitions();
      return this.summary(this.views_.get(plan.name)!);
    });
  }

  private setDerived(plan: Plan): ViewSummary {
    this.state.transaction(t => writeRecord(t, { name: plan.name, current: plan }));
    return this.derived.summary(this.derived.set(plan));
  }

  /** The views over one that has another definition are planned anew; one that can no longer be says why. */
  private replanOver(name: string): void {
    this.derived.forgetOver(name);
    for (const { plan: before } of this.derived.over(name)) {
      this.replanning = this.replanning.then(async () => {
        const view = this.derived.all.get(before.name);
        if (view?.plan.sql !== before.sql || this.stop.signal.aborted) return;
        try {
          const plan = await this.planned({ name: before.name, text: before.sql });
          if (this.derived.all.get(before.name) !== view || !DerivedViews.isDerived(plan)) return;
          if (plan.version === view.plan.version && view.failure === undefined) return;
          this.setDerived(plan);
          this.replanOver(before.name);
        } catch (thrown) {
          view.failure = toError(thrown);
        }
      });
    }
  }

  private redefine(view: View, plan: Plan): void {
    const { next } = view;
    if (next !== undefined && next.plan.version !== plan.version) {
      this.lanes.detach(view.dropNext()!);
      this.state.transaction(t => this.freeState(t, next.plan));
    }
    const isNew = plan.version !== view.current.plan.version;
    const kept = isNew ? view.next : view.current;
    const current = isNew ? view.current.plan : plan;
    this.state.transaction(t =>
      writeRecord(t, { name: plan.name, current, ...(isNew ? { next: plan } : {}) }),
    );
    if (kept !== undefined) view.adopt(kept, plan);
    else if (view.current.failure !== undefined) {
      // A failed view has nothing worth serving while the new one is filled.
      const old = view.replace(this.version(plan));
      this.lanes.detach(old);
      this.state.transaction(t => {
        this.freeState(t, old.plan);
        writeRecord(t, { name: plan.name, current: plan });
      });
    } else view.setNext(this.version(plan));
  }

  private freeState(transaction: Parameters<Parameters<StateStore['transaction']>[0]>[0], plan: Plan): void {
    for (const range of versionRanges(plan.name, plan.version)) transaction.deleteRange(...range);
  }

  async drop(name: string): Promise<void> {
    await this.safely(() => {
      if (this.derived.all.delete(name)) this.state.transaction(t => t.delete(View.key(name)));
      else this.remove(name);
      this.derived.forgetOver(name);
    });
  }

  private remove(name: string): void {
    const view = this.view(name);
    for (const version of view.versions) this.lanes.detach(version);
    this.views_.delete(name);
    this.state.transaction(transaction => {
      transaction.delete(View.key(name));
      for (const { plan } of view.versions) this.freeState(transaction, plan);
    });
  }

  private view(name: string): View {
    const view = this.views_.get(name);
    if (view === undefined) {
      throw new MillraceError('unknown-view', `There is no view "${name}".`, { status: 404 });
    }
    return view;
  }

  private summary(view: View): ViewSummary {
    const { current, next } = view;
    const shown = next ?? current;
    const progress = this.lanes.progress(shown);
    const failure = next?.failure ?? current.failure ?? this.failure;
    const summary = current.summary(progress < 1 ? 'backfilling' : 'live', progress, failure);
    return next === undefined ? summary : { ...summary, version: next.plan.version, sql: next.plan.sql };
  }

  async views(): Promise<ViewSummary[]> {
    const stored = [...this.views_.values()].map(view => this.summary(view));
    return [...stored, ...this.derived.summaries()];
  }

  async plan(name: string): Promise<ServingPlan> {
    const derived = this.derived.all.get(name);
    if (derived) return { plan: derived.plan, lookups: [] };
    const { plan, lookups } = this.view(name).current;
    return { plan, lookups };
  }

  async setSchema(stream: string, columns: { name: string; type: string }[]): Promise<void> {
    this.schemas.set(stream, columns);
  }

  setLookup(name: string, content: LookupContent | undefined): Promise<void> {
    return this.safely(() => {
      if (content) this.lookups.set(content);
      else this.lookups.remove(name);
      for (const view of this.views_.values()) {
        for (const version of view.versions) {
          if (!version.renewLookup(name) || codeOf(version.failure) !== 'lookup-missing') continue;
          // It stood still for want of the table: what was committed goes on.
          const revived = this.version(version.plan);
          if (version === view.current) view.replace(revived);
          else view.setNext(revived);
          this.lanes.detach(version);
        }
      }
      this.attachPartitions();
    });
  }

  async query(query: ViewQuery): Promise<ViewResult> {
    const derived = this.derived.all.get(query.view);
    if (derived) return queryView(derived, derived, query);
    const view = this.view(query.view);
    return queryView(view.current, view.reader(view.current), query);
  }

  onChange(listener: (change: ViewChange) => void): () => void {
    return this.changes.onChange(listener);
  }

  watch(view: string, everyMs: number): () => void {
    return this.changes.watch(view, everyMs);
  }

  holdChanges(isHeld: boolean): void {
    if (this.isHeld && !isHeld) {
      this.hasUnflushed = true;
      this.wake();
    }
    this.isHeld = isHeld;
  }

  async settled(): Promise<void> {
    const streams = await this.log.streams();
    const ends = new Map<string, number>();
    for (const { name, partitions } of streams) {
      for (const { partition, end } of partitions) ends.set(`${partition} ${name}`, end);
    }
    await this.safely(() => {
      this.streams = streams;
      this.attachPartitions();
    });
    for (const lane of this.lanes.all)
      if (lane.position < (ends.get(`${lane.partition} ${lane.stream}`) ?? 0)) lane.isReady = true;
    await new Promise<void>(resolve => {
      this.settling.push({ ends, resolve });
      this.wake();
    });
    if (this.failure) throw this.failure;
  }

  async status(): Promise<EngineStatus> {
    let memoryBytes = this.kernel.memoryBytes();
    for (const { versions } of this.views_.values()) for (const v of versions) memoryBytes += v.memoryBytes();
    memoryBytes += this.derived.memoryBytes();
    return {
      positions: this.lanes.all.map(lane => ({
        stream: lane.stream,
        partition: lane.partition,
        offset: lane.position,
        lag: Math.max(0, this.lanes.endOf(lane) - lane.position),
      })),
      eventsRead: this.eventsRead,
      stateBytes: this.state.sizeBytes(),
      memoryBytes,
    };
  }

  async close(): Promise<void> {
    if (this.stop.signal.aborted) return;
    this.stop.abort();
    this.wake();
    await this.loop;
    await this.replanning;
    for (const work of this.safePoint.splice(0)) work();
    if (!this.failure) {
      this.hasUnflushed = true;
      this.tick();
      this.commit();
    }
    for (const { resolve } of this.settling) resolve();
    this.lanes.free();
    for (const { versions } of this.views_.values()) for (const version of versions) version.free();
    await this.state.flush();
  }
}

const closed = (): MillraceError =>
  new MillraceError('engine-closed', 'The engine is closed.', { status: 503, canRetry: true });
