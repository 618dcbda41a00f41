// The other side of a pipeline's thread: loads the file in it, hands it batches, ends it where a call does not return, and starts
// another one with the same code. Invariant: sources are read once, so that a thread that is replaced runs what was checked.
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { codeOf, fromWire, MillraceError, toError, toWire } from '../../core/errors.ts';
import { unreadableFile } from '../../core/unreadable-file.ts';
import { type PipelineFile, type PipelineLogLine, pipelineLimits } from '../pipeline.ts';
import {
  type BatchResult,
  type BatchState,
  type PipelineBatch,
  type PipelineExecutor,
  type PreparedBatch,
  ThreadDeath,
} from './batch.ts';
import type { CodeThreadData, FromCode, ToCode } from './code-message.ts';
import { labelOf, type PipelineSpec, refusedPipeline } from './definition.ts';
import type { LoadedPipeline } from './running-pipeline.ts';
import { stripTypes } from './type-stripper.ts';

export interface ThreadOptions {
  /** The built entry of the thread (`app-pipeline-code.js`). */
  entry: string;
  /** URL of what `millrace/analyze` is. */
  analyze: string;
  onLog(line: Omit<PipelineLogLine, 'pipeline'>): void;
}

/** What the top level of a file may take. */
const loadMsMax = 10_000;
const watchMs = 50;
const sourceBytesMax = 1024 * 1024;
/** Output of console.log and the like that is kept, a second. */
const printedLinesMax = 100;

/** Runs the file's top level in a thread of its own. Rejects with `bad-pipeline`, its place and what to do. */
export async function loadPipeline(file: PipelineFile, options: ThreadOptions): Promise<LoadedPipeline> {
  const sources = new Sources();
  const executor = new ThreadExecutor(file, options, sources);
  try {
    const spec = await executor.open();
    return { spec, executor, isCurrent: () => sources.areCurrent() };
  } catch (thrown) {
    await executor.close();
    throw thrown;
  }
}

/** Local files as they were when first asked for. */
class Sources {
  private readonly texts = new Map<string, { text: string; code: string }>();

  codeOf(url: string): string {
    let known = this.texts.get(url);
    if (!known) {
      const path = fileURLToPath(url);
      const text = read(path);
      known = { text, code: path.endsWith('.json') ? text : stripTypes(text, path) };
      this.texts.set(url, known);
    }
    return known.code;
  }

  areCurrent(): boolean {
    return [...this.texts].every(([url, { text }]) => {
      try {
        return read(fileURLToPath(url)) === text;
      } catch {
        return false;
      }
    });
  }
}

function read(path: string): string {
  let bytes: Buffer;
  try {
    // Opening a pipe would wait for its other end.
    if (!statSync(path).isFile()) throw Object.assign(new Error('not a file'), { code: 'EISDIR' });
    bytes = readFileSync(path);
  } catch (cause) {
    if (lstatSync(path, { throwIfNoEntry: false })) throw unreadableFile(path, cause);
    throw new MillraceError('bad-pipeline', `The file ${path} cannot be read (${codeOf(cause)}).`, {
      status: 400,
      remedy: 'Name local files with their ending: ./lib/shop.ts.',
      cause,
    });
  }
  if (bytes.length <= sourceBytesMax) return bytes.toString();
  throw refusedPipeline(
    `pipelines/${basename(path)}`,
    `it has more than ${sourceBytesMax} bytes.`,
    'Split it.',
  );
}

interface Waiting {
  resolve(value: never): void;
  reject(error: Error): void;
}

class ThreadExecutor implements PipelineExecutor {
  private readonly file: PipelineFile;
  private readonly options: ThreadOptions;
  private readonly sources: Sources;
  private readonly counter = new Int32Array(new SharedArrayBuffer(4));
  private worker: Worker | undefined;
  private timeoutMs = loadMsMax;
  private waiting: Waiting | undefined;
  private call: string | undefined;
  private watch: NodeJS.Timeout | undefined;
  private printed = { sinceMs: 0, lines: 0 };
  private isClosed = false;

  constructor(file: PipelineFile, options: ThreadOptions, sources: Sources) {
    this.file = file;
    this.options = options;
    this.sources = sources;
  }

  /** Starts a thread and loads the file in it. */
  async open(): Promise<PipelineSpec> {
    const data: CodeThreadData = {
      name: this.file.name,
      url: pathToFileURL(this.file.path).href,
      analyze: this.options.analyze,
      progress: this.counter.buffer,
    };
    const worker = new Worker(this.options.entry, {
      workerData: data,
      execArgv: [
        '--experimental-vm-modules',
        '--experimental-import-meta-resolve',
        '--disable-warning=ExperimentalWarning',
      ],
      resourceLimits: { maxOldGenerationSizeMb: pipelineLimits.heapMb },
      stdout: true,
      stderr: true,
    });
    this.worker = worker;
    worker.on('message', (message: FromCode) => {
      if (worker === this.worker) this.receive(message);
    });
    worker.on('error', thrown => this.died(worker, causeOf(thrown)));
    worker.on('exit', code => this.died(worker, `It ended its thread (${code})`));
    worker.stdout.on('data', chunk => this.print('info', String(chunk)));
    worker.stderr.on('data', chunk => this.print('warn', String(chunk)));
    this.timeoutMs = loadMsMax;
    try {
      const spec = await this.request<PipelineSpec>(undefined);
      this.timeoutMs = spec.timeoutMs;
      return spec;
    } catch (thrown) {
      if (!(thrown instanceof ThreadDeath)) throw thrown;
      const what = `while it was loaded: ${thrown.message}.`;
      throw refusedPipeline(
        labelOf(this.file.name),
        what,
        'Let the top level of the file only define the pipeline.',
      );
    }
  }

  async prepare(batch: PipelineBatch): Promise<PreparedBatch> {
    if (this.isClosed) throw new ThreadDeath('The pipeline is stopping', undefined);
    if (!this.worker) await this.open();
    return this.request({ kind: 'prepare', batch });
  }

  run(state: BatchState): Promise<BatchResult> {
    return this.request({ kind: 'run', state });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.end('The pipeline is stopping');
  }

  /** Sends a message and waits for its answer, while the thread makes progress. */
  private request<Answer>(message: ToCode | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (!this.worker) return reject(new ThreadDeath('The thread has ended', undefined));
      this.waiting = { resolve: resolve as Waiting['resolve'], reject };
      this.call = undefined;
      if (message) this.worker.postMessage(message);
      let seen = Atomics.load(this.counter, 0);
      let sinceMs = performance.now();
      this.watch = setInterval(() => {
        const now = Atomics.load(this.counter, 0);
        if (now !== seen) {
          seen = now;
          sinceMs = performance.now();
        } else if (performance.now() - sinceMs > this.timeoutMs) {
          void this.end(`It took longer than ${this.timeoutMs} ms`);
        }
      }, watchMs);
    });
  }

  private settle(): Waiting | undefined {
    clearInterval(this.watch);
    const { waiting } = this;
    this.waiting = undefined;
    return waiting;
  }

  private receive(message: FromCode): void {
    if (message.kind === 'begin') this.call = message.call;
    else if (message.kind === 'too-large') {
      void this.end(`It needed more than ${pipelineLimits.buffersMb} MB of memory for buffers`);
    } else if (message.kind === 'stray') this.log('error', `An error outside of calls: ${message.message}`);
    else if (message.kind === 'need') this.answer(message.url);
    else if (message.kind === 'loaded') this.settle()?.resolve(message.spec as never);
    else if (message.kind === 'prepared') this.settle()?.resolve(message.prepared as never);
    else if (message.kind === 'done') this.settle()?.resolve(message.result as never);
    else this.settle()?.reject(fromWire(message.error));
  }

  private answer(url: string): void {
    let reply: ToCode;
    try {
      reply = { kind: 'source', url, code: this.sources.codeOf(url) };
    } catch (thrown) {
      reply = { kind: 'no-source', url, error: toWire(thrown) };
    }
    this.worker?.postMessage(reply);
  }

  private async end(reason: string): Promise<void> {
    const { worker } = this;
    if (!worker) return;
    this.died(worker, reason);
    await worker.terminate();
  }

  private died(worker: Worker, reason: string): void {
    if (worker !== this.worker) return;
    this.worker = undefined;
    this.settle()?.reject(new ThreadDeath(reason, this.call));
  }

  private print(level: PipelineLogLine['level'], text: string): void {
    for (const line of text.split('\n')) if (line !== '') this.log(level, line.slice(0, 2000));
  }

  private log(level: PipelineLogLine['level'], message: string): void {
    const nowMs = performance.now();
    if (nowMs - this.printed.sinceMs > 1000) this.printed = { sinceMs: nowMs, lines: 0 };
    if (++this.printed.lines <= printedLinesMax) this.options.onLog({ level, message });
  }
}

function causeOf(thrown: unknown): string {
  if (codeOf(thrown) === 'ERR_WORKER_OUT_OF_MEMORY') {
    return `It needed more than ${pipelineLimits.heapMb} MB of memory`;
  }
  return toError(thrown).message;
}
