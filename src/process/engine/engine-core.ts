// The engine in one thread: lanes read the log, views take the events in, results are flushed and published, and what changed is
// committed with the offsets it came from. This file puts the parts together and is the contract's side of them: engine-loop.ts reads,
// commits.ts commits, stored-views.ts and definitions.ts keep the views.
import { isPassing, MillraceError } from '../../core/errors.ts';
import { type Clock, systemClock } from '../../core/time.ts';
import type { LogReader } from '../../flow/log.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { StateStore } from '../../store/state.ts';
import { DerivedViews } from '../derived/derived-views.ts';
import type {
  Engine,
  EngineStatus,
  LookupContent,
  ServingPlan,
  TakenPlan,
  ViewPage,
  ViewPageQuery,
} from '../engine.ts';
import type { PlanOptions } from '../plan/parse.ts';
import { LookupTables } from '../view/lookup-tables.ts';
import { StreamSchemas } from '../view/stream-schemas.ts';
import { ViewChanges } from '../view/view-changes.ts';
import { ofView } from '../view/view-failure.ts';
import type { ViewVersion } from '../view/view-version.ts';
import type { ViewChange, ViewDefinition, ViewQuery, ViewResult, ViewSummary } from '../view.ts';
import { Revisions } from '../windows/revisions.ts';
import { Commits } from './commits.ts';
import { Definitions } from './definitions.ts';
import { EngineLoop } from './engine-loop.ts';
import type { HistorySource } from './lane.ts';
import { LaneSet } from './lane-set.ts';
import { LogStreams } from './log-streams.ts';
import { type CommitWith, StoredViews } from './stored-views.ts';
import type { View } from './view-lifecycle.ts';
import { pageOf } from './view-page.ts';
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

export async function createEngine(options: EngineOptions): Promise<Engine> {
  const engine = new EngineCore(options);
  await engine.open();
  return engine;
}

/** How often a page waits for a view to catch up with its events. */
const pageTries = 20;

class EngineCore implements Engine {
  private readonly log: LogReader;
  private readonly state: StateStore;
  private readonly kernel: Kernel;
  private readonly lanes: LaneSet;
  private readonly streams: LogStreams;
  private readonly changes: ViewChanges;
  private readonly lookups: LookupTables;
  private readonly schemas: StreamSchemas;
  private readonly stored: StoredViews;
  private readonly derived: DerivedViews;
  private readonly commits: Commits;
  private readonly loop: EngineLoop;
  private readonly definitions: Definitions;
  private readonly commitWith: CommitWith = also => this.commits.commitWith(also);
  private isHeld = false;

  constructor(options: EngineOptions) {
    const { log, state, kernel, history, parseSql, clock = systemClock } = options;
    const { publishMs = 100, commitMs = 1000, cellsMax = 600_000 } = options;
    const { readBytes = 4 * 1024 * 1024, farBehind = 131_072 } = options;
    this.log = log;
    this.state = state;
    this.kernel = kernel;
    const lanes = new LaneSet({ kernel, log, history, readBytes, farBehind });
    this.lanes = lanes;
    const streams = new LogStreams(log);
    this.streams = streams;
    const lookups = new LookupTables(options.lookups);
    this.lookups = lookups;
    const schemas = new StreamSchemas(options.schema);
    this.schemas = schemas;
    this.changes = new ViewChanges(options.epoch ?? `${clock.nowMs().toString(36)}`);
    const revisions = Revisions.started(state);
    const stored = new StoredViews({ state, kernel, lanes, lookups, schemas, revisions });
    this.stored = stored;
    const derived = new DerivedViews({
      changes: this.changes,
      revisions,
      stored: name => stored.find(name),
      state: name => stored.summary(stored.get(name), this.loop.failure),
    });
    this.derived = derived;
    this.commits = new Commits({
      state,
      revisions,
      versions: () => stored.versions(),
      commitMs,
      cellsMax,
    });
    const attachPartitions = (): void => this.attachPartitions();
    const loop = new EngineLoop({
      log,
      lanes,
      clock,
      publishMs,
      commitMs,
      lookForStreams: async (wake, stop) => {
        if (await streams.renewIfDue()) {
          this.attachPartitions();
          this.definitions.replanNamed();
        }
        streams.watch(wake, stop);
      },
      flush: () => this.flush(),
      promote: () => this.promote(),
      commitIfDue: () => this.commits.commitIfDue(this.loop.pace),
      isFull: () => this.commits.isFull,
    });
    this.loop = loop;
    const { changes } = this;
    const { commitWith } = this;
    const parts = {
      state,
      kernel,
      loop,
      streams,
      schemas,
      lookups,
      stored,
      derived,
      changes,
      revisions,
      commitWith,
    };
    this.definitions = new Definitions({ ...parts, parseSql, attachPartitions });
  }

  async open(): Promise<void> {
    await this.streams.renew();
    this.stored.open(plan => {
      if (!DerivedViews.isDerived(plan)) return false;
      this.derived.set(plan);
      return true;
    });
    this.derived.refuseLongChains();
    this.attachPartitions();
    this.stored.refillBeyondEnd(this.streams.all);
    this.lookups.started();
    this.attachPartitions();
    this.loop.start();
  }

  private attachPartitions(): void {
    this.lanes.attach(this.stored.versions(), this.streams.all);
    this.promote();
  }

  /** Swaps in every next version that has come to the live offset in all partitions; later where the store takes nothing now. */
  private promote(): void {
    for (const view of this.stored.all()) {
      if (!this.stored.isFilled(view) || this.commits.isHeldUp) continue;
      try {
        this.stored.promote(view, this.commitWith);
      } catch (thrown) {
        if (!isPassing(thrown)) throw thrown;
        continue;
      }
      this.changes.sendReplaced(view.name, view.watermarkUs, view.columns);
      this.definitions.replanOver(view.name);
    }
  }

  /** Merges what was gathered, and publishes it unless changes are held back. */
  private flush(): void {
    for (const view of this.stored.all()) {
      for (const version of view.versions) {
        version.flush();
        if (!this.isHeld) this.publish(view, version);
      }
    }
    if (this.isHeld) this.derived.forgetAll();
    this.commits.want();
  }

  /** Where its rows cannot be computed, that is the failure of this version alone. */
  private publish(view: View, version: ViewVersion): void {
    const isServing = version === view.current;
    let changed: number[][];
    try {
      changed = ofView(version, () => this.changes.publish(version, view.reader(version), isServing));
    } catch {
      return;
    }
    if (!isServing) return;
    for (const [index, starts] of changed.entries()) this.derived.changed(view.name, index, starts);
  }

  check(definition: ViewDefinition): Promise<ViewSummary> {
    return this.definitions.check(definition);
  }

  define(definition: ViewDefinition): Promise<ViewSummary> {
    return this.definitions.define(definition);
  }

  drop(name: string): Promise<void> {
    return this.definitions.drop(name);
  }

  async views(): Promise<ViewSummary[]> {
    const stored = [...this.stored.all()].map(view => this.stored.summary(view, this.loop.failure));
    return [...stored, ...this.derived.summaries()];
  }

  async plan(name: string): Promise<ServingPlan> {
    const derived = this.derived.all.get(name);
    if (derived) return { plan: derived.plan, lookups: [] };
    const { plan, lookups } = this.stored.get(name).current;
    return { plan, lookups };
  }

  async setSchema(stream: string, columns: { name: string; type: string }[]): Promise<void> {
    this.schemas.set(stream, columns);
    this.definitions.replanShown();
  }

  setLookup(name: string, content: LookupContent | undefined): Promise<void> {
    return this.loop.safely(() => {
      if (content) this.lookups.set(content);
      else this.lookups.remove(name);
      this.stored.renewLookup(name);
      this.attachPartitions();
    });
  }

  async query(query: ViewQuery): Promise<ViewResult> {
    const derived = this.derived.all.get(query.view);
    if (derived) {
      this.derived.assertReadable(derived);
      return queryView(derived, derived, query);
    }
    const view = this.stored.get(query.view);
    if (view.current.broken) throw view.current.broken;
    return queryView(view.current, view.reader(view.current), query);
  }

  async page(query: ViewPageQuery): Promise<ViewPage> {
    for (let tries = 0; tries < pageTries; tries++) {
      const page = await this.loop.safely(() => this.pageNow(query));
      if (page) return page;
      await this.settled();
    }
    throw new MillraceError('engine-behind', `The view "${query.view}" is too far behind its events.`, {
      status: 503,
      remedy: 'Try again when fewer events arrive.',
      canRetry: true,
    });
  }

  /** Between two steps of the loop rows and offsets agree. Undefined while a view under it leaves out windows that it foresees to expire. */
  private pageNow(query: ViewPageQuery): ViewPage | undefined {
    this.flush();
    const derived = this.derived.all.get(query.view);
    if (derived) this.derived.assertReadable(derived);
    const served: Record<string, TakenPlan> = {};
    for (const name of this.derived.under(query.view)) {
      const above = this.derived.all.get(name);
      const version = above ? undefined : this.stored.get(name).current;
      if (version?.failure) throw version.failure;
      if (version && !version.isComplete) return undefined;
      const { plan } = (above ?? version)!;
      served[name] = { plan, lookups: version?.lookups ?? [], taken: version?.taken ?? [] };
    }
    if (derived) return { ...pageOf(derived, derived, query), served };
    const view = this.stored.get(query.view);
    return { ...pageOf(view.current, view.reader(view.current), query), served };
  }

  onChange(listener: (change: ViewChange) => void): () => void {
    return this.changes.onChange(listener);
  }

  watch(view: string, everyMs: number): () => void {
    return this.changes.watch(view, everyMs);
  }

  holdChanges(isHeld: boolean): void {
    if (this.isHeld && !isHeld) this.loop.flushAgain();
    this.isHeld = isHeld;
  }

  async settled(): Promise<void> {
    const streams = await this.log.streams();
    await this.loop.safely(() => {
      this.streams.all = streams;
      this.attachPartitions();
      this.definitions.replanNamed();
    });
    await this.definitions.replanned();
    await this.loop.settled(streams);
  }

  async status(): Promise<EngineStatus> {
    const { problem, isFull } = this.commits;
    const held = isFull ? ' Until it is, no more events are read, for it fills the memory.' : '';
    return {
      ...(problem && { problem: problem.message + held }),
      positions: this.lanes.all.map(lane => ({
        stream: lane.stream,
        partition: lane.partition,
        offset: lane.position,
        lag: Math.max(0, this.lanes.endOf(lane) - lane.position),
      })),
      eventsRead: this.loop.eventsRead,
      stateBytes: this.state.sizeBytes(),
      memoryBytes: this.kernel.memoryBytes() + this.stored.memoryBytes() + this.derived.memoryBytes(),
    };
  }

  async close(): Promise<void> {
    if (this.loop.isStopped) return;
    await this.loop.end();
    await this.definitions.replanned();
    this.loop.finish();
    if (!this.loop.failure) this.commits.commit();
    this.loop.giveUp();
    this.lanes.free();
    this.stored.free();
    await this.state.flush();
  }
}
