// The live hub: from the engine's changes to many subscribers. It remembers the last changes of each watched (view,
// resolution), so that a client that lost its connection gets exactly what it missed, or a new snapshot where that is gone.
import type { Engine } from '../process/engine.ts';
import type { ViewChange, ViewColumn, WindowRow } from '../process/view.ts';

export interface HubChange {
  /** Grows with every change the hub saw, and with every channel; what clients resume from. */
  sequence: number;
  watermarkUs: number | null;
  rows: WindowRow[];
  /** As in the engine's change. */
  wholeStartUs: number | undefined;
  overlapping: true | undefined;
  by: string[] | undefined;
  columns: ViewColumn[] | undefined;
}

interface Channel {
  view: string;
  everyMs: number;
  unwatch: () => void;
  listeners: Set<(change: HubChange) => void>;
  /** Newest last; covers every change after `since`. */
  recent: HubChange[];
  recentRows: number;
  since: number;
  closeTimer: NodeJS.Timeout | undefined;
}

/** Rows of recent changes kept for each channel; older ones make a resuming client start anew. */
const maxRecentRows = 20_000;

/** How long an abandoned channel goes on remembering. */
const lingerMs = 60_000;

export class LiveHub {
  private readonly engine: Engine;
  private readonly channels = new Map<string, Channel>();
  private sequence = 0;
  private readonly stop: () => void;
  /** Names this hub's life: a sequence number of another one means nothing here. */
  readonly epoch: string;

  constructor(engine: Engine, epoch: string) {
    this.engine = engine;
    this.epoch = epoch;
    this.stop = engine.onChange(change => this.publish(change));
  }

  /** The last sequence number given. */
  get position(): number {
    return this.sequence;
  }

  /** Calls back for each change of a view at a resolution until the returned function is called. */
  subscribe(view: string, everyMs: number, listener: (change: HubChange) => void): () => void {
    const key = `${everyMs} ${view}`;
    let channel = this.channels.get(key);
    if (!channel) {
      channel = {
        view,
        everyMs,
        unwatch: this.engine.watch(view, everyMs),
        listeners: new Set(),
        recent: [],
        recentRows: 0,
        // A number of its own: what changed before, while nobody listened, is known to no id that was given out.
        since: ++this.sequence,
        closeTimer: undefined,
      };
      this.channels.set(key, channel);
    }
    clearTimeout(channel.closeTimer);
    channel.listeners.add(listener);
    const joined = channel;
    return () => {
      joined.listeners.delete(listener);
      if (joined.listeners.size > 0) return;
      joined.closeTimer = setTimeout(() => {
        joined.unwatch();
        this.channels.delete(key);
      }, lingerMs);
      joined.closeTimer.unref();
    };
  }

  /** Changes after a sequence number of this epoch, or undefined where they are no longer all known. */
  changesAfter(view: string, everyMs: number, sequence: number): HubChange[] | undefined {
    const channel = this.channels.get(`${everyMs} ${view}`);
    if (!channel || sequence < channel.since || sequence > this.sequence) return undefined;
    return channel.recent.filter(change => change.sequence > sequence);
  }

  close(): void {
    this.stop();
    for (const channel of this.channels.values()) {
      clearTimeout(channel.closeTimer);
      channel.unwatch();
    }
    this.channels.clear();
  }

  private publish(change: ViewChange): void {
    const channel = this.channels.get(`${change.everyMs} ${change.view}`);
    if (!channel) return;
    const entry: HubChange = {
      sequence: ++this.sequence,
      watermarkUs: change.watermarkUs,
      rows: change.rows,
      wholeStartUs: change.wholeStartUs,
      overlapping: change.overlapping,
      by: change.by,
      columns: change.columns,
    };
    // What was sent before another definition served is of no use to who was away.
    if (entry.columns) Object.assign(channel, { recent: [], recentRows: 0, since: entry.sequence });
    else channel.recent.push(entry);
    channel.recentRows += entry.rows.length;
    while (channel.recentRows > maxRecentRows && channel.recent.length > 1) {
      const dropped = channel.recent.shift()!;
      channel.recentRows -= dropped.rows.length;
      channel.since = dropped.sequence;
    }
    for (const listener of channel.listeners) listener(entry);
  }
}
