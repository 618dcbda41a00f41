// Finds the slot of a group in one window: an open-addressed table with linear probing. A window has a table of its own, so that
// the one that events go to stays in the processor's cache however many windows are in memory.
//
// Invariant: at most 5/8 of the places are taken.

const firstBits = 3;
const stride = 2;
const empty = -1;

export class GroupTable {
  /** By place: group, slot; slot −1 where the place is free. */
  private entries = freePlaces(1 << firstBits);
  private bits = firstBits;
  size = 0;

  /** The slot, or −1. */
  find(group: number): number {
    const { entries } = this;
    const mask = (1 << this.bits) - 1;
    for (let place = this.home(group); ; place = (place + 1) & mask) {
      const at = place * stride;
      const slot = entries[at + 1]!;
      if (slot === empty || entries[at] === group) return slot;
    }
  }

  /** Adds a group that is not there. */
  add(group: number, slot: number): void {
    if ((this.size + 1) * 8 > (1 << this.bits) * 5) this.grow();
    this.place(group, slot);
    this.size++;
  }

  /** Forgets all groups, and keeps the room. */
  clear(): void {
    this.entries.fill(empty);
    this.size = 0;
  }

  get byteLength(): number {
    return this.entries.byteLength;
  }

  private home(group: number): number {
    const hash = Math.imul(group, 0x9e3779b1);
    return (hash ^ (hash >>> 15)) & ((1 << this.bits) - 1);
  }

  private place(group: number, slot: number): void {
    const { entries } = this;
    const mask = (1 << this.bits) - 1;
    let place = this.home(group);
    while (entries[place * stride + 1] !== empty) place = (place + 1) & mask;
    entries[place * stride] = group;
    entries[place * stride + 1] = slot;
  }

  private grow(): void {
    const old = this.entries;
    this.bits++;
    this.entries = freePlaces(1 << this.bits);
    for (let at = 0; at < old.length; at += stride) {
      if (old[at + 1] !== empty) this.place(old[at]!, old[at + 1]!);
    }
  }
}

const freePlaces = (places: number): Int32Array => new Int32Array(places * stride).fill(empty);
