// Are the frequent items that a view names those of its events? Every count is the true one or too high by no more than the promised
// share of the group's values, and whatever is not named is no more frequent than that.
import type { Comparable } from './comparable.ts';
import { keyOf } from './comparable.ts';

export interface ItemCount {
  value: Comparable;
  count: number;
}

export interface TrueCounts {
  /** Values of the group. */
  events: number;
  /** The most frequent, most frequent first: all of them where they are fewer than `places`. */
  top: readonly ItemCount[];
}

/** `wanted`: how many were asked for; `places`, `share`: of frequency-error.ts. */
export function areFrequent(
  found: readonly ItemCount[],
  exact: TrueCounts,
  { wanted, places, share }: { wanted: number; places: number; share: number },
): boolean {
  if (found.length > wanted) return false;
  const bound = share * exact.events;
  const counts = new Map(exact.top.map(({ value, count }) => [keyOf(value), count]));
  // What is not among the most frequent is no more frequent than the last of them.
  const rest = exact.top.length < places ? 0 : (exact.top.at(-1)?.count ?? 0);
  let before = Number.POSITIVE_INFINITY;
  const named = new Set<string>();
  for (const { value, count } of found) {
    const key = keyOf(value);
    if (named.has(key) || !(count <= before)) return false;
    named.add(key);
    before = count;
    const times = counts.get(key);
    if (times === undefined && rest === 0) return false;
    if (count < (times ?? 1) || count > (times ?? rest) + bound) return false;
  }
  const least = found.length < wanted ? 0 : before;
  for (const [key, count] of counts) {
    if (count <= Math.max(least, bound)) break;
    if (!named.has(key)) return false;
  }
  return true;
}

/** As many values as asked for, or all; each one of the group's, and no more often than there. */
export function isSample(found: readonly Comparable[], all: readonly Comparable[], size: number): boolean {
  const left = new Map<string, number>();
  for (const value of all) left.set(keyOf(value), (left.get(keyOf(value)) ?? 0) + 1);
  for (const value of found) {
    const count = left.get(keyOf(value)) ?? 0;
    if (count === 0) return false;
    left.set(keyOf(value), count - 1);
  }
  return found.length === Math.min(size, all.length);
}
