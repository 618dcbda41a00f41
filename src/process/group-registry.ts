// The groups that are in memory: each tuple of group values once, under a number that every window's cells use. Numbers stay
// while `generation` does; `collect` drops what no window holds any more and begins another generation.
import { type KeyPart, KeyWriter } from '../store/state-key.ts';
import type { RowWriter } from './row-writer.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const surrogate = /[\ud800-\udfff]/;

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

/** A lone surrogate is U+FFFD, as it is in the state's UTF-8. */
export const wellFormed = (text: string): string =>
  surrogate.test(text) ? decoder.decode(encoder.encode(text)) : text;

export class GroupRegistry {
  generation = 0;
  /** Grows with every group that came in from the store, which a miss remembered from before does not know of. */
  loads = 0;
  private ids = new Map<string, number>();
  /** Groups of a single text by that text itself: no key has to be made and hashed for the most common look-up. */
  private texts = new Map<string, number>();
  private tuples: KeyPart[][] = [];
  /** The tuples' bytes, of those that were once written. */
  private encoded: (Uint8Array | undefined)[] = [];
  private readonly keys = new KeyWriter();
  private textLength = 0;

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
    const known = this.find(values);
    if (known !== undefined) return known;
    return this.add(values.map(value => (typeof value === 'string' ? wellFormed(value) : value)));
  }

  private add(values: KeyPart[]): number {
    const id = this.tuples.push(values) - 1;
    const only = values[0];
    if (values.length === 1 && typeof only === 'string') {
      this.texts.set(only, id);
      this.textLength += only.length;
    } else {
      const key = groupKey(values);
      this.ids.set(key, id);
      this.textLength += key.length;
    }
    return id;
  }

  /** The number of a tuple that is there. */
  find(values: readonly KeyPart[]): number | undefined {
    const found = this.findExact(values);
    if (found !== undefined || !values.some(value => typeof value === 'string' && surrogate.test(value))) {
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
    return this.tuples[id]!;
  }

  key(id: number): string {
    return groupKey(this.tuples[id]!);
  }

  /** Writes a tuple with its length. */
  write(id: number, writer: RowWriter): void {
    const bytes = (this.encoded[id] ??= this.encode(this.tuples[id]!));
    writer.varint(bytes.length).bytes(bytes);
  }

  private encode(values: readonly KeyPart[]): Uint8Array {
    this.keys.rewind(0);
    for (const value of values) this.keys.part(value);
    return this.keys.finish();
  }

  /** Keeps the groups for which `isLive[id]` is 1; answers the new number of each old one. */
  collect(isLive: Uint8Array): Int32Array {
    const { tuples } = this;
    const moved = new Int32Array(tuples.length).fill(-1);
    this.ids = new Map();
    this.texts = new Map();
    this.tuples = [];
    this.encoded = [];
    this.textLength = 0;
    for (let id = 0; id < tuples.length; id++) if (isLive[id] === 1) moved[id] = this.add(tuples[id]!);
    this.generation++;
    return moved;
  }

  memoryBytes(): number {
    return this.tuples.length * 140 + this.textLength * 2;
  }
}
