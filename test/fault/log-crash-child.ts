// The process that log-crash.ts kills: producers that append as fast as the log answers, each telling its parent
// of every answer before it goes on. What producer p sends as number n is the same in every life.
import { writeSync } from 'node:fs';
import type { Batch } from '../../src/flow/log.ts';
import { openSegmentLog } from '../../src/flow/segment-log.ts';
import type { Failpoint } from '../../src/flow/writer-limits.ts';

export interface CrashOrders {
  dir: string;
  /** Where each producer goes on. */
  next: number[];
  /** The process kills itself there, at the n-th time. */
  failpoint?: { name: string; hit: number };
  retains: boolean;
  /** Groups are written past the system's cache, where that can be. */
  isPastCache: boolean;
}

/** Producers 0 to 2 use keys, 3 to 5 sequences, 6 and 7 neither. */
export const kindOf = (producer: number): 'key' | 'sequence' | 'plain' =>
  producer < 3 ? 'key' : producer < 6 ? 'sequence' : 'plain';

export const sizeOf = (first: number): number => 1 + ((first * 7919) % 5);

function batchAt(producer: number, first: number): Batch {
  const next = first + sizeOf(first);
  let text = '';
  for (let n = first; n < next; n++) text += `{"p":${producer},"n":${n},"k":${n % 7}}\n`;
  const bytes = Buffer.from(text);
  const count = next - first;
  if (kindOf(producer) === 'key') return { bytes, count, producer: { key: `${producer}-${first}` } };
  if (kindOf(producer) === 'sequence') return { bytes, count, producer: { id: `p${producer}`, first, next } };
  return { bytes, count };
}

async function main(orders: CrashOrders): Promise<void> {
  let hits = 0;
  const failpoint: Failpoint = name => {
    if (name === orders.failpoint?.name && ++hits === orders.failpoint.hit)
      process.kill(process.pid, 'SIGKILL');
  };
  const { dir } = orders;
  const log = await openSegmentLog({
    dir,
    segmentBytes: 20_000,
    reserveBytes: 0,
    ...(orders.isPastCache && { directBytes: 1 }),
    failpoint,
  });
  await log.createStream('s');
  writeSync(1, 'ready\n');
  const produce = async (producer: number): Promise<void> => {
    for (let first = orders.next[producer]!; ; first += sizeOf(first)) {
      const { offset } = await log.append('s', 0, batchAt(producer, first));
      writeSync(1, `${producer} ${first} ${offset}\n`);
    }
  };
  const retain = async (): Promise<void> => {
    for (;;) {
      await log.retain({ maxBytes: 100_000 });
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  };
  await Promise.all([
    ...orders.next.map((_, producer) => produce(producer)),
    ...(orders.retains ? [retain()] : []),
  ]);
}

if (process.argv[2]?.startsWith('{')) void main(JSON.parse(process.argv[2]) as CrashOrders);
