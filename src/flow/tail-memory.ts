// The newest bytes of the partitions that grow the fastest, in memory that all threads share: the writer hands the
// device its blocks from here, past the page cache, and readers at the tail copy from here instead of asking the file.
// The byte at position p of a segment's file lies at p modulo the ring's length, so blocks of the file are blocks of the
// memory. Invariant: a reader's copy may have been overtaken by the writer; its caller believes only what matches the
// batches' checksums.

const pageBytes = 64 * 1024;
const headerBytes = pageBytes;
const ringHeaderBytes = 64;
/** A ring whose partition has not used it for so long may be given to another. */
const restMs = 1000;

// Header, int64: 0 = rings; then 64 bytes a ring, int64: 0 = slot of its partition + 1, 1 = base offset of the segment,
// 2 = position of the first byte it has of the file, 3 = position after the last.
const owner = 0;
const base = 1;
const low = 2;
const high = 3;

export class TailMemory {
  readonly memory: SharedArrayBuffer;
  private readonly rings: TailRing[];

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    const header = new BigInt64Array(memory, 0, headerBytes / 8);
    const rings = Number(header[0]);
    const ringBytes = Math.floor((memory.byteLength - headerBytes) / rings);
    this.rings = Array.from({ length: rings }, (_, ring) => {
      const at = ((ring + 1) * ringHeaderBytes) / 8;
      return new TailRing(
        header.subarray(at, at + ringHeaderBytes / 8),
        new Uint8Array(memory, headerBytes + ring * ringBytes, ringBytes),
      );
    });
  }

  /**
   * `ringBytes` in multiples of 64 KiB. Takes address space; of the machine's memory only what is written to.
   */
  static create(rings: number, ringBytes: number): TailMemory {
    const pages = (headerBytes + rings * ringBytes) / pageBytes;
    const memory = memoryOf(pages);
    new BigInt64Array(memory)[0] = BigInt(rings);
    return new TailMemory(memory);
  }

  /** The partition's ring, or one that rests; undefined where all are in use. Writer only. */
  claim(slot: number, segment: number, nowMs: number): TailRing | undefined {
    const ring =
      this.rings.find(ring => ring.slot === slot) ??
      this.rings.find(ring => ring.slot === -1) ??
      this.rings.find(ring => !ring.isBusy && nowMs - ring.usedMs >= restMs);
    ring?.use(slot, segment, nowMs);
    return ring;
  }

  /** Fills `target` with a segment's bytes from `position` on; false, and the target is anything, where it can't. */
  read(slot: number, segment: number, position: number, target: Uint8Array): boolean {
    return this.rings.some(ring => ring.read(slot, segment, position, target));
  }
}

/** Memory of WebAssembly begins at a page of the machine, which writing past the cache demands. */
function memoryOf(pages: number): SharedArrayBuffer {
  try {
    const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    return buffer as unknown as SharedArrayBuffer;
  } catch {
    // Where address space is rationed: readers share it all the same, and writes go through the cache.
    return new SharedArrayBuffer(pages * pageBytes);
  }
}

export class TailRing {
  usedMs = 0;
  /** While the device reads from it. */
  isBusy = false;
  private readonly header: BigInt64Array;
  private readonly bytes: Uint8Array;

  constructor(header: BigInt64Array, bytes: Uint8Array) {
    this.header = header;
    this.bytes = bytes;
  }

  private get(field: number): number {
    return Number(Atomics.load(this.header, field));
  }
  private set(field: number, value: number): void {
    Atomics.store(this.header, field, BigInt(value));
  }

  /** The partition whose bytes it holds; -1 where none. */
  get slot(): number {
    return this.get(owner) - 1;
  }

  use(slot: number, segment: number, nowMs: number): void {
    this.usedMs = nowMs;
    if (this.slot === slot && this.get(base) === segment) return;
    this.set(owner, 0);
    this.clear(0);
    this.set(base, segment);
    this.set(owner, slot + 1);
  }

  /** Whether the bytes from `start` up to `end`, and none behind them, are here. */
  endsWith(start: number, end: number): boolean {
    return this.get(low) <= start && this.get(high) === end;
  }

  /** Forgets everything; what is put next is at `position`. */
  clear(position: number): void {
    this.set(high, position);
    this.set(low, position);
  }

  /** Lays bytes behind the last, over the oldest; returns the position after them. */
  put(chunks: readonly Uint8Array[]): number {
    const { bytes } = this;
    let end = this.get(high);
    const newEnd = chunks.reduce((sum, chunk) => sum + chunk.length, end);
    // The bytes that are about to be covered are given up first.
    this.set(low, Math.max(this.get(low), newEnd - bytes.length));
    for (const chunk of chunks) {
      const at = end % bytes.length;
      const before = Math.min(chunk.length, bytes.length - at);
      bytes.set(before === chunk.length ? chunk : chunk.subarray(0, before), at);
      if (before < chunk.length) bytes.set(chunk.subarray(before), 0);
      end += chunk.length;
    }
    this.set(high, end);
    return end;
  }

  /** The memory of some of the bytes that are here; valid until the next `put`. */
  view(start: number, end: number): Uint8Array[] {
    const { length } = this.bytes;
    const at = start % length;
    const before = Math.min(end - start, length - at);
    const views = [this.bytes.subarray(at, at + before)];
    if (before < end - start) views.push(this.bytes.subarray(0, end - start - before));
    return views;
  }

  read(slot: number, segment: number, position: number, target: Uint8Array): boolean {
    const end = position + target.length;
    const isHere = (): boolean =>
      this.slot === slot && this.get(base) === segment && this.get(low) <= position && this.get(high) >= end;
    if (!isHere()) return false;
    let at = 0;
    for (const view of this.view(position, end)) {
      target.set(view, at);
      at += view.length;
    }
    return isHere();
  }
}
