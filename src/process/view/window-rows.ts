// The rows of one window: the groups of every partition, from memory or from the store, merged where several hold the same
// group, and put through what stands above the aggregation (outputs, HAVING, ORDER BY, LIMIT).
import { ByteReader } from '../../core/bytes.ts';
import type { StateReader } from '../../store/state.ts';
import { decodeKey, type KeyPart } from '../../store/state-key.ts';
import type { AggregateValue } from '../accumulators/accumulator.ts';
import { resultRows, type Value } from '../plan/expression/evaluate.ts';
import { scalarOrder } from '../plan/functions/scalar-order.ts';
import { parsePageKey, parseWindowKey, readPage, readWindowRecord } from '../state/state-rows.ts';
import type { ViewValue, WindowRow } from '../view.ts';
import { type HotWindow, pagesOf } from '../windows/hot-window.ts';
import type { Level } from '../windows/level.ts';
import { type Group, MergedGroups } from '../windows/merged-groups.ts';
import type { Revisions } from '../windows/revisions.ts';
import { SessionReader } from './session-rows.ts';
import { ofView } from './view-failure.ts';
import type { ViewPartition } from './view-partition.ts';
import type { ViewVersion } from './view-version.ts';

export interface WindowResult {
  /** How often its parts were published, together. */
  published: number;
  rows: WindowRow[];
}

/** Reads the windows of one version of a view. */
export class WindowReader {
  private readonly version: ViewVersion;
  private readonly state: StateReader;
  private readonly revisions: Revisions;
  private readonly result: ReturnType<typeof resultRows>;
  /** Where HAVING or LIMIT leaves groups out: all of them. */
  private readonly everything: ReturnType<typeof resultRows> | undefined;
  /** Which groups may be numbers with a point; undefined where rows do not show all of their groups. */
  private readonly numbers: readonly number[] | undefined;

  constructor(version: ViewVersion, state: StateReader, revisions: Revisions) {
    this.version = version;
    this.state = state;
    this.revisions = revisions;
    const { having, limit, ...plan } = version.plan;
    this.result = ofView(version, () => resultRows(version.plan));
    this.everything = having === undefined && limit === undefined ? undefined : resultRows(plan);
    const { groups } = version.plan.sources[0]!;
    const shown = new Set(
      plan.outputs.flatMap(({ expression }) => (expression.kind === 'group' ? [expression.index] : [])),
    );
    this.numbers = groups.every((_, index) => shown.has(index))
      ? groups.flatMap(({ type }, index) => (type === 'number' || type === 'any' ? [index] : []))
      : undefined;
  }

  private levels(index: number): { partition: ViewPartition; level: Level }[] {
    return this.version.partitions.map(partition => ({ partition, level: partition.levels[index]! }));
  }

  /** Starts of the windows of a level that are kept and start in [fromUs, toUs), ascending. */
  starts(index: number, fromUs: number, toUs: number): number[] {
    const levels = this.levels(index);
    if (levels.length === 0) return [];
    const { options } = levels[0]!.level;
    const from = Math.max(fromUs, this.version.cutUs(options) - options.sizeUs + 1);
    const starts = new Set<number>();
    for (const { level } of levels) {
      for (const start of level.windows.keys()) if (start >= from && start < toUs) starts.add(start);
    }
    if (from < toUs) {
      for (const { key } of this.state.range(...levels[0]!.level.keys.windowRange(from, toUs))) {
        starts.add(parseWindowKey(key).startUs);
      }
    }
    return [...starts].sort((a, b) => a - b);
  }

  /** The rows of one window. */
  window(index: number, startUs: number): WindowResult {
    const endUs = startUs + this.levels(index)[0]!.level.options.sizeUs;
    const { rows, published } = this.allOf(index, startUs);
    return this.finish(rows, startUs, endUs, published);
  }

  /** The rows of one window; where it has an overflow group, with those that HAVING or LIMIT leaves out as `gone`. */
  windowWithGone(index: number, startUs: number): WindowRow[] {
    const { rows: groups, published } = this.allOf(index, startUs);
    const endUs = startUs + this.levels(index)[0]!.level.options.sizeUs;
    if (!groups.some(({ isOverflow }) => isOverflow))
      return this.finish(groups, startUs, endUs, published).rows;
    return this.finishWithGone(groups, startUs, endUs, published);
  }

  private allOf(index: number, startUs: number): { rows: Group[]; published: number } {
    const direct = this.direct(index, startUs);
    if (direct !== undefined) return direct;
    const merged = this.gathered(index, startUs);
    return { rows: merged.groups(), published: merged.published };
  }

  /** Rows over several windows of several levels as if they were one. */
  total(
    windows: readonly { index: number; startUs: number }[],
    startUs: number,
    endUs: number,
  ): WindowResult {
    const merged = this.merged();
    for (const { index, startUs: start } of windows) this.gather(index, start, merged);
    return this.finish(merged.groups(), startUs, endUs, merged.published);
  }

  /** Without merging, where one partition has all of the window in memory. */
  private direct(index: number, startUs: number): { rows: Group[]; published: number } | undefined {
    const levels = this.levels(index);
    if (levels.length !== 1) return undefined;
    const { level } = levels[0]!;
    const window = level.windows.get(startUs);
    if (window === undefined) return undefined;
    return { rows: directRows(level, window, window.slots), published: window.record.published };
  }

  /** The changed groups of a window, or all of them where the others matter. Undefined where sessions are too long to be told anew. */
  changed(
    index: number,
    partition: ViewPartition,
    window: HotWindow,
  ): { rows: WindowRow[]; isWhole: boolean } | undefined {
    const { plan, partitions } = this.version;
    if (plan.window.kind === 'session') {
      const groups = this.levels(index).flatMap(({ level }) => {
        const part = level.windows.get(window.startUs);
        return part?.isChanged ? level.changedSlots(part).map(slot => level.group(slot)) : [];
      });
      const rows = new SessionReader(this.version, this).around(window.startUs, groups);
      return rows && { rows, isWhole: false };
    }
    const level = partition.levels[index]!;
    const leavesOut = plan.having !== undefined || plan.limit !== undefined || window.isReplaced;
    const needsAll = leavesOut || this.numbers === undefined || partitions.length > 1;
    const changed = needsAll ? undefined : level.changedSlots(window);
    if (changed === undefined || !this.areToldApart(level, window, changed)) {
      return { rows: this.window(index, window.startUs).rows, isWhole: true };
    }
    const groups = directRows(level, window, changed);
    const { rows } = this.finish(groups, window.startUs, level.endUs(window), window.record.published);
    return { rows, isWhole: false };
  }

  /** Whether no other rows of a window have the same group columns: infinities and NaN are null there, as NULL is. */
  private areToldApart(level: Level, window: HotWindow, slots: readonly number[]): boolean {
    const isOdd = (slot: number, isNullToo: boolean): boolean => {
      const group = level.group(slot);
      return this.numbers!.some(index => {
        const value = group[index];
        return value === null ? isNullToo : typeof value === 'number' && !Number.isFinite(value);
      });
    };
    return !slots.some(slot => isOdd(slot, true)) || !window.slots.some(slot => isOdd(slot, false));
  }

  /** Groups have left this window for the overflow group since the last publish. */
  isReplaced(index: number, startUs: number): boolean {
    return this.levels(index).some(({ level }) => level.windows.get(startUs)?.isReplaced);
  }

  private merged(): MergedGroups {
    return new MergedGroups(this.version.plan.sources[0]!.aggregates);
  }

  /** All groups of a window, of every partition. */
  gathered(index: number, startUs: number): MergedGroups {
    const merged = this.merged();
    this.gather(index, startUs, merged);
    return merged;
  }

  private gather(index: number, startUs: number, merged: MergedGroups): void {
    const levels = this.levels(index);
    const hot = new Set<ViewPartition>();
    for (const { partition, level } of levels) {
      const window = level.windows.get(startUs);
      if (window === undefined) continue;
      hot.add(partition);
      merged.published += window.record.published;
      const seen = window.record.isCompacted ? merged.compactedPart() : undefined;
      for (const slot of window.slots) {
        const to = merged.addHot(level, slot, level.group(slot));
        seen?.add(to);
      }
      if (window.overflow >= 0) merged.addHot(level, window.overflow, undefined);
    }
    if (hot.size < levels.length) this.gatherStored(levels, startUs, merged, hot);
  }

  /** Adds the parts of the partitions that do not have the window in memory. */
  private gatherStored(
    levels: { partition: ViewPartition; level: Level }[],
    startUs: number,
    merged: MergedGroups,
    hot: ReadonlySet<ViewPartition>,
  ): void {
    const { keys } = levels[0]!.level;
    const isHot = (source: number, partition: number): boolean => {
      const owner = levels.find(({ partition: own }) => own.source === source && own.partition === partition);
      return owner !== undefined && hot.has(owner.partition);
    };
    const seen = new Map<string, Set<number> | undefined>();
    const addPage = (reader: ByteReader, part: string): void =>
      readPage(reader, (key, isIncomplete) => {
        const to = merged.addStored(reader, decodeKey(key), isIncomplete);
        seen.get(part)?.add(to);
      });
    let hasPages = false;
    for (const { key, value } of this.state.range(...keys.windowRange(startUs, startUs + 1))) {
      const { source, partition } = parseWindowKey(key);
      if (isHot(source, partition)) continue;
      const reader = new ByteReader(value);
      const record = readWindowRecord(reader);
      merged.published += record.published;
      const part = `${source} ${partition}`;
      seen.set(part, record.isCompacted ? merged.compactedPart() : undefined);
      if (record.hasOverflow) merged.addStored(reader, undefined, false);
      addPage(reader, part);
      hasPages ||= pagesOf(record.groups) > 1;
    }
    if (!hasPages) return;
    for (const { key, value } of this.state.range(...keys.pageRange(startUs, startUs + 1))) {
      const { source, partition } = parsePageKey(key);
      if (!isHot(source, partition)) addPage(new ByteReader(value), `${source} ${partition}`);
    }
  }

  /** Rows of one window's, or session's, groups. */
  finish(groups: Group[], startUs: number, endUs: number, published: number): WindowResult {
    const window = this.frame(startUs, endUs, published);
    const results = ofView(this.version, () => this.result(this.shaped(groups)));
    return { published, rows: results.map(result => rowOf(window, result)) };
  }

  /** As `finish`, and a row that is `gone` for each group that HAVING or LIMIT leaves out. */
  finishWithGone(groups: Group[], startUs: number, endUs: number, published: number): WindowRow[] {
    const window = this.frame(startUs, endUs, published);
    const shaped = this.shaped(groups);
    const results = ofView(this.version, () => this.result(shaped));
    const rows = results.map(result => rowOf(window, result));
    if (this.everything === undefined) return rows;
    const shown = new Set(results.map(({ row }) => row));
    const others = this.everything(shaped).filter(({ row }) => !shown.has(row));
    return [...rows, ...others.map((result): WindowRow => ({ ...rowOf(window, result), gone: true }))];
  }

  private frame(startUs: number, endUs: number, published: number): Frame {
    const { plan, watermarkUs } = this.version;
    const final = watermarkUs !== null && watermarkUs >= endUs + plan.latenessMs * 1000;
    return { startUs, endUs, revision: this.revisions.of(published), final };
  }

  /** In the order that they have where the view says none. */
  private shaped(groups: readonly Group[]): Group[] {
    const { plan } = this.version;
    const empty = plan.sources[0]!.groups.map(() => null);
    const shaped = groups.map(group => (group.isOverflow ? { ...group, groups: empty } : group));
    return plan.order.length === 0 ? shaped.sort(byGroup) : shaped;
  }
}

/** What all rows of a window share. */
type Frame = Pick<WindowRow, 'startUs' | 'endUs' | 'revision' | 'final'>;

function rowOf(window: Frame, { row, values }: { row: Group; values: ViewValue[] }): WindowRow {
  const plain: WindowRow = { ...window, values };
  if (row.isOverflow) plain.overflow = true;
  if (row.isIncomplete) plain.incomplete = true;
  return plain;
}

function directRows(level: Level, window: HotWindow, slots: readonly number[]): Group[] {
  const rows: Group[] = [];
  const row = (slot: number, groups: readonly KeyPart[], isOverflow: boolean): Group => ({
    groups,
    aggregates: level.accumulators.values(slot) as AggregateValue[] as Value[],
    isOverflow,
    isIncomplete: !isOverflow && level.isIncomplete(slot),
  });
  for (const slot of slots) rows.push(row(slot, level.group(slot), false));
  if (window.overflow >= 0) rows.push(row(window.overflow, [], true));
  return rows;
}

/** NULLs first, the overflow group last. */
export function byGroup(a: Group, b: Group): number {
  if (a.isOverflow !== b.isOverflow) return a.isOverflow ? 1 : -1;
  for (let i = 0; i < a.groups.length; i++) {
    const [x, y] = [a.groups[i]!, b.groups[i]!];
    if (x === null || y === null) {
      if (x !== y) return x === null ? -1 : 1;
      continue;
    }
    const order = scalarOrder(x, y);
    if (order !== 0) return order;
  }
  return 0;
}
