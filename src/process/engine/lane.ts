// A lane reads one partition of one stream from one position, decodes the fields that its views want together, once, and
// hands every batch to each of them. Live views of a stream share a lane; a view that is being filled from history has
// one of its own until it has come to the same offset.
import { codeOf, MillraceError, toError } from '../../core/errors.ts';
import type { LogReader, ReadResult } from '../../flow/log.ts';
import type { DecodeResult, Decoder, Kernel } from '../../kernel/kernel.ts';
import { EventColumns } from '../plan/events/event-columns.ts';
import { fieldUses, keysOf, useKey } from '../plan/events/fields.ts';
import type { SourcePlan } from '../plan/plan.ts';
import type { ViewPartition } from '../view/view-partition.ts';
import { deltaCellsOf } from '../windows/cut.ts';

/** Serves offsets that the log's retention has removed. */
export interface HistorySource {
  /**
   * As the log's, of events with at least the top-level `keys` and their time as `_time`. Ends at the offset where the log begins at the
   * latest, and its `next` is the offset asked for where there is nothing.
   */
  read(
    stream: string,
    partition: number,
    from: number,
    target: Uint8Array,
    keys: readonly string[],
  ): Promise<ReadResult>;
}

const rowsMax = 16_384;
const foreseeBytes = 65_536;

export class Lane {
  readonly stream: string;
  readonly partition: number;
  /** The offset to read next. */
  position: number;
  /** The durable end when last looked at. */
  end = 0;
  readonly views: ViewPartition[] = [];
  /** There may be something to read. */
  isReady = true;
  isWaiting = false;
  /** It catches up with another lane of the same partition. */
  isFilling = false;
  /** Number of the last step, of all lanes' steps. */
  steppedAt = 0;
  /** Nothing has been read yet. */
  isFresh = true;
  /** Why it cannot be read now. */
  problem: Error | undefined;
  /** Offsets that were lost to retention or damage before they were read. */
  lost = 0;
  private readonly kernel: Kernel;
  private readonly log: LogReader;
  private readonly history: HistorySource | undefined;
  private readonly readBytes: number;
  private readonly farBehind: number;
  private columns: EventColumns | undefined;
  private decoder: Decoder | undefined;
  private appendUs = new Float64Array(rowsMax);
  /** The end when last looked at by `foresee`. */
  private foreseenEnd = 0;

  constructor(options: {
    stream: string;
    partition: number;
    position: number;
    kernel: Kernel;
    log: LogReader;
    history: HistorySource | undefined;
    readBytes: number;
    /** A lane so many events behind looks at the log's end, and again when that is so much further. */
    farBehind: number;
  }) {
    this.stream = options.stream;
    this.partition = options.partition;
    this.position = options.position;
    this.kernel = options.kernel;
    this.log = options.log;
    this.history = options.history;
    this.readBytes = options.readBytes;
    this.farBehind = options.farBehind;
  }

  add(view: ViewPartition): void {
    this.views.push(view);
    this.relayout();
  }

  remove(view: ViewPartition): void {
    const at = this.views.indexOf(view);
    if (at >= 0) this.views.splice(at, 1);
    this.relayout();
  }

  /** Gives the kernel's memory back that it and its views have; the next step takes it anew. */
  release(): void {
    const { columns } = this;
    this.relayout();
    this.decoder?.free();
    this.decoder = undefined;
    columns?.forget();
    for (const view of this.views) view.free();
  }

  private relayout(): void {
    // Codes of the new decoder mean other values, so what was gathered under the old ones is merged first.
    for (const view of this.views) view.flush();
    this.columns = undefined;
  }

  /** A commit can follow each step, and puts windows out of memory. */
  private get eventsMax(): number {
    const hopping = this.views.filter(({ plan }) => plan.window.kind === 'hopping');
    return Math.min(...hopping.map(({ plan }) => deltaCellsOf(plan.window)));
  }

  /** There is much more in the log than one step takes. */
  get isFarBehind(): boolean {
    return this.end - this.position > this.farBehind;
  }

  /**
   * Lets the views know the times of the log's last events, so that they need not keep what these will put out of keep
   * time. What is in the log is durable and will be read before anything is said to be complete.
   */
  private async foresee(target: Uint8Array): Promise<void> {
    if (!this.isFarBehind || this.end - this.foreseenEnd < this.farBehind) return;
    const { end } = this;
    this.foreseenEnd = end;
    const last = (await this.readLast(target, end))?.batches.at(-1);
    if (last === undefined) return;
    const at = Math.max(last.position, last.position + last.length - foreseeBytes);
    const start = at === last.position ? at : this.lineStart(at, 1);
    const { rows } = this.decode(start, last.position + last.length - start, size => {
      this.appendUs.fill(last.appendTimeMs * 1000, 0, size);
    });
    const columns = this.columns!;
    const times = columns.eventTime();
    if (times.kind !== 'time') return;
    for (const view of this.views) view.clock.foresee(times.values, this.appendUs, rows);
  }

  /** The last event; undefined where it is lost, which is no loss of what is to be read now. */
  private async readLast(target: Uint8Array, end: number): Promise<ReadResult | undefined> {
    try {
      return await this.read(target, end - 1);
    } catch (thrown) {
      if (Number.isNaN(afterLoss(thrown))) throw thrown;
      return undefined;
    }
  }

  /**
   * Reads and takes in one span, at most up to offset `upTo`, and of events that lie in many windows no more than a delta holds. Answers
   * how many events.
   */
  async step(upTo = Number.POSITIVE_INFINITY): Promise<number> {
    const until = Math.min(upTo, this.position + this.eventsMax);
    // The kernel's input may be larger.
    const target = this.kernel.input(this.readBytes).subarray(0, this.readBytes);
    let result: ReadResult;
    this.isFresh = false;
    try {
      await this.foresee(target);
      result = await this.read(target, this.position);
    } catch (thrown) {
      this.skip(thrown);
      return 0;
    }
    this.end = result.end;
    const before = this.position;
    const isCut = result.next > until;
    const batches = isCut ? result.batches.filter(batch => batch.offset < until) : result.batches;
    if (batches.length > 0) this.take(batches, until);
    this.moveTo(isCut ? until : result.next);
    this.isReady = this.position < this.end;
    return this.position - before;
  }

  private moveTo(offset: number): void {
    this.position = offset;
    for (const view of this.views) view.clock.record.offset = offset;
  }

  private async read(target: Uint8Array, from: number): Promise<ReadResult> {
    try {
      return await this.log.read(this.stream, this.partition, from, target);
    } catch (thrown) {
      if (this.history === undefined || codeOf(thrown) !== 'offset-retained') throw thrown;
      const { end } = await this.log.range(this.stream, this.partition);
      const keys = keysOf(this.views.map(sourcePlan));
      const old = await this.history.read(this.stream, this.partition, from, target, keys);
      if (old.next <= from) throw thrown;
      return { ...old, end };
    }
  }

  /** Goes on behind offsets that are no more; throws what is no such loss. */
  private skip(thrown: unknown): void {
    const next = afterLoss(thrown);
    if (!(next > this.position)) throw thrown;
    this.lost += next - this.position;
    this.position = next;
  }

  /** The events of the batches that lie before offset `until`. */
  private take(batches: ReadResult['batches'], until: number): void {
    const first = batches[0]!;
    const last = batches[batches.length - 1]!;
    const skipped = this.position - first.offset;
    let at = skipped > 0 ? this.lineStart(first.position, skipped) : first.position;
    const end =
      last.offset + last.count > until
        ? this.lineStart(last.position, until - last.offset)
        : last.position + last.length;
    // Offsets are dense inside what one read returns, or rows are counted from each batch's own offset.
    let cursor = 0;
    let rowInBatch = Math.max(0, skipped);
    while (at < end) {
      const offset = batches[cursor]!.offset + rowInBatch;
      const { rows, consumed } = this.decode(at, end - at, size => {
        for (let row = 0; row < size; ) {
          const batch = batches[cursor]!;
          const count = Math.min(size - row, batch.count - rowInBatch);
          this.appendUs.fill(batch.appendTimeMs * 1000, row, row + count);
          row += count;
          rowInBatch += count;
          if (rowInBatch >= batch.count && cursor < batches.length - 1) {
            cursor++;
            rowInBatch = 0;
          } else if (count === 0) break;
        }
      });
      if (consumed === 0)
        throw new MillraceError('internal', `The kernel decoded nothing of ${this.stream}.`);
      this.hand(rows, offset);
      // What the views have is behind, should the next rows fail.
      this.moveTo(batches[cursor]!.offset + rowInBatch);
      at += consumed;
    }
  }

  private lineStart(position: number, lines: number): number {
    const input = this.kernel.input(0);
    let at = position;
    for (let line = 0; line < lines; line++) at = input.indexOf(10, at) + 1;
    return at;
  }

  private decode(
    at: number,
    length: number,
    append: (rows: number) => void,
  ): { rows: number; consumed: number } {
    if (this.columns === undefined) this.layOut(new EventColumns(this.views.map(sourcePlan)));
    else if (this.columns.isFull) {
      for (const view of this.views) view.flush();
      this.columns.renewDictionaries();
    }
    const columns = this.columns!;
    let result = this.decodeOnce(at, length);
    append(result.rows);
    // What the events show of the fields is taken in at once, before any view knows the dictionaries.
    while (columns.load(result, this.kernel.input(0), this.appendUs) !== 'ok' || columns.fieldsChanged) {
      for (const view of this.views) view.flush();
      this.layOut(columns);
      result = this.decodeOnce(at, length);
    }
    return { rows: result.rows, consumed: result.consumed };
  }

  /** The columns' arrays are taken once here: a kernel may look its memory up anew at each access. */
  private decodeOnce(at: number, length: number): DecodeResult {
    const { rows, consumed, columns } = this.decoder!.decode(at, length);
    const taken = columns.map(({ spec, state, values, start, end }) => ({ spec, state, values, start, end }));
    return { rows, consumed, columns: taken };
  }

  private layOut(columns: EventColumns): void {
    this.decoder?.free();
    this.columns = columns;
    this.decoder = this.kernel.decoder(columns.fields, { maxRows: rowsMax });
    columns.attach(this.decoder);
  }

  private hand(rows: number, firstOffset: number): void {
    const columns = this.columns!;
    const times = columns.eventTime();
    if (times.kind !== 'time') return;
    const { appendUs } = this;
    for (const view of this.views) {
      if (view.failure !== undefined) continue;
      try {
        const mismatched = columns.mismatchedEvents(usesOf(view));
        for (const { key } of view.orders) view.noteRead(key, columns.hasRead(key));
        view.take({ rows, columns, timesUs: times.values, appendUs, firstOffset, mismatched });
      } catch (thrown) {
        // The delta may hold part of the batch: nothing of this view is committed any more.
        view.failure = toError(thrown);
      }
    }
  }

  free(): void {
    this.decoder?.free();
    this.decoder = this.columns = undefined;
  }
}

/** The first offset behind what an error says is no more; NaN for any other error. */
function afterLoss(thrown: unknown): number {
  const code = codeOf(thrown);
  const context = thrown instanceof MillraceError ? thrown.context : {};
  return Number(
    code === 'offset-retained' ? context['first'] : code === 'log-damaged' ? context['end'] : NaN,
  );
}

const sourcePlan = (view: ViewPartition) => view.plan.sources[view.source]!;

const uses = new WeakMap<SourcePlan, string[]>();

/** What a view reads of its events. */
function usesOf(view: ViewPartition): string[] {
  const source = sourcePlan(view);
  let keys = uses.get(source);
  if (keys === undefined) {
    keys = fieldUses([source]).map(({ path, as }) => useKey(path, as));
    uses.set(source, keys);
  }
  return keys;
}
