// The accumulator contract: the state behind one aggregate of many groups, a slot each, as arrays by slot
// (struct of arrays), so that a hundred thousand groups cost a hundred thousand numbers and not as many objects.
//
// Law: for any split of the rows, in any order, `update` of the parts followed by `merge` gives the value of `update` of
// the whole: exactly for exact aggregates, within the stated bound for sketches. Slots are given out by the
// caller; a slot is empty after `reserve` or `clear`. One thread calls; nothing is kept of arguments after a call.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Vector } from '../plan/vector.ts';

/** A value before it is made JSON-ready: integers may be bigint, times are µs. */
export type AggregateValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | AggregateValue[]
  | { [key: string]: AggregateValue };

export interface Accumulator {
  /** Makes room for slots [0, capacity); those that exist keep their state, new ones are empty. */
  reserve(capacity: number): void;
  /** Empties slots [from, to). */
  clear(from: number, to: number): void;
  /**
   * Adds rows [0, rows): row i to slot `slots[i]`, or nowhere where that is negative. `args` are as the aggregate was
   * defined. NULLs are left out as SQL says for the aggregate.
   */
  update(args: readonly Vector[], rows: number, slots: Int32Array): void;
  /**
   * Adds `other`'s slot `from[i]` into slot `to[i]`, i < count; `other` is of the same aggregate and keeps its state; it may be
   * this where no slot is both. A target may occur several times.
   */
  merge(other: Accumulator, from: Int32Array, to: Int32Array, count: number): void;
  /** The slot's state as bytes that `read` takes back, on this or another machine. */
  write(slot: number, writer: ByteWriter): void;
  /** Replaces the slot's state. Throws `truncated-bytes` or `corrupt-sketch` for what is no state. */
  read(slot: number, reader: ByteReader): void;
  value(slot: number): AggregateValue;
  /** Bytes held, estimated where objects are. */
  memoryBytes(): number;
}

/** What `update` gets for rows that belong to no slot. */
export const noSlot = -1;
