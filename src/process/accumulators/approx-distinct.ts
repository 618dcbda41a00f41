// approx_count_distinct(x): HyperLogLog, 4,096 registers: relative standard error 1.62 % once merged (95 %: ±3.3 %), and
// 0.005 % while a group has fewer than about 370 values. The first four coupons of a group lie in one flat array, so
// that many small groups stay small.

import { addressMask, couponEstimate, couponValue } from '../../analyze/sketch/distinct/hll-coupons.ts';
import { HyperLogLog } from '../../analyze/sketch/distinct/hyperloglog.ts';
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator } from './accumulator.ts';
import { grown } from './growth.ts';
import { HashColumn } from './hash-column.ts';

const lgK = 12;
const few = 4;

export class ApproxDistinctAccumulator implements Accumulator {
  /** `few` coupons a slot, 0 where there is none. */
  private coupons = new Uint32Array(0);
  private sketches: (HyperLogLog | undefined)[] = [];
  private sketchBytes = 0;
  private readonly hashes = new HashColumn();

  reserve(capacity: number): void {
    this.coupons = grown(this.coupons, capacity * few);
  }

  clear(from: number, to: number): void {
    this.coupons.fill(0, from * few, to * few);
    for (let slot = from; slot < Math.min(to, this.sketches.length); slot++) this.sketches[slot] = undefined;
    if (from === 0 && to >= this.sketches.length) this.sketches = [];
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const vector = args[0]!;
    const words = this.hashes.of(vector, rows);
    const { valid } = vector;
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot < 0 || valid[row] === 0) continue;
      const at = row * 4;
      const value = couponValue(words[at + 2]!, words[at + 3]!);
      this.add(slot, ((value << 26) | (words[at]! & addressMask)) >>> 0);
    }
  }

  private add(slot: number, coupon: number): void {
    const sketch = this.sketches[slot];
    if (sketch !== undefined) {
      sketch.updateCoupon(coupon);
      return;
    }
    const { coupons } = this;
    const end = slot * few + few;
    for (let at = slot * few; at < end; at++) {
      if (coupons[at] === coupon) return;
      if (coupons[at] === 0) {
        coupons[at] = coupon;
        return;
      }
    }
    this.sketch(slot).updateCoupon(coupon);
  }

  private sketch(slot: number): HyperLogLog {
    let sketch = this.sketches[slot];
    if (sketch === undefined) {
      sketch = new HyperLogLog(lgK);
      const at = slot * few;
      for (let i = at; i < at + few; i++) {
        if (this.coupons[i] !== 0) sketch.updateCoupon(this.coupons[i]!);
      }
      while (this.sketches.length < slot) this.sketches.push(undefined);
      this.sketches[slot] = sketch;
    }
    return sketch;
  }

  merge(other: ApproxDistinctAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const source = other.sketches[from[i]!];
      if (source !== undefined) {
        this.sketch(to[i]!).merge(source);
        continue;
      }
      const at = from[i]! * few;
      for (let c = at; c < at + few && other.coupons[c] !== 0; c++) this.add(to[i]!, other.coupons[c]!);
    }
  }

  write(slot: number, writer: ByteWriter): void {
    const sketch = this.sketches[slot];
    if (sketch !== undefined) {
      const bytes = sketch.serialize();
      writer.u8(255).varint(bytes.length).bytes(bytes);
      return;
    }
    const count = this.fewAt(slot);
    writer.u8(count);
    for (let i = 0; i < count; i++) writer.u32(this.coupons[slot * few + i]!);
  }

  private fewAt(slot: number): number {
    let count = 0;
    while (count < few && this.coupons[slot * few + count] !== 0) count++;
    return count;
  }

  read(slot: number, reader: ByteReader): void {
    this.clear(slot, slot + 1);
    const count = reader.u8();
    if (count === 255) {
      while (this.sketches.length < slot) this.sketches.push(undefined);
      this.sketches[slot] = HyperLogLog.deserialize(reader.bytes(reader.varint()));
    } else for (let i = 0; i < count; i++) this.add(slot, reader.u32());
  }

  value(slot: number): number {
    const estimate = this.sketches[slot]?.estimate() ?? couponEstimate(this.fewAt(slot));
    return Math.round(estimate);
  }

  memoryBytes(): number {
    this.sketchBytes = 0;
    for (const sketch of this.sketches) if (sketch) this.sketchBytes += 160 + sketch.memoryBytes;
    return this.coupons.byteLength + this.sketches.length * 8 + this.sketchBytes;
  }
}
