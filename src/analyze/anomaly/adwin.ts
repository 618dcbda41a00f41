// ADWIN: a window that grows while its values look alike and drops its older part when two halves differ by
// more than chance allows; log-many buckets stand for the whole window. Bifet & Gavaldà 2007, "Learning from
// Time-Changing Data with Adaptive Windowing". Invariant: bucket sizes are powers of two, none larger than an
// older one.
import { checkOption, checkWhole, type Detector, detectorKind, isGap } from './detector.ts';
import { beginState, readState, writeNumbers } from './state-bytes.ts';

/** Options of an ADWIN; each has a default. */
export interface AdwinOptions {
  /** Chance of a false cut at a value, in [1e-12, 0.5], 0.002 unless given: at a more certain cut the older part is dropped. */
  delta?: number;
  /** Buckets of one size before two are merged, 2 … 64, 5 unless given. More is finer and slower. */
  bucketsPerSize?: number;
  /** Values before the first score, 10 … 1e6; 30 unless given. */
  warmUp?: number;
}

/** Sizes of bucket that a stream of 2^53 values can have. */
const sizesMax = 53;

/** Buckets as columns, newest first. */
interface Buckets {
  size: number[];
  sum: number[];
  /** Sum of squared deviations from the bucket's own mean. */
  squares: number[];
  low: number[];
  high: number[];
}

/**
 * Adaptive window for a change of the mean. Assumption: values are independent and bounded; nothing about
 * their distribution. Score = 1 − δ for the smallest δ at which some cut of the window would be made. The
 * bound holds for any distribution, so real false alarms are far rarer than stated. Memory and cost:
 * O(bucketsPerSize · log n).
 */
export class Adwin implements Detector {
  readonly delta: number;
  readonly bucketsPerSize: number;
  readonly warmUp: number;
  private seen = 0;
  private buckets: Buckets = { size: [], sum: [], squares: [], low: [], high: [] };

  /** Throws `bad-option` for an option out of its range. */
  constructor(options: AdwinOptions = {}) {
    this.delta = checkOption('delta', options.delta ?? 0.002, 1e-12, 0.5);
    this.bucketsPerSize = checkWhole('bucketsPerSize', options.bucketsPerSize ?? 5, 2, 64);
    this.warmUp = checkWhole('warmUp', options.warmUp ?? 30, 10, 1e6);
  }

  /** Values in the window now. */
  get width(): number {
    return this.buckets.size.reduce((total, size) => total + size, 0);
  }

  /** Mean of the window; NaN when empty. */
  get mean(): number {
    return this.buckets.sum.reduce((total, sum) => total + sum, 0) / this.width;
  }

  update(value: number, _timeUs: number): number {
    if (isGap(value)) return 0;
    this.append(value);
    this.seen++;
    if (this.seen <= this.warmUp) return 0;
    const chance = this.likeliestCut();
    // Old buckets go one at a time, as long as what is left still differs within itself.
    for (let now = chance; now <= this.delta && this.buckets.size.length > 1; now = this.likeliestCut()) {
      for (const column of Object.values(this.buckets)) column.pop();
    }
    return 1 - Math.min(1, chance);
  }

  private append(value: number): void {
    const { size, sum, squares, low, high } = this.buckets;
    size.unshift(1);
    sum.unshift(value);
    squares.unshift(0);
    low.unshift(value);
    high.unshift(value);
    let first = 0;
    while (first < size.length) {
      let end = first;
      while (end < size.length && size[end] === size[first]) end++;
      if (end - first <= this.bucketsPerSize) break;
      this.mergeWithOlder(end - 2);
      first = end - 2;
    }
  }

  private mergeWithOlder(i: number): void {
    const { size, sum, squares, low, high } = this.buckets;
    const count = size[i]!;
    const difference = sum[i]! / count - sum[i + 1]! / count;
    squares[i + 1]! += squares[i]! + (difference * difference * count) / 2;
    size[i + 1]! += count;
    sum[i + 1]! += sum[i]!;
    low[i + 1] = Math.min(low[i]!, low[i + 1]!);
    high[i + 1] = Math.max(high[i]!, high[i + 1]!);
    for (const column of Object.values(this.buckets)) column.splice(i, 1);
  }

  /** The smallest δ at which a cut between two buckets would be accepted. */
  private likeliestCut(): number {
    const { size, sum, squares } = this.buckets;
    const n = this.width;
    const total = sum.reduce((all, part) => all + part, 0);
    const mean = total / n;
    const range = Math.max(...this.buckets.high) - Math.min(...this.buckets.low);
    if (!(range > 0)) return 1;
    let variance = 0;
    for (let i = 0; i < size.length; i++) {
      variance += squares[i]! + size[i]! * (sum[i]! / size[i]! - mean) ** 2;
    }
    variance /= n;
    let logChance = 0;
    let newer = 0;
    let newerSum = 0;
    for (let i = 0; i < size.length - 1; i++) {
      newer += size[i]!;
      newerSum += sum[i]!;
      const older = n - newer;
      if (newer < 5 || older < 5) continue;
      const difference = Math.abs(newerSum / newer - (total - newerSum) / older);
      const harmonic = 1 / (1 / newer + 1 / older);
      // ε = a·√L + b·L with L = ln(2/δ′): the paper's bound, solved for δ′.
      const a = Math.sqrt((2 * variance) / harmonic);
      const b = (2 * range) / (3 * harmonic);
      const divisor = Math.sqrt(a * a + 4 * b * difference) + a;
      const root = divisor > 0 ? (2 * difference) / divisor : 0;
      logChance = Math.min(logChance, Math.log(2) - root * root);
    }
    return Math.min(1, Math.exp(logChance) * Math.log(Math.max(n, 3)));
  }

  serialize(): Uint8Array {
    const writer = beginState(detectorKind.adwin, 5 * this.buckets.size.length + 16)
      .f64(this.delta)
      .u32(this.bucketsPerSize)
      .u32(this.warmUp);
    writer.f64(this.seen);
    const { size, sum, squares, low, high } = this.buckets;
    for (const column of [size, sum, squares, low, high]) writeNumbers(writer, column);
    return writer.finish();
  }

  /** Reads what `serialize` wrote. Throws `corrupt-detector` for any other bytes. */
  static deserialize(bytes: Uint8Array): Adwin {
    return readState('detector', bytes, detectorKind.adwin, reader => {
      const [delta, bucketsPerSize, warmUp] = [reader.number(), reader.u32(), reader.u32()];
      const adwin = new Adwin({ delta, bucketsPerSize, warmUp });
      adwin.seen = reader.whole();
      const longest = (bucketsPerSize + 1) * sizesMax;
      const size = reader.numbers(longest, 1, 2 ** sizesMax);
      const sum = reader.numbers(longest, -Number.MAX_VALUE, Number.MAX_VALUE);
      const squares = reader.numbers(longest, 0, Number.MAX_VALUE);
      const [low, high] = [reader.numbers(longest), reader.numbers(longest)];
      for (const column of [sum, squares, low, high])
        reader.check(column.length === size.length, 'its columns differ in length');
      for (let i = 0; i < size.length; i++) {
        reader.check(
          Number.isInteger(Math.log2(size[i]!)) &&
            (i === 0 || size[i]! >= size[i - 1]!) &&
            low[i]! <= high[i]!,
          'its buckets are out of order',
        );
      }
      adwin.buckets = { size, sum, squares, low, high };
      return adwin;
    });
  }
}
