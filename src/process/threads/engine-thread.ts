// The main thread's side of the port: an Engine whose work is done elsewhere. At most `requestsMax` requests are under way;
// more are refused at once, so that a stuck engine cannot fill memory.
import { fromWire, MillraceError } from '../../core/errors.ts';
import type { Engine, EngineStatus, LookupContent, ServingPlan, ViewPage, ViewPageQuery } from '../engine.ts';
import type { ViewChange, ViewDefinition, ViewQuery, ViewResult, ViewSummary } from '../view.ts';
import type { EngineMethod, EnginePort, FromEngine, ToEngine } from './engine-message.ts';

const requestsMax = 1024;

export interface EngineProxy extends Engine {
  /** To be called when the thread has ended: everything under way and everything later fails with `engine-stopped` (503). */
  stopped(cause?: Error): void;
}

/** The engine that `serveEngine` serves at the other end of `port`. */
export function connectEngine(port: EnginePort): EngineProxy {
  return new PortEngine(port);
}

interface Request {
  resolve: (value: never) => void;
  reject: (error: Error) => void;
}

class PortEngine implements EngineProxy {
  private readonly port: EnginePort;
  private readonly requests = new Map<number, Request>();
  private readonly listeners = new Set<(change: ViewChange) => void>();
  private nextId = 1;
  private end: MillraceError | undefined;
  private readonly receive = (message: FromEngine): void => this.take(message);

  constructor(port: EnginePort) {
    this.port = port;
    port.on('message', this.receive);
  }

  private take(message: FromEngine): void {
    if (message.kind === 'change') {
      try {
        for (const listener of this.listeners) listener(message.change);
      } finally {
        this.post({ kind: 'handled', count: 1 });
      }
      return;
    }
    const request = this.requests.get(message.id);
    this.requests.delete(message.id);
    if (message.kind === 'answer') request?.resolve(message.value as never);
    else request?.reject(fromWire(message.error));
  }

  private post(message: ToEngine): void {
    if (this.end === undefined) this.port.postMessage(message);
  }

  private request<Value>(method: EngineMethod, ...args: unknown[]): Promise<Value> {
    if (this.end !== undefined) return Promise.reject(this.end);
    if (this.requests.size >= requestsMax) {
      return Promise.reject(
        new MillraceError('engine-overloaded', `${requestsMax} requests wait for the engine.`, {
          status: 429,
          remedy: 'Try again in a moment.',
          canRetry: true,
        }),
      );
    }
    const id = this.nextId++;
    return new Promise<Value>((resolve, reject) => {
      this.requests.set(id, { resolve: resolve as Request['resolve'], reject });
      this.post({ kind: 'request', id, method, args });
    });
  }

  define(definition: ViewDefinition): Promise<ViewSummary> {
    return this.request('define', definition);
  }
  check(definition: ViewDefinition): Promise<ViewSummary> {
    return this.request('check', definition);
  }
  drop(name: string): Promise<void> {
    return this.request('drop', name);
  }
  views(): Promise<ViewSummary[]> {
    return this.request('views');
  }
  plan(name: string): Promise<ServingPlan> {
    return this.request('plan', name);
  }
  setSchema(stream: string, columns: { name: string; type: string }[]): Promise<void> {
    return this.request('setSchema', stream, columns);
  }
  setLookup(name: string, content: LookupContent | undefined): Promise<void> {
    return this.request('setLookup', name, content);
  }
  query(query: ViewQuery): Promise<ViewResult> {
    return this.request('query', query);
  }
  page(query: ViewPageQuery): Promise<ViewPage> {
    return this.request('page', query);
  }
  settled(): Promise<void> {
    return this.request('settled');
  }
  status(): Promise<EngineStatus> {
    return this.request('status');
  }

  onChange(listener: (change: ViewChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  watch(view: string, everyMs: number): () => void {
    const id = this.nextId++;
    this.post({ kind: 'watch', id, view, everyMs });
    let isOver = false;
    return () => {
      if (!isOver) this.post({ kind: 'unwatch', id });
      isOver = true;
    };
  }

  async close(): Promise<void> {
    if (this.end !== undefined) return;
    await this.request('close');
    this.stopped();
  }

  stopped(cause?: Error): void {
    if (this.end !== undefined) return;
    this.port.off('message', this.receive);
    this.end = new MillraceError(
      'engine-stopped',
      cause ? `The engine stopped: ${cause.message}` : 'The engine is closed.',
      {
        status: 503,
        canRetry: cause !== undefined,
        cause,
      },
    );
    for (const { reject } of this.requests.values()) reject(this.end);
    this.requests.clear();
  }
}
