// What the sliding forms share: a ring of the last rows and two stacks of merged accumulators, so that nothing is
// ever subtracted and the result never drifts however long the stream.
import { ByteWriter } from '../../../core/bytes.ts';
import { invalidArgument, requireFinite, requirePositive, requireWhole } from '../argument.ts';
import { readForm, requireRoom } from './serialized-form.ts';

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
 * pass over the window. Memory is (width + 1) doubles and up to one accumulator for each row held, at most size.
 */
export abstract class SlidingWindow<A extends Mergeable<A>> {
  readonly size: number;
  readonly span: number;
  private readonly width: number;
  // Both grow with what is held, up to size.
  private rows: Float64Array;
  private times: Float64Array;
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
    this.rows = new Float64Array(Math.min(size, leastRoom) * width);
    this.times = new Float64Array(Math.min(size, leastRoom));
    this.back = this.create();
  }

  protected abstract create(): A;
  protected abstract take(into: A, row: Float64Array): void;

  /** False where `at` is too old to count at all. Every number must be finite. */
  protected push(row: readonly number[], at: number): boolean {
    for (const value of row) requireFinite('value', value);
    requireFinite('at', at);
    const { newest } = this;
    if (at <= newest - this.span) return false;
    const time = Math.max(at, newest);
    this.expire(time);
    if (this.held === this.size) this.dropOldest();
    if (this.held === this.times.length) this.grow();
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

  /** Rows held. */
  get count(): number {
    return this.held;
  }

  private get newest(): number {
    return this.held === 0 ? -Infinity : this.times[this.slot(this.held - 1)]!;
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
    const room = this.times.length;
    return at >= room ? at - room : at;
  }

  private grow(): void {
    const { rows, times, width, held } = this;
    const room = Math.min(this.size, 2 * times.length);
    this.rows = new Float64Array(room * width);
    this.times = new Float64Array(room);
    for (let index = 0; index < held; index++) {
      // In the old ring, whose room is what is held.
      const slot = (this.head + index) % held;
      this.rows.set(rows.subarray(slot * width, (slot + 1) * width), index * width);
      this.times[index] = times[slot]!;
    }
    this.head = 0;
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

  /**
   * Reads what `serialize` wrote into a window that `make` makes of its options. Throws `unsupported-version`,
   * `truncated-bytes` or `invalid-bytes`.
   */
  protected static read<A extends Mergeable<A>, W extends SlidingWindow<A>>(
    bytes: Uint8Array,
    make: (options: SlidingOptions) => W,
  ): W {
    return readForm('a sliding window', bytes, 1, reader => {
      const result = make({ size: reader.f64(), span: reader.f64() });
      const held = reader.u32();
      requireRoom(reader, held, (result.width + 1) * 8);
      for (let left = held; left > 0; left--) {
        const row = Array.from({ length: result.width }, () => reader.f64());
        const at = reader.f64();
        if (at < result.newest) throw invalidArgument('The times go back.', { at });
        result.push(row, at);
      }
      if (result.held !== held) throw invalidArgument('Rows are too many or too old.', { held });
      return result;
    });
  }
}

const leastRoom = 16;
