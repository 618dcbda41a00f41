// Finds the slot of a cell, (window, group), of all windows in memory of one level: one open-addressed table with linear probing,
// so that a cell costs 12 bytes and a look-up one cache line, however many windows there are.
//
// Invariant: at most 5/8 of the places are taken; an entry lies between its home place and the next free one, which
// removing keeps true by shifting entries back (Knuth, TAOCP 6.4, algorithm R).

const firstBits = 6;
const stride = 3;
const empty = -1;

export class CellTable {
  /** By place: window's number, group, slot; slot −1 where the place is free. */
  private entries = freePlaces(1 << firstBits);
  private bits = firstBits;
  size = 0;

  /** The slot, or −1. */
  find(window: number, group: number): number {
    const { entries } = this;
    const mask = (1 << this.bits) - 1;
    for (let place = this.home(window, group); ; place = (place + 1) & mask) {
      const at = place * stride;
      const slot = entries[at + 2]!;
      if (slot === empty || (entries[at + 1] === group && entries[at] === window)) return slot;
    }
  }

  /** Adds a cell that is not there. */
  add(window: number, group: number, slot: number): void {
    if ((this.size + 1) * 8 > (1 << this.bits) * 5) this.grow();
    this.place(window, group, slot);
    this.size++;
  }

  /** Removes a cell; nothing happens where it is not there. */
  remove(window: number, group: number): void {
    const { entries } = this;
    const mask = (1 << this.bits) - 1;
    let hole = this.home(window, group);
    for (; ; hole = (hole + 1) & mask) {
      const at = hole * stride;
      if (entries[at + 2] === empty) return;
      if (entries[at + 1] === group && entries[at] === window) break;
    }
    this.size--;
    for (let place = (hole + 1) & mask; entries[place * stride + 2] !== empty; place = (place + 1) & mask) {
      const at = place * stride;
      const home = this.home(entries[at]!, entries[at + 1]!);
      // An entry may go back to the hole where that is not before its home.
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      entries.copyWithin(hole * stride, at, at + stride);
      hole = place;
    }
    entries[hole * stride + 2] = empty;
  }

  clear(): void {
    this.bits = firstBits;
    this.entries = freePlaces(1 << firstBits);
    this.size = 0;
  }

  get byteLength(): number {
    return this.entries.byteLength;
  }

  private home(window: number, group: number): number {
    let hash = Math.imul(group, 0x9e3779b1) ^ Math.imul(window, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    return (hash ^ (hash >>> 13)) & ((1 << this.bits) - 1);
  }

  private place(window: number, group: number, slot: number): void {
    const { entries } = this;
    const mask = (1 << this.bits) - 1;
    let place = this.home(window, group);
    while (entries[place * stride + 2] !== empty) place = (place + 1) & mask;
    entries[place * stride] = window;
    entries[place * stride + 1] = group;
    entries[place * stride + 2] = slot;
  }

  private grow(): void {
    const old = this.entries;
    this.bits++;
    this.entries = freePlaces(1 << this.bits);
    for (let at = 0; at < old.length; at += stride) {
      if (old[at + 2] !== empty) this.place(old[at]!, old[at + 1]!, old[at + 2]!);
    }
  }
}

const freePlaces = (places: number): Int32Array => new Int32Array(places * stride).fill(empty);
