// The views over views of an engine: found by name beside those that keep state, told when windows under them change, and planned
// anew when a view under them gets another definition.
import { murmur128Text } from '../../core/hash.ts';
import {
  type Chain,
  chainOver,
  chainProblem,
  chainRemedy,
  type KnownView,
  noChain,
} from '../plan/bind/catalog.ts';
import type { Plan } from '../plan/plan.ts';
import type { ViewChanges } from '../view/view-changes.ts';
import { ofView, viewFailed } from '../view/view-failure.ts';
import type { ViewState, ViewSummary } from '../view.ts';
import { levelOptionsOf } from '../windows/cut.ts';
import type { Revisions } from '../windows/revisions.ts';
import { DerivedCells } from './derived-cells.ts';
import { DerivedView, type ReadableView } from './derived-view.ts';

export interface DerivedViewsOptions {
  /** A view that keeps state, as it is now. */
  stored(name: string): ReadableView | undefined;
  /** How far it is. */
  state(name: string): { state: ViewState; progress: number; error?: string };
  changes: ViewChanges;
  revisions: Revisions;
}

export class DerivedViews {
  readonly all = new Map<string, DerivedView>();
  private readonly options: DerivedViewsOptions;

  constructor(options: DerivedViewsOptions) {
    this.options = options;
  }

  static isDerived(plan: Plan): boolean {
    return plan.sources.some(({ view }) => view);
  }

  /** A view of either kind. */
  find(name: string): ReadableView | undefined {
    return this.all.get(name) ?? this.options.stored(name);
  }

  known(name: string): KnownView | undefined {
    const view = this.find(name);
    if (!view) return undefined;
    const { columns, plan } = view;
    return {
      columns,
      window: plan.window,
      keepMs: plan.keepMs,
      views: this.under(name),
      chain: this.chain(name),
    };
  }

  /** `known`: of views that have been looked at; those that are being looked at count as nothing. */
  private chain(name: string, known = new Map<string, Chain>()): Chain {
    let chain = known.get(name);
    if (chain === undefined) {
      known.set(name, noChain);
      const under = this.find(name)?.plan.sources.filter(({ view }) => view) ?? [];
      chain = under.length === 0 ? noChain : chainOver(under.map(({ stream }) => this.chain(stream, known)));
      known.set(name, chain);
    }
    return chain;
  }

  /** Views that were defined before there was a bound are refused as new ones are. */
  refuseLongChains(): void {
    const known = new Map<string, Chain>();
    for (const [name, view] of this.all) {
      const problem = chainProblem(this.chain(name, known));
      if (problem !== undefined) view.fail(new Error(`${problem} ${chainRemedy}`));
    }
  }

  /** The view and every view under it. */
  under(name: string, seen = new Set<string>()): string[] {
    if (seen.has(name)) return [...seen];
    seen.add(name);
    for (const source of this.find(name)?.plan.sources ?? [])
      if (source.view) this.under(source.stream, seen);
    return [...seen];
  }

  /** The plan with a version that changes when one under it does. */
  versioned(plan: Plan): Plan {
    const below = plan.sources.map(({ stream }) => this.find(stream)?.plan.version);
    const { h1High, h1Low } = murmur128Text([plan.version, ...below].join(' '));
    const version = [h1High, h1Low].map(word => (word >>> 0).toString(16).padStart(8, '0')).join('');
    return { ...plan, version };
  }

  set(plan: Plan): DerivedView {
    const view = new DerivedView(plan, name => this.find(name), this.options.revisions);
    this.all.set(plan.name, view);
    this.tellReplaced(view);
    this.forgetOver(plan.name);
    return view;
  }

  /** What a definition would be. Makes the accumulators once, so that parameters are checked too. */
  trial(plan: Plan): ViewSummary {
    new DerivedCells(plan);
    const view = new DerivedView(plan, name => this.find(name), this.options.revisions);
    if (view.failure) throw view.failure;
    return view.summary({ state: 'live', progress: 0 });
  }

  /** It can no longer be computed, which those who watch it or a view over it are told. */
  fail(view: DerivedView, failure: Error): void {
    view.fail(failure);
    this.tellReplaced(view);
    this.forgetOver(view.plan.name);
  }

  /** Throws where the rows of a view, or of one under it, cannot be computed. */
  assertReadable(view: DerivedView): void {
    for (const name of this.under(view.plan.name)) {
      const derived = this.all.get(name);
      if (derived?.error === undefined) continue;
      throw viewFailed(name, derived.failure ?? new Error(derived.error));
    }
  }

  /** The views that read this one, directly. */
  over(name: string): DerivedView[] {
    return [...this.all.values()].filter(({ plan }) => plan.sources.some(source => source.stream === name));
  }

  /** Nothing computed from this view holds any more. */
  forgetOver(name: string): void {
    for (const view of this.over(name)) {
      view.forgetAll();
      this.tellReplaced(view);
      this.forgetOver(view.plan.name);
    }
  }

  private tellReplaced({ plan, watermarkUs, columns }: DerivedView): void {
    this.options.changes.sendReplaced(plan.name, watermarkUs, columns);
  }

  forgetAll(): void {
    for (const view of this.all.values()) view.forgetAll();
  }

  /** Windows of a view have changed: what is made of them is too, and goes out where somebody watches. */
  changed(name: string, index: number, starts: readonly number[]): void {
    if (starts.length === 0) return;
    for (const view of this.over(name)) {
      const levels = view.plan.keepMs.map(() => new Set<number>());
      for (const start of starts) {
        view.affected(name, index, start)?.forEach((own, level) => {
          for (const at of own) levels[level]!.add(at);
        });
      }
      levels.forEach((own, level) => {
        for (const start of own) view.forget(level, start);
      });
      levels.forEach((own, level) => {
        const changed = [...own].sort((a, b) => a - b);
        const options = levelOptionsOf(view.plan)[level]!;
        const { everyMs } = options;
        if (this.options.changes.isWatched(view.plan.name, everyMs)) {
          const cutUs = view.cutUs(options);
          // Of one that is no longer kept, windows under it may have gone.
          const kept = changed.filter(start => start + options.sizeUs > cutUs);
          this.send(view, level, everyMs, kept);
        }
        this.changed(view.plan.name, level, changed);
      });
    }
  }

  private send(view: DerivedView, level: number, everyMs: number, starts: readonly number[]): void {
    const { plan, watermarkUs } = view;
    try {
      this.assertReadable(view);
      for (const start of starts) {
        const { rows } = ofView(view, () => view.window(level, start));
        this.options.changes.sendWhole(plan.name, everyMs, watermarkUs, rows, start);
      }
    } catch {
      // Its summary says what is wrong, or that of the view under it.
    }
  }

  summary(view: DerivedView): ViewSummary {
    let state: ViewState = 'live';
    let progress = 1;
    let { error } = view;
    for (const name of this.under(view.plan.name)) {
      if (name === view.plan.name) continue;
      const derived = this.all.get(name);
      const under = derived || !this.options.stored(name) ? undefined : this.options.state(name);
      if (under && under.state !== 'live') state = under.state;
      progress = Math.min(progress, under?.progress ?? 1);
      // What is wrong with the one nearest to the events is wrong with all over it.
      const below = derived?.error ?? under?.error;
      if (below !== undefined) error ??= `The view "${name}" under it has failed: ${below}`;
    }
    return view.summary({ state, progress, ...(error === undefined ? {} : { error }) });
  }

  summaries(): ViewSummary[] {
    return [...this.all.values()].map(view => this.summary(view));
  }

  memoryBytes(): number {
    let bytes = 0;
    for (const view of this.all.values()) bytes += view.memoryBytes();
    return bytes;
  }
}
