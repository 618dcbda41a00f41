// min and max over numbers, times, text, booleans or a mixture of them, in the order of scalar-order.ts.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { scalarOrder } from '../plan/functions/scalar-order.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator } from './accumulator.ts';
import { grown } from './growth.ts';
import { readScalar, type Scalar, scalarAt, scalarsBytes, writeScalar } from './scalar.ts';

const state = { empty: 0, number: 1, other: 2 } as const;

export class ExtremeAccumulator implements Accumulator {
  private states = new Uint8Array(0);
  private numbers = new Float64Array(0);
  /** What is no double, by slot. */
  private others: (Scalar | undefined)[] = [];
  /** 1 for max, −1 for min. */
  private readonly sign: number;

  constructor(isMax: boolean) {
    this.sign = isMax ? 1 : -1;
  }

  reserve(capacity: number): void {
    this.states = grown(this.states, capacity);
    this.numbers = grown(this.numbers, capacity);
  }

  clear(from: number, to: number): void {
    this.states.fill(state.empty, from, to);
    for (let slot = from; slot < Math.min(to, this.others.length); slot++) this.others[slot] = undefined;
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const vector = args[0]!;
    const { valid } = vector;
    if (vector.kind === 'number' || vector.kind === 'time') {
      const { states, numbers, sign } = this;
      const { values } = vector;
      for (let row = 0; row < rows; row++) {
        const slot = slots[row]!;
        if (slot < 0 || valid[row] === 0) continue;
        const value = values[row]!;
        if (states[slot] === state.number && !Number.isNaN(value)) {
          if ((value - numbers[slot]!) * sign > 0) numbers[slot] = value;
        } else this.offer(slot, value);
      }
      return;
    }
    let lastCode = -1;
    let lastSlot = -1;
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot < 0 || valid[row] === 0) continue;
      if (vector.kind === 'dictionary') {
        const code = vector.codes[row]!;
        if (code === lastCode && slot === lastSlot) continue;
        lastCode = code;
        lastSlot = slot;
      }
      this.offer(slot, scalarAt(vector, row)!);
    }
  }

  private current(slot: number): Scalar | null {
    const kind = this.states[slot];
    return kind === state.empty ? null : kind === state.number ? this.numbers[slot]! : this.others[slot]!;
  }

  private offer(slot: number, value: Scalar): void {
    const best = this.current(slot);
    if (best === null || scalarOrder(value, best) * this.sign > 0) this.set(slot, value);
  }

  private set(slot: number, value: Scalar): void {
    const isDouble = typeof value === 'number' && !Number.isNaN(value);
    this.states[slot] = isDouble ? state.number : state.other;
    if (isDouble) this.numbers[slot] = value;
    else this.others[slot] = value;
  }

  merge(other: ExtremeAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const value = other.current(from[i]!);
      if (value !== null) this.offer(to[i]!, value);
    }
  }

  write(slot: number, writer: ByteWriter): void {
    writeScalar(writer, this.current(slot));
  }

  read(slot: number, reader: ByteReader): void {
    const value = readScalar(reader);
    if (value === null) this.clear(slot, slot + 1);
    else this.set(slot, value);
  }

  value(slot: number): Scalar | null {
    return this.current(slot);
  }

  memoryBytes(): number {
    return this.states.byteLength + this.numbers.byteLength + scalarsBytes(this.others);
  }
}
