// How much a view keeps in the state store: rows of windows and their pages. It is counted as rows are written and deleted and is
// committed with them, so that asking costs nothing and a restart knows it.
import { ByteReader } from '../../core/bytes.ts';
import type { StateReader } from '../../store/state.ts';
import { type LevelKeys, parsePageKey, parseWindowKey, readWindowRecord } from './state-rows.ts';

export interface StoredSize {
  /** Groups of all windows: one that is in ten windows counts ten times. Overflow groups are not counted. */
  groups: number;
  /** Of keys and values. */
  bytes: number;
}

export const noSize: StoredSize = { groups: 0, bytes: 0 };

export const addSizes = (a: StoredSize, b: StoredSize): StoredSize => ({
  groups: a.groups + b.groups,
  bytes: a.bytes + b.bytes,
});

export const isOf = (of: { source: number; partition: number }, source: number, partition: number): boolean =>
  of.source === source && of.partition === partition;

/** Adds up the rows of a level's windows with fromUs ≤ start < toUs, by the partition they are of. Reads them all. */
export function storedSizes(
  state: StateReader,
  keys: LevelKeys,
  fromUs: number,
  toUs: number,
): { source: number; partition: number; size: StoredSize }[] {
  const sizes: ReturnType<typeof storedSizes> = [];
  const add = (source: number, partition: number, size: StoredSize): void => {
    const known = sizes.find(one => isOf(one, source, partition));
    if (known) known.size = addSizes(known.size, size);
    else sizes.push({ source, partition, size });
  };
  for (const { key, value } of state.range(...keys.windowRange(fromUs, toUs))) {
    const { source, partition } = parseWindowKey(key);
    const { groups } = readWindowRecord(new ByteReader(value));
    add(source, partition, { groups, bytes: key.length + value.length });
  }
  for (const { key, value } of state.range(...keys.pageRange(fromUs, toUs))) {
    const { source, partition } = parsePageKey(key);
    add(source, partition, { groups: 0, bytes: key.length + value.length });
  }
  return sizes;
}
