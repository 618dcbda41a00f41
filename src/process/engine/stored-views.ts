// The views of an engine that keep state, by name: what is stored of them, which version of each serves, and which is being filled
// beside it. Called at the loop's safe points only, because it makes and frees what lanes feed.
import { codeOf, isPassing, MillraceError, toError } from '../../core/errors.ts';
import type { StreamSummary } from '../../flow/log.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { StateStore, StateTransaction } from '../../store/state.ts';
import type { Plan } from '../plan/plan.ts';
import { versionRanges } from '../state/state-rows.ts';
import { readRecords, writeRecord } from '../state/view-record.ts';
import type { LookupTables } from '../view/lookup-tables.ts';
import type { StreamSchemas } from '../view/stream-schemas.ts';
import { ViewVersion } from '../view/view-version.ts';
import type { ViewSummary } from '../view.ts';
import type { Revisions } from '../windows/revisions.ts';
import type { LaneSet } from './lane-set.ts';
import { View } from './view-lifecycle.ts';

export interface StoredViewsOptions {
  state: StateStore;
  kernel: Kernel;
  lanes: LaneSet;
  lookups: LookupTables;
  schemas: StreamSchemas;
  revisions: Revisions;
}

/** Commits every version, and what `also` writes, in one transaction. */
export type CommitWith = (also: (transaction: StateTransaction) => void) => void;

export class StoredViews {
  private readonly options: StoredViewsOptions;
  private readonly state: StateStore;
  private readonly lanes: LaneSet;
  private readonly byName = new Map<string, View>();

  constructor(options: StoredViewsOptions) {
    this.options = options;
    this.state = options.state;
    this.lanes = options.lanes;
  }

  /** Takes up what is stored; `takeDerived` is given the views that keep no state and answers true for them. */
  open(takeDerived: (plan: Plan) => boolean): void {
    for (const record of readRecords(this.state)) {
      if (takeDerived(record.current)) continue;
      const view = this.view(record.name, record.current);
      if (record.next) view.setNext(this.version(record.next));
      this.byName.set(record.name, view);
    }
  }

  private view(name: string, plan: Plan): View {
    return new View(name, this.version(plan), this.state, this.options.revisions);
  }

  private version(plan: Plan): ViewVersion {
    const { kernel, state, lookups, schemas } = this.options;
    return new ViewVersion({ plan, kernel, state, lookups, schemas });
  }

  all(): Iterable<View> {
    return this.byName.values();
  }

  /** Of all views, those that serve and those that are being filled. */
  versions(): ViewVersion[] {
    return [...this.byName.values()].flatMap(({ versions }) => versions);
  }

  find(name: string): View | undefined {
    return this.byName.get(name);
  }

  get(name: string): View {
    const view = this.byName.get(name);
    if (view === undefined) {
      throw new MillraceError('unknown-view', `There is no view "${name}".`, { status: 404 });
    }
    return view;
  }

  /** A new view, or another definition of one; `commit` as of `promote`. */
  define(plan: Plan, commit: CommitWith): View {
    const known = this.byName.get(plan.name);
    if (known !== undefined) {
      this.redefine(known, plan, commit);
      return known;
    }
    this.state.transaction(t => writeRecord(t, { name: plan.name, current: plan }));
    const view = this.view(plan.name, plan);
    this.byName.set(plan.name, view);
    return view;
  }

  /** What serves changes only after the store has taken the change. */
  private redefine(view: View, plan: Plan, commit: CommitWith): void {
    const { current } = view;
    const isNew = plan.version !== current.plan.version;
    const isKept = view.next?.plan.version === plan.version;
    const dropped = isKept ? undefined : view.next;
    const kept = isNew ? (isKept ? view.next : undefined) : current;
    // A failed view has nothing worth serving while the new one is filled.
    const replaced = isNew && kept === undefined && current.failure !== undefined ? current : undefined;
    const write = (t: StateTransaction): void => {
      for (const gone of [dropped, replaced]) if (gone) this.freeState(t, gone.plan);
      const isBeside = isNew && replaced === undefined;
      const record = isBeside ? { current: current.plan, next: plan } : { current: plan };
      writeRecord(t, { name: plan.name, ...record });
    };
    if (kept?.raiseFloors(plan)) commit(write);
    else this.state.transaction(write);
    if (dropped !== undefined) this.lanes.detach(view.dropNext()!);
    if (kept !== undefined) view.adopt(kept, plan);
    else if (replaced !== undefined) this.lanes.detach(view.replace(this.version(plan)));
    else view.setNext(this.version(plan));
  }

  remove(name: string): void {
    const view = this.get(name);
    this.state.transaction(transaction => {
      transaction.delete(View.key(name));
      for (const { plan } of view.versions) this.freeState(transaction, plan);
    });
    for (const version of view.versions) this.lanes.detach(version);
    this.byName.delete(name);
  }

  /** True where the next version of a view has come to the live offset in all partitions. */
  isFilled({ next }: View): boolean {
    if (next === undefined || !next.isAttached || this.lanes.progress(next) < 1) return false;
    return next.failure === undefined;
  }

  /** Swaps the next version of a view in; `commit` commits every version, and what it is given, in one transaction. */
  promote(view: View, commit: CommitWith): void {
    const { current: old, next } = view;
    commit(transaction => {
      writeRecord(transaction, { name: view.name, current: next!.plan });
      this.freeState(transaction, old.plan);
    });
    view.promote();
    this.lanes.detach(old);
  }

  /**
   * To be called at the start. A log that has lost its end, as a power loss may leave one that is not synced with each append, has other
   * events at offsets that a version has behind it: such a version is filled anew.
   */
  refillBeyondEnd(streams: readonly StreamSummary[]): void {
    for (const view of this.byName.values()) {
      for (const version of view.versions) {
        if (!version.isBeyondEnd(streams)) continue;
        try {
          this.state.transaction(t => this.freeState(t, version.plan));
        } catch (thrown) {
          if (!isPassing(thrown)) throw thrown;
          version.fail(toError(thrown));
          continue;
        }
        const anew = this.version(version.plan);
        if (version === view.current) view.replace(anew);
        else view.setNext(anew);
        this.lanes.detach(version);
      }
    }
  }

  /** A lookup table is there, is another, or has gone. */
  renewLookup(name: string): void {
    for (const view of this.byName.values()) {
      for (const version of view.versions) {
        if (!version.renewLookup(name) || codeOf(version.failure) !== 'lookup-missing') continue;
        // It stood still for want of the table: what was committed goes on.
        const revived = this.version(version.plan);
        if (version === view.current) view.replace(revived);
        else view.setNext(revived);
        this.lanes.detach(version);
      }
    }
  }

  /** `failure` is the engine's own, for views that have none. */
  summary(view: View, failure: Error | undefined): ViewSummary {
    const { current, next } = view;
    const progress = this.lanes.progress(next ?? current);
    const shown = next?.failure ?? current.failure ?? failure;
    const problem = this.lanes.problemOf(next ?? current) ?? this.lanes.problemOf(current);
    const summary = {
      ...(problem && { error: `Its events cannot be read now, which is tried again: ${problem.message}` }),
      ...current.summary(progress < 1 ? 'backfilling' : 'live', progress, shown),
      ...(view.notice === undefined ? {} : { notice: view.notice }),
    };
    if (next === undefined) return summary;
    const filled = next.summary('backfilling', progress);
    return {
      ...summary,
      version: next.plan.version,
      sql: next.plan.sql,
      stateBytes: summary.stateBytes + filled.stateBytes,
      memoryBytes: summary.memoryBytes + filled.memoryBytes,
    };
  }

  private freeState(transaction: StateTransaction, plan: Plan): void {
    for (const range of versionRanges(plan.name, plan.version)) transaction.deleteRange(...range);
    this.options.revisions.rise(transaction);
  }

  memoryBytes(): number {
    let bytes = 0;
    for (const version of this.versions()) bytes += version.memoryBytes();
    return bytes;
  }

  free(): void {
    for (const version of this.versions()) version.free();
  }
}
