// count(DISTINCT x): exact while a group has at most `distinctMax` values; beyond that the group turns into a HyperLogLog
// (lgK 14, relative standard error 0.81 %) for good, so that memory stays bounded. Sets of values merge exactly.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { HyperLogLog } from '../../analyze/sketch/distinct/hyperloglog.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator } from './accumulator.ts';
import { hashScalar } from './hash-column.ts';
import { readScalar, type Scalar, scalarAt, writeScalar } from './scalar.ts';

/** Values of one group that are kept one by one. */
export const distinctMax = 65_536;
const lgK = 14;

export class DistinctAccumulator implements Accumulator {
  private readonly groups: (Set<Scalar> | HyperLogLog | undefined)[] = [];
  private entries = 0;

  reserve(): void {}

  clear(from: number, to: number): void {
    for (let slot = from; slot < Math.min(to, this.groups.length); slot++) this.set(slot, undefined);
  }

  private set(slot: number, group: Set<Scalar> | HyperLogLog | undefined): void {
    const before = this.groups[slot];
    if (before instanceof Set) this.entries -= before.size;
    if (group instanceof Set) this.entries += group.size;
    this.groups[slot] = group;
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const vector = args[0]!;
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot >= 0 && vector.valid[row] === 1) this.add(slot, scalarAt(vector, row)!);
    }
  }

  private add(slot: number, value: Scalar): void {
    const group = this.groups[slot];
    if (group instanceof HyperLogLog) addHashed(group, value);
    else if (group === undefined) this.set(slot, new Set([value]));
    else {
      const before = group.size;
      group.add(value);
      this.entries += group.size - before;
      if (group.size > distinctMax) this.set(slot, sketchOf(group));
    }
  }

  merge(other: DistinctAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const source = other.groups[from[i]!];
      if (source === undefined) continue;
      const slot = to[i]!;
      if (source instanceof Set) for (const value of source) this.add(slot, value);
      else {
        const target = this.groups[slot];
        const sketch = target instanceof HyperLogLog ? target : sketchOf(target ?? new Set());
        sketch.merge(source);
        this.set(slot, sketch);
      }
    }
  }

  write(slot: number, writer: ByteWriter): void {
    const group = this.groups[slot];
    if (group instanceof HyperLogLog) {
      const bytes = group.serialize();
      writer.u8(1).varint(bytes.length).bytes(bytes);
      return;
    }
    writer.u8(0).varint(group?.size ?? 0);
    for (const value of group ?? []) writeScalar(writer, value);
  }

  read(slot: number, reader: ByteReader): void {
    if (reader.u8() === 1) {
      this.set(slot, HyperLogLog.deserialize(reader.bytes(reader.varint())));
      return;
    }
    const values = new Set<Scalar>();
    for (let left = reader.varint(); left > 0; left--) values.add(readScalar(reader)!);
    this.set(slot, values.size > 0 ? values : undefined);
  }

  value(slot: number): number {
    const group = this.groups[slot];
    return group instanceof HyperLogLog ? Math.round(group.estimate()) : (group?.size ?? 0);
  }

  memoryBytes(): number {
    return this.groups.length * 8 + this.entries * 48;
  }
}

const words = new Uint32Array(4);

function addHashed(sketch: HyperLogLog, value: Scalar): void {
  hashScalar(value, words);
  sketch.updateHash(words[0]!, words[1]!, words[2]!, words[3]!);
}

function sketchOf(values: Set<Scalar>): HyperLogLog {
  const sketch = new HyperLogLog(lgK);
  for (const value of values) addHashed(sketch, value);
  return sketch;
}
