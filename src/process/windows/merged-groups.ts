// Merges cells of any origin, in memory or stored, by their group: what a window is over several partitions, or a range over
// several windows.
import type { ByteReader } from '../../core/bytes.ts';
import type { KeyPart } from '../../store/state-key.ts';
import { AccumulatorSet } from '../accumulators/accumulator-set.ts';
import type { GroupRow, Value } from '../plan/expression/evaluate.ts';
import type { Aggregate } from '../plan/plan.ts';
import { groupKey } from './group-registry.ts';
import type { Level } from './level.ts';

/** One group as results are made of it. */
export interface Group extends GroupRow {
  groups: readonly KeyPart[];
  aggregates: readonly Value[];
  isOverflow: boolean;
  isIncomplete: boolean;
}

const overflowKey = 'overflow';

export class MergedGroups {
  /** How often the parts were published, together. */
  published = 0;
  readonly accumulators: AccumulatorSet;
  /** Slots by group key. */
  readonly slots = new Map<string, number>();
  private readonly rows: { groups: readonly KeyPart[]; isOverflow: boolean; isIncomplete: boolean }[] = [];
  private readonly compacted: Set<number>[] = [];
  private readonly aggregates: readonly Aggregate[];
  private single: AccumulatorSet | undefined;
  private readonly from = new Int32Array(1);
  private readonly to = new Int32Array(1);

  constructor(aggregates: readonly Aggregate[]) {
    this.accumulators = new AccumulatorSet(aggregates);
    this.aggregates = aggregates;
  }

  /** One cell on its way from the store. Most sets never read any, and a session is a set. */
  private readSingle(reader: ByteReader): AccumulatorSet {
    if (this.single === undefined) {
      this.single = new AccumulatorSet(this.aggregates);
      this.single.extend(1);
    }
    this.single.read(0, reader);
    return this.single;
  }

  private slot(groups: readonly KeyPart[] | undefined, isIncomplete: boolean, key?: string): number {
    key ??= groups === undefined ? overflowKey : groupKey(groups);
    let slot = this.slots.get(key);
    if (slot === undefined) {
      slot = this.accumulators.allocate();
      this.slots.set(key, slot);
      this.rows[slot] = { groups: groups ?? [], isOverflow: groups === undefined, isIncomplete };
    } else if (isIncomplete) this.rows[slot]!.isIncomplete = true;
    return slot;
  }

  /**
   * Begins the cells of a window of which small groups have been moved to its overflow group: a group that has no cell in it may
   * have events there.
   */
  compactedPart(): Set<number> {
    const seen = new Set<number>();
    this.compacted.push(seen);
    return seen;
  }

  /** Adds a cell in memory and answers its slot; no `groups` is the overflow group. */
  addHot(level: Level, from: number, groups: readonly KeyPart[] | undefined): number {
    const isIncomplete = groups !== undefined && level.isIncomplete(from);
    this.from[0] = from;
    this.to[0] = this.slot(groups, isIncomplete, groups && level.groupKey(from));
    this.accumulators.merge(level.accumulators, this.from, this.to, 1);
    return this.to[0]!;
  }

  /** Adds a cell from its stored accumulators and answers its slot. */
  addStored(reader: ByteReader, groups: readonly KeyPart[] | undefined, isIncomplete: boolean): number {
    const single = this.readSingle(reader);
    this.from[0] = 0;
    this.to[0] = this.slot(groups, isIncomplete);
    this.accumulators.merge(single, this.from, this.to, 1);
    single.clear(0, 1);
    return this.to[0]!;
  }

  /** Adds the group at `from` of another one. */
  addGroup(other: MergedGroups, from: number): void {
    const { groups, isOverflow, isIncomplete } = other.rows[from]!;
    this.from[0] = from;
    this.to[0] = this.slot(isOverflow ? undefined : groups, isIncomplete);
    this.accumulators.merge(other.accumulators, this.from, this.to, 1);
  }

  at(slot: number): Group {
    const row = this.rows[slot]!;
    const isIncomplete =
      row.isIncomplete || (!row.isOverflow && this.compacted.some(seen => !seen.has(slot)));
    return { ...row, isIncomplete, aggregates: this.accumulators.values(slot) as Value[] };
  }

  groups(): Group[] {
    return [...this.slots.values()].map(slot => this.at(slot));
  }
}
