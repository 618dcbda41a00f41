// kill -9 of the whole server under load over HTTP, again and again on the same data: the real command at random
// moments, or the same server at a failpoint of its log. After each death the log is judged against what was sent and
// answered and counted event by event; after each start the view must show exactly that count.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Rng } from '../../src/core/rng.ts';
import { openSegmentLog } from '../../src/flow/segment-log.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist');
const partitions = 2;
const producers = 6;
/** Event times lie in these three hours, in any order, so that most events change a window that is long closed. */
const fromMs = Date.UTC(2026, 0, 5, 10);
const spanMs = 3 * 3_600_000;
const minuteMs = 60_000;

export const appFailpoints = [
  'before-write',
  'after-write',
  'before-fsync',
  'after-fsync',
  'before-ack',
  'after-ack',
  'before-roll',
  'before-snapshot',
  'after-snapshot',
  'after-roll',
] as const;

/** Producers 0 and 1 use keys, 2 and 3 sequences, 4 and 5 neither. */
const kindOf = (producer: number): 'key' | 'sequence' | 'plain' =>
  producer < 2 ? 'key' : producer < 4 ? 'sequence' : 'plain';

const sizeOf = (batch: number): number => 1 + ((batch * 7919) % 40);

/** A number from a producer, batch and place in it, the same in every life. */
const scatter = (producer: number, batch: number, i: number): number =>
  Math.imul((producer + 1) * 0x9e3779b1 + batch * 0x85ebca6b + i * 0xc2b2ae35, 0x27d4eb2f) >>> 0;

interface Event {
  p: number;
  b: number;
  i: number;
  k: number;
  v: number;
  atMs: number;
}

function eventAt(p: number, b: number, i: number): Event {
  const chance = scatter(p, b, i);
  return { p, b, i, k: chance % 7, v: chance % 1000, atMs: fromMs + (chance % spanMs) };
}

function lineOf({ p, b, i, k, v, atMs }: Event): string {
  return `{"_time":"${new Date(atMs).toISOString()}","p":${p},"b":${b},"i":${i},"k":"k${k}","v":${v}}\n`;
}

const bodyOf = (p: number, b: number): string =>
  Array.from({ length: sizeOf(b) }, (_, i) => lineOf(eventAt(p, b, i))).join('');

interface Place {
  partition: number;
  offset: number;
}
/** A server while it lives; the signal is its death. */
interface Served {
  url: string;
  signal: AbortSignal;
}
interface Total {
  count: number;
  sum: number;
}
/** By window start in milliseconds and group. */
type Totals = Map<string, Total>;

export class AppCrashTrial {
  /** Events judged, answers checked, views compared, and how many windows and groups the last one had. */
  readonly tally = { events: 0, answers: 0, views: 0, rows: 0, deaths: 0 };
  private readonly dir: string;
  private child = '';
  /** The batch that each producer sends next. */
  private readonly next = new Array<number>(producers).fill(0);
  /** Where each batch that is in the log begins, by producer and number. */
  private readonly there = new Map<string, Place>();
  private readonly judged = new Array<number>(partitions).fill(0);
  private readonly totals: Totals = new Map();

  constructor(dir: string) {
    this.dir = dir;
  }

  async prepare(): Promise<void> {
    mkdirSync(join(this.dir, 'project', 'views'), { recursive: true });
    writeFileSync(
      join(this.dir, 'project', 'millrace.yaml'),
      `streams:\n  s:\n    partitions: ${partitions}\n`,
    );
    writeFileSync(
      join(this.dir, 'project', 'views', 'totals.sql'),
      '-- every: 1m, 1h\n-- keep: 1m for ever, 1h for ever\nSELECT k, count(*) AS n, sum(v) AS total FROM s GROUP BY k\n',
    );
    // Beside the server's other files and packages, as the built command is.
    const beside = await mkdtemp(join(tmpdir(), 'millrace-child-'));
    for (const name of ['kernel.wasm', 'app-engine.js', 'app-query.js', 'app-state-check.js', 'console']) {
      symlinkSync(join(dist, name), join(beside, name));
    }
    symlinkSync(join(root, 'node_modules'), join(beside, 'node_modules'));
    this.child = join(beside, 'child.mjs');
    await build({
      entryPoints: [fileURLToPath(new URL('./app-crash-child.ts', import.meta.url))],
      outfile: this.child,
      bundle: true,
      platform: 'node',
      target: 'node20.19',
      format: 'esm',
      packages: 'external',
      define: { __VERSION__: '"crash"' },
      logLevel: 'error',
    });
  }

  async dispose(): Promise<void> {
    if (this.child) await rm(join(this.child, '..'), { recursive: true, force: true });
    await rm(this.dir, { recursive: true, force: true });
  }

  /** One life: start, compare the view with the log as it was judged, load, death, judgement of the log. */
  async round(rng: Rng, failpoint?: (typeof appFailpoints)[number]): Promise<void> {
    const isRare = failpoint?.endsWith('roll') || failpoint?.endsWith('snapshot');
    const life = this.start(
      failpoint && { name: failpoint, hit: 1 + rng.below(isRare ? 3 : 200) },
      // Some die while they start.
      failpoint === undefined && rng.below(5) === 0 ? rng.below(900) : undefined,
    );
    const answers = new Map<string, Place>();
    try {
      const url = await Promise.race([life.url, life.died]);
      if (url !== undefined) {
        await Promise.race([this.compareView({ url, signal: life.signal }), life.died]);
        if (life.failure) throw life.failure;
        if (!life.isDead) {
          const afterMs = failpoint ? 10_000 : rng.below(1500);
          const timer = setTimeout(() => life.kill(), afterMs);
          await Promise.all(
            Array.from({ length: producers }, (_, p) =>
              this.produce({ url, signal: life.signal }, p, answers),
            ),
          );
          clearTimeout(timer);
        }
      }
    } finally {
      life.kill();
      await life.died;
    }
    if (life.failure) throw life.failure;
    this.tally.deaths++;
    await this.judge(answers);
  }

  /** A last life without a death: the view once more, and a stop in order. */
  async finish(): Promise<void> {
    const life = this.start(undefined, undefined);
    try {
      const url = await Promise.race([life.url, life.died]);
      if (url === undefined) throw life.failure ?? new Error('the last life died');
      await this.compareView({ url, signal: life.signal });
    } finally {
      life.kill();
      await life.died;
    }
  }

  private start(failpoint: { name: string; hit: number } | undefined, killAfterMs: number | undefined) {
    const dataDir = join(this.dir, 'data');
    const projectDir = join(this.dir, 'project');
    const args = failpoint
      ? [this.child, JSON.stringify({ dataDir, projectDir, failpoint })]
      : [
          join(root, 'bin', 'millrace'),
          'up',
          '--port',
          '0',
          '--json',
          '--data',
          dataDir,
          '--project',
          projectDir,
        ];
    const child = spawn(process.execPath, args, { cwd: this.dir, stdio: ['ignore', 'pipe', 'pipe'] });
    return new Life(child, killAfterMs);
  }

  /** Sends batch after batch until the server is gone. */
  private async produce({ url, signal }: Served, p: number, answers: Map<string, Place>): Promise<void> {
    for (;;) {
      const b = this.next[p]!;
      const headers: Record<string, string> = { 'content-type': 'application/x-ndjson' };
      if (kindOf(p) === 'key') headers['idempotency-key'] = `${p}-${b}`;
      if (kindOf(p) === 'sequence') {
        headers['millrace-producer'] = `producer-${p}`;
        headers['millrace-sequence'] = String(b);
      }
      // Without a key nobody can know whether it got there, so it is never sent again.
      if (kindOf(p) === 'plain') this.next[p] = b + 1;
      let status: number;
      let text: string;
      try {
        const answer = await fetch(`${url}/v1/streams/s/events`, {
          method: 'POST',
          headers,
          body: bodyOf(p, b),
          signal,
        });
        status = answer.status;
        text = await answer.text();
      } catch {
        return;
      }
      if (status !== 200) throw new Error(`batch ${p}/${b} was answered ${status}: ${text}`);
      const { accepted, partition, offset } = JSON.parse(text) as Place & { accepted: number };
      if (accepted !== sizeOf(b)) throw new Error(`batch ${p}/${b}: ${accepted} of ${sizeOf(b)} accepted`);
      answers.set(`${p}/${b}`, { partition, offset });
      this.next[p] = b + 1;
    }
  }

  /** Reads what the log has got since the last judgement, and counts it. */
  private async judge(answers: Map<string, Place>): Promise<void> {
    const dir = join(this.dir, 'data', 'log');
    if (!existsSync(dir)) return;
    const log = await openSegmentLog({ dir, maxBatchBytes: 8 * 1024 * 1024 });
    try {
      if (log.problems().length > 0) throw new Error(log.problems().join(' '));
      if (!(await log.streams()).some(({ name }) => name === 's')) return;
      const target = new Uint8Array(log.maxBatchBytes);
      for (let partition = 0; partition < partitions; partition++) {
        const { first, end } = await log.range('s', partition);
        const start = this.judged[partition]!;
        if (first !== 0 || end < start)
          throw new Error(`s/${partition} is [${first}, ${end}) after ${start}`);
        const lines: string[] = [];
        for (let at = start; at < end; ) {
          const { length, next, batches } = await log.read('s', partition, at, target);
          const text = Buffer.from(target.buffer, 0, length).toString().split('\n').slice(0, -1);
          lines.push(...text.slice(at - batches[0]!.offset));
          at = next;
        }
        if (lines.length !== end - start) throw new Error(`${lines.length} events in [${start}, ${end})`);
        this.take(partition, start, lines);
        this.judged[partition] = end;
      }
    } finally {
      await log.close();
    }
    for (const [batch, place] of answers) {
      const found = this.there.get(batch);
      if (found?.partition !== place.partition || found.offset !== place.offset) {
        throw new Error(`batch ${batch} answered ${JSON.stringify(place)}, found ${JSON.stringify(found)}`);
      }
    }
    this.tally.answers += answers.size;
  }

  /** Each batch is there whole, as it was sent, and once. */
  private take(partition: number, start: number, lines: string[]): void {
    for (let at = 0; at < lines.length; ) {
      const { p, b } = JSON.parse(lines[at]!) as Event;
      const batch = `${p}/${b}`;
      const offset = start + at;
      if (this.there.has(batch)) {
        const before = JSON.stringify(this.there.get(batch));
        throw new Error(`batch ${batch} is at ${partition}:${offset} and at ${before}`);
      }
      this.there.set(batch, { partition, offset });
      for (let i = 0; i < sizeOf(b); i++, at++) {
        const event = eventAt(p, b, i);
        if (`${lines[at]}\n` !== lineOf(event)) {
          throw new Error(`event ${i} of batch ${batch} at ${partition}:${start + at} is ${lines[at]}`);
        }
        this.count(event);
      }
    }
    this.tally.events += lines.length;
  }

  private count({ k, v, atMs }: Event): void {
    const place = `${Math.floor(atMs / minuteMs) * minuteMs} k${k}`;
    const total = this.totals.get(place) ?? { count: 0, sum: 0 };
    this.totals.set(place, { count: total.count + 1, sum: total.sum + v });
  }

  /** Asks until the view has caught up with the log; one that never shows exactly the count is wrong. */
  private async compareView(server: Served): Promise<void> {
    if (this.totals.size === 0) return;
    for (const [every, lengthMs] of [
      ['1m', minuteMs],
      ['1h', 60 * minuteMs],
    ] as const) {
      const wanted = coarser(this.totals, lengthMs);
      let difference: string | undefined;
      for (let ask = 0; ask < 400 && !server.signal.aborted; ask++) {
        const found = await readView(server, every).catch(() => undefined);
        difference = found ? differenceOf(found, wanted) : 'no answer';
        if (difference === undefined) break;
        await new Promise(resolve => setTimeout(resolve, 25));
      }
      if (difference !== undefined)
        throw new Error(`the view by ${every} is not the log's count: ${difference}`);
      this.tally.rows = Math.max(this.tally.rows, wanted.size);
    }
    this.tally.views++;
  }
}

class Life {
  readonly url: Promise<string>;
  /** Resolves with undefined once the process is gone. */
  readonly died: Promise<undefined>;
  isDead = false;
  /** Set where it ended by itself. */
  failure: Error | undefined;
  private readonly child: ChildProcess;
  private readonly death = new AbortController();

  constructor(child: ChildProcess, killAfterMs: number | undefined) {
    this.child = child;
    let complaint = '';
    child.stderr!.on('data', chunk => {
      complaint += chunk;
    });
    this.url = new Promise(resolve => {
      let text = '';
      child.stdout!.on('data', chunk => {
        text += chunk;
        const found = /"url":\s*"([^"]+)"/.exec(text);
        if (found) resolve(found[1]!);
      });
    });
    const timer = killAfterMs === undefined ? undefined : setTimeout(() => this.kill(), killAfterMs);
    this.died = new Promise(resolve => {
      child.on('exit', (code, signal) => {
        clearTimeout(timer);
        this.isDead = true;
        this.death.abort();
        if (signal !== 'SIGKILL')
          this.failure = new Error(`the server ended by itself (${code}): ${complaint}`);
        resolve(undefined);
      });
    });
  }

  get signal(): AbortSignal {
    return this.death.signal;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

function coarser(totals: Totals, lengthMs: number): Totals {
  const result: Totals = new Map();
  for (const [place, { count, sum }] of totals) {
    const [startMs, k] = place.split(' ') as [string, string];
    const at = `${Math.floor(Number(startMs) / lengthMs) * lengthMs} ${k}`;
    const before = result.get(at) ?? { count: 0, sum: 0 };
    result.set(at, { count: before.count + count, sum: before.sum + sum });
  }
  return result;
}

async function readView({ url, signal }: Served, every: string): Promise<Totals> {
  const totals: Totals = new Map();
  let cursor = '';
  do {
    const place = `${url}/v1/views/totals?every=${every}&limit=100000${cursor}`;
    const answer = (await (await fetch(place, { signal })).json()) as {
      source: string;
      columns: { name: string }[];
      windows: { start: string; values: (string | number)[] }[];
      next?: string;
    };
    if (answer.source !== 'view') throw new Error(`answered from ${answer.source}`);
    const [k, n, total] = ['k', 'n', 'total'].map(name =>
      answer.columns.findIndex(column => column.name === name),
    ) as [number, number, number];
    for (const { start, values } of answer.windows) {
      const at = `${Date.parse(start)} ${values[k]}`;
      if (totals.has(at)) throw new Error(`the view has ${at} twice`);
      totals.set(at, { count: Number(values[n]), sum: Number(values[total]) });
    }
    cursor = answer.next === undefined ? '' : `&cursor=${encodeURIComponent(answer.next)}`;
  } while (cursor !== '');
  return totals;
}

function differenceOf(found: Totals, wanted: Totals): string | undefined {
  for (const at of new Set([...wanted.keys(), ...found.keys()])) {
    const [a, b] = [found.get(at), wanted.get(at)];
    if (a?.count !== b?.count || a?.sum !== b?.sum) {
      return `${at} is ${JSON.stringify(a)}, the log has ${JSON.stringify(b)}`;
    }
  }
  return undefined;
}
