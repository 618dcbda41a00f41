// The groups that are in memory: each tuple of group values once, under a number that every window's cells use. Numbers stay
// while `generation` does; `collect` drops what no window holds any more and begins another generation.
import type { KeyPart } from '../store/state-key.ts';

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
  private ids = new Map<string, number>();
  private tuples: KeyPart[][] = [];
  private keys: string[] = [];
  private textLength = 0;

  get size(): number {
    return this.tuples.length;
  }

  /** The number of a tuple, which is taken over by the registry. */
  intern(values: KeyPart[]): number {
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (typeof value === 'string') values[i] = wellFormed(value);
    }
    const key = groupKey(values);
    let id = this.ids.get(key);
    if (id === undefined) {
      id = this.tuples.push(values) - 1;
      this.keys.push(key);
      this.ids.set(key, id);
      this.textLength += key.length;
    }
    return id;
  }

  /** The number of a tuple that is there. */
  find(values: readonly KeyPart[]): number | undefined {
    return this.ids.get(groupKey(values));
  }

  values(id: number): readonly KeyPart[] {
    return this.tuples[id]!;
  }

  key(id: number): string {
    return this.keys[id]!;
  }

  /** Keeps the groups for which `isLive[id]` is 1; answers the new number of each old one. */
  collect(isLive: Uint8Array): Int32Array {
    const moved = new Int32Array(this.tuples.length).fill(-1);
    const [tuples, keys] = [this.tuples, this.keys];
    this.ids = new Map();
    this.tuples = [];
    this.keys = [];
    this.textLength = 0;
    for (let id = 0; id < tuples.length; id++) {
      if (isLive[id] !== 1) continue;
      moved[id] = this.tuples.push(tuples[id]!) - 1;
      this.keys.push(keys[id]!);
      this.ids.set(keys[id]!, moved[id]!);
      this.textLength += keys[id]!.length;
    }
    this.generation++;
    return moved;
  }

  memoryBytes(): number {
    return this.tuples.length * 160 + this.textLength * 2;
  }
}
