// The log contract in memory, with offsets that have holes as Kafka's may: the suite's second implementation, so
// that the contract does not quietly become what the segment log happens to do. What it keeps outlives close().
import { wrongBatch } from '../../src/flow/append-queue.ts';
import { LogConsumer } from '../../src/flow/consumer.ts';
import type {
  AppendResult,
  Batch,
  BatchSlice,
  Consumer,
  ConsumerLag,
  Log,
  ReadResult,
  RetentionPolicy,
  StreamSummary,
} from '../../src/flow/log.ts';
import { streamNamePattern } from '../../src/flow/log.ts';
import {
  badStreamName,
  logClosed,
  offsetBeyondEnd,
  offsetRetained,
  unknownStream,
} from '../../src/flow/log-errors.ts';
import { ProducerWindow, producerHash, windowLimits } from '../../src/flow/producer-window.ts';

interface Kept {
  offset: number;
  count: number;
  bytes: Uint8Array;
  appendTimeMs: number;
}

interface Partition {
  batches: Kept[];
  first: number;
  end: number;
  window: ProducerWindow<never>;
}

export type MemoryStore = Map<string, Partition[]>;

export class MemoryLog implements Log {
  readonly maxBatchBytes = 1024 * 1024;
  private readonly store: MemoryStore;
  private readonly waiting = new Set<() => void>();
  private readonly listeners = new Set<(result: AppendResult) => void>();
  private readonly openConsumers = new Set<LogConsumer>();
  private isClosed = false;

  constructor(store: MemoryStore = new Map()) {
    this.store = store;
  }

  private find(stream: string, partition: number): Partition {
    if (this.isClosed) throw logClosed();
    const partitions = this.store.get(stream);
    const found = partitions?.[partition];
    if (!found) throw unknownStream(stream, partitions ? partition : undefined);
    return found;
  }

  private announce(result: AppendResult): void {
    queueMicrotask(() => {
      for (const listener of this.listeners) listener(result);
    });
  }

  async createStream(stream: string, { partitions = 1 } = {}): Promise<StreamSummary> {
    if (this.isClosed) throw logClosed();
    if (!streamNamePattern.test(stream)) throw badStreamName(stream);
    if (!this.store.has(stream)) {
      const made = Array.from({ length: partitions }, (): Partition => {
        return { batches: [], first: 0, end: 0, window: new ProducerWindow(windowLimits) };
      });
      this.store.set(stream, made);
      for (const wake of this.waiting) wake();
      this.announce({
        stream,
        partition: 0,
        offset: 0,
        count: 0,
        duplicate: false,
        appendTimeMs: Date.now(),
      });
    }
    return (await this.streams()).find(({ name }) => name === stream)!;
  }

  async append(stream: string, partition: number, batch: Batch): Promise<AppendResult> {
    const place = this.find(stream, partition);
    const wrong = wrongBatch(batch, this.maxBatchBytes);
    if (wrong) throw wrong;
    const { producer, count } = batch;
    const name = producer ? producerHash(producer) : '';
    const known = producer && place.window.find(producer, name);
    if (known) {
      const { offset, count: before, appendTimeMs } = known;
      return { stream, partition, offset, count: before, duplicate: true, appendTimeMs };
    }
    const kept: Kept = { offset: place.end, count, bytes: batch.bytes.slice(), appendTimeMs: Date.now() };
    const answer = { offset: kept.offset, count, appendTimeMs: kept.appendTimeMs };
    if (producer && 'key' in producer) place.window.rememberKey(name, answer);
    else if (producer) place.window.rememberSequence(name, producer.first, producer.next, answer);
    place.batches.push(kept);
    // The hole that a commit marker would fill.
    place.end += count + 1;
    for (const wake of this.waiting) wake();
    const result = { stream, partition, ...answer, duplicate: false };
    queueMicrotask(() => this.announce(result));
    return result;
  }

  async streams(): Promise<StreamSummary[]> {
    if (this.isClosed) throw logClosed();
    return [...this.store].map(([name, places]) => ({
      name,
      partitions: places.map(({ first, end, batches }, partition) => {
        const bytes = batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
        return { partition, first, end, bytes, lastAppendMs: batches[batches.length - 1]?.appendTimeMs ?? 0 };
      }),
    }));
  }

  async range(stream: string, partition: number): Promise<{ first: number; end: number }> {
    const { first, end } = this.find(stream, partition);
    return { first, end };
  }

  async read(stream: string, partition: number, from: number, target: Uint8Array): Promise<ReadResult> {
    const { first, end, batches } = this.find(stream, partition);
    if (from < first) throw offsetRetained(stream, partition, from, first);
    if (from > end) throw offsetBeyondEnd(stream, partition, from, end);
    const slices: BatchSlice[] = [];
    let length = 0;
    let next = end;
    for (const { offset, count, bytes, appendTimeMs } of batches) {
      if (offset + count <= from) continue;
      if (length + bytes.length > target.length) {
        next = offset;
        break;
      }
      target.set(bytes, length);
      slices.push({ position: length, length: bytes.length, offset, count, appendTimeMs });
      length += bytes.length;
    }
    return { batches: slices, length, next, end };
  }

  async waitForPartition(count: number, signal?: AbortSignal): Promise<void> {
    const partitions = (): number => [...this.store.values()].reduce((sum, { length }) => sum + length, 0);
    while (partitions() <= count && !signal?.aborted) {
      if (this.isClosed) throw logClosed();
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
    const place = this.find(stream, partition);
    while (place.end <= offset && !signal?.aborted) {
      await this.nextChange(signal);
      this.find(stream, partition);
    }
  }

  async producerNext(stream: string, partition: number, id: string): Promise<number | undefined> {
    return this.find(stream, partition).window.nextOf(producerHash({ id, first: 0, next: 1 }));
  }

  openConsumer(name: string, stream: string, partition: number, from: number): Consumer {
    this.find(stream, partition);
    const place = { name, stream, partition, from };
    const consumer = new LogConsumer(this, place, closed => this.openConsumers.delete(closed));
    this.openConsumers.add(consumer);
    return consumer;
  }

  consumers(): ConsumerLag[] {
    return [...this.openConsumers].map(one => one.lag(this.find(one.stream, one.partition).end));
  }

  onAppend(listener: (result: AppendResult) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async retain({ maxAgeMs, maxBytes, before }: RetentionPolicy, stream?: string): Promise<number> {
    let removed = 0;
    for (const [name, places] of this.store) {
      if (stream !== undefined && name !== stream) continue;
      for (const [partition, place] of places.entries()) {
        const removable = before === undefined ? Number.POSITIVE_INFINITY : (before[partition] ?? 0);
        let bytes = place.batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
        while (place.batches.length > 0) {
          const [oldest] = place.batches as [Kept];
          const isOld = maxAgeMs !== undefined && Date.now() - oldest.appendTimeMs > maxAgeMs;
          if (!isOld && (maxBytes === undefined || bytes <= maxBytes)) break;
          if (oldest.offset + oldest.count > removable) break;
          place.batches.shift();
          bytes -= oldest.bytes.length;
          removed += oldest.count;
          place.first = oldest.offset + oldest.count;
        }
      }
    }
    return removed;
  }

  problems(): string[] {
    return [];
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const consumer of [...this.openConsumers]) consumer.close();
    for (const wake of this.waiting) wake();
  }
}
