// bool_and and bool_or: NULL while no argument was there.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator } from './accumulator.ts';
import { grown } from './growth.ts';

const sawFalse = 1;
const sawTrue = 2;

export class BooleanAccumulator implements Accumulator {
  private seen = new Uint8Array(0);
  private readonly isAnd: boolean;

  constructor(isAnd: boolean) {
    this.isAnd = isAnd;
  }

  reserve(capacity: number): void {
    this.seen = grown(this.seen, capacity);
  }

  clear(from: number, to: number): void {
    this.seen.fill(0, from, to);
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const vector = args[0]!;
    if (vector.kind !== 'boolean') return;
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot >= 0 && vector.valid[row] === 1) this.seen[slot]! |= 1 << vector.values[row]!;
    }
  }

  merge(other: BooleanAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) this.seen[to[i]!]! |= other.seen[from[i]!]!;
  }

  write(slot: number, writer: ByteWriter): void {
    writer.u8(this.seen[slot]!);
  }

  read(slot: number, reader: ByteReader): void {
    this.seen[slot] = reader.u8() & 3;
  }

  value(slot: number): boolean | null {
    const seen = this.seen[slot]!;
    if (seen === 0) return null;
    return this.isAnd ? (seen & sawFalse) === 0 : (seen & sawTrue) !== 0;
  }

  memoryBytes(): number {
    return this.seen.byteLength;
  }
}
