// The rows that wait for a slow client of one subscription: of each window the newest state, whatever has been told of it.
//
// Invariant: who holds what was sent before and takes these in, as src/deliver/api.ts says of a change, holds what one does who took in every
// change. Rows of a window told whole, and of a session, are kept as they came: their group columns may be equal.
import type { ViewChange, ViewColumn, WindowRow } from '../process/view.ts';

export type ToldRows = Pick<ViewChange, 'rows'> & {
  [Name in 'wholeStartUs' | 'overlapping' | 'by']: ViewChange[Name] | undefined;
};

interface WaitingWindow {
  /** What waits is all of it. */
  isWhole: boolean;
  /** By group columns those that are told apart by them. */
  rows: Map<string, WindowRow[]>;
}

export class WaitingRows {
  private groups: number[] = [];
  private names: string[] = [];
  private readonly windows = new Map<number, WaitingWindow>();
  /** Rows, and windows told whole. */
  size = 0;
  overlapping = false;
  by: string[] | undefined;

  constructor(columns: readonly ViewColumn[]) {
    this.setColumns(columns);
  }

  /** Of another definition. */
  setColumns(columns: readonly ViewColumn[]): void {
    this.groups = columns.flatMap((column, index) => (column.role === 'group' ? [index] : []));
    this.names = columns.map(({ name }) => name);
  }

  clear(): void {
    this.windows.clear();
    this.size = 0;
    this.overlapping = false;
    this.by = undefined;
  }

  rows(): WindowRow[] {
    return [...this.windows.values()].flatMap(({ rows }) => [...rows.values()].flat());
  }

  /** Starts of windows of which there are all rows. */
  whole(): number[] {
    return [...this.windows].flatMap(([startUs, { isWhole }]) => (isWhole ? [startUs] : []));
  }

  take({ rows, wholeStartUs, overlapping, by }: ToldRows): void {
    if (overlapping) {
      this.overlapping = true;
      this.by = by;
      this.dropOverlapped(rows);
    }
    if (wholeStartUs !== undefined) {
      this.size -= sizeOf(this.windows.get(wholeStartUs));
      this.windows.delete(wholeStartUs);
      this.windows.set(wholeStartUs, { isWhole: true, rows: new Map() });
      this.size++;
    }
    for (const row of rows) this.put(row, overlapping === true || row.startUs === wholeStartUs);
  }

  private put(row: WindowRow, isBeside: boolean): void {
    const key = this.keyOf(row, this.groups);
    let window = this.windows.get(row.startUs);
    if (window === undefined) this.windows.set(row.startUs, (window = { isWhole: false, rows: new Map() }));
    const known = window.rows.get(key);
    if (known && isBeside) known.push(row);
    else {
      // The newest are last.
      window.rows.delete(key);
      window.rows.set(key, [row]);
      this.size -= known?.length ?? 0;
    }
    this.size++;
  }

  private keyOf({ overflow, values }: WindowRow, columns: readonly number[]): string {
    return overflow ? 'overflow' : JSON.stringify(columns.map(index => values[index]));
  }

  /** Takes out sessions that have grown together into some of `rows`: all of a message is put in at once. */
  private dropOverlapped(rows: readonly WindowRow[]): void {
    if (this.windows.size === 0) return;
    const columns = this.by?.map(name => this.names.indexOf(name)) ?? this.groups;
    const byKey = new Map<string, WindowRow[]>();
    for (const row of rows) {
      const key = this.keyOf(row, columns);
      const same = byKey.get(key);
      if (same) same.push(row);
      else byKey.set(key, [row]);
    }
    const fromUs = rows.reduce((first, { startUs }) => Math.min(first, startUs), Number.POSITIVE_INFINITY);
    const toUs = rows.reduce((last, { endUs }) => Math.max(last, endUs), Number.NEGATIVE_INFINITY);
    const isOver = (held: WindowRow): boolean => {
      // Most lie elsewhere, and their keys take time to write.
      if (held.startUs >= toUs || held.endUs <= fromUs) return false;
      const over = byKey.get(this.keyOf(held, columns));
      return over?.some(row => held.startUs < row.endUs && row.startUs < held.endUs) ?? false;
    };
    for (const [startUs, window] of this.windows) {
      for (const [key, held] of window.rows) {
        const left = held.filter(row => !isOver(row));
        this.size -= held.length - left.length;
        if (left.length > 0) window.rows.set(key, left);
        else window.rows.delete(key);
      }
      if (window.rows.size === 0) this.windows.delete(startUs);
    }
  }
}

function sizeOf(window: WaitingWindow | undefined): number {
  if (window === undefined) return 0;
  let size = window.isWhole ? 1 : 0;
  for (const rows of window.rows.values()) size += rows.length;
  return size;
}
