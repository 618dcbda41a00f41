// A view over views. It keeps no state of its own: a window is computed from the rows of the windows under it, which are bounded by
// their caps, when somebody asks for it or watches it, and remembered until one of them changes. So it is restated, filled and
// recovered exactly as they are, and its windows are kept as long as theirs.

import { type CompiledSource, compileSource } from '../plan/expression/compile.ts';
import type { LookupTable } from '../plan/expression/evaluate.ts';
import { resultRows } from '../plan/expression/evaluate.ts';
import type { Plan } from '../plan/plan.ts';
import { ofView, viewFailed } from '../view/view-failure.ts';
import { byGroup, type WindowResult } from '../view/window-rows.ts';
import type { ViewColumn, ViewState, ViewSummary, ViewValue, WindowRow } from '../view.ts';
import { levelOptionsOf } from '../windows/cut.ts';
import type { LevelOptions } from '../windows/level.ts';
import type { KeptLevel } from '../windows/partition-clock.ts';
import type { Revisions } from '../windows/revisions.ts';
import { DerivedCells } from './derived-cells.ts';

/** The windows of a view, whether it keeps them or computes them. */
export interface ReadableView {
  readonly plan: Plan;
  readonly columns: ViewColumn[];
  readonly watermarkUs: number | null;
  /** Windows that end at or before are out of their keep time. `known`: what has been found out for this question, by view and level. */
  cutUs(level: KeptLevel, known?: Map<string, number>): number;
  /** Starts of kept windows of a resolution in [fromUs, toUs), ascending. `known` as of `cutUs`. */
  starts(index: number, fromUs: number, toUs: number, known?: Map<string, number>): number[];
  window(index: number, startUs: number): WindowResult;
}

/** Groups of windows remembered, of one view; what sketches, sets and texts take of memory counts as groups of `groupBytes`. */
const rememberedMax = 100_000;
const groupBytes = 512;

interface Input {
  view: ReadableView;
  /** The resolution that is read. */
  index: number;
  everyMs: number;
  everyUs: number;
  sizeUs: number;
  keepUs: number | null;
}

export class DerivedView implements ReadableView {
  readonly plan: Plan;
  /** Why it cannot be computed. */
  failure: Error | undefined;
  private readonly find: (name: string) => ReadableView | undefined;
  private readonly revisions: Revisions;
  private readonly compiled: CompiledSource[] = [];
  private readonly result: ReturnType<typeof resultRows>;
  private readonly remembered = new Map<string, { cells: DerivedCells; groups: number }>();
  private rememberedGroups = 0;

  /** `find` gives the views under it as they are now. */
  constructor(plan: Plan, find: (name: string) => ReadableView | undefined, revisions: Revisions) {
    this.plan = plan;
    this.find = find;
    this.revisions = revisions;
    try {
      this.compiled = plan.sources.map(source => compileSource(source, noTable));
      this.result = resultRows(plan);
    } catch (thrown) {
      const failure = viewFailed(plan.name, thrown);
      this.fail(failure);
      this.result = () => {
        throw failure;
      };
    }
  }

  fail(failure: Error): void {
    this.failure = failure;
  }

  get columns(): ViewColumn[] {
    return this.plan.outputs.map(({ column }) => column);
  }

  private inputs(): Input[] {
    return this.plan.sources.flatMap(({ stream, everyMs }) => {
      const view = this.find(stream);
      const levels = view ? levelOptionsOf(view.plan) : [];
      const index = levels.findIndex(level => level.everyMs === everyMs);
      if (!view || index < 0) return [];
      return [{ ...levels[index]!, view, index }];
    });
  }

  /** Why it can give no rows, whatever the views under it give. */
  get error(): string | undefined {
    return this.failure?.message ?? this.missing;
  }

  /** A view under it is gone, or has no longer the resolution that is read. */
  private get missing(): string | undefined {
    const gone = this.plan.sources.find(({ stream }) => this.find(stream) === undefined);
    if (gone) return `The view "${gone.stream}" under it is gone.`;
    return this.inputs().length < this.plan.sources.length
      ? 'A view under it has other resolutions now.'
      : undefined;
  }

  get watermarkUs(): number | null {
    const marks = this.inputs().map(({ view }) => view.watermarkUs);
    return marks.length === 0 || marks.includes(null) ? null : Math.min(...(marks as number[]));
  }

  /** Each view under it is asked twice, and asks twice in turn: without `known` a chain of views would ask 2^n times. */
  cutUs(level: KeptLevel, known = new Map<string, number>()): number {
    const key = JSON.stringify([this.plan.name, level.everyMs, level.keepUs]);
    let cut = known.get(key);
    if (cut === undefined) known.set(key, (cut = this.findCut(level, known)));
    return cut;
  }

  private findCut({ everyMs, keepUs }: KeptLevel, known: Map<string, number>): number {
    let cut = Number.NEGATIVE_INFINITY;
    let wholeFromUs = Number.NEGATIVE_INFINITY;
    for (const input of this.inputs()) {
      cut = Math.max(cut, input.view.cutUs({ everyMs: input.everyMs, keepUs }, known));
      // A window is whole as long as the first one under it is kept.
      wholeFromUs = Math.max(wholeFromUs, input.view.cutUs(input, known) - input.sizeUs + 1);
    }
    const level = levelOptionsOf(this.plan).find(own => own.everyMs === everyMs);
    if (level === undefined || wholeFromUs === Number.NEGATIVE_INFINITY) return cut;
    // The end of the last one that is not.
    const lastUs = Math.ceil(wholeFromUs / level.everyUs) * level.everyUs - level.everyUs;
    return Math.max(cut, lastUs + level.sizeUs);
  }

  starts(index: number, fromUs: number, toUs: number, known?: Map<string, number>): number[] {
    return this.startsOf(levelOptionsOf(this.plan)[index]!, fromUs, toUs, known);
  }

  private startsOf(
    level: LevelOptions,
    fromUs: number,
    toUs: number,
    known = new Map<string, number>(),
  ): number[] {
    const { everyUs, sizeUs } = level;
    const starts = new Set<number>();
    const cut = this.cutUs(level, known);
    for (const input of this.inputs()) {
      for (const start of input.view.starts(input.index, fromUs, toUs + sizeUs, known)) {
        const last = Math.floor(start / everyUs) * everyUs;
        for (let at = last - sizeUs + everyUs; at <= last; at += everyUs) {
          if (at >= fromUs && at < toUs && at + sizeUs > cut) starts.add(at);
        }
      }
    }
    return [...starts].sort((a, b) => a - b);
  }

  /** Its windows that hold the window `startUs` of a view under it, by resolution. */
  affected(name: string, index: number, startUs: number): number[][] | undefined {
    const isRead = this.plan.sources.some(({ stream, everyMs }) => {
      const view = stream === name ? this.find(name) : undefined;
      return view && levelOptionsOf(view.plan)[index]?.everyMs === everyMs;
    });
    if (!isRead) return undefined;
    return levelOptionsOf(this.plan).map(({ everyUs, sizeUs }) => {
      const last = Math.floor(startUs / everyUs) * everyUs;
      const starts: number[] = [];
      for (let at = last - sizeUs + everyUs; at <= last; at += everyUs) starts.push(at);
      return starts;
    });
  }

  forget(index: number, startUs: number): void {
    const key = `${index} ${startUs}`;
    const known = this.remembered.get(key);
    if (!known) return;
    this.remembered.delete(key);
    this.rememberedGroups -= known.groups;
  }

  forgetAll(): void {
    this.remembered.clear();
    this.rememberedGroups = 0;
  }

  window(index: number, startUs: number): WindowResult {
    const { sizeUs } = levelOptionsOf(this.plan)[index]!;
    return this.finish(this.cells(index, startUs), startUs, startUs + sizeUs);
  }

  total(
    windows: readonly { index: number; startUs: number }[],
    startUs: number,
    endUs: number,
  ): WindowResult {
    const merged = new DerivedCells(this.plan);
    for (const { index, startUs: start } of windows) {
      const cells = this.cells(index, start);
      merged.merge(cells);
      merged.published += cells.published;
    }
    merged.compact(1);
    return this.finish(merged, startUs, endUs);
  }

  private cells(index: number, startUs: number): DerivedCells {
    const key = `${index} ${startUs}`;
    const known = this.remembered.get(key);
    if (known) {
      // The newest are last.
      this.remembered.delete(key);
      this.remembered.set(key, known);
      return known.cells;
    }
    const cells = index === 0 ? this.computed(startUs) : this.mergedOf(index, startUs);
    cells.compact(1);
    const groups = Math.max(cells.size + 1, Math.ceil(cells.memoryBytes() / groupBytes));
    this.remembered.set(key, { cells, groups });
    this.rememberedGroups += groups;
    for (const [oldest, old] of this.remembered) {
      if (this.rememberedGroups <= rememberedMax || oldest === key) break;
      this.remembered.delete(oldest);
      this.rememberedGroups -= old.groups;
    }
    return cells;
  }

  private computed(startUs: number): DerivedCells {
    if (this.compiled.length === 0) throw this.failure;
    const cells = new DerivedCells(this.plan);
    const { sizeUs } = levelOptionsOf(this.plan)[0]!;
    this.inputs().forEach(({ view, index }, source) => {
      for (const start of view.starts(index, startUs, startUs + sizeUs)) {
        const { rows, published } = view.window(index, start);
        ofView(this, () => cells.addRows(rows, view.columns, this.compiled[source]!));
        cells.published += published;
      }
    });
    return cells;
  }

  private mergedOf(index: number, startUs: number): DerivedCells {
    const cells = new DerivedCells(this.plan);
    const levels = levelOptionsOf(this.plan);
    // Coarse ones are kept longer than the finer ones that they are made of.
    const finerLevel = { ...levels[index - 1]!, keepUs: null };
    for (const start of this.startsOf(finerLevel, startUs, startUs + levels[index]!.sizeUs)) {
      const finer = this.cells(index - 1, start);
      cells.merge(finer);
      cells.published += finer.published;
    }
    return cells;
  }

  private finish(cells: DerivedCells, startUs: number, endUs: number): WindowResult {
    const { plan, watermarkUs } = this;
    const revision = this.revisions.of(cells.published);
    const final = watermarkUs !== null && watermarkUs >= endUs + plan.latenessMs * 1000;
    const groups = cells.rows();
    if (plan.order.length === 0) groups.sort(byGroup);
    const rows = ofView(this, () => this.result(groups)).map(
      ({ row, values }): WindowRow => ({
        startUs,
        endUs,
        revision,
        final,
        values: values as ViewValue[],
        ...(row.isOverflow ? { overflow: true as const } : {}),
        ...(row.isIncomplete ? { incomplete: true as const } : {}),
      }),
    );
    return { published: cells.published, rows };
  }

  memoryBytes(): number {
    let bytes = 0;
    for (const { cells } of this.remembered.values()) bytes += cells.memoryBytes();
    return bytes;
  }

  /** `under`: the state of the views under it; `error`: its own, or of one under it. */
  summary(under: { state: ViewState; progress: number; error?: string }): ViewSummary {
    const { plan } = this;
    const { error } = under;
    return {
      name: plan.name,
      version: plan.version,
      sql: plan.sql,
      streams: [...new Set(plan.sources.map(({ stream }) => stream))],
      window: plan.window,
      resolutions: plan.keepMs.map(({ everyMs, keepMs }) => {
        const cutUs = this.cutUs({ everyMs, keepUs: keepMs === null ? null : keepMs * 1000 });
        return { everyMs, keepMs, keptFromUs: cutUs === Number.NEGATIVE_INFINITY ? null : cutUs };
      }),
      columns: this.columns,
      state: error === undefined ? under.state : 'failed',
      progress: under.progress,
      ...(error === undefined ? {} : { error }),
      watermarkUs: this.watermarkUs,
      expired: 0,
      recentExpired: [],
      ahead: 0,
      mismatched: 0,
      groups: 0,
      stateBytes: 0,
      memoryBytes: this.memoryBytes(),
    };
  }
}

const noTable = (name: string): LookupTable => {
  throw new Error(`a view over views joins no table such as ${name}`);
};
