// The kinds of item a KLL sketch can hold: how they are stored and ordered.
import type { ByteReader } from '../../../core/bytes.ts';
import { corruptSketch } from '../corruption.ts';
import { doubleCodec, floatCodec, type ItemCodec, longCodec, stringCodec } from '../item-codec.ts';

/** Storage for items: typed where the item allows it. */
export interface KllStore<Item> {
  readonly length: number;
  [index: number]: Item;
}

export interface KllItemKind<Item> extends ItemCodec<Item> {
  readonly name: 'double' | 'float' | 'long' | 'string';
  allocate(length: number): KllStore<Item>;
  /** Sorts `store[from, to)` ascending in place. */
  sort(store: KllStore<Item>, from: number, to: number): void;
  /** A number that depends on the item, to seed the sketch's coin where no generator was given. */
  salt(item: Item): number;
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

const noNumbers = new Float64Array(0);

const saltOf = (value: number): number => {
  const fraction = Math.abs(value) % 4294967296;
  return Math.imul((fraction | 0) ^ ((fraction % 1) * 4294967296), 0x9e3779b1) ^ (value < 0 ? 1 : 0);
};

export const doubleItems: KllItemKind<number> = {
  ...doubleCodec,
  name: 'double',
  // The many empty sketches share one store.
  allocate: length => (length === 0 ? noNumbers : new Float64Array(length)),
  sort: sortNumbers,
  salt: saltOf,
  read: reader => ordered(doubleCodec.read(reader)),
};

export const floatItems: KllItemKind<number> = {
  ...doubleItems,
  ...floatCodec,
  name: 'float',
  read: reader => ordered(floatCodec.read(reader)),
};

export const longItems: KllItemKind<bigint> = {
  ...longCodec,
  name: 'long',
  allocate: length => new BigInt64Array(length),
  sort: (store, from, to) => void (store as BigInt64Array).subarray(from, to).sort(),
  salt: item => saltOf(Number(BigInt.asIntN(52, item))),
};

export const stringItems: KllItemKind<string> = {
  ...stringCodec,
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
};
