// One resolution of one view in one partition: the windows that are in memory, with a slot for each group of each. What is
// not in memory is in the state store and is read back cell by cell when an event wants it.
//
// Invariants: a slot belongs to one cell of one window; a cell that differs from its row in the store is in its window's
// `dirty` list, one that was not published in `changed`; a window is put out of memory only when both are empty.

import { ByteReader } from '../../core/bytes.ts';
import { Rng } from '../../core/rng.ts';
import type { StateReader, StateTransaction } from '../../store/state.ts';
import type { KeyPart } from '../../store/state-key.ts';
import type { AccumulatorSet } from '../accumulator-set.ts';
import { grown } from '../accumulators/growth.ts';
import type { GroupRegistry } from '../group-registry.ts';
import { RowWriter } from '../row-writer.ts';
import {
  type LevelKeys,
  parseCellKey,
  readCellHead,
  readWindowRecord,
  type WindowRecord,
  writeCellHead,
  writeWindowRecord,
} from '../state-rows.ts';

export interface HotWindow {
  startUs: number;
  /** Slots by the registry's group number. */
  slots: Map<number, number>;
  record: WindowRecord;
  /** Slot of the overflow group, or −1. */
  overflow: number;
  /** The store may hold cells that are not in `slots`. */
  hasMore: boolean;
  isDirty: boolean;
  dirty: number[];
  isChanged: boolean;
  changed: number[];
  /** Groups have left since the last publish: it must be sent whole. */
  isReplaced: boolean;
  /** Flush in which it was last written to. */
  touched: number;
}

export interface LevelOptions {
  everyMs: number;
  /** Length of a window, µs. */
  sizeUs: number;
  /** A new window starts each; less than `sizeUs` for hopping windows. */
  everyUs: number;
  /** null keeps for ever. */
  keepUs: number | null;
  maxGroups: number;
}

const flag = { dirty: 1, changed: 2, stored: 4, incomplete: 8 } as const;
/** Share of a full window's groups that stays when the smallest go to the overflow group. */
const compactTo = 0.75;

export class Level {
  options: LevelOptions;
  readonly accumulators: AccumulatorSet;
  readonly windows = new Map<number, HotWindow>();
  readonly keys: LevelKeys;
  private readonly registry: GroupRegistry;
  private readonly state: StateReader;
  private slotGroups = new Int32Array(0);
  private slotFlags = new Uint8Array(0);
  private dirtyWindows: HotWindow[] = [];
  private changedWindows: HotWindow[] = [];
  /** Rows of cells that went to an overflow group, to be deleted at the next commit. */
  private deletions: Uint8Array[] = [];
  private flushes = 0;
  private last: HotWindow | undefined;
  private readonly writer = new RowWriter();
  private readonly rng = new Rng(1);

  constructor(
    options: LevelOptions,
    accumulators: AccumulatorSet,
    registry: GroupRegistry,
    state: StateReader,
    keys: LevelKeys,
  ) {
    this.options = options;
    this.accumulators = accumulators;
    this.registry = registry;
    this.state = state;
    this.keys = keys;
  }

  /** Cells in memory. */
  get cells(): number {
    return this.accumulators.size;
  }

  /** Cells that differ from the store. */
  get dirtyCells(): number {
    let count = 0;
    for (const window of this.dirtyWindows) count += window.dirty.length;
    return count;
  }

  endUs(window: { startUs: number }): number {
    return window.startUs + this.options.sizeUs;
  }

  beginFlush(): void {
    this.flushes++;
  }

  /**
   * The slot that the group's `weight` events of this window go to, marked dirty and changed. `settle` is called before slots are moved
   * about: merges that the caller has put off must be done then.
   */
  slotFor(startUs: number, group: number, weight: number, settle: () => void): number {
    const window = this.last?.startUs === startUs ? this.last : this.window(startUs);
    window.touched = this.flushes;
    window.record.events += weight;
    const slot = window.slots.get(group) ?? this.admit(window, group, weight, settle);
    if (!window.isDirty) {
      window.isDirty = true;
      this.dirtyWindows.push(window);
    }
    if (!window.isChanged) {
      window.isChanged = true;
      this.changedWindows.push(window);
    }
    // The overflow group is written with its window's record and sent with every change.
    if (slot === window.overflow) return slot;
    const flags = this.slotFlags[slot]!;
    if ((flags & flag.dirty) === 0) window.dirty.push(slot);
    if ((flags & flag.changed) === 0) window.changed.push(slot);
    this.slotFlags[slot] = flags | flag.dirty | flag.changed;
    return slot;
  }

  private window(startUs: number): HotWindow {
    let window = this.windows.get(startUs);
    if (window === undefined) {
      const stored = this.state.get(this.keys.window(startUs));
      window = {
        startUs,
        slots: new Map(),
        record: { revision: -1, groups: 0, events: 0, isCompacted: false, hasOverflow: false },
        overflow: -1,
        hasMore: stored !== undefined,
        isDirty: false,
        dirty: [],
        isChanged: false,
        changed: [],
        isReplaced: false,
        touched: this.flushes,
      };
      if (stored !== undefined) this.restore(window, stored);
      this.windows.set(startUs, window);
    }
    this.last = window;
    return window;
  }

  private restore(window: HotWindow, stored: Uint8Array): void {
    const reader = new ByteReader(stored);
    window.record = readWindowRecord(reader);
    if (!window.record.hasOverflow) return;
    window.overflow = this.take(-1);
    this.accumulators.read(window.overflow, reader);
  }

  private take(group: number): number {
    const slot = this.accumulators.allocate();
    this.slotGroups = grown(this.slotGroups, this.accumulators.bound);
    this.slotFlags = grown(this.slotFlags, this.accumulators.bound);
    this.slotGroups[slot] = group;
    this.slotFlags[slot] = 0;
    return slot;
  }

  /**
   * A slot for a group that has none. Once small groups have been moved to the overflow group, a new one is taken in by chance,
   * likely in proportion to its events and to the cap over all events of the window (sticky sampling, Manku & Motwani
   * 2002): a group with a share well above one over the cap soon has its row, and a flood of keys does not churn.
   */
  private admit(window: HotWindow, group: number, weight: number, settle: () => void): number {
    if (window.hasMore) {
      const key = this.keys.cell(window.startUs, this.registry.values(group));
      const stored = this.state.get(key);
      if (stored !== undefined) return this.revive(window, group, new ByteReader(stored));
    }
    const { maxGroups } = this.options;
    if (window.record.isCompacted && this.rng.float() * window.record.events > weight * maxGroups) {
      return window.overflow;
    }
    if (window.record.groups >= maxGroups) {
      settle();
      this.compact(window);
    }
    window.record.groups++;
    const slot = this.take(group);
    if (window.record.isCompacted) this.slotFlags[slot] = flag.incomplete;
    window.slots.set(group, slot);
    return slot;
  }

  private revive(window: HotWindow, group: number, reader: ByteReader): number {
    const slot = this.take(group);
    const { isIncomplete } = readCellHead(reader);
    this.accumulators.read(slot, reader);
    this.slotFlags[slot] = flag.stored | (isIncomplete ? flag.incomplete : 0);
    window.slots.set(group, slot);
    return slot;
  }

  /** Reads all of the window's cells into memory. */
  private loadAll(window: HotWindow): void {
    if (!window.hasMore) return;
    for (const { key, value } of this.state.range(
      ...this.keys.cellRange(window.startUs, window.startUs + 1),
    )) {
      const parsed = parseCellKey(key);
      if (!this.keys.isOwn(parsed.source, parsed.partition)) continue;
      const head = readCellHead(new ByteReader(value));
      const group = this.registry.intern(head.group ?? parsed.group);
      if (!window.slots.has(group)) this.revive(window, group, new ByteReader(value));
    }
    window.hasMore = false;
  }

  /** Moves the smallest groups, by events, into the overflow group. */
  private compact(window: HotWindow): void {
    this.loadAll(window);
    const leaving = this.smallest(window, window.slots.size - Math.floor(this.options.maxGroups * compactTo));
    if (window.overflow < 0) window.overflow = this.take(-1);
    const into = new Int32Array(leaving.length).fill(window.overflow);
    this.accumulators.merge(this.accumulators, Int32Array.from(leaving), into, leaving.length);
    for (const slot of leaving) {
      const group = this.slotGroups[slot]!;
      if ((this.slotFlags[slot]! & flag.stored) !== 0) {
        this.deletions.push(this.keys.cell(window.startUs, this.registry.values(group)));
      }
      window.slots.delete(group);
      this.slotFlags[slot] = 0;
      this.accumulators.release(slot);
    }
    const gone = new Set(leaving);
    window.dirty = window.dirty.filter(slot => !gone.has(slot));
    window.changed = window.changed.filter(slot => !gone.has(slot));
    window.record.groups = window.slots.size;
    window.record.isCompacted = window.record.hasOverflow = true;
    window.isReplaced = true;
  }

  /** Gives every window changed since the last call its next revision and hands them out. */
  takeChanged(): HotWindow[] {
    const changed = this.changedWindows;
    this.changedWindows = [];
    for (const window of changed) window.record.revision++;
    return changed;
  }

  /** After the changed windows were looked at. */
  markPublished(changed: readonly HotWindow[]): void {
    for (const window of changed) {
      for (const slot of window.changed) this.slotFlags[slot]! &= ~flag.changed;
      window.changed = [];
      window.isChanged = window.isReplaced = false;
    }
  }

  /** Slots of the `count` groups with the fewest events; of equal ones those that came last. */
  private smallest(window: HotWindow, count: number): number[] {
    const { weights } = this.accumulators;
    const slots = [...window.slots.values()].reverse();
    const ascending = Float64Array.from(slots, slot => weights[slot]!).sort();
    const limit = ascending[count - 1]!;
    let below = 0;
    while (below < count && ascending[below]! < limit) below++;
    let ties = count - below;
    return slots.filter(slot => weights[slot]! < limit || (weights[slot] === limit && ties-- > 0));
  }

  /** Writes what has changed since the last commit; `markCommitted` follows when the transaction has succeeded. */
  commit(transaction: StateTransaction): void {
    for (const key of this.deletions) transaction.delete(key);
    for (const window of this.dirtyWindows) {
      const writer = this.writer.reset();
      writeWindowRecord(writer, window.record);
      if (window.overflow >= 0) this.accumulators.write(window.overflow, writer);
      transaction.put(this.keys.window(window.startUs), writer.finish());
      for (const slot of window.dirty) {
        transaction.put(this.keys.cell(window.startUs, this.group(slot)), this.cellBytes(slot));
      }
    }
  }

  private cellBytes(slot: number): Uint8Array {
    const writer = this.writer.reset();
    writeCellHead(writer, this.group(slot), this.isIncomplete(slot));
    this.accumulators.write(slot, writer);
    return writer.finish();
  }

  markCommitted(): void {
    this.deletions = [];
    for (const window of this.dirtyWindows) {
      for (const slot of window.dirty) {
        this.slotFlags[slot] = (this.slotFlags[slot]! & ~flag.dirty) | flag.stored;
      }
      window.dirty = [];
      window.isDirty = false;
    }
    this.dirtyWindows = [];
  }

  group(slot: number): readonly KeyPart[] {
    return this.registry.values(this.slotGroups[slot]!);
  }

  groupKey(slot: number): string {
    return this.registry.key(this.slotGroups[slot]!);
  }

  isIncomplete(slot: number): boolean {
    return (this.slotFlags[slot]! & flag.incomplete) !== 0;
  }

  /** Forgets windows that ended at or before `cutUs`, dirty or not. */
  expire(cutUs: number): void {
    let isAny = false;
    for (const window of this.windows.values()) {
      if (this.endUs(window) > cutUs) continue;
      this.drop(window);
      isAny = true;
    }
    if (!isAny) return;
    this.dirtyWindows = this.dirtyWindows.filter(window => this.windows.has(window.startUs));
    this.changedWindows = this.changedWindows.filter(window => this.windows.has(window.startUs));
  }

  /** Puts clean windows out of memory, those not written to for longest first, until at most `cellsMax` cells are left. */
  evict(cellsMax: number): void {
    if (this.cells <= cellsMax) return;
    const clean = [...this.windows.values()].filter(({ isDirty, isChanged }) => !isDirty && !isChanged);
    clean.sort((a, b) => a.touched - b.touched);
    for (const window of clean) {
      if (this.cells <= cellsMax) return;
      this.drop(window);
    }
  }

  private drop(window: HotWindow): void {
    for (const slot of window.slots.values()) this.release(slot);
    if (window.overflow >= 0) this.release(window.overflow);
    this.windows.delete(window.startUs);
    if (this.last === window) this.last = undefined;
  }

  private release(slot: number): void {
    this.slotFlags[slot] = 0;
    this.accumulators.release(slot);
  }

  /** Notes the groups that cells in memory belong to. */
  markGroups(isLive: Uint8Array): void {
    for (const { slots } of this.windows.values()) for (const group of slots.keys()) isLive[group] = 1;
  }

  /** After the registry gave its groups new numbers. */
  renumber(moved: Int32Array): void {
    for (const window of this.windows.values()) {
      const slots = new Map<number, number>();
      for (const [group, slot] of window.slots) {
        slots.set(moved[group]!, slot);
        this.slotGroups[slot] = moved[group]!;
      }
      window.slots = slots;
    }
  }

  memoryBytes(): number {
    return this.accumulators.memoryBytes() + this.cells * 48 + this.windows.size * 400;
  }
}
