// corr, covar_samp, covar_pop over rows where both arguments are there, from five double-double sums; as variance.ts.
import type { ByteReader } from '../../core/bytes.ts';
import type { Vector } from '../plan/vector.ts';
import type { RowWriter } from '../state/row-writer.ts';
import type { Accumulator } from './accumulator.ts';
import { centredSum, DoubleDoubles } from './double-double.ts';
import { grown } from './growth.ts';
import { doublesOf } from './scalar.ts';

export class CovarianceAccumulator implements Accumulator {
  private readonly x = new DoubleDoubles();
  private readonly y = new DoubleDoubles();
  private readonly xy = new DoubleDoubles();
  private readonly xx = new DoubleDoubles();
  private readonly yy = new DoubleDoubles();
  private readonly sums = [this.x, this.y, this.xy, this.xx, this.yy];
  private counts = new Float64Array(0);
  private readonly form: 'corr' | 'covar_samp' | 'covar_pop';
  private readonly scratchX = { values: new Float64Array(0) };
  private readonly scratchY = { values: new Float64Array(0) };

  constructor(form: 'corr' | 'covar_samp' | 'covar_pop') {
    this.form = form;
  }

  reserve(capacity: number): void {
    for (const sums of this.sums) sums.reserve(capacity);
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
      this.x.add(slot, x);
      this.y.add(slot, y);
      this.xy.addProduct(slot, x, y);
      this.xx.addProduct(slot, x, x);
      this.yy.addProduct(slot, y, y);
      this.counts[slot]! += 1;
    }
  }

  merge(other: CovarianceAccumulator, from: Int32Array, to: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      for (let s = 0; s < 5; s++) this.sums[s]!.mergeFrom(other.sums[s]!, from[i]!, to[i]!);
      this.counts[to[i]!]! += other.counts[from[i]!]!;
    }
  }

  write(slot: number, writer: RowWriter): void {
    writer.varint(this.counts[slot]!);
    for (const sums of this.sums) sums.write(slot, writer);
  }

  read(slot: number, reader: ByteReader): void {
    this.counts[slot] = reader.varint();
    for (const sums of this.sums) sums.read(slot, reader);
  }

  value(slot: number): number | null {
    const count = this.counts[slot]!;
    const together = (): number => centredSum(this.xy, this.x, this.y, slot, count);
    if (this.form === 'covar_pop') return count > 0 ? together() / count : null;
    if (this.form === 'covar_samp') return count > 1 ? together() / (count - 1) : null;
    if (count === 0) return null;
    const spread =
      Math.sqrt(centredSum(this.xx, this.x, this.x, slot, count)) *
      Math.sqrt(centredSum(this.yy, this.y, this.y, slot, count));
    return spread > 0 ? Math.max(-1, Math.min(1, together() / spread)) : null;
  }

  memoryBytes(): number {
    return this.counts.byteLength + 5 * this.x.byteLength;
  }
}
