// Seeded random numbers: xoshiro128** (Blackman & Vigna 2018) seeded through splitmix32. The only source
// of randomness in the system outside key generation, so that everything replays from a seed.

/** A stream of pseudo-random numbers. Not for secrets. */
export class Rng {
  private a: number;
  private b: number;
  private c: number;
  private d: number;
  private spareGaussian = Number.NaN;

  /** `seed` is any number; its low 32 bits and its high part both count. */
  constructor(seed: number) {
    let state = (seed ^ Math.floor(seed / 4294967296)) >>> 0;
    const split = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.a = split();
    this.b = split();
    this.c = split();
    this.d = split() | 1;
  }

  /** A whole number in [0, 2^32). */
  uint32(): number {
    const product = Math.imul(this.b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** A number in [0, 1) with 53 random bits. */
  float(): number {
    return (this.uint32() * 2097152 + (this.uint32() >>> 11)) / 9007199254740992;
  }

  /** A whole number in [0, bound), unbiased; 1 ≤ bound ≤ 2^32. */
  below(bound: number): number {
    const limit = 4294967296 - (4294967296 % bound);
    let value = this.uint32();
    while (value >= limit) value = this.uint32();
    return value % bound;
  }

  boolean(probability = 0.5): boolean {
    return this.float() < probability;
  }

  /** A standard normal variate (Marsaglia's polar method). */
  gaussian(): number {
    if (!Number.isNaN(this.spareGaussian)) {
      const spare = this.spareGaussian;
      this.spareGaussian = Number.NaN;
      return spare;
    }
    for (;;) {
      const u = 2 * this.float() - 1;
      const v = 2 * this.float() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) {
        const scale = Math.sqrt((-2 * Math.log(s)) / s);
        this.spareGaussian = v * scale;
        return u * scale;
      }
    }
  }

  /** An exponential variate with the given rate (> 0). */
  exponential(rate = 1): number {
    return -Math.log(1 - this.float()) / rate;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** A generator whose stream is independent of what this one yields next. */
  fork(): Rng {
    return new Rng(this.uint32() * 4294967296 + this.uint32());
  }
}
