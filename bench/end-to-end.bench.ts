// The whole way: HTTP → validated → on disk → in the view, by the real program, with the load generator on the same machine. After every
// part the view's windows must hold exactly what was acknowledged, and after the burst so must the log, batch by batch. Rates count from the
// first request until the view is complete.
//
// MILLRACE_BENCH_PART=burst runs the parts whose title has the word; MILLRACE_BENCH_DIR is where the data goes; MILLRACE_BENCH_NODE_OPTIONS
// are given to the server's Node (--cpu-prof and the like).
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, fdatasyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openSegmentLog } from '../src/flow/segment-log.ts';
import { eventBytes, readStamp } from './end-to-end-events.ts';
import type { LoadOrder, LoadReport } from './end-to-end-generator.ts';
import { type Cpu, Server } from './end-to-end-server.ts';
import type { Benchmark, Case, RunOptions } from './harness.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

const stream = 'requests';
const eventsPerRequest = 1000;
const view = `-- every: 1s
-- keep: 1s for 2h
SELECT status, count(*) AS n, sum(bytes) AS bytes FROM ${stream} GROUP BY status
`;

/** A load generator in a process of its own: the bench program again. */
class Generator {
  private readonly child: ChildProcess = fork(join(root, 'dist', 'bench.js'), ['--load-generator'], {
    execArgv: [],
  });

  async run(order: Omit<LoadOrder, 'stream' | 'eventsPerRequest'>): Promise<LoadReport> {
    const answer = new Promise<LoadReport>((done, failed) => {
      this.child.once('message', message => done(message as LoadReport));
      this.child.once('exit', code => failed(new Error(`The load generator ended with ${code}.`)));
    });
    this.child.send({ stream, eventsPerRequest, ...order } satisfies LoadOrder);
    const report = await answer;
    if (report.fault) throw new Error(report.fault);
    return report;
  }

  close(): void {
    this.child.disconnect();
  }
}

function demand(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`end-to-end: ${what}`);
}

interface ViewWindows {
  windows: { values: [number, number, number] }[];
}

/** Waits until the view counts what was acknowledged, and compares it group by group. Answers when it was complete. */
async function untilInView(server: Server, report: LoadReport): Promise<number> {
  const wanted = new Map(report.totals);
  const patienceMs = Date.now() + 600_000;
  for (;;) {
    const { windows } = (await server.get('/v1/views/load?every=1s&from=-1h&limit=100000')) as ViewWindows;
    const found = new Map<number, { count: number; bytes: number }>();
    let events = 0;
    for (const { values } of windows) {
      const [status, count, bytes] = values;
      const total = found.get(status) ?? { count: 0, bytes: 0 };
      found.set(status, { count: total.count + count, bytes: total.bytes + bytes });
      events += count;
    }
    if (events >= report.events) {
      const doneMs = Date.now();
      demand(
        events === report.events,
        `the view counts ${events} events, ${report.events} were acknowledged`,
      );
      for (const [status, { count, bytes }] of wanted) {
        const total = found.get(status);
        demand(total?.count === count && total.bytes === bytes, `the view is wrong about status ${status}`);
      }
      return doneMs;
    }
    demand(Date.now() < patienceMs, `the view stands at ${events} of ${report.events} events`);
    await sleep(10);
  }
}

/** Reads the whole log of a stopped server: every acknowledged batch stands in it once and whole. */
async function checkLog(server: Server, report: LoadReport): Promise<void> {
  const log = await openSegmentLog({
    dir: join(server.dir, '.millrace', 'log'),
    maxBatchBytes: 8 * 1024 * 1024,
  });
  try {
    const { first, end } = await log.range(stream, 0);
    demand(first === 0 && end === report.events, `the log holds ${end - first} events of ${report.events}`);
    const target = new Uint8Array(log.maxBatchBytes);
    const seen = new Uint8Array(report.batches);
    for (let from = 0; from < end; ) {
      const { next, length } = await log.read(stream, 0, from, target);
      demand(length === (next - from) * eventBytes, `events ${from}–${next} have ${length} bytes`);
      for (let at = 0; at < length; at += eventsPerRequest * eventBytes) {
        const head = readStamp(target, at);
        const tail = readStamp(target, at + (eventsPerRequest - 1) * eventBytes);
        const isWhole = head.line === 0 && tail.line === eventsPerRequest - 1 && head.batch === tail.batch;
        demand(isWhole && seen[head.batch] === 0, `batch ${head.batch} is torn or there twice`);
        seen[head.batch] = 1;
      }
      from = next;
    }
    demand(!seen.includes(0), `batch ${seen.indexOf(0)} is missing`);
  } finally {
    await log.close();
  }
}

/** MB/s of writing a request's bytes and syncing them, again and again: what the device gives at best. */
function deviceRate(folder: string, writes: number): number {
  const bytes = Buffer.alloc(4 * eventsPerRequest * eventBytes, 'x');
  const path = join(folder, 'device');
  const file = openSync(path, 'w');
  const startedMs = performance.now();
  for (let i = 0; i < writes; i++) {
    writeSync(file, bytes, 0, bytes.length, i * bytes.length);
    fdatasyncSync(file);
  }
  const tookMs = performance.now() - startedMs;
  closeSync(file);
  unlinkSync(path);
  return (writes * bytes.length) / 1e3 / tookMs;
}

const percentile = (sorted: readonly number[], percent: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
const ms = (value: number): string => `${value.toPrecision(3)} ms`;
const megabytes = (bytes: number): number => bytes / 1e6;

/** Processor time for one event, in all threads together and in each. */
function costOf(title: string, before: Cpu, after: Cpu, report: LoadReport): Case {
  const threads = (['main', 'engine', 'others', 'query'] as const).map(
    thread => [thread, after[thread] - before[thread]] as const,
  );
  const used: (readonly [string, number])[] = [...threads, ['generator', report.cpuSeconds]];
  const each = used.map(([name, seconds]) => [name, (seconds * 1e6) / report.events] as const);
  return {
    name: `${title}: processor time`,
    peer: false,
    unit: 'µs/event',
    value: each.reduce((sum, [, cost]) => sum + cost, 0),
    note: each.map(([name, cost]) => `${name} ${cost.toFixed(3)}`).join(', '),
  };
}

interface Part {
  title: string;
  seconds: number;
  connections: number;
  rate?: number;
  isLive?: boolean;
  /** Asks for the stream in SQL all the while, for which the lake is written. */
  withLake?: boolean;
  checksLog?: boolean;
  views: Readonly<Record<string, string>>;
}

async function runPart(part: Part, options: RunOptions): Promise<Case[]> {
  const { title, seconds, connections, rate } = part;
  const server = await Server.start(part.views);
  const generator = new Generator();
  try {
    await sleep(options.tiny ? 100 : 3000);
    const idleBytes = server.residentBytes();
    const device = deviceRate(server.dir, options.tiny ? 4 : 300);
    server.peakBytes = 0;
    const before = server.cpu();
    const asking = new AbortController();
    const asked = part.withLake ? askAgainAndAgain(server, asking.signal) : undefined;
    const report = await generator.run({
      port: server.port,
      seconds,
      connections,
      seed: options.seed,
      ...(rate === undefined ? {} : { rate }),
      ...(part.isLive ? { live: 'load@1s' } : {}),
    });
    const viewDoneMs = await untilInView(server, report);
    asking.abort();
    await asked;
    let doneMs = viewDoneMs;
    if (part.withLake) {
      demand((await lakeCount(server)) === report.events, 'SQL counts other events than were acknowledged');
      doneMs = Date.now();
    }
    const tookSeconds = (doneMs - report.firstSentMs) / 1000;
    const cost = costOf(title, before, server.cpu(), report);
    const peakBytes = server.peakBytes;
    await server.stop();
    if (part.checksLog) await checkLog(server, report);
    const { answerMs, freshMs, pushedBack } = report;
    const cases: Case[] = [
      {
        name: title,
        peer: false,
        unit: 'events/s',
        value: report.events / tookSeconds,
        note: [
          `${connections} connections, ${seconds} s, ${report.events} events`,
          `view complete ${viewDoneMs - report.lastAnswerMs} ms after the last answer`,
          ...(part.withLake ? [`lake complete ${doneMs - report.lastAnswerMs} ms after it`] : []),
          `answer p50 ${ms(percentile(answerMs, 50))}, p99 ${ms(percentile(answerMs, 99))}`,
          ...(pushedBack > 0 ? [`${pushedBack} pushed back`] : []),
          `device alone ${Math.round(device)} MB/s`,
        ].join('; '),
      },
      cost,
    ];
    if (part.isLive) {
      const [p50, p99, most] = [50, 99, 100].map(percent => percentile(freshMs, percent));
      cases.push({
        name: `${title}: answer → live connection, p99`,
        peer: false,
        unit: 'ms',
        value: p99!,
        note: `p50 ${ms(p50!)}, most ${ms(most!)}, ${freshMs.length} batches`,
      });
    }
    if (peakBytes > 0) {
      const note = `resident, all processes together, at most; idle ${Math.round(megabytes(idleBytes))} MB`;
      cases.push({ name: `${title}: memory`, peer: false, unit: 'MB', value: megabytes(peakBytes), note });
    }
    return cases;
  } finally {
    generator.close();
    await server.stop();
    server.remove();
  }
}

async function lakeCount(server: Server): Promise<number> {
  const { rows } = (await server.get('/v1/sql', { sql: `SELECT count(*) FROM ${stream}` })) as {
    rows: [[number]];
  };
  return Number(rows[0][0]);
}

async function askAgainAndAgain(server: Server, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // The stream does not exist before its first event.
    await lakeCount(server).catch(() => {});
    await sleep(1000, undefined, { signal }).catch(() => {});
  }
}

async function run(options: RunOptions): Promise<Case[]> {
  const { tiny } = options;
  const views = { load: view };
  const parts: Part[] = [
    { title: 'burst', seconds: tiny ? 0.3 : 30, connections: 16, checksLog: true, views },
    ...(tiny
      ? []
      : [1, 64].map(connections => ({
          title: `burst over ${connections}`,
          seconds: 10,
          connections,
          views,
        }))),
    {
      title: 'at 100,000 events/s',
      seconds: tiny ? 0.5 : 20,
      connections: 8,
      rate: tiny ? 20_000 : 100_000,
      isLive: true,
      views,
    },
    ...(tiny
      ? []
      : [{ title: 'at 1 M events/s', seconds: 20, connections: 8, rate: 1_000_000, isLive: true, views }]),
    {
      title: 'sustained, the lake written meanwhile',
      seconds: tiny ? 0.5 : 60,
      connections: 8,
      withLake: true,
      views,
    },
  ];
  const cases: Case[] = [];
  for (const part of parts.filter(({ title }) => title.includes(process.env['MILLRACE_BENCH_PART'] ?? '')))
    cases.push(...(await runPart(part, options)));
  return cases;
}

export const benchmark: Benchmark = {
  name: 'end-to-end',
  title: `HTTP → validated → on disk → in a view of four groups a second; requests of ${eventsPerRequest} events of ${eventBytes} bytes`,
  run,
};
