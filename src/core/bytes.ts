// Little-endian reading and writing of bounded binary forms: sketches, state rows, index records.
// A reader never reads beyond its bytes; running out is a typed error, not garbage.
import { MillraceError } from './errors.ts';

const encoder = new TextEncoder();
// A byte order mark at the start of a text is a character of it: what was written must come back.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Of a whole number below 2^53. */
const varintBytesMax = 8;

/** Bytes of a text in UTF-8; a surrogate without its other half is three, as TextEncoder writes it. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    if (code < 0x800) {
      length++;
      continue;
    }
    length += 2;
    const isPair = (code & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    // Two units make four bytes.
    if (isPair) i++;
  }
  return length;
}

/**
 * Appends values to a growing buffer, which `reset` uses again. Room is taken before the view is used, since growing replaces it. `finish`
 * returns a copy of the bytes written.
 */
export class ByteWriter {
  private buffer: Uint8Array;
  private view: DataView;
  private at = 0;

  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  get length(): number {
    return this.at;
  }

  private reserve(size: number): number {
    const start = this.at;
    this.at += size;
    if (this.at > this.buffer.length) {
      const grown = new Uint8Array(Math.max(this.at, this.buffer.length * 2));
      grown.set(this.buffer);
      this.buffer = grown;
      this.view = new DataView(grown.buffer);
    }
    return start;
  }

  /** Begins anew, in the same buffer. */
  reset(): this {
    this.at = 0;
    return this;
  }

  u8(value: number): this {
    const at = this.reserve(1);
    this.buffer[at] = value;
    return this;
  }
  u16(value: number): this {
    const at = this.reserve(2);
    this.view.setUint16(at, value, true);
    return this;
  }
  u32(value: number): this {
    const at = this.reserve(4);
    this.view.setUint32(at, value, true);
    return this;
  }
  i32(value: number): this {
    const at = this.reserve(4);
    this.view.setInt32(at, value, true);
    return this;
  }
  u64(value: bigint): this {
    const at = this.reserve(8);
    this.view.setBigUint64(at, value, true);
    return this;
  }
  i64(value: bigint): this {
    const at = this.reserve(8);
    this.view.setBigInt64(at, value, true);
    return this;
  }
  f32(value: number): this {
    const at = this.reserve(4);
    this.view.setFloat32(at, value, true);
    return this;
  }
  f64(value: number): this {
    const at = this.reserve(8);
    this.view.setFloat64(at, value, true);
    return this;
  }
  /** LEB128, for whole numbers in [0, 2^53). */
  varint(value: number): this {
    if (value < 128) return this.u8(value);
    let at = this.reserve(varintBytesMax);
    const { buffer } = this;
    for (; value >= 128; value = Math.floor(value / 128)) buffer[at++] = (value % 128) | 128;
    buffer[at++] = value;
    this.at = at;
    return this;
  }
  bytes(value: Uint8Array): this {
    return this.part(value, 0, value.length);
  }
  /** Bytes [start, start + length) of `source`. */
  part(source: Uint8Array, start: number, length: number): this {
    // The offset is taken first: reserving may replace the buffer.
    const at = this.reserve(length);
    const { buffer } = this;
    // A call costs more than a few bytes do.
    if (length > 48) buffer.set(source.subarray(start, start + length), at);
    else for (let i = 0; i < length; i++) buffer[at + i] = source[start + i]!;
    return this;
  }
  /** Length as a varint, then UTF-8. */
  text(value: string): this {
    const length = utf8Length(value);
    return this.varint(length).utf8(value, length);
  }
  /** UTF-8 alone, of which `length` is the length. */
  utf8(value: string, length = utf8Length(value)): this {
    const at = this.reserve(length);
    const { buffer } = this;
    // The encoder is quick with many characters and slow to call.
    if (length === value.length && length <= 48) {
      for (let i = 0; i < length; i++) buffer[at + i] = value.charCodeAt(i);
    } else encoder.encodeInto(value, buffer.subarray(at));
    return this;
  }
  finish(): Uint8Array {
    return this.buffer.slice(0, this.at);
  }
}

/** Reads what ByteWriter wrote. Throws `truncated-bytes` at the end of its bytes. */
export class ByteReader {
  private readonly view: DataView;
  private at = 0;
  private readonly source: Uint8Array;

  constructor(source: Uint8Array) {
    this.source = source;
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }

  get position(): number {
    return this.at;
  }
  get remaining(): number {
    return this.source.length - this.at;
  }

  private take(size: number): number {
    if (size > this.remaining) {
      throw new MillraceError(
        'truncated-bytes',
        `${size} bytes wanted at ${this.at}, ${this.remaining} left.`,
      );
    }
    const start = this.at;
    this.at += size;
    return start;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }
  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }
  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }
  i32(): number {
    return this.view.getInt32(this.take(4), true);
  }
  u64(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }
  i64(): bigint {
    return this.view.getBigInt64(this.take(8), true);
  }
  f32(): number {
    return this.view.getFloat32(this.take(4), true);
  }
  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw new MillraceError('truncated-bytes', `a varint at ${this.at} has no end.`);
  }
  /** A view of the next bytes, not a copy. */
  bytes(length: number): Uint8Array {
    const start = this.take(length);
    return this.source.subarray(start, start + length);
  }
  /** Throws a TypeError where the bytes are not UTF-8. */
  text(): string {
    return decoder.decode(this.bytes(this.varint()));
  }
  skip(length: number): void {
    this.take(length);
  }
}
