// The thread that runs a pipeline's functions. It holds nothing but the module and the batch under way, so that it can be ended at any
// moment and replaced by another one.
import { fileURLToPath } from 'node:url';
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { fromWire, MillraceError, toError, toWire, wordsOf } from '../../core/errors.ts';
import { pipeline, pipelineLimits } from '../pipeline.ts';
import { BatchRun } from './batch-run.ts';
import type { CodeThreadData, FromCode, ToCode } from './code-message.ts';
import {
  checkDefinition,
  labelOf,
  type PipelineFunctions,
  type PipelineSpec,
  placeIn,
  refusedPipeline,
} from './definition.ts';
import { ImportFailure, loadModule } from './load-module.ts';

/** Of an error outside of calls. */
const strayTextMax = 4096;

export async function runCodeThread(): Promise<void> {
  const port = parentPort!;
  const { name, url, analyze, progress } = workerData as CodeThreadData;
  const post = (message: FromCode, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  const counter = new Int32Array(progress);
  const waiting = new Map<string, { resolve(code: string): void; reject(error: Error): void }>();
  let loaded: { spec: PipelineSpec; functions: PipelineFunctions } | undefined;
  let run: BatchRun | undefined;

  // What a user's code leaves behind must not end the thread in the middle of another event.
  const stray = (thrown: unknown): void => {
    const { message, stack } = wordsOf(thrown);
    post({ kind: 'stray', message: (stack || message).slice(0, strayTextMax) });
  };
  process.on('uncaughtException', stray);
  process.on('unhandledRejection', stray);

  // Node bounds a thread's heap, but not what lies outside of it: that would grow until the system ends the whole process.
  const checkBuffers = (): void => {
    if (getHeapStatistics().external_memory > pipelineLimits.buffersMb * 2 ** 20) post({ kind: 'too-large' });
  };

  port.on('message', async (message: ToCode) => {
    try {
      if (message.kind === 'source') waiting.get(message.url)?.resolve(message.code);
      else if (message.kind === 'no-source') waiting.get(message.url)?.reject(fromWire(message.error));
      else if (message.kind === 'prepare') {
        const { batch } = message;
        const onCall = (call: string): void => {
          // First, while the one who watches still knows the call before by its name.
          checkBuffers();
          Atomics.add(counter, 0, 1);
          if (batch.careful) post({ kind: 'begin', call });
        };
        run = new BatchRun({ ...loaded!, batch, onCall, elapsedMs: () => performance.now() });
        const prepared = run.prepare();
        checkBuffers();
        post({ kind: 'prepared', prepared });
      } else {
        const result = await run!.run(message.state);
        run = undefined;
        checkBuffers();
        post({ kind: 'done', result });
      }
    } catch (thrown) {
      post({ kind: 'failure', error: toWire(thrown) });
    }
  });

  try {
    const exported = await loadModule(url, {
      source: needed =>
        new Promise((resolve, reject) => {
          waiting.set(needed, { resolve, reject });
          post({ kind: 'need', url: needed });
        }),
      given: { millrace: { pipeline, MillraceError }, 'millrace/analyze': analyze },
    });
    loaded = checkDefinition(name, url, exported['default']);
    post({ kind: 'loaded', spec: loaded.spec });
  } catch (thrown) {
    post({ kind: 'refused', error: toWire(refusal(name, url, thrown)) });
  }
}

/** What went wrong while the file was loaded, with its place. */
function refusal(name: string, url: string, thrown: unknown): MillraceError {
  const error = toError(thrown);
  if (error instanceof MillraceError && error.code === 'bad-pipeline') {
    if (error.message.startsWith('pipelines/')) return error;
  }
  // Of the file itself, which needs no other place.
  const own = [`The file ${fileURLToPath(url)} `, `${fileURLToPath(url)} `].find(
    start => error instanceof MillraceError && error.message.startsWith(start),
  );
  if (own !== undefined) {
    const { remedy } = error as MillraceError;
    const message = `${labelOf(name)} ${error.message.slice(own.length)}`;
    return new MillraceError('bad-pipeline', message, {
      status: 400,
      remedy,
      context: { file: labelOf(name) },
    });
  }
  const { place, line } =
    error instanceof ImportFailure
      ? placeIn(`at ${error.url}${error.line === undefined ? '' : `:${error.line}`}`, name, url)
      : placeIn(error.stack ?? '', name, url);
  const isPlain = error instanceof MillraceError || error instanceof ImportFailure;
  const what = `${isPlain ? '' : `${error.name}: `}${error.message}.`;
  const remedy = error instanceof MillraceError ? error.remedy : undefined;
  const isMissing = /cannot be read|Cannot find (module|package)|ENOENT|no such file/.test(error.message);
  const byDefault = isMissing
    ? 'Name local files with their ending (./lib/shop.ts); install packages in the project folder.'
    : `Mend ${labelOf(name)}; it is read again when it changes.`;
  return refusedPipeline(place, what.replace(/\.\.$/, '.'), remedy ?? byDefault, { line });
}
