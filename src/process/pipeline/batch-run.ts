// Runs a pipeline's functions over one batch: event by event, due timers after each, failed calls again and then to `_rejected`.
// Invariant: what comes out depends on events, state and clock alone, not on where batches are cut.
import { type RejectedEvent, rejectedStream, rejectedText } from '../../collect/rejected.ts';
import { MillraceError, wordsOf } from '../../core/errors.ts';
import { eventTimeUs } from '../../core/event-time.ts';
import { formatUs } from '../../core/time.ts';
import { pipelineLimits as limits, type PipelineLogLine, type PipelineTimer } from '../pipeline.ts';
import type {
  BatchOutput,
  BatchResult,
  BatchState,
  KeyTimer,
  PipelineBatch,
  PreparedBatch,
  TimerPlace,
} from './batch.ts';
import { CallContext, type CallEffects, type CallPlace } from './call-context.ts';
import type { PipelineFunctions, PipelineSpec } from './definition.ts';
import { decodeKeyRow, encodeKeyRow, type KeyRow, type KeyTimerEntry } from './key-row.ts';
import { TimerQueue } from './timer-queue.ts';

export interface BatchRunOptions {
  spec: PipelineSpec;
  functions: PipelineFunctions;
  batch: PipelineBatch;
  /** Called before each call with its name. */
  onCall(call: string): void;
  /** Milliseconds that only grow. */
  elapsedMs(): number;
}

interface Row {
  offset: number;
  timeUs: number;
  appendUs: number;
  raw: Uint8Array;
  /** For the first try; a later one parses anew, since a function may have changed it. */
  event: Record<string, unknown> | undefined;
  key: string;
  /** Why the key function gave none. */
  failure?: CallFailure;
}

interface CallFailure {
  reason: string;
  stack: string;
}

interface LoadedKey {
  row: KeyRow;
  /** Timers as they were stored; there once one changed. */
  before?: Map<string, KeyTimerEntry>;
  isChanged: boolean;
}

const decoder = new TextDecoder();
const newline = 10;

export class BatchRun {
  private readonly options: BatchRunOptions;
  private readonly rows: Row[] = [];
  private readonly keys = new Map<string, LoadedKey>();
  private readonly emitted = new Map<string, { lines: string[]; bytes: number }>();
  private readonly deaths: Map<string, { times: number; reason: string }>;
  private highUs: number;
  private watermarkUs: number;
  private offset: number;
  private calls = 0;
  private emittedBytes = 0;
  private logDropped = 0;
  private readonly counts = {
    eventsIn: 0,
    eventsOut: 0,
    timersFired: 0,
    failures: 0,
    retries: 0,
    rejected: 0,
  };
  private readonly log: Omit<PipelineLogLine, 'pipeline'>[] = [];
  private queue = new TimerQueue([], null);
  private readonly astray: KeyTimer[] = [];

  constructor(options: BatchRunOptions) {
    this.options = options;
    const { batch } = options;
    this.highUs = batch.highUs ?? Number.NEGATIVE_INFINITY;
    this.watermarkUs = batch.watermarkUs ?? Number.NEGATIVE_INFINITY;
    this.offset = batch.offset;
    this.deaths = new Map(batch.deaths.map(({ call, times, reason }) => [call, { times, reason }]));
  }

  prepare(): PreparedBatch {
    const { highUs, watermarkUs } = this;
    const keys = new Set<string>();
    for (const { offset, appendTimeMs, lines } of this.slices()) {
      lines.forEach((raw, i) => {
        const row = this.prepareRow(raw, offset + i, appendTimeMs * 1000);
        this.rows.push(row);
        if (!row.failure) keys.add(row.key);
        this.advance(row);
      });
    }
    const reached = this.watermarkUs;
    this.highUs = highUs;
    this.watermarkUs = watermarkUs;
    return { keys: [...keys], watermarkUs: finite(reached) };
  }

  private *slices(): Iterable<{ offset: number; appendTimeMs: number; lines: Uint8Array[] }> {
    const { bytes, slices } = this.options.batch;
    let at = 0;
    for (const { offset, count, appendTimeMs } of slices) {
      const lines: Uint8Array[] = [];
      for (let i = 0; i < count; i++) {
        const end = bytes.indexOf(newline, at);
        lines.push(bytes.subarray(at, end));
        at = end + 1;
      }
      yield { offset, appendTimeMs, lines };
    }
  }

  private prepareRow(raw: Uint8Array, offset: number, appendUs: number): Row {
    const row: Row = { offset, timeUs: appendUs, appendUs, raw, event: undefined, key: '' };
    const { key } = this.options.functions;
    try {
      row.event = parse(raw);
      row.timeUs = eventTimeUs(row.event, () => decoder.decode(raw), appendUs);
      if (!key) return row;
    } catch (thrown) {
      row.failure = failureOf(thrown);
      return row;
    }
    row.failure = this.tries(callOf(offset), attempt => {
      if (attempt > 1) row.event = parse(raw);
      row.key = keyText(key(row.event!));
    });
    return row;
  }

  /** Calls until it succeeds, at most `attempts` times over all lives of the thread; the last failure otherwise. */
  private tries(call: string, work: (attempt: number) => void): CallFailure | undefined {
    const { spec, onCall } = this.options;
    const death = this.deaths.get(call);
    let last: CallFailure = { reason: death?.reason ?? '', stack: '' };
    for (let attempt = (death?.times ?? 0) + 1; attempt <= spec.attempts; attempt++) {
      onCall(call);
      try {
        work(attempt);
        return undefined;
      } catch (thrown) {
        last = this.noteFailure(thrown, attempt);
      }
    }
    return last;
  }

  private noteFailure(thrown: unknown, attempt: number): CallFailure {
    this.counts.failures++;
    if (attempt < this.options.spec.attempts) this.counts.retries++;
    return failureOf(thrown);
  }

  private advance({ timeUs, appendUs }: Row): void {
    const { aheadUs, delayUs } = this.options.spec;
    if (timeUs > this.highUs && timeUs <= appendUs + aheadUs) {
      this.highUs = timeUs;
      this.watermarkUs = Math.max(this.watermarkUs, timeUs - delayUs);
    }
  }

  async run(state: BatchState): Promise<BatchResult> {
    for (const [key, row] of state.rows) this.keys.set(key, { row: decodeKeyRow(row), isChanged: false });
    this.queue = new TimerQueue(
      state.timers.filter(({ clock }) => clock === 'event'),
      state.more,
    );
    const startedMs = this.options.elapsedMs();
    const isFull = (): boolean =>
      this.calls >= this.options.batch.callsMax ||
      this.emittedBytes >= this.options.batch.emittedBytesMax ||
      this.options.elapsedMs() - startedMs >= limits.batchMs;
    for (const timer of state.timers) {
      if (timer.clock !== 'wall') continue;
      if (isFull()) return this.result();
      await this.fire(timer, 'wall');
    }
    if (!(await this.fireDue(isFull))) return this.result();
    for (const row of this.rows) {
      if (isFull() || (!row.failure && !this.keys.has(row.key))) break;
      await this.takeIn(row);
      if (!(await this.fireDue(isFull))) break;
    }
    return this.result();
  }

  /** Fires what is due; false where the batch must end first. */
  private async fireDue(isFull: () => boolean): Promise<boolean> {
    for (;;) {
      if (this.queue.isEmptyAt(this.watermarkUs)) return !this.queue.isBlocked(this.watermarkUs);
      if (isFull()) return false;
      await this.fire(this.queue.take(this.watermarkUs)!, 'event');
    }
  }

  private async takeIn(row: Row): Promise<void> {
    this.counts.eventsIn++;
    if (row.failure) this.reject(row.failure, row.raw, row.offset);
    else {
      const { process } = this.options.functions;
      const place = this.placeOf(row.key, row.timeUs, row.offset);
      const failure = await this.call(callOf(row.offset), place, context => {
        const event = row.event ?? parse(row.raw);
        row.event = undefined;
        return process(event, context as never);
      });
      if (failure) this.reject(failure, row.raw, row.offset);
    }
    this.offset = row.offset + 1;
    this.advance(row);
  }

  private async fire({ key, name, timeUs }: TimerPlace, clock: KeyTimer['clock']): Promise<void> {
    const loaded = this.keys.get(key);
    const entry = loaded?.row.timers.get(name);
    // Moved, deleted or fired already.
    if (!loaded || entry?.timeUs !== timeUs || entry.clock !== clock) {
      const stored = loaded?.before?.get(name) ?? entry;
      // Known to the store's order of timers but not to the key: taken out, or it would be due for ever.
      if (stored?.timeUs !== timeUs || stored.clock !== clock) this.astray.push({ clock, timeUs, key, name });
      return;
    }
    this.counts.timersFired++;
    this.changeTimer(loaded, key, name, null);
    const timer: PipelineTimer = { name, clock, timeMs: timeUs / 1000 };
    const place = { ...this.placeOf(key, timeUs, this.offset), timer: { clock, timeUs } };
    const call = JSON.stringify([clock, timeUs, key, name]);
    const { onTimer } = this.options.functions;
    const failure = await this.call(call, place, context => {
      if (!onTimer) {
        throw new MillraceError('no-on-timer', 'A timer fired and there is no function onTimer.', {
          remedy: 'Add onTimer(timer, context) { … } to the pipeline.',
        });
      }
      return onTimer({ ...timer }, context as never);
    });
    if (failure) this.reject(failure, Buffer.from(JSON.stringify({ timer, key })), this.offset);
  }

  private placeOf(key: string, timeUs: number, offset: number): Omit<CallPlace, 'attempt'> {
    const { spec, batch } = this.options;
    const { nowMs, stream, partition, emittedBytesMax } = batch;
    const { to, sides } = spec;
    const watermarkUs = finite(this.watermarkUs);
    return { timeUs, nowMs, watermarkUs, stream, partition, offset, key, to, sides, emittedBytesMax };
  }

  /** One call, again where it fails; what it did counts where it succeeds. */
  private async call(
    call: string,
    place: Omit<CallPlace, 'attempt'>,
    work: (context: CallContext) => unknown,
  ): Promise<CallFailure | undefined> {
    const { spec, onCall } = this.options;
    const death = this.deaths.get(call);
    const loaded = this.keys.get(place.key)!;
    this.calls++;
    let last: CallFailure = { reason: death?.reason ?? '', stack: '' };
    for (let attempt = (death?.times ?? 0) + 1; attempt <= spec.attempts; attempt++) {
      onCall(call);
      const context = new CallContext({ ...place, attempt }, loaded.row, line => this.note(line));
      try {
        const returned = work(context);
        context.emitReturned(isPromise(returned) ? await returned : returned);
        this.apply(context.end(), place.key, loaded);
        return undefined;
      } catch (thrown) {
        context.end();
        last = this.noteFailure(thrown, attempt);
      }
    }
    return last;
  }

  private apply({ values, timers, emitted }: CallEffects, key: string, loaded: LoadedKey): void {
    for (const [name, text] of values) {
      loaded.isChanged = true;
      if (text === null) loaded.row.values.delete(name);
      else loaded.row.values.set(name, text);
    }
    for (const [name, entry] of timers) this.changeTimer(loaded, key, name, entry);
    for (const { stream, line, bytes } of emitted) this.add(stream, line, bytes);
    this.counts.eventsOut += emitted.length;
  }

  private changeTimer(loaded: LoadedKey, key: string, name: string, entry: KeyTimerEntry | null): void {
    loaded.isChanged = true;
    loaded.before ??= new Map(loaded.row.timers);
    if (entry === null) loaded.row.timers.delete(name);
    else {
      loaded.row.timers.set(name, entry);
      if (entry.clock === 'event') this.queue.add({ timeUs: entry.timeUs, key, name });
    }
  }

  private add(stream: string, line: string, bytes: number): void {
    let output = this.emitted.get(stream);
    if (!output) this.emitted.set(stream, (output = { lines: [], bytes: 0 }));
    output.lines.push(line);
    output.bytes += bytes;
    this.emittedBytes += bytes;
  }

  private reject({ reason, stack }: CallFailure, raw: Uint8Array, offset: number): void {
    const { spec, batch } = this.options;
    this.counts.rejected++;
    const event: RejectedEvent = {
      _time: formatUs(batch.nowMs * 1000),
      stream: batch.stream,
      source: `pipeline:${spec.name}`,
      partition: batch.partition,
      offset,
      reason,
      ...(stack === '' ? {} : { stack }),
      ...rejectedText(raw),
    };
    const line = `${JSON.stringify(event)}\n`;
    this.add(rejectedStream, line, Buffer.byteLength(line));
  }

  private note(line: Omit<PipelineLogLine, 'pipeline'>): void {
    if (this.log.length < limits.logLinesPerBatchMax) this.log.push(line);
    else this.logDropped++;
  }

  private result(): BatchResult {
    const rows: BatchResult['rows'] = [];
    const timersRemoved: KeyTimer[] = [...this.astray];
    const timersSet: KeyTimer[] = [];
    for (const [key, { row, before, isChanged }] of this.keys) {
      if (!isChanged) continue;
      rows.push([key, encodeKeyRow(row)]);
      if (!before) continue;
      for (const [name, entry] of before) {
        if (!isSame(entry, row.timers.get(name))) timersRemoved.push({ key, name, ...entry });
      }
      for (const [name, entry] of row.timers) {
        if (!isSame(entry, before.get(name))) timersSet.push({ key, name, ...entry });
      }
    }
    if (this.logDropped > 0) {
      this.log.push({ level: 'warn', message: `${this.logDropped} more lines were not kept` });
    }
    const outputs: BatchOutput[] = [...this.emitted].map(([stream, { lines }]) => {
      return { stream, bytes: Buffer.from(lines.join('')), count: lines.length };
    });
    const { offset, highUs, watermarkUs, counts, log } = this;
    const clock = { highUs: finite(highUs), watermarkUs: finite(watermarkUs) };
    return { offset, ...clock, outputs, rows, timersRemoved, timersSet, ...counts, log };
  }
}

const callOf = (offset: number): string => `event ${offset}`;

const parse = (raw: Uint8Array): Record<string, unknown> =>
  JSON.parse(decoder.decode(raw)) as Record<string, unknown>;

const finite = (timeUs: number): number | null => (Number.isFinite(timeUs) ? timeUs : null);

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as { then?: unknown } | null | undefined)?.then === 'function';

const isSame = (a: KeyTimerEntry, b: KeyTimerEntry | undefined): boolean =>
  b !== undefined && a.clock === b.clock && a.timeUs === b.timeUs;

function keyText(key: unknown): string {
  if (typeof key === 'string' || typeof key === 'number' || typeof key === 'boolean') {
    const bytes = Buffer.from(String(key));
    // Through bytes, so that a lone surrogate is the same text here as in the store.
    if (bytes.length <= limits.keyBytesMax) return bytes.toString();
    throw new MillraceError('bad-key', `The key has more than ${limits.keyBytesMax} bytes.`, {
      remedy: 'Use a shorter one, such as a hash of it.',
    });
  }
  throw new MillraceError('bad-key', `The key is ${key === null ? 'null' : typeof key}.`, {
    remedy: "Give text, a number or a boolean for every event: key: event => event.user ?? ''.",
  });
}

const stackBytesMax = 4096;

function failureOf(thrown: unknown): CallFailure {
  const { name, message, remedy, stack } = wordsOf(thrown);
  const reason = name === 'MillraceError' ? `${message} ${remedy}`.trimEnd() : `${name}: ${message}`;
  // Only the user's own frames say something to the user.
  const frames = stack
    .split('\n')
    .filter(line => !/^\s+at .*(app-pipeline-code\.js|node:internal|\/src\/process\/pipeline\/)/.test(line));
  return { reason: reason.slice(0, 500), stack: frames.join('\n').slice(0, stackBytesMax) };
}
