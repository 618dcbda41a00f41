// sum and avg in double-double arithmetic: sums of whole numbers are exact, and no result depends on the order.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator } from './accumulator.ts';
import { DoubleDoubles } from './double-double.ts';
import { grown } from './growth.ts';
import { doublesOf, narrowed } from './scalar.ts';

export class SumAccumulator implements Accumulator {
  private readonly sums = new DoubleDoubles();
  private counts = new Float64Array(0);
  private readonly form: 'integer' | 'number' | 'average';
  private readonly scratch = { values: new Float64Array(0) };

  /** `integer` answers whole numbers exactly, as bigint beyond 2^53. */
  constructor(form: 'integer' | 'number' | 'average') {
    this.form = form;
  }

  reserve(capacity: number): void {
    this.sums.reserve(capacity);
    this.counts = grown(this.counts, capacity);
  }

  clear(from: number, to: number): void {
    this.sums.clear(from, to);
    this.counts.fill(0, from, to);
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const vector = args[0]!;
    const { counts, sums } = this;
    const { valid } = vector;
    if (vector.kind === 'integer') {
      for (let row = 0; row < rows; row++) {
        const slot = slots[row]!;
        if (slot < 0 || valid[row] === 0) continue;
        const value = vector.values[row]!;
        const own = vector.doubles?.get(row);
        const double = own ?? Number(value);
        sums.add(slot, double);
        if (own === undefined && !Number.isSafeInteger(double))
          sums.add(slot, Number(value - BigInt(double)));
        counts[slot]! += 1;
      }
      return;
    }
    const values = doublesOf(vector, rows, this.scratch);
    const { high, low } = sums;
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot < 0 || valid[row] === 0) continue;
      const value = values[row]!;
      const before = high[slot]!;
      const sum = before + value;
      const part = sum - before;
      low[slot]! += before - (sum - part) + (value - part);
      high[slot] = sum;
      counts[slot]! += 1;
    }
  }

  merge(other: SumAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      this.sums.mergeFrom(other.sums, from[i]!, to[i]!);
      this.counts[to[i]!]! += other.counts[from[i]!]!;
    }
  }

  write(slot: number, writer: ByteWriter): void {
    writer.varint(this.counts[slot]!);
    this.sums.write(slot, writer);
  }

  read(slot: number, reader: ByteReader): void {
    this.counts[slot] = reader.varint();
    this.sums.read(slot, reader);
  }

  value(slot: number): number | bigint | null {
    const count = this.counts[slot]!;
    if (count === 0) return null;
    if (this.form === 'average') return this.sums.value(slot) / count;
    const sum = this.sums.value(slot);
    // A field of whole numbers that has drifted has fractions too, which are not rounded away.
    const isWhole = Number.isInteger(this.sums.high[slot]!) && Number.isInteger(this.sums.low[slot]!);
    return this.form === 'integer' && isWhole ? narrowed(this.sums.integer(slot)) : sum;
  }

  memoryBytes(): number {
    return this.sums.byteLength + this.counts.byteLength;
  }
}
