// Tells, in one pass over bytes, whether some object has a key twice. DuckDB, where it keeps nested values as JSON, says nothing of it and
// reads the first, while JSON.parse has the last. Keys are told apart by hashes: two that collide cost a needless look, nothing else.

const quote = 0x22;
const backslash = 0x5c;
/** FNV-1a, as a signed number. */
const hashStart = 0x811c9dc5 | 0;
/** So many keys of an object are compared with each other; more are put into a set. */
const comparedMax = 16;

/** As deep as an event may be, and more. */
const depthMax = 128;

export class NestedKeys {
  /** Some object that was passed has a key twice. */
  areRepeated = false;
  /** Hashes of the keys of the objects that are open, the innermost last. */
  private hashes = new Int32Array(256);
  /** Where the keys of each open object or array begin. */
  private readonly starts = new Int32Array(depthMax);

  /** `at` is an opening brace or bracket of valid JSON; answers where the value ends. */
  after(bytes: Uint8Array, at: number): number {
    const { starts } = this;
    let { hashes } = this;
    let [depth, start, count] = [0, 0, 0];
    for (;;) {
      const byte = bytes[at]!;
      if (byte === quote) {
        const from = at + 1;
        let isEscaped = false;
        let hash = hashStart;
        for (let one = bytes[++at]!; one !== quote; one = bytes[++at]!) {
          hash = Math.imul(hash ^ one, 0x01000193);
          if (one !== backslash) continue;
          isEscaped = true;
          at++;
        }
        const end = at++;
        let next = bytes[at]!;
        while (next === 0x20 || next === 0x09 || next === 0x0d) next = bytes[++at]!;
        if (next !== 0x3a) continue;
        if (isEscaped) hash = plainHash(bytes, from, end);
        if (count - start <= comparedMax) {
          for (let i = start; i < count; i++) if (hashes[i] === hash) this.areRepeated = true;
        }
        if (count === hashes.length) hashes = this.grow();
        hashes[count++] = hash;
        at++;
        continue;
      }
      at++;
      if (byte === 0x7b || byte === 0x5b) {
        starts[depth++] = start;
        start = count;
      } else if (byte === 0x7d || byte === 0x5d) {
        if (count - start > comparedMax) this.compare(start, count);
        count = start;
        start = starts[--depth]!;
        if (depth === 0) return at;
      }
    }
  }

  private compare(start: number, count: number): void {
    if (new Set(this.hashes.subarray(start, count)).size < count - start) this.areRepeated = true;
  }

  private grow(): Int32Array<ArrayBuffer> {
    const hashes = new Int32Array(this.hashes.length * 2);
    hashes.set(this.hashes);
    this.hashes = hashes;
    return hashes;
  }
}

/** The hash of a key with escapes, as if it were spelled without. */
function plainHash(bytes: Uint8Array, from: number, end: number): number {
  const text = JSON.parse(new TextDecoder().decode(bytes.subarray(from - 1, end + 1))) as string;
  let hash = hashStart;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
