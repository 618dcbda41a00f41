// For tests only: a log in memory, DuckDB as parser and oracle, and an engine over them that can be thrown away and opened
// again on the same state, as after kill -9.

import { MillraceError } from '../../core/errors.ts';
import type { LogReader, ReadResult, StreamSummary } from '../../flow/log.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { createWasmKernel } from '../../kernel/testing/kernels.ts';
import type { StateStore } from '../../store/state.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import type { Engine } from '../engine.ts';
import { parseSql } from '../plan/plan.fixture.ts';
import { createEngine, type EngineOptions } from './engine-core.ts';

interface MemoryBatch {
  offset: number;
  count: number;
  bytes: Uint8Array;
  appendTimeMs: number;
}

const encoder = new TextEncoder();

/** The reading side of a log over arrays. */
export class MemoryLog implements LogReader {
  private readonly partitions = new Map<string, MemoryBatch[][]>();
  private readonly waiting = new Set<() => void>();

  createStream(stream: string, partitions = 1): void {
    this.partitions.set(
      stream,
      Array.from({ length: partitions }, () => []),
    );
    this.notify();
  }

  /** `events`: objects, or lines of JSON as they are. */
  append(stream: string, partition: number, events: readonly (object | string)[], appendTimeMs = 0): void {
    const batches = this.partitions.get(stream)![partition]!;
    const last = batches.at(-1);
    const bytes = encoder.encode(
      events.map(event => `${typeof event === 'string' ? event : JSON.stringify(event)}\n`).join(''),
    );
    batches.push({ offset: last ? last.offset + last.count : 0, count: events.length, bytes, appendTimeMs });
    this.notify();
  }

  private notify(): void {
    for (const wake of [...this.waiting]) wake();
  }

  private end(stream: string, partition: number): number {
    const last = this.partitions.get(stream)?.[partition]?.at(-1);
    return last ? last.offset + last.count : 0;
  }

  async streams(): Promise<StreamSummary[]> {
    return [...this.partitions].map(([name, partitions]) => ({
      name,
      partitions: partitions.map((_, partition) => ({
        partition,
        first: 0,
        end: this.end(name, partition),
        bytes: 0,
        lastAppendMs: 0,
      })),
    }));
  }

  async range(stream: string, partition: number): Promise<{ first: number; end: number }> {
    return { first: 0, end: this.end(stream, partition) };
  }

  async read(stream: string, partition: number, from: number, target: Uint8Array): Promise<ReadResult> {
    const all = this.partitions.get(stream)?.[partition];
    if (all === undefined) throw new MillraceError('unknown-stream', stream, { status: 404 });
    const result: ReadResult = { batches: [], length: 0, next: from, end: this.end(stream, partition) };
    for (const batch of all) {
      if (batch.offset + batch.count <= from) continue;
      if (result.length + batch.bytes.length > target.length) break;
      target.set(batch.bytes, result.length);
      const { offset, count, appendTimeMs } = batch;
      result.batches.push({
        position: result.length,
        length: batch.bytes.length,
        offset,
        count,
        appendTimeMs,
      });
      result.length += batch.bytes.length;
      result.next = offset + count;
    }
    return result;
  }

  async waitForPartition(count: number, signal?: AbortSignal): Promise<void> {
    const partitions = (): number =>
      [...this.partitions.values()].reduce((sum, { length }) => sum + length, 0);
    while (partitions() <= count && !signal?.aborted) {
      await this.nextChange(signal);
    }
  }

  private nextChange(signal?: AbortSignal): Promise<void> {
    return new Promise<void>(resolve => {
      const wake = (): void => {
        this.waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }

  async wait(stream: string, partition: number, offset: number, signal?: AbortSignal): Promise<void> {
    while (this.end(stream, partition) <= offset && !signal?.aborted) {
      await this.nextChange(signal);
    }
  }

  async close(): Promise<void> {}
}

/** A store whose writes stop at a given transaction, as if the process had been killed then. */
export function killable(state: StateStore): { state: StateStore; kill: () => void } {
  let isDead = false;
  return {
    kill: () => {
      isDead = true;
    },
    state: {
      get: key => state.get(key),
      range: (start, end, options) => state.range(start, end, options),
      transaction: work => {
        if (isDead) throw new Error('killed');
        return state.transaction(work);
      },
      flush: () => state.flush(),
      sizeBytes: () => state.sizeBytes(),
      close: async () => {},
    },
  };
}

export const startMs = Date.UTC(2026, 0, 1);

/** A log with a stream `access` of these events. */
export function logWith(...events: object[]): MemoryLog {
  const log = new MemoryLog();
  log.createStream('access');
  if (events.length > 0) log.append('access', 0, events, startMs);
  return log;
}

/** Kernels of engines that are closed, for the next ones: each has an input of megabytes. */
const kernels: Kernel[] = [];

export async function openEngine(log: LogReader, options: Partial<EngineOptions> = {}): Promise<Engine> {
  const kernel = kernels.pop() ?? createWasmKernel();
  const engine = await createEngine({
    log,
    state: createMemoryState(),
    kernel,
    parseSql,
    clock: { nowMs: () => startMs },
    publishMs: 1,
    commitMs: 5,
    ...options,
  });
  const close = engine.close.bind(engine);
  let closing: Promise<void> | undefined;
  engine.close = () => {
    closing ??= close().then(() => void kernels.push(kernel));
    return closing;
  };
  return engine;
}

/** Event time as an event carries it. */
export const at = (offsetMs: number): string => new Date(startMs + offsetMs).toISOString();
