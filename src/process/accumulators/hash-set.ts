// A set of 128-bit hashes by open addressing in one array of words. The hash of all zeros is kept as another one, which no
// real value has but with the chance of a 128-bit collision.

const firstLength = 8;

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

  each(visit: (words: Uint32Array, at: number) => void): void {
    eachHash(this.words, visit);
  }

  get byteLength(): number {
    return this.words.byteLength;
  }
}

function eachHash(words: Uint32Array, visit: (words: Uint32Array, at: number) => void): void {
  for (let at = 0; at < words.length; at += 4) {
    if ((words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) !== 0) visit(words, at);
  }
}
