// The collecting side of the query process: starts it on the first question, kills it when a deadline passes by more than
// it can excuse or when it dies by itself, and starts another for the next question.
import { type ChildProcess, fork } from 'node:child_process';
import { type ErrorWire, fromWire, MillraceError, toError } from '../core/errors.ts';
import type { ParquetResult, ParquetWriter } from '../store/parquet.ts';
import type { LookupRequest, LookupRows } from './lookup-file.ts';
import type { QueryAnswer, QueryRequest, QueryService } from './query.ts';
import type { QueryServerOptions } from './query-server.ts';

export interface QueryProcessOptions extends QueryServerOptions {
  /** The built entry (`app-query.js`). */
  entry: string;
  /**
   * Users' questions under way at once; more are refused with `query-overloaded`. What the system asks for itself is never refused: of that
   * there is no more than one question for each view, lookup table and stream.
   */
  maxPending?: number;
  /** An idle process ends after this long, to give its memory back. */
  idleMs?: number;
}

export interface QueryCall {
  id: number;
  method: 'parse' | 'tables' | 'run' | 'interrupt' | 'readLookup' | 'writeParquet' | 'compactParquet';
  argument: unknown;
}

export type QueryReply = { id: number; value: unknown } | { id: number; error: ErrorWire };

interface Pending {
  isUsers: boolean;
  resolve(value: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout | undefined;
  /** Listens to its signal no more. */
  release(): void;
}

/** Time a query gets to notice its interrupt before the process is killed. */
const graceMs = 2000;

export class QueryProcess implements QueryService, ParquetWriter {
  private readonly options: QueryProcessOptions;
  private child: ChildProcess | undefined;
  private readonly pending = new Map<number, Pending>();
  private users = 0;
  private nextId = 1;
  private idleTimer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(options: QueryProcessOptions) {
    this.options = options;
  }

  /** Process id while one runs, for `doctor` and metrics. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Starts the process ahead of the first question. */
  warm(): void {
    this.start();
  }

  parse(sql: string): Promise<unknown> {
    return this.call('parse', sql);
  }

  tables(sql: string): Promise<string[]> {
    return this.call('tables', sql) as Promise<string[]>;
  }

  run(request: QueryRequest, signal?: AbortSignal): Promise<QueryAnswer> {
    return this.call('run', request, request.timeoutMs + graceMs, signal) as Promise<QueryAnswer>;
  }

  /** Nobody waits any more. It keeps its place and its deadline until it has ended, since not every query heeds an interrupt. */
  private abandon(id: number, reason: Error): void {
    const pending = this.pending.get(id);
    if (!pending) return;
    pending.reject(reason);
    this.child?.send({ id: this.nextId++, method: 'interrupt', argument: id } satisfies QueryCall);
  }

  /** Throws `bad-lookup` (400). */
  readLookup(request: LookupRequest): Promise<LookupRows> {
    return this.call('readLookup', request) as Promise<LookupRows>;
  }

  write(request: Parameters<ParquetWriter['write']>[0]): Promise<ParquetResult> {
    return this.call('writeParquet', request) as Promise<ParquetResult>;
  }

  compact(request: Parameters<ParquetWriter['compact']>[0]): Promise<ParquetResult> {
    return this.call('compactParquet', request) as Promise<ParquetResult>;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.idleTimer);
    const child = this.child;
    if (!child) return;
    const gone = new Promise<void>(resolve => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }

  private call(
    method: QueryCall['method'],
    argument: unknown,
    deadlineMs?: number,
    signal?: AbortSignal,
  ): Promise<unknown> {
    if (signal?.aborted) return Promise.reject(toError(signal.reason));
    if (this.closed)
      return Promise.reject(new MillraceError('query-closed', 'The system is stopping.', { status: 503 }));
    const limit = this.options.maxPending ?? 64;
    const isUsers = method === 'run' || method === 'tables';
    if (isUsers && this.users >= limit) {
      return Promise.reject(
        new MillraceError('query-overloaded', `${limit} queries are already waiting.`, {
          status: 429,
          canRetry: true,
          context: { retryAfterMs: 1000 },
          remedy: 'Try again in a moment, or ask views instead of streams: they are kept ready.',
        }),
      );
    }
    const child = this.start();
    const id = this.nextId++;
    if (isUsers) this.users++;
    clearTimeout(this.idleTimer);
    return new Promise((resolve, reject) => {
      const timer =
        deadlineMs === undefined
          ? undefined
          : setTimeout(() => {
              this.settle(id, pending =>
                pending.reject(
                  new MillraceError(
                    'sql-timeout',
                    `The query did not end within ${deadlineMs - graceMs} ms.`,
                    {
                      status: 504,
                      remedy: 'Narrow the time range, ask a view instead of the stream, or raise "timeout".',
                    },
                  ),
                ),
              );
              child.kill('SIGKILL');
            }, deadlineMs);
      const abandon = (): void => this.abandon(id, toError(signal?.reason));
      signal?.addEventListener('abort', abandon);
      const release = (): void => signal?.removeEventListener('abort', abandon);
      this.pending.set(id, { isUsers, resolve, reject, timer, release });
      child.send({ id, method, argument } satisfies QueryCall, error => {
        if (error) this.settle(id, pending => pending.reject(this.died()));
      });
    });
  }

  private settle(id: number, act: (pending: Pending) => void): void {
    const pending = this.pending.get(id);
    if (!pending) return;
    this.pending.delete(id);
    if (pending.isUsers) this.users--;
    clearTimeout(pending.timer);
    pending.release();
    act(pending);
    if (this.pending.size === 0 && this.options.idleMs !== undefined && !this.closed) {
      this.idleTimer = setTimeout(() => this.child?.kill('SIGKILL'), this.options.idleMs);
      this.idleTimer.unref();
    }
  }

  private died(): MillraceError {
    return new MillraceError('query-process-died', 'The query process stopped before it answered.', {
      status: 503,
      canRetry: true,
      remedy:
        'It is started again by itself; ask again. If it happens each time, the query needs more memory than it may use.',
    });
  }

  private start(): ChildProcess {
    if (this.child) return this.child;
    const { lakeDir, lookupDir, temporaryDir, threads, memoryLimitMb } = this.options;
    const child = fork(
      this.options.entry,
      [JSON.stringify({ lakeDir, lookupDir, temporaryDir, threads, memoryLimitMb })],
      {
        serialization: 'advanced',
        execArgv: [],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    );
    this.child = child;
    child.on('message', message => {
      const reply = message as QueryReply;
      this.settle(reply.id, pending => {
        if ('error' in reply) pending.reject(fromWire(reply.error));
        else pending.resolve(reply.value);
      });
    });
    child.on('error', () => {});
    child.on('exit', () => {
      if (this.child === child) this.child = undefined;
      for (const id of [...this.pending.keys()]) this.settle(id, pending => pending.reject(this.died()));
    });
    return child;
  }
}
