// What every implementation of src/flow/log.ts must do. `describeLog` is called by a test file for each of them;
// offsets are not assumed dense here except where `isDense` says so.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AppendResult, Batch, Log, LogReader, Producer } from '../../src/flow/log.ts';

export interface LogUnderTest {
  log: Log;
  /** Closes and opens the same log again, as a restart does. */
  reopen(): Promise<Log>;
  /** A reader as another thread would have it, where the implementation has one. */
  reader?(): Promise<LogReader>;
  dispose(): Promise<void>;
}

export interface LogTraits {
  /** Offsets within a partition have no holes. */
  isDense: boolean;
  /** Segments are small enough for `retain({maxBytes})` to remove some after 200 batches of 1 KB. */
  hasSmallSegments: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function batchOf(ids: number[], producer?: Producer, padding = 0): Batch {
  const pad = 'x'.repeat(padding);
  const bytes = encoder.encode(ids.map(id => `{"id":${id},"pad":"${pad}"}\n`).join(''));
  return producer ? { bytes, count: ids.length, producer } : { bytes, count: ids.length };
}

/** Every id in the partition from `from` on, read through a target of `targetBytes`. */
export async function idsIn(
  log: LogReader,
  stream: string,
  partition = 0,
  from = 0,
  targetBytes = 4 * 1024 * 1024,
): Promise<number[]> {
  const target = new Uint8Array(targetBytes);
  const ids: number[] = [];
  let at = from;
  for (;;) {
    const { batches, next, end } = await log.read(stream, partition, at, target);
    for (const { position, length, offset, count } of batches) {
      const lines = decoder.decode(target.subarray(position, position + length)).split('\n');
      expect(lines.length).toBe(count + 1);
      for (let i = Math.max(0, at - offset); i < count; i++) ids.push(JSON.parse(lines[i]!).id);
    }
    if (batches.length === 0) {
      expect(next).toBe(end);
      return ids;
    }
    at = next;
  }
}

const code = (expected: string) => expect.objectContaining({ code: expected });

export function describeLog(name: string, traits: LogTraits, open: () => Promise<LogUnderTest>): void {
  describe(`log contract: ${name}`, () => {
    let subject: LogUnderTest;
    let log: Log;
    beforeEach(async () => {
      subject = await open();
      log = subject.log;
      await log.createStream('access');
    });
    afterEach(() => subject.dispose());

    it('appends and reads back byte for byte, in order', async () => {
      const results: AppendResult[] = [];
      for (let i = 0; i < 10; i++) results.push(await log.append('access', 0, batchOf([i * 2, i * 2 + 1])));
      expect(results.every(result => !result.duplicate && result.count === 2)).toBe(true);
      if (traits.isDense) expect(results.map(result => result.offset)).toEqual(results.map((_, i) => i * 2));
      expect(await idsIn(log, 'access')).toEqual(Array.from({ length: 20 }, (_, i) => i));
    });

    it('keeps the order in which append was called when many are under way', async () => {
      const results = await Promise.all(
        Array.from({ length: 500 }, (_, i) => log.append('access', 0, batchOf([i]))),
      );
      for (let i = 1; i < results.length; i++) {
        expect(results[i]!.offset).toBeGreaterThan(results[i - 1]!.offset);
      }
      expect(await idsIn(log, 'access')).toEqual(Array.from({ length: 500 }, (_, i) => i));
    });

    it('reads whole batches from the one that holds the offset asked for', async () => {
      await log.append('access', 0, batchOf([0, 1, 2], { key: 'a' }));
      const second = await log.append('access', 0, batchOf([3, 4, 5], { key: 'b' }));
      const target = new Uint8Array(log.maxBatchBytes);
      const result = await log.read('access', 0, second.offset + 1, target);
      expect(result.batches).toHaveLength(1);
      expect(result.batches[0]!.offset).toBe(second.offset);
      expect(result.next).toBe(result.end);
      expect(await idsIn(log, 'access', 0, second.offset + 1)).toEqual([4, 5]);
    });

    it('returns as many whole batches as fit and goes on at next', async () => {
      for (let i = 0; i < 20; i++) await log.append('access', 0, batchOf([i], { key: `k${i}` }, 1000));
      const target = new Uint8Array(3500);
      const first = await log.read('access', 0, 0, target);
      expect(first.batches).toHaveLength(3);
      expect(first.length).toBe(first.batches.reduce((sum, batch) => sum + batch.length, 0));
      expect(first.next).toBeLessThan(first.end);
      expect(await idsIn(log, 'access', 0, 0, 3500)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    });

    it('keeps partitions apart', async () => {
      await log.createStream('many', { partitions: 3 });
      for (let i = 0; i < 30; i++) await log.append('many', i % 3, batchOf([i]));
      expect(await idsIn(log, 'many', 1)).toEqual(
        Array.from({ length: 30 }, (_, i) => i).filter(i => i % 3 === 1),
      );
      const summary = (await log.streams()).find(({ name }) => name === 'many')!;
      expect(summary.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2]);
      expect(summary.partitions.every(({ bytes, end, first }) => bytes > 0 && end - first >= 10)).toBe(true);
    });

    it('makes a stream once and never changes its partitions', async () => {
      const made = await Promise.all([
        log.createStream('twice', { partitions: 2 }),
        log.createStream('twice', { partitions: 5 }),
      ]);
      expect(made.map(({ partitions }) => partitions.length)).toEqual([2, 2]);
      expect((await log.createStream('twice')).partitions).toHaveLength(2);
    });

    it.each(['', '1a', '../up', 'a/b', 'a b', 'x'.repeat(101), '.hidden'])(
      'refuses the stream name %j',
      async bad => {
        await expect(log.createStream(bad)).rejects.toEqual(code('bad-stream-name'));
      },
    );

    it('refuses batches that are empty, too large, miscounted or without their newline', async () => {
      const bytes = encoder.encode('{}\n');
      const refused: Batch[] = [
        { bytes: new Uint8Array(), count: 1 },
        { bytes: new Uint8Array(log.maxBatchBytes + 1).fill(10), count: 1 },
        { bytes, count: 0 },
        { bytes, count: 1.5 },
        { bytes: encoder.encode('{}'), count: 1 },
        { bytes, count: 1, producer: { key: '' } },
        { bytes, count: 1, producer: { id: 'p', first: 5, next: 5 } },
      ];
      for (const batch of refused) {
        await expect(log.append('access', 0, batch)).rejects.toEqual(code('bad-batch'));
      }
      expect(await idsIn(log, 'access')).toEqual([]);
    });

    it('names unknown streams and offsets outside the range', async () => {
      const target = new Uint8Array(log.maxBatchBytes);
      await expect(log.append('nope', 0, batchOf([1]))).rejects.toEqual(code('unknown-stream'));
      await expect(log.append('access', 7, batchOf([1]))).rejects.toEqual(code('unknown-stream'));
      await expect(log.read('nope', 0, 0, target)).rejects.toEqual(code('unknown-stream'));
      await expect(log.range('nope', 0)).rejects.toEqual(code('unknown-stream'));
      await expect(log.wait('nope', 0, 0)).rejects.toEqual(code('unknown-stream'));
      await log.append('access', 0, batchOf([1]));
      const { end } = await log.range('access', 0);
      await expect(log.read('access', 0, end + 1, target)).rejects.toMatchObject({
        code: 'offset-beyond-end',
        context: { end },
      });
      expect(await log.read('access', 0, end, target)).toMatchObject({ batches: [], next: end, end });
    });

    it('appends a batch with a key once, also while the first is under way and after a restart', async () => {
      const both = await Promise.all([
        log.append('access', 0, batchOf([1, 2], { key: 'k' })),
        log.append('access', 0, batchOf([1, 2], { key: 'k' })),
      ]);
      expect(both[1]).toEqual({ ...both[0]!, duplicate: true });
      expect(await log.append('access', 0, batchOf([1, 2], { key: 'k' }))).toEqual(both[1]);
      log = await subject.reopen();
      expect(await log.append('access', 0, batchOf([1, 2], { key: 'k' }))).toEqual(both[1]);
      expect(await idsIn(log, 'access')).toEqual([1, 2]);
    });

    it('holds a producer to its sequence, also after a restart', async () => {
      const send = (first: number, next: number) =>
        log.append(
          'access',
          0,
          batchOf(
            Array.from({ length: next - first }, (_, i) => first + i),
            { id: 'p', first, next },
          ),
        );
      const one = await send(10, 12);
      const two = await send(12, 15);
      expect(await send(10, 12)).toEqual({ ...one, duplicate: true });
      await expect(send(16, 18)).rejects.toMatchObject({
        code: 'sequence-gap',
        context: { expected: 15, received: 16 },
      });
      await expect(send(14, 17)).rejects.toEqual(code('sequence-overlap'));
      log = await subject.reopen();
      expect(await send(12, 15)).toEqual({ ...two, duplicate: true });
      await expect(send(16, 18)).rejects.toMatchObject({ context: { expected: 15, received: 16 } });
      await send(15, 17);
      expect(await idsIn(log, 'access')).toEqual([10, 11, 12, 13, 14, 15, 16]);
    });

    it('keeps everything over a restart', async () => {
      for (let i = 0; i < 50; i++) await log.append('access', 0, batchOf([i]));
      const before = await log.range('access', 0);
      log = await subject.reopen();
      expect(await log.range('access', 0)).toEqual(before);
      await log.append('access', 0, batchOf([50]));
      expect(await idsIn(log, 'access')).toEqual(Array.from({ length: 51 }, (_, i) => i));
      expect(log.problems()).toEqual([]);
    });

    it('wakes a waiting reader when events arrive, and lets it go when its signal aborts', async () => {
      const order: string[] = [];
      const waiting = log.wait('access', 0, 0).then(() => order.push('woken'));
      await Promise.resolve();
      order.push('appending');
      await log.append('access', 0, batchOf([1]));
      await waiting;
      expect(order).toEqual(['appending', 'woken']);
      await log.wait('access', 0, 0);
      const stop = new AbortController();
      const { end } = await log.range('access', 0);
      const aborted = log.wait('access', 0, end, stop.signal);
      stop.abort();
      await aborted;
    });

    it('wakes who waits for a partition when a stream is made, and lets it go when its signal aborts', async () => {
      const before = (await log.streams()).reduce((sum, { partitions }) => sum + partitions.length, 0);
      const order: string[] = [];
      const waiting = log.waitForPartition(before).then(() => order.push('woken'));
      await log.append('access', 0, batchOf([1]));
      order.push('making');
      await log.createStream('made-later', { partitions: 2 });
      await waiting;
      expect(order).toEqual(['making', 'woken']);
      await log.waitForPartition(before);
      const stop = new AbortController();
      const aborted = log.waitForPartition(before + 2, stop.signal);
      stop.abort();
      await aborted;
      const closed = expect(log.waitForPartition(before + 2)).rejects.toEqual(code('log-closed'));
      await log.close();
      await closed;
    });

    it('moves a consumer on, shows its lag, and stops it by signal', async () => {
      for (let i = 0; i < 5; i++) await log.append('access', 0, batchOf([i]));
      const { first, end } = await log.range('access', 0);
      const consumer = log.openConsumer('engine', 'access', 0, first);
      expect(log.consumers()).toEqual([
        { name: 'engine', stream: 'access', partition: 0, position: first, lag: end - first },
      ]);
      const target = new Uint8Array(log.maxBatchBytes);
      const result = (await consumer.next(target))!;
      expect(consumer.position).toBe(result.next);
      const later = consumer.next(target);
      await log.append('access', 0, batchOf([5]));
      expect((await later)!.batches).toHaveLength(1);
      const stop = new AbortController();
      const stopped = consumer.next(target, stop.signal);
      stop.abort();
      expect(await stopped).toBeUndefined();
      consumer.seek(first);
      expect(log.consumers()[0]!.position).toBe(first);
      consumer.close();
      expect(log.consumers()).toEqual([]);
      await expect(consumer.next(target)).rejects.toEqual(code('log-closed'));
    });

    it('tells listeners of every append in order, after its promise resolved, and of repeats never', async () => {
      const seen: number[] = [];
      let resolved = 0;
      const stop = log.onAppend(result => {
        if (result.count > 0) seen.push(resolved, result.offset);
      });
      const results: AppendResult[] = [];
      for (let i = 0; i < 3; i++) {
        results.push(await log.append('access', 0, batchOf([i], { key: 'k' + (i % 2) })));
        resolved++;
        await new Promise(resolve => setImmediate(resolve));
      }
      expect(seen.filter((_, i) => i % 2 === 1)).toEqual([results[0]!.offset, results[1]!.offset]);
      expect(seen.filter((_, i) => i % 2 === 0)).toEqual([1, 2]);
      stop();
      await log.append('access', 0, batchOf([9]));
      expect(seen).toHaveLength(4);
    });

    it('tells listeners of a new stream by a result without events', async () => {
      const seen: AppendResult[] = [];
      log.onAppend(result => seen.push(result));
      await log.createStream('fresh');
      await new Promise(resolve => setImmediate(resolve));
      expect(seen).toMatchObject([{ stream: 'fresh', count: 0 }]);
    });

    it.skipIf(!traits.hasSmallSegments)(
      'tells an overtaken reader the first offset still there',
      async () => {
        for (let i = 0; i < 200; i++) await log.append('access', 0, batchOf([i], { key: String(i) }, 1000));
        const removed = await log.retain({ maxBytes: 50_000 }, 'access');
        const { first, end } = await log.range('access', 0);
        if (traits.isDense) expect(removed).toBe(first);
        expect(first).toBeGreaterThan(100);
        const target = new Uint8Array(log.maxBatchBytes);
        await expect(log.read('access', 0, 0, target)).rejects.toMatchObject({
          code: 'offset-retained',
          status: 410,
          context: { first },
        });
        const left = await idsIn(log, 'access', 0, first);
        expect(left).toEqual(Array.from({ length: 200 - removed }, (_, i) => removed + i));
        log = await subject.reopen();
        expect(await log.range('access', 0)).toEqual({ first, end });
      },
    );

    it.skipIf(!traits.hasSmallSegments)('removes nothing from the offset on that it may not', async () => {
      for (let i = 0; i < 200; i++) await log.append('access', 0, batchOf([i], { key: String(i) }, 1000));
      const policy = { maxBytes: 50_000, maxAgeMs: -1000 };
      expect(await log.retain({ ...policy, before: [] }, 'access')).toBe(0);
      expect(await log.retain({ ...policy, before: [undefined, 200] }, 'access')).toBe(0);
      const removed = await log.retain({ ...policy, before: [110] }, 'access');
      const { first } = await log.range('access', 0);
      expect(first).toBeGreaterThan(50);
      expect(first).toBeLessThanOrEqual(110);
      if (traits.isDense) expect(removed).toBe(first);
    });

    it('shows another reader what is durable, new streams included', async ({ skip }) => {
      if (!subject.reader) return skip('this implementation has no second reader');
      const reader = await subject.reader();
      const waiting = reader.wait('access', 0, 0);
      await log.append('access', 0, batchOf([7, 8]));
      await waiting;
      expect(await idsIn(reader, 'access')).toEqual([7, 8]);
      await log.createStream('later', { partitions: 2 });
      await log.append('later', 1, batchOf([9]));
      expect(await idsIn(reader, 'later', 1)).toEqual([9]);
      expect(await reader.streams()).toEqual(await log.streams());
      await reader.close();
      await expect(reader.range('access', 0)).rejects.toEqual(code('log-closed'));
    });

    it('answers every waiting call with log-closed when it closes', async () => {
      const waiting = log.wait('access', 0, 0);
      const appending = log.append('access', 0, batchOf([1]));
      const outcome = Promise.allSettled([waiting]);
      await log.close();
      await appending;
      const [settled] = await outcome;
      // The append may have been quicker than the close.
      if (settled!.status === 'rejected') expect(settled!.reason).toEqual(code('log-closed'));
      await expect(log.append('access', 0, batchOf([2]))).rejects.toEqual(code('log-closed'));
      await expect(log.streams()).rejects.toEqual(code('log-closed'));
    });
  });
}
