// A stream of one partition in memory, as a log shows it to its readers: what a benchmark reads when nothing of a disk is to
// be measured. A read copies the bytes, as one from the page cache does.
import type { LogReader, ReadResult, StreamSummary } from '../../src/flow/log.ts';

export interface EventBatch {
  offset: number;
  count: number;
  bytes: Uint8Array;
  appendTimeMs: number;
}

export class MemoryEvents implements LogReader {
  private readonly stream: string;
  private readonly batches: readonly EventBatch[];
  private readonly end: number;

  constructor(stream: string, batches: readonly EventBatch[]) {
    this.stream = stream;
    this.batches = batches;
    const last = batches.at(-1);
    this.end = last ? last.offset + last.count : 0;
  }

  async streams(): Promise<StreamSummary[]> {
    const partition = { partition: 0, first: 0, end: this.end, bytes: 0, lastAppendMs: 0 };
    return [{ name: this.stream, partitions: [partition] }];
  }

  async range(): Promise<{ first: number; end: number }> {
    return { first: 0, end: this.end };
  }

  async read(_stream: string, _partition: number, from: number, target: Uint8Array): Promise<ReadResult> {
    const { end } = this;
    const result: ReadResult = { batches: [], length: 0, next: from, end };
    for (let at = this.batchOf(from); at < this.batches.length; at++) {
      const { offset, count, bytes, appendTimeMs } = this.batches[at]!;
      if (result.length + bytes.length > target.length) break;
      target.set(bytes, result.length);
      result.batches.push({ position: result.length, length: bytes.length, offset, count, appendTimeMs });
      result.length += bytes.length;
      result.next = offset + count;
    }
    return result;
  }

  private batchOf(offset: number): number {
    let [low, high] = [0, this.batches.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const batch = this.batches[middle]!;
      if (batch.offset + batch.count <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  wait(_stream: string, _partition: number, offset: number, signal?: AbortSignal): Promise<void> {
    if (offset < this.end) return Promise.resolve();
    return new Promise(resolve => signal?.addEventListener('abort', () => resolve(), { once: true }));
  }

  waitForPartition(_count: number, signal?: AbortSignal): Promise<void> {
    return new Promise(resolve => signal?.addEventListener('abort', () => resolve(), { once: true }));
  }

  async close(): Promise<void> {}
}
