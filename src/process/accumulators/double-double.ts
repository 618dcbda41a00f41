// Sums in twice the precision of a double: a high part and the sum of what rounding lost (Knuth's TwoSum, as in Ogita, Rump
// & Oishi 2005). Sums of whole numbers are exact while below 2^106; others are off by at most about n·2^-106 of
// the sum of magnitudes, so that the rounded result does not depend on the order.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { grown } from './growth.ts';

/** A column of sums, by slot. */
export class DoubleDoubles {
  high = new Float64Array(0);
  low = new Float64Array(0);

  reserve(capacity: number): void {
    this.high = grown(this.high, capacity);
    this.low = grown(this.low, capacity);
  }

  clear(from: number, to: number): void {
    this.high.fill(0, from, to);
    this.low.fill(0, from, to);
  }

  add(slot: number, value: number): void {
    const before = this.high[slot]!;
    const sum = before + value;
    const part = sum - before;
    this.low[slot]! += before - (sum - part) + (value - part);
    this.high[slot] = sum;
  }

  /** Adds a·b with the rounding error of the product (Dekker's TwoProduct). */
  addProduct(slot: number, a: number, b: number): void {
    const product = a * b;
    this.add(slot, product);
    const lost = productError(a, b, product);
    if (!Number.isNaN(lost)) this.low[slot]! += lost;
  }

  /** Becomes `times` squares of one value. */
  setSquares(slot: number, value: number, times: number): void {
    const square = value * value;
    const lost = productError(value, value, square) * times;
    this.clear(slot, slot + 1);
    this.addProduct(slot, square, times);
    if (!Number.isNaN(lost)) this.low[slot]! += lost;
  }

  mergeFrom(other: DoubleDoubles, from: number, to: number): void {
    this.add(to, other.high[from]!);
    this.low[to]! += other.low[from]!;
  }

  value(slot: number): number {
    const high = this.high[slot]!;
    return Number.isFinite(high) ? high + this.low[slot]! : high;
  }

  /** The exact sum where it is whole. */
  integer(slot: number): bigint {
    return BigInt(Math.round(this.high[slot]!)) + BigInt(Math.round(this.low[slot]!));
  }

  write(slot: number, writer: ByteWriter): void {
    writer.f64(this.high[slot]!).f64(this.low[slot]!);
  }

  read(slot: number, reader: ByteReader): void {
    this.high[slot] = reader.f64();
    this.low[slot] = reader.f64();
  }

  get byteLength(): number {
    return this.high.byteLength * 2;
  }
}

const splitter = 134217729;

/** a·b − product, exactly, unless the split overflows; then NaN. */
function productError(a: number, b: number, product: number): number {
  const aScaled = splitter * a;
  const aHigh = aScaled - (aScaled - a);
  const aLow = a - aHigh;
  const bScaled = splitter * b;
  const bHigh = bScaled - (bScaled - b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** n·Σxy − Σx·Σy over n, with the cancellation done in double-double: the centred sum of products. */
export function centredSum(
  xy: DoubleDoubles,
  x: DoubleDoubles,
  y: DoubleDoubles,
  slot: number,
  n: number,
): number {
  // Σxy − Σx·Σy/n, the quotient as a double-double: q = fl(Σx·Σy/n) and its remainder.
  const xHigh = x.value(slot);
  const yHigh = y.value(slot);
  const product = xHigh * yHigh;
  const xLow = x.high[slot]! - xHigh + x.low[slot]!;
  const yLow = y.high[slot]! - yHigh + y.low[slot]!;
  const productLow = productError(xHigh, yHigh, product) + xHigh * yLow + xLow * yHigh;
  const quotient = product / n;
  const back = quotient * n;
  const remainder = product - back - productError(quotient, n, back) + productLow;
  const high = xy.high[slot]! - quotient;
  const part = high - xy.high[slot]!;
  const lost = xy.high[slot]! - (high - part) + (-quotient - part);
  return high + (lost + xy.low[slot]! - remainder / n);
}
