// The groups that are in memory: each tuple of group values once, under a number that every window's cells use. Numbers stay
// while `generation` does; `collect` drops what no window holds any more and begins another generation. A tuple is kept as the
// bytes of its key (state-key.ts), which equal tuples share, and found by them; its values are made when they are asked for.
import type { ByteWriter } from '../../core/bytes.ts';
import { keyedHash } from '../../core/keyed-hash.ts';
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

/** Longer texts are staged by value. */
const plainTextMax = 4096;
const placesFirst = 64;

export class GroupRegistry {
  generation = 0;
  /** Grows with every group that came in from the store, which a miss remembered from before does not know of. */
  loads = 0;
  size = 0;
  /** Keys, one after another, and behind them the one that is staged. */
  private bytes = new Uint8Array(0);
  /** Bytes of the keys of all groups. */
  bytesUsed = 0;
  /** By number: where its key is, and the key's hash. */
  private starts = new Float64Array(0);
  private lengths = new Int32Array(0);
  private hashes = new Int32Array(0);
  /** Numbers plus one by hash, with linear probing; 0 where a place is free. At most half of the places are taken. */
  private places = new Int32Array(placesFirst);
  /** By number; undefined while nobody has asked. */
  private tuples: (readonly KeyPart[] | undefined)[] = [];
  private tupleBytes = 0;
  private stagedLength = 0;
  private readonly keys = new KeyWriter();
  /** Keys come from events: nobody who sends them shall know which of them fall on one place. */
  private readonly hashKey = crypto.getRandomValues(new Int32Array(2));

  /** Makes a tuple the one that `findStaged` and `internStaged` are about, until the next call of any other method. */
  stage(values: readonly KeyPart[]): void {
    this.keys.rewind(0);
    for (const value of values) this.keys.part(value);
    this.stagedLength = this.keys.length;
    this.makeRoom(this.stagedLength);
    this.keys.copyTo(this.bytes, this.bytesUsed);
  }

  /**
   * As `stage`, for a single text whose bytes `copy` puts at the given place, answering its length, or −1. Answers false, and stages
   * nothing, for a text that is not plain ASCII or is long.
   */
  stageText(copy: (target: Uint8Array, at: number, max: number) => number): boolean {
    this.makeRoom(plainTextMax + 2);
    const { bytes, bytesUsed: start } = this;
    const length = copy(bytes, start + 1, plainTextMax);
    if (length < 0) return false;
    for (let at = start + 1; at <= start + length; at++)
      if (bytes[at]! > 127 || bytes[at] === 0) return false;
    bytes[start] = textTag;
    bytes[start + length + 1] = 0;
    this.stagedLength = length + 2;
    return true;
  }

  /** The number of the tuple that is staged, or −1. */
  findStaged(): number {
    return this.findHashed(this.hashOfStaged());
  }

  private findHashed(hash: number): number {
    const { places, hashes, lengths } = this;
    const mask = places.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const id = places[place]! - 1;
      if (id < 0) return -1;
      if (hashes[id] === hash && lengths[id] === this.stagedLength && this.isStaged(id)) return id;
    }
  }

  private isStaged(id: number): boolean {
    const { bytes, bytesUsed, stagedLength } = this;
    const start = this.starts[id]!;
    for (let i = 0; i < stagedLength; i++) if (bytes[start + i] !== bytes[bytesUsed + i]) return false;
    return true;
  }

  /** The number of the tuple that is staged, which is there from now on. */
  internStaged(): number {
    const hash = this.hashOfStaged();
    const found = this.findHashed(hash);
    if (found >= 0) return found;
    const id = this.size++;
    if (id >= this.starts.length) {
      const length = Math.max(placesFirst, id * 2);
      this.starts = grown(this.starts, length);
      this.lengths = grown(this.lengths, length);
      this.hashes = grown(this.hashes, length);
    }
    this.starts[id] = this.bytesUsed;
    this.lengths[id] = this.stagedLength;
    this.hashes[id] = hash;
    this.bytesUsed += this.stagedLength;
    if (this.size * 2 > this.places.length) this.index(this.places.length * 2);
    else this.place(id);
    return id;
  }

  /** The number of a tuple. */
  intern(values: readonly KeyPart[]): number {
    this.stage(values);
    return this.internStaged();
  }

  /** As `intern`, for a group's key as it was read from the store. */
  load(key: Uint8Array): number {
    this.makeRoom(key.length);
    this.bytes.set(key, this.bytesUsed);
    this.stagedLength = key.length;
    const before = this.size;
    const id = this.internStaged();
    if (id === before) this.loads++;
    return id;
  }

  private hashOfStaged(): number {
    return keyedHash(this.bytes, this.bytesUsed, this.stagedLength, this.hashKey);
  }

  private place(id: number): void {
    const { places } = this;
    const mask = places.length - 1;
    let place = this.hashes[id]! & mask;
    while (places[place] !== 0) place = (place + 1) & mask;
    places[place] = id + 1;
  }

  private index(places: number): void {
    this.places = new Int32Array(places);
    for (let id = 0; id < this.size; id++) this.place(id);
  }

  private makeRoom(size: number): void {
    const wanted = this.bytesUsed + size;
    if (wanted > this.bytes.length) this.bytes = grown(this.bytes, Math.max(8192, wanted * 2));
  }

  /** Bytes of a tuple's key. */
  length(id: number): number {
    return this.lengths[id]!;
  }

  values(id: number): readonly KeyPart[] {
    let values = this.tuples[id];
    if (values === undefined) {
      const start = this.starts[id]!;
      values = this.tuples[id] = decodeKey(this.bytes.subarray(start, start + this.lengths[id]!));
      this.tupleBytes += 100 + 2 * this.lengths[id]!;
    }
    return values;
  }

  key(id: number): string {
    return groupKey(this.values(id));
  }

  /** Writes a tuple's key with its length. */
  write(id: number, writer: ByteWriter): void {
    const length = this.lengths[id]!;
    writer.varint(length).part(this.bytes, this.starts[id]!, length);
  }

  /** Keeps the groups for which `isLive[id]` is 1; answers the new number of each old one. */
  collect(isLive: Uint8Array): Int32Array {
    const { size, bytes, starts, lengths, hashes } = this;
    const moved = new Int32Array(size).fill(-1);
    let kept = 0;
    let used = 0;
    for (let id = 0; id < size; id++) {
      if (isLive[id] !== 1) continue;
      moved[id] = kept++;
      used += lengths[id]!;
    }
    this.size = kept;
    this.bytes = new Uint8Array(used);
    this.starts = new Float64Array(kept);
    this.lengths = new Int32Array(kept);
    this.hashes = new Int32Array(kept);
    this.tuples = [];
    this.bytesUsed = this.tupleBytes = 0;
    for (let old = 0; old < size; old++) {
      const id = moved[old]!;
      if (id < 0) continue;
      const start = starts[old]!;
      const length = (this.lengths[id] = lengths[old]!);
      this.hashes[id] = hashes[old]!;
      this.starts[id] = this.bytesUsed;
      this.bytes.set(bytes.subarray(start, start + length), this.bytesUsed);
      this.bytesUsed += length;
    }
    let places = placesFirst;
    while (places < kept * 2) places *= 2;
    this.index(places);
    this.generation++;
    return moved;
  }

  memoryBytes(): number {
    const tables = [this.bytes, this.starts, this.lengths, this.hashes, this.places];
    return (
      tables.reduce((sum, { byteLength }) => sum + byteLength, 0) + this.tuples.length * 8 + this.tupleBytes
    );
  }
}
