// Turns a surprise of any kind into a p-value: an exponential tail above a high level of the surprises so far
// (peaks over threshold). A prior holds level and slope while the history is short. Only the largest
// surprises are kept, so a long history costs little. After Siffer et al. 2017, "Anomaly Detection in Streams
// with Extreme Value Theory", with the tail's shape fixed at 0: feed it logarithms where surprises have
// heavier tails.
import type { ByteWriter } from '../../core/bytes.ts';
import { type StateReader, writeNumbers } from './state-bytes.ts';

export interface TailOptions {
  /** Observations after which older ones count half. */
  history: number;
  /** Share of the observations that counts as tail, in (0, 0.25]. */
  share: number;
  /** The level expected to be exceeded by that share, and how many observations this belief weighs. */
  level: number;
  levelWeight: number;
  /** The mean excess over the level expected, and how many exceedances this belief weighs. */
  excess: number;
  excessWeight: number;
}

/** The upper tail of a stream of surprises. Memory: at most 2 · share · history + 1 numbers. */
export class TailModel {
  readonly options: TailOptions;
  /**
   * The largest surprises, ascending: twice as many as the tail needs, since its need grows with the count.
   */
  private largest: number[] = [];
  private count = 0;

  constructor(options: TailOptions) {
    this.options = options;
  }

  /** Surprises kept. */
  get size(): number {
    return this.largest.length;
  }

  /**
   * The level that the tail begins at: the upper `share` quantile of the history, drawn towards the prior's.
   */
  private base(): number {
    const { share, level, levelWeight } = this.options;
    if (this.count === 0) return level;
    const top = Math.min(this.largest.length, Math.max(1, Math.ceil(share * this.count)));
    const seen = this.largest[this.largest.length - top]!;
    return (seen * this.count + level * levelWeight) / (this.count + levelWeight);
  }

  /**
   * P(a surprise ≥ `surprise`) judged from the surprises learned so far, in (0, share]; 1 outside the tail.
   */
  tail(surprise: number): number {
    const base = this.base();
    if (surprise <= base) return 1;
    let sum = this.options.excess * this.options.excessWeight;
    let weight = this.options.excessWeight;
    for (let i = this.largest.length - 1; i >= 0 && this.largest[i]! > base; i--) {
      sum += this.largest[i]! - base;
      weight++;
    }
    if (!(sum > 0)) return 1 / (this.count + 1);
    return Math.max(Number.MIN_VALUE, this.options.share * Math.exp(((base - surprise) * weight) / sum));
  }

  learn(surprise: number): void {
    this.count++;
    const room = 2 * Math.ceil(this.options.share * this.count);
    if (this.largest.length < room || surprise > this.largest[0]!) {
      let low = 0;
      let high = this.largest.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (this.largest[middle]! < surprise) low = middle + 1;
        else high = middle;
      }
      this.largest.splice(low, 0, surprise);
      if (this.largest.length > room) this.largest.shift();
    }
    if (this.count >= this.options.history) {
      this.count = Math.floor(this.count / 2);
      // Every second one, the very largest included: the same distribution, half the weight.
      this.largest = this.largest.filter((_, i) => (this.largest.length - i) % 2 === 1);
    }
  }

  write(writer: ByteWriter): void {
    const { history, share, level, levelWeight, excess, excessWeight } = this.options;
    writeNumbers(writer, [history, share, level, levelWeight, excess, excessWeight]);
    writeNumbers(writer.f64(this.count), this.largest);
  }

  static read(reader: StateReader): TailModel {
    const numbers = reader.numbers(6, 0, 1e9);
    reader.check(numbers.length === 6, 'its tail is incomplete');
    const [history, share, level, levelWeight, excess, excessWeight] = numbers as Six;
    reader.wholeNumber(history, 2);
    reader.inRange(share, Number.MIN_VALUE, 0.25);
    const model = new TailModel({ history, share, level, levelWeight, excess, excessWeight });
    model.count = reader.whole(0, history);
    model.largest = reader.numbers(2 * Math.ceil(share * history), 0, Number.MAX_VALUE);
    reader.check(model.count === 0 || model.largest.length > 0, 'its tail is empty');
    for (let i = 1; i < model.largest.length; i++)
      reader.check(model.largest[i]! >= model.largest[i - 1]!, 'its tail is out of order');
    return model;
  }
}

type Six = [number, number, number, number, number, number];
