// Which one value all values of a slot are, where they are one: its spread is 0 by definition. Moments alone cannot say so: 3.3 has no
// square that a double-double holds, and what is lost of it looks like a spread of 1e-17. In a state it stands where the sum of
// squares would: −1, which no such sum is, and the value. States without it are those of several values.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { DoubleDoubles } from './double-double.ts';
import { grown } from './growth.ts';

const mark = -1;

export class SingleValues {
  /** NaN where values differ; anything where there are none. */
  private values = new Float64Array(0);

  reserve(capacity: number): void {
    this.values = grown(this.values, capacity);
  }

  /** To be called before the slot's count, which is of the values before, goes up. */
  add(slot: number, value: number, count: number): void {
    if (count === 0) this.values[slot] = value;
    else if (this.values[slot] !== value) this.values[slot] = Number.NaN;
  }

  /** To be called before counts are merged. */
  mergeFrom(other: SingleValues, from: number, to: number, fromCount: number, toCount: number): void {
    if (fromCount > 0) this.add(to, other.values[from]!, toCount);
  }

  isSingle(slot: number): boolean {
    return Number.isFinite(this.values[slot]!);
  }

  /** Writes the sum of squares, or what stands for it. */
  write(slot: number, squares: DoubleDoubles, count: number, writer: ByteWriter): void {
    if (count > 0 && this.isSingle(slot)) writer.f64(mark).f64(this.values[slot]!);
    else squares.write(slot, writer);
  }

  read(slot: number, squares: DoubleDoubles, count: number, reader: ByteReader): void {
    squares.read(slot, reader);
    const isSingle = squares.high[slot] === mark;
    this.values[slot] = isSingle ? squares.low[slot]! : Number.NaN;
    if (isSingle) squares.setSquares(slot, this.values[slot]!, count);
  }

  get byteLength(): number {
    return this.values.byteLength;
  }
}
