// How the items that a sketch keeps are written: in the forms of DataSketches' doubles, floats, longs and strings (UTF-8
// behind its length), and JSON text for anything else.
import { type ByteReader, ByteWriter, utf8Length } from '../../core/bytes.ts';
import { Rng } from '../../core/rng.ts';
import { corruptSketch } from './corruption.ts';
import { murmurBytes } from './murmur.ts';

/** Writes and reads one kind of item. `read` throws `truncated-bytes` or `corrupt-sketch`. */
export interface ItemCodec<Item> {
  readonly name: string;
  /** Bytes that `write` takes. */
  byteLength(item: Item): number;
  write(writer: ByteWriter, item: Item): void;
  read(reader: ByteReader): Item;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Numbers, eight bytes each. */
export const doubleCodec: ItemCodec<number> = {
  name: 'double',
  byteLength: () => 8,
  write: (writer, item) => void writer.f64(item),
  read: reader => reader.f64(),
};

/** Numbers in single precision, four bytes each. */
export const floatCodec: ItemCodec<number> = {
  name: 'float',
  byteLength: () => 4,
  write: (writer, item) => void writer.f32(item),
  read: reader => reader.f32(),
};

/** Bigints as signed 64-bit integers. */
export const longCodec: ItemCodec<bigint> = {
  name: 'long',
  byteLength: () => 8,
  write: (writer, item) => void writer.i64(item),
  read: reader => reader.i64(),
};

/** Strings: the length of their UTF-8 in four bytes, then that. */
export const stringCodec: ItemCodec<string> = {
  name: 'string',
  byteLength: item => 4 + utf8Length(item),
  write(writer, item) {
    const length = utf8Length(item);
    writer.u32(length).utf8(item, length);
  },
  read: reader => decoder.decode(reader.bytes(reader.u32())),
};

/** Any value that JSON keeps: objects, arrays, numbers, strings, booleans, null. */
export const jsonCodec: ItemCodec<unknown> = {
  name: 'json',
  byteLength: item => stringCodec.byteLength(JSON.stringify(item) ?? 'null'),
  write: (writer, item) => stringCodec.write(writer, JSON.stringify(item) ?? 'null'),
  read(reader) {
    const text = stringCodec.read(reader);
    try {
      return JSON.parse(text);
    } catch {
      throw corruptSketch('sample', 'an item is not JSON');
    }
  },
};

/**
 * The generator of a sample that was given none: seeded from an item, so that runs replay and the samples of unlike streams do not draw
 * alike, which would spoil their merging.
 */
export function rngFromItem<Item>(codec: ItemCodec<Item>, item: Item, salt: number): Rng {
  const writer = new ByteWriter(codec.byteLength(item));
  codec.write(writer, item);
  const [low, high] = murmurBytes(writer.finish(), new Uint32Array(4));
  return new Rng((low! ^ salt) + (high! & 0xfffff) * 4294967296);
}
