// The laws of everything here that streams, as one set of tests that each kind must pass: bytes come back as they went and
// go on alike; damaged ones are a typed error or a sound state, and take no memory that they do not fill; parts merge to
// the whole; memory is bounded. Test material; not part of the library's surface.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';

export interface StreamingState {
  serialize(): Uint8Array;
}

export interface StateLaws<State extends StreamingState> {
  create(): State;
  /** Takes in the next piece of a stream that depends on `rng` alone. */
  update(state: State, rng: Rng): void;
  restore(bytes: Uint8Array): State;
  /** What one asks a state: numbers that merging must not change, to a relative 1e-7. May throw a MillraceError. */
  look(state: State): number[];
  /** Codes of the errors that `restore` may throw. */
  codes: readonly string[];
  /** Where the mathematics allows it. */
  merge?(into: State, other: State, rng: Rng): void;
  /** The most bytes a state may take after any number of updates. */
  bytesMax: number;
}

const seed = Number(process.env['MILLRACE_SEED'] ?? 7);
const runs = (numRuns: number) => ({ seed, numRuns });
const allocationMax = 100e6;

/** Doubles and counts that a reader must not believe. */
const hostile = [
  ...[Number.NaN, Infinity, -1, 1e308, -1e308, 5e-324, 2 ** 53, 2 ** 24].map(value => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return bytes;
  }),
  ...[1, 2, 4, 8].map(length => new Uint8Array(length).fill(255)),
  Uint8Array.of(255, 255, 255, 255, 255, 255, 127),
  Uint8Array.of(255, 255, 127),
];

function build<State extends StreamingState>(laws: StateLaws<State>, updates: number, rng: Rng): State {
  const state = laws.create();
  for (let i = 0; i < updates; i++) laws.update(state, rng);
  return state;
}

function expectSame(seen: Uint8Array, wanted: Uint8Array): void {
  // The slow comparison only where it has something to show.
  if (!Buffer.from(seen).equals(wanted)) expect(seen).toEqual(wanted);
}

/** Runs `act`; a MillraceError is an answer too, anything else is a defect. */
function answered(act: () => void): void {
  try {
    act();
  } catch (thrown) {
    if (!(thrown instanceof MillraceError)) throw thrown;
  }
}

export function testStateLaws<State extends StreamingState>(name: string, laws: StateLaws<State>): void {
  const updates = fc.integer({ min: 0, max: 60 });
  const streamSeed = fc.integer({ min: 1, max: 1e6 });

  /** Reads bytes of any kind: one of the stated errors, or a state that can be asked, goes on, and is written again. */
  function read(bytes: Uint8Array): void {
    const before = process.memoryUsage().arrayBuffers;
    let state: State;
    try {
      state = laws.restore(bytes);
    } catch (thrown) {
      if (thrown instanceof MillraceError && laws.codes.includes(thrown.code)) return;
      throw thrown;
    } finally {
      const taken = process.memoryUsage().arrayBuffers - before;
      if (taken > allocationMax) expect(taken).toBeLessThanOrEqual(allocationMax);
    }
    const again = laws.restore(state.serialize());
    expectSame(again.serialize(), state.serialize());
    answered(() => laws.update(state, new Rng(1)));
    answered(() => void laws.look(state));
  }

  describe(name, () => {
    it('comes back from its bytes and goes on alike', () => {
      fc.assert(
        fc.property(updates, streamSeed, (count, from) => {
          const state = build(laws, count, new Rng(from));
          const bytes = state.serialize();
          const restored = laws.restore(bytes);
          expectSame(restored.serialize(), bytes);
          const [mine, yours] = [new Rng(from + 1), new Rng(from + 1)];
          for (let i = 0; i < 20; i++) {
            laws.update(state, mine);
            laws.update(restored, yours);
          }
          expectSame(restored.serialize(), state.serialize());
        }),
        runs(20),
      );
    });

    it('refuses bytes that are cut short or go on', () => {
      const bytes = build(laws, 40, new Rng(3)).serialize();
      const refused = expect.objectContaining({ code: expect.toBeOneOf([...laws.codes]) });
      for (let length = 0; length < bytes.length; length++) {
        expect(() => laws.restore(bytes.subarray(0, length))).toThrow(refused);
      }
      expect(() => laws.restore(Uint8Array.of(...bytes, 0))).toThrow(refused);
    });

    it('reads damaged bytes as a typed error or a sound state', () => {
      const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
      fc.assert(
        fc.property(updates, streamSeed, damage, (count, from, edits) => {
          const bytes = build(laws, count, new Rng(from)).serialize();
          for (const [at, value] of edits) bytes[at % bytes.length] = value;
          read(bytes);
        }),
        runs(100),
      );
      const header = build(laws, 0, new Rng(1)).serialize();
      const noise = fc.uint8Array({ maxLength: 200 });
      fc.assert(
        fc.property(fc.nat(8), noise, (kept, rest) =>
          read(Uint8Array.of(...header.subarray(0, kept), ...rest)),
        ),
        runs(100),
      );
    });

    it('believes no length or number that cannot be', () => {
      const bytes = build(laws, 12, new Rng(5)).serialize();
      for (const value of hostile) {
        // Every place where a length can stand, and many where a number does.
        for (let at = 0; at < Math.min(bytes.length, 64); at++) {
          const damaged = new Uint8Array(Math.max(bytes.length, at + value.length));
          damaged.set(bytes);
          damaged.set(value, at);
          read(damaged);
        }
      }
    });

    it(`takes at most ${laws.bytesMax} bytes`, () => {
      expect(build(laws, 3000, new Rng(9)).serialize().length).toBeLessThanOrEqual(laws.bytesMax);
    });

    const { merge } = laws;
    if (!merge) return;
    it('merges parts to the whole, in either order, and leaves the other as it was', () => {
      fc.assert(
        fc.property(fc.integer({ min: 8, max: 60 }), fc.nat(60), streamSeed, (count, cut, from) => {
          const rng = new Rng(from);
          const whole = laws.create();
          const parts = [laws.create(), laws.create()] as const;
          for (let i = 0; i < count; i++) {
            const pieceSeed = rng.uint32();
            laws.update(whole, new Rng(pieceSeed));
            laws.update(parts[i < cut ? 0 : 1], new Rng(pieceSeed));
          }
          const other = parts[1].serialize();
          const [forward, backward] = [laws.restore(parts[0].serialize()), laws.restore(other)];
          merge(forward, parts[1], new Rng(1));
          merge(backward, parts[0], new Rng(1));
          expectSame(parts[1].serialize(), other);
          const wanted = laws.look(whole);
          for (const merged of [forward, backward, laws.restore(forward.serialize())]) {
            const seen = laws.look(merged);
            expect(seen.length).toBe(wanted.length);
            wanted.forEach((value, i) => {
              if (Number.isNaN(value)) expect(seen[i]).toBeNaN();
              else expect(Math.abs(seen[i]! - value)).toBeLessThanOrEqual(1e-7 * (1 + Math.abs(value)));
            });
          }
        }),
        runs(40),
      );
    });
  });
}
