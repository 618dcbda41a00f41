// A set of 128-bit hashes by open addressing in one array of words. The hash of all zeros is kept as another one, which no
// real value has but with the chance of a 128-bit collision.

const firstLength = 8;

/** Words that are visited in one go: some lines of a processor's cache. */
const blockLength = 64;

/** 2^32 by the golden ratio, and odd: a step that comes by every block of a table, at any time about as often by each part of it. */
const leap = 0x9e3779b1;

export class HashSet {
  size = 0;
  private words = new Uint32Array(firstLength * 4);

  /** Adds the hash at `from[at … at + 4)`; true where it is new. */
  add(from: Uint32Array, at: number): boolean {
    const [a, b, c] = [from[at]!, from[at + 1]!, from[at + 2]!];
    const d = (a | b | c | from[at + 3]!) === 0 ? 1 : from[at + 3]!;
    const { words } = this;
    const mask = words.length - 1;
    for (let place = (a << 2) & mask; ; place = (place + 4) & mask) {
      const isFree = (words[place]! | words[place + 1]! | words[place + 2]! | words[place + 3]!) === 0;
      if (isFree) {
        words[place] = a;
        words[place + 1] = b;
        words[place + 2] = c;
        words[place + 3] = d;
        if (++this.size * 16 > words.length * 3) this.grow();
        return true;
      }
      const isSame = words[place] === a && words[place + 1] === b && words[place + 2] === c;
      if (isSame && words[place + 3] === d) return false;
    }
  }

  private grow(): void {
    const before = this.words;
    this.words = new Uint32Array(before.length * 2);
    this.size = 0;
    eachHash(before, (words, at) => this.add(words, at));
  }

  /**
   * In leaps over the whole table. In the table's own order the hashes would fill the beginning of a smaller one first, and each run
   * through all of that to find a place.
   */
  each(visit: (words: Uint32Array, at: number) => void): void {
    const { words } = this;
    const blocks = Math.max(1, words.length / blockLength);
    for (let i = 0; i < blocks; i++) {
      const from = (Math.imul(i, leap) & (blocks - 1)) * blockLength;
      eachHash(words, visit, from, Math.min(from + blockLength, words.length));
    }
  }

  get byteLength(): number {
    return this.words.byteLength;
  }
}

function eachHash(
  words: Uint32Array,
  visit: (words: Uint32Array, at: number) => void,
  from = 0,
  to = words.length,
): void {
  for (let at = from; at < to; at += 4) {
    if ((words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) !== 0) visit(words, at);
  }
}
