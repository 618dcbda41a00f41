// count(*), count(x) and count_if(x): exact to 2^53.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator } from './accumulator.ts';
import { grown } from './growth.ts';

export class CountAccumulator implements Accumulator {
  private counts = new Float64Array(0);
  private readonly isConditional: boolean;

  /** `isConditional`: counts rows where the argument is true, not where it is there. */
  constructor(isConditional = false) {
    this.isConditional = isConditional;
  }

  reserve(capacity: number): void {
    this.counts = grown(this.counts, capacity);
  }

  clear(from: number, to: number): void {
    this.counts.fill(0, from, to);
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const { counts } = this;
    const argument = args[0];
    if (argument === undefined) {
      for (let row = 0; row < rows; row++) {
        const slot = slots[row]!;
        if (slot >= 0) counts[slot]! += 1;
      }
      return;
    }
    const { valid } = argument;
    const values = this.isConditional && argument.kind === 'boolean' ? argument.values : valid;
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot >= 0) counts[slot]! += valid[row]! & values[row]!;
    }
  }

  merge(other: CountAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) this.counts[to[i]!]! += other.counts[from[i]!]!;
  }

  write(slot: number, writer: ByteWriter): void {
    writer.varint(this.counts[slot]!);
  }

  read(slot: number, reader: ByteReader): void {
    this.counts[slot] = reader.varint();
  }

  value(slot: number): number {
    return this.counts[slot]!;
  }

  memoryBytes(): number {
    return this.counts.byteLength;
  }
}
