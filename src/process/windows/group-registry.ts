// The groups that are in memory: each tuple of group values once, under a number that every window's cells use. Numbers stay
// while `generation` does; `collect` drops what no window holds any more and begins another generation. A text that came as
// bytes stays bytes until its value is asked for, and the tables to find groups by value are filled when something is looked for.
import type { ByteWriter } from '../../core/bytes.ts';
import { hasSurrogates, wellFormed } from '../../core/surrogates.ts';
import { decodeKey, type KeyPart, KeyWriter, textTag } from '../../store/state-key.ts';
import { grown } from '../accumulators/growth.ts';

/** Group values that differ are different keys. A single text, the most common group, is its own key behind one character. */
export function groupKey(values: readonly KeyPart[]): string {
  if (values.length === 1 && typeof values[0] === 'string') return `=${values[0]}`;
  let key = '';
  for (const value of values) {
    if (typeof value === 'string') key += `s${value.length}:${value}`;
    else if (value === null) key += 'n';
    else if (typeof value === 'number') key += `d${value};`;
    else if (typeof value === 'bigint') key += `i${value};`;
    else key += value ? 't' : 'f';
  }
  return key;
}

function lengthOf(tuple: readonly KeyPart[]): number {
  let length = 0;
  for (const value of tuple) if (typeof value === 'string') length += value.length;
  return length;
}

/** Longer texts, and those that are not plain, are interned by value. */
const plainTextMax = 4096;

export class GroupRegistry {
  generation = 0;
  /** Grows with every group that came in from the store, which a miss remembered from before does not know of. */
  loads = 0;
  private ids = new Map<string, number>();
  /** Groups of a single text by that text itself: no key has to be made and hashed for the most common look-up. */
  private texts = new Map<string, number>();
  /** Groups below are in `ids` or `texts`. */
  private indexed = 0;
  /** By number; undefined while only the bytes are there. */
  private tuples: (KeyPart[] | undefined)[] = [];
  /** Tuples as bytes, one after another; by number where they are, length 0 while nobody has asked for them. */
  private bytes = new Uint8Array(0);
  private bytesUsed = 0;
  private starts = new Int32Array(0);
  private lengths = new Int32Array(0);
  private readonly keys = new KeyWriter();
  private indexedLength = 0;
  /** Characters of the texts of all groups. */
  textTotal = 0;

  get size(): number {
    return this.tuples.length;
  }

  /** As `intern`, for groups read from the store. */
  load(values: KeyPart[]): number {
    const before = this.tuples.length;
    const id = this.intern(values);
    if (id === before) this.loads++;
    return id;
  }

  /** The number of a tuple, which is taken over by the registry. */
  intern(values: KeyPart[]): number {
    return this.find(values) ?? this.add(values);
  }

  /** The number of a tuple that is not there yet, which is taken over by the registry. */
  add(values: KeyPart[]): number {
    const tuple = values.map(value => (typeof value === 'string' ? wellFormed(value) : value));
    this.textTotal += lengthOf(tuple);
    const id = this.tuples.push(tuple) - 1;
    this.growTo(id + 1);
    return id;
  }

  /**
   * The number of a single text that is not there yet, as the bytes that `copy` puts at the given place: its length, or −1. Answers
   * −1, and adds nothing, for a text that is not plain ASCII or is long.
   */
  addText(copy: (target: Uint8Array, at: number, max: number) => number): number {
    this.makeRoom(plainTextMax + 2);
    const { bytes, bytesUsed: start } = this;
    const length = copy(bytes, start + 1, plainTextMax);
    if (length < 0) return -1;
    for (let at = start + 1; at <= start + length; at++) if (bytes[at]! > 127 || bytes[at] === 0) return -1;
    bytes[start] = textTag;
    bytes[start + length + 1] = 0;
    const id = this.tuples.push(undefined) - 1;
    this.growTo(id + 1);
    this.starts[id] = start;
    this.lengths[id] = length + 2;
    this.bytesUsed += length + 2;
    this.textTotal += length;
    return id;
  }

  /** Characters of a tuple's texts. */
  textLength(id: number): number {
    const tuple = this.tuples[id];
    return tuple === undefined ? this.lengths[id]! - 2 : lengthOf(tuple);
  }

  private makeRoom(size: number): void {
    const wanted = this.bytesUsed + size;
    if (wanted > this.bytes.length) this.bytes = grown(this.bytes, Math.max(8192, wanted * 2));
  }

  private growTo(size: number): void {
    if (size <= this.starts.length) return;
    this.starts = grown(this.starts, Math.max(64, size * 2));
    this.lengths = grown(this.lengths, this.starts.length);
  }

  private index(): void {
    for (; this.indexed < this.tuples.length; this.indexed++) {
      const values = this.values(this.indexed);
      const only = values[0];
      if (values.length === 1 && typeof only === 'string') {
        this.texts.set(only, this.indexed);
        this.indexedLength += only.length;
      } else {
        const key = groupKey(values);
        this.ids.set(key, this.indexed);
        this.indexedLength += key.length;
      }
    }
  }

  /** The number of a tuple that is there. */
  find(values: readonly KeyPart[]): number | undefined {
    this.index();
    const found = this.findExact(values);
    if (found !== undefined || !values.some(value => typeof value === 'string' && hasSurrogates(value))) {
      return found;
    }
    return this.findExact(values.map(value => (typeof value === 'string' ? wellFormed(value) : value)));
  }

  private findExact(values: readonly KeyPart[]): number | undefined {
    const only = values[0];
    if (values.length === 1 && typeof only === 'string') return this.texts.get(only);
    return this.ids.get(groupKey(values));
  }

  values(id: number): readonly KeyPart[] {
    let values = this.tuples[id];
    if (values === undefined) {
      const start = this.starts[id]!;
      values = this.tuples[id] = decodeKey(this.bytes.subarray(start, start + this.lengths[id]!));
    }
    return values;
  }

  key(id: number): string {
    return groupKey(this.values(id));
  }

  /** Writes a tuple with its length. */
  write(id: number, writer: ByteWriter): void {
    if (this.lengths[id] === 0) {
      this.keys.rewind(0);
      for (const value of this.tuples[id]!) this.keys.part(value);
      const encoded = this.keys.finish();
      if (encoded.length > plainTextMax) {
        writer.varint(encoded.length).part(encoded, 0, encoded.length);
        return;
      }
      this.keep(id, encoded);
    }
    const start = this.starts[id]!;
    const length = this.lengths[id]!;
    writer.varint(length).part(this.bytes, start, length);
  }

  private keep(id: number, encoded: Uint8Array): void {
    this.makeRoom(encoded.length);
    this.bytes.set(encoded, this.bytesUsed);
    this.starts[id] = this.bytesUsed;
    this.lengths[id] = encoded.length;
    this.bytesUsed += encoded.length;
  }

  /** Keeps the groups for which `isLive[id]` is 1; answers the new number of each old one. */
  collect(isLive: Uint8Array): Int32Array {
    const { tuples, bytes, starts, lengths } = this;
    const moved = new Int32Array(tuples.length).fill(-1);
    this.ids = new Map();
    this.texts = new Map();
    this.tuples = [];
    this.indexed = this.indexedLength = this.bytesUsed = this.textTotal = 0;
    this.bytes = new Uint8Array(0);
    this.starts = new Int32Array(0);
    this.lengths = new Int32Array(0);
    for (let old = 0; old < tuples.length; old++) {
      if (isLive[old] !== 1) continue;
      const id = (moved[old] = this.tuples.push(tuples[old]) - 1);
      this.growTo(id + 1);
      const length = lengths[old]!;
      this.makeRoom(length);
      this.bytes.set(bytes.subarray(starts[old]!, starts[old]! + length), this.bytesUsed);
      this.starts[id] = this.bytesUsed;
      this.lengths[id] = length;
      this.bytesUsed += length;
      this.textTotal += this.textLength(id);
    }
    this.generation++;
    return moved;
  }

  memoryBytes(): number {
    const byNumber = this.tuples.length * 16 + this.starts.byteLength + this.lengths.byteLength;
    return byNumber + this.bytes.byteLength + this.indexed * 100 + this.indexedLength * 2;
  }
}
