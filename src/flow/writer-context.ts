// What a partition's writer works with: the limits, the parts of the log that all writers use, and the state that
// retention and the opening have a hand in too.
import type { ActiveSegment } from './active-segment.ts';
import type { Backlog } from './append-queue.ts';
import type { Clock } from './clock.ts';
import type { DiskSpace } from './disk-space.ts';
import type { FileSystem } from './file-system.ts';
import type { AppendResult } from './log.ts';
import type { WindowLimits } from './producer-window.ts';
import type { TailBoard } from './tail-board.ts';
import type { TailMemory } from './tail-memory.ts';

/** Places where a fault test may stop or kill the process; the log calls it only where one is handed in. */
export type Failpoint = (
  name:
    | 'before-write'
    | 'after-write'
    | 'before-fsync'
    | 'after-fsync'
    | 'before-ack'
    | 'after-ack'
    | 'before-roll'
    | 'before-snapshot'
    | 'after-snapshot'
    | 'after-roll'
    | 'before-unlink'
    | 'after-unlink',
) => void;

export interface WriterLimits {
  maxBatchBytes: number;
  segmentBytes: number;
  /** Index records a segment; bounds its index and the reading at an opening. */
  segmentRecords: number;
  /** Written together at most; twice that may be on its way to the disk. */
  groupBytes: number;
  /** While a sync is under way the next group is written beside it once so much is waiting; less waits for it. */
  overlapBytes: number;
  /** Groups from this size on, with a sync to wait for, are written past the system's cache from the tail memory. */
  directBytes: number;
  /** Newest bytes of a partition that are held so; four partitions at a time. A multiple of 64 KiB. */
  tailBytes: number;
  /** Bytes not yet answered in the whole log, beyond which `log-overloaded` is the answer. */
  queueBytes: number;
  /** Batches waiting in one partition, likewise. */
  queueBatches: number;
  /** Adjacent batches without a producer in one group become one on disk, up to so many bytes. */
  mergeBytes: number;
}

export interface WriterContext {
  fs: FileSystem;
  clock: Clock;
  board: TailBoard;
  /** Made at the first call. */
  tail(): TailMemory;
  disk: DiskSpace;
  backlog: Backlog;
  limits: WriterLimits;
  window: WindowLimits;
  /** Undefined: acknowledge after the sync. A number: acknowledge after the write, sync so much later; Infinity: never. */
  syncDelayMs: number | undefined;
  failpoint: Failpoint | undefined;
  /** Called in append order after the appends' promises resolved. */
  appended(results: AppendResult[]): void;
}

export interface WriterState {
  stream: string;
  partition: number;
  directory: string;
  slot: number;
  /** Ascending base offsets; the last one is written to. */
  segments: number[];
  segment: ActiveSegment | undefined;
  /** Offset after the last written event. */
  end: number;
  bytes: number;
  lastAppendMs: number;
}
