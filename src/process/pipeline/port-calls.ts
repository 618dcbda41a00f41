// Calls over a port, either way: a name, arguments, an answer or an error. At most `callsMax` are under way; more wait their turn.
import { type ErrorWire, fromWire, type MillraceError, toWire } from '../../core/errors.ts';

// biome-ignore lint/suspicious/noExplicitAny: what Node's ports declare of their listeners
type Listener = (message: any) => void;

/** The part of MessagePort that is used. */
export interface CallPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: Listener): unknown;
  close(): void;
}

type Message =
  | { kind: 'call'; id: number; name: string; args: unknown[] }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'failure'; id: number; error: ErrorWire };

// biome-ignore lint/suspicious/noExplicitAny: each side says in its own types what it calls and serves
export type Handlers = Record<string, (...args: any[]) => unknown>;

interface Waiting {
  resolve(value: never): void;
  reject(error: Error): void;
}

const callsMax = 1024;

export class PortCalls {
  private readonly port: CallPort;
  private readonly waiting = new Map<number, Waiting>();
  private readonly queue: (() => void)[] = [];
  private nextId = 1;
  private over: MillraceError | undefined;

  constructor(port: CallPort, handlers: Handlers) {
    this.port = port;
    port.on('message', (message: Message) => void this.take(message, handlers));
  }

  call<Answer>(name: string, ...args: unknown[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const send = (): void => {
        if (this.over) {
          reject(this.over);
          return;
        }
        const id = this.nextId++;
        this.waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
        this.port.postMessage({ kind: 'call', id, name, args } satisfies Message);
      };
      if (this.waiting.size >= callsMax) this.queue.push(send);
      else send();
    });
  }

  private async take(message: Message, handlers: Handlers): Promise<void> {
    if (message.kind === 'call') {
      let reply: Message;
      try {
        reply = { kind: 'answer', id: message.id, value: await handlers[message.name]!(...message.args) };
      } catch (thrown) {
        reply = { kind: 'failure', id: message.id, error: toWire(thrown) };
      }
      if (!this.over) this.port.postMessage(reply);
      return;
    }
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.kind === 'answer') waiting?.resolve(message.value as never);
    else waiting?.reject(fromWire(message.error));
    this.queue.shift()?.();
  }

  /** Everything under way and everything later fails with this. */
  end(cause: MillraceError): void {
    this.over ??= cause;
    for (const { reject } of this.waiting.values()) reject(this.over);
    this.waiting.clear();
    for (const send of this.queue.splice(0)) send();
    this.port.close();
  }
}
