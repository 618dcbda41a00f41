// What a partition remembers of who sent which batch, so that a repeat is appended once. Invariant: it holds the
// producers of the partition's last `batchesMax` batches that have one (none older than `recordsMax` batches of
// any kind), and is the same whether it grew with the appends or was read back from the index records.
import { hash } from 'node:crypto';
import type { Producer } from './log.ts';
import { duplicateForgotten, sequenceGap, sequenceOverlap } from './log-errors.ts';

export interface WindowLimits {
  /** Batches with a key, and separately with a producer and sequence, that are remembered. */
  batchesMax: number;
  /** Batches of any kind after which one is forgotten in any case: bounds the reading at a restart. */
  recordsMax: number;
  /** Named producers remembered at least; a quarter beyond it, those that were quiet longest are forgotten. */
  producersMax: number;
  /** Batches of one named producer whose offsets are kept. */
  batchesPerProducerMax: number;
}

export const windowLimits: WindowLimits = {
  batchesMax: 65_536,
  recordsMax: 1_048_576,
  producersMax: 4_096,
  batchesPerProducerMax: 32,
};

/** The answer to a batch. While `waiting` is there, the batch is not yet durable. */
export interface Answer<Waiting> {
  offset: number;
  count: number;
  appendTimeMs: number;
  waiting?: Waiting[];
}

interface Remembered<Waiting> {
  answer: Answer<Waiting>;
  ordinal: number;
  first: number;
  next: number;
}

interface ProducerState<Waiting> {
  next: number;
  ordinal: number;
  recent: Remembered<Waiting>[];
}

/** The 128-bit name of a key or producer id: the first half of its SHA-256, as 16 latin1 characters. */
export function producerHash(producer: Producer): string {
  const name = 'key' in producer ? 'k' + producer.key : 'p' + producer.id;
  return hash('sha256', name, 'binary').slice(0, 16);
}

export class ProducerWindow<Waiting> {
  private readonly limits: WindowLimits;
  private readonly keys = new Map<string, Remembered<Waiting>>();
  /** The keys in the order in which they came, as a ring; a Map is slow to give its oldest entry. */
  private readonly keyRing: { name: string; ordinal: number }[] = [];
  private keyRingAt = 0;
  private readonly producers = new Map<string, ProducerState<Waiting>>();
  private ordinal = 0;

  constructor(limits: WindowLimits) {
    this.limits = limits;
  }

  /** Counts a batch that has no producer. */
  countPlain(): void {
    this.ordinal++;
  }

  private isForgotten(ordinal: number): boolean {
    return this.ordinal - ordinal >= this.limits.recordsMax;
  }

  /** The answer given before, or undefined for a new batch; throws for a gap, an overlap, a forgotten repeat. */
  find(producer: Producer, name: string): Answer<Waiting> | undefined {
    if ('key' in producer) {
      const known = this.keys.get(name);
      return known && !this.isForgotten(known.ordinal) ? known.answer : undefined;
    }
    const state = this.producers.get(name);
    if (!state || this.isForgotten(state.ordinal)) return undefined;
    const { id, first, next } = producer;
    if (first === state.next) return undefined;
    if (first > state.next) throw sequenceGap(id, state.next, first);
    if (next > state.next) throw sequenceOverlap(id, state.next, first, next);
    for (let i = state.recent.length - 1; i >= 0; i--) {
      const known = state.recent[i]!;
      if (first >= known.first && first < known.next) return known.answer;
    }
    throw duplicateForgotten(id, first, state.next);
  }

  /** The sequence number after a named producer's last batch; undefined where it is unknown or forgotten. */
  nextOf(name: string): number | undefined {
    const state = this.producers.get(name);
    return state && !this.isForgotten(state.ordinal) ? state.next : undefined;
  }

  rememberKey(name: string, answer: Answer<Waiting>): void {
    const ordinal = this.ordinal++;
    const { keys, keyRing } = this;
    if (keyRing.length === this.limits.batchesMax) {
      const oldest = keyRing[this.keyRingAt]!;
      // A key that was forgotten and came again has a younger place in the ring.
      if (keys.get(oldest.name)?.ordinal === oldest.ordinal) keys.delete(oldest.name);
    }
    keyRing[this.keyRingAt] = { name, ordinal };
    this.keyRingAt = (this.keyRingAt + 1) % this.limits.batchesMax;
    keys.set(name, { answer, ordinal, first: 0, next: 0 });
  }

  rememberSequence(name: string, first: number, next: number, answer: Answer<Waiting>): void {
    const ordinal = this.ordinal++;
    let state = this.producers.get(name);
    if (!state) {
      state = { next, ordinal, recent: [] };
      this.producers.set(name, state);
      if (this.producers.size > this.limits.producersMax * 1.25) this.forgetQuietProducers();
    }
    // A producer forgotten and met again starts anew, wherever it goes on.
    if (state.recent.length > 0 && state.next !== first) state.recent = [];
    state.next = next;
    state.ordinal = ordinal;
    state.recent.push({ answer, ordinal, first, next });
    if (state.recent.length > this.limits.batchesPerProducerMax) state.recent.shift();
  }

  /** All but the `producersMax` that appended last; many at once, so that it costs little an append. */
  private forgetQuietProducers(): void {
    const byAge = [...this.producers].sort(([, a], [, b]) => b.ordinal - a.ordinal);
    for (const [name] of byAge.slice(this.limits.producersMax)) this.producers.delete(name);
  }
}
