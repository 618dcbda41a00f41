// The worker thread of segment-reader.test.ts: waits for a stream to appear, then reads it to a number of events
// straight into WebAssembly memory, sleeping whenever it has caught up.
import { parentPort, workerData } from 'node:worker_threads';
import { codeOf } from '../../src/core/errors.ts';
import { openSegmentReader, type SegmentLogHandle } from '../../src/flow/segment-reader.ts';

async function main({ handle, events }: { handle: SegmentLogHandle; events: number }): Promise<void> {
  const reader = await openSegmentReader(handle);
  for (;;) {
    try {
      await reader.range('later', 1);
      break;
    } catch (thrown) {
      if (codeOf(thrown) !== 'unknown-stream') throw thrown;
      await new Promise(resolve => setTimeout(resolve, 1));
    }
  }
  const memory = new WebAssembly.Memory({ initial: 80 });
  const target = new Uint8Array(memory.buffer, 4096, handle.maxBatchBytes);
  const lines: string[] = [];
  for (let at = 0; lines.length < events; ) {
    await reader.wait('later', 1, at);
    const { length, next } = await reader.read('later', 1, at, target);
    lines.push(...Buffer.from(target.subarray(0, length)).toString().split('\n').slice(0, -1));
    at = next;
  }
  await reader.close();
  parentPort!.postMessage(lines);
}

void main(workerData as { handle: SegmentLogHandle; events: number });
