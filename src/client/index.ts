// Sends events to Millrace from Node or a browser: collects them, sends them in batches, tries again, and never doubles one,
// because each batch has its own Idempotency-Key.

export interface ClientOptions {
  /** Where Millrace listens: `http://127.0.0.1:7117`. */
  url: string;
  stream: string;
  /** Events a request holds at most; default 1,000. */
  batchEvents?: number;
  /** Events wait at most this long for company; default 500. */
  lingerMs?: number;
  /** Events kept while Millrace cannot be reached; beyond it `send` throws. Default 100,000. */
  queueEvents?: number;
  /** Called for events that Millrace refused, with its reason. */
  onRejected?(event: unknown, reason: string): void;
  fetch?: typeof fetch;
}

interface Batch {
  key: string;
  lines: string[];
  events: unknown[];
}

interface Answer {
  errors: { line: number; reason: string }[];
}

/** Longest pause between tries. */
const maxPauseMs = 30_000;

/**
 * @example
 * const client = new Client({ url: 'http://127.0.0.1:7117', stream: 'orders' });
 * client.send({ id: 1, amount: 12.5 });
 * await client.close();
 */
export class Client {
  private readonly options: Required<Omit<ClientOptions, 'onRejected'>> & Pick<ClientOptions, 'onRejected'>;
  private readonly queue: Batch[] = [];
  private open: Batch | undefined;
  private waiting = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sending: Promise<void> | undefined;
  private closed = false;

  constructor(options: ClientOptions) {
    this.options = {
      batchEvents: 1000,
      lingerMs: 500,
      queueEvents: 100_000,
      fetch: globalThis.fetch,
      ...options,
    };
  }

  /** Takes an event for sending. Throws where the queue is full or the client is closed; nothing is dropped silently. */
  send(event: Record<string, unknown>): void {
    const { batchEvents, lingerMs, queueEvents } = this.options;
    if (this.closed) throw new Error('The client is closed.');
    if (this.waiting >= queueEvents)
      throw new Error(`${queueEvents} events wait to be sent; Millrace cannot be reached or is slow.`);
    this.open ??= { key: crypto.randomUUID(), lines: [], events: [] };
    this.open.lines.push(JSON.stringify(event));
    this.open.events.push(event);
    this.waiting++;
    if (this.open.lines.length >= batchEvents) this.dispatch();
    else this.timer ??= setTimeout(() => this.dispatch(), lingerMs);
  }

  /** Resolves when every event sent so far is durable in Millrace. */
  async flush(): Promise<void> {
    this.dispatch();
    await this.sending;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.flush();
  }

  private dispatch(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.open) this.queue.push(this.open);
    this.open = undefined;
    this.sending ??= this.drain().finally(() => {
      this.sending = undefined;
    });
  }

  private async drain(): Promise<void> {
    for (let batch = this.queue[0]; batch; batch = this.queue[0]) {
      await this.deliver(batch);
      this.queue.shift();
      this.waiting -= batch.lines.length;
    }
  }

  private async deliver(batch: Batch): Promise<void> {
    const { url, stream, fetch: call, onRejected } = this.options;
    for (let attempt = 0; ; attempt++) {
      let pauseMs = Math.min(maxPauseMs, 200 * 2 ** attempt);
      try {
        const answer = await call(`${url}/v1/streams/${encodeURIComponent(stream)}/events`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': batch.key },
          body: batch.lines.join('\n') + '\n',
        });
        if (answer.ok || answer.status === 400) {
          const { errors } = (await answer.json()) as Partial<Answer>;
          for (const error of errors ?? []) onRejected?.(batch.events[error.line - 1], error.reason);
          return;
        }
        if (answer.status < 500 && answer.status !== 429) {
          for (const event of batch.events) onRejected?.(event, `answered ${answer.status}`);
          return;
        }
        pauseMs = Math.max(pauseMs, Number(answer.headers.get('retry-after') ?? 0) * 1000);
      } catch {
        // Not reached: the same batch is tried again with the same key.
      }
      await new Promise(resolve => setTimeout(resolve, pauseMs));
    }
  }
}
