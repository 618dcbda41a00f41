// From windows to lines: which series a panel has, and their values on an even time grid. Pure.
// A window that is absent holds no event: that is 0 for counts and bytes, and nothing for ratios and quantiles.
import type { Panel, Unit, ViewWindow } from '../../deliver/api.ts';
import type { ViewColumn } from '../../process/view.ts';
import { type Line, nullKey, otherKey, type Paint, type Series } from '../chart/lines.ts';
import { toNumber } from '../format.ts';
import type { Span } from '../time-range.ts';

export type TimeseriesPanel = Extract<Panel, { kind: 'timeseries' }>;

export interface Grid extends Span {
  everyMs: number;
  /** The span that may hold data: beyond it an absent window is unknown, not 0. */
  known: Span | null;
}

/** Bound of the grid: a range with more windows than this is drawn without filling gaps. */
const gridMax = 5000;
const seriesMaxDefault = 6;

function gridTimes(grid: Grid, starts: Iterable<number>): number[] {
  const first = Math.floor(grid.fromMs / grid.everyMs) * grid.everyMs;
  const count = Math.ceil((grid.toMs - first) / grid.everyMs);
  if (!(grid.everyMs > 0) || count > gridMax) return [...new Set(starts)].sort((a, b) => a - b);
  return Array.from({ length: Math.max(0, count) }, (_, index) => first + index * grid.everyMs);
}

function isAdditive(unit: Unit): boolean {
  return unit === 'count' || unit === 'bytes' || unit === 'currency';
}

function statusClass(key: string): string {
  return /^[1-5]/.test(key) ? key[0]! : '?';
}

interface Cell {
  top: number;
  per: number;
}

/** Sums by line and by time. */
type Sums = Map<string, Map<number, Cell>>;

function add(sums: Sums, key: string, timeMs: number, top: number | null, per: number | null): void {
  if (top === null) return;
  let line = sums.get(key);
  if (!line) sums.set(key, (line = new Map()));
  const cell = line.get(timeMs);
  if (cell) {
    cell.top += top;
    cell.per += per ?? 0;
  } else line.set(timeMs, { top, per: per ?? 0 });
}

/** Keys of the panel's lines for one window, with their values. */
function cellsOf(
  panel: TimeseriesPanel,
  columns: ViewColumn[],
  window: ViewWindow,
): [string, number | null][] {
  const indexOf = (name: string) => columns.findIndex(column => column.name === name);
  if (panel.series !== undefined) {
    const group = window.values[indexOf(panel.series)];
    const value = toNumber(window.values[indexOf(panel.columns[0]!)]);
    if (window.overflow) return [[otherKey, value]];
    let key = group === null || group === undefined ? nullKey : String(group);
    if (panel.classes === 'status') key = statusClass(key);
    return [[key, value]];
  }
  return panel.columns.flatMap((name): [string, number | null][] => {
    const value = window.values[indexOf(name)];
    if (!Array.isArray(value)) return [[name, toNumber(value)]];
    return value.map((element, index) => [
      panel.labels?.[index] ?? `${name}[${index + 1}]`,
      toNumber(element),
    ]);
  });
}

function total(line: Map<number, Cell>): number {
  let sum = 0;
  for (const cell of line.values()) sum += cell.top;
  return sum;
}

/** Keeps the largest lines and sums the others into one. */
function keepLargest(sums: Sums, max: number): void {
  if (sums.size <= max) return;
  const ranked = [...sums].sort((a, b) => total(b[1]) - total(a[1]));
  for (const [key, line] of ranked.slice(max - 1)) {
    sums.delete(key);
    for (const [timeMs, cell] of line) add(sums, otherKey, timeMs, cell.top, cell.per);
  }
}

function orderKeys(panel: TimeseriesPanel, sums: Sums): string[] {
  const keys = [...sums.keys()];
  if (panel.classes === 'status') return keys.sort();
  if (panel.series === undefined) return keys;
  return keys.sort((a, b) => {
    if (a === otherKey || b === otherKey) return a === otherKey ? 1 : -1;
    return total(sums.get(b)!) - total(sums.get(a)!);
  });
}

/**
 * The lines of a panel. `slots` remembers which colour a key was given, so that a line keeps its colour while ranks
 * change; it is added to. Lines come largest first ("other" last), status classes in their order.
 */
export function buildSeries(
  panel: TimeseriesPanel,
  columns: ViewColumn[],
  windows: ViewWindow[],
  grid: Grid,
  slots: Map<string, number>,
): Series {
  const perIndex = panel.per === undefined ? -1 : columns.findIndex(column => column.name === panel.per);
  const sums: Sums = new Map();
  const starts = new Set<number>();
  for (const window of windows) {
    const startMs = Date.parse(window.start);
    starts.add(startMs);
    const per = perIndex >= 0 ? toNumber(window.values[perIndex]) : null;
    for (const [key, value] of cellsOf(panel, columns, window)) add(sums, key, startMs, value, per);
  }
  if (panel.series !== undefined && panel.classes === undefined) {
    keepLargest(sums, panel.maxSeries ?? seriesMaxDefault);
  }
  const times = gridTimes(grid, starts);
  const isList = columns.some(({ name, type }) => panel.columns.includes(name) && type.endsWith('[]'));
  const isFilled = isAdditive(panel.unit) && panel.per === undefined && !isList;
  const known = grid.known;
  const empty = times.map(timeMs =>
    isFilled && known && timeMs + grid.everyMs > known.fromMs && timeMs < known.toMs ? 0 : null,
  );
  const lines = orderKeys(panel, sums).map((key): Line => {
    const cells = sums.get(key)!;
    const values = times.map((timeMs, index) => {
      const cell = cells.get(timeMs);
      if (!cell) return empty[index]!;
      if (panel.per === undefined) return cell.top;
      return cell.per === 0 ? null : cell.top / cell.per;
    });
    return { key, label: labelOf(panel, key), paint: paintOf(panel, key, slots), values };
  });
  return { times, everyMs: grid.everyMs, lines };
}

function labelOf(panel: TimeseriesPanel, key: string): string {
  return panel.classes === 'status' && key !== '?' ? `${key}xx` : key;
}

function paintOf(panel: TimeseriesPanel, key: string, slots: Map<string, number>): Paint {
  if (panel.classes === 'status') return key === '?' ? 'other' : `status-${key}`;
  if (key === otherKey) return 'other';
  let slot = slots.get(key);
  if (slot === undefined) {
    const taken = new Set(slots.values());
    slot = 0;
    while (taken.has(slot)) slot++;
    slots.set(key, slot);
  }
  return slot;
}

/**
 * A view's total over its groups: the sum of a column, or the ratio of two sums. null where there is no row.
 */
export function totalOf(
  columns: ViewColumn[],
  windows: ViewWindow[],
  column: string,
  per?: string,
): number | null {
  const sum = (name: string): number | null => {
    const index = columns.findIndex(it => it.name === name);
    let result: number | null = null;
    for (const window of windows) {
      const value = toNumber(window.values[index]);
      if (value !== null) result = (result ?? 0) + value;
    }
    return result;
  };
  const top = sum(column);
  if (per === undefined || top === null) return top;
  const below = sum(per);
  return below === null || below === 0 ? null : top / below;
}
