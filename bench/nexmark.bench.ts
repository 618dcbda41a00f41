// Nexmark: the queries of bench/nexmark/queries.ts over generated events, each from memory, from the log, and from the log
// while the events are appended to it with fsync. The rows of every run are compared with DuckDB's. A figure is events of all
// kinds (not only those that the query takes) per second of processor time of the whole process: reading, garbage
// collection, writing state to disk and, with fsync, appending are in it; making the events and DuckDB's comparison are not.
// The peers' figures are those that their makers published per core, on other machines.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LogReader } from '../src/flow/log.ts';
import { openSegmentLog, type SegmentLog } from '../src/flow/segment-log.ts';
import type { Kernel } from '../src/kernel/kernel.ts';
import { loadKernel } from '../src/kernel/load-kernel.ts';
import type { Benchmark, Case, RunOptions } from './harness.ts';
import { NexmarkEvents, startMs } from './nexmark/events.ts';
import { type EventBatch, MemoryEvents } from './nexmark/memory-events.ts';
import { Oracle } from './nexmark/oracle.ts';
import { type Query, queries } from './nexmark/queries.ts';
import { runProjection } from './nexmark/run-projection.ts';
import { runView } from './nexmark/run-view.ts';

const unit = 'k events/s per core';
const stream = 'nexmark';
const batchEvents = 1000;
/** Appends under way at once. */
const appendsUnderWay = 8;
/** Events of a query's first run, which is not measured: the published runs are long ones. */
const warmUpShare = 0.1;

type Mode = 'memory' | 'log' | 'log with fsync';
const modes: readonly Mode[] = ['memory', 'log', 'log with fsync'];

function makeBatches(events: number, seed: number, timeField?: string): EventBatch[] {
  const generator = new NexmarkEvents(seed, timeField);
  const batches: EventBatch[] = [];
  for (let offset = 0; offset < events; offset += batchEvents) {
    const count = Math.min(batchEvents, events - offset);
    // The append's time in memory: as if each event came when it happened.
    const appendTimeMs = startMs + offset / 10;
    batches.push({ offset, count, bytes: generator.next(count), appendTimeMs });
  }
  return batches;
}

interface Measured {
  seconds: number;
  cpuSeconds: number;
}

type Appends = readonly Omit<EventBatch, 'bytes'>[];

/** The events, where they are read from, and who says what the rows are. */
class Setting {
  private readonly folder: string;
  private readonly events: number;
  private readonly seed: number;
  private readonly kernel: Kernel;
  private readonly oracle: Oracle;
  private readonly timed: EventBatch[];
  /** The same without a time that the engine knows; made when a query first wants them. */
  private untimed: EventBatch[] | undefined;
  /** The log that is filled before a run, each kind of events once. */
  private readonly log: SegmentLog;
  private readonly filled = new Set<string>();

  private constructor(
    options: { folder: string; events: number; seed: number },
    timed: EventBatch[],
    oracle: Oracle,
    log: SegmentLog,
  ) {
    this.folder = options.folder;
    this.events = options.events;
    this.seed = options.seed;
    this.timed = timed;
    this.oracle = oracle;
    this.log = log;
    const wasm = ['../dist/kernel.wasm', './kernel.wasm'].map(path =>
      fileURLToPath(new URL(path, import.meta.url)),
    );
    const built = wasm.find(existsSync);
    if (!built) throw new Error('dist/kernel.wasm is not built');
    this.kernel = loadKernel(built);
  }

  static async open(options: { folder: string; events: number; seed: number }): Promise<Setting> {
    const timed = makeBatches(options.events, options.seed);
    const oracle = await Oracle.open(timed, options.folder);
    const log = await openSegmentLog({ dir: join(options.folder, 'log'), durability: 'os' });
    return new Setting(options, timed, oracle, log);
  }

  private batches(query: Query): EventBatch[] {
    if (!query.byAppendTime) return this.timed;
    this.untimed ??= makeBatches(this.events, this.seed, 'dateTime');
    return this.untimed;
  }

  /** What was measured, and how many rows or events the query gave. */
  async run(query: Query, mode: Mode): Promise<Measured & { rows: number }> {
    const batches = this.batches(query);
    if (mode === 'memory') {
      const warmUp = batches.slice(0, Math.ceil(batches.length * warmUpShare));
      await this.measure(query, new MemoryEvents(stream, warmUp), warmUp);
      return this.checked(query, new MemoryEvents(stream, batches), async () => batches);
    }
    if (mode === 'log') {
      const name = query.byAppendTime ? 'untimed' : 'timed';
      if (!this.filled.has(name)) {
        await this.log.createStream(name);
        await appendAll(this.log, name, batches);
        this.filled.add(name);
      }
      return this.checked(query, renamed(this.log, name), () => this.appends(this.log, name));
    }
    const dir = join(this.folder, 'durable');
    const log = await openSegmentLog({ dir, durability: 'fsync' });
    try {
      await log.createStream(stream);
      const append = (): Promise<void> => appendAll(log, stream, batches);
      return await this.checked(query, renamed(log, stream), () => this.appends(log, stream), append);
    } finally {
      await log.close();
      rmSync(dir, { recursive: true, force: true });
    }
  }

  /** The times that the log gave to the batches. */
  private async appends(log: SegmentLog, name: string): Promise<Appends> {
    const target = new Uint8Array(log.maxBatchBytes);
    const found: Omit<EventBatch, 'bytes'>[] = [];
    for (let offset = 0; offset < this.events; ) {
      const { batches, next } = await log.read(name, 0, offset, target);
      found.push(...batches);
      offset = next;
    }
    return found;
  }

  private async checked(
    query: Query,
    reader: LogReader,
    appends: () => Promise<Appends>,
    append?: () => Promise<void>,
  ): Promise<Measured & { rows: number }> {
    const measured = await this.measure(query, reader, this.batches(query), append);
    const rows = measured.rows
      ? await this.oracle.checkRows(query, measured.rows, await appends())
      : await this.oracle.checkEvents(query, Buffer.concat(measured.output));
    return { ...measured, rows };
  }

  private async measure(
    query: Query,
    reader: LogReader,
    batches: readonly EventBatch[],
    append: () => Promise<void> = async () => {},
  ): Promise<Measured & { rows: unknown[][] | undefined; output: Uint8Array[] }> {
    const { oracle, kernel, folder } = this;
    const output: Uint8Array[] = [];
    const startedCpu = process.cpuUsage();
    const startedMs = performance.now();
    const appending = append();
    const input = { query, oracle, kernel, folder, reader, appended: () => appending };
    let rows: unknown[][] | undefined;
    if (query.kind === 'view') rows = await runView(input);
    else {
      const last = batches.at(-1)!;
      const sink = (bytes: Uint8Array): void => void output.push(bytes.slice());
      await Promise.all([appending, runProjection({ ...input, events: last.offset + last.count, sink })]);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    const { user, system } = process.cpuUsage(startedCpu);
    return { seconds, cpuSeconds: (user + system) / 1e6, rows, output };
  }

  async close(): Promise<void> {
    this.oracle.close();
    await this.log.close();
  }
}

async function appendAll(log: SegmentLog, name: string, batches: readonly EventBatch[]): Promise<void> {
  let next = 0;
  const sender = async (): Promise<void> => {
    while (next < batches.length) {
      const { bytes, count } = batches[next++]!;
      await log.append(name, 0, { bytes, count });
    }
  };
  await Promise.all(Array.from({ length: appendsUnderWay }, sender));
}

/** One stream of a log, by the name that the queries have for it. */
function renamed(log: LogReader, name: string): LogReader {
  return {
    streams: async () =>
      (await log.streams())
        .filter(summary => summary.name === name)
        .map(summary => ({ ...summary, name: stream })),
    range: (_, partition) => log.range(name, partition),
    read: (_, partition, from, target) => log.read(name, partition, from, target),
    wait: (_, partition, offset, signal) => log.wait(name, partition, offset, signal),
    // There is one stream from the start.
    waitForPartition: (_, signal) =>
      new Promise(resolve => signal?.addEventListener('abort', () => resolve(), { once: true })),
    close: async () => {},
  };
}

function published(query: Query): Case[] {
  const note = 'published, per core';
  return Object.entries(query.published).map(([system, value]) => ({
    name: `${system === 'flink' ? 'Flink' : 'RisingWave'} ${query.name}`,
    peer: true,
    unit,
    value,
    question: query.name,
    note,
  }));
}

async function run({ tiny, seed }: RunOptions): Promise<Case[]> {
  const events = tiny ? 3000 : 1_000_000;
  const folder = mkdtempSync(join(process.env['MILLRACE_BENCH_DIR'] ?? tmpdir(), 'millrace-nexmark-'));
  const cases: Case[] = [];
  const setting = await Setting.open({ folder, events, seed });
  try {
    for (const query of queries) {
      for (const mode of modes) {
        const { seconds, cpuSeconds, rows } = await setting.run(query, mode);
        const wall = Math.round(events / seconds / 1000);
        const made = query.kind === 'view' ? 'rows' : 'events out';
        const remark = query.note && mode === 'memory' ? `; ${query.note}` : '';
        cases.push({
          name: `${query.name} ${query.title}, ${mode}`,
          peer: false,
          unit,
          value: events / cpuSeconds / 1000,
          question: query.name,
          note: `${wall.toLocaleString('en-US')} k/s by the clock; ${rows.toLocaleString('en-US')} ${made}, equal to DuckDB's${remark}`,
        });
      }
      cases.push(...published(query));
    }
    return cases;
  } finally {
    await setting.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const benchmark: Benchmark = {
  name: 'nexmark',
  title: 'Nexmark queries, 92 % bids, 6 % auctions, 2 % persons, about 300 bytes an event',
  run,
};
