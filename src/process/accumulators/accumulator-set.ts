// The accumulators of all aggregates of a view over the same slots, with the number of events behind each slot and
// the slots in use.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Aggregate } from '../plan/plan.ts';
import type { Accumulator, AggregateValue } from './accumulator.ts';
import { createAccumulator } from './create.ts';
import { grown } from './growth.ts';

const firstCapacity = 16;

export class AccumulatorSet {
  readonly accumulators: Accumulator[];
  /** Events behind a slot. */
  weights = new Float64Array(0);
  private capacity = 0;
  private used = 0;
  private readonly free: number[] = [];

  constructor(aggregates: readonly Aggregate[]) {
    this.accumulators = aggregates.map(createAccumulator);
  }

  /** Slots in use. */
  get size(): number {
    return this.used - this.free.length;
  }

  /** An upper bound of slots ever in use: side arrays by slot have this length. */
  get bound(): number {
    return this.capacity;
  }

  ensure(slots: number): void {
    if (slots <= this.capacity) return;
    this.capacity = Math.max(firstCapacity, slots, this.capacity * 2);
    this.weights = grown(this.weights, this.capacity);
    for (const accumulator of this.accumulators) accumulator.reserve(this.capacity);
  }

  /** Makes slots [0, slots) ones in use, for callers that number slots themselves. */
  extend(slots: number): void {
    this.ensure(slots);
    this.used = Math.max(this.used, slots);
  }

  /** An empty slot. */
  allocate(): number {
    const reused = this.free.pop();
    if (reused !== undefined) return reused;
    this.ensure(this.used + 1);
    return this.used++;
  }

  release(slot: number): void {
    this.clear(slot, slot + 1);
    this.free.push(slot);
  }

  clear(from: number, to: number): void {
    this.weights.fill(0, from, to);
    for (const accumulator of this.accumulators) accumulator.clear(from, to);
  }

  /** Gives all slots back. */
  reset(): void {
    this.clear(0, this.used);
    this.used = 0;
    this.free.length = 0;
  }

  merge(other: AccumulatorSet, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) this.weights[to[i]!]! += other.weights[from[i]!]!;
    for (let a = 0; a < this.accumulators.length; a++) {
      this.accumulators[a]!.merge(other.accumulators[a]!, from, to, count);
    }
  }

  write(slot: number, writer: ByteWriter): void {
    writer.varint(this.weights[slot]!);
    for (const accumulator of this.accumulators) accumulator.write(slot, writer);
  }

  read(slot: number, reader: ByteReader): void {
    this.weights[slot] = reader.varint();
    for (const accumulator of this.accumulators) accumulator.read(slot, reader);
  }

  values(slot: number): AggregateValue[] {
    return this.accumulators.map(accumulator => accumulator.value(slot));
  }

  memoryBytes(): number {
    let bytes = this.weights.byteLength + this.free.length * 8;
    for (const accumulator of this.accumulators) bytes += accumulator.memoryBytes();
    return bytes;
  }
}
