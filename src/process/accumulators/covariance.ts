// corr, covar_samp, covar_pop over rows where both arguments are there, from five double-double sums; as variance.ts.
import type { ByteReader, ByteWriter } from '../../core/bytes.ts';
import type { Vector } from '../plan/vector.ts';
import type { Accumulator } from './accumulator.ts';
import { centredSum, DoubleDoubles } from './double-double.ts';
import { grown } from './growth.ts';
import { doublesOf } from './scalar.ts';
import { SingleValues } from './single-value.ts';

const isFiniteSum = (sums: DoubleDoubles, slot: number): boolean => Number.isFinite(sums.high[slot]!);

export class CovarianceAccumulator implements Accumulator {
  private readonly x = new DoubleDoubles();
  private readonly y = new DoubleDoubles();
  private readonly xy = new DoubleDoubles();
  private readonly xx = new DoubleDoubles();
  private readonly yy = new DoubleDoubles();
  private readonly sums = [this.x, this.y, this.xy, this.xx, this.yy];
  private readonly singleX = new SingleValues();
  private readonly singleY = new SingleValues();
  private counts = new Float64Array(0);
  private readonly form: 'corr' | 'covar_samp' | 'covar_pop';
  private readonly scratchX = { values: new Float64Array(0) };
  private readonly scratchY = { values: new Float64Array(0) };

  constructor(form: 'corr' | 'covar_samp' | 'covar_pop') {
    this.form = form;
  }

  reserve(capacity: number): void {
    for (const sums of this.sums) sums.reserve(capacity);
    this.singleX.reserve(capacity);
    this.singleY.reserve(capacity);
    this.counts = grown(this.counts, capacity);
  }

  clear(from: number, to: number): void {
    for (const sums of this.sums) sums.clear(from, to);
    this.counts.fill(0, from, to);
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const xs = doublesOf(args[0]!, rows, this.scratchX);
    const ys = doublesOf(args[1]!, rows, this.scratchY);
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot < 0 || args[0]!.valid[row] === 0 || args[1]!.valid[row] === 0) continue;
      const x = xs[row]!;
      const y = ys[row]!;
      const count = this.counts[slot]!;
      this.singleX.add(slot, x, count);
      this.singleY.add(slot, y, count);
      this.x.add(slot, x);
      this.y.add(slot, y);
      this.xy.addProduct(slot, x, y);
      this.xx.addProduct(slot, x, x);
      this.yy.addProduct(slot, y, y);
      this.counts[slot] = count + 1;
    }
  }

  merge(other: CovarianceAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const [source, target] = [from[i]!, to[i]!];
      const [added, count] = [other.counts[source]!, this.counts[target]!];
      this.singleX.mergeFrom(other.singleX, source, target, added, count);
      this.singleY.mergeFrom(other.singleY, source, target, added, count);
      for (let s = 0; s < 5; s++) this.sums[s]!.mergeFrom(other.sums[s]!, source, target);
      this.counts[target] = count + added;
    }
  }

  write(slot: number, writer: ByteWriter): void {
    const count = this.counts[slot]!;
    writer.varint(count);
    for (const sums of [this.x, this.y, this.xy]) sums.write(slot, writer);
    this.singleX.write(slot, this.xx, count, writer);
    this.singleY.write(slot, this.yy, count, writer);
  }

  read(slot: number, reader: ByteReader): void {
    const count = reader.varint();
    this.counts[slot] = count;
    for (const sums of [this.x, this.y, this.xy]) sums.read(slot, reader);
    this.singleX.read(slot, this.xx, count, reader);
    this.singleY.read(slot, this.yy, count, reader);
  }

  value(slot: number): number | null {
    const count = this.counts[slot]!;
    const together = (): number => this.centred(this.xy, this.x, this.y, slot, count);
    if (this.form === 'covar_pop') return count > 0 ? together() / count : null;
    if (this.form === 'covar_samp') return count > 1 ? together() / (count - 1) : null;
    if (count === 0) return null;
    const spread =
      Math.sqrt(this.centred(this.xx, this.x, this.x, slot, count)) *
      Math.sqrt(this.centred(this.yy, this.y, this.y, slot, count));
    const share = spread > 0 && Number.isFinite(spread) ? together() / spread : Number.NaN;
    return Number.isNaN(share) ? null : Math.max(-1, Math.min(1, share));
  }

  /** The centred sum of products of two of x and y: 0 where one of them is always the same. */
  private centred(
    xy: DoubleDoubles,
    x: DoubleDoubles,
    y: DoubleDoubles,
    slot: number,
    count: number,
  ): number {
    const isSame = (sums: DoubleDoubles): boolean =>
      (sums === this.x ? this.singleX : this.singleY).isSingle(slot);
    const isNothing = (isSame(x) && isFiniteSum(y, slot)) || (isSame(y) && isFiniteSum(x, slot));
    return isNothing ? 0 : centredSum(xy, x, y, slot, count);
  }

  memoryBytes(): number {
    return this.counts.byteLength + 5 * this.x.byteLength + 2 * this.singleX.byteLength;
  }
}
