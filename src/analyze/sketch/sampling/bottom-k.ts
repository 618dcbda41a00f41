// The k + 1 entries of smallest rank of a stream, in a heap with the largest on top. A sample by exponential ranks is one drawn
// without replacement in proportion to weight; the largest rank kept is the threshold its estimates need. Cohen and Kaplan,
// "Summarizing data using bottom-k sketches" (2007). Ranks and weights are logarithms, so that weights may span any range.
import type { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import type { Rng } from '../../../core/rng.ts';
import type { ItemCodec } from '../item-codec.ts';
import { finite, type OwnKind, varintLength } from '../own-bytes.ts';

export interface RankedItem<Item> {
  item: Item;
  /** ln of the item's weight. */
  logWeight: number;
  /** ln of an exponential variate divided by the weight. */
  logRank: number;
}

export class BottomK<Item> {
  readonly k: number;
  private readonly heap: RankedItem<Item>[] = [];

  constructor(k: number) {
    this.k = k;
  }

  /** Draws a rank for an item and keeps it where that is among the smallest. O(log k), mostly O(1). */
  draw(item: Item, logWeight: number, rng: Rng): void {
    const logRank = Math.log(Math.max(rng.exponential(), Number.MIN_VALUE)) - logWeight;
    if (this.heap.length <= this.k || logRank < this.heap[0]!.logRank)
      this.push({ item, logWeight, logRank });
  }

  push(entry: RankedItem<Item>): void {
    const { heap } = this;
    if (heap.length <= this.k) {
      heap.push(entry);
      this.rise(heap.length - 1);
    } else if (entry.logRank < heap[0]!.logRank) {
      heap[0] = entry;
      this.sink();
    }
  }

  private rise(at: number): void {
    const { heap } = this;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (heap[parent]!.logRank >= heap[at]!.logRank) return;
      [heap[parent], heap[at]] = [heap[at]!, heap[parent]!];
      at = parent;
    }
  }

  private sink(): void {
    const { heap } = this;
    for (let at = 0; ; ) {
      let largest = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < heap.length && heap[child]!.logRank > heap[largest]!.logRank) largest = child;
      }
      if (largest === at) return;
      [heap[largest], heap[at]] = [heap[at]!, heap[largest]!];
      at = largest;
    }
  }

  merge(other: BottomK<Item>): void {
    for (const entry of [...other.heap]) this.push(entry);
  }

  /** The sample: the k entries below the threshold, or all. */
  get sample(): readonly RankedItem<Item>[] {
    return this.heap.length <= this.k ? this.heap : this.heap.slice(1);
  }

  /** ln of the threshold; ∞ while everything is kept. */
  get logThreshold(): number {
    return this.heap.length <= this.k ? Number.POSITIVE_INFINITY : this.heap[0]!.logRank;
  }

  /**
   * The weight of the items for which `matches` holds, in units of e^logUnit: Σ w/p over the sample, p = 1 − e^(−w·τ) being
   * the chance to be in it; unbiased. Its standard deviation is estimated by √Σ w²(1 − p)/p².
   */
  estimate(matches: (item: Item) => boolean, logUnit: number): { estimate: number; deviation: number } {
    const threshold = this.logThreshold;
    let estimate = 0;
    let variance = 0;
    for (const { item, logWeight } of this.sample) {
      if (!matches(item)) continue;
      const weight = Math.exp(logWeight - logUnit);
      const chance = -Math.expm1(-Math.exp(logWeight + threshold));
      // Where weight and chance both vanish, their ratio is 1/τ.
      const adjusted = chance > 0 ? weight / chance : Math.exp(-threshold - logUnit);
      estimate += adjusted;
      variance += adjusted * adjusted * (1 - chance);
    }
    return { estimate, deviation: Math.sqrt(variance) };
  }

  byteLength(codec: ItemCodec<Item>): number {
    return this.heap.reduce(
      (sum, { item }) => sum + 16 + codec.byteLength(item),
      varintLength(this.heap.length),
    );
  }

  write(writer: ByteWriter, codec: ItemCodec<Item>): void {
    writer.varint(this.heap.length);
    for (const { item, logWeight, logRank } of this.heap) {
      writer.f64(logWeight).f64(logRank);
      codec.write(writer, item);
    }
  }

  /** Reads entries into an empty heap; each from bytes that are there. */
  read(reader: ByteReader, codec: ItemCodec<Item>, kind: OwnKind): void {
    const count = reader.varint();
    for (let i = 0; i < count; i++) {
      const logWeight = finite(reader, kind);
      const logRank = finite(reader, kind);
      this.push({ item: codec.read(reader), logWeight, logRank });
    }
  }
}
