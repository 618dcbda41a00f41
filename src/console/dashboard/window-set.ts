// The windows of one view at one resolution, kept up to date from live changes. At most one row for each start and
// group; the row with the highest revision stays, so messages may arrive twice or late. Bounded by `rowsMax`: beyond
// it the oldest windows go.

import type { ViewWindow } from '../../deliver/api.ts';
import type { ViewColumn, ViewValue } from '../../process/view.ts';

export const rowsMax = 200_000;

export class WindowSet {
  readonly columns: ViewColumn[];
  private readonly groupIndexes: number[];
  private readonly rows = new Map<string, ViewWindow>();

  constructor(columns: ViewColumn[], windows: Iterable<ViewWindow> = []) {
    this.columns = columns;
    this.groupIndexes = columns.flatMap((column, index) => (column.role === 'group' ? [index] : []));
    this.apply(windows);
  }

  get size(): number {
    return this.rows.size;
  }

  private keyOf(window: ViewWindow): string {
    const groups: (ViewValue | undefined)[] = this.groupIndexes.map(index => window.values[index]);
    return `${window.start}\0${window.overflow ? 'overflow' : JSON.stringify(groups)}`;
  }

  /**
   * Puts windows in; answers whether anything changed. An older revision than the one held is ignored. `whole` lists starts of which
   * these are all rows; `overlapping` rows also take the place of those of their groups that they overlap, and are removed where they are
   * `gone`.
   */
  apply(windows: Iterable<ViewWindow>, whole: readonly string[] = [], overlapping = false): boolean {
    let changed = this.dropAll(new Set(whole));
    if (overlapping) changed = this.dropOverlapped(windows) || changed;
    for (const window of windows) {
      const key = this.keyOf(window);
      const held = this.rows.get(key);
      if (held && held.revision > window.revision) continue;
      if (window.gone) changed = this.rows.delete(key) || changed;
      else {
        this.rows.set(key, window);
        changed = true;
      }
    }
    if (this.rows.size > rowsMax) this.dropOldest(this.rows.size - rowsMax);
    return changed;
  }

  private dropAll(starts: ReadonlySet<string>): boolean {
    if (starts.size === 0) return false;
    const { size } = this.rows;
    for (const [key, { start }] of this.rows) if (starts.has(start)) this.rows.delete(key);
    return this.rows.size !== size;
  }

  private dropOverlapped(windows: Iterable<ViewWindow>): boolean {
    const { size } = this.rows;
    const groupsOf = (key: string): string => key.slice(key.indexOf('\0'));
    const byGroups = new Map<string, ViewWindow[]>();
    for (const window of windows) {
      const groups = groupsOf(this.keyOf(window));
      byGroups.set(groups, [...(byGroups.get(groups) ?? []), window]);
    }
    for (const [key, { start, end }] of this.rows) {
      const over = byGroups.get(groupsOf(key));
      if (over?.some(window => start < window.end && window.start < end && start !== window.start))
        this.rows.delete(key);
    }
    return this.rows.size !== size;
  }

  /** What a snapshot says holds alone. */
  replace(windows: Iterable<ViewWindow>): void {
    this.rows.clear();
    this.apply(windows);
  }

  /** Lets go of windows that ended at or before a moment; answers whether there were any. */
  prune(beforeMs: number): boolean {
    const size = this.rows.size;
    for (const [key, window] of this.rows) if (Date.parse(window.end) <= beforeMs) this.rows.delete(key);
    return this.rows.size !== size;
  }

  private dropOldest(count: number): void {
    const oldest = [...this.rows].sort((a, b) => (a[1].start < b[1].start ? -1 : 1)).slice(0, count);
    for (const [key] of oldest) this.rows.delete(key);
  }

  /** All windows, in no order. */
  list(): ViewWindow[] {
    return [...this.rows.values()];
  }
}
