// From the text of a view to one that the engine keeps: planned against the streams, tables and views that are there, defined or
// redefined, and planned anew when a view under it gets another definition.
import { isPassing, MillraceError, toError } from '../../core/errors.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { StateStore } from '../../store/state.ts';
import { DerivedViews } from '../derived/derived-views.ts';
import { tableMeant } from '../plan/bind/catalog.ts';
import { type PlanOptions, planView } from '../plan/parse.ts';
import type { Plan } from '../plan/plan.ts';
import { definitionKey } from '../state/state-rows.ts';
import { writeRecord } from '../state/view-record.ts';
import type { LookupTables } from '../view/lookup-tables.ts';
import type { StreamSchemas } from '../view/stream-schemas.ts';
import type { ViewChanges } from '../view/view-changes.ts';
import { ViewVersion } from '../view/view-version.ts';
import type { ViewDefinition, ViewSummary } from '../view.ts';
import type { Revisions } from '../windows/revisions.ts';
import type { EngineLoop } from './engine-loop.ts';
import type { LogStreams } from './log-streams.ts';
import type { CommitWith, StoredViews } from './stored-views.ts';
import type { View } from './view-lifecycle.ts';

export interface DefinitionsOptions extends Pick<PlanOptions, 'parseSql'> {
  state: StateStore;
  kernel: Kernel;
  loop: EngineLoop;
  streams: LogStreams;
  schemas: StreamSchemas;
  lookups: LookupTables;
  stored: StoredViews;
  derived: DerivedViews;
  changes: ViewChanges;
  revisions: Revisions;
  commitWith: CommitWith;
  /** Gives every version a part for each partition of its streams. */
  attachPartitions: () => void;
}

interface Planned {
  plan: Plan;
  /** Why it is the plan of before, where the fields that have been shown since do not fit the text. */
  notice: string | undefined;
}

/** Planning is tried again after so long where it could not be done. */
const againMs = 1000;

function noticeOf(refusal: Error): string {
  const remedy = refusal instanceof MillraceError ? refusal.remedy : undefined;
  return (
    `${refusal.message} It was accepted before the stream had shown this, and goes on as it was: values of another type are NULL to it, but for those that spell one of its own.` +
    (remedy === undefined ? '' : ` ${remedy}`)
  );
}

export class Definitions {
  private readonly options: DefinitionsOptions;
  private readonly stored: StoredViews;
  private readonly derived: DerivedViews;
  private replanning: Promise<void> = Promise.resolve();
  /** Plans of which there can be no other, while what is known is what it was then. */
  private readonly unfit = new WeakMap<Plan, string>();

  constructor(options: DefinitionsOptions) {
    this.options = options;
    this.stored = options.stored;
    this.derived = options.derived;
  }

  private async planned(definition: ViewDefinition): Promise<Planned> {
    try {
      return { plan: await this.plannedWith(definition, false), notice: undefined };
    } catch (thrown) {
      if (isPassing(thrown)) throw thrown;
      const before = this.stored.find(definition.name)?.newest.plan;
      if (before?.sql !== definition.text || !this.options.schemas.hasShownMore(before)) throw thrown;
      // What was accepted before its fields were known stays what it is where they do not fit it.
      return { plan: await this.plannedWith(definition, true), notice: noticeOf(toError(thrown)) };
    }
  }

  private async plannedWith(definition: ViewDefinition, asBefore: boolean): Promise<Plan> {
    const { parseSql, schemas, lookups, streams } = this.options;
    const known = this.stored.find(definition.name);
    const { schema, assumed, aliases } = schemas.forPlanning(
      definition,
      [known?.next?.plan, known?.current.plan],
      asBefore,
    );
    await streams.renew();
    const plan = await planView(definition, {
      parseSql,
      meant: table => this.meant(table),
      schema,
      aliases,
      lookups: name => lookups.columns(name),
      views: name => this.derived.known(name),
    });
    if (streams.has(definition.name)) {
      throw new MillraceError('view-refused', `A stream has the name "${definition.name}".`, {
        status: 400,
        remedy: 'Give the view another name.',
      });
    }
    return DerivedViews.isDerived(plan) ? this.derived.versioned(plan) : { ...plan, assumed };
  }

  private meant(table: string): string | undefined {
    const { streams, lookups } = this.options;
    const views = [...Array.from(this.stored.all(), ({ name }) => name), ...this.derived.all.keys()];
    return tableMeant(
      { streams: streams.all.map(({ name }) => name), views, lookups: lookups.names() },
      table,
    );
  }

  /** Whether a stream has come that is meant by a name in the plan's text, spelled in another way than the plan has it. */
  private hasOtherStream(plan: Plan): boolean {
    if (this.unfit.get(plan) === this.known) return false;
    return plan.sources.some(({ stream, written, view }) => {
      const meant = view ? undefined : this.meant(written ?? stream);
      return meant !== undefined && meant !== stream && this.options.streams.has(meant);
    });
  }

  /** Changes with whatever may make a text mean something else. */
  private get known(): string {
    const { streams, schemas, lookups } = this.options;
    return [streams.all.length, schemas.changes, lookups.generations].join(' ');
  }

  /** To be called when there may be new streams: views that mean one of them in another spelling are planned again. */
  replanNamed(): void {
    if ([...this.stored.all()].some(({ newest }) => this.hasOtherStream(newest.plan))) this.replanShown();
  }

  async check(definition: ViewDefinition): Promise<ViewSummary> {
    const { plan, notice } = await this.planned(definition);
    if (DerivedViews.isDerived(plan)) return this.derived.trial(plan);
    const { kernel, state } = this.options;
    // Makes the accumulators once, so that parameters are checked too.
    const summary = new ViewVersion({ plan, kernel, state }).summary('live', 0);
    return notice === undefined ? summary : { ...summary, notice };
  }

  async define(definition: ViewDefinition): Promise<ViewSummary> {
    const { loop, schemas } = this.options;
    const { changes } = schemas;
    const summary = await loop.together(async () => this.take(await this.planned(definition)));
    if (schemas.changes !== changes) this.replanShown();
    return summary;
  }

  /**
   * Views that read fields which were not known when they were planned, and are now, are planned again. Where that makes another plan of
   * them, they are filled from history beside what serves, like changed ones.
   */
  replanShown(): void {
    const { loop, schemas } = this.options;
    const { changes } = schemas;
    this.replanning = this.replanning.then(async () => {
      if (loop.isStopped) return;
      const views = [...this.stored.all()].filter(
        ({ newest: { plan } }) => schemas.hasShownMore(plan) || this.hasOtherStream(plan),
      );
      let isLeft = false;
      await loop.together(async () => {
        for (const view of views) if (!(await this.replanStored(view))) isLeft = true;
      });
      if (views.length > 0 && schemas.changes !== changes) this.replanShown();
      else if (isLeft) setTimeout(() => this.replanShown(), againMs).unref();
    });
  }

  /** False where it has to be tried again. */
  private async replanStored(view: View): Promise<boolean> {
    const { plan } = view.newest;
    const { name, sql } = plan;
    const { known } = this;
    try {
      const planned = await this.planned({ name, text: sql });
      await this.options.loop.safely(() => {
        // It may have been changed or dropped meanwhile.
        if (this.stored.find(name) === view && view.newest.plan.sql === sql) this.takeStored(planned);
      });
      return true;
    } catch (thrown) {
      if (isPassing(thrown)) return false;
      // What serves goes on as it was planned; its next definition says what is wrong.
      this.unfit.set(plan, known);
      return true;
    }
  }

  private take(planned: Planned): Promise<ViewSummary> {
    const { plan } = planned;
    const { loop, streams } = this.options;
    return loop.safely(() => {
      this.replanOver(plan.name);
      if (DerivedViews.isDerived(plan)) {
        if (this.stored.find(plan.name)) this.stored.remove(plan.name);
        return this.setDerived(plan);
      }
      const derived = this.derived.all.get(plan.name);
      const isGone = plan.sources.some(({ stream }) => !streams.has(stream));
      // The same text over a view that has gone: it waits for the view, and does not take its name for a stream's.
      if (derived?.plan.sql === plan.sql && isGone) return this.derived.summary(derived);
      if (this.derived.all.delete(plan.name)) this.rise();
      return this.takeStored(planned);
    });
  }

  private takeStored({ plan, notice }: Planned): ViewSummary {
    const served = this.stored.find(plan.name)?.current;
    const view = this.stored.define(plan, this.options.commitWith);
    view.notice = notice;
    // A new view, or one in the place of one that failed.
    if (view.current !== served) this.options.changes.sendReplaced(view.name, null, view.columns);
    this.options.attachPartitions();
    return this.stored.summary(view, this.options.loop.failure);
  }

  private setDerived(plan: Plan): ViewSummary {
    const before = this.derived.all.get(plan.name);
    this.options.state.transaction(t => {
      writeRecord(t, { name: plan.name, current: plan });
      if (before && before.plan.version !== plan.version) this.options.revisions.rise(t);
    });
    return this.derived.summary(this.derived.set(plan));
  }

  /** Values of a view are counted from the beginning. */
  private rise(): void {
    this.options.state.transaction(t => this.options.revisions.rise(t));
  }

  async drop(name: string): Promise<void> {
    const { loop, state, revisions, changes } = this.options;
    await loop.safely(() => {
      if (this.derived.all.has(name)) {
        state.transaction(t => {
          t.delete(definitionKey(name));
          revisions.rise(t);
        });
        this.derived.all.delete(name);
      } else this.stored.remove(name);
      changes.sendReplaced(name, null, []);
      this.derived.forgetOver(name);
    });
  }

  /** The views over one that has another definition are planned anew; one that can no longer be says why. */
  replanOver(name: string): void {
    this.derived.forgetOver(name);
    for (const { plan: before } of this.derived.over(name)) {
      this.replanning = this.replanning.then(async () => {
        const view = this.derived.all.get(before.name);
        if (view?.plan.sql !== before.sql || this.options.loop.isStopped) return;
        try {
          const { plan } = await this.planned({ name: before.name, text: before.sql });
          if (this.derived.all.get(before.name) !== view || !DerivedViews.isDerived(plan)) return;
          if (plan.version === view.plan.version && view.failure === undefined) return;
          this.setDerived(plan);
          this.replanOver(before.name);
        } catch (thrown) {
          if (isPassing(thrown)) setTimeout(() => this.replanOver(name), againMs).unref();
          else this.derived.fail(view, toError(thrown));
        }
      });
    }
  }

  /** Resolves when nothing is being planned anew. */
  async replanned(): Promise<void> {
    await this.replanning;
  }
}
