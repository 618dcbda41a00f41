// Half-space trees: random trees whose nodes count how much of the last window fell into them; a point in
// thinly populated nodes is unusual. Built without data, so learning is counting. Tan, Ting & Liu 2011, "Fast
// Anomaly Detection for Streaming Data". Here the point is the newest values of one series (a delay vector).
import { Rng } from '../../core/rng.ts';
import { checkWhole, type Detector, detectorKind, isGap } from './detector.ts';
import { SortedWindow } from './sorted-window.ts';
import { beginState, readState, writeNumbers } from './state-bytes.ts';

/** Options of half-space trees; each has a default. */
export interface HalfSpaceTreesOptions {
  /** Newest values that make the point, 1 … 32; 4 unless given. */
  dimensions?: number;
  /** Trees, 1 … 200; 25 unless given. */
  trees?: number;
  /** Depth of a tree, 1 … 15, 8 unless given; a tree has 2^(depth + 1) − 1 nodes. */
  depth?: number;
  /** Points in a window: what is usual is what the last whole window held; 20 … 100,000, 250 unless given. */
  window?: number;
  /** Seed of the trees, 0 … 2^32 − 1; 1 unless given. */
  seed?: number;
}

type Eight = [number, number, number, number, number, number, number, number];

/** Scores remembered for the ranks. */
const ranks = 2000;
/** Ranks needed before the first score. */
const warmRanks = 100;
const tailShare = 0.02;

/**
 * Half-space trees over the last `dimensions` values. Assumption: the delay vectors of recent windows are
 * exchangeable. Score = 1 − rank of the point's rarity among the recent ones. The first window fixes the
 * range; scores begin after two windows. Memory: trees · 2^(depth + 2) counts; an update walks trees · depth
 * nodes.
 */
export class HalfSpaceTrees implements Detector {
  readonly options: Required<HalfSpaceTreesOptions>;
  /**
   * Dimension and place of every inner node's cut, tree after tree, in heap order; places in units of the
   * range.
   */
  private readonly cutDimension: Uint8Array;
  private readonly cutAt: Float64Array;
  private reference: Uint32Array;
  private latest: Uint32Array;
  private recent: number[] = [];
  private low = Number.POSITIVE_INFINITY;
  private high = Number.NEGATIVE_INFINITY;
  private seen = 0;
  private rarity = new SortedWindow(ranks);

  /** Throws `bad-option` for an option out of its range. */
  constructor(options: HalfSpaceTreesOptions = {}) {
    this.options = {
      dimensions: checkWhole('dimensions', options.dimensions ?? 4, 1, 32),
      trees: checkWhole('trees', options.trees ?? 25, 1, 200),
      depth: checkWhole('depth', options.depth ?? 8, 1, 15),
      window: checkWhole('window', options.window ?? 250, 20, 100_000),
      seed: checkWhole('seed', options.seed ?? 1, 0, 0xffffffff),
    };
    const { trees, depth } = this.options;
    const inner = 2 ** depth - 1;
    this.cutDimension = new Uint8Array(trees * inner);
    this.cutAt = new Float64Array(trees * inner);
    this.reference = new Uint32Array(trees * (2 * inner + 1));
    this.latest = new Uint32Array(trees * (2 * inner + 1));
    this.plant(new Rng(this.options.seed));
  }

  private plant(rng: Rng): void {
    const { dimensions, trees, depth } = this.options;
    const inner = 2 ** depth - 1;
    for (let tree = 0; tree < trees; tree++) {
      // The work range of each dimension is wider than the data by a random amount on either side (the
      // paper's §2).
      const bounds = Array.from({ length: dimensions }, () => {
        const centre = rng.float();
        const reach = 2 * Math.max(centre, 1 - centre);
        return [centre - reach, centre + reach] as const;
      });
      const split = (node: number, range: readonly (readonly [number, number])[]): void => {
        if (node >= inner) return;
        const dimension = rng.below(dimensions);
        const [from, to] = range[dimension]!;
        const middle = (from + to) / 2;
        this.cutDimension[tree * inner + node] = dimension;
        this.cutAt[tree * inner + node] = middle;
        split(2 * node + 1, range.with(dimension, [from, middle]));
        split(2 * node + 2, range.with(dimension, [middle, to]));
      };
      split(0, bounds);
    }
  }

  update(value: number, _timeUs: number): number {
    if (isGap(value)) return 0;
    const { dimensions, window } = this.options;
    this.recent.push(value);
    if (this.recent.length > dimensions) this.recent.shift();
    this.seen++;
    if (this.seen <= window) {
      this.low = Math.min(this.low, value);
      this.high = Math.max(this.high, value);
      return 0;
    }
    const mass = this.count();
    let score = 0;
    if (this.seen > 2 * window) {
      const rarity = -Math.log(mass + 1);
      if (this.rarity.size >= warmRanks) score = 1 - this.rarity.upperTail(rarity, tailShare);
      this.rarity.push(rarity);
    }
    if (this.seen % window === 0) {
      this.reference = this.latest;
      this.latest = new Uint32Array(this.latest.length);
    }
    return score;
  }

  /** Counts the point in every node on its paths and returns the mass the last window left there. */
  private count(): number {
    const { trees, depth, window } = this.options;
    const inner = 2 ** depth - 1;
    const nodes = 2 * inner + 1;
    const width = this.high - this.low || 1;
    const limit = 0.1 * window;
    let mass = 0;
    for (let tree = 0; tree < trees; tree++) {
      let node = 0;
      let scored = false;
      for (let level = 0; level <= depth; level++) {
        const at = tree * nodes + node;
        this.latest[at]!++;
        // A node thinner than the paper's size limit ends the scoring path, not the counting path.
        if (!scored && (level === depth || this.reference[at]! <= limit)) {
          mass += this.reference[at]! * 2 ** level;
          scored = true;
        }
        if (level === depth) break;
        const cut = tree * inner + node;
        const position = (this.recent[this.cutDimension[cut]!]! - this.low) / width;
        node = 2 * node + (position < this.cutAt[cut]! ? 1 : 2);
      }
    }
    return mass;
  }

  serialize(): Uint8Array {
    const { dimensions, trees, depth, window, seed } = this.options;
    const writer = beginState(
      detectorKind.halfSpaceTrees,
      this.latest.length * 2 + dimensions + this.rarity.size + 32,
    );
    writeNumbers(writer, [dimensions, trees, depth, window, seed, this.seen, this.low, this.high]);
    writeNumbers(writer, this.recent);
    for (const counts of [this.reference, this.latest]) for (const count of counts) writer.varint(count);
    this.rarity.write(writer);
    return writer.finish();
  }

  /** Reads what `serialize` wrote. Throws `corrupt-detector` for any other bytes. */
  static deserialize(bytes: Uint8Array): HalfSpaceTrees {
    return readState('detector', bytes, detectorKind.halfSpaceTrees, reader => {
      // The range is infinite and inside out until there are values.
      const numbers = reader.numbers(8, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
      reader.check(numbers.length === 8, 'its options are incomplete');
      const [dimensions, trees, depth, window, seed, seen, low, high] = numbers as Eight;
      checkWhole('depth', depth, 1, 15);
      reader.check(trees >= 1, 'it has no trees');
      // Each node's two counts take a byte or more: what is there bounds what is planted.
      reader.need(2 * trees * (2 ** (depth + 1) - 1));
      const forest = new HalfSpaceTrees({ dimensions, trees, depth, window, seed });
      forest.recent = reader.numbers(dimensions);
      reader.wholeNumber(seen);
      reader.check(forest.recent.length === Math.min(seen, dimensions), 'its point is incomplete');
      reader.check(seen === 0 || (low <= high && !isGap(low) && !isGap(high)), 'its range is none');
      for (const counts of [forest.reference, forest.latest]) {
        for (let i = 0; i < counts.length; i++) counts[i] = reader.varint(0xffffffff);
      }
      return Object.assign(forest, { seen, low, high, rarity: SortedWindow.read(reader, ranks, ranks) });
    });
  }
}
