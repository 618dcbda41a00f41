// GET /v1/streams/{stream}/tail: events as they are appended, over server-sent events. A client that reads more slowly than
// events come gets the newest ones and is told how many were left out.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '../flow/log.ts';
import { EventStream } from './event-stream.ts';

/** Events that wait for a slow client, and characters of them. */
const maxWaiting = 1000;
const maxWaitingText = 16 * 1024 * 1024;

export async function serveTail(
  log: Log,
  stream: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const summary = (await log.streams()).find(candidate => candidate.name === stream);
  // Throws unknown-stream as every other reader does.
  if (!summary) await log.range(stream, 0);
  const stopping = new AbortController();
  let waiting: string[] = [];
  let waitingText = 0;
  let skipped = 0;
  const events = new EventStream(request, response, {
    next: () => {
      if (skipped > 0) {
        const text = `event: skipped\ndata: {"events":${skipped}}\n\n`;
        skipped = 0;
        return text;
      }
      const text = waiting.shift();
      waitingText -= text?.length ?? 0;
      return text;
    },
    onClose: () => {
      stopping.abort();
      clearInterval(beat);
    },
  });
  const beat = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': still here\n\n');
  }, 15_000);

  function dropOldest(): void {
    let dropped = 0;
    while (waiting.length - dropped > maxWaiting || waitingText > maxWaitingText) {
      waitingText -= waiting[dropped++]!.length;
    }
    waiting = waiting.slice(dropped);
    skipped += dropped;
  }

  async function follow(partition: number, from: number): Promise<void> {
    const consumer = log.openConsumer(`tail ${request.socket.remotePort}`, stream, partition, from);
    const target = new Uint8Array(log.maxBatchBytes);
    const decoder = new TextDecoder();
    try {
      for (;;) {
        const read = await consumer.next(target, stopping.signal);
        if (!read) return;
        const lines = decoder.decode(target.subarray(0, read.length)).split('\n');
        lines.pop();
        let offset = read.batches[0]?.offset ?? 0;
        for (const line of lines) {
          // Events are JSON on one line, so the data field needs no splitting.
          const text = `event: event\nid: ${partition}.${offset++}\ndata: ${line}\n\n`;
          waiting.push(text);
          waitingText += text.length;
        }
        dropOldest();
        events.pump();
      }
    } catch {
      events.close();
    } finally {
      consumer.close();
    }
  }

  for (const { partition, end } of summary?.partitions ?? []) void follow(partition, end);
}
