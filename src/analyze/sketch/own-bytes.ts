// The frame of the sketches that have no exchange format of their own: three bytes (mark, kind, version), then the
// sketch's fields. Kinds and versions are never reused.
import { ByteReader, ByteWriter } from '../../core/bytes.ts';
import { corruptSketch, readSketch } from './corruption.ts';

const mark = 0x4d;

export const ownKinds = {
  countMin: 1,
  dyadicCountMin: 2,
  bloom: 3,
  blockedBloom: 4,
  countingBloom: 5,
  ddSketch: 6,
  weightedSample: 7,
  decayedSample: 8,
  distinctSample: 9,
  spaceSaving: 10,
} as const;

export type OwnKind = keyof typeof ownKinds;

/** A writer of `size` bytes after the frame. */
export function beginOwn(kind: OwnKind, version: number, size: number): ByteWriter {
  return new ByteWriter(size + 3).u8(mark).u8(ownKinds[kind]).u8(version);
}

/** Runs `read` on the bytes after the frame. Throws `corrupt-sketch`, also where bytes are left over. */
export function readOwn<Result>(
  bytes: Uint8Array,
  kind: OwnKind,
  version: number,
  read: (reader: ByteReader) => Result,
): Result {
  return readSketch(kind, () => {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== mark || reader.u8() !== ownKinds[kind])
      throw corruptSketch(kind, 'another kind of sketch');
    const found = reader.u8();
    if (found !== version) throw corruptSketch(kind, 'their version is not known', { found, known: version });
    const result = read(reader);
    if (reader.remaining > 0)
      throw corruptSketch(kind, 'bytes are left over', { remaining: reader.remaining });
    return result;
  });
}

/** Bytes that ByteWriter.varint takes for a whole number. */
export function varintLength(value: number): number {
  let length = 1;
  while (value >= 128) {
    value = Math.floor(value / 128);
    length++;
  }
  return length;
}

/** A finite number from the reader, at least `minimum`. */
export function finite(reader: ByteReader, kind: OwnKind, minimum = Number.NEGATIVE_INFINITY): number {
  const value = reader.f64();
  if (!(value >= minimum && value < Number.POSITIVE_INFINITY))
    throw corruptSketch(kind, 'a number is out of range');
  return value;
}
