// One server-sent-events connection. Messages wait here while the client reads slowly; the owner decides what waits (it
// coalesces), and a client that has taken nothing for `cutMs` is cut.
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface EventStreamOptions {
  /** Called when the socket can take more; return the next text to send or undefined when there is none. */
  next(): string | undefined;
  onClose(): void;
  cutMs?: number;
}

export class EventStream {
  private readonly response: ServerResponse;
  private readonly options: EventStreamOptions;
  private blocked = false;
  private cutTimer: NodeJS.Timeout | undefined;
  private done = false;

  constructor(request: IncomingMessage, response: ServerResponse, options: EventStreamOptions) {
    this.response = response;
    this.options = options;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      connection: 'keep-alive',
    });
    response.write(': connected\n\n');
    request.socket.setNoDelay(true);
    response.on('drain', () => {
      this.blocked = false;
      clearTimeout(this.cutTimer);
      this.pump();
    });
    response.on('close', () => this.close());
  }

  /** Sends what `next` yields until the socket pushes back. */
  pump(): void {
    while (!this.blocked && !this.done) {
      const text = this.options.next();
      if (text === undefined) return;
      if (!this.response.write(text)) {
        this.blocked = true;
        this.cutTimer = setTimeout(() => this.response.destroy(), this.options.cutMs ?? 30_000);
        this.cutTimer.unref();
      }
    }
  }

  close(): void {
    if (this.done) return;
    this.done = true;
    clearTimeout(this.cutTimer);
    this.options.onClose();
    this.response.end();
  }
}

/** The text of one event. JSON has no raw line breaks, so `data` is one line. */
export function eventText(event: string, data: unknown, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
