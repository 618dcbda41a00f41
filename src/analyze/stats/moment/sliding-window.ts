// What the sliding forms share: a ring of the last rows and two stacks of merged accumulators, so that nothing is
// ever subtracted and the result never drifts however long the stream.
import { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import { invalidArgument, requireFinite, requirePositive, requireWhole } from '../argument.ts';
import { checkEnd, checkVersion } from './serialized-form.ts';

export interface SlidingOptions {
  /** Most rows kept, 1 to 2²⁴; beyond it the oldest leave, however young. */
  size: number;
  /** Greatest age kept, in the unit of the times given to `update`; unlimited when absent. */
  span?: number;
}

interface Mergeable<A> {
  merge(other: A): void;
}

/**
 * A window of rows of `width` numbers over an accumulator A. An update costs amortised O(1) merges, at worst one
 * pass over the window; memory is size × (width + 1) doubles and up to size accumulators.
 */
export abstract class SlidingWindow<A extends Mergeable<A>> {
  readonly size: number;
  readonly span: number;
  private readonly width: number;
  private readonly rows: Float64Array;
  private readonly times: Float64Array;
  private head = 0;
  private held = 0;
  /** front[k]: the k + 1 newest rows of the last turn; its end covers the oldest row. */
  private readonly front: A[] = [];
  private back: A;

  protected constructor({ size, span = Infinity }: SlidingOptions, width: number) {
    requireWhole('size', size, 1);
    if (size > 1 << 24) throw invalidArgument('size must not exceed 2^24.', { size });
    if (span !== Infinity) requirePositive('span', span);
    this.size = size;
    this.span = span;
    this.width = width;
    this.rows = new Float64Array(size * width);
    this.times = new Float64Array(size);
    this.back = this.create();
  }

  protected abstract create(): A;
  protected abstract take(into: A, row: Float64Array): void;

  /** False where `at` is too old to count at all. Every number must be finite. */
  protected push(row: readonly number[], at: number): boolean {
    for (const value of row) requireFinite('value', value);
    requireFinite('at', at);
    const newest = this.held === 0 ? at : this.times[this.slot(this.held - 1)]!;
    if (at <= newest - this.span) return false;
    const time = Math.max(at, newest);
    this.expire(time);
    if (this.held === this.size) this.dropOldest();
    const slot = this.slot(this.held);
    this.rows.set(row, slot * this.width);
    this.times[slot] = time;
    this.held++;
    this.take(this.back, this.row(slot));
    return true;
  }

  /** Lets rows age out although none arrives: drops those at or before `at` − span. */
  expire(at: number): void {
    while (this.held > 0 && this.times[this.head]! <= at - this.span) this.dropOldest();
  }

  get count(): number {
    return this.held;
  }

  /** The accumulator of the window now: a copy, the caller's to keep. */
  value(): A {
    const result = this.create();
    const oldest = this.front.at(-1);
    if (oldest) result.merge(oldest);
    result.merge(this.back);
    return result;
  }

  private slot(index: number): number {
    const at = this.head + index;
    return at >= this.size ? at - this.size : at;
  }

  private row(slot: number): Float64Array {
    return this.rows.subarray(slot * this.width, (slot + 1) * this.width);
  }

  private dropOldest(): void {
    if (this.front.length === 0) {
      const growing = this.create();
      for (let index = this.held - 1; index >= 0; index--) {
        this.take(growing, this.row(this.slot(index)));
        const suffix = this.create();
        suffix.merge(growing);
        this.front.push(suffix);
      }
      this.back = this.create();
    }
    this.front.pop();
    this.head = this.slot(1);
    this.held--;
  }

  /** Version 1, size, span, count, then each row with its time. */
  serialize(): Uint8Array {
    const writer = new ByteWriter(21 + this.held * (this.width + 1) * 8);
    writer.u8(1).f64(this.size).f64(this.span).u32(this.held);
    for (let index = 0; index < this.held; index++) {
      for (const value of this.row(this.slot(index))) writer.f64(value);
      writer.f64(this.times[this.slot(index)]!);
    }
    return writer.finish();
  }

  /** Reads what `serialize` wrote into a window that `make` makes of its options. */
  protected static read<A extends Mergeable<A>, W extends SlidingWindow<A>>(
    bytes: Uint8Array,
    make: (options: SlidingOptions) => W,
  ): W {
    const reader = new ByteReader(bytes);
    checkVersion('a sliding window', reader.u8(), 1);
    const result = make({ size: reader.f64(), span: reader.f64() });
    for (let left = reader.u32(); left > 0; left--) {
      const row = Array.from({ length: result.width }, () => reader.f64());
      result.push(row, reader.f64());
    }
    checkEnd('a sliding window', reader);
    return result;
  }
}
