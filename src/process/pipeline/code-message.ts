// What passes between the thread that runs a pipeline's functions and the one that keeps its state.
import type { ErrorWire } from '../../core/errors.ts';
import type { BatchResult, BatchState, PipelineBatch, PreparedBatch } from './batch.ts';
import type { PipelineSpec } from './definition.ts';

export interface CodeThreadData {
  name: string;
  /** The file's URL. */
  url: string;
  /** URL of what `millrace/analyze` is. */
  analyze: string;
  /** One counter, which grows with each call: a thread whose counter stands still hangs. */
  progress: SharedArrayBuffer;
}

export type ToCode =
  | { kind: 'source'; url: string; code: string }
  | { kind: 'no-source'; url: string; error: ErrorWire }
  | { kind: 'prepare'; batch: PipelineBatch }
  | { kind: 'run'; state: BatchState };

export type FromCode =
  /** A local file is imported: its code, please. */
  | { kind: 'need'; url: string }
  | { kind: 'loaded'; spec: PipelineSpec }
  | { kind: 'refused'; error: ErrorWire }
  | { kind: 'prepared'; prepared: PreparedBatch }
  | { kind: 'done'; result: BatchResult }
  | { kind: 'begin'; call: string }
  /** Its buffers are larger than `buffersMb`: it is to be ended. */
  | { kind: 'too-large' }
  /** An error outside of calls: a promise nobody awaited, a timer of the user's. */
  | { kind: 'stray'; message: string }
  /** A defect of ours. */
  | { kind: 'failure'; error: ErrorWire };
