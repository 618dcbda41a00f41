// The kinds of item a KLL sketch can hold: how they are stored, ordered and written. The byte forms are those of
// DataSketches' double, float, long and (length-prefixed UTF-8) string sketches.
import type { ByteReader, ByteWriter } from '../../../core/bytes.ts';
import { corruptSketch } from '../corruption.ts';

/** Storage for items: typed where the item allows it. */
export interface KllStore<Item> {
  readonly length: number;
  [index: number]: Item;
  copyWithin(target: number, start: number, end?: number): unknown;
}

export interface KllItemKind<Item> {
  readonly name: 'double' | 'float' | 'long' | 'string';
  allocate(length: number): KllStore<Item>;
  /** Sorts `store[from, to)` ascending in place. */
  sort(store: KllStore<Item>, from: number, to: number): void;
  /** A number that depends on the item, to seed the sketch's coin where no generator was given. */
  salt(item: Item): number;
  byteLength(item: Item): number;
  write(writer: ByteWriter, item: Item): void;
  /** Throws `corrupt-sketch` for an item that has no order (NaN). */
  read(reader: ByteReader): Item;
}

// Most compactions sort a handful of items: below this length a native sort costs more than it saves.
const shortSort = 32;

function sortNumbers(store: KllStore<number>, from: number, to: number): void {
  const numbers = store as Float64Array;
  if (to - from > shortSort) {
    numbers.subarray(from, to).sort();
    return;
  }
  for (let i = from + 1; i < to; i++) {
    const item = numbers[i]!;
    let at = i - 1;
    while (at >= from && numbers[at]! > item) {
      numbers[at + 1] = numbers[at]!;
      at--;
    }
    numbers[at + 1] = item;
  }
}

function ordered(value: number): number {
  if (Number.isNaN(value)) throw corruptSketch('KLL sketch', 'an item is NaN');
  return value;
}

const saltOf = (value: number): number => {
  const fraction = Math.abs(value) % 4294967296;
  return Math.imul((fraction | 0) ^ ((fraction % 1) * 4294967296), 0x9e3779b1) ^ (value < 0 ? 1 : 0);
};

export const doubleItems: KllItemKind<number> = {
  name: 'double',
  allocate: length => new Float64Array(length),
  sort: sortNumbers,
  salt: saltOf,
  byteLength: () => 8,
  write: (writer, item) => void writer.f64(item),
  read: reader => ordered(reader.f64()),
};

export const floatItems: KllItemKind<number> = {
  ...doubleItems,
  name: 'float',
  byteLength: () => 4,
  write: (writer, item) => void writer.f32(item),
  read: reader => ordered(reader.f32()),
};

export const longItems: KllItemKind<bigint> = {
  name: 'long',
  allocate: length => new BigInt64Array(length),
  sort: (store, from, to) => void (store as BigInt64Array).subarray(from, to).sort(),
  salt: item => saltOf(Number(BigInt.asIntN(52, item))),
  byteLength: () => 8,
  write: (writer, item) => void writer.i64(item),
  read: reader => reader.i64(),
};

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const stringItems: KllItemKind<string> = {
  name: 'string',
  allocate: length => new Array<string>(length).fill(''),
  sort(store, from, to) {
    const sorted = (store as string[]).slice(from, to).sort();
    for (let i = 0; i < sorted.length; i++) store[from + i] = sorted[i]!;
  },
  salt(item) {
    let salt = item.length;
    for (let i = 0; i < item.length && i < 32; i++) salt = Math.imul(salt ^ item.charCodeAt(i), 0x01000193);
    return salt;
  },
  byteLength: item => 4 + encoder.encode(item).length,
  write(writer, item) {
    const encoded = encoder.encode(item);
    writer.u32(encoded.length).bytes(encoded);
  },
  read: reader => decoder.decode(reader.bytes(reader.u32())),
};
