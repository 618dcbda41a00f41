// histogram(x, [b1 … bn]): how many values lie at or below b1, in (b1, b2] …, and above bn; exact.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator, AggregateValue } from './accumulator.ts';
import { grown } from './growth.ts';
import { doublesOf } from './scalar.ts';

export class HistogramAccumulator implements Accumulator {
  private counts = new Float64Array(0);
  private readonly boundaries: number[];
  private readonly bins: number;
  private readonly scratch = { values: new Float64Array(0) };

  constructor(boundaries: readonly number[]) {
    this.boundaries = [...new Set(boundaries)].sort((a, b) => a - b);
    this.bins = this.boundaries.length + 1;
  }

  reserve(capacity: number): void {
    this.counts = grown(this.counts, capacity * this.bins);
  }

  clear(from: number, to: number): void {
    this.counts.fill(0, from * this.bins, to * this.bins);
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const vector = args[0]!;
    const values = doublesOf(vector, rows, this.scratch);
    const { boundaries, bins } = this;
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot < 0 || vector.valid[row] === 0) continue;
      let low = 0;
      let high = boundaries.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (boundaries[middle]! < values[row]!) low = middle + 1;
        else high = middle;
      }
      this.counts[slot * bins + low]! += 1;
    }
  }

  merge(other: HistogramAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    const { bins } = this;
    for (let i = 0; i < count; i++) {
      for (let b = 0; b < bins; b++) this.counts[to[i]! * bins + b]! += other.counts[from[i]! * bins + b]!;
    }
  }

  write(slot: number, writer: ByteWriter): void {
    for (let b = 0; b < this.bins; b++) writer.varint(this.counts[slot * this.bins + b]!);
  }

  read(slot: number, reader: ByteReader): void {
    for (let b = 0; b < this.bins; b++) this.counts[slot * this.bins + b] = reader.varint();
  }

  /** Counts by upper end in ascending order; `Infinity` where values lie above the last. Null without a value. */
  value(slot: number): AggregateValue {
    const at = slot * this.bins;
    const bins = this.counts.subarray(at, at + this.bins);
    if (bins.every(count => count === 0)) return null;
    const counts: { [upTo: string]: number } = {};
    for (let b = 0; b < this.boundaries.length; b++) counts[String(this.boundaries[b])] = bins[b]!;
    const above = bins[this.boundaries.length]!;
    if (above > 0) counts['Infinity'] = above;
    return counts;
  }

  memoryBytes(): number {
    return this.counts.byteLength;
  }
}
