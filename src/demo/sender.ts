// Sends the shop's life over the real HTTP API: some days of history first, then second after second as time goes by.
import { Agent, request } from 'node:http';
import type { Shop } from './shop.ts';
import { shopStream } from './shop-set.ts';

export interface SenderOptions {
  url: string;
  shop: Shop;
  /** Seconds of history before the start, all of them sent at once, thinned to `historyShare` of life but for the last `fullSeconds`. */
  historySeconds: number;
  fullSeconds: number;
  historyShare: number;
  /** With more than 1, the history is not sent at once: its time runs this much faster until it has caught up with now. */
  speed: number;
  signal: AbortSignal;
  onProgress(sent: number, share: number): void;
}

const linesARequest = 1000;

/** Requests under way at once. */
const requestsAtOnce = 4;

export class Sender {
  private readonly options: SenderOptions;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: requestsAtOnce });
  sent = 0;
  failed: string | undefined;

  constructor(options: SenderOptions) {
    this.options = options;
  }

  /** Sends history, the newest stretch first, so that a dashboard of now is full at once; resolves when all is acknowledged. */
  async sendHistory(nowSecond: number): Promise<void> {
    const { historySeconds, fullSeconds, historyShare, speed, shop } = this.options;
    if (speed > 1 || historySeconds === 0) return;
    const first = nowSecond - historySeconds;
    const full = Math.max(first, nowSecond - fullSeconds);
    await this.sendSpan(full, nowSecond, second => shop.second(second), historySeconds);
    // Older history is a second out of each minute, so that it fills minutes and not a window for every second.
    const sample = (second: number): string[] =>
      second % 60 === 0 ? shop.second(second, historyShare * 60) : [];
    await this.sendSpan(first, full, sample, historySeconds);
  }

  private async sendSpan(
    from: number,
    to: number,
    linesOf: (second: number) => string[],
    allSeconds: number,
  ): Promise<void> {
    let lines: string[] = [];
    let sending: Promise<void>[] = [];
    for (let second = from; second < to && !this.options.signal.aborted; second++) {
      for (const line of linesOf(second)) lines.push(line);
      if (lines.length < linesARequest) continue;
      sending.push(this.send(lines));
      lines = [];
      if (sending.length < requestsAtOnce) continue;
      await Promise.all(sending);
      sending = [];
      this.options.onProgress(this.sent, (second - from) / allSeconds);
    }
    await Promise.all([...sending, this.send(lines)]);
  }

  /** Goes on from `nowSecond` until the signal: each second's events are sent as its end comes. */
  async sendLive(nowSecond: number): Promise<void> {
    const { signal, speed, historySeconds, shop } = this.options;
    const startedMs = performance.now();
    const origin = speed > 1 ? nowSecond - historySeconds : nowSecond;
    let next = origin;
    while (!signal.aborted) {
      const elapsed = (performance.now() - startedMs) / 1000;
      const wall = nowSecond + Math.floor(elapsed);
      const reached = Math.min(wall, origin + Math.floor(elapsed * speed));
      if (next >= reached) {
        await pause(50, signal);
        continue;
      }
      const lines: string[] = [];
      while (next < reached && lines.length < linesARequest * requestsAtOnce)
        lines.push(...shop.second(next++));
      const sending: Promise<void>[] = [];
      for (let at = 0; at < lines.length; at += linesARequest)
        sending.push(this.send(lines.slice(at, at + linesARequest)));
      await Promise.all(sending);
    }
    this.agent.destroy();
  }

  private async send(lines: readonly string[]): Promise<void> {
    if (lines.length === 0 || this.options.signal.aborted) return;
    const body = lines.join('\n') + '\n';
    for (let attempt = 0; !this.options.signal.aborted; attempt++) {
      try {
        const status = await this.post(body);
        if (status === 200) {
          this.sent += lines.length;
          this.failed = undefined;
          return;
        }
        this.failed = `the server answered ${status}`;
        if (status !== 429 && status !== 503 && status !== 507) return;
      } catch (error) {
        this.failed = (error as Error).message;
      }
      await pause(Math.min(5000, 100 * 2 ** attempt), this.options.signal);
    }
  }

  private post(body: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const call = request(
        `${this.options.url}/v1/streams/${shopStream}/events`,
        { method: 'POST', agent: this.agent, headers: { 'content-type': 'application/x-ndjson' } },
        response => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
          response.on('error', reject);
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}
