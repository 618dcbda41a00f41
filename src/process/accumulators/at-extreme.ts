// first, last, arg_min and arg_max: the value of x where y is least or greatest; first and last take the event time as y.
// Of ties the least value wins where the least y does, and the greatest where the greatest does, so that the result does
// not depend on the order of arrival. Rows where x or y is NULL are left out.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { scalarOrder } from '../plan/functions/scalar-order.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator } from './accumulator.ts';
import { grown } from './growth.ts';
import { readScalar, type Scalar, scalarAt, scalarsBytes, writeScalar } from './scalar.ts';

const state = { empty: 0, number: 1, other: 2 } as const;

export class AtExtremeAccumulator implements Accumulator {
  private states = new Uint8Array(0);
  private orders = new Float64Array(0);
  private otherOrders: (Scalar | undefined)[] = [];
  private values: (Scalar | undefined)[] = [];
  private readonly sign: number;

  /** Its arguments are x and y. */
  constructor(isGreatest: boolean) {
    this.sign = isGreatest ? 1 : -1;
  }

  reserve(capacity: number): void {
    this.states = grown(this.states, capacity);
    this.orders = grown(this.orders, capacity);
  }

  clear(from: number, to: number): void {
    this.states.fill(state.empty, from, to);
    const end = Math.min(to, this.values.length);
    for (let slot = from; slot < end; slot++) this.values[slot] = this.otherOrders[slot] = undefined;
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const value = args[0]!;
    const order = args[1]!;
    const isDouble = order.kind === 'number' || order.kind === 'time';
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot < 0 || order.valid[row] === 0 || value.valid[row] === 0) continue;
      if (isDouble && this.states[slot] === state.number) {
        if ((order.values[row]! - this.orders[slot]!) * this.sign < 0) continue;
      }
      this.offer(slot, scalarAt(value, row)!, scalarAt(order, row)!);
    }
  }

  private orderAt(slot: number): Scalar {
    return this.states[slot] === state.number ? this.orders[slot]! : this.otherOrders[slot]!;
  }

  private offer(slot: number, value: Scalar, order: Scalar): void {
    if (this.states[slot] !== state.empty) {
      const compared = scalarOrder(order, this.orderAt(slot)) * this.sign;
      if (compared < 0) return;
      if (compared === 0 && scalarOrder(value, this.values[slot]!) * this.sign <= 0) return;
    }
    this.set(slot, value, order);
  }

  private set(slot: number, value: Scalar, order: Scalar): void {
    const isDouble = typeof order === 'number' && !Number.isNaN(order);
    this.states[slot] = isDouble ? state.number : state.other;
    if (isDouble) this.orders[slot] = order;
    else this.otherOrders[slot] = order;
    this.values[slot] = value;
  }

  merge(other: AtExtremeAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const slot = from[i]!;
      if (other.states[slot] !== state.empty) {
        this.offer(to[i]!, other.values[slot]!, other.orderAt(slot));
      }
    }
  }

  write(slot: number, writer: ByteWriter): void {
    const isEmpty = this.states[slot] === state.empty;
    writeScalar(writer, isEmpty ? null : this.orderAt(slot));
    if (!isEmpty) writeScalar(writer, this.values[slot]!);
  }

  read(slot: number, reader: ByteReader): void {
    const order = readScalar(reader);
    if (order === null) this.clear(slot, slot + 1);
    else this.set(slot, readScalar(reader)!, order);
  }

  value(slot: number): Scalar | null {
    return this.states[slot] === state.empty ? null : (this.values[slot] ?? null);
  }

  memoryBytes(): number {
    const beside = scalarsBytes(this.values) + scalarsBytes(this.otherOrders);
    return this.states.byteLength + this.orders.byteLength + beside;
  }
}
