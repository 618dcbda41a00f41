// Reading from a real worker thread: what is durable becomes visible there, and a waiting worker is woken.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bundleChild } from '../../test/fault/bundle-child.ts';
import { openSegmentLog } from './segment-log.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'millrace-reader-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

it('wakes readers in a worker thread, into WASM memory, also for a stream made later', async () => {
  const log = await openSegmentLog({ dir, reserveBytes: 0, segmentBytes: 5000 });
  await log.createStream('early');
  const child = await bundleChild(new URL('../../test/fault/log-reader-worker.ts', import.meta.url));
  const worker = new Worker(child, { workerData: { handle: log.share(), events: 300 } });
  const received = new Promise<string[]>((resolve, reject) => {
    worker.once('error', reject);
    worker.on('message', message => {
      if (Array.isArray(message)) resolve(message);
    });
  });
  await new Promise(resolve => worker.once('online', resolve));
  await log.createStream('later', { partitions: 2 });
  for (let i = 0; i < 300; i++) {
    await log.append('later', 1, { bytes: Buffer.from(`{"i":${i}}\n`), count: 1 });
  }
  expect(await received).toEqual(Array.from({ length: 300 }, (_, i) => `{"i":${i}}`));
  await worker.terminate();
  await log.close();
  await rm(dirname(child), { recursive: true, force: true });
});
