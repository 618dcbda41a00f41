// Starts engine threads, connects to them, and makes one engine of them.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { EngineThreadData, MainCall, MainReply } from './app-engine.ts';
import { distDir } from './built-files.ts';
import { MillraceError, toError, toWire } from './core/errors.ts';
import type { Engine } from './process/engine.ts';
import { type EnginePoolOptions, openEnginePool } from './process/threads/engine-pool.ts';
import { connectEngine, type EngineProxy } from './process/threads/engine-thread.ts';
import { checkState } from './state-check.ts';
import type { HistoryRead, HistoryRequest } from './store/lake-history.ts';

export interface EngineStart extends Pick<EngineThreadData, 'log' | 'readBytes' | 'lookups'> {
  /** Each engine has a folder in it, named by its number. */
  stateDir: string;
  parseSql(sql: string): Promise<unknown>;
  /** Events that the log no longer holds. */
  history(request: HistoryRequest): Promise<HistoryRead>;
  /** A thread ended without being asked to. */
  onDeath(cause: Error): void;
}

/** Views are shared out to so many threads at most. */
const threadsMax = 4;

export async function openEngines(
  start: EngineStart & Pick<EnginePoolOptions, 'tables' | 'learn'>,
): Promise<Engine> {
  const { stateDir, tables, learn } = start;
  // Of an earlier form: views are filled anew from the log and the lake.
  for (const file of ['state.lmdb', 'state.lmdb-lock']) rmSync(join(stateDir, file), { force: true });
  mkdirSync(stateDir, { recursive: true });
  const existing = readdirSync(stateDir).map(Number).filter(Number.isInteger);
  await Promise.all(existing.map(index => checkState(join(stateDir, String(index)))));
  return openEnginePool({
    start: index => startThread({ ...start, stateDir: join(stateDir, String(index)) }),
    existing,
    size: Math.min(threadsMax, availableParallelism()),
    tables,
    ...(learn ? { learn } : {}),
  });
}

function startThread({
  stateDir,
  log,
  readBytes,
  lookups,
  parseSql,
  history,
  onDeath,
}: EngineStart): EngineProxy {
  const engineChannel = new MessageChannel();
  const parserChannel = new MessageChannel();
  const workerData: EngineThreadData = {
    log,
    stateDir,
    kernel: join(distDir, 'kernel.wasm'),
    readBytes,
    lookups,
    engine: engineChannel.port2,
    parser: parserChannel.port2,
  };
  const worker = new Worker(join(distDir, 'app-engine.js'), {
    workerData,
    transferList: [engineChannel.port2, parserChannel.port2],
  });
  parserChannel.port1.on('message', async (call: MainCall) => {
    const { id } = call;
    let reply: MainReply;
    try {
      reply = { id, value: await ('sql' in call ? parseSql(call.sql) : history(call.history)) };
    } catch (thrown) {
      reply = { id, error: toWire(thrown) };
    }
    parserChannel.port1.postMessage(reply);
  });
  const engine = connectEngine(engineChannel.port1);
  let closing = false;
  const died = (cause: Error): void => {
    if (closing) return;
    closing = true;
    engine.stopped(cause);
    onDeath(cause);
  };
  worker.on('error', thrown => died(toError(thrown)));
  worker.on('exit', code =>
    died(new MillraceError('engine-stopped', `The engine thread ended (${code}).`, { status: 503 })),
  );
  return new Proxy(engine, {
    get(target, name) {
      if (name !== 'close') {
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async () => {
        if (!closing) {
          closing = true;
          await target.close();
        }
        engineChannel.port1.close();
        parserChannel.port1.close();
        await worker.terminate();
      };
    },
  });
}
