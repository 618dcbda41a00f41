// What accumulators that keep one object a group have in common: the slots, merging, and the bytes with their length.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator, AggregateValue } from './accumulator.ts';

export interface SlotSketch {
  serialize(): Uint8Array;
}

export abstract class SketchSlots<Sketch extends SlotSketch> implements Accumulator {
  protected readonly sketches: (Sketch | undefined)[] = [];

  reserve(): void {}

  clear(from: number, to: number): void {
    for (let slot = from; slot < Math.min(to, this.sketches.length); slot++) this.sketches[slot] = undefined;
  }

  protected at(slot: number): Sketch {
    return (this.sketches[slot] ??= this.make());
  }

  merge(other: SketchSlots<Sketch>, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const source = other.sketches[from[i]!];
      if (source !== undefined) this.join(this.at(to[i]!), source);
    }
  }

  write(slot: number, writer: ByteWriter): void {
    const bytes = this.sketches[slot]?.serialize();
    writer.varint(bytes?.length ?? 0);
    if (bytes) writer.bytes(bytes);
  }

  read(slot: number, reader: ByteReader): void {
    const length = reader.varint();
    this.sketches[slot] = length === 0 ? undefined : this.revive(reader.bytes(length));
  }

  memoryBytes(): number {
    let bytes = this.sketches.length * 8;
    for (const sketch of this.sketches) if (sketch) bytes += this.bytesOf(sketch);
    return bytes;
  }

  abstract update(args: readonly Vector[], rows: number, slots: Int32Array): void;
  abstract value(slot: number): AggregateValue;
  protected abstract make(): Sketch;
  protected abstract join(target: Sketch, source: Sketch): void;
  protected abstract revive(bytes: Uint8Array): Sketch;
  protected abstract bytesOf(sketch: Sketch): number;
}
