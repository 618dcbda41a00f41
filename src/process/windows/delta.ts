// What one view has gathered from one partition since the last flush: accumulators by (pane, group), a slot each. Events
// touch only this small table; at a flush it is merged into the windows of every resolution, so that each is a merge of
// finer ones and an event is added once.
import type { Grouper, Kernel } from '../../kernel/kernel.ts';
import type { KeyPart } from '../../store/state-key.ts';
import { AccumulatorSet } from '../accumulators/accumulator-set.ts';
import { grown } from '../accumulators/growth.ts';
import { scalarAt } from '../accumulators/scalar.ts';
import type { Aggregate } from '../plan/plan.ts';
import type { Vector } from '../plan/vector.ts';
import type { GroupRegistry } from './group-registry.ts';
import { GroupWords } from './group-words.ts';
import type { PaneColumn } from './pane-column.ts';

/** Groups remembered between batches before the table of them starts anew. */
const rememberedGroupsMax = 262_144;

export class Delta {
  readonly accumulators: AccumulatorSet;
  /** By slot: start of the pane. */
  panes = new Float64Array(0);
  /** By slot: number of the group in the registry, or −1 − its code while nobody has asked for it. */
  private groups = new Int32Array(0);
  private only: Extract<Vector, { kind: 'dictionary' }>['dictionary'] | undefined;
  size = 0;
  private readonly kernel: Kernel;
  private readonly registry: GroupRegistry;
  private readonly cellsMax: number;
  private readonly words = new GroupWords();
  private cellGrouper: Grouper | undefined;
  private groupGrouper: Grouper | undefined;
  /** Registry numbers by id of `groupGrouper`, while the registry's generation is `groupGeneration`. */
  private groupIds: number[] = [];
  private groupGeneration = -1;
  /** By code, where the only group column has a dictionary: the registry's number plus one, −1 where it has none, 0 unasked. */
  private codeGroups = new Int32Array(0);
  private loads = 0;
  /** The registry has no text but those that `codeGroups` knows of. */
  private isComplete = false;
  /** The group of NULL alone, while the registry's generation is `groupGeneration`. */
  private nullGroup = -1;
  private newRows = new Uint32Array(0);
  private readonly newWords: Uint32Array[] = [];

  constructor(kernel: Kernel, aggregates: readonly Aggregate[], registry: GroupRegistry, cellsMax: number) {
    this.kernel = kernel;
    this.registry = registry;
    this.cellsMax = cellsMax;
    this.accumulators = new AccumulatorSet(aggregates);
  }

  /** A flush must come first: there may be no room for `rows` new cells, or codes have changed their meaning. */
  mustFlush(groups: readonly Vector[], rows: number): boolean {
    return this.size > 0 && (this.size + rows > this.cellsMax || this.words.isStale(groups));
  }

  /** The slot of each row, negative where `mask` is 0. Valid until the next call of the kernel. */
  assign(
    panes: PaneColumn,
    groups: readonly Vector[],
    rows: number,
    mask: Uint8Array | undefined,
  ): Int32Array {
    if (this.cellGrouper === undefined || this.words.isStale(groups)) this.begin(groups);
    const words = this.words.compute(groups, rows);
    const ids = this.cellGrouper!.assign([panes.numbers, ...words], rows, mask);
    const slots = new Int32Array(ids.buffer, ids.byteOffset, rows);
    const size = this.cellGrouper!.size();
    if (size === this.size) return slots;
    // Naming the new cells' groups calls the kernel, and its results live only until then.
    const kept = slots.slice();
    this.name(panes, groups, words, kept, rows, size);
    return kept;
  }

  private begin(groups: readonly Vector[]): void {
    this.words.adopt(groups);
    const width = GroupWords.width(groups);
    if (this.cellGrouper?.width !== width + 1) {
      this.free();
      this.cellGrouper = this.kernel.grouper(width + 1, { maxGroups: this.cellsMax });
      if (width > 0) this.groupGrouper = this.kernel.grouper(width, { maxGroups: rememberedGroupsMax * 2 });
    }
    this.cellGrouper.reset();
    this.forgetGroups();
  }

  private forgetGroups(): void {
    this.groupGrouper?.reset();
    this.groupIds = [];
    this.codeGroups.fill(0);
    this.nullGroup = -1;
    this.loads = this.registry.loads;
    this.isComplete = this.registry.size === 0;
    this.groupGeneration = this.registry.generation;
  }

  /** Fills pane and group of cells [this.size, size); ids are dense in order of first appearance. */
  private name(
    panes: PaneColumn,
    groups: readonly Vector[],
    words: readonly Uint32Array[],
    slots: Int32Array,
    rows: number,
    size: number,
  ): void {
    const from = this.size;
    const count = size - from;
    this.panes = grown(this.panes, capacityFor(size, this.panes.length));
    this.groups = grown(this.groups, capacityFor(size, this.groups.length));
    this.newRows = grown(this.newRows, capacityFor(count, this.newRows.length));
    firstRows(slots, rows, from, size, this.newRows);
    for (let i = 0; i < count; i++) this.panes[from + i] = panes.starts[panes.numbers[this.newRows[i]!]!]!;
    this.size = size;
    this.accumulators.extend(size);
    if (this.groupGrouper === undefined) {
      this.groups.fill(this.registry.intern([]), from, size);
      return;
    }
    if (this.groupGeneration !== this.registry.generation || this.groupIds.length > rememberedGroupsMax) {
      this.forgetGroups();
    }
    const only = groups[0]!;
    if (groups.length === 1 && only.kind === 'dictionary') {
      this.nameByCode(groups, only, from, count);
      return;
    }
    for (let w = 0; w < words.length; w++) {
      const column = (this.newWords[w] = grown(this.newWords[w] ?? new Uint32Array(0), this.newRows.length));
      for (let i = 0; i < count; i++) column[i] = words[w]![this.newRows[i]!]!;
    }
    this.newWords.length = words.length;
    const ids = this.groupGrouper.assign(this.newWords, count);
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (id === this.groupIds.length) this.groupIds.push(this.intern(groups, this.newRows[i]!));
      this.groups[from + i] = this.groupIds[id]!;
    }
  }

  private nameByCode(
    groups: readonly Vector[],
    { codes, valid, dictionary }: Extract<Vector, { kind: 'dictionary' }>,
    from: number,
    count: number,
  ): void {
    if (this.codeGroups.length < dictionary.size()) {
      this.codeGroups = grown(this.codeGroups, dictionary.size() * 2);
    }
    this.only = dictionary;
    const { codeGroups } = this;
    for (let i = 0; i < count; i++) {
      const row = this.newRows[i]!;
      if (valid[row] === 0) {
        if (this.nullGroup < 0) this.nullGroup = this.intern(groups, row);
        this.groups[from + i] = this.nullGroup;
      } else {
        const known = codeGroups[codes[row]!]!;
        this.groups[from + i] = known > 0 ? known - 1 : -1 - codes[row]!;
      }
    }
  }

  /** The number of a slot's group if the registry has it, else −1. */
  knownGroup(slot: number): number {
    const group = this.groups[slot]!;
    if (group >= 0) return group;
    if (this.loads !== this.registry.loads) this.forgetMisses();
    const code = -1 - group;
    let id = this.codeGroups[code]! - 1;
    if (id === -1) {
      if (this.isComplete) return -1;
      this.stage(code);
      id = this.registry.findStaged();
      this.codeGroups[code] = id < 0 ? -1 : id + 1;
    }
    if (id < 0) return -1;
    this.groups[slot] = id;
    return id;
  }

  /** The number of a slot's group, which the registry has from now on. */
  group(slot: number): number {
    const known = this.knownGroup(slot);
    if (known >= 0) return known;
    const code = -1 - this.groups[slot]!;
    this.stage(code);
    // Another code may be of the same text once halves of surrogate pairs are none.
    const id = this.registry.internStaged();
    this.codeGroups[code] = id + 1;
    this.groups[slot] = id;
    return id;
  }

  private stage(code: number): void {
    const { registry, only } = this;
    if (registry.stageText((target, at, max) => only!.copyText?.(code, target, at, max) ?? -1)) return;
    registry.stage([only!.value(code)]);
  }

  /** After the registry gave its groups new numbers. */
  renumber(moved: Int32Array): void {
    const isByCode = this.only !== undefined && this.groupIds.length === 0;
    if (!isByCode || this.groupGeneration !== this.registry.generation - 1) return;
    const { codeGroups } = this;
    for (let code = 0; code < codeGroups.length; code++) {
      if (codeGroups[code]! > 0) codeGroups[code] = moved[codeGroups[code]! - 1]! + 1;
    }
    if (this.nullGroup >= 0) this.nullGroup = moved[this.nullGroup]!;
    this.groupGeneration = this.registry.generation;
  }

  private forgetMisses(): void {
    this.loads = this.registry.loads;
    this.isComplete = false;
    for (let code = 0; code < this.codeGroups.length; code++) {
      if (this.codeGroups[code]! < 0) this.codeGroups[code] = 0;
    }
  }

  private intern(groups: readonly Vector[], row: number): number {
    const values: KeyPart[] = new Array(groups.length);
    for (let g = 0; g < groups.length; g++) values[g] = scalarAt(groups[g]!, row);
    return this.registry.intern(values);
  }

  /** After its cells have been merged elsewhere. */
  reset(): void {
    this.accumulators.reset();
    this.cellGrouper?.reset();
    this.size = 0;
  }

  free(): void {
    this.cellGrouper?.free();
    this.groupGrouper?.free();
    this.cellGrouper = this.groupGrouper = undefined;
  }

  memoryBytes(): number {
    return this.accumulators.memoryBytes() + this.panes.byteLength + this.groups.byteLength;
  }
}

/** The first row of each of the cells [from, size), which are numbered in order of first appearance. */
function firstRows(slots: Int32Array, rows: number, from: number, size: number, found: Uint32Array): void {
  let next = from;
  for (let row = 0; row < rows && next < size; row++) {
    if (slots[row] === next) found[next++ - from] = row;
  }
}

const capacityFor = (wanted: number, present: number): number =>
  wanted <= present ? present : Math.max(wanted, present * 2, 64);
