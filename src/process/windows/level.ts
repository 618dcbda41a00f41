// One resolution of one view in one partition: the windows that are in memory, with a slot for each group of each. What is
// not in memory is in the state store, and a window is read back whole when an event wants it.
//
// Invariants: a slot belongs to one cell of one window and is found in its table; a window that differs from the store is in
// `dirtyWindows`, one that was not published in `changedWindows`; a window is put out of memory only when it is in neither.
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { Rng } from '../../core/rng.ts';
import type { StateReader, StateTransaction } from '../../store/state.ts';
import type { KeyPart } from '../../store/state-key.ts';
import type { AccumulatorSet } from '../accumulators/accumulator-set.ts';
import { grown } from '../accumulators/growth.ts';
import {
  type LevelKeys,
  parsePageKey,
  parseWindowKey,
  readPage,
  readWindowRecord,
  writeCellHead,
  writeWindowRecord,
} from '../state/state-rows.ts';
import type { StoredSize } from '../state/stored-size.ts';
import type { GroupRegistry } from './group-registry.ts';
import { bytesOf, type HotWindow, newWindow, pageGroups, pagesOf } from './hot-window.ts';
import { kthSmallest } from './kth-smallest.ts';

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

const flag = { changed: 1, incomplete: 2 } as const;
/** Bytes of a cell's row in the store that are taken for a part of it; what is longer counts as several cells in memory. */
const cellBytes = 128;
/** Share of a full window's groups that stays when the smallest go to the overflow group. */
const compactTo = 0.75;
/** Bytes of groups' values at which a window is full, whatever the number of its groups. */
const windowGroupBytesMax = 32 * 1024 * 1024;

export class Level {
  options: LevelOptions;
  readonly accumulators: AccumulatorSet;
  readonly windows = new Map<number, HotWindow>();
  readonly keys: LevelKeys;
  private readonly registry: GroupRegistry;
  private readonly state: StateReader;
  private slotGroups = new Int32Array(0);
  private slotPlaces = new Int32Array(0);
  private slotFlags = new Uint8Array(0);
  private dirtyWindows: HotWindow[] = [];
  private changedWindows: HotWindow[] = [];
  /** Bytes that the windows in memory had in the store when they were last written or read. */
  private bytes = 0;
  private flushes = 0;
  private last: HotWindow | undefined;
  /** `last` was written to between the last two commits. */
  private isLastFresh = false;
  /** No window in memory ends before. */
  private oldestEndUs = Number.POSITIVE_INFINITY;
  /** No window in the store starts later. */
  private newestStoredUs: number;
  private readonly writer = new ByteWriter();
  private readonly rng = new Rng(1);
  /** The group that comes next has been drawn already. */
  private isDrawn = false;

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
    this.newestStoredUs = this.newestStored();
  }

  private newestStored(): number {
    const range = this.keys.windowRange(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    for (const { key } of this.state.range(...range, { limit: 1, reverse: true }))
      return parseWindowKey(key).startUs;
    return Number.NEGATIVE_INFINITY;
  }

  /** Cells in memory. */
  get cells(): number {
    return this.accumulators.size;
  }

  /** Cells in memory; where sketches, sets or texts make their rows long, as many as take the room that the rows do. */
  get footprint(): number {
    return Math.max(this.cells, Math.floor(this.bytes / cellBytes));
  }

  /** Cells of the windows that differ from the store. */
  get dirtyCells(): number {
    let count = 0;
    for (const window of this.dirtyWindows) count += window.slots.length;
    return count;
  }

  endUs(window: { startUs: number }): number {
    return window.startUs + this.options.sizeUs;
  }

  beginFlush(): void {
    this.flushes++;
  }

  /**
   * The slot that the group's `weight` events of this window go to, noted as changed. `settle` is called before slots are moved
   * about: merges that the caller has put off must be done then.
   */
  slotFor(startUs: number, group: number, weight: number, settle: () => void): number {
    const window = this.last?.startUs === startUs ? this.last : this.window(startUs);
    window.touched = this.flushes;
    window.record.events += weight;
    let slot = window.table.find(group);
    if (slot < 0) slot = this.admit(window, group, weight, settle);
    if (!(window.isDirty && window.isChanged)) this.noteWritten(window);
    // The overflow group is written with its window's row and sent with every change.
    if (slot === window.overflow) return slot;
    this.slotFlags[slot]! |= flag.changed;
    const place = this.slotPlaces[slot]!;
    if (place >= pageGroups) window.dirtyPages[Math.floor(place / pageGroups)] = true;
    return slot;
  }

  private window(startUs: number): HotWindow {
    let window = this.windows.get(startUs);
    if (window === undefined) {
      window = newWindow(startUs);
      this.windows.set(startUs, window);
      this.oldestEndUs = Math.min(this.oldestEndUs, this.endUs(window));
      const stored = startUs <= this.newestStoredUs ? this.state.get(this.keys.window(startUs)) : undefined;
      if (stored !== undefined) {
        this.restore(window, stored);
        this.bytes += bytesOf(window);
      }
    }
    this.last = window;
    return window;
  }

  private restore(window: HotWindow, stored: Uint8Array): void {
    const reader = new ByteReader(stored);
    window.record = readWindowRecord(reader);
    window.storedBytes = [this.keys.window(window.startUs).length + stored.length];
    window.storedGroups = window.record.groups;
    if (window.record.hasOverflow) {
      window.overflow = this.take(-1, -1);
      this.accumulators.read(window.overflow, reader);
    }
    this.restorePage(window, reader);
    if (pagesOf(window.storedGroups) === 1) return;
    for (const { key, value } of this.state.range(
      ...this.keys.pageRange(window.startUs, window.startUs + 1),
    )) {
      const { page, source, partition } = parsePageKey(key);
      if (!this.keys.isOwn(source, partition)) continue;
      this.restorePage(window, new ByteReader(value));
      window.storedBytes[page] = key.length + value.length;
    }
  }

  private restorePage(window: HotWindow, reader: ByteReader): void {
    readPage(reader, (key, isIncomplete) => {
      const slot = this.put(window, this.registry.load(key));
      if (isIncomplete) this.slotFlags[slot] = flag.incomplete;
      this.accumulators.read(slot, reader);
    });
  }

  /** A slot for a group at the window's next place. */
  private put(window: HotWindow, group: number): number {
    const slot = this.take(group, window.slots.length);
    window.slots.push(slot);
    window.groupBytes += this.registry.length(group);
    window.table.add(group, slot);
    return slot;
  }

  private take(group: number, place: number): number {
    const { accumulators } = this;
    const slot = accumulators.allocate();
    if (slot >= this.slotGroups.length) {
      this.slotGroups = grown(this.slotGroups, accumulators.bound);
      this.slotPlaces = grown(this.slotPlaces, accumulators.bound);
      this.slotFlags = grown(this.slotFlags, accumulators.bound);
    }
    this.slotGroups[slot] = group;
    this.slotPlaces[slot] = place;
    this.slotFlags[slot] = 0;
    return slot;
  }

  /**
   * Draws for a group that no window in memory has: the overflow group's slot where it is turned away, else −1, and the next
   * `slotFor` takes it in.
   */
  turnedAway(startUs: number, weight: number): number {
    const window = this.last?.startUs === startUs ? this.last : this.windows.get(startUs);
    if (window === undefined || !window.record.isCompacted) return -1;
    window.record.events += weight;
    if (this.isUnlucky(window, weight)) {
      window.touched = this.flushes;
      this.noteWritten(window);
      return window.overflow;
    }
    window.record.events -= weight;
    this.isDrawn = true;
    return -1;
  }

  private isUnlucky({ record }: HotWindow, weight: number): boolean {
    return record.isCompacted && this.rng.float() * record.events > weight * this.options.maxGroups;
  }

  private noteWritten(window: HotWindow): void {
    if (!window.isDirty) {
      window.isDirty = true;
      this.dirtyWindows.push(window);
    }
    if (!window.isChanged) {
      window.isChanged = true;
      this.changedWindows.push(window);
    }
  }

  /**
   * A slot for a group that has none. Once small groups have been moved to the overflow group, a new one is taken in by chance,
   * likely in proportion to its events and to the cap over all events of the window (sticky sampling, Manku & Motwani
   * 2002): a group with a share well above one over the cap soon has its row, and a flood of keys does not churn.
   */
  private admit(window: HotWindow, group: number, weight: number, settle: () => void): number {
    if (this.isDrawn) this.isDrawn = false;
    else if (this.isUnlucky(window, weight)) return window.overflow;
    if (window.slots.length >= this.options.maxGroups || window.groupBytes > windowGroupBytesMax) {
      settle();
      this.compact(window);
    }
    const slot = this.put(window, group);
    window.record.groups = window.slots.length;
    if (window.record.isCompacted) this.slotFlags[slot] = flag.incomplete;
    return slot;
  }

  /** Moves the smallest groups, by events, into the overflow group. The others move up to the free places. */
  private compact(window: HotWindow): void {
    const places = Math.min(window.slots.length, this.options.maxGroups);
    const leaving = this.smallest(window, window.slots.length - Math.floor(places * compactTo));
    if (window.overflow < 0) window.overflow = this.take(-1, -1);
    const into = new Int32Array(leaving.length).fill(window.overflow);
    this.accumulators.merge(this.accumulators, Int32Array.from(leaving), into, leaving.length);
    for (const slot of leaving) {
      window.groupBytes -= this.registry.length(this.slotGroups[slot]!);
      this.slotGroups[slot] = -1;
      this.accumulators.release(slot);
    }
    window.slots = window.slots.filter(slot => this.slotGroups[slot] !== -1);
    window.table.clear();
    window.slots.forEach((slot, place) => {
      this.slotPlaces[slot] = place;
      window.table.add(this.slotGroups[slot]!, slot);
    });
    window.dirtyPages = new Array(pagesOf(window.slots.length)).fill(true);
    window.record.groups = window.slots.length;
    window.record.isCompacted = window.record.hasOverflow = true;
    window.isReplaced = true;
  }

  /** Slots of the `count` groups with the fewest events; of equal ones those that came last. */
  private smallest(window: HotWindow, count: number): number[] {
    const { weights } = this.accumulators;
    const { slots } = window;
    const values = new Float64Array(slots.length);
    for (let place = 0; place < slots.length; place++) values[place] = weights[slots[place]!]!;
    const limit = kthSmallest(values, count);
    let ties = count;
    for (const slot of slots) if (weights[slot]! < limit) ties--;
    const smallest: number[] = [];
    for (let place = slots.length - 1; place >= 0; place--) {
      const slot = slots[place]!;
      if (weights[slot]! < limit || (weights[slot] === limit && ties-- > 0)) smallest.push(slot);
    }
    return smallest;
  }

  /** Hands out the windows changed since the last call, counted as published once more. */
  takeChanged(): HotWindow[] {
    const changed = this.changedWindows;
    this.changedWindows = [];
    for (const window of changed) {
      window.record.published++;
      // It may have been committed since it was written to, and leaves memory with a number that the store has not got.
      this.noteWritten(window);
    }
    return changed;
  }

  /** Slots written to since the last publish. */
  changedSlots(window: HotWindow): number[] {
    return window.slots.filter(slot => (this.slotFlags[slot]! & flag.changed) !== 0);
  }

  /** After the changed windows were looked at. */
  markPublished(changed: readonly HotWindow[]): void {
    const { slotFlags } = this;
    for (const window of changed) {
      for (const slot of window.slots) slotFlags[slot]! &= ~flag.changed;
      window.isChanged = window.isReplaced = false;
    }
  }

  /**
   * Writes what has changed since the last commit and answers by how much the store's part has grown; `markCommitted` follows when the
   * transaction has succeeded.
   */
  commit(transaction: StateTransaction): StoredSize {
    const { keys } = this;
    const growth = { groups: 0, bytes: 0 };
    const put = (window: HotWindow, page: number, key: Uint8Array, value: Uint8Array): void => {
      transaction.put(key, value);
      window.writtenBytes[page] = key.length + value.length;
      growth.bytes += key.length + value.length - (window.storedBytes[page] ?? 0);
    };
    for (const window of this.dirtyWindows) {
      window.writtenBytes = [];
      growth.groups += window.slots.length - window.storedGroups;
      const { startUs, dirtyPages } = window;
      const writer = this.writer.reset();
      writeWindowRecord(writer, window.record);
      if (window.overflow >= 0) this.accumulators.write(window.overflow, writer);
      this.writePage(window, 0);
      put(window, 0, keys.window(startUs), writer.finish());
      const pages = pagesOf(window.slots.length);
      for (let page = 1; page < pages; page++) {
        if (!dirtyPages[page]) continue;
        writer.reset();
        this.writePage(window, page);
        put(window, page, keys.page(startUs, page), writer.finish());
      }
      for (let page = pages; page < window.storedBytes.length; page++) {
        transaction.delete(keys.page(startUs, page));
        growth.bytes -= window.storedBytes[page]!;
      }
    }
    return growth;
  }

  private writePage(window: HotWindow, page: number): void {
    const { writer, registry, accumulators } = this;
    const first = page * pageGroups;
    const end = Math.min(window.slots.length, first + pageGroups);
    writer.varint(end - first);
    for (let place = first; place < end; place++) {
      const slot = window.slots[place]!;
      writeCellHead(writer, this.isIncomplete(slot));
      registry.write(this.slotGroups[slot]!, writer);
      accumulators.write(slot, writer);
    }
  }

  markCommitted(): void {
    this.isLastFresh = this.last?.isDirty ?? false;
    for (const window of this.dirtyWindows) {
      window.dirtyPages = [];
      this.bytes -= bytesOf(window);
      window.writtenBytes.forEach((bytes, page) => {
        window.storedBytes[page] = bytes;
      });
      window.storedBytes.length = pagesOf(window.slots.length);
      this.bytes += bytesOf(window);
      window.storedGroups = window.slots.length;
      window.isDirty = false;
      this.newestStoredUs = Math.max(this.newestStoredUs, window.startUs);
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
    if (cutUs < this.oldestEndUs) return;
    this.oldestEndUs = Number.POSITIVE_INFINITY;
    let isAny = false;
    for (const window of this.windows.values()) {
      const endUs = this.endUs(window);
      if (endUs > cutUs) this.oldestEndUs = Math.min(this.oldestEndUs, endUs);
      else {
        this.drop(window);
        isAny = true;
      }
    }
    if (!isAny) return;
    this.dirtyWindows = this.dirtyWindows.filter(window => this.windows.get(window.startUs) === window);
    this.changedWindows = this.changedWindows.filter(window => this.windows.get(window.startUs) === window);
  }

  /**
   * Puts clean windows out of memory, those not written to for longest first, until the footprint is at most `most`. The one written
   * to last stays while each commit finds it written to: the next events are likely its own, and reading it back for each commit would
   * take longer than all else.
   */
  evict(most: number): void {
    if (this.footprint <= most) return;
    const clean = [...this.windows.values()].filter(
      window => !window.isDirty && !window.isChanged && !(window === this.last && this.isLastFresh),
    );
    clean.sort((a, b) => a.touched - b.touched);
    for (const window of clean) {
      if (this.footprint <= most) return;
      this.drop(window);
    }
  }

  private drop(window: HotWindow): void {
    this.windows.delete(window.startUs);
    this.bytes -= bytesOf(window);
    if (this.last === window) this.last = undefined;
    if (this.windows.size === 0) {
      this.accumulators.reset();
      return;
    }
    for (const slot of window.slots) this.accumulators.release(slot);
    if (window.overflow >= 0) this.accumulators.release(window.overflow);
  }

  /** Notes the groups that cells in memory belong to. */
  markGroups(isLive: Uint8Array): void {
    for (const { slots } of this.windows.values()) {
      for (const slot of slots) isLive[this.slotGroups[slot]!] = 1;
    }
  }

  /** After the registry gave its groups new numbers. */
  renumber(moved: Int32Array): void {
    for (const { table, slots } of this.windows.values()) {
      table.clear();
      for (const slot of slots) {
        const group = moved[this.slotGroups[slot]!]!;
        this.slotGroups[slot] = group;
        table.add(group, slot);
      }
    }
  }

  memoryBytes(): number {
    const bySlot = this.slotGroups.byteLength + this.slotPlaces.byteLength + this.slotFlags.byteLength;
    let byWindow = 0;
    for (const { table } of this.windows.values()) byWindow += 400 + table.byteLength;
    return this.accumulators.memoryBytes() + bySlot + byWindow + this.cells * 8;
  }
}
