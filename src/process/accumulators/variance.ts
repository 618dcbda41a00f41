// var_samp, var_pop, stddev_samp, stddev_pop from Σx and Σx² in double-double: no pass over the data is needed and nothing
// depends on the order; the cancellation of Σx² − (Σx)²/n leaves full double precision while mean²/variance < 2^50. Of values that are
// all the same it is 0; where one is infinite, no number or its square no double, NULL.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator } from './accumulator.ts';
import { centredSum, DoubleDoubles } from './double-double.ts';
import { grown } from './growth.ts';
import { doublesOf } from './scalar.ts';
import { SingleValues } from './single-value.ts';

export class VarianceAccumulator implements Accumulator {
  private readonly sums = new DoubleDoubles();
  private readonly squares = new DoubleDoubles();
  private readonly single = new SingleValues();
  private counts = new Float64Array(0);
  private readonly isSample: boolean;
  private readonly isDeviation: boolean;
  private readonly scratch = { values: new Float64Array(0) };

  constructor(isSample: boolean, isDeviation: boolean) {
    this.isSample = isSample;
    this.isDeviation = isDeviation;
  }

  reserve(capacity: number): void {
    this.sums.reserve(capacity);
    this.squares.reserve(capacity);
    this.single.reserve(capacity);
    this.counts = grown(this.counts, capacity);
  }

  clear(from: number, to: number): void {
    this.sums.clear(from, to);
    this.squares.clear(from, to);
    this.counts.fill(0, from, to);
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const vector = args[0]!;
    const values = doublesOf(vector, rows, this.scratch);
    const { valid } = vector;
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot < 0 || valid[row] === 0) continue;
      const value = values[row]!;
      this.single.add(slot, value, this.counts[slot]!);
      this.sums.add(slot, value);
      this.squares.addProduct(slot, value, value);
      this.counts[slot]! += 1;
    }
  }

  merge(other: VarianceAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const [source, target] = [from[i]!, to[i]!];
      this.single.mergeFrom(other.single, source, target, other.counts[source]!, this.counts[target]!);
      this.sums.mergeFrom(other.sums, source, target);
      this.squares.mergeFrom(other.squares, source, target);
      this.counts[target]! += other.counts[source]!;
    }
  }

  write(slot: number, writer: ByteWriter): void {
    writer.varint(this.counts[slot]!);
    this.sums.write(slot, writer);
    this.single.write(slot, this.squares, this.counts[slot]!, writer);
  }

  read(slot: number, reader: ByteReader): void {
    this.counts[slot] = reader.varint();
    this.sums.read(slot, reader);
    this.single.read(slot, this.squares, this.counts[slot]!, reader);
  }

  value(slot: number): number | null {
    const count = this.counts[slot]!;
    const divisor = this.isSample ? count - 1 : count;
    if (divisor <= 0) return null;
    if (this.single.isSingle(slot)) return 0;
    const centred = Math.max(0, centredSum(this.squares, this.sums, this.sums, slot, count));
    const variance = centred / divisor;
    // DuckDB stops where it is no finite number.
    if (!Number.isFinite(variance)) return null;
    return this.isDeviation ? Math.sqrt(variance) : variance;
  }

  memoryBytes(): number {
    return this.sums.byteLength + this.squares.byteLength + this.single.byteLength + this.counts.byteLength;
  }
}
