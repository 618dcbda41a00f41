// The engine's side of the port: answers requests and sends changes, at most `changesMax` unacknowledged; beyond that
// the engine holds changes, which then become one change a window.
import { toWire } from '../../core/errors.ts';
import type { Engine } from '../engine.ts';
import type { EngineMethod, EnginePort, FromEngine, ToEngine } from './engine-message.ts';

const changesMax = 256;

/** Serves `engine` on `port` until `close` was asked for. Answers a function that stops serving without closing it. */
export function serveEngine(port: EnginePort, engine: Engine): () => void {
  const watches = new Map<number, () => void>();
  let unacknowledged = 0;
  const post = (message: FromEngine): void => port.postMessage(message);

  const stopChanges = engine.onChange(change => {
    unacknowledged++;
    if (unacknowledged >= changesMax) engine.holdChanges?.(true);
    post({ kind: 'change', change });
  });

  async function answer(id: number, method: EngineMethod, args: unknown[]): Promise<void> {
    try {
      const call = engine[method] as (...args: unknown[]) => Promise<unknown>;
      const value = await call.apply(engine, args);
      if (method === 'close') stop();
      post({ kind: 'answer', id, value });
    } catch (thrown) {
      post({ kind: 'failure', id, error: toWire(thrown) });
    }
  }

  function receive(message: ToEngine): void {
    if (message.kind === 'request') void answer(message.id, message.method, message.args);
    else if (message.kind === 'watch') watches.set(message.id, engine.watch(message.view, message.everyMs));
    else if (message.kind === 'unwatch') {
      watches.get(message.id)?.();
      watches.delete(message.id);
    } else {
      unacknowledged -= message.count;
      if (unacknowledged < changesMax / 2) engine.holdChanges?.(false);
    }
  }

  function stop(): void {
    port.off('message', receive);
    stopChanges();
    for (const unwatch of watches.values()) unwatch();
    watches.clear();
  }

  port.on('message', receive);
  return stop;
}
