// The composition root of the engine thread: reads the log beside its writer, keeps the state, has its own kernel. SQL is parsed
// where DuckDB is: in the query process, asked through the main thread.
import { type MessagePort, workerData } from 'node:worker_threads';
import { type ErrorWire, fromWire } from './core/errors.ts';
import { openSegmentReader, type SegmentLogHandle } from './flow/segment-reader.ts';
import { loadKernel } from './kernel/load-kernel.ts';
import { createEngine } from './process/engine/engine-core.ts';
import type { LookupContent } from './process/engine.ts';
import { serveEngine } from './process/threads/engine-worker.ts';
import type { HistoryRead, HistoryRequest } from './store/lake-history.ts';
import { openLmdbState } from './store/state-lmdb.ts';

export interface EngineThreadData {
  log: SegmentLogHandle;
  stateDir: string;
  /** The built kernel.wasm. */
  kernel: string;
  readBytes: number;
  lookups: LookupContent[];
  engine: MessagePort;
  parser: MessagePort;
}

/** What the thread asks the main one, where the query process can be reached. */
export type MainCall = { id: number } & ({ sql: string } | { history: HistoryRequest });

/** `value`: a parse tree, or a HistoryRead. */
export type MainReply = { id: number; value: unknown } | { id: number; error: ErrorWire };

const {
  log,
  stateDir,
  kernel,
  readBytes,
  lookups,
  engine: enginePort,
  parser,
} = workerData as EngineThreadData;

const waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
let nextId = 1;
parser.on('message', (reply: MainReply) => {
  const call = waiting.get(reply.id);
  waiting.delete(reply.id);
  if ('error' in reply) call?.reject(fromWire(reply.error));
  else call?.resolve(reply.value as never);
});

function ask<Value>(call: { sql: string } | { history: HistoryRequest }): Promise<Value> {
  return new Promise((resolve, reject) => {
    const id = nextId++;
    waiting.set(id, { resolve, reject });
    parser.postMessage({ id, ...call } satisfies MainCall);
  });
}

const reader = await openSegmentReader(log);
const engine = await createEngine({
  log: reader,
  history: {
    async read(stream, partition, from, target, keys) {
      const { first, end } = await reader.range(stream, partition);
      const history = { stream, partition, from, until: first, maxBytes: target.length, keys };
      const { bytes, batches, next } = await ask<HistoryRead>({ history });
      target.set(bytes);
      return { batches, length: bytes.length, next, end };
    },
  },
  state: openLmdbState(stateDir),
  kernel: loadKernel(kernel),
  readBytes,
  lookups,
  parseSql: sql => ask({ sql }),
});
serveEngine(enginePort, engine);
