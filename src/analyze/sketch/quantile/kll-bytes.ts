// The serial form of a KLL sketch: that of Apache DataSketches (family 15). Written compact; read compact or updatable.
//
//   bytes 0–7    preamble ints (2 for n ≤ 1, else 5) · version (1, 2 for n = 1, 3 updatable) · 15 · flags · k u16 · m · 0
//   n = 1        the item from byte 8
//   n > 1        n u64 at 8 · minK u16 at 16 · levels u8 at 18 · 0 · level starts u32 each · min · max · items
import { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import type { Rng } from '../../../core/rng.ts';
import { corruptSketch } from '../corruption.ts';
import type { KllItemKind } from './kll-items.ts';
import { KllLevels, mostLevels, totalCapacity } from './kll-levels.ts';

export interface KllContent<Item> {
  levels: KllLevels<Item>;
  n: number;
  /** Smallest k of the sketches merged into this one; the error bound follows from it. */
  minK: number;
  min: Item | undefined;
  max: Item | undefined;
}

const what = 'KLL sketch';
const family = 15;
const flag = { empty: 1, levelZeroSorted: 2, single: 4 } as const;
const version = { compact: 1, single: 2, updatable: 3 } as const;

export function writeKll<Item>({ levels, n, minK, min, max }: KllContent<Item>): Uint8Array {
  const { kind, store, starts } = levels;
  const first = starts[0]!;
  let itemBytes = 0;
  for (let i = first; i < store.length; i++) itemBytes += kind.byteLength(store[i]!);
  const isFull = n > 1;
  const ends = isFull ? kind.byteLength(min!) + kind.byteLength(max!) : 0;
  const writer = new ByteWriter(isFull ? 20 + 4 * levels.count + ends + itemBytes : 8 + itemBytes);
  const flags = n === 0 ? flag.empty : n === 1 ? flag.single : 0;
  writer
    .u8(isFull ? 5 : 2)
    .u8(n === 1 ? version.single : version.compact)
    .u8(family);
  writer.u8(flags | (isFull && levels.isLevelZeroSorted ? flag.levelZeroSorted : 0));
  writer.u16(levels.k).u8(levels.m).u8(0);
  if (isFull) {
    writer.u64(BigInt(n)).u16(minK).u8(levels.count).u8(0);
    // Positions are those in a store of full capacity; ours may still be smaller.
    const shift = totalCapacity(levels.k, levels.m, levels.count) - store.length;
    for (let level = 0; level < levels.count; level++) writer.u32(starts[level]! + shift);
    kind.write(writer, min!);
    kind.write(writer, max!);
  }
  for (let i = first; i < store.length; i++) kind.write(writer, store[i]!);
  return writer.finish();
}

/** Throws `corrupt-sketch`. */
export function readKll<Item>(bytes: Uint8Array, kind: KllItemKind<Item>, rng?: Rng): KllContent<Item> {
  const reader = new ByteReader(bytes);
  const ints = reader.u8();
  const serial = reader.u8();
  if (reader.u8() !== family || serial < 1 || serial > 3)
    throw corruptSketch(what, 'family or version differ');
  const flags = reader.u8();
  const k = reader.u16();
  const m = reader.u8();
  reader.skip(1);
  if (m < 2 || m > 8 || m % 2 !== 0 || k < m) throw corruptSketch(what, 'k or m is out of range', { k, m });
  const isEmpty = (flags & flag.empty) !== 0;
  const isSingle = serial === version.single || (flags & flag.single) !== 0;
  if (ints !== (serial === version.updatable || !(isEmpty || isSingle) ? 5 : 2)) {
    throw corruptSketch(what, 'preamble and flags disagree', { ints, flags });
  }
  const content: KllContent<Item> = {
    levels: new KllLevels(k, m, kind, rng),
    n: 0,
    minK: k,
    min: undefined,
    max: undefined,
  };
  if (isEmpty) return content;
  if (isSingle && serial !== version.updatable) {
    const item = kind.read(reader);
    const store = kind.allocate(1);
    store[0] = item;
    content.levels.adopt(store, [0, 1], false);
    return { ...content, n: 1, min: item, max: item };
  }
  return readFull(reader, content, serial === version.updatable, (flags & flag.levelZeroSorted) !== 0);
}

function readFull<Item>(
  reader: ByteReader,
  content: KllContent<Item>,
  isUpdatable: boolean,
  isLevelZeroSorted: boolean,
): KllContent<Item> {
  const { k, m, kind } = content.levels;
  const n = reader.u64();
  const minK = reader.u16();
  const count = reader.u8();
  reader.skip(1);
  if (count < 1 || count > mostLevels || minK < m || minK > k)
    throw corruptSketch(what, 'levels or minK out of range');
  const capacity = totalCapacity(k, m, count);
  const starts: number[] = [];
  for (let level = 0; level < count; level++) starts.push(reader.u32());
  starts.push(isUpdatable ? reader.u32() : capacity);
  checkLevels(starts, capacity, n);
  const [min, max] =
    isUpdatable && n === 0n ? [undefined, undefined] : [kind.read(reader), kind.read(reader)];
  if (isUpdatable) for (let i = 0; i < starts[0]!; i++) kind.read(reader);
  // Each item takes four bytes or more, so the bytes there bound what is allocated.
  const retained = capacity - starts[0]!;
  if (reader.remaining < retained * 4) throw corruptSketch(what, 'they end early');
  const store = kind.allocate(retained);
  for (let i = 0; i < retained; i++) store[i] = kind.read(reader);
  content.levels.adopt(
    store,
    starts.map(start => start - starts[0]!),
    isLevelZeroSorted,
  );
  checkItems(content.levels, min, max);
  return { levels: content.levels, n: Number(n), minK, min, max };
}

function checkLevels(starts: readonly number[], capacity: number, n: bigint): void {
  let weight = 0n;
  for (let level = 0; level < starts.length - 1; level++) {
    const population = starts[level + 1]! - starts[level]!;
    if (population < 0) throw corruptSketch(what, 'its levels overlap');
    weight += BigInt(population) << BigInt(level);
  }
  if (starts.at(-1) !== capacity) throw corruptSketch(what, 'its levels do not fit its k');
  if (weight !== n || n > BigInt(Number.MAX_SAFE_INTEGER))
    throw corruptSketch(what, 'its items do not add up to n');
}

function checkItems<Item>(levels: KllLevels<Item>, min: Item | undefined, max: Item | undefined): void {
  const { store, starts } = levels;
  for (let level = 0; level < levels.count; level++) {
    const isSorted = level > 0 || levels.isLevelZeroSorted;
    for (let i = starts[level]!; i < starts[level + 1]!; i++) {
      const item = store[i]!;
      if (item < min! || item > max!) throw corruptSketch(what, 'an item is beyond min or max');
      if (isSorted && i > starts[level]! && item < store[i - 1]!)
        throw corruptSketch(what, 'a level is not sorted');
    }
  }
}
