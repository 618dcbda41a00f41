// Memory for request bodies, used again and again: a body of some hundred kilobytes that is garbage afterwards costs more in
// collections than in reading. What lies idle is bounded; beyond it memory is given back.

/** Smallest piece that is made; doubled up to what is asked for. */
const pieceBytesMin = 64 * 1024;
const idleBytesMax = 32 * 1024 * 1024;

export class BodyBuffers {
  private readonly idle = new Map<number, Buffer[]>();
  private idleBytes = 0;

  /** Memory of at least so many bytes, the caller's alone until `give`. Its content is arbitrary. */
  take(bytes: number): Buffer {
    const size = Math.max(pieceBytesMin, 2 ** Math.ceil(Math.log2(bytes)));
    const found = this.idle.get(size)?.pop();
    if (!found) return Buffer.allocUnsafeSlow(size);
    this.idleBytes -= size;
    return found;
  }

  /** Nobody may hold the memory, or a part of it, any more. */
  give(buffer: Buffer): void {
    if (this.idleBytes + buffer.length > idleBytesMax) return;
    const pieces = this.idle.get(buffer.length);
    if (pieces) pieces.push(buffer);
    else this.idle.set(buffer.length, [buffer]);
    this.idleBytes += buffer.length;
  }
}
