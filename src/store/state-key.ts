// Tuples as bytes whose bytewise order is the order of the tuples: null < false < true < numbers < 64-bit integers <
// text, element by element, a prefix before what it begins. Text is ordered by its UTF-8. The scheme is that of
// FoundationDB's tuple layer: a tag a value, text ended by 00 with 00 inside written as 00 ff.
import { MillraceError } from '../core/errors.ts';

/** A bigint must fit in 64 bits; it sorts after every number, so a field is one or the other. */
export type KeyPart = null | boolean | number | bigint | string;

/** First byte of a text, which a zero byte ends. */
export const textTag = 6;
const tag = { null: 1, false: 2, true: 3, number: 4, integer: 5, text: textTag } as const;

const encoder = new TextEncoder();
// A byte order mark at the start of a text is a character of it.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Writes tuples into one growing buffer; every `finish` is a copy. */
export class KeyWriter {
  private buffer = new Uint8Array(256);
  private view = new DataView(this.buffer.buffer);
  private at = 0;

  get length(): number {
    return this.at;
  }

  private reserve(size: number): void {
    if (this.at + size <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.at + size, this.buffer.length * 2));
    grown.set(this.buffer);
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }

  /** Back to the first `length` bytes, so that a prefix is written once. */
  rewind(length: number): this {
    this.at = length;
    return this;
  }

  part(value: KeyPart): this {
    if (typeof value === 'string') return this.text(value);
    this.reserve(9);
    if (value === null) this.buffer[this.at++] = tag.null;
    else if (typeof value === 'boolean') this.buffer[this.at++] = value ? tag.true : tag.false;
    else if (typeof value === 'number') this.number(value);
    else {
      this.buffer[this.at++] = tag.integer;
      this.view.setBigUint64(this.at, BigInt.asUintN(64, value) ^ 0x8000000000000000n);
      this.at += 8;
    }
    return this;
  }

  private number(value: number): void {
    this.buffer[this.at++] = tag.number;
    // Zeros and NaNs have several bit patterns each.
    this.view.setFloat64(this.at, value === 0 ? 0 : Number.isNaN(value) ? Number.NaN : value);
    // Negative doubles order backwards: all bits are flipped; of the others only the sign.
    if (this.buffer[this.at]! & 0x80) {
      for (let i = 0; i < 8; i++) this.buffer[this.at + i]! ^= 0xff;
    } else this.buffer[this.at]! |= 0x80;
    this.at += 8;
  }

  private text(value: string): this {
    this.reserve(value.length * 6 + 2);
    this.buffer[this.at++] = tag.text;
    const { written } = encoder.encodeInto(value, this.buffer.subarray(this.at));
    const end = this.at + written;
    let zeros = 0;
    for (let i = this.at; i < end; i++) if (this.buffer[i] === 0) zeros++;
    if (zeros > 0) {
      let to = end + zeros;
      for (let from = end - 1; from >= this.at; from--) {
        if (this.buffer[from] === 0) this.buffer[--to] = 0xff;
        this.buffer[--to] = this.buffer[from]!;
      }
    }
    this.at = end + zeros;
    this.buffer[this.at++] = 0;
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
    return this;
  }

  finish(): Uint8Array {
    return this.buffer.slice(0, this.at);
  }

  /** Puts what is written at a place of `target`, which must have the room. */
  copyTo(target: Uint8Array, at: number): void {
    // A call costs more than a few bytes do.
    if (this.at > 48) target.set(this.buffer.subarray(0, this.at), at);
    else for (let i = 0; i < this.at; i++) target[at + i] = this.buffer[i]!;
  }
}

export function encodeKey(parts: readonly KeyPart[]): Uint8Array {
  const writer = new KeyWriter();
  for (const part of parts) writer.part(part);
  return writer.finish();
}

/** The tuple of `bytes`. Throws `state-damaged` for bytes that are none. */
export function decodeKey(bytes: Uint8Array): KeyPart[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: KeyPart[] = [];
  let at = 0;
  while (at < bytes.length) {
    const kind = bytes[at++];
    if (kind === tag.null) parts.push(null);
    else if (kind === tag.false || kind === tag.true) parts.push(kind === tag.true);
    else if (kind === tag.number || kind === tag.integer) {
      if (at + 8 > bytes.length) throw damaged();
      parts.push(kind === tag.number ? decodeNumber(view, at) : decodeInteger(view, at));
      at += 8;
    } else if (kind === tag.text) {
      const end = bytes.indexOf(0, at);
      if (end >= 0 && bytes[end + 1] !== 0xff) {
        parts.push(decoder.decode(bytes.subarray(at, end)));
        at = end + 1;
        continue;
      }
      const unescaped: number[] = [];
      for (;;) {
        if (at >= bytes.length) throw damaged();
        const byte = bytes[at++]!;
        if (byte === 0) {
          if (bytes[at] !== 0xff) break;
          at++;
        }
        unescaped.push(byte);
      }
      parts.push(decoder.decode(Uint8Array.from(unescaped)));
    } else throw damaged();
  }
  return parts;
}

function decodeNumber(view: DataView, at: number): number {
  const raw = view.getBigUint64(at);
  const isPositive = raw >> 63n === 1n;
  const bits = isPositive ? raw ^ 0x8000000000000000n : BigInt.asUintN(64, ~raw);
  const scratch = new DataView(new ArrayBuffer(8));
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}

const decodeInteger = (view: DataView, at: number): bigint =>
  BigInt.asIntN(64, view.getBigUint64(at) ^ 0x8000000000000000n);

const damaged = (): MillraceError => new MillraceError('state-damaged', 'A key of the state is no tuple.');

/** The first key after every key that begins with `prefix`; a prefix of tuples never ends in ff. */
export function afterPrefix(prefix: Uint8Array): Uint8Array {
  const end = prefix.slice();
  for (let i = end.length - 1; i >= 0; i--) {
    if (end[i]! < 0xff) {
      end[i]!++;
      return end.subarray(0, i + 1);
    }
  }
  return Uint8Array.of(0xff);
}

/** Bytewise order. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
