// The log beside the device's own write+fdatasync loop, in one run and in turns, so that both meet the same device. What
// is limited by the device is given as a share of that loop; the rest in figures of its own.
import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { recordBytes } from '../src/flow/index-record.ts';
import { type Durability, openSegmentLog, type SegmentLog } from '../src/flow/segment-log.ts';
import { openSegmentReader } from '../src/flow/segment-reader.ts';
import type { Case } from './harness.ts';

const line = Buffer.from(`{"a":"${'x'.repeat(236)}"}\n`);
const linesPerBatch = 1070;
/** 256 KB: 1,070 events of 245 bytes. */
const batch = {
  bytes: Buffer.concat(Array.from({ length: linesPerBatch }, () => line)),
  count: linesPerBatch,
};

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/**
 * MB/s of the device's own loop: write the batch behind the last one, fdatasync, again. `isLengthened`: into a hole that
 * the file was given before, so that no sync changes its length.
 */
function deviceLoop(folder: string, writes: number, isLengthened: boolean): number {
  const path = join(folder, 'device');
  const file = openSync(path, 'w');
  if (isLengthened) {
    ftruncateSync(file, writes * batch.bytes.length);
    fdatasyncSync(file);
  }
  const startedMs = performance.now();
  for (let i = 0; i < writes; i++) {
    writeSync(file, batch.bytes, 0, batch.bytes.length, i * batch.bytes.length);
    fdatasyncSync(file);
  }
  const tookMs = performance.now() - startedMs;
  closeSync(file);
  unlinkSync(path);
  return (writes * batch.bytes.length) / 1e3 / tookMs;
}

/** MB/s of appends of 256 KB with so many under way. */
async function appendLoop(log: SegmentLog, writes: number, underWay: number): Promise<number> {
  const startedMs = performance.now();
  let left = writes;
  const sender = async (): Promise<void> => {
    while (left-- > 0) await log.append('bench', 0, batch);
  };
  await Promise.all(Array.from({ length: underWay }, sender));
  return (writes * batch.bytes.length) / 1e3 / (performance.now() - startedMs);
}

/** In turns, in short stretches: a device that slows down slows both. */
async function sequential(folder: string, tiny: boolean): Promise<Case[]> {
  const log = await openSegmentLog({ dir: join(folder, 'sequential') });
  await log.createStream('bench');
  const rounds = tiny ? 2 : 25;
  const writes = tiny ? 4 : 60;
  const loops = {
    device: async () => deviceLoop(folder, writes, false),
    lengthened: async () => deviceLoop(folder, writes, true),
    one: () => appendLoop(log, writes, 1),
    two: () => appendLoop(log, writes, 2),
    four: () => appendLoop(log, writes, 4),
  };
  const names = Object.keys(loops) as (keyof typeof loops)[];
  const figures: Record<keyof typeof loops, number[]> = {
    device: [],
    lengthened: [],
    one: [],
    two: [],
    four: [],
  };
  for (let round = 0; round < rounds; round++) {
    // Each begins as often as any other.
    for (let i = 0; i < names.length; i++) {
      const name = names[(round + i) % names.length]!;
      figures[name].push(await loops[name]());
    }
  }
  await log.close();
  const share = (mine: number[], limit: number[]): number =>
    Math.round(median(mine.map((value, round) => value / limit[round]!)) * 100);
  const ours = (name: string, mine: number[]): Case => {
    const note =
      `${share(mine, figures.device)} % of the device's loop, ${share(mine, figures.lengthened)} % of the ` +
      `lengthened one (medians of ${rounds} turns)`;
    return { name, peer: false, unit: 'MB/s', value: median(mine), note };
  };
  const note = 'one file, no index, no checksum, nobody else served';
  return [
    ours('append of 256 KB, one under way', figures.one),
    ours('append of 256 KB, two under way', figures.two),
    ours('append of 256 KB, four under way', figures.four),
    {
      name: 'write+fdatasync loop of the device, a file that grows',
      peer: true,
      unit: 'MB/s',
      value: median(figures.device),
      note,
    },
    {
      name: 'the same into a file lengthened before',
      peer: true,
      unit: 'MB/s',
      value: median(figures.lengthened),
      note,
    },
  ];
}

async function concurrent(folder: string, tiny: boolean): Promise<Case[]> {
  const producers = tiny ? 20 : 1000;
  const each = tiny ? 5 : 500;
  const cases: Case[] = [];
  for (const isKeyed of [false, true]) {
    const log = await openSegmentLog({ dir: join(folder, `concurrent-${isKeyed}`) });
    await log.createStream('bench');
    const startedMs = performance.now();
    await Promise.all(
      Array.from({ length: producers }, async (_, p) => {
        for (let n = 0; n < each; n++) {
          const producer = isKeyed ? { id: `p${p}`, first: n, next: n + 1 } : undefined;
          await log.append('bench', 0, { bytes: line, count: 1, ...(producer && { producer }) });
        }
      }),
    );
    const tookMs = performance.now() - startedMs;
    await log.close();
    cases.push({
      name: isKeyed ? 'single events, each with its sequence' : 'single events',
      peer: false,
      unit: 'durable events/s',
      value: (producers * each * 1000) / tookMs,
      note: `${producers} concurrent producers in the process, each waiting for its answer`,
    });
  }
  return cases;
}

async function reading(folder: string, tiny: boolean): Promise<Case[]> {
  const log = await openSegmentLog({ dir: join(folder, 'reading'), durability: 'os' });
  await log.createStream('bench');
  await appendLoop(log, tiny ? 8 : 4000, 8);
  const reader = await openSegmentReader(log.share());
  const { end } = await log.range('bench', 0);
  const target = new Uint8Array(log.maxBatchBytes);
  const cases: Case[] = [];
  for (const [name, source] of [
    ['read, in a worker’s way (in the thread)', reader],
    ['read, on the main thread (in the pool)', log],
  ] as const) {
    const figures: number[] = [];
    for (let round = 0; round < (tiny ? 1 : 5); round++) {
      let bytes = 0;
      const startedMs = performance.now();
      for (let at = 0; at < end; ) {
        const { next, length } = await source.read('bench', 0, at, target);
        bytes += length;
        at = next;
      }
      figures.push(bytes / 1e6 / (performance.now() - startedMs));
    }
    const note = 'page cache to the caller’s memory, checksums verified';
    cases.push({ name, peer: false, unit: 'GB/s', value: median(figures), note });
  }
  await reader.close();
  await log.close();
  return cases;
}

/** The log of a process that died: nobody sealed it. */
async function recovery(folder: string, tiny: boolean): Promise<Case[]> {
  const dir = join(folder, 'recovery');
  const gigabytes = tiny ? 0.01 : 10;
  const log = await openSegmentLog({ dir, durability: 'os' });
  await log.createStream('bench', { partitions: 4 });
  const writes = Math.ceil((gigabytes * 1e9) / batch.bytes.length);
  let left = writes;
  await Promise.all(
    Array.from({ length: 16 }, async (_, i) => {
      while (left-- > 0) await log.append('bench', i % 4, { ...batch, producer: { key: `${left}` } });
    }),
  );
  await log.close();
  // What a kill leaves: no seal behind the last record, so that nothing after the last sync can be trusted.
  for (let partition = 0; partition < 4; partition++) {
    const place = join(dir, 'streams', 'bench', String(partition));
    const newest = readdirSync(place)
      .filter(name => name.endsWith('.index'))
      .sort()
      .pop()!;
    truncateSync(join(place, newest), statSync(join(place, newest)).size - recordBytes);
  }
  const startedMs = performance.now();
  const again = await openSegmentLog({ dir });
  const openMs = performance.now() - startedMs;
  const answeredMs = performance.now();
  await again.append('bench', 0, { ...batch, producer: { key: '0' } });
  const firstMs = performance.now() - answeredMs;
  await again.close();
  const note = `${gigabytes} GB in 4 partitions, not closed before, durability os: the newest segments are verified whole`;
  return [
    { name: 'recovery', peer: false, unit: 'ms', value: openMs, note },
    {
      name: 'first append with a key after it',
      peer: false,
      unit: 'ms',
      value: firstMs,
      note: 'reads the producer window back',
    },
  ];
}

async function latencies(folder: string, tiny: boolean): Promise<Case[]> {
  const cases: Case[] = [];
  const durabilities: [string, Durability][] = [
    ['fsync', 'fsync'],
    ['interval: 50ms', { intervalMs: 50 }],
    ['os', 'os'],
  ];
  for (const [name, durability] of durabilities) {
    const log = await openSegmentLog({ dir: join(folder, `latency-${name.slice(0, 2)}`), durability });
    await log.createStream('bench');
    const tookMs: number[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = 0; i < (tiny ? 5 : 400); i++) {
          const startedMs = performance.now();
          await log.append('bench', 0, { bytes: batch.bytes.subarray(0, 40 * line.length), count: 40 });
          tookMs.push(performance.now() - startedMs);
        }
      }),
    );
    await log.close();
    tookMs.sort((a, b) => a - b);
    for (const percent of [50, 95, 99]) {
      const value = tookMs[Math.floor(((tookMs.length - 1) * percent) / 100)]!;
      const note = '8 senders, 10 KB each, waiting for each answer';
      cases.push({ name: `ack p${percent}, ${name}`, peer: false, unit: 'ms to ack', value, note });
    }
  }
  return cases;
}

export const benchmark = {
  name: 'log',
  title: 'the segment log beside the device',
  async run({ tiny }: { tiny: boolean; seed: number }): Promise<Case[]> {
    const folder = await mkdtemp(join(process.env['MILLRACE_BENCH_DIR'] ?? tmpdir(), 'millrace-bench-log-'));
    try {
      const cases: Case[] = [];
      for (const part of [sequential, concurrent, reading, latencies, recovery]) {
        cases.push(...(await part(folder, tiny)));
      }
      const [load] = loadavg();
      cases[0]!.note += `; load ${load!.toFixed(1)} on ${cpus().length} cores at the end`;
      return cases;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
