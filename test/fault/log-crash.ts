// kill -9 under load, again and again on the same log: at a random moment, or by the process itself at a named
// failpoint. After each the log is opened here (the lock of the dead is recognised) and judged: what was
// answered is there at its offset, in order, once; a count by field equals the count made from what was sent.
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Rng } from '../../src/core/rng.ts';
import { openSegmentLog } from '../../src/flow/segment-log.ts';
import { bundleChild } from './bundle-child.ts';
import { type CrashOrders, kindOf, sizeOf } from './log-crash-child.ts';

export const failpoints = [
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
  'before-unlink',
  'after-unlink',
] as const;

interface Answer {
  producer: number;
  first: number;
  offset: number;
}

export class CrashTrial {
  events = 0;
  answered = 0;
  private readonly dir: string;
  private child = '';
  private readonly next = [0, 0, 0, 0, 0, 0, 0, 0];
  /** The number a producer's events must go on with, from the first offset judged. */
  private readonly judgedNext = new Map<number, number>();
  private judgedEnd = 0;

  constructor(dir: string) {
    this.dir = dir;
  }

  async prepare(): Promise<void> {
    this.child = await bundleChild(new URL('./log-crash-child.ts', import.meta.url));
  }

  async dispose(): Promise<void> {
    await rm(dirname(this.child), { recursive: true, force: true });
    await rm(this.dir, { recursive: true, force: true });
  }

  async round(rng: Rng, failpoint?: (typeof failpoints)[number]): Promise<void> {
    const orders: CrashOrders = {
      dir: this.dir,
      next: [...this.next],
      retains: false,
      isPastCache: rng.boolean(),
    };
    if (failpoint) {
      const isRare = failpoint.endsWith('roll') || failpoint.endsWith('unlink');
      orders.failpoint = { name: failpoint, hit: 1 + rng.below(isRare ? 3 : 60) };
      orders.retains = failpoint.endsWith('unlink');
    }
    const answers = await this.live(orders, failpoint ? undefined : rng.below(60));
    this.answered += answers.length;
    await this.judge(answers);
  }

  /** One life of the child; resolves with its answers once it is dead. */
  private live(orders: CrashOrders, killAfterMs: number | undefined): Promise<Answer[]> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [this.child, JSON.stringify(orders)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let text = '';
      let complaint = '';
      let isTimed = false;
      child.stderr.on('data', chunk => {
        complaint += chunk;
      });
      child.stdout.on('data', chunk => {
        text += chunk;
        if (killAfterMs === undefined || isTimed) return;
        isTimed = true;
        setTimeout(() => child.kill('SIGKILL'), killAfterMs);
      });
      child.on('error', reject);
      child.on('close', (code, signal) => {
        if (signal !== 'SIGKILL')
          return reject(new Error(`the child ended by itself (${code}): ${complaint}`));
        // A line without its end was cut off by the death: nobody saw that answer.
        const lines = text
          .slice(0, text.lastIndexOf('\n') + 1)
          .split('\n')
          .slice(1, -1);
        resolve(
          lines.map(line => {
            const [producer, first, offset] = line.split(' ').map(Number);
            return { producer: producer!, first: first!, offset: offset! };
          }),
        );
      });
    });
  }

  private async judge(answers: Answer[]): Promise<void> {
    const log = await openSegmentLog({ dir: this.dir, segmentBytes: 20_000, reserveBytes: 0 });
    try {
      if (log.problems().length > 0) throw new Error(log.problems().join(' '));
      if ((await log.streams()).length === 0) return;
      const { first, end } = await log.range('s', 0);
      if (end < this.judgedEnd) throw new Error(`the end went back from ${this.judgedEnd} to ${end}`);
      const start = Math.max(first, this.judgedEnd);
      const found = await this.readFrom(log, start, end);
      if (start > this.judgedEnd) this.judgedNext.clear();
      const answered = new Map(answers.map(({ producer, first: n, offset }) => [`${producer}/${n}`, offset]));
      this.judgeOrder(found, start, answered);
      for (const { producer, first: n, offset } of answers) {
        this.next[producer] = Math.max(this.next[producer]!, n + sizeOf(n));
        const event = found[offset - start];
        if (offset >= start && (event?.p !== producer || event.n !== n)) {
          throw new Error(`answered ${producer}/${n} at ${offset}, found ${JSON.stringify(event)}`);
        }
      }
      // A producer without repeats must not send again what may be there.
      for (const { p, n } of found) {
        if (kindOf(p) === 'plain') this.next[p] = Math.max(this.next[p]!, n + 1);
      }
      this.judgedEnd = end;
      this.events += found.length;
    } finally {
      await log.close();
    }
  }

  private async readFrom(log: Awaited<ReturnType<typeof openSegmentLog>>, start: number, end: number) {
    const target = new Uint8Array(log.maxBatchBytes);
    const found: { p: number; n: number; k: number }[] = [];
    for (let at = start; at < end; ) {
      const { batches, length, next } = await log.read('s', 0, at, target);
      const lines = Buffer.from(target.subarray(0, length)).toString().split('\n').slice(0, -1);
      found.push(...lines.slice(at - batches[0]!.offset).map(line => JSON.parse(line)));
      at = next;
    }
    if (found.length !== end - start) throw new Error(`${found.length} events in [${start}, ${end})`);
    return found;
  }

  /** Each producer's numbers follow each other without a gap or a repeat, and a count by field is the sent one. */
  private judgeOrder(
    found: { p: number; n: number; k: number }[],
    start: number,
    answered: Map<string, number>,
  ) {
    const counted = new Array<number>(7).fill(0);
    const expected = new Array<number>(7).fill(0);
    const begun = new Map(this.judgedNext);
    found.forEach(({ p, n, k }, i) => {
      const due = this.judgedNext.get(p);
      const isPlain = kindOf(p) === 'plain';
      if (due !== undefined && (isPlain ? n < due : n !== due)) {
        throw new Error(`offset ${start + i}: producer ${p} has number ${n} where ${due} was due`);
      }
      if (!isPlain) {
        if (!begun.has(p)) begun.set(p, n);
        counted[k]!++;
      }
      this.judgedNext.set(p, n + 1);
    });
    for (const [p, from] of begun) {
      if (kindOf(p) === 'plain') continue;
      for (let n = from; n < this.judgedNext.get(p)!; n++) expected[n % 7]!++;
      const last = this.judgedNext.get(p)!;
      for (const key of answered.keys()) {
        const [producer, n] = key.split('/').map(Number);
        if (producer === p && n! + sizeOf(n!) > last) throw new Error(`answered ${key} is not there`);
      }
    }
    if (counted.join() !== expected.join()) throw new Error(`counted ${counted}, sent ${expected}`);
  }
}
