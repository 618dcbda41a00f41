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
    return `${window.start}\0${JSON.stringify(groups)}`;
  }

  /** Puts windows in; answers whether anything changed. An older revision than the one held is ignored. */
  apply(windows: Iterable<ViewWindow>): boolean {
    let changed = false;
    for (const window of windows) {
      const key = this.keyOf(window);
      const held = this.rows.get(key);
      if (held && held.revision > window.revision) continue;
      this.rows.set(key, window);
      changed = true;
    }
    if (this.rows.size > rowsMax) this.dropOldest(this.rows.size - rowsMax);
    return changed;
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
