// Starts the engine thread and connects to it.
import { MessageChannel, Worker } from 'node:worker_threads';
import type { EngineThreadData, MainCall, MainReply } from './app-engine.ts';
import { MillraceError, toError, toWire } from './core/errors.ts';
import { connectEngine, type EngineProxy } from './process/threads/engine-thread.ts';
import type { HistoryRead, HistoryRequest } from './store/lake-history.ts';

export interface EngineStart {
  /** The built entry (`app-engine.js`). */
  entry: string;
  data: Omit<EngineThreadData, 'engine' | 'parser'>;
  parseSql(sql: string): Promise<unknown>;
  /** Events that the log no longer holds. */
  history(request: HistoryRequest): Promise<HistoryRead>;
  /** The thread ended without being asked to. */
  onDeath(cause: Error): void;
}

export function startEngineThread({ entry, data, parseSql, history, onDeath }: EngineStart): EngineProxy {
  const engineChannel = new MessageChannel();
  const parserChannel = new MessageChannel();
  const workerData: EngineThreadData = { ...data, engine: engineChannel.port2, parser: parserChannel.port2 };
  const worker = new Worker(entry, { workerData, transferList: [engineChannel.port2, parserChannel.port2] });
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
