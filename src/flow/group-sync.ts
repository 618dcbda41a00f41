// Groups that are written and wait for their sync. Invariant: a group counts as durable only after a sync that began
// after it was written; one sync is under way at a time, and covers every group written before it began.
import type { ActiveSegment } from './active-segment.ts';
import type { Group } from './append-group.ts';
import type { WriterContext } from './writer-context.ts';

export interface GroupSyncOwner {
  /** The segment that the groups were written to. */
  segment(): ActiveSegment;
  isFailed(): boolean;
  /** The groups are on disk. */
  synced(groups: readonly Group[]): void;
  /** Nothing is left to sync for now. */
  rested(): void;
  failed(thrown: unknown): void;
}

export class GroupSync {
  /** Syncs under way, until nothing is left to sync. */
  running: Promise<void> | undefined;
  /** The one sync under way; never rejects. */
  current: Promise<void> | undefined;
  /** Bytes written and not yet synced. */
  bytes = 0;
  /** How fast the device has been of late. */
  bytesPerMs = 50_000;
  private readonly context: WriterContext;
  private readonly owner: GroupSyncOwner;
  private groups: Group[] = [];
  private cancelDelay: (() => void) | undefined;

  constructor(context: WriterContext, owner: GroupSyncOwner) {
    this.context = context;
    this.owner = owner;
  }

  /** A group that was written; its sync begins now, or when the durability says so. */
  add(group: Group): void {
    this.groups.push(group);
    this.bytes += group.bytes;
    const { syncDelayMs, clock } = this.context;
    if (this.running || this.cancelDelay) return;
    if (syncDelayMs === undefined) {
      this.run();
    } else if (syncDelayMs === Number.POSITIVE_INFINITY) {
      this.take();
    } else {
      this.cancelDelay = clock.after(syncDelayMs, () => {
        this.cancelDelay = undefined;
        if (!this.running) this.run();
      });
    }
  }

  /** The groups that waited; they are no longer this one's. */
  take(): Group[] {
    const { groups } = this;
    this.groups = [];
    this.bytes = 0;
    return groups;
  }

  private run(): void {
    this.running = this.loop().then(
      () => {
        this.running = undefined;
      },
      thrown => {
        this.running = undefined;
        this.owner.failed(thrown);
      },
    );
  }

  private async loop(): Promise<void> {
    const { context, owner } = this;
    while (this.groups.length > 0 && !owner.isFailed()) {
      const { groups } = this;
      this.groups = [];
      const startedMs = context.clock.elapsedMs();
      context.failpoint?.('before-fsync');
      const syncing = owner.segment().sync();
      this.current = syncing.catch(() => {});
      try {
        await syncing;
      } catch (thrown) {
        this.groups = [...groups, ...this.groups];
        throw thrown;
      }
      context.failpoint?.('after-fsync');
      const bytes = groups.reduce((sum, group) => sum + group.bytes, 0);
      this.bytes -= bytes;
      const tookMs = Math.max(0.05, context.clock.elapsedMs() - startedMs);
      this.bytesPerMs = Math.max(1, this.bytesPerMs * 0.8 + (bytes / tookMs) * 0.2);
      owner.synced(groups);
    }
    owner.rested();
  }

  /** Syncs what is written, whatever the durability. */
  async now(segment: ActiveSegment | undefined): Promise<void> {
    this.cancelDelay?.();
    this.cancelDelay = undefined;
    await this.running;
    if (this.owner.isFailed() || !segment) return;
    await segment.sync();
    this.take();
  }
}
