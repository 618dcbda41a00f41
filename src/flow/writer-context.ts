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
import type { Failpoint, WriterLimits } from './writer-limits.ts';

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
