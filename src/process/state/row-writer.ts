// Writes the values of state rows one after another into the same buffer, so that a commit of many rows allocates each row's
// bytes and nothing else. The form is core's ByteReader's: little-endian, LEB128 lengths.

const encoder = new TextEncoder();
/** Of a whole number below 2^53. */
const varintBytesMax = 8;

export class RowWriter {
  private buffer = new Uint8Array(4096);
  private view = new DataView(this.buffer.buffer);
  private at = 0;

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

  /** Starts the next row. */
  reset(): this {
    this.at = 0;
    return this;
  }

  u8(value: number): this {
    const at = this.reserve(1);
    this.buffer[at] = value;
    return this;
  }
  u32(value: number): this {
    const at = this.reserve(4);
    this.view.setUint32(at, value, true);
    return this;
  }
  i64(value: bigint): this {
    const at = this.reserve(8);
    this.view.setBigInt64(at, value, true);
    return this;
  }
  f64(value: number): this {
    const at = this.reserve(8);
    this.view.setFloat64(at, value, true);
    return this;
  }
  /** For whole numbers in [0, 2^53). */
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
    const at = this.reserve(length);
    const { buffer } = this;
    // A call costs more than a few bytes do.
    if (length > 48) buffer.set(source.subarray(start, start + length), at);
    else for (let i = 0; i < length; i++) buffer[at + i] = source[start + i]!;
    return this;
  }
  text(value: string): this {
    const encoded = encoder.encode(value);
    return this.varint(encoded.length).bytes(encoded);
  }
  /** A copy of the row. */
  finish(): Uint8Array {
    return this.buffer.slice(0, this.at);
  }
}
