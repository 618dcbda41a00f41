// The composition root of the engine thread: reads the log beside its writer, keeps the state, has its own kernel. SQL is parsed
// where DuckDB is: in the query process, asked through the main thread.
import { type MessagePort, workerData } from 'node:worker_threads';
import { type ErrorWire, fromWire } from './core/errors.ts';
import { openSegmentReader, type SegmentLogHandle } from './flow/segment-reader.ts';
import { loadKernel } from './kernel/load-kernel.ts';
import type { LookupContent } from './process/engine.ts';
import { createEngine } from './process/engine-core.ts';
import { serveEngine } from './process/engine-worker.ts';
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

export interface ParseCall {
  id: number;
  sql: string;
}

export type ParseReply = { id: number; tree: unknown } | { id: number; error: ErrorWire };

const {
  log,
  stateDir,
  kernel,
  readBytes,
  lookups,
  engine: enginePort,
  parser,
} = workerData as EngineThreadData;

const waiting = new Map<number, { resolve(tree: never): void; reject(error: Error): void }>();
let nextId = 1;
parser.on('message', (reply: ParseReply) => {
  const call = waiting.get(reply.id);
  waiting.delete(reply.id);
  if ('error' in reply) call?.reject(fromWire(reply.error));
  else call?.resolve(reply.tree as never);
});

const engine = await createEngine({
  log: await openSegmentReader(log),
  state: openLmdbState(stateDir),
  kernel: loadKernel(kernel),
  readBytes,
  lookups,
  parseSql: sql =>
    new Promise((resolve, reject) => {
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      parser.postMessage({ id, sql } satisfies ParseCall);
    }),
});
serveEngine(enginePort, engine);
