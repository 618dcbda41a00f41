// The windows of one view at one resolution, kept up to date from live changes (src/deliver/api.ts says by what rows are replaced). A row
// that comes alone takes the place of the one with its start and groups, unless that has a higher revision, so such messages may arrive twice
// or late; rows of a whole window, or of a session, are all there, whatever their groups. Bounded by `rowsMax`: beyond it the oldest go.

import type { ViewWindow } from '../../deliver/api.ts';
import type { ViewColumn, ViewValue } from '../../process/view.ts';

export const rowsMax = 200_000;

export class WindowSet {
  readonly columns: ViewColumn[];
  private readonly groupIndexes: number[];
  /** By start and groups, which some views do not tell all rows apart by. */
  private readonly rows = new Map<string, ViewWindow[]>();
  private count = 0;

  /** `windows` are all rows of theirs. */
  constructor(columns: ViewColumn[], windows: Iterable<ViewWindow> = []) {
    this.columns = columns;
    this.groupIndexes = columns.flatMap((column, index) => (column.role === 'group' ? [index] : []));
    this.replace(windows);
  }

  get size(): number {
    return this.count;
  }

  private groupsOf(window: ViewWindow, indexes: readonly number[]): string {
    const groups: (ViewValue | undefined)[] = indexes.map(index => window.values[index]);
    return window.overflow ? 'overflow' : JSON.stringify(groups);
  }

  private keyOf(window: ViewWindow): string {
    return `${window.start}\0${this.groupsOf(window, this.groupIndexes)}`;
  }

  /**
   * Puts windows in; answers whether anything changed. An older revision than the one held is ignored. `whole` lists starts of which
   * these are all rows. `overlapping`: they are all rows of sessions, told apart by the columns `by`, and take the place of those that they
   * overlap; those that are `gone` only remove them.
   */
  apply(
    windows: Iterable<ViewWindow>,
    whole: readonly string[] = [],
    overlapping = false,
    by?: readonly string[],
  ): boolean {
    const starts = new Set(whole);
    let changed = this.drop(({ start }) => starts.has(start));
    let coming = [...windows];
    if (overlapping) {
      const known = this.sessions(coming, by);
      coming = known.coming;
      changed = this.drop(known.isOver) || changed;
    }
    const put = new Set<string>();
    for (const window of coming) {
      const key = this.keyOf(window);
      if (put.has(key) && (overlapping || starts.has(window.start))) this.add(key, window);
      else changed = this.put(key, window) || changed;
      put.add(key);
    }
    if (this.count > rowsMax) this.dropOldest(this.count - rowsMax);
    return changed;
  }

  private add(key: string, window: ViewWindow): void {
    const same = this.rows.get(key);
    if (same) same.push(window);
    else this.rows.set(key, [window]);
    this.count++;
  }

  /** In the place of what is held; answers whether that is no newer. */
  private put(key: string, window: ViewWindow): boolean {
    const held = this.rows.get(key) ?? [];
    if (held.some(({ revision }) => revision > window.revision)) return false;
    if (window.gone) return this.drop(row => held.includes(row));
    this.rows.set(key, [window]);
    this.count += 1 - held.length;
    return true;
  }

  /** Answers whether there were any. */
  private drop(isLeaving: (window: ViewWindow) => boolean): boolean {
    const { count } = this;
    for (const [key, rows] of this.rows) {
      const left = rows.filter(window => !isLeaving(window));
      if (left.length === rows.length) continue;
      this.count -= rows.length - left.length;
      if (left.length > 0) this.rows.set(key, left);
      else this.rows.delete(key);
    }
    return this.count !== count;
  }

  /** What comes of sessions, without those that are held in a newer revision, and which rows they take the place of. */
  private sessions(
    windows: readonly ViewWindow[],
    by: readonly string[] | undefined,
  ): { coming: ViewWindow[]; isOver: (held: ViewWindow) => boolean } {
    const indexes = by?.map(name => this.columns.findIndex(column => column.name === name));
    const keyOf = (window: ViewWindow): string => this.groupsOf(window, indexes ?? this.groupIndexes);
    const startOf = (window: ViewWindow): string => `${window.start}\0${keyOf(window)}`;
    const starts = windows.map(({ start }) => start).sort();
    const ends = windows.map(({ end }) => end).sort();
    // Most rows lie elsewhere, and their keys take time to write.
    const isNear = ({ start, end }: ViewWindow): boolean => start <= ends.at(-1)! && end >= starts[0]!;
    const newest = new Map<string, number>();
    for (const held of [...this.rows.values()].flat()) {
      if (!isNear(held)) continue;
      const start = startOf(held);
      newest.set(start, Math.max(newest.get(start) ?? 0, held.revision));
    }
    const coming = windows.filter(window => (newest.get(startOf(window)) ?? 0) <= window.revision);
    const byKey = new Map<string, ViewWindow[]>();
    for (const window of coming) {
      const same = byKey.get(keyOf(window));
      if (same) same.push(window);
      else byKey.set(keyOf(window), [window]);
    }
    // These are replaced where they are.
    const again = new Set(coming.filter(({ gone }) => !gone).map(window => this.keyOf(window)));
    const isOver = (held: ViewWindow): boolean => {
      const over = isNear(held) ? byKey.get(keyOf(held)) : undefined;
      if (!over?.some(window => isBefore(held.start, window.end) && isBefore(window.start, held.end)))
        return false;
      return !again.has(this.keyOf(held));
    };
    return { coming: coming.filter(({ gone }) => !gone), isOver };
  }

  /** What a snapshot says holds alone. */
  replace(windows: Iterable<ViewWindow>): void {
    this.rows.clear();
    this.count = 0;
    for (const window of windows) this.add(this.keyOf(window), window);
    if (this.count > rowsMax) this.dropOldest(this.count - rowsMax);
  }

  /** Lets go of windows that ended at or before a moment; answers whether there were any. */
  prune(beforeMs: number): boolean {
    return this.drop(window => Date.parse(window.end) <= beforeMs);
  }

  private dropOldest(count: number): void {
    const oldest = this.list().sort((a, b) => (a.start < b.start ? -1 : 1));
    const leaving = new Set(oldest.slice(0, count));
    this.drop(window => leaving.has(window));
  }

  /** All windows, in no order. */
  list(): ViewWindow[] {
    return [...this.rows.values()].flat();
  }
}

/** Of instants as text; without the Z, fractions of different lengths compare too. */
const isBefore = (a: string, b: string): boolean => a.slice(0, -1) < b.slice(0, -1);
