// What every sketch keeps: its memory is bounded by its parameters, partial results merge in any order and grouping
// into equally bounded ones, and it crosses disk and wire as versioned bytes.

/**
 * A summary of a stream that can be split, kept and joined again. Each class also has
 * `static deserialize(bytes)`, which answers a sketch or throws `corrupt-sketch`, whatever the bytes are.
 */
export interface MergeableSketch<Self> {
  /** Adds what `other` has seen. `other` is not changed. Throws `incompatible-sketches` where parameters differ. */
  merge(other: Self): void;
  /** The sketch as bytes, independent of this machine. */
  serialize(): Uint8Array;
}
