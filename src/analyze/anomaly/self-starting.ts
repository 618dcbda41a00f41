// Standardises a series without a training phase: each value becomes a standard normal variate given only the
// values before it (Hawkins 1987, "Self-starting CUSUM charts for location and scale"). For independent
// normal values of unknown mean and variance the outcomes are exactly independent N(0, 1), so charts on them
// keep their rates.

import tCdf from '@stdlib/stats-base-dists-t-cdf';
import type { ByteWriter } from '../../core/bytes.ts';
import { checkWhole } from './detector.ts';
import { twoSidedQuantile } from './normal.ts';
import type { StateReader } from './state-bytes.ts';

/** Largest |z| returned: beyond it the tail is below the smallest double. */
const zMax = 38;

/**
 * Turns a series into standard normal variates as it comes. Four numbers; O(1) a value, but for a Student tail.
 */
export class SelfStarting {
  /** Beyond this many values old ones fade exponentially, so that the standard follows slow drift. */
  readonly memory: number;
  private count = 0;
  private mean = 0;
  private squares = 0;

  /** `memory` a whole number in [10, 1e9]. Throws `bad-option`. */
  constructor(memory: number) {
    this.memory = checkWhole('memory', memory, 10, 1e9);
  }

  /** Values learned, at most `memory`. */
  get size(): number {
    return this.count;
  }
  /** Mean of what is remembered; 0 before the first value. */
  get centre(): number {
    return this.mean;
  }
  /** Sample standard deviation; 0 before the second value. */
  get deviation(): number {
    return this.count > 1 ? Math.sqrt(this.squares / (this.count - 1)) : 0;
  }

  /**
   * The standard normal variate of `value` given the values before; 0 until there are three. Then learns it. `value` is
   * finite and at most 1e140 in size.
   */
  update(value: number): number {
    const z = this.standardise(value);
    this.learn(value);
    return z;
  }

  private standardise(value: number): number {
    const n = this.count;
    if (n < 3) return 0;
    const difference = value - this.mean;
    if (difference === 0) return 0;
    const sign = Math.sign(difference);
    const deviation = this.deviation;
    if (deviation === 0) return sign * zMax;
    const t = (Math.sqrt(n / (n + 1)) * Math.abs(difference)) / deviation;
    const tail = 2 * tCdf(-t, n - 1);
    return sign * (tail > 0 ? Math.min(zMax, twoSidedQuantile(tail)) : zMax);
  }

  private learn(value: number): void {
    if (this.count === this.memory) {
      // Fading by 1/memory keeps the effective count at memory.
      this.squares *= 1 - 1 / this.memory;
      this.count--;
    }
    this.count++;
    const before = value - this.mean;
    this.mean += before / this.count;
    this.squares += before * (value - this.mean);
  }

  write(writer: ByteWriter): void {
    writer.f64(this.memory).f64(this.count).f64(this.mean).f64(this.squares);
  }

  static read(reader: StateReader): SelfStarting {
    const state = new SelfStarting(reader.whole(10, 1e9));
    state.count = reader.whole(0, state.memory);
    state.mean = reader.number();
    state.squares = reader.number(0, Number.MAX_VALUE);
    return state;
  }
}
