// Moments of the last values, by number, by age, or both. Nothing is ever subtracted (two stacks of merged
// moments), so the result never drifts however long the stream.
import { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import { invalidArgument, requireFinite, requirePositive, requireWhole } from '../argument.ts';
import { Moments } from './moments.ts';
import { checkEnd, checkVersion } from './serialized-form.ts';

export interface SlidingOptions {
  /** Most values kept, 1 to 2²⁴; beyond it the oldest leave, however young. */
  size: number;
  /** Greatest age kept, in the unit of the times given to `update`; unlimited when absent. */
  span?: number;
}

/**
 * Sliding-window moments. Memory at most 130 bytes × size; an update costs amortised O(1) merges, at worst
 * one pass over the window. Windows of two streams do not merge: keep one a partition, or merge `value()`s.
 */
export class SlidingMoments {
  readonly size: number;
  readonly span: number;
  private readonly values: Float64Array;
  private readonly times: Float64Array;
  private head = 0;
  private held = 0;
  /** front[k]: moments of the k + 1 values up to the last turn; its end is the oldest value. */
  private readonly front: Moments[] = [];
  private back = new Moments();

  constructor({ size, span = Infinity }: SlidingOptions) {
    requireWhole('size', size, 1);
    if (size > 1 << 24) throw invalidArgument('size must not exceed 2^24.', { size });
    if (span !== Infinity) requirePositive('span', span);
    this.size = size;
    this.span = span;
    this.values = new Float64Array(size);
    this.times = new Float64Array(size);
  }

  /**
   * Takes in a value of time `at` (needed with a span; the window is (at − span, at]). A value older
   * than the newest counts as of the newest time; false where it is too old to count at all.
   */
  update(value: number, at = 0): boolean {
    requireFinite('value', value);
    requireFinite('at', at);
    const newest = this.held === 0 ? at : this.times[this.slot(this.held - 1)]!;
    if (at <= newest - this.span) return false;
    const time = Math.max(at, newest);
    this.expire(time);
    if (this.held === this.size) this.dropOldest();
    const slot = this.slot(this.held);
    this.values[slot] = value;
    this.times[slot] = time;
    this.held++;
    this.back.update(value);
    return true;
  }

  /** Lets values age out although none arrives: drops those at or before `at` − span. */
  expire(at: number): void {
    while (this.held > 0 && this.times[this.head]! <= at - this.span) this.dropOldest();
  }

  get count(): number {
    return this.held;
  }

  /** The moments of the window now: a copy, the caller's to keep. */
  value(): Moments {
    const result = new Moments();
    const oldest = this.front.at(-1);
    if (oldest) result.merge(oldest);
    result.merge(this.back);
    return result;
  }

  private slot(index: number): number {
    const at = this.head + index;
    return at >= this.size ? at - this.size : at;
  }

  private dropOldest(): void {
    if (this.front.length === 0) {
      const growing = new Moments();
      for (let index = this.held - 1; index >= 0; index--) {
        growing.update(this.values[this.slot(index)]!);
        const suffix = new Moments();
        suffix.merge(growing);
        this.front.push(suffix);
      }
      this.back = new Moments();
    }
    this.front.pop();
    this.head = this.slot(1);
    this.held--;
  }

  /** Version 1, size, span, count, then a value and a time each. */
  serialize(): Uint8Array {
    const writer = new ByteWriter(32 + this.held * 16).u8(1).f64(this.size).f64(this.span).u32(this.held);
    for (let index = 0; index < this.held; index++) {
      writer.f64(this.values[this.slot(index)]!).f64(this.times[this.slot(index)]!);
    }
    return writer.finish();
  }

  static deserialize(bytes: Uint8Array): SlidingMoments {
    const reader = new ByteReader(bytes);
    checkVersion('a sliding window', reader.u8(), 1);
    const result = new SlidingMoments({ size: reader.f64(), span: reader.f64() });
    for (let left = reader.u32(); left > 0; left--) result.update(reader.f64(), reader.f64());
    checkEnd('a sliding window', reader);
    return result;
  }
}
