// Runs pipelines over the log and state in memory, in the test's own thread, with a clock that the test moves.
import { MemoryLog, type MemoryStore } from '../../../test/contract/memory-log.ts';
import { MillraceError, toError } from '../../core/errors.ts';
import { decodeKey as decode } from '../../store/state-key.ts';
import { createMemoryState } from '../../store/state-memory.ts';
import { definedAt, type PipelineDefinition, type PipelineFile, pipeline } from '../pipeline.ts';
import { type BatchState, type PipelineBatch, type PipelineExecutor, ThreadDeath } from './batch.ts';
import { BatchRun } from './batch-run.ts';
import { checkDefinition, type PipelineFunctions, type PipelineSpec } from './definition.ts';
import type { PipelineClock, PipelineFailpoint } from './partition-loop.ts';
import { PipelineSet, type PipelineSetOptions } from './pipeline-set.ts';

/** What `die(…)` throws in a function to take its thread down. */
export class Deadly extends Error {}

/** Runs functions where the test runs. */
export class LocalExecutor implements PipelineExecutor {
  private readonly spec: PipelineSpec;
  private readonly functions: PipelineFunctions;
  private run_: BatchRun | undefined;
  private current: string | undefined;
  elapsedMs = 0;

  constructor(spec: PipelineSpec, functions: PipelineFunctions) {
    this.spec = spec;
    this.functions = this.guard(functions);
  }

  /** A deadly error passes the retries by, as the end of a thread does. */
  private guard(functions: PipelineFunctions): PipelineFunctions {
    const deadly = <F extends (...args: never[]) => unknown>(work: F | undefined): F | undefined =>
      work &&
      (((...args: never[]) => {
        try {
          return work(...args);
        } catch (thrown) {
          const error = toError(thrown);
          if (!(error instanceof Deadly)) throw thrown;
          this.death ??= new ThreadDeath(error.message, this.current);
          return undefined;
        }
      }) as F);
    return {
      key: deadly(functions.key),
      process: deadly(functions.process)!,
      onTimer: deadly(functions.onTimer),
    };
  }

  private death: ThreadDeath | undefined;

  async prepare(batch: PipelineBatch) {
    this.death = undefined;
    this.current = undefined;
    this.run_ = new BatchRun({
      spec: this.spec,
      functions: this.functions,
      batch: structuredClone(batch),
      onCall: call => {
        if (batch.careful && !this.death) this.current = call;
      },
      elapsedMs: () => this.elapsedMs,
    });
    const prepared = this.run_.prepare();
    if (this.death) throw this.death;
    return prepared;
  }

  async run(state: BatchState) {
    const result = await this.run_!.run(structuredClone(state));
    if (this.death) throw this.death;
    return structuredClone(result);
  }

  async close() {}
}

export class TestClock implements PipelineClock {
  private now = Date.UTC(2026, 0, 1);
  private readonly alarms = new Set<{ atMs: number; run: () => void }>();

  nowMs(): number {
    return this.now;
  }

  after(delayMs: number, run: () => void): () => void {
    const alarm = { atMs: this.now + delayMs, run };
    this.alarms.add(alarm);
    return () => this.alarms.delete(alarm);
  }

  /** Moves on and rings what is due, in order. */
  advance(ms: number): void {
    this.now += ms;
    for (const alarm of [...this.alarms].sort((a, b) => a.atMs - b.atMs)) {
      if (alarm.atMs > this.now || !this.alarms.delete(alarm)) continue;
      alarm.run();
    }
  }
}

export type AnyDefinition = PipelineDefinition;

export class PipelineHarness {
  readonly store: MemoryStore = new Map();
  readonly state = createMemoryState();
  readonly clock = new TestClock();
  readonly logged: string[] = [];
  definitions: Record<string, AnyDefinition | (() => never)> = {};
  log = new MemoryLog(this.store);
  set: PipelineSet;
  failpoint: ((name: PipelineFailpoint) => void) | undefined;
  /** Turns of the event loop that an append of a pipeline takes. */
  appendTurns: () => number = () => 0;
  private epochs = 0;

  private readonly callsMax: number | undefined;

  constructor(callsMax?: number) {
    this.callsMax = callsMax;
    this.set = this.open();
  }

  private open(): PipelineSet {
    const log = Object.create(this.log) as MemoryLog;
    log.append = async (...args) => {
      for (let turns = this.appendTurns(); turns > 0; turns--)
        await new Promise(resolve => setImmediate(resolve));
      return MemoryLog.prototype.append.apply(log, args);
    };
    const options: PipelineSetOptions = {
      log,
      state: this.state,
      clock: this.clock,
      load: async file => this.load(file),
      onLog: line => this.logged.push(`${line.pipeline} ${line.level}: ${line.message}`),
      newEpoch: () => `e${++this.epochs}`,
      callsMax: this.callsMax,
      failpoint: name => this.failpoint?.(name),
    };
    return new PipelineSet(options);
  }

  private load({ name, path }: PipelineFile) {
    const definition = this.definitions[name]!;
    const exported = typeof definition === 'function' ? definition() : marked(definition, path);
    const { spec, functions } = checkDefinition(name, `file://${path}`, exported);
    const isCurrent = () => this.definitions[name] === definition;
    return { spec, executor: new LocalExecutor(spec, functions), isCurrent };
  }

  /** Puts `definitions` into force; the errors' messages. */
  async define(definitions: PipelineHarness['definitions'], views: string[] = []): Promise<string[]> {
    this.definitions = definitions;
    const files = Object.keys(definitions).map(name => ({ name, path: `/pipelines/${name}.ts` }));
    return (await this.set.define(files, views)).map(error => `${error.message} ${error.remedy}`);
  }

  /** The process dies as it is, and comes back on what the store and the log kept. */
  async restart(): Promise<void> {
    await this.log.close();
    await this.set.close().catch(() => {});
    this.log = new MemoryLog(this.store);
    this.set = this.open();
    await this.define(this.definitions);
  }

  async append(stream: string, events: readonly object[], partition = 0, partitions = 1): Promise<void> {
    await this.log.createStream(stream, { partitions });
    if (events.length === 0) return;
    const bytes = Buffer.from(events.map(event => `${JSON.stringify(event)}\n`).join(''));
    await this.log.append(stream, partition, { bytes, count: events.length });
  }

  async events(stream: string, partition = 0): Promise<Record<string, unknown>[]> {
    const kept = this.store.get(stream)?.[partition];
    if (!kept) return [];
    const target = new Uint8Array(kept.batches.reduce((sum, { bytes }) => sum + bytes.length, 0));
    const { length } = await this.log.read(stream, partition, 0, target);
    const lines = Buffer.from(target.subarray(0, length)).toString().split('\n').slice(0, -1);
    return lines.map(line => JSON.parse(line) as Record<string, unknown>);
  }

  /** Waits until every pipeline has read its input to the end and delivered what came of it, or until `isOver`. */
  async settled(isOver = () => false): Promise<void> {
    const ends = (): string =>
      JSON.stringify([...this.store.values()].map(places => places.map(({ end }) => end)));
    for (let quiet = 0, tries = 0; quiet < 3 && !isOver(); tries++) {
      if (tries > 2000) throw new Error(`not settled: ${JSON.stringify(await this.set.list())}`);
      await new Promise(resolve => setImmediate(resolve));
      const before = ends();
      const list = await this.set.list();
      const isIdle = list.every(({ lag, state }) => state !== 'running' || lag === 0);
      const isDelivered = this.rows('pipeline-output').length === 0;
      quiet = isIdle && isDelivered && before === ends() ? quiet + 1 : 0;
    }
  }

  private rows(kind: string): { parts: unknown[]; value: Uint8Array }[] {
    return [...this.state.range(Uint8Array.of(0), Uint8Array.of(255))]
      .map(({ key, value }) => ({ parts: decode(key), value }))
      .filter(({ parts }) => parts[0] === kind);
  }

  /** Values of state by key. */
  keys(name: string, partition = 0): Record<string, unknown> {
    const found: Record<string, unknown> = {};
    for (const { parts, value } of this.rows('pipeline-key')) {
      if (parts[1] !== name || parts[2] !== partition) continue;
      const { values } = JSON.parse(Buffer.from(value).toString()) as { values: [string, string][] };
      found[String(parts[3])] = Object.fromEntries(values.map(([one, text]) => [one, JSON.parse(text)]));
    }
    return found;
  }

  timers(): unknown[][] {
    return this.rows('pipeline-timer').map(({ parts }) => parts.slice(1));
  }
}

/** As `pipeline()` would have been called at line 3 of the file. */
export function marked(definition: AnyDefinition, path: string): object {
  const made = { ...pipeline(definition) };
  Object.defineProperty(made, definedAt, { value: `Error\n    at file://${path}:3:16` });
  return made;
}

export const crash = (): never => {
  throw new MillraceError('simulated-crash', 'The test ends the process here.');
};
