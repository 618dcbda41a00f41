// approx_quantile(x, q) and approx_quantile(x, [q…]): DDSketch at 1 %: the value at the nearest rank, within 1 % of itself, for all
// quantiles, whatever the order and the merging, of magnitudes over 17 decades of each sign (bound-sql.ts says which); exact while a
// group has few values. What is infinite or no number is left out. The first four values of a group lie in one flat array, so that many small groups stay small.

import { DDSketch } from '../../analyze/sketch/quantile/ddsketch.ts';
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator } from './accumulator.ts';
import { grown } from './growth.ts';
import { doublesOf } from './scalar.ts';

const few = 4;

/** The bound that the plan states for the column. */
const relativeAccuracy = 0.01;

export class QuantileAccumulator implements Accumulator {
  private values = new Float64Array(0);
  private counts = new Uint8Array(0);
  private sketches: (DDSketch | undefined)[] = [];
  private readonly quantiles: number | number[];
  private readonly scratch = { values: new Float64Array(0) };

  /** One quantile in [0, 1] answers a number, several an array. */
  constructor(quantiles: number | number[]) {
    this.quantiles = quantiles;
  }

  reserve(capacity: number): void {
    this.values = grown(this.values, capacity * few);
    this.counts = grown(this.counts, capacity);
  }

  clear(from: number, to: number): void {
    this.counts.fill(0, from, to);
    for (let slot = from; slot < Math.min(to, this.sketches.length); slot++) this.sketches[slot] = undefined;
    if (from === 0 && to >= this.sketches.length) this.sketches = [];
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const vector = args[0]!;
    const values = doublesOf(vector, rows, this.scratch);
    const { valid } = vector;
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot >= 0 && valid[row] === 1) this.add(slot, values[row]!);
    }
  }

  private add(slot: number, value: number): void {
    if (!Number.isFinite(value)) return;
    const sketch = this.sketches[slot];
    if (sketch !== undefined) sketch.update(value);
    else if (this.counts[slot]! < few) this.values[slot * few + this.counts[slot]!++] = value;
    else this.sketch(slot).update(value);
  }

  private sketch(slot: number): DDSketch {
    let sketch = this.sketches[slot];
    if (sketch === undefined) {
      sketch = new DDSketch(relativeAccuracy);
      for (let i = 0; i < this.counts[slot]!; i++) sketch.update(this.values[slot * few + i]!);
      this.put(slot, sketch);
    }
    return sketch;
  }

  private put(slot: number, sketch: DDSketch): void {
    while (this.sketches.length < slot) this.sketches.push(undefined);
    this.sketches[slot] = sketch;
  }

  merge(other: QuantileAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const source = other.sketches[from[i]!];
      if (source !== undefined) this.sketch(to[i]!).merge(source);
      else {
        const at = from[i]! * few;
        for (let v = 0; v < other.counts[from[i]!]!; v++) this.add(to[i]!, other.values[at + v]!);
      }
    }
  }

  write(slot: number, writer: ByteWriter): void {
    const sketch = this.sketches[slot];
    if (sketch !== undefined) {
      const bytes = sketch.serialize();
      writer.u8(255).varint(bytes.length).bytes(bytes);
      return;
    }
    writer.u8(this.counts[slot]!);
    for (let i = 0; i < this.counts[slot]!; i++) writer.f64(this.values[slot * few + i]!);
  }

  read(slot: number, reader: ByteReader): void {
    this.clear(slot, slot + 1);
    const count = reader.u8();
    if (count === 255) this.put(slot, DDSketch.deserialize(reader.bytes(reader.varint())));
    else for (let i = 0; i < count; i++) this.add(slot, reader.f64());
  }

  value(slot: number): number | null | number[] {
    const isMany = Array.isArray(this.quantiles);
    const sketch = this.sketches[slot];
    if (sketch === undefined) {
      const sorted = this.values.slice(slot * few, slot * few + this.counts[slot]!).sort();
      if (sorted.length === 0) return null;
      const nearest = (q: number): number => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
      return isMany ? (this.quantiles as number[]).map(nearest) : nearest(this.quantiles as number);
    }
    if (sketch.isEmpty) return null;
    return sketch.quantile(this.quantiles as number) as number | number[];
  }

  memoryBytes(): number {
    let bytes = this.values.byteLength + this.counts.byteLength + this.sketches.length * 8;
    for (const sketch of this.sketches) if (sketch) bytes += sketch.memoryBytes;
    return bytes;
  }
}
