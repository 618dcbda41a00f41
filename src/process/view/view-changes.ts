// Who watches which view at which resolution, and the changes that go out: after each flush, the changed windows of what is
// watched, numbered within one start of the engine.
import type { ViewChange, ViewColumn, WindowRow } from '../view.ts';
import type { HotWindow } from '../windows/hot-window.ts';
import type { ViewPartition } from './view-partition.ts';
import type { ViewVersion } from './view-version.ts';
import type { WindowReader } from './window-rows.ts';

export class ViewChanges {
  private readonly epoch: string;
  private readonly listeners = new Set<(change: ViewChange) => void>();
  private readonly watched = new Map<string, number>();
  private nextId = 1;

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  onChange(listener: (change: ViewChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  watch(view: string, everyMs: number): () => void {
    const key = `${everyMs} ${view}`;
    this.watched.set(key, (this.watched.get(key) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = this.watched.get(key)! - 1;
      if (left > 0) this.watched.set(key, left);
      else this.watched.delete(key);
    };
  }

  isWatched(view: string, everyMs: number): boolean {
    return this.listeners.size > 0 && this.watched.has(`${everyMs} ${view}`);
  }

  /** Sends all rows of a window. */
  sendWhole(
    view: string,
    everyMs: number,
    watermarkUs: number | null,
    rows: WindowRow[],
    wholeStartUs: number,
  ): void {
    this.emit({ view, everyMs, watermarkUs, rows, wholeStartUs });
  }

  /** Another definition of a view serves from now on, or so much of it has changed that it is asked for anew. */
  sendReplaced(view: string, watermarkUs: number | null, columns: ViewColumn[]): void {
    for (const key of this.watched.keys()) {
      const space = key.indexOf(' ');
      if (key.slice(space + 1) !== view) continue;
      this.emit({ view, everyMs: Number(key.slice(0, space)), watermarkUs, rows: [], columns });
    }
  }

  private emit(change: Omit<ViewChange, 'id' | 'epoch'>): void {
    const numbered = { ...change, id: this.nextId++, epoch: this.epoch };
    for (const listener of this.listeners) listener(numbered);
  }

  /**
   * Gives changed windows their revisions; sends them where `isServing` and somebody watches. Answers their starts by resolution.
   */
  publish(version: ViewVersion, reader: WindowReader, isServing: boolean): number[][] {
    const levels = version.partitions[0]?.levels ?? [];
    return levels.map(({ options: { everyMs } }, index) => {
      const changed = new Map<number, { partition: ViewPartition; window: HotWindow }>();
      const taken = version.partitions.map(partition => {
        const windows = partition.levels[index]!.takeChanged();
        for (const window of windows) changed.set(window.startUs, { partition, window });
        return { partition, windows };
      });
      if (isServing && this.isWatched(version.plan.name, everyMs))
        this.send(version, reader, index, everyMs, changed);
      for (const { partition, windows } of taken) partition.levels[index]!.markPublished(windows);
      return [...changed.keys()];
    });
  }

  private send(
    version: ViewVersion,
    reader: WindowReader,
    index: number,
    everyMs: number,
    changed: ReadonlyMap<number, { partition: ViewPartition; window: HotWindow }>,
  ): void {
    const starts = [...changed.keys()].sort((a, b) => a - b);
    const { window } = version.plan;
    const by = window.kind === 'session' ? window.by : undefined;
    if (by && starts.some(startUs => reader.isReplaced(index, startUs))) {
      // Sessions that lost a pane, here and beside it, are told by no row: they have shrunk, split or gone.
      this.sendReplaced(version.plan.name, version.watermarkUs, version.columns);
      return;
    }
    for (const startUs of starts) {
      const { partition, window: hot } = changed.get(startUs)!;
      const changes = reader.changed(index, partition, hot);
      if (changes === undefined) {
        this.sendReplaced(version.plan.name, version.watermarkUs, version.columns);
        return;
      }
      const { rows, isWhole } = changes;
      this.emit({
        view: version.plan.name,
        everyMs,
        watermarkUs: version.watermarkUs,
        rows,
        ...(isWhole ? { wholeStartUs: startUs } : {}),
        ...(by ? { overlapping: true, by } : {}),
      });
    }
  }
}
