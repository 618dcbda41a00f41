// count(DISTINCT x): exact while a group has at most `distinctMax` values, told apart by 128-bit hashes, and all groups in memory
// together have at most `distinctTotalMax`. Beyond that a group, the largest first, turns into a HyperLogLog (lgK 14, relative
// standard error 0.81 %) for good, so that memory stays bounded: about 130 MB an aggregate.

import { HyperLogLog } from '../../analyze/sketch/distinct/hyperloglog.ts';
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator } from './accumulator.ts';
import { HashColumn } from './hash-column.ts';
import { HashSet } from './hash-set.ts';

/** Values of one group that are kept one by one. */
export const distinctMax = 1_048_576;
/** Values of all groups of an aggregate that are kept one by one. */
const distinctTotalMax = 4_194_304;
const lgK = 14;

export class DistinctAccumulator implements Accumulator {
  private readonly groups: (HashSet | HyperLogLog | undefined)[] = [];
  private readonly hashes = new HashColumn();
  private readonly totalMax: number;
  /** Values kept one by one. */
  private total = 0;

  constructor(totalMax = distinctTotalMax) {
    this.totalMax = totalMax;
  }

  reserve(): void {}

  clear(from: number, to: number): void {
    for (let slot = from; slot < Math.min(to, this.groups.length); slot++) this.set(slot, undefined);
  }

  private set(slot: number, group: HashSet | HyperLogLog | undefined): void {
    const before = this.groups[slot];
    if (before instanceof HashSet) this.total -= before.size;
    if (group instanceof HashSet) this.total += group.size;
    this.groups[slot] = group;
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const { valid } = args[0]!;
    const words = this.hashes.of(args[0]!, rows);
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot >= 0 && valid[row] === 1) this.add(slot, words, row * 4);
    }
  }

  private add(slot: number, words: Uint32Array, at: number): void {
    const group = (this.groups[slot] ??= new HashSet());
    if (group instanceof HashSet) {
      if (!group.add(words, at)) return;
      this.total++;
      if (group.size > distinctMax) this.set(slot, sketchOf(group));
      else if (this.total > this.totalMax) this.makeRoom();
    } else group.updateHash(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
  }

  /** Turns the largest groups into sketches until a quarter of the room is free. */
  private makeRoom(): void {
    const bySize: { slot: number; set: HashSet }[] = [];
    this.groups.forEach((set, slot) => {
      if (set instanceof HashSet) bySize.push({ slot, set });
    });
    bySize.sort((a, b) => b.set.size - a.set.size);
    for (const { slot, set } of bySize) {
      if (this.total <= this.totalMax * 0.75) return;
      this.set(slot, sketchOf(set));
    }
  }

  merge(other: DistinctAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const source = other.groups[from[i]!];
      if (source === undefined) continue;
      const slot = to[i]!;
      if (source instanceof HashSet) source.each((words, at) => this.add(slot, words, at));
      else {
        const target = this.groups[slot];
        const sketch = target instanceof HyperLogLog ? target : sketchOf(target ?? new HashSet());
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
    group?.each((words, at) => {
      writer
        .u32(words[at]!)
        .u32(words[at + 1]!)
        .u32(words[at + 2]!)
        .u32(words[at + 3]!);
    });
  }

  read(slot: number, reader: ByteReader): void {
    this.set(slot, undefined);
    if (reader.u8() === 1) {
      this.groups[slot] = HyperLogLog.deserialize(reader.bytes(reader.varint()));
      return;
    }
    const words = new Uint32Array(4);
    for (let left = reader.varint(); left > 0; left--) {
      for (let w = 0; w < 4; w++) words[w] = reader.u32();
      this.add(slot, words, 0);
    }
  }

  value(slot: number): number {
    const group = this.groups[slot];
    return group instanceof HyperLogLog ? Math.round(group.estimate()) : (group?.size ?? 0);
  }

  memoryBytes(): number {
    let bytes = this.groups.length * 8;
    for (const group of this.groups) {
      if (group) bytes += 80 + (group instanceof HashSet ? group.byteLength : group.memoryBytes);
    }
    return bytes;
  }
}

function sketchOf(hashes: HashSet): HyperLogLog {
  const sketch = new HyperLogLog(lgK);
  hashes.each((w, at) => sketch.updateHash(w[at]!, w[at + 1]!, w[at + 2]!, w[at + 3]!));
  return sketch;
}
