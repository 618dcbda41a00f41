// The levels of a KLL sketch in one array, level 0 first, free room below it; an item of level i stands for 2^i
// items of the stream. Invariants: levels above 0 are sorted; Σ population·2^level = n; retained items never exceed the
// capacity that k, m and the number of levels give. Karnin, Lang, Liberty 2016, with the capacities of DataSketches.
import { Rng } from '../../../core/rng.ts';
import type { KllItemKind, KllStore } from './kll-items.ts';

export const smallestLevel = 8;
export const mostLevels = 61;

const capacitiesByK = new Map<number, Int32Array>();
const capacitiesKept = 64;

/** k·(2/3)^depth rounded half up, at least m, for each depth below the top level. */
function capacitiesOf(k: number, m: number): Int32Array {
  const key = k * 256 + m;
  let capacities = capacitiesByK.get(key);
  if (!capacities) {
    capacities = new Int32Array(mostLevels);
    for (let depth = 0; depth < mostLevels; depth++) {
      const half = depth <= 30 ? depth : Math.floor(depth / 2);
      const first = scaled(k, half);
      capacities[depth] = Math.max(m, depth <= 30 ? first : scaled(first, depth - half));
    }
    if (capacitiesByK.size >= capacitiesKept) capacitiesByK.clear();
    capacitiesByK.set(key, capacities);
  }
  return capacities;
}

function scaled(k: number, depth: number): number {
  const above = 2 * k * 2 ** depth;
  const below = 3 ** depth;
  return Math.floor(((above - (above % below)) / below + 1) / 2);
}

/** Items that `numLevels` levels may hold together. */
export function totalCapacity(k: number, m: number, numLevels: number): number {
  const capacities = capacitiesOf(k, m);
  let total = 0;
  for (let depth = 0; depth < numLevels; depth++) total += capacities[depth]!;
  return total;
}

const firstLength = 8;

export class KllLevels<Item> {
  readonly k: number;
  readonly m: number;
  readonly kind: KllItemKind<Item>;
  store: KllStore<Item>;
  /** Where each level starts in `store`, then its end: numLevels + 1 numbers. */
  starts: number[] = [0, 0];
  isLevelZeroSorted = false;
  private capacity: number;
  private readonly capacities: Int32Array;
  private rng: Rng | undefined;

  constructor(k: number, m: number, kind: KllItemKind<Item>, rng?: Rng) {
    this.rng = rng;
    this.k = k;
    this.m = m;
    this.kind = kind;
    this.capacity = k;
    this.capacities = capacitiesOf(k, m);
    this.store = kind.allocate(0);
  }

  get count(): number {
    return this.starts.length - 1;
  }

  get retained(): number {
    return this.store.length - this.starts[0]!;
  }

  population(level: number): number {
    return this.starts[level + 1]! - this.starts[level]!;
  }

  /** Puts levels read from elsewhere in place; `store` is at most as long as their capacity. */
  adopt(store: KllStore<Item>, starts: number[], isLevelZeroSorted: boolean): void {
    this.store = store;
    this.starts = starts;
    this.isLevelZeroSorted = isLevelZeroSorted;
    this.capacity = totalCapacity(this.k, this.m, starts.length - 1);
  }

  /** Where no generator was given: one seeded from the items, so that sketches of unlike streams do not err alike. */
  private ownRng(): Rng {
    let salt = this.k;
    for (let i = this.starts[0]!; i < this.store.length; i++) {
      salt = (Math.imul(salt, 0x01000193) ^ this.kind.salt(this.store[i]!)) >>> 0;
    }
    return (this.rng = new Rng(salt));
  }

  /** Adds an item of weight one, making room where there is none. */
  add(item: Item): void {
    const start = this.makeRoom() - 1;
    this.store[start] = item;
    this.tookRoom(start);
  }

  /**
   * Makes room at the bottom and answers where level 0 starts: `store[0, start)` is then free. A caller may fill it downwards and
   * must say so with `tookRoom` before it calls anything else.
   */
  makeRoom(): number {
    if (this.starts[0] === 0) {
      if (this.store.length < this.capacity) this.grow();
      else this.compactOnce();
    }
    return this.starts[0]!;
  }

  /** Level 0 now starts at `start`, items of weight one having been put there. */
  tookRoom(start: number): void {
    this.starts[0] = start;
    this.isLevelZeroSorted = false;
  }

  private grow(): void {
    const wanted = this.count === 1 ? Math.max(firstLength, this.store.length * 2) : this.capacity;
    this.resize(Math.min(this.capacity, wanted));
  }

  /** Moves the levels to the top of a store of this length. */
  private resize(length: number): void {
    const { store, starts } = this;
    const shift = length - store.length;
    if (shift === 0) return;
    const moved = this.kind.allocate(length);
    for (let i = starts[0]!; i < store.length; i++) moved[i + shift] = store[i]!;
    this.store = moved;
    for (let level = 0; level < starts.length; level++) starts[level]! += shift;
  }

  /** Halves the lowest full level into the one above. Called with every place taken. */
  private compactOnce(): void {
    const level = this.lowestFull();
    if (level === this.count - 1) {
      this.starts.push(this.store.length);
      this.capacity = totalCapacity(this.k, this.m, this.count);
      this.resize(Math.max(this.capacity, this.store.length));
    }
    this.compact(level);
  }

  private lowestFull(): number {
    const { starts, capacities } = this;
    const top = starts.length - 2;
    let level = 0;
    while (starts[level + 1]! - starts[level]! < capacities[top - level]!) level++;
    return level;
  }

  private compact(level: number): void {
    const { store, starts } = this;
    const begin = starts[level]!;
    const end = starts[level + 1]!;
    const odd = (end - begin) & 1;
    const from = begin + odd;
    const half = (end - from) >>> 1;
    if (level === 0 && !this.isLevelZeroSorted) this.kind.sort(store, from, end);
    const above = starts[level + 2]! - end;
    const pick = (this.rng ?? this.ownRng()).uint32() & 1;
    if (above === 0) {
      for (let i = half - 1; i >= 0; i--) store[end - half + i] = store[from + 2 * i + pick]!;
    } else {
      for (let i = 0; i < half; i++) store[from + i] = store[from + 2 * i + pick]!;
      mergeRuns(store, from, half, end, above);
    }
    starts[level + 1] = end - half;
    if (odd === 1) store[end - half - 1] = store[begin]!;
    starts[level] = end - half - odd;
    if (level > 0) {
      // A loop: copyWithin costs more than these few items.
      for (let i = begin - 1, first = starts[0]!; i >= first; i--) store[i + half] = store[i]!;
      for (let lower = 0; lower < level; lower++) starts[lower]! += half;
    }
  }

  /** Adds the levels above 0 of another sketch of the same m, then compacts until all fits. */
  mergeAbove(other: KllLevels<Item>): void {
    if (other.count === 1) return;
    const count = Math.max(this.count, other.count);
    const store = this.kind.allocate(this.retained + other.retained - other.population(0));
    const starts = [0];
    let at = 0;
    for (let level = 0; level < count; level++) {
      const own = level < this.count ? ([this.starts[level]!, this.starts[level + 1]!] as const) : none;
      const others =
        level > 0 && level < other.count ? ([other.starts[level]!, other.starts[level + 1]!] as const) : none;
      at = mergeInto(store, at, this.store, own, other.store, others);
      starts.push(at);
    }
    this.adopt(store, starts, this.isLevelZeroSorted);
    while (this.retained > this.capacity) this.compactOnce();
    this.resize(this.capacity);
  }
}

const none = [0, 0] as const;

/** Merges the sorted runs store[from, from+half) and store[end, end+above) upward, to end at end+above. Neither is empty. */
function mergeRuns<Item>(
  store: KllStore<Item>,
  from: number,
  half: number,
  end: number,
  above: number,
): void {
  const leftEnd = from + half;
  const rightEnd = end + above;
  let left = from;
  let right = end;
  let to = end - half;
  let mine = store[left]!;
  let theirs = store[right]!;
  for (;;) {
    if (theirs < mine) {
      store[to++] = theirs;
      if (++right === rightEnd) break;
      theirs = store[right]!;
    } else {
      store[to++] = mine;
      // What is left of the upper run is in its place already.
      if (++left === leftEnd) return;
      mine = store[left]!;
    }
  }
  while (left < leftEnd) store[to++] = store[left++]!;
}

function mergeInto<Item>(
  store: KllStore<Item>,
  at: number,
  a: KllStore<Item>,
  [aFrom, aEnd]: readonly [number, number],
  b: KllStore<Item>,
  [bFrom, bEnd]: readonly [number, number],
): number {
  while (aFrom < aEnd || bFrom < bEnd) {
    const fromB = aFrom === aEnd || (bFrom < bEnd && b[bFrom]! < a[aFrom]!);
    store[at++] = fromB ? b[bFrom++]! : a[aFrom++]!;
  }
  return at;
}
