// The load generator of the end-to-end benchmark, in a process of its own: raw sockets with keep-alive, stamped bodies, as many
// requests under way as told, at full speed or at a given rate; beside it one live connection that tells what the view shows.
import { connect, type Socket } from 'node:net';
import { addTotals, Body, eventBytes, type Totals } from './end-to-end-events.ts';

export interface LoadOrder {
  port: number;
  stream: string;
  /** Watched on the live connection: `view@1s`; its column `n` counts events. Undefined opens none. */
  live?: string;
  seconds: number;
  eventsPerRequest: number;
  connections: number;
  /** Events a second, all connections together; as fast as answers come where left out. */
  rate?: number;
  seed: number;
}

/** Times are of `Date.now()`, which both processes share. */
export interface LoadReport {
  /** Batches acknowledged: their numbers are 0 … batches − 1. */
  batches: number;
  events: number;
  totals: [status: number, total: { count: number; bytes: number }][];
  firstSentMs: number;
  lastAnswerMs: number;
  /** Times a batch was refused with 429 and sent again. */
  pushedBack: number;
  /** From writing the request to its answer, each batch, sorted. */
  answerMs: number[];
  /** From the answer to the first live message that shows the batch; 0 where the message came first. Sorted. */
  freshMs: number[];
  cpuSeconds: number;
  /** What went wrong, if anything. */
  fault?: string;
}

const bodiesPerConnection = 4;

class Load {
  private readonly order: LoadOrder;
  private readonly sockets: Socket[] = [];
  private readonly totals: Totals = new Map();
  private readonly answerMs: number[] = [];
  private readonly unseen: { end: number; answeredMs: number }[] = [];
  private readonly freshMs: number[] = [];
  private nextBatch = 0;
  private batches = 0;
  private underWay = 0;
  private pushedBack = 0;
  private firstSentMs = 0;
  private lastAnswerMs = 0;
  private stopAtMs = 0;
  private seen = 0;
  private idle: (() => void)[] = [];
  private finish!: () => void;
  private fail!: (error: Error) => void;
  private readonly finished: Promise<void>;

  constructor(order: LoadOrder) {
    this.order = order;
    this.finished = new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
  }

  async run(): Promise<LoadReport> {
    const { live, connections, seconds, rate, eventsPerRequest } = this.order;
    const opened = Array.from({ length: connections }, (_, index) => this.open(index));
    await Promise.all(opened);
    if (live !== undefined) await this.watch(live);
    const cpu = process.cpuUsage();
    this.firstSentMs = Date.now();
    this.stopAtMs = this.firstSentMs + seconds * 1000;
    if (rate === undefined) for (const send of this.idle.splice(0)) send();
    else this.pace(rate / eventsPerRequest);
    await this.finished;
    const { user, system } = process.cpuUsage(cpu);
    if (live !== undefined) await this.untilSeen();
    for (const socket of this.sockets) socket.destroy();
    return {
      batches: this.batches,
      events: this.batches * eventsPerRequest,
      totals: [...this.totals],
      firstSentMs: this.firstSentMs,
      lastAnswerMs: this.lastAnswerMs,
      pushedBack: this.pushedBack,
      answerMs: this.answerMs.sort((a, b) => a - b),
      freshMs: this.freshMs.sort((a, b) => a - b),
      cpuSeconds: (user + system) / 1e6,
    };
  }

  /** Sends so many requests a second; one that finds every connection busy goes out when one is free. */
  private pace(requestsPerSecond: number): void {
    let sent = 0;
    const timer = setInterval(() => {
      const nowMs = Date.now();
      const due = Math.min(
        Math.floor(((nowMs - this.firstSentMs) / 1000) * requestsPerSecond),
        Math.round(this.order.seconds * requestsPerSecond),
      );
      while (sent < due && this.idle.length > 0) {
        sent++;
        this.idle.shift()!();
      }
      if (nowMs < this.stopAtMs) return;
      clearInterval(timer);
      if (this.underWay === 0) this.finish();
    }, 1);
  }

  private open(index: number): Promise<void> {
    const { port, stream, eventsPerRequest, rate, seed } = this.order;
    const length = eventsPerRequest * eventBytes;
    const head = `POST /v1/streams/${stream}/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/x-ndjson\r\nContent-Length: ${length}\r\n\r\n`;
    const bodies = Array.from(
      { length: bodiesPerConnection },
      (_, i) => new Body(head, eventsPerRequest, seed * 1_000_003 + index * bodiesPerConnection + i),
    );
    let turn = 0;
    let body = bodies[0]!;
    let batch = 0;
    let sentMs = 0;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.sockets.push(socket);

    const send = (): void => {
      body = bodies[turn++ % bodiesPerConnection]!;
      batch = this.nextBatch++;
      this.underWay++;
      body.stamp(batch, Date.now());
      sentMs = performance.now();
      socket.write(body.bytes);
    };
    const next = (): void => {
      if (Date.now() < this.stopAtMs && rate === undefined) send();
      else if (rate !== undefined && Date.now() < this.stopAtMs) this.idle.push(send);
      else if (this.underWay === 0) this.finish();
    };
    const answers = new AnswerReader((status, text) => {
      this.lastAnswerMs = Date.now();
      if (status === 429) {
        this.pushedBack++;
        setTimeout(() => socket.write(body.bytes), 20);
        return;
      }
      const answer = JSON.parse(text) as { accepted: number; rejected: number; offset: number };
      if (status !== 200 || answer.accepted !== eventsPerRequest || answer.rejected !== 0) {
        return this.fail(new Error(`batch ${batch}: ${status} ${text}`));
      }
      this.answerMs.push(performance.now() - sentMs);
      addTotals(this.totals, body.totals);
      this.batches++;
      this.underWay--;
      if (this.order.live !== undefined) this.acknowledged(answer.offset + answer.accepted);
      next();
    });
    socket.on('data', chunk => answers.push(chunk));
    return new Promise((resolve, reject) => {
      socket.on('error', error => {
        this.fail(error);
        reject(error);
      });
      socket.on('connect', () => {
        this.idle.push(send);
        resolve();
      });
      socket.on('close', () => {
        if (this.underWay > 0) this.fail(new Error('The server closed a connection.'));
      });
    });
  }

  private acknowledged(end: number): void {
    if (end <= this.seen) this.freshMs.push(0);
    else this.unseen.push({ end, answeredMs: performance.now() });
  }

  /** Follows the view; one partition is read in order, so a total of t shows every event before offset t. */
  private watch(live: string): Promise<void> {
    const counts = new Map<string, number>();
    const socket = connect({ port: this.order.port, host: '127.0.0.1' });
    this.sockets.push(socket);
    socket.write(`GET /v1/live?s=${live} HTTP/1.1\r\nHost: 127.0.0.1:${this.order.port}\r\n\r\n`);
    let text = '';
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        // Chunk sizes of the transfer encoding stand between messages; `data:` lines are whole between blank lines.
        const messages = text.split('\n\n');
        text = messages.pop()!;
        for (const message of messages) {
          const kind = /event: (\w+)/.exec(message)?.[1];
          const data = /^data: (.*)$/m.exec(message)?.[1];
          if (kind === 'error') this.fail(new Error(`live: ${data}`));
          if (data === undefined || (kind !== 'snapshot' && kind !== 'change')) continue;
          const content = JSON.parse(data);
          for (const { start, values } of content.windows ?? content.answer.windows) {
            counts.set(`${start} ${values[0]}`, values[1]);
          }
          this.shown([...counts.values()].reduce((sum, count) => sum + count, 0));
          if (kind === 'snapshot') resolve();
        }
      });
    });
  }

  private shown(total: number): void {
    this.seen = total;
    const nowMs = performance.now();
    let left = 0;
    for (const waiting of this.unseen) {
      if (waiting.end <= total) this.freshMs.push(nowMs - waiting.answeredMs);
      else this.unseen[left++] = waiting;
    }
    this.unseen.length = left;
  }

  private async untilSeen(): Promise<void> {
    const patienceMs = performance.now() + 30_000;
    while (this.unseen.length > 0) {
      if (performance.now() > patienceMs)
        throw new Error('Acknowledged events are missing on the live connection.');
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  }
}

/** HTTP answers with a Content-Length, as they come out of a socket. */
class AnswerReader {
  private text = '';
  private readonly take: (status: number, body: string) => void;

  constructor(take: (status: number, body: string) => void) {
    this.take = take;
  }

  push(chunk: Buffer): void {
    this.text += chunk.toString('latin1');
    for (;;) {
      const headEnd = this.text.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = this.text.slice(0, headEnd);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      const end = headEnd + 4 + length;
      if (!(this.text.length >= end)) return;
      const body = this.text.slice(headEnd + 4, end);
      this.text = this.text.slice(end);
      this.take(Number(head.slice(9, 12)), body);
    }
  }
}

/** Carries out the orders of the parent process. */
export function serveLoad(): void {
  process.on('message', async (order: LoadOrder) => {
    const report = await new Load(order).run().catch((fault: Error) => ({ fault: String(fault.stack) }));
    process.send!(report);
  });
  process.on('disconnect', () => process.exit(0));
}
