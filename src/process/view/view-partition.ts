// One view over one partition of one of its streams: takes batches into the delta, merges it into the windows of each
// resolution, keeps the partition's clock, and commits what changed together with the position it came from.
import type { Kernel } from '../../kernel/kernel.ts';
import type { StateReader, StateTransaction } from '../../store/state.ts';
import { noSlot } from '../accumulators/accumulator.ts';
import { AccumulatorSet } from '../accumulators/accumulator-set.ts';
import type { Batch } from '../batch.ts';
import { type OrderInside, ordersInside } from '../plan/events/fields.ts';
import type { CompiledSource } from '../plan/expression/compile.ts';
import { withTextBound } from '../plan/functions/made-texts.ts';
import type { Plan } from '../plan/plan.ts';
import { LevelKeys, positionKey } from '../state/state-rows.ts';
import { addSizes, isOf, noSize, type StoredSize, storedSizes } from '../state/stored-size.ts';
import { deltaCellsOf, levelOptionsOf, paneLengthsOf } from '../windows/cut.ts';
import { Delta } from '../windows/delta.ts';
import { GroupRegistry } from '../windows/group-registry.ts';
import { Level } from '../windows/level.ts';
import { PaneColumn, paneStart } from '../windows/pane-column.ts';
import { PartitionClock, type PositionRecord } from '../windows/partition-clock.ts';
import { viewFailed } from './view-failure.ts';

const collectFrom = 8192;
const collectBytesFrom = 16 * 1024 * 1024;
/** Bytes of a group that are taken to be a part of its cell. */
const cellGroupBytes = 256;
/** Cells whose accumulators are merged together: few enough to stay in the processor's cache. */
const cellsAtOnce = 1024;

export interface ViewPartitionOptions {
  plan: Plan;
  source: number;
  partition: number;
  kernel: Kernel;
  state: StateReader;
  compiled: CompiledSource;
}

export class ViewPartition {
  plan: Plan;
  readonly source: number;
  readonly partition: number;
  private readonly compiled: CompiledSource;
  readonly levels: Level[];
  readonly registry = new GroupRegistry();
  readonly clock: PartitionClock;
  /** Why it takes no more events. */
  failure: Error | undefined;
  readonly orders: readonly OrderInside[];
  /** By the key of an order inside of an object: whether there was a value of it that could be read, in the events since the start. */
  readonly hasRead = new Map<string, boolean>();
  /** Offset that its filling began at (before a restart too), and whether it has come to the live position. */
  startedAt = 0;
  hasCaughtUp = false;
  /** What the store has of it as of the last commit, and will have with the one under way. */
  kept: StoredSize;
  private keptNext: StoredSize = noSize;
  private readonly delta: Delta;
  private readonly panes: PaneColumn;
  private readonly filteredSlots: Int32Array[] = [];
  /** Merges put off: from these cells of the delta to these slots of the level that is merged into. */
  private readonly from = new Int32Array(cellsAtOnce);
  private readonly to = new Int32Array(cellsAtOnce);
  private pending = 0;
  private merging: Level | undefined;
  private readonly settle = (): void => {
    const { pending } = this;
    this.pending = 0;
    if (pending > 0) this.merging!.accumulators.merge(this.delta.accumulators, this.from, this.to, pending);
  };
  /** Bytes of groups that the last collection left. */
  private bytesKept = 0;
  private mask = new Uint8Array(0);
  /** By aggregate: first and last without an order of their own take the event time's. */
  private readonly takesTime: boolean[];

  constructor({ plan, source, partition, kernel, state, compiled }: ViewPartitionOptions) {
    this.plan = plan;
    this.source = source;
    this.partition = partition;
    this.compiled = compiled;
    const { aggregates } = plan.sources[source]!;
    this.orders = ordersInside(plan.sources[source]!);
    this.takesTime = aggregates.map(
      ({ function: name, args }) => (name === 'first' || name === 'last') && args.length === 1,
    );
    this.delta = new Delta(kernel, aggregates, this.registry, deltaCellsOf(plan.window));
    this.panes = new PaneColumn(paneLengthsOf(plan.window));
    this.levels = levelOptionsOf(plan).map(options => {
      const keys = new LevelKeys(plan.name, plan.version, options.everyMs, source, partition);
      return new Level(options, new AccumulatorSet(aggregates), this.registry, state, keys);
    });
    const stored = state.get(this.positionKey());
    this.clock = new PartitionClock(plan, stored && PartitionClock.parse(stored));
    this.kept = this.clock.record.kept ?? (stored ? this.storedSize(state) : noSize);
  }

  private storedSize(state: StateReader): StoredSize {
    return this.levels
      .flatMap(({ keys }) =>
        storedSizes(state, keys, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY).filter(one =>
          isOf(one, this.source, this.partition),
        ),
      )
      .reduce((sum, { size }) => addSizes(sum, size), noSize);
  }

  /** The offset after the last event taken in, or undefined before the first commit. */
  get position(): number | undefined {
    return this.clock.record.offset;
  }

  /** Takes over changed settings of the same version. */
  adopt(plan: Plan): void {
    this.plan = plan;
    this.clock.adopt(plan);
    const options = levelOptionsOf(plan);
    for (let l = 0; l < this.levels.length; l++) this.levels[l]!.options = options[l]!;
  }

  private positionKey(): Uint8Array {
    return positionKey(this.plan.name, this.plan.version, this.source, this.partition);
  }

  /** `isRead`: as EventColumns.hasRead says it of a batch. */
  noteRead(key: string, isRead: boolean | undefined): void {
    if (isRead !== undefined) this.hasRead.set(key, isRead || this.hasRead.get(key) === true);
  }

  take(batch: Batch): void {
    withTextBound(() => this.takeIn(batch));
  }

  private takeIn(batch: Batch): void {
    const { rows, columns } = batch;
    const { filter, groups: groupColumns, aggregates, texts } = this.compiled;
    texts.begin();
    const mask = this.withoutExpired(batch, filter?.(columns));
    const groups = groupColumns.map(column => column(columns));
    if (this.delta.mustFlush(groups, rows)) this.flush();
    if (this.failure !== undefined) return;
    this.panes.keep(this.levels.map(({ options }) => this.clock.pruneUs(options)));
    this.panes.compute(batch.timesUs, rows);
    const slots = this.delta.assign(this.panes, groups, rows, mask);
    const { weights, accumulators } = this.delta.accumulators;
    countRows(weights, slots, rows);
    for (let a = 0; a < accumulators.length; a++) {
      const { args, filter: condition } = aggregates[a]!;
      const kept = condition === undefined ? slots : this.filtered(slots, condition(columns), rows, a);
      const vectors = args.map(arg => arg(columns));
      if (this.takesTime[a]) vectors.push(columns.eventTime());
      accumulators[a]!.update(vectors, rows, kept);
    }
  }

  /** The rows that are in some window's keep time; the others are counted. */
  private withoutExpired(batch: Batch, mask: Uint8Array | undefined): Uint8Array | undefined {
    const rows = batch.rows;
    if (!this.clock.advance(batch)) return mask;
    if (this.mask.length < rows) this.mask = new Uint8Array(rows);
    if (mask === undefined) this.mask.fill(1, 0, rows);
    else this.mask.set(mask.subarray(0, rows));
    this.clock.clearExpired(batch, this.mask, this.source, this.partition, this.levels);
    return this.mask;
  }

  private filtered(slots: Int32Array, filter: Uint8Array, rows: number, aggregate: number): Int32Array {
    let kept = this.filteredSlots[aggregate];
    if (kept === undefined || kept.length < rows) kept = this.filteredSlots[aggregate] = new Int32Array(rows);
    keepWhere(filter, slots, kept, rows);
    return kept;
  }

  /**
   * Merges the delta into every resolution's windows. What cannot be merged is the failure of this view, since a part of it may have
   * been: it takes no more events, and nothing of it is committed any more.
   */
  flush(): void {
    if (this.failure !== undefined) return;
    try {
      this.merge();
    } catch (thrown) {
      this.failure = viewFailed(this.plan.name, thrown);
    }
  }

  private merge(): void {
    const { delta } = this;
    if (delta.size > 0) {
      for (const level of this.levels) this.mergeInto(level);
      delta.reset();
      this.panes.reset();
    }
    for (const level of this.levels) level.expire(this.clock.pruneUs(level.options));
  }

  private mergeInto(level: Level): void {
    const { size } = this.delta;
    const cutUs = this.clock.pruneUs(level.options);
    this.merging = level;
    level.beginFlush();
    for (let cell = 0; cell < size; cell += cellsAtOnce) {
      this.mergeCells(level, cell, Math.min(size, cell + cellsAtOnce), cutUs);
      this.settle();
    }
  }

  private mergeCells(level: Level, begin: number, end: number, cutUs: number): void {
    const { delta, from, to, settle } = this;
    const { sizeUs, everyUs } = level.options;
    const overlap = sizeUs - this.panes.everyUs;
    const { weights } = delta.accumulators;
    for (let cell = begin; cell < end; cell++) {
      const last = paneStart(delta.panes[cell]!, everyUs);
      // A hopping window holds several panes, and a pane lies in several windows.
      const first = sizeUs === everyUs ? last : last - overlap;
      for (let start = first; start <= last; start += everyUs) {
        if (start + sizeUs <= cutUs) continue;
        if (this.pending === from.length) settle();
        // Finding the slot may settle what was put off, which begins the lists anew.
        const slot = this.slotIn(level, start, cell, weights[cell]!, settle);
        to[this.pending] = slot;
        from[this.pending++] = cell;
      }
    }
  }

  /** A group that is not in memory and is turned away by a full window is not even given a number. */
  private slotIn(level: Level, startUs: number, cell: number, weight: number, settle: () => void): number {
    const known = this.delta.knownGroup(cell);
    if (known >= 0) return level.slotFor(startUs, known, weight, settle);
    const overflow = level.turnedAway(startUs, weight);
    return overflow >= 0 ? overflow : level.slotFor(startUs, this.delta.group(cell), weight, settle);
  }

  /** Writes the windows that have changed; `commitPosition` follows in the same transaction. */
  commitWindows(transaction: StateTransaction): void {
    this.keptNext = this.levels.reduce((sum, level) => addSizes(sum, level.commit(transaction)), this.kept);
  }

  /** Rows of it are deleted in the transaction under way. */
  noteDeleted({ groups, bytes }: StoredSize): void {
    this.keptNext = addSizes(this.keptNext, { groups: -groups, bytes: -bytes });
  }

  commitPosition(transaction: StateTransaction): void {
    transaction.put(this.positionKey(), this.clock.bytes(this.keptNext));
  }

  /** After the transaction has succeeded. */
  markCommitted(): void {
    this.kept = this.keptNext;
    for (const level of this.levels) level.markCommitted();
    this.collectGroups();
  }

  /** Puts cells that are in the store out of memory, down to `share` of them. */
  evict(share: number): void {
    for (const level of this.levels) level.evict(Math.ceil(level.footprint * share));
    this.collectGroups();
  }

  /** Forgets groups that are in no window in memory, once they are the most, or have become twice as long. */
  private collectGroups(): void {
    const { size, bytesUsed } = this.registry;
    const isMuch = bytesUsed > 2 * this.bytesKept + collectBytesFrom;
    if (!isMuch && size < 2 * this.cells + collectFrom) return;
    const isLive = new Uint8Array(this.registry.size);
    for (const level of this.levels) level.markGroups(isLive);
    const moved = this.registry.collect(isLive);
    for (const level of this.levels) level.renumber(moved);
    this.delta.renumber(moved);
    this.bytesKept = this.registry.bytesUsed;
  }

  /** Cells in memory, and for long groups as many more as they take the memory of. */
  get size(): number {
    const { cells } = this;
    return cells + Math.max(0, Math.floor(this.registry.bytesUsed / cellGroupBytes) - cells);
  }

  /** What it has in memory, in cells: `size`, or by the length of what was last written, where that is more. */
  get footprint(): number {
    const ofLevels = this.levels.reduce((sum, level) => sum + level.footprint, 0);
    return Math.max(this.size, ofLevels);
  }

  get cells(): number {
    let cells = 0;
    for (const level of this.levels) cells += level.cells;
    return cells;
  }

  get dirtyCells(): number {
    let cells = this.delta.size;
    for (const level of this.levels) cells += level.dirtyCells;
    return cells;
  }

  get record(): PositionRecord {
    return this.clock.record;
  }

  memoryBytes(): number {
    let bytes = this.delta.memoryBytes() + this.registry.memoryBytes();
    for (const level of this.levels) bytes += level.memoryBytes();
    return bytes;
  }

  free(): void {
    this.delta.free();
  }
}

// Loops over rows stand in functions of their own: a method that is called seldom and loops long is compiled for the loop alone,
// and that code is thrown away at the loop's end.

function countRows(weights: Float64Array, slots: Int32Array, rows: number): void {
  for (let row = 0; row < rows; row++) {
    const slot = slots[row]!;
    if (slot >= 0) weights[slot]! += 1;
  }
}

function keepWhere(filter: Uint8Array, slots: Int32Array, kept: Int32Array, rows: number): void {
  for (let row = 0; row < rows; row++) kept[row] = filter[row] === 1 ? slots[row]! : noSlot;
}
