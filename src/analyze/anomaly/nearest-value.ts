// How far a value lies from the nearest value seen before: the pattern of length 1, kept sorted instead of
// scanned.
import type { ByteWriter } from '../../core/bytes.ts';
import { SortedWindow } from './sorted-window.ts';
import type { StateReader } from './state-bytes.ts';

/** Memory: 2 · history numbers. An update costs a binary search and a memory move. */
export class NearestValue {
  readonly length = 1;
  private readonly window: SortedWindow;

  constructor(history: number, window = new SortedWindow(history)) {
    this.window = window;
  }

  /** The distance to the nearest of the last `history` values; NaN for the first. */
  update(value: number): number {
    const rank = this.window.countBelow(value);
    const above = rank < this.window.size ? this.window.at(rank) - value : Number.POSITIVE_INFINITY;
    const below = rank > 0 ? value - this.window.at(rank - 1) : Number.POSITIVE_INFINITY;
    this.window.push(value);
    const nearest = Math.min(above, below);
    return nearest === Number.POSITIVE_INFINITY ? Number.NaN : nearest;
  }

  write(writer: ByteWriter): void {
    this.window.write(writer);
  }

  static read(reader: StateReader, history: number): NearestValue {
    return new NearestValue(history, SortedWindow.read(reader, history, history));
  }
}
