// One version of a view: its plan, its parts over all partitions, and what is said of it. Another definition is another version
// with its own state; both can be kept at the same time while the new one is filled.
import type { StreamSummary } from '../../flow/log.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { StateStore, StateTransaction } from '../../store/state.ts';
import type { ServingPlan, TakenPlan } from '../engine.ts';
import { type CompiledSource, compileSource } from '../plan/expression/compile.ts';
import type { Plan } from '../plan/plan.ts';
import { LevelKeys } from '../state/state-rows.ts';
import { isOf, storedSizes } from '../state/stored-size.ts';
import type { ViewColumn, ViewState, ViewSummary } from '../view.ts';
import { levelOptionsOf } from '../windows/cut.ts';
import type { KeptLevel } from '../windows/partition-clock.ts';
import { withSessionBounds } from '../windows/session.ts';
import { LookupTables, type PlanLookups } from './lookup-tables.ts';
import { StreamSchemas } from './stream-schemas.ts';
import { ViewPartition } from './view-partition.ts';

export interface ViewVersionOptions {
  plan: Plan;
  kernel: Kernel;
  state: StateStore;
  lookups?: LookupTables;
  schemas?: StreamSchemas;
}

export class ViewVersion {
  plan: Plan;
  readonly partitions: ViewPartition[] = [];
  /** Its streams have been looked for. */
  isAttached = false;
  private readonly options: ViewVersionOptions;
  /** By level: windows that start before are deleted from the store. */
  private deletedTo: number[] = [];
  private deletedToNext: number[] = [];
  private readonly tables: PlanLookups;
  private readonly measured = { bytes: 0, until: 0 };
  /** Why its rows cannot be computed. */
  broken: Error | undefined;

  constructor(options: ViewVersionOptions) {
    this.options = options;
    this.plan = withSessionBounds(options.plan);
    this.tables = (options.lookups ?? new LookupTables()).for(options.plan);
  }

  addPartition(source: number, partition: number): ViewPartition {
    const { kernel, state } = this.options;
    // Each partition has its own compiled columns, since they own their results.
    const compiled: CompiledSource = compileSource(this.plan.sources[source]!, this.tables.table);
    const part = new ViewPartition({ plan: this.plan, source, partition, kernel, state, compiled });
    part.failure = this.broken;
    this.partitions.push(part);
    this.noteLookups(part);
    return part;
  }

  private noteLookups({ source, clock }: ViewPartition): void {
    this.tables.note(
      clock.record,
      this.plan.sources[source]!.lookups.map(({ table }) => table),
    );
  }

  /** A lookup table has another content; answers whether this version joins it from now on. */
  renewLookup(name: string): boolean {
    if (!this.tables.renew(name)) return false;
    for (const partition of this.partitions) this.noteLookups(partition);
    return true;
  }

  get lookups(): ServingPlan['lookups'] {
    return this.partitions.flatMap(({ source, partition, record }) =>
      (record.lookups ?? []).map(use => ({ source, partition, ...use })),
    );
  }

  /** Of each partition, the offset below which its events are in the windows once they are flushed. */
  get taken(): TakenPlan['taken'] {
    return this.partitions.map(({ source, partition, position }) => ({
      source,
      partition,
      offset: position ?? 0,
    }));
  }

  /** Its state holds events that the log has not got. What cannot be read of the log is not known to be lost. */
  isBeyondEnd(streams: readonly StreamSummary[]): boolean {
    return this.partitions.some(({ source, partition, position = 0 }) => {
      const { stream } = this.plan.sources[source]!;
      const known = streams.find(({ name }) => name === stream);
      const place = known?.partitions.find(one => one.partition === partition);
      return place !== undefined && place.closed === undefined && position > place.end;
    });
  }

  /** Every window that is in keep time by the events read so far has been made. */
  get isComplete(): boolean {
    return !this.partitions.some(({ clock }) => clock.isForeseeing);
  }

  /** To be called before `adopt`: true where what it keeps of positions must be committed with the plan. */
  raiseFloors(plan: Plan): boolean {
    return this.partitions.map(({ clock }) => clock.raiseFloors(plan)).includes(true);
  }

  adopt(changed: Plan): void {
    const plan = withSessionBounds(changed);
    this.plan = plan;
    for (const partition of this.partitions) partition.adopt(plan);
  }

  /** It takes no more events, and nothing of it is committed any more. */
  fail(failure: Error): void {
    this.broken ??= failure;
    for (const partition of this.partitions) partition.failure ??= failure;
  }

  get failure(): Error | undefined {
    return this.broken ?? this.partitions.find(({ failure }) => failure !== undefined)?.failure;
  }

  /** The lowest watermark of the partitions that have had events. */
  get watermarkUs(): number | null {
    let watermark: number | null = null;
    for (const { record } of this.partitions) {
      if (record.watermarkUs !== null) watermark = Math.min(watermark ?? Infinity, record.watermarkUs);
    }
    return watermark;
  }

  /** Windows that end at or before are out of their keep time in some partition, and are not shown. */
  cutUs(level: KeptLevel): number {
    let cut = Number.NEGATIVE_INFINITY;
    for (const { clock } of this.partitions) cut = Math.max(cut, clock.cutUs(level));
    return cut;
  }

  /** Merges what was gathered since the last time into the windows. */
  flush(): void {
    for (const partition of this.partitions) partition.flush();
  }

  /** To be called after `flush`: the positions are those of all events taken in. */
  commit(transaction: StateTransaction): void {
    if (this.failure !== undefined) return;
    for (const partition of this.partitions) partition.commitWindows(transaction);
    this.deleteExpired(transaction);
    for (const partition of this.partitions) partition.commitPosition(transaction);
  }

  private deleteExpired(transaction: StateTransaction): void {
    this.deletedToNext = [...this.deletedTo];
    levelOptionsOf(this.plan).forEach((level, index) => {
      if (this.partitions.length === 0) return;
      const { sizeUs, everyUs, everyMs } = level;
      // Rows of every partition lie together: they go when the last partition is done with them.
      const cut = Math.min(...this.partitions.map(({ clock }) => clock.cutUs(level)));
      const to = cut - sizeUs + 1;
      const from = this.deletedTo[index] ?? Number.NEGATIVE_INFINITY;
      if (!(to >= from + everyUs)) return;
      const keys = new LevelKeys(this.plan.name, this.plan.version, everyMs, 0, 0);
      for (const gone of storedSizes(transaction, keys, from, to)) {
        this.partitions.find(part => isOf(part, gone.source, gone.partition))?.noteDeleted(gone.size);
      }
      transaction.deleteRange(...keys.windowRange(from, to));
      transaction.deleteRange(...keys.pageRange(from, to));
      this.deletedToNext[index] = to;
    });
  }

  /** After the transaction has succeeded. */
  markCommitted(): void {
    if (this.failure !== undefined) return;
    this.deletedTo = this.deletedToNext;
    for (const partition of this.partitions) partition.markCommitted();
  }

  /** Puts cells that are in the store out of memory, down to `share` of them. */
  evict(share: number): void {
    if (this.failure !== undefined) return;
    for (const partition of this.partitions) partition.evict(share);
  }

  get dirtyCells(): number {
    let cells = 0;
    for (const partition of this.partitions) cells += partition.dirtyCells;
    return cells;
  }

  /** As ViewPartition.size. */
  get size(): number {
    let size = 0;
    for (const partition of this.partitions) size += partition.size;
    return size;
  }

  /** As ViewPartition.footprint. */
  get footprint(): number {
    let footprint = 0;
    for (const partition of this.partitions) footprint += partition.footprint;
    return footprint;
  }

  get cells(): number {
    let cells = 0;
    for (const partition of this.partitions) cells += partition.cells;
    return cells;
  }

  get columns(): ViewColumn[] {
    return (this.options.schemas ?? new StreamSchemas()).columnsOf(this.plan);
  }

  get streams(): string[] {
    return [...new Set(this.plan.sources.map(({ stream }) => stream))];
  }

  private get recentExpired(): ViewSummary['recentExpired'] {
    return this.partitions.flatMap(({ record, source }) => {
      const { stream } = this.plan.sources[source]!;
      return record.recentExpired.map(({ partition, offset, timeUs }) => ({
        stream,
        partition,
        offset,
        timeUs,
      }));
    });
  }

  /** As of when it was last measured: looking through many sketches takes a while, and is given a twentieth of the time. */
  memoryBytes(): number {
    const { measured } = this;
    const startedAt = performance.now();
    if (startedAt < measured.until) return measured.bytes;
    measured.bytes = 0;
    for (const partition of this.partitions) measured.bytes += partition.memoryBytes();
    const endedAt = performance.now();
    measured.until = endedAt + 20 * (endedAt - startedAt);
    return measured.bytes;
  }

  summary(state: ViewState, progress: number, failure = this.failure): ViewSummary {
    const { plan, partitions } = this;
    const total = (pick: (partition: ViewPartition) => number): number =>
      partitions.reduce((sum, partition) => sum + pick(partition), 0);
    return {
      name: plan.name,
      version: plan.version,
      sql: plan.sql,
      streams: this.streams,
      window: plan.window,
      resolutions: plan.keepMs.map(({ everyMs, keepMs }) => {
        const cutUs = this.cutUs({ everyMs, keepUs: keepMs === null ? null : keepMs * 1000 });
        return { everyMs, keepMs, keptFromUs: cutUs === Number.NEGATIVE_INFINITY ? null : cutUs };
      }),
      columns: this.columns,
      state: failure === undefined ? state : 'failed',
      progress,
      ...(failure === undefined ? {} : { error: failure.message }),
      ...this.notice(),
      watermarkUs: this.watermarkUs,
      expired: total(({ record }) => record.expired),
      recentExpired: this.recentExpired,
      ahead: total(({ record }) => record.ahead),
      mismatched: total(({ record }) => record.mismatched),
      groups: total(({ kept }) => kept.groups),
      stateBytes: total(({ kept }) => kept.bytes),
      memoryBytes: this.memoryBytes(),
    };
  }

  /** What is NULL for all events so far, and not for want of values. */
  private notice(): { notice?: string } {
    const orders = this.partitions.flatMap(partition => partition.orders);
    const unread = orders.find(({ key }) => {
      const read = this.partitions.map(partition => partition.hasRead.get(key));
      return read.includes(false) && !read.includes(true);
    });
    if (!unread) return {};
    const [field, call] = [unread.path.join('.'), unread.function];
    return {
      notice:
        `View ${this.plan.name}: ${call} takes numbers or times, and "${field}" has had neither, so that it is NULL. ` +
        `Where texts are meant, write ${field}::VARCHAR in ${call}.`,
    };
  }

  free(): void {
    for (const partition of this.partitions) partition.free();
  }
}
